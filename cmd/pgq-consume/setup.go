package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"skytools/lib/cli"
	"skytools/lib/db"
	"skytools/lib/pgq"
)

// oldestMajor is the first PgQ whose functions we call.
const oldestMajor = 3

// connect opens a connection; option names the one that gave dsn.
func connect(ctx context.Context, option, dsn string) (*pgx.Conn, error) {
	conn, err := db.ConnectUnnamed(ctx, dsn, program, pgx.QueryExecModeExec)
	var pe *pgconn.ParseConfigError
	var oe *db.ParseError
	if errors.As(err, &pe) || errors.As(err, &oe) {
		return nil, cli.Usagef("option %s: %w", option, err)
	}
	return conn, err
}

// source is the database of the queue while the positions are set up.
type source struct {
	o      *options
	client *pgq.Client
	conn   *pgx.Conn
	info   pgq.Info
}

// openSource connects and checks that what the options need is there.
func openSource(ctx context.Context, o *options) (*source, error) {
	conn, err := connect(ctx, "-d", o.Source.DB)
	if err != nil {
		return nil, err
	}
	s := &source{o: o, client: pgq.New(conn), conn: conn}
	if err := s.check(ctx); err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// explainRight tells which role a user lacks.
func explainRight(err error) error {
	if db.IsPermission(err) {
		return cli.WithHint(err, "Grant role pgq_reader to the user.")
	}
	return err
}

func (s *source) close() { closeConn(s.conn) }

// closeConn says goodbye to the server, but not for long.
func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}

func (s *source) database() string { return s.conn.Config().Database }

func (s *source) check(ctx context.Context) error {
	var err error
	s.info, err = s.client.Inspect(ctx)
	switch {
	case errors.Is(err, pgq.ErrNotInstalled):
		return notInstalled("pgq", s.database(), "")
	case err != nil:
		return err
	case s.info.Major > 0 && s.info.Major < oldestMajor:
		return fmt.Errorf("pgq %s in database %q is too old: version %d or later is needed", s.info.PgQ, s.database(), oldestMajor)
	case s.o.coop() && !s.info.Coop:
		return notInstalled("pgq_coop", s.database(), " (--workers and --subconsumer need it)")
	}
	known, err := s.client.QueueExists(ctx, s.o.Source.Queue)
	switch {
	case err != nil:
		return err
	case !known:
		return fmt.Errorf("unknown queue %q in database %q", s.o.Source.Queue, s.database())
	}
	return nil
}

// notInstalled is the error for a database that lacks an extension.
func notInstalled(extension, database, why string) error {
	return cli.WithHint(fmt.Errorf("%s is not installed in database %q%s", extension, database, why),
		fmt.Sprintf("Install it with: qadmin -d DSN -c 'install %s'.", extension))
}

// registered returns the consumer's registration, or nil.
func (s *source) registered(ctx context.Context) (*pgq.ConsumerInfo, error) {
	l, err := s.client.ConsumerInfo(ctx, s.o.Source.Queue, s.o.Source.Consumer)
	if err != nil || len(l) == 0 {
		return nil, err
	}
	return &l[0], nil
}

func (s *source) notRegistered() error {
	return cli.WithHint(fmt.Errorf("consumer %q is not registered on queue %q", s.o.Source.Consumer, s.o.Source.Queue),
		"Use --register to register it, from now on or with --from.")
}

// position registers or moves the consumer as the options say, and checks that
// it is registered. It returns what it did, for the user, or "".
func (s *source) position(ctx context.Context, subs []string) (string, error) {
	queue, name := s.o.Source.Queue, s.o.Source.Consumer
	info, err := s.registered(ctx)
	if err != nil {
		return "", err
	}
	register := s.o.Source.Register || s.o.Source.RegisterOnly
	if info == nil && !register {
		return "", s.notRegistered()
	}
	var done string
	switch {
	case info != nil && register:
		// A unit that is started again with the same options goes on where it was.
		if s.o.Source.RegisterOnly {
			done = fmt.Sprintf("consumer %q was registered on queue %q before", name, queue)
		}
	case s.o.Source.From != "":
		tick, err := s.from(ctx)
		if err != nil {
			return "", err
		}
		if _, err := s.client.RegisterAt(ctx, queue, name, tick); err != nil {
			return "", err
		}
		done = fmt.Sprintf("consumer %q stands on queue %q at tick %d", name, queue, tick)
	case register:
		if _, err := s.client.Register(ctx, queue, name); err != nil {
			return "", err
		}
		done = fmt.Sprintf("registered consumer %q on queue %q", name, queue)
	}
	for _, sub := range subs {
		if !register {
			break // next_batch registers it
		}
		if _, err := s.client.RegisterSub(ctx, queue, name, sub); err != nil {
			return "", err
		}
	}
	return done, nil
}

// from finds the tick of --from: an id, or the newest tick that is not younger
// than a time in any form that the server reads.
func (s *source) from(ctx context.Context) (int64, error) {
	queue, text := s.o.Source.Queue, s.o.Source.From
	if id, err := strconv.ParseInt(text, 10, 64); err == nil {
		t, err := s.client.TickByID(ctx, queue, id)
		if errors.Is(err, pgq.ErrNoTick) {
			return 0, s.noTick(ctx, fmt.Errorf("queue %q has no tick %d", queue, id))
		}
		return t.ID, err
	}
	var at time.Time
	if err := s.conn.QueryRow(ctx, `select $1::text::timestamptz`, text).Scan(&at); err != nil {
		if ctx.Err() != nil {
			return 0, err
		}
		return 0, cli.Usagef("option --from: %q is neither a tick id nor a time", text)
	}
	t, err := s.client.TickBefore(ctx, queue, at)
	if errors.Is(err, pgq.ErrNoTick) {
		return 0, s.noTick(ctx, fmt.Errorf("queue %q has no tick from before %s", queue, at.Format(time.RFC3339)))
	}
	return t.ID, err
}

// noTick adds which ticks there are.
func (s *source) noTick(ctx context.Context, err error) error {
	first, ferr := s.client.FirstTick(ctx, s.o.Source.Queue)
	last, lerr := s.client.LastTick(ctx, s.o.Source.Queue)
	if ferr != nil || lerr != nil {
		return err
	}
	return cli.WithHint(err, fmt.Sprintf("The oldest tick is %d (%s), the newest is %d (%s).",
		first.ID, first.Time.Format(time.RFC3339), last.ID, last.Time.Format(time.RFC3339)))
}

// peekFrom finds where --peek begins: at --from, else where the consumer of -c
// stands, else at 0.
func (s *source) peekFrom(ctx context.Context) (int64, error) {
	switch {
	case s.o.Source.From != "":
		return s.from(ctx)
	case s.o.Source.Consumer == "":
		return 0, nil
	}
	info, err := s.registered(ctx)
	switch {
	case err != nil:
		return 0, err
	case info == nil:
		return 0, s.notRegistered()
	case info.LastTick == nil:
		return 0, nil
	}
	return *info.LastTick, nil
}

// unregister removes the consumer, or only the subconsumer of --subconsumer.
func (s *source) unregister(ctx context.Context) (string, error) {
	queue, name, sub := s.o.Source.Queue, s.o.Source.Consumer, s.o.Coop.Subconsumer
	if sub != "" {
		removed, err := s.client.UnregisterSub(ctx, queue, name, sub, false)
		switch {
		case err != nil:
			return "", err
		case !removed:
			return "", fmt.Errorf("subconsumer %q of consumer %q is not registered on queue %q", sub, name, queue)
		}
		return fmt.Sprintf("unregistered subconsumer %q of consumer %q from queue %q", sub, name, queue), nil
	}
	n, err := s.client.Unregister(ctx, queue, name)
	switch {
	case err != nil:
		return "", err
	case n == 0:
		return "", fmt.Errorf("consumer %q is not registered on queue %q", name, queue)
	}
	return fmt.Sprintf("unregistered consumer %q from queue %q", name, queue), nil
}

// checkTarget makes the mistakes that can be seen at once stop us at once: no
// pgq_ext, a statement that does not parse, a queue that does not exist.
func checkTarget(ctx context.Context, o *options) error {
	conn, err := connect(ctx, "--into", o.Target.Into)
	if err != nil {
		return fmt.Errorf("target: %w", err)
	}
	defer closeConn(conn)
	database := conn.Config().Database
	client := pgq.New(conn)
	info, err := client.Inspect(ctx)
	if err != nil && !errors.Is(err, pgq.ErrNotInstalled) {
		return err
	}
	switch {
	case !info.Ext:
		return notInstalled("pgq_ext", database, " (--into needs it to apply each event exactly once)")
	case o.Target.SQL != "":
		st, err := parseStatement(o.Target.SQL)
		if err != nil {
			return err
		}
		if _, err := conn.Prepare(ctx, "", st.sql); err != nil {
			return fmt.Errorf("--sql: %w", err)
		}
		return nil
	case errors.Is(err, pgq.ErrNotInstalled):
		return notInstalled("pgq", database, " (--into-queue needs it)")
	}
	name, err := parseQueueName(o.Target.IntoQueue)
	if err != nil {
		return err
	}
	if queue, fixed := name.fixed(); fixed {
		known, err := client.QueueExists(ctx, queue)
		if err != nil {
			return err
		}
		if !known {
			return unknownTarget(queue)
		}
	}
	return nil
}
