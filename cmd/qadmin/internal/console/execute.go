package console

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"skytools/cmd/qadmin/internal/grammar"
	"skytools/lib/cli"
)

// handler runs a statement of ours. in is where it was read from.
type handler func(ctx context.Context, s *Session, in *input, m *grammar.Match) error

// handlers are the statements by their names in the grammar.
var handlers map[string]handler

func init() {
	// Not in the declaration: help and the rest call back into this table.
	handlers = map[string]handler{
		"connect":                connectStatement,
		"install":                installStatement,
		"upgrade":                upgradeStatement,
		"create queue":           createQueue,
		"alter queue":            alterQueue,
		"drop queue":             dropQueue,
		"register consumer":      registerConsumer,
		"register subconsumer":   registerSubconsumer,
		"unregister consumer":    unregisterConsumer,
		"unregister subconsumer": unregisterSubconsumer,
		"show queue":             showQueue,
		"show queues":            showQueue,
		"show consumer":          showConsumer,
		"show consumers":         showConsumer,
		"show batch":             showBatch,
		"show event":             showEvent,
		"show events":            showEvents,
		"show rotation":          showRotation,
		"show tick":              showTick,
		"show status":            showStatus,
		"show retry":             showRetry,
		"show triggers":          showTriggers,
		"show locks":             showLocks,
		"show node":              showNode,
		"show nodes":             showNode,
		"show cascade":           showCascade,
		"show subscribers":       showSubscribers,
		"create root node":       createNode,
		"create branch node":     createNode,
		"create leaf node":       createNode,
		"alter node":             alterNode,
		"pause node":             pauseNode,
		"resume node":            pauseNode,
		"drop node":              dropNode,
		"show table":             showDDL,
		"show sequence":          showDDL,
		"show version":           showVersion,
		"show help":              help,
		"explain event":          explainEvent,
		"tick queue":             tickQueue,
		"produce":                produce,
		"doctor":                 doctor,
		"top":                    topStatement,
		"help":                   help,
		"exit":                   quit,
		"quit":                   quit,
	}
}

func quit(context.Context, *Session, *input, *grammar.Match) error { return errQuit }

func help(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	var words []string
	for _, a := range m.Values() {
		words = append(words, a.Token.Value)
	}
	return s.help(ctx, strings.Join(words, " "))
}

// help writes help; what the database can do is told only if there is one.
func (s *Session) help(ctx context.Context, words string) error {
	var have grammar.Installed
	if s.conn != nil || s.Interactive {
		have, _ = s.Installed(ctx)
	}
	text := grammar.Help(have)
	if words != "" {
		if text = grammar.HelpOn(words, have); text == "" {
			return cli.WithHint(fmt.Errorf("no help on %q", words), "Run help for the list of statements.")
		}
	}
	_, err := fmt.Fprint(s.out, text)
	return err
}

// Execute runs one statement, ours or SQL.
func (s *Session) Execute(ctx context.Context, in *input, text string) error {
	if s.Vars["ECHO"] == "queries" {
		w := s.out
		if s.Options.Machine() {
			w = s.stderr
		}
		fmt.Fprintln(w, text)
	}
	m, err := grammar.Parse(text, s.escapes())
	if err != nil {
		return err
	}
	start := time.Now()
	if m != nil {
		err = s.statement(ctx, in, m)
	} else {
		err = s.sql(ctx, text)
	}
	if s.timing && !errors.Is(err, errQuit) {
		s.message("Time: %.3f ms", float64(time.Since(start).Microseconds())/1000)
	}
	return err
}

// statement runs a statement of ours, if the database has what it needs.
func (s *Session) statement(ctx context.Context, in *input, m *grammar.Match) error {
	st := m.Statement
	writes := st.Writes && !m.Has("sql") || m.Has("fix")
	if writes && s.ReadOnly {
		return fmt.Errorf("%s writes, and the session is read-only", st.Name)
	}
	if st.OwnTx && writes && s.inTransaction() {
		return fmt.Errorf("%s cannot run inside a transaction", st.Name)
	}
	if st.Needs != "" {
		have, err := s.Installed(ctx)
		if err != nil {
			return err
		}
		if lack := have.Lacks(st); lack != "" {
			return cli.WithHint(fmt.Errorf("%s %s", st.Name, lack), "Run: install "+st.Needs+".")
		}
	}
	if writes && !st.OwnTx {
		if err := s.autoBegin(ctx); err != nil {
			return err
		}
	}
	if st.Later {
		return fmt.Errorf("%s is not part of this version", st.Name)
	}
	return handlers[st.Name](ctx, s, in, m)
}

// changesSchema are the first words of SQL after which other extensions may be
// there.
var changesSchema = map[string]bool{"create": true, "drop": true, "alter": true, "do": true, "set": true, "reset": true, "rollback": true}

// sql sends SQL as it is.
func (s *Session) sql(ctx context.Context, text string) error {
	conn, err := s.connection(ctx)
	if err != nil {
		return err
	}
	first := grammar.FirstWord(text, s.escapes())
	if changesSchema[first] {
		s.have = nil
	}
	if !standsAlone(text, s.escapes()) {
		if err := s.autoBegin(ctx); err != nil {
			return err
		}
	}
	if first == "copy" {
		return s.copy(ctx, text)
	}
	mrr := conn.PgConn().Exec(ctx, text)
	var failure error
	for mrr.NextResult() {
		rr := mrr.ResultReader()
		fields := len(rr.FieldDescriptions()) > 0
		if fields && failure == nil {
			_, failure = s.write(rr, "", -1)
		}
		tag, err := rr.Close()
		if err == nil && failure == nil && (!s.Options.TuplesOnly && s.collect == nil || !fields) {
			failure = s.tag(tag.String())
		}
	}
	if err := mrr.Close(); err != nil {
		failure = err
	}
	return s.withText(failure, text)
}

// withText adds the statement to an error of the server.
func (s *Session) withText(err error, text string) error {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return sqlError{pe, text}
	}
	return err
}

// copy runs COPY: only to stdout has it data for us.
func (s *Session) copy(ctx context.Context, text string) error {
	tokens, _ := grammar.Tokens(text, s.escapes())
	stream := ""
	for i, t := range tokens {
		if t.Kind == grammar.Word && (t.Value == "stdin" || t.Value == "stdout") && i > 0 {
			stream = t.Value
		}
	}
	pg := s.conn.PgConn()
	switch stream {
	case "stdin":
		return cli.WithHint(errors.New("copy from stdin is not for this console"), "Use psql, or produce to load events.")
	case "stdout":
		tag, err := pg.CopyTo(ctx, s.out, text)
		if err != nil {
			return s.withText(err, text)
		}
		if !s.Quiet {
			s.message("%s", tag)
		}
		return nil
	}
	res, err := pg.Exec(ctx, text).ReadAll()
	if err != nil {
		return s.withText(err, text)
	}
	for _, r := range res {
		if err := s.tag(r.CommandTag.String()); err != nil {
			return err
		}
	}
	return nil
}

// execute runs SQL of our own that gives nothing.
func (s *Session) execute(ctx context.Context, sql string) error {
	conn, err := s.connection(ctx)
	if err != nil {
		return err
	}
	return conn.PgConn().Exec(ctx, sql).Close()
}
