package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseStatement(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		text string
		want string
		args []field
	}{
		{"none", "select 1", "select 1", nil},
		{"call", "select f($ev_type, $ev_data)", "select f($1 , $2 )", []field{fieldType, fieldData}},
		{"twice", "select $ev_id, $ev_id::text", "select $1 , $2 ::text", []field{fieldID, fieldID}},
		{"all", "select $ev_id $ev_time $ev_txid $ev_retry $ev_type $ev_data $ev_extra1 $ev_extra2 $ev_extra3 $ev_extra4",
			"select $1  $2  $3  $4  $5  $6  $7  $8  $9  $10",
			[]field{fieldID, fieldTime, fieldTxID, fieldRetry, fieldType, fieldData, fieldExtra1, fieldExtra2, fieldExtra3, fieldExtra4}},
		{"string", "select '$ev_id', 'it''s $ev_id'", "select '$ev_id', 'it''s $ev_id'", nil},
		{"backslash ends a plain string", `select '\', $ev_id`, `select '\', $1`, []field{fieldID}},
		{"escape string", `select E'\'$ev_id', e'\\', $ev_id`, `select E'\'$ev_id', e'\\', $1`, []field{fieldID}},
		{"not an escape string", `select table'x\', $ev_id`, `select table'x\', $1`, []field{fieldID}},
		{"identifier", `select "$ev_id""$ev_id" , $ev_id`, `select "$ev_id""$ev_id" , $1`, []field{fieldID}},
		{"dollar in a name", "select a$ev_id, _$ev_id, ü$ev_id", "select a$ev_id, _$ev_id, ü$ev_id", nil},
		{"comment", "select 1 -- $ev_id\n, $ev_id", "select 1 -- $ev_id\n, $1", []field{fieldID}},
		{"comment at the end", "select $ev_id -- $x", "select $1  -- $x", []field{fieldID}},
		{"nested comment", "select /* a /* $x */ $y */ $ev_id", "select /* a /* $x */ $y */ $1", []field{fieldID}},
		{"dollar quote", "select $$ $ev_id $$, $ev_id", "select $$ $ev_id $$, $1", []field{fieldID}},
		{"tagged dollar quote", "select $a$ $ev_id $b$ $$ $a$, $ev_id", "select $a$ $ev_id $b$ $$ $a$, $1", []field{fieldID}},
		{"operators", "select 1-$ev_id/$ev_id", "select 1-$1 /$2", []field{fieldID, fieldID}},
		{"a digit behind", "select $ev_id 1", "select $1  1", []field{fieldID}},
		{"unterminated", "select '$ev_id", "select '$ev_id", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			st, err := parseStatement(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if st.sql != tt.want {
				t.Errorf("got %q, want %q", st.sql, tt.want)
			}
			if d := cmp.Diff(tt.args, st.args); d != "" {
				t.Errorf("args (-want +got):\n%s", d)
			}
		})
	}
}

func TestParseStatementErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"", "the statement is empty"},
		{"  ", "the statement is empty"},
		{"select $foo", "unknown placeholder $foo: use one of $ev_id, "},
		{"select $EV_ID", "unknown placeholder $EV_ID"},
		{"select $1", "no name after $ at character 8"},
		{"select $", "no name after $ at character 8"},
	}
	for _, tt := range tests {
		if _, err := parseStatement(tt.text); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want %q", tt.text, err, tt.want)
		}
	}
}

// FuzzParseStatement checks that nothing but placeholders changes.
func FuzzParseStatement(f *testing.F) {
	for _, s := range []string{"select f($ev_type, '$ev_id')", "$a$ $ev_id $a$ $ev_data", `e'\'$ev_id' /* /* */ $ev_id`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		st, err := parseStatement(text)
		if err != nil {
			return
		}
		back := st.sql
		for i := len(st.args); i > 0; i-- {
			back = strings.ReplaceAll(back, fmt.Sprintf("$%d ", i), "$"+fieldNames[st.args[i-1]])
		}
		if n := strings.Count(text, "$"); strings.Count(st.sql, "$") != n {
			t.Errorf("%q became %q: the number of dollars changed", text, st.sql)
		}
		if len(st.args) == 0 && back != strings.TrimSpace(text) {
			t.Errorf("%q became %q", text, st.sql)
		}
	})
}
