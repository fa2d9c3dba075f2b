// Package console is what qadmin does: it reads input, runs the statements of
// package grammar and SQL on a connection, and writes results by package
// output. What has to do with a terminal is in package term.
package console

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"skytools/cmd/qadmin/internal/grammar"
	"skytools/cmd/qadmin/internal/output"
	"skytools/lib/cli"
	"skytools/lib/db"
)

const program = "qadmin"

// Config is what a session starts with.
type Config struct {
	Target       Target
	Queue        string // default queue
	Options      output.Options
	Vars         map[string]string
	Quiet        bool
	ReadOnly     bool
	Restricted   bool // no shell
	Yes          bool // no questions
	IgnoreErrors bool
	NoPassword   bool // never ask for one
	AskPassword  bool // ask before the first attempt
	Color        bool // in results that people read
	ErrorColor   bool // in errors
	ShowSecrets  bool // passwords in the locations of nodes
	Interactive  bool // a person types

	// Ask reads an answer from the terminal, without echo for a secret. nil:
	// there is no terminal.
	Ask func(prompt string, secret bool) (string, error)
}

// Session is a connection with all that statements and commands change.
type Session struct {
	Config
	stdin          *bufio.Reader
	stdout, stderr io.Writer
	out            io.Writer    // where results go: stdout or what \o says
	closeOut       func() error // ends what \o opened

	conn      *pgx.Conn
	have      grammar.Installed // nil: not asked yet
	notices   []string
	lastError error
	lastQuery string // what \g and \watch run again
	dir       string // what \cd chose
	depth     int    // of included files
	timing    bool
	failed    bool                      // some statement did
	expand    bool                      // \gx: the next result only
	warn      func(row []string) []bool // what of the next result is coloured
	collect   *collected                // \gset: results go there
	screen    *Screen
	interrupt func() // for SIGINT between statements
	catalog   catalog
}

// New makes a session. It connects when a statement needs it.
func New(c Config, stdin io.Reader, stdout, stderr io.Writer) *Session {
	if c.Vars == nil {
		c.Vars = map[string]string{}
	}
	s := &Session{Config: c, stdin: bufio.NewReaderSize(stdin, 64<<10), stdout: stdout, stderr: stderr, out: stdout}
	if _, ok := s.Vars["ON_ERROR_STOP"]; !ok {
		s.Vars["ON_ERROR_STOP"] = map[bool]string{true: "off", false: "on"}[s.Interactive || s.IgnoreErrors]
	}
	if s.Yes {
		s.Vars["ON_DESTRUCTIVE"] = "yes"
	}
	return s
}

// Close ends the session.
func (s *Session) Close() error {
	err := s.redirect()
	s.drop()
	return err
}

// drop closes the connection.
func (s *Session) drop() {
	if s.conn != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		s.conn.Close(ctx)
		s.conn, s.have = nil, nil
	}
}

// connection returns the connection, which is made now if there is none.
func (s *Session) connection(ctx context.Context) (*pgx.Conn, error) {
	if s.conn != nil && !s.conn.IsClosed() {
		return s.conn, nil
	}
	if s.conn != nil && !s.Interactive {
		return nil, connError{fmt.Errorf("the connection to the server was lost")}
	}
	if s.conn != nil {
		s.message("The connection was lost; connecting again. Settings, temporary tables and an open transaction are gone.")
	}
	conn, err := s.dial(ctx, &s.Target)
	if err != nil {
		return nil, err
	}
	s.conn, s.have = conn, nil
	return conn, nil
}

// dial connects, and asks for a password where that can help. A password that
// was typed becomes part of the target, for the next time.
func (s *Session) dial(ctx context.Context, t *Target) (*pgx.Conn, error) {
	if s.AskPassword && t.Over["password"] == "" {
		if err := s.password(t); err != nil {
			return nil, err
		}
	}
	for asked := s.AskPassword; ; asked = true {
		conn, err := s.dialOnce(ctx, *t)
		if err == nil {
			return conn, nil
		}
		if asked || s.NoPassword || s.Ask == nil || !slices.Contains([]string{"28P01", "28000", "08P01"}, db.Code(err)) {
			return nil, connError{err}
		}
		if err := s.password(t); err != nil {
			return nil, err
		}
	}
}

func (s *Session) password(t *Target) error {
	if s.Ask == nil {
		return connError{fmt.Errorf("there is no terminal to ask for the password")}
	}
	p, err := s.Ask("Password: ", true)
	if err != nil {
		return connError{err}
	}
	*t = t.With(map[string]string{"password": p})
	return nil
}

func (s *Session) dialOnce(ctx context.Context, t Target) (*pgx.Conn, error) {
	cfg, err := db.ParseUnnamed(t.DSN(), program, pgx.QueryExecModeCacheDescribe)
	if err != nil {
		return nil, err
	}
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { s.notice(n) }
	cfg.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) {
		s.notices = append(s.notices, fmt.Sprintf("Notification %q with payload %q from process %d.\n", n.Channel, n.Payload, n.PID))
	}
	cfg.Tracer = tracer{s}
	if s.ReadOnly {
		// By SET it would stay in a session of a pooler, for whoever gets it next.
		cfg.RuntimeParams["default_transaction_read_only"] = "on"
	}
	// A query that is cancelled ends, and its session goes on.
	cfg.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, DeadlineDelay: 5 * time.Second}
	}
	conn, err := db.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	if conn.PgConn().ParameterStatus("IntervalStyle") != "postgres" {
		if err := conn.PgConn().Exec(ctx, "set intervalstyle = postgres").Close(); err != nil {
			conn.Close(ctx)
			return nil, err
		}
	}
	return conn, nil
}

// notice keeps a message of the server until the result is written.
func (s *Session) notice(n *pgconn.Notice) {
	var b strings.Builder
	line(&b, n.Severity, n.Message)
	line(&b, "DETAIL", n.Detail)
	line(&b, "HINT", n.Hint)
	s.notices = append(s.notices, b.String())
}

func (s *Session) flushNotices(at place) {
	for _, n := range s.notices {
		if !s.Interactive && at.file != "" {
			n = program + ": " + at.String() + n
		}
		fmt.Fprint(s.stderr, n)
	}
	s.notices = nil
}

// message tells a person something that is no result.
func (s *Session) message(format string, args ...any) {
	fmt.Fprintf(s.stderr, format+"\n", args...)
}

// tag writes the final word of a statement.
func (s *Session) tag(text string) error {
	if s.Quiet {
		return nil
	}
	w := s.out
	if s.Options.Machine() {
		w = s.stderr
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

// escapes tells whether backslashes escape in string constants.
func (s *Session) escapes() bool {
	return s.conn != nil && s.conn.PgConn().ParameterStatus("standard_conforming_strings") == "off"
}

// inTransaction tells whether a transaction is open, be it a failed one.
func (s *Session) inTransaction() bool {
	return s.conn != nil && s.conn.PgConn().TxStatus() != 'I'
}

// Installed tells what the database has. In a failed transaction nobody can
// ask; then it is as before.
func (s *Session) Installed(ctx context.Context) (grammar.Installed, error) {
	conn, err := s.connection(ctx)
	if err != nil {
		return nil, err
	}
	if s.have != nil || conn.PgConn().TxStatus() == 'E' {
		return s.have, nil
	}
	rows, err := s.rows(ctx, `select n.nspname,
       exists (select from pg_catalog.pg_proc p where p.pronamespace = n.oid and p.proname = 'version' and p.pronargs = 0)
  from pg_catalog.pg_namespace n
 where n.nspname in ('pgq', 'pgq_coop', 'pgq_ext', 'pgq_node', 'londiste')
   and pg_catalog.has_schema_privilege(n.oid, 'usage')`)
	if err != nil {
		return nil, err
	}
	have := grammar.Installed{}
	for _, r := range rows {
		have[r.text(0)] = ""
		if r.text(1) == "t" {
			// Upstream's schema without an extension gives NULL.
			if have[r.text(0)], err = s.value(ctx, "select "+r.text(0)+".version()"); err != nil {
				return nil, err
			}
		}
	}
	s.have = have
	return have, nil
}

// pgq4 tells whether the database has our schema and not upstream's.
func (s *Session) pgq4(ctx context.Context) (bool, error) {
	have, err := s.Installed(ctx)
	return have.Lacks(&grammar.Statement{Needs: "pgq", Since: "4.0"}) == "", err
}

// queue is the queue that a statement is about: the one given under a label,
// or else the default one.
func (s *Session) queue(m *grammar.Match) (string, error) {
	if a, ok := m.Arg("queue"); ok {
		return a.Token.Value, nil
	}
	if s.Queue == "" {
		return "", cli.WithHint(fmt.Errorf("no queue specified"), `Name one, or choose a default one with: connect queue=QUEUE.`)
	}
	return s.Queue, nil
}

// confirm asks before something is lost. In a script what is written is done,
// unless it is for whatever there is.
func (s *Session) confirm(what string, wildcard bool) error {
	if s.Vars["ON_DESTRUCTIVE"] == "yes" {
		return nil
	}
	if s.Interactive && s.Ask != nil {
		answer, err := s.Ask(what+"? [y/N] ", false)
		if err != nil {
			return err
		}
		if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
			return fmt.Errorf("not confirmed")
		}
		return nil
	}
	if wildcard {
		return cli.WithHint(fmt.Errorf("in a script this must be allowed: %s", what), `Use --yes or \set ON_DESTRUCTIVE yes.`)
	}
	return nil
}
