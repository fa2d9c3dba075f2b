package quote_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"skytools/lib/quote"
	"skytools/lib/testpg"
)

// newer are words that are quoted for the sake of majors after 15.
var newer = map[string]bool{"json": true, "json_array": true, "json_arrayagg": true, "json_exists": true, "json_object": true,
	"json_objectagg": true, "json_query": true, "json_scalar": true, "json_serialize": true, "json_table": true,
	"json_value": true, "merge_action": true, "system_user": true}

func TestKeywords(t *testing.T) {
	t.Parallel()
	conn := testpg.Connect(t, testpg.Shared(t).NewDB(t))
	rows, err := conn.Query(t.Context(), "select word, quote_ident(word) from pg_get_keywords()")
	if err != nil {
		t.Fatal(err)
	}
	for rows.Next() {
		var word, want string
		if err := rows.Scan(&word, &want); err != nil {
			t.Fatal(err)
		}
		if got := quote.Ident(word); got != want && !newer[word] {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// names draws texts with a liking for what is special in names and literals.
func names() *rapid.Generator[string] {
	r := rapid.OneOf(rapid.SampledFrom([]rune(`aZ_09."'\ $.é`)), rapid.Rune()).Filter(func(r rune) bool { return r != 0 })
	return rapid.Map(rapid.SliceOfN(r, 0, 12), func(rs []rune) string { return string(rs) })
}

func TestAsServer(t *testing.T) {
	t.Parallel()
	dsn := testpg.Shared(t).NewDB(t, testpg.Extensions("pgq"))
	conn := testpg.Connect(t, dsn)
	rapid.Check(t, func(t *rapid.T) {
		s := names().Draw(t, "s")
		var ident, literal, name string
		err := conn.QueryRow(t.Context(), "select quote_ident($1), quote_literal($1::text), pgq.quote_fqname($1)", s).Scan(&ident, &literal, &name)
		if err != nil {
			t.Fatal(err)
		}
		if newer[s] {
			t.Skip()
		}
		if got := quote.Ident(s); got != ident {
			t.Errorf("ident: got %s, want %s", got, ident)
		}
		if got := quote.Literal(s); got != literal {
			t.Errorf("literal: got %s, want %s", got, literal)
		}
		if got := quote.Name(s); got != name {
			t.Errorf("name: got %s, want %s", got, name)
		}
	})
}

func TestURLAsServer(t *testing.T) {
	t.Parallel()
	dsn := testpg.Shared(t).NewDB(t, testpg.Extensions("pgq"))
	conn := testpg.Connect(t, dsn)
	rapid.Check(t, func(t *rapid.T) {
		s := names().Draw(t, "s")
		var want string
		if err := conn.QueryRow(t.Context(), "select pgq._urlencode($1)", s).Scan(&want); err != nil {
			t.Fatal(err)
		}
		if got := string(quote.AppendURL(nil, []byte(s))); got != want {
			t.Errorf("%q gives %s, want %s", s, got, want)
		}
	})
}

func FuzzSplitName(f *testing.F) {
	for _, s := range []string{"a", "a.b", "a.b.c", ".", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		schema, object := quote.SplitName(s)
		if schema+"."+object != s && (schema != "public" || object != s) {
			t.Errorf("%q gives %q, %q", s, schema, object)
		}
	})
}

type pair struct{ name, value []byte }

func TestPairsRoundTrip(t *testing.T) {
	t.Parallel()
	bytesOf := rapid.SliceOf(rapid.Byte())
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOf(rapid.Custom(func(t *rapid.T) pair {
			return pair{rapid.SliceOfN(rapid.Byte(), 1, 10).Draw(t, "name"), rapid.OneOf(rapid.Just[[]byte](nil), bytesOf).Draw(t, "value")}
		})).Draw(t, "pairs")
		var row []byte
		for _, p := range want {
			row = quote.AppendPair(row, p.name, p.value)
		}
		for i := 0; len(row) > 0; i++ {
			name, value, rest, err := quote.CutPair(row)
			if err != nil {
				t.Fatal(err)
			}
			row = rest
			gotName, err := quote.AppendUnURL(nil, name)
			if err != nil || !bytes.Equal(gotName, want[i].name) {
				t.Errorf("name %q, want %q; %v", gotName, want[i].name, err)
			}
			gotValue, err := quote.AppendUnURL([]byte{}, value)
			if err != nil || !bytes.Equal(gotValue, want[i].value) || (value == nil) != (want[i].value == nil) {
				t.Errorf("value %q, want %q; %v", gotValue, want[i].value, err)
			}
		}
	})
}

func FuzzCutPair(f *testing.F) {
	f.Add([]byte("a=1&b&c=%c3%b5+x"))
	f.Add([]byte("a=%&"))
	f.Fuzz(func(t *testing.T, row []byte) {
		for len(row) > 0 {
			name, value, rest, err := quote.CutPair(row)
			if err != nil {
				return
			}
			if len(rest) >= len(row) {
				t.Fatalf("%q is not shorter than %q", rest, row)
			}
			for _, s := range [][]byte{name, value} {
				plain, err := quote.AppendUnURL(nil, s)
				if err != nil {
					return
				}
				again, err := quote.AppendUnURL(nil, quote.AppendURL(nil, plain))
				if err != nil || !bytes.Equal(again, plain) {
					t.Errorf("%q becomes %q, %v", plain, again, err)
				}
			}
			row = rest
		}
	})
}
