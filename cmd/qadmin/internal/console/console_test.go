package console

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"skytools/cmd/qadmin/internal/grammar"
)

// TestTables demands that each statement and command of the grammar is made,
// and that nothing else is.
func TestTables(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, st := range grammar.Statements {
		known[st.Name] = true
		if (handlers[st.Name] == nil) != st.Later {
			t.Errorf("%s: handled %v, later %v", st.Name, handlers[st.Name] != nil, st.Later)
		}
	}
	for name := range handlers {
		if !known[name] {
			t.Errorf("%s is in no grammar", name)
		}
	}
	for _, c := range grammar.Commands {
		if commands[c.Name] == nil {
			t.Errorf(`\%s is not made`, c.Name)
		}
	}
	for name := range commands {
		if grammar.FindCommand(name) == nil {
			t.Errorf(`\%s is in no table`, name)
		}
	}
}

func TestTarget(t *testing.T) {
	t.Parallel()
	parts := map[string]string{"user": "it's", "host": "h"}
	tests := []struct {
		db, want, changed string
	}{
		{"shop", `dbname='shop' host='h' user='it\'s'`, `dbname='x \\' host='h' user='it\'s'`},
		{"", `host='h' user='it\'s'`, `dbname='x \\' host='h' user='it\'s'`},
		{"dbname=shop user=u", `host='h' user='it\'s' dbname=shop user=u`, `host='h' user='it\'s' dbname=shop user=u dbname='x \\'`},
		{"postgres://u@h/shop?sslmode=disable", "postgres://u@h/shop?sslmode=disable", `postgres://u@h/shop?sslmode=disable&dbname=x%20%5C`},
	}
	for _, tt := range tests {
		target := ParseTarget(tt.db, parts)
		if got := target.DSN(); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.db, got, tt.want)
		}
		changed := target.With(map[string]string{"dbname": `x \`}).DSN()
		if changed != tt.changed {
			t.Errorf("%s: got %s, want %s", tt.db, changed, tt.changed)
		}
		if cfg, err := pgconn.ParseConfig(changed); err != nil || cfg.Database != `x \` {
			t.Errorf("%s: read as %+v, %v", changed, cfg, err)
		}
	}
}

func TestArguments(t *testing.T) {
	t.Parallel()
	s := New(Config{Vars: map[string]string{"v": "a b"}}, strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{})
	tests := []struct {
		text string
		want []string
	}{
		{"", nil},
		{"a  b\tc", []string{"a", "b", "c"}},
		{`'it''s' 'a\nb' "x ""y"`, []string{"it's", "a\nb", `x "y`}},
		{`:v :'v' x:v :w a::b`, []string{"a b", "a b", "xa b", ":w", "a::b"}},
		{"--x /*y $$z 1.5 ;", []string{"--x", "/*y", "$$z", "1.5", ";"}},
	}
	for _, tt := range tests {
		got, err := s.arguments(tt.text)
		if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
			t.Errorf("%s: error %v (-want +got):\n%s", tt.text, err, diff)
		}
	}
	if _, err := s.arguments("'x"); err == nil {
		t.Error("an open quote is no error")
	}
}

func FuzzArguments(f *testing.F) {
	f.Add(`a 'b' "c" :d $$ -- /* \`)
	s := New(Config{}, strings.NewReader(""), &bytes.Buffer{}, &bytes.Buffer{})
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = s.arguments(text)
		if name, rest := cutCommand(text); !strings.Contains(text, name) || !strings.Contains(text, rest) {
			t.Errorf("%q is cut into %q and %q", text, name, rest)
		}
	})
}

func TestWriteError(t *testing.T) {
	t.Parallel()
	pe := &pgconn.PgError{Severity: "ERROR", Code: "22012", Message: "division\nby zero", Detail: "d", Hint: "h", Where: "w", Position: 9}
	tests := []struct {
		name      string
		err       error
		verbosity string
		want      string
	}{
		{"sql", sqlError{pe, "select\n1/0"}, "", "ERROR: division\nby zero\nLINE 2: 1/0\n         ^\nDETAIL: d\nHINT: h\nCONTEXT: w\n"},
		{"terse", sqlError{pe, "select 1/0"}, "terse", "ERROR: division\nby zero\n"},
		{"ours", fmt.Errorf("drop queue q: %w", pe), "verbose", "ERROR: 22012: drop queue q: division by zero\nDETAIL: d\nHINT: h\nCONTEXT: w\n"},
		{"several lines", errors.New("a\n\tb"), "", "ERROR: a b\n"},
		{"terminal", sqlError{&pgconn.PgError{Severity: "ERROR", Message: "x\x1b[0m"}, ""}, "", "ERROR: x\\x1B[0m\n"},
	}
	for _, tt := range tests {
		var b strings.Builder
		writeError(&b, tt.err, tt.verbosity)
		if diff := cmp.Diff(tt.want, b.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
