package console

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"skytools/cmd/qadmin/internal/grammar"
	"skytools/extension"
)

// catalog looks up what completion offers. It has a connection of its own, so
// that it works inside a failed transaction and while settings are changed; it
// is made when it is first needed. What fails gives no names.
type catalog struct {
	conn   *pgx.Conn
	target string // that conn goes to
	cache  map[string]cached
}

type cached struct {
	list []string
	at   time.Time
}

const (
	namesKept = 5 * time.Second
	// namesWait bounds a look-up: nobody waits longer for a completion.
	namesWait = 700 * time.Millisecond
)

// forgetNames drops what was looked up: a statement may have changed it.
func (s *Session) forgetNames() { s.catalog.cache = nil }

// forget closes the connection of completion.
func (s *Session) forget() {
	if s.catalog.conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = s.catalog.conn.Close(ctx)
		s.catalog.conn = nil
	}
}

// look runs a query that gives one column of names.
func (s *Session) look(ctx context.Context, sql string, args ...string) []string {
	key := sql + "\x00" + strings.Join(args, "\x00")
	if c, ok := s.catalog.cache[key]; ok && time.Since(c.at) < namesKept {
		return c.list
	}
	ctx, cancel := context.WithTimeout(ctx, namesWait)
	defer cancel()
	conn := s.nameConn(ctx)
	if conn == nil {
		return nil
	}
	params := make([][]byte, len(args))
	for i, a := range args {
		params[i] = []byte(a)
	}
	res := conn.PgConn().ExecParams(ctx, sql, params, nil, nil, nil).Read()
	var list []string
	for _, r := range res.Rows {
		if r[0] != nil {
			list = append(list, string(r[0]))
		}
	}
	// A failure is kept as well, so that it is not waited for again at once.
	if s.catalog.cache == nil {
		s.catalog.cache = map[string]cached{}
	}
	s.catalog.cache[key] = cached{list, time.Now()}
	return list
}

func (s *Session) nameConn(ctx context.Context) *pgx.Conn {
	if s.conn == nil {
		return nil
	}
	target := s.Target.DSN()
	if c := s.catalog.conn; c != nil && (c.IsClosed() || s.catalog.target != target) {
		s.forget()
	}
	if s.catalog.conn == nil {
		cfg := s.conn.Config()
		cfg.OnNotice, cfg.OnNotification, cfg.Tracer = nil, nil, nil
		cfg.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
			return &pgconn.DeadlineContextWatcherHandler{Conn: c.Conn()}
		}
		cfg.RuntimeParams["application_name"] = program + " completion"
		conn, err := pgx.ConnectConfig(ctx, cfg)
		if err != nil {
			return nil
		}
		if err := conn.PgConn().Exec(ctx, "set statement_timeout = '500ms'; set default_transaction_read_only = on").Close(); err != nil {
			_ = conn.Close(ctx)
			return nil
		}
		s.catalog.conn, s.catalog.target = conn, target
	}
	return s.catalog.conn
}

var slotQueries = map[grammar.Slot]string{
	grammar.Queue:    "select queue_name from pgq.queue order by 1",
	grammar.Consumer: "select co_name from pgq.consumer order by 1",
	grammar.Node:     "select distinct node_name from pgq_node.node_location order by 1",
	grammar.Database: "select datname from pg_catalog.pg_database where datallowconn order by 1",
	grammar.User:     "select rolname from pg_catalog.pg_roles where rolcanlogin order by 1",
	grammar.Table:    relationQuery("r', 'p"),
	grammar.Sequence: relationQuery("S"),
}

// relationQuery lists relations whose name, with the schema or without, begins
// with $1 in lower case: of many only those that are wanted.
func relationQuery(kinds string) string {
	return `select case when pg_catalog.pg_table_is_visible(c.oid) then '' else pg_catalog.quote_ident(n.nspname) || '.' end
       || pg_catalog.quote_ident(c.relname)
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('` + kinds + `')
   and n.nspname not in ('information_schema', 'pg_catalog', 'pg_toast')
   and n.nspname not like 'pg\_temp%'
   and (pg_catalog.starts_with(pg_catalog.lower(c.relname), $1) or pg_catalog.starts_with(pg_catalog.lower(n.nspname || '.' || c.relname), $1))
 order by c.relname like 'pg\_%', pg_catalog.pg_table_is_visible(c.oid) desc, 1
 limit 300`
}

// slotNames are the names that can stand in a slot. ready tells that they are
// quoted where that is needed.
func (s *Session) slotNames(ctx context.Context, slot grammar.Slot, args []grammar.Arg, prefix string) (list []string, ready bool) {
	queue := s.Queue
	for _, a := range args {
		if a.Slot == grammar.Queue {
			queue = a.Token.Value
		}
	}
	switch slot {
	case grammar.Batch:
		return s.look(ctx, `select distinct current_batch::text from pgq.get_consumer_info($1::text, null::text) where current_batch is not null`, queue), true
	case grammar.Consumer:
		if queue != "" {
			return s.look(ctx, "select consumer_name from pgq.get_consumer_info($1::text, null::text) order by 1", queue), false
		}
	case grammar.Subconsumer:
		for _, a := range args {
			if a.Slot == grammar.Consumer {
				// Names of consumers may hold dots too.
				return s.look(ctx, `select distinct substr(co_name, length($1) + 2) from pgq.consumer where starts_with(co_name, $1 || '.') order by 1`,
					a.Token.Value), false
			}
		}
		return nil, false
	case grammar.Extension:
		for _, n := range []string{"pgq", "pgq_coop", "pgq_ext", "pgq_node", "londiste"} {
			if extension.Exists(n) {
				list = append(list, n)
			}
		}
		return list, true
	case grammar.Host:
		return hosts(), false
	case grammar.Port:
		return []string{"5432", "6432"}, true
	case grammar.Service:
		return services(s.screen.Getenv), false
	case grammar.Topic:
		return topics(), true
	case grammar.Table, grammar.Sequence:
		return s.look(ctx, slotQueries[slot], strings.ToLower(prefix)), true
	}
	if sql, ok := slotQueries[slot]; ok {
		return s.look(ctx, sql), false
	}
	return nil, false
}

// hosts are the names in /etc/hosts but for the helpers of IPv6.
func hosts() []string {
	b, _ := os.ReadFile("/etc/hosts")
	var list []string
	for line := range strings.Lines(string(b)) {
		line, _, _ = strings.Cut(line, "#")
		for i, f := range strings.Fields(line) {
			if i > 0 && !strings.HasPrefix(f, "ip6-") && !contains(list, f) {
				list = append(list, f)
			}
		}
	}
	return list
}

// services are the sections of the service files of libpq.
func services(getenv func(string) string) []string {
	own := getenv("PGSERVICEFILE")
	if own == "" {
		own = filepath.Join(getenv("HOME"), ".pg_service.conf")
	}
	files := []string{own}
	if dir := getenv("PGSYSCONFDIR"); dir != "" {
		files = append(files, filepath.Join(dir, "pg_service.conf"))
	}
	var list []string
	for _, name := range files {
		b, _ := os.ReadFile(name)
		for line := range strings.Lines(string(b)) {
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]") {
				list = append(list, line[1:len(line)-1])
			}
		}
	}
	return list
}

// fileNames completes the name of a file.
func (s *Session) fileNames(prefix string) []string {
	dir, base := filepath.Split(prefix)
	where := s.path(dir)
	if rest, ok := strings.CutPrefix(dir, "~/"); ok {
		where = filepath.Join(s.screen.Getenv("HOME"), rest)
	}
	if where == "" {
		where = "."
	}
	entries, _ := os.ReadDir(where)
	var list []string
	for _, e := range entries {
		name := e.Name()
		if !strings.HasPrefix(name, base) || strings.HasPrefix(name, ".") && !strings.HasPrefix(base, ".") {
			continue
		}
		if e.IsDir() {
			name += "/"
		}
		list = append(list, dir+name)
	}
	return list
}

func contains(list []string, s string) bool { return slices.Contains(list, s) }
