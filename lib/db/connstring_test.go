package db_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"skytools/lib/db"
)

func TestWithDatabase(t *testing.T) {
	t.Parallel()
	for _, dsn := range []string{
		"", "host=h", "host=h dbname=other", "postgres://h", "postgresql://h/other", "postgres://h/other?application_name=a",
		"postgres://h?dbname=other", "postgres://h1:5432,h2:5433/other?x=y",
	} {
		const name = `it's a \ & "b"?`
		cfg, err := pgx.ParseConfig(db.WithDatabase(dsn, name))
		if err != nil {
			t.Errorf("%s: %v", dsn, err)
			continue
		}
		if cfg.Database != name {
			t.Errorf("%s: got database %q", dsn, cfg.Database)
		}
		want, err := pgx.ParseConfig(dsn)
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Host != want.Host || cfg.RuntimeParams["application_name"] != want.RuntimeParams["application_name"] || len(cfg.Fallbacks) != len(want.Fallbacks) {
			t.Errorf("%s: more than the database is different", dsn)
		}
	}
}

// TestWithParameters: whatever form the string has, the same comes out of it.
func TestWithParameters(t *testing.T) {
	t.Parallel()
	const extra = `user=repl  connect_timeout = 7 application_name='it''s' password='p q\'s\\&?+%'`
	for _, dsn := range []string{
		"host=h dbname=d", "host=h dbname=d user=other password=x", "postgres://h/d", "postgresql://other:x@h:5432/d?connect_timeout=1", "postgres://h/d?user=other",
	} {
		got := db.WithParameters(dsn, strings.Replace(extra, "it''s", `it\'s`, 1))
		cfg, err := pgx.ParseConfig(got)
		if err != nil {
			t.Errorf("%s: %v", got, err)
			continue
		}
		if cfg.Host != "h" || cfg.Database != "d" || cfg.User != "repl" || cfg.Password != `p q's\&?+%` || cfg.ConnectTimeout != 7*time.Second ||
			cfg.RuntimeParams["application_name"] != "it's" {
			t.Errorf("%s: got host %q, database %q, user %q, password %q, timeout %s, %q",
				got, cfg.Host, cfg.Database, cfg.User, cfg.Password, cfg.ConnectTimeout, cfg.RuntimeParams["application_name"])
		}
	}
	for _, dsn := range []string{"host=h", "postgres://h/d", ""} {
		if got := db.WithParameters(dsn, " "); got != dsn {
			t.Errorf("%q: got %q", dsn, got)
		}
		for _, bad := range []string{"nonsense", "user=a nonsense", "user='a"} {
			got := db.WithParameters(dsn, bad)
			if _, err := pgx.ParseConfig(got); err == nil {
				t.Errorf("%q with %q: no error for %q", dsn, bad, got)
			}
		}
	}
}

// TestPassfile: a password file counts as long as nobody else can read it.
func TestPassfile(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	path := filepath.Join(home, ".pgpass")
	if err := os.WriteFile(path, []byte("h:5432:one:u:first\nh:5432:two:u:second\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	password := func(dsn string) string {
		t.Helper()
		cfg, err := db.ParseConfig(dsn, "tool")
		if err != nil {
			t.Fatal(err)
		}
		return cfg.Password
	}
	const dsn = "host=h user=u dbname=one"
	for _, tt := range []struct{ dsn, want string }{
		{dsn, "first"},
		{db.WithDatabase(dsn, "two"), "second"},
		{db.WithDatabase(dsn, "three"), ""},
		{dsn + " password=mine", "mine"},
	} {
		if got := password(tt.dsn); got != tt.want {
			t.Errorf("%s: got password %q, want %q", tt.dsn, got, tt.want)
		}
	}
	for _, mode := range []os.FileMode{0o640, 0o604, 0o644} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		if got := password(dsn); got != "" {
			t.Errorf("mode %o: got password %q", mode, got)
		}
		if got := password(dsn + " password=mine"); got != "mine" {
			t.Errorf("mode %o: got password %q, want mine", mode, got)
		}
	}
	t.Setenv("PGPASSFILE", filepath.Join(home, "other"))
	if err := os.WriteFile(filepath.Join(home, "other"), []byte("*:*:*:*:third\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := password(dsn); got != "third" {
		t.Errorf("got password %q, want third", got)
	}
}
