package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5"
	"github.com/jessevdk/go-flags"

	"skytools/lib/cli"
	"skytools/lib/db"
)

const program = "qadmin"

// Exit codes: qadmin has a table of its own.
const (
	exitOK         = 0
	exitUsage      = 1
	exitConnection = 2 // lost or not possible
	exitStatement  = 3
	exitSignal     = 128 // plus the signal's number
)

//go:embed help.txt
var help string

// options are the flags. Without unquote:"false" go-flags would take a value
// in double quotes for a literal of Go.
type options struct {
	DB       string   `short:"d" long:"db" unquote:"false"`
	Host     string   `short:"h" long:"host" unquote:"false"`
	Port     string   `short:"p" long:"port" unquote:"false"`
	User     string   `short:"U" long:"user" unquote:"false"`
	Commands []string `short:"c" long:"command" unquote:"false"`
	Help     bool     `long:"help"`
	Version  bool     `long:"version"`
}

// run is the whole program.
func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	var opts options
	rest, err := flags.NewParser(&opts, flags.PassDoubleDash).ParseArgs(args)
	switch {
	case err != nil:
		return fail(stderr, exitUsage, cli.WithHint(cli.FlagError(err), "Try: qadmin --help."))
	case opts.Help:
		return printed(io.WriteString(stdout, help))
	case opts.Version:
		return printed(fmt.Fprintln(stdout, cli.Version(program)))
	}
	dsn, err := opts.dsn(rest)
	if err != nil {
		return fail(stderr, exitUsage, err)
	}
	if len(opts.Commands) == 0 {
		return fail(stderr, exitUsage, cli.WithHint(errors.New("no statement given"), "Give one with -c, for example: qadmin -c 'install pgq'."))
	}
	// All is parsed before anything is run.
	var statements []statement
	for _, c := range opts.Commands {
		st, err := parse(c)
		if err != nil {
			return fail(stderr, exitStatement, err)
		}
		statements = append(statements, st...)
	}
	s := &session{dsn: dsn, stdout: stdout, stderr: stderr}
	defer s.close()
	for _, st := range statements {
		if err := st.run(ctx, s); err != nil {
			return fail(stderr, exitCode(ctx, err), err)
		}
	}
	return exitOK
}

// dsn puts the parts of the connection string together. Where both name the
// same thing, the string of -d wins, as in psql.
func (o *options) dsn(rest []string) (string, error) {
	db := o.DB
	switch {
	case len(rest) > 1:
		return "", cli.WithHint(fmt.Errorf("too many arguments: %q", rest[1:]), "Try: qadmin --help.")
	case len(rest) == 1 && db != "":
		return "", fmt.Errorf("the database is given twice: %q and %q", db, rest[0])
	case len(rest) == 1:
		db = rest[0]
	}
	if strings.HasPrefix(db, "postgresql://") || strings.HasPrefix(db, "postgres://") {
		if o.Host+o.Port+o.User != "" {
			return "", errors.New("-h, -p and -U do not go with a URL: name host, port and user in it")
		}
		return db, nil
	}
	var parts []string
	add := func(key, value string) {
		if value != "" {
			value = strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value)
			parts = append(parts, key+"='"+value+"'")
		}
	}
	add("host", o.Host)
	add("port", o.Port)
	add("user", o.User)
	if strings.Contains(db, "=") {
		parts = append(parts, db)
	} else {
		add("dbname", db)
	}
	return strings.Join(parts, " "), nil
}

// session is what statements work with. It connects when the first one needs
// a connection.
type session struct {
	dsn            string
	conn           *pgx.Conn
	stdout, stderr io.Writer
}

// connError is a failure to connect.
type connError struct{ error }

func (e connError) Unwrap() error { return e.error }

func (s *session) connect(ctx context.Context) (*pgx.Conn, error) {
	if s.conn != nil {
		return s.conn, nil
	}
	conn, err := db.ConnectUnnamed(ctx, s.dsn, program, pgx.QueryExecModeExec)
	if err != nil {
		return nil, connError{err}
	}
	s.conn = conn
	return conn, nil
}

func (s *session) close() {
	if s.conn != nil {
		s.conn.Close(context.Background())
	}
}

// exitCode gives the code for the error of a statement.
func exitCode(ctx context.Context, err error) int {
	var sig cli.ErrSignal
	var ce connError
	var pe *os.PathError
	switch {
	case errors.As(context.Cause(ctx), &sig):
		if n, ok := sig.Signal.(syscall.Signal); ok {
			return exitSignal + int(n)
		}
		return exitUsage
	case errors.As(err, &ce), db.IsConnectionLoss(err):
		return exitConnection
	case errors.As(err, &pe): // stdout
		return exitUsage
	}
	return exitStatement
}

// printed gives the code after output that needs no connection.
func printed(_ int, err error) int {
	if err != nil {
		return exitUsage
	}
	return exitOK
}

func fail(stderr io.Writer, code int, err error) int {
	cli.PrintError(stderr, program, err)
	return code
}
