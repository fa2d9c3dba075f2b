package install_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"skytools/extension"
	"skytools/lib/install"
	"skytools/lib/testpg"
)

func TestRunFileError(t *testing.T) {
	t.Parallel()
	dsn := testpg.Shared(t).NewDB(t)
	tests := []struct {
		name, sql, want string
	}{
		{"syntax error", "create table a (i int);\n-- grün\n\n  creat table b ();\n",
			`x.sql:4: syntax error at or near "creat" (SQLSTATE 42601)`},
		{"unknown column", "select 1;\nselect\n    nosuch\nfrom pg_class;\n",
			`x.sql:3: column "nosuch" does not exist (SQLSTATE 42703)`},
		{"no position", "-- one\nselect 'a;''b'; /* ; */ select $x$ ; $x$, $$;$$;\n\ncreate schema s; create schema\n  s;\n",
			`x.sql:4: schema "s" already exists (SQLSTATE 42P06)`},
		{"statement of many lines", "\nselect 1;\n\n-- why\ncreate schema\n pg_mine;\n",
			`x.sql:5: unacceptable schema name "pg_mine" (SQLSTATE 42939)`},
		{"fails while rows come", "select 1;\nselect 1/(2-i) from generate_series(1,3) i;",
			`x.sql:2: division by zero (SQLSTATE 22012)`},
		{"body", "create function f() returns int language sql as $$\n select\n nosuch $$;",
			`x.sql:3: column "nosuch" does not exist (SQLSTATE 42703)`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			conn := testpg.Connect(t, dsn)
			err := install.RunFile(context.Background(), conn.PgConn(), extension.File{Path: "x.sql", Text: tt.sql})
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			var pe *pgconn.PgError
			if !errors.As(err, &pe) {
				t.Errorf("%T wraps no server error", err)
			}
		})
	}
}

// FuzzLineOfStatement only demands that no text makes it fail or loop.
func FuzzLineOfStatement(f *testing.F) {
	f.Add("select 1; /* select 'x", 1)
	f.Add("$a$ ; $a; $$", 2)
	f.Fuzz(func(t *testing.T, sql string, n int) {
		install.LineOfStatement(sql, n)
		install.LineOfPosition(sql, n)
	})
}

func TestNewer(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		a, b string
		want bool
	}{
		{"4.0", "4.0", false}, {"4.1", "4.0", true}, {"3.5.2", "4.0", false}, {"4.0.1", "4.0", true},
		{"10.0", "9.9", true}, {"unpackaged", "4.0", false},
	} {
		if got := install.Newer(tt.a, tt.b); got != tt.want {
			t.Errorf("newer(%q, %q) = %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}
