package console

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgconn"

	"skytools/cmd/qadmin/internal/grammar"
	"skytools/cmd/qadmin/internal/output"
	"skytools/lib/cli"
	"skytools/lib/db"
)

// Exit codes.
const (
	ExitOK         = 0
	ExitUsage      = 1 // usage or internal
	ExitConnection = 2 // lost or not possible
	ExitStatement  = 3
	ExitSignal     = 128 // plus the signal's number
)

// errQuit ends a script, errStop ends all after an error that is reported.
var (
	errQuit = errors.New("quit")
	errStop = errors.New("stopped by an error")
)

// connError is a failure to connect.
type connError struct{ error }

func (e connError) Unwrap() error { return e.error }

// sqlError is an error of the server for a statement that is known, so that
// the place in it can be shown.
type sqlError struct {
	error
	text string
}

func (e sqlError) Unwrap() error { return e.error }

// place is where a statement stands.
type place struct {
	file string // "" for -c and at a prompt
	line int
}

func (p place) String() string {
	if p.file == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d: ", p.file, p.line)
}

// report writes an error for a person.
func (s *Session) report(err error, at place) {
	s.lastError = err
	verbosity := s.Vars["VERBOSITY"]
	var b strings.Builder
	writeError(&b, err, verbosity)
	text := b.String()
	if severity, rest, ok := strings.Cut(text, ":"); ok && s.ErrorColor {
		text = output.Red(severity+":") + rest
	}
	if !s.Interactive {
		text = program + ": " + at.String() + text
	}
	fmt.Fprint(s.stderr, text)
}

// writeError writes "ERROR: ..." with what belongs to it.
func writeError(b *strings.Builder, err error, verbosity string) {
	severity, code, message := "ERROR", "", err.Error()
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		severity, code = pe.Severity, pe.Code
		if errors.As(err, new(sqlError)) {
			message = pe.Message
		} else {
			// What was being done stands in front; the driver's own words go.
			message = strings.Replace(message, pe.Error(), pe.Message, 1)
		}
	}
	if !errors.As(err, new(sqlError)) {
		// The driver's errors have lines for each address that it tried.
		message = strings.Join(strings.Fields(message), " ")
	}
	if verbosity == "verbose" && code != "" {
		code += ": "
	} else {
		code = ""
	}
	line(b, severity, code+message)
	if verbosity == "terse" {
		return
	}
	if where := errorPlace(err, pe); where != "" {
		b.WriteString(output.Clean(where) + "\n")
	}
	if pe != nil {
		line(b, "DETAIL", pe.Detail)
		line(b, "HINT", pe.Hint)
		line(b, "CONTEXT", pe.Where)
		if verbosity == "verbose" {
			line(b, "SCHEMA NAME", pe.SchemaName)
			line(b, "TABLE NAME", pe.TableName)
			line(b, "COLUMN NAME", pe.ColumnName)
			line(b, "CONSTRAINT NAME", pe.ConstraintName)
			if pe.File != "" {
				line(b, "LOCATION", fmt.Sprintf("%s, %s:%d", pe.Routine, pe.File, pe.Line))
			}
		}
	}
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		line(b, "HINT", h.Hint())
	}
}

func line(b *strings.Builder, name, text string) {
	if text != "" {
		b.WriteString(name + ": " + output.Clean(text) + "\n")
	}
}

// errorPlace shows the line of the statement in which an error lies.
func errorPlace(err error, pe *pgconn.PgError) string {
	var syn *grammar.SyntaxError
	if errors.As(err, &syn) {
		return syn.Where()
	}
	var se sqlError
	if pe == nil || pe.Position == 0 || !errors.As(err, &se) {
		return ""
	}
	// The server counts characters.
	pos := 0
	for range pe.Position - 1 {
		_, n := utf8.DecodeRuneInString(se.text[pos:])
		pos += n
	}
	return grammar.Caret(se.text, pos)
}

// code gives the exit code for an error.
func (s *Session) code(ctx context.Context, err error) int {
	var sig cli.ErrSignal
	var ce connError
	var pe *os.PathError
	switch {
	case errors.As(context.Cause(ctx), &sig):
		if n, ok := sig.Signal.(syscall.Signal); ok {
			return ExitSignal + int(n)
		}
		return ExitUsage
	case errors.As(err, &ce), s.lost(err):
		return ExitConnection
	case errors.As(err, &pe) && pe.Op == "write": // stdout
		return ExitUsage
	}
	return ExitStatement
}

// lost tells whether an error means that the connection is gone.
func (s *Session) lost(err error) bool {
	return err != nil && (db.IsConnectionLoss(err) || s.conn != nil && s.conn.IsClosed())
}

// roleHint names the role that a right comes with.
func roleHint(err error) error {
	if !db.IsPermission(err) {
		return err
	}
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		return err
	}
	return cli.WithHint(err, "Consumers need the role pgq_reader, producers pgq_writer, who runs queues pgq_admin.")
}
