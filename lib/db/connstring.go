package db

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// WithDatabase returns the connection string or URL for another database than
// the one that dsn may name.
func WithDatabase(dsn, name string) string { return with(dsn, "dbname", name) }

// WithParameters returns the connection string or URL with more parameters,
// which count before those that dsn has. extra is written as in a connection
// string. What of it is no parameter stays as it is, for the parser to refuse.
func WithParameters(dsn, extra string) string {
	if extra = strings.TrimSpace(extra); extra == "" {
		return dsn
	}
	if !isURL(dsn) {
		return strings.TrimLeft(dsn+" "+extra, " ")
	}
	for extra != "" {
		m := parameter.FindStringSubmatch(extra)
		if m == nil {
			return dsn + " " + extra
		}
		value := m[3]
		if m[2] != "" {
			value = m[2][1 : len(m[2])-1]
		}
		dsn = with(dsn, m[1], escaped.ReplaceAllString(value, "$1"))
		extra = extra[len(m[0]):]
	}
	return dsn
}

var (
	// key = value, or key = 'va lue', with backslashes before quotes and blanks
	parameter = regexp.MustCompile(`(?s)^(\w+)\s*=\s*(?:('(?:[^'\\]|\\.)*')|((?:[^\s'\\]|\\.)(?:[^\s\\]|\\.)*)?)(?:\s+|$)`)
	escaped   = regexp.MustCompile(`(?s)\\(.)`)
)

func isURL(dsn string) bool {
	return strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://")
}

// with adds a parameter at the end, where it counts before all others.
func with(dsn, key, value string) string {
	if !isURL(dsn) {
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
