package db

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// WithDatabase returns the connection string or URL for another database than
// the one that dsn may name.
func WithDatabase(dsn, name string) string { return with(dsn, "dbname", name) }

// with adds a parameter at the end, where it counts before all others.
func with(dsn, key, value string) string {
	if !strings.HasPrefix(dsn, "postgres://") && !strings.HasPrefix(dsn, "postgresql://") {
		return strings.TrimLeft(dsn+" "+key+"='"+strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value)+"'", " ")
	}
	sep := "?"
	if strings.Contains(dsn, "?") {
		sep = "&"
	}
	// As in libpq, a plus is no blank.
	return dsn + sep + key + "=" + strings.ReplaceAll(url.QueryEscape(value), "+", "%20")
}

// forgetShared takes a password away that came from a password file to which
// others have access: as libpq does, and pgx does not.
func forgetShared(dsn string, cfg *pgx.ConnConfig) error {
	if cfg.Password == "" || sharedPassfile() == "" {
		return nil
	}
	without, err := pgconn.ParseConfig(with(dsn, "passfile", os.DevNull))
	if err != nil {
		return err
	}
	if without.Password != cfg.Password && !strings.Contains(dsn, "passfile") {
		cfg.Password = ""
	}
	return nil
}

// sharedPassfile returns the name of the password file if others than its owner
// have access to it, else "".
func sharedPassfile() string {
	path := os.Getenv("PGPASSFILE")
	if path == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		path = filepath.Join(home, ".pgpass")
	}
	fi, err := os.Stat(path)
	if err != nil || !fi.Mode().IsRegular() || fi.Mode().Perm()&0o077 == 0 {
		return ""
	}
	return path
}

// isAuthentication tells whether the server did not believe who we are.
func isAuthentication(err error) bool { return strings.HasPrefix(Code(err), "28") }
