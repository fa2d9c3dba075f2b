package event_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"skytools/lib/event"
	"skytools/lib/testpg"
)

// moment is 2024-03-05 10:20:30.5 UTC.
var moment = event.TimestampOf(time.Date(2024, 3, 5, 10, 20, 30, 500e6, time.UTC))

func TestAppendJSON(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		e    event.Event
		want string
	}{
		{"plain", event.Event{ID: 7, Time: moment, Txid: 9, Type: []byte("t"), Data: []byte("d")},
			`{"ev_id":7,"ev_time":"2024-03-05T10:20:30.500000Z","ev_txid":9,"ev_type":"t","ev_data":"d"}`},
		{"nulls", event.Event{ID: -1, Time: event.Infinity, Txid: 1 << 62},
			`{"ev_id":-1,"ev_time":"infinity","ev_txid":4611686018427387904,"ev_type":null,"ev_data":null}`},
		{"empty is not null", event.Event{Time: event.NegativeInfinity, Type: []byte{}, Data: []byte{}},
			`{"ev_id":0,"ev_time":"-infinity","ev_txid":0,"ev_type":"","ev_data":""}`},
		{"all", event.Event{ID: 1, Time: 0, Txid: 2, Retry: 3, HasRetry: true, Type: []byte("a"), Data: []byte("b"),
			Extra: [4][]byte{[]byte("w"), nil, {}, []byte("z")}},
			`{"ev_id":1,"ev_time":"2000-01-01T00:00:00.000000Z","ev_txid":2,"ev_type":"a","ev_data":"b","ev_retry":3,"ev_extra1":"w","ev_extra3":"","ev_extra4":"z"}`},
		{"retry of 0", event.Event{HasRetry: true},
			`{"ev_id":0,"ev_time":"2000-01-01T00:00:00.000000Z","ev_txid":0,"ev_type":null,"ev_data":null,"ev_retry":0}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := string(event.AppendJSON(nil, &tt.e))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestAppendString(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"empty", "", `""`},
		{"quote first", `"`, `"\""`},
		{"backslash last", `1234567\`, `"1234567\\"`},
		{"named", "\b\f\n\r\t", `"\b\f\n\r\t"`},
		{"control", "\x00\x01\x1f\x7f", `"\u0000\u0001\u001f` + "\x7f" + `"`},
		{"beyond ascii", "õ€😀\u2028", "\"õ€😀\u2028\""},
		{"mixed", "õ\"õ\x01õ", `"õ\"õ\u0001õ"`},
		{"invalid", "a\xffb\xc3", "\"a\ufffdb\ufffd\""},
		{"surrogate", "\xed\xa0\x80", "\"\ufffd\ufffd\ufffd\""},
		{"real replacement", "\ufffd", "\"\ufffd\""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := string(event.AppendString(nil, []byte(tt.in))); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "plain text", "\"\\\b\f\n\r\t\x00\x1f", "õ€😀", "\xff\xed\xa0\x80a", strings.Repeat("x", 40) + "\""} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, s []byte) {
		// Encoding/json, too, replaces each byte that is not UTF-8.
		var want, got string
		b, err := json.Marshal(string(s))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(b, &want); err != nil {
			t.Fatal(err)
		}
		out := event.AppendString([]byte("before"), s)[len("before"):]
		if err := json.Unmarshal(out, &got); err != nil {
			t.Fatalf("%q gives %q: %v", s, out, err)
		}
		if got != want {
			t.Errorf("%q gives %q", s, out)
		}
		if !utf8.Valid(out) || strings.ContainsAny(string(out), "\n\r") {
			t.Errorf("%q gives %q", s, out)
		}
	})
}

// text draws any text that a UTF8 database can hold, with a liking for what is
// special in JSON.
func text() *rapid.Generator[string] {
	special := rapid.SampledFrom([]rune("\x01\b\t\n\f\r\x1f\"\\/ \x7f\u0080õ€\u2028\ufffd\uffff\U0010ffff"))
	r := rapid.OneOf(special, rapid.Rune()).Filter(func(r rune) bool { return r != 0 && utf8.ValidRune(r) })
	return rapid.Map(rapid.SliceOfN(r, 0, 60), func(rs []rune) string { return string(rs) })
}

func TestStringAsServer(t *testing.T) {
	t.Parallel()
	conn := testpg.Connect(t, testpg.Shared(t).NewDB(t))
	rapid.Check(t, func(rt *rapid.T) {
		texts := rapid.SliceOfN(text(), 1, 50).Draw(rt, "texts")
		var want []string
		err := conn.QueryRow(t.Context(), `select array_agg(to_json(u.x)::text order by u.n)
			from unnest($1::text[]) with ordinality u(x, n)`, texts).Scan(&want)
		if err != nil {
			rt.Fatal(err)
		}
		for i, s := range texts {
			got := string(event.AppendString(nil, []byte(s)))
			if got != want[i] {
				rt.Errorf("%q gives %s, on the server %s", s, got, want[i])
			}
			var back string
			if err := json.Unmarshal([]byte(got), &back); err != nil || back != s {
				rt.Errorf("%q gives %s, which is %q, %v", s, got, back, err)
			}
		}
	})
}

func TestTimeAsServer(t *testing.T) {
	t.Parallel()
	conn := testpg.Connect(t, testpg.Shared(t).NewDB(t))
	var least, most, yearOne, yearTenThousand int64
	micros := func(s string) (us int64) {
		err := conn.QueryRow(t.Context(),
			`select (extract(epoch from $1::text::timestamptz - '2000-01-01 00:00+00') * 1e6)::int8`, s).Scan(&us)
		if err != nil {
			t.Fatal(err)
		}
		return us
	}
	least, most = micros("4713-11-24 00:00+00 BC"), micros("294276-12-31 23:59:59.999999+00")
	yearOne, yearTenThousand = micros("0001-01-01 00:00+00"), micros("10000-01-01 00:00+00")
	stamps := []int64{0, 1, -1, least, most, yearOne, yearOne - 1, yearTenThousand, yearTenThousand - 1}
	r := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		stamps = append(stamps, int64(uint64(least)+r.Uint64N(uint64(most)-uint64(least))), r.Int64N(2e15)-1e15)
	}
	var want []string
	err := conn.QueryRow(t.Context(), `
		select array_agg(to_char(d, case when extract(year from d) >= 10000 then 'FM' else '' end || 'YYYY')
		           || to_char(d, '-MM-DD"T"HH24:MI:SS.US"Z"') || case when d < '0001-01-01' then ' BC' else '' end order by n)
		  from unnest($1::int8[]) with ordinality u(us, n),
		       lateral (select timestamp '2000-01-01' + make_interval(days => (us / 86400000000)::int4) + us % 86400000000 * interval '1 us') s(d)`,
		stamps).Scan(&want)
	if err != nil {
		t.Fatal(err)
	}
	for i, us := range stamps {
		if got := string(event.AppendTime(nil, event.Timestamp(us))); got != `"`+want[i]+`"` {
			t.Fatalf("%d gives %s, on the server %s", us, got, want[i])
		}
	}
}

func TestTimestamp(t *testing.T) {
	t.Parallel()
	for _, want := range []time.Time{
		time.Date(2024, 3, 5, 10, 20, 30, 123456000, time.UTC),
		time.Date(1999, 12, 31, 23, 59, 59, 999999000, time.UTC),
		time.Date(-4000, 1, 1, 0, 0, 0, 1000, time.UTC),
	} {
		if got := event.TimestampOf(want).Time(); !got.Equal(want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	if !event.Infinity.Time().IsZero() || event.NegativeInfinity.IsFinite() {
		t.Error("infinity is a moment")
	}
}

func BenchmarkAppendJSON(b *testing.B) {
	e := event.Event{ID: 123456, Time: moment, Txid: 987654321, Type: []byte("U:id"), Extra: [4][]byte{[]byte("public.orders")}}
	for _, bb := range []struct{ name, data string }{
		{"plain", strings.Repeat("abcdefgh12", 20)},
		{"escapes", strings.Repeat("{\"a\":\"b\"}\n", 20)},
		{"cyrillic", strings.Repeat("пример ", 15)},
	} {
		b.Run(bb.name, func(b *testing.B) {
			e.Data = []byte(bb.data)
			buf := event.AppendJSON(nil, &e)
			b.SetBytes(int64(len(buf)))
			b.ReportAllocs()
			for b.Loop() {
				buf = event.AppendJSON(buf[:0], &e)
			}
		})
	}
}
