package console

import (
	"net/url"
	"slices"
	"strings"
)

// Target is where a connection goes: a connection string or URL, and what was
// said about parts of it later.
type Target struct {
	Base string
	Over map[string]string // by the keywords of a connection string
}

// With returns a target with other parts, and all else as it is.
func (t Target) With(over map[string]string) Target {
	all := map[string]string{}
	for _, m := range []map[string]string{t.Over, over} {
		for k, v := range m {
			all[k] = v
		}
	}
	return Target{t.Base, all}
}

// IsURL tells whether a string is a connection URL.
func IsURL(s string) bool {
	return strings.HasPrefix(s, "postgresql://") || strings.HasPrefix(s, "postgres://")
}

// DSN puts it together. What comes last wins, in both forms.
func (t Target) DSN() string {
	keys := make([]string, 0, len(t.Over))
	for k := range t.Over {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	if IsURL(t.Base) {
		return t.url(keys)
	}
	parts := []string{t.Base}
	for _, k := range keys {
		parts = append(parts, k+"="+quoteValue(t.Over[k]))
	}
	return strings.TrimSpace(strings.Join(parts, " "))
}

// url replaces parameters in the query of the URL. In that of libpq a + is no
// blank, so what is there stays as it is written.
func (t Target) url(keys []string) string {
	base, query, _ := strings.Cut(t.Base, "?")
	var list []string
	for p := range strings.SplitSeq(query, "&") {
		key, _, _ := strings.Cut(p, "=")
		if p != "" && !slices.Contains(keys, key) {
			list = append(list, p)
		}
	}
	for _, k := range keys {
		list = append(list, k+"="+strings.ReplaceAll(url.QueryEscape(t.Over[k]), "+", "%20"))
	}
	if list == nil {
		return base
	}
	return base + "?" + strings.Join(list, "&")
}

// quoteValue quotes a value of a connection string.
func quoteValue(v string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(v) + "'"
}

// ParseTarget reads what is given as a database: a name, a connection string
// or a URL. parts are given beside it; the string wins where both name one.
func ParseTarget(db string, parts map[string]string) Target {
	if IsURL(db) {
		return Target{Base: db}
	}
	if !strings.Contains(db, "=") {
		t := Target{}.With(parts)
		if db != "" {
			t.Over["dbname"] = db
		}
		return t
	}
	return Target{Base: strings.TrimSpace(Target{Over: parts}.DSN() + " " + db)}
}
