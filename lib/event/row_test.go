package event_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"skytools/lib/event"
	"skytools/lib/quote"
	"skytools/lib/testpg"
)

func TestDecodeRow(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, typ, data, want string }{
		{"insert", "I:Line No,sku", "sku=A-1&Line+No=7&qty=1.50&note=tab%09%22q%22+it%27s+%5c+%7e%c3%b5%2f%e2%82%ac&arr=%7b1%2cNULL%7d",
			`{"sku":"A-1","Line No":"7","qty":"1.50","note":"tab\t\"q\" it's \\ ~õ/€","arr":"{1,NULL}"}`},
		{"null and empty", "U:id", "id=1&a&b=", `{"id":"1","a":null,"b":""}`},
		{"no key", "D:", "a=%3D&b=x%3Dy=z", `{"a":"=","b":"x=y=z"}`},
		{"no columns", "I:id", "", `{}`},
		{"not utf-8", "I:id", "a=%e4+b", "{\"a\":\"\ufffd b\"}"},
		{"truncate", "R", "", `{}`},
		{"own type R", "R", "x", `"x"`},
		{"sql", "I", "(a) values ('1')", `"(a) values ('1')"`},
		{"json", `{"op":"INSERT","table":["public","t"],"pkey":["id"]}`, `{"id":1,"a":null}`, `{"id":1,"a":null}`},
		{"json on lines", `{"op":"UPDATE"}`, "\n{ \"id\": 1,\r\n \"a\": \"x \\n\" }\n", `{"id":1,"a":"x \n"}`},
		{"json truncate", `{"op":"TRUNCATE","table":["public","b1"],"pkey":["id"]}`, `{}`, `{}`},
		{"other", "user.created", "a=1&", `"a=1&"`},
		{"like a type", "Insert", "%", `"%"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := event.DecodeRow([]byte("x"), &event.Event{Type: []byte(tt.typ), Data: []byte(tt.data)})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff("x"+tt.want, string(got)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
	got, err := event.DecodeRow(nil, &event.Event{Type: []byte("I:id")})
	if string(got) != "null" || err != nil {
		t.Errorf("NULL gives %s, %v", got, err)
	}
}

func TestDecodeRowErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, typ, data, want string }{
		{"escape", "I:id", "id=1&name=%4", `ev_data of event 7: bad %-escape "%4" in field name`},
		{"no hex", "I:id", "id=%zz1", `ev_data of event 7: bad %-escape "%zz" in field id`},
		{"name", "U:id", "%q=1", `ev_data of event 7: bad %-escape "%q"`},
		{"nameless", "U:id", "=1", "ev_data of event 7: field without a name"},
		{"empty pair", "U:id", "a=1&&b=2", "ev_data of event 7: field without a name"},
		{"cut off", "D:id", "a=1&", "ev_data of event 7: row ends in &"},
		{"json cut off", `{"op":"INSERT"}`, `{"a":1`, "ev_data of event 7: not a JSON object"},
		{"json array", `{"op":"INSERT"}`, `[1]`, "ev_data of event 7: not a JSON object"},
		{"no json", `{"op":"INSERT"}`, " ", "ev_data of event 7: not a JSON object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := event.AppendDecoded(nil, &event.Event{ID: 7, Type: []byte(tt.typ), Data: []byte(tt.data)})
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func FuzzDecodeRow(f *testing.F) {
	f.Add("I:id", []byte("id=1&a&b=%c3%b5"))
	f.Add("U:", []byte("a=1&&b"))
	f.Add(`{"op":"INSERT"}`, []byte("{\"a\":\n[1,\"\xff\"]}"))
	f.Add("R", []byte(""))
	f.Fuzz(func(t *testing.T, typ string, data []byte) {
		line, err := event.AppendDecoded(nil, &event.Event{Type: []byte(typ), Data: data})
		if err != nil {
			return
		}
		if !json.Valid(line) || !utf8.Valid(line) || strings.ContainsAny(string(line), "\r\n") {
			t.Errorf("%q %q gives %q", typ, data, line)
		}
	})
}

// TestDecodeRowServer compares the rows of a real trigger with the server's
// own to_json.
func TestDecodeRowServer(t *testing.T) {
	t.Parallel()
	dsn := testpg.Shared(t).NewDB(t, testpg.Extensions("pgq"))
	conn := testpg.Connect(t, dsn)
	exec := func(sql string) {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	exec(`select pgq.create_queue('q')`)
	exec(`create table public."Odd & Name" (id int primary key, "a=b&c" text, "%41+ é" text, n text)`)
	for _, trigger := range []string{"logutriga", "jsontriga"} {
		exec(fmt.Sprintf(`create trigger %s after insert on public."Odd & Name" for each row execute function pgq.%[1]s('q')`, trigger))
	}
	exec(`insert into public."Odd & Name" select g, string_agg(chr(1 + (random() * 2000)::int), ''), E'\t\\"õ€😀' || g, null
		from generate_series(1, 50) g, generate_series(1, 100) group by g order by g`)
	rows, err := conn.Query(t.Context(), `select e.ev_id, e.ev_type, e.ev_data, (select json_build_object('id', id::text, 'a=b&c', "a=b&c", '%41+ é', "%41+ é", 'n', n)::text
		from public."Odd & Name" t where t.id = (e.ev_id + 1) / 2) from pgq.event_1 e`)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for rows.Next() {
		var e event.Event
		var server string
		if err := rows.Scan(&e.ID, &e.Type, &e.Data, &server); err != nil {
			t.Fatal(err)
		}
		line, err := event.DecodeRow(nil, &e)
		if err != nil {
			t.Fatal(err)
		}
		var got, want map[string]any
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if err := json.Unmarshal([]byte(server), &want); err != nil {
			t.Fatal(err)
		}
		got["id"] = fmt.Sprint(got["id"]) // a number in JSON
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", e.Type, diff)
		}
		n++
	}
	if err := rows.Err(); err != nil || n != 100 {
		t.Errorf("%d rows, %v", n, err)
	}
}

func BenchmarkAppendDecoded(b *testing.B) {
	var row []byte
	for i := range 10 {
		row = quote.AppendPair(row, fmt.Appendf(nil, "column_%d", i), []byte("some value of 20 B."))
	}
	e := event.Event{ID: 1, Type: []byte("U:id"), Data: row, Extra: [4][]byte{[]byte("public.t")}}
	buf, err := event.AppendDecoded(nil, &e)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf, _ = event.AppendDecoded(buf[:0], &e)
	}
}
