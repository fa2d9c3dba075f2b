package install

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"skytools/extension"
)

// settings are those that CREATE EXTENSION gives a script as well.
const settings = `set local client_min_messages = warning;
set local search_path = pg_catalog, pg_temp;
set local standard_conforming_strings = on;
`

var lockSQL = fmt.Sprintf("select pg_catalog.pg_advisory_xact_lock(%d)", int64(lockKey))

// ScriptError is an error in a file of the embedded SQL.
type ScriptError struct {
	Path string // relative to the directory extension
	Line int
	Err  error
}

func (e *ScriptError) Error() string {
	msg := e.Err.Error()
	var pe *pgconn.PgError
	if errors.As(e.Err, &pe) {
		if pe.Routine == "exec_stmt_raise" {
			return pe.Message // meant for whoever installs
		}
		msg = fmt.Sprintf("%s (SQLSTATE %s)", pe.Message, pe.Code)
	}
	return fmt.Sprintf("%s:%d: %s", e.Path, e.Line, msg)
}

func (e *ScriptError) Unwrap() error { return e.Err }

// runScript installs or upgrades the PL/pgSQL flavour, file by file.
func runScript(ctx context.Context, tx pgx.Tx, name string) error {
	files, err := extension.Upgrade(name)
	if err != nil {
		return err
	}
	if _, err := tx.Conn().PgConn().Exec(ctx, settings).ReadAll(); err != nil {
		return err
	}
	for _, f := range files {
		if err := runFile(ctx, tx.Conn().PgConn(), f); err != nil {
			return err
		}
	}
	return nil
}

// runFile runs one file through the simple protocol, as one message.
func runFile(ctx context.Context, conn *pgconn.PgConn, f extension.File) error {
	done := 0 // statements
	results := conn.Exec(ctx, f.Text)
	for results.NextResult() {
		if _, err := results.ResultReader().Close(); err != nil {
			break
		}
		done++
	}
	err := results.Close()
	if err == nil {
		return nil
	}
	var pe *pgconn.PgError
	if !errors.As(err, &pe) {
		return err // the connection broke
	}
	line := 0
	if pe.Position > 0 {
		line = lineOfPosition(f.Text, int(pe.Position))
	} else {
		line = lineOfStatement(f.Text, done)
	}
	return &ScriptError{Path: f.Path, Line: line, Err: err}
}

// lineOfPosition gives the line of a character, both counted from 1.
func lineOfPosition(sql string, position int) int {
	line, n := 1, 0
	for _, r := range sql {
		if n++; n >= position {
			break
		}
		if r == '\n' {
			line++
		}
	}
	return line
}

// lineOfStatement gives the line, from 1, on which the statement after n
// others begins.
func lineOfStatement(sql string, n int) int {
	pos := skipBlank(sql, 0)
	for ; n > 0 && pos < len(sql); n-- {
		pos = skipBlank(sql, statementEnd(sql, pos))
	}
	return 1 + strings.Count(sql[:pos], "\n")
}

// skipBlank returns where the white space and comments from pos on end.
func skipBlank(sql string, pos int) int {
	for pos < len(sql) {
		switch {
		case strings.ContainsRune(" \t\r\n", rune(sql[pos])):
			pos++
		case strings.HasPrefix(sql[pos:], "--"), strings.HasPrefix(sql[pos:], "/*"):
			pos = skipToken(sql, pos)
		default:
			return pos
		}
	}
	return pos
}

// statementEnd returns the position behind the semicolon of the statement at
// pos.
func statementEnd(sql string, pos int) int {
	for pos < len(sql) {
		if sql[pos] == ';' {
			return pos + 1
		}
		pos = skipToken(sql, pos)
	}
	return pos
}

// skipToken returns the position behind the comment, string, quoted name or
// single byte at pos. It knows what our own files use: no nested comments, no
// backslash in strings.
func skipToken(sql string, pos int) int {
	end := func(open int, closing string) int {
		if i := strings.Index(sql[pos+open:], closing); i >= 0 {
			return pos + open + i + len(closing)
		}
		return len(sql)
	}
	switch rest := sql[pos:]; {
	case strings.HasPrefix(rest, "--"):
		return end(2, "\n")
	case strings.HasPrefix(rest, "/*"):
		return end(2, "*/")
	case rest[0] == '\'':
		return end(1, "'")
	case rest[0] == '"':
		return end(1, `"`)
	case rest[0] == '$':
		if i := strings.IndexByte(rest[1:], '$'); i >= 0 && isTag(rest[1:1+i]) {
			tag := rest[:i+2]
			return end(len(tag), tag)
		}
	}
	return pos + 1
}

// isTag tells whether s may stand between the dollars of a dollar quote.
func isTag(s string) bool {
	for i, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return true
}

// SQL returns what Install would run, as a script for psql. Without a
// connection it is the one that installs or upgrades the PL/pgSQL flavour,
// whatever is there.
func SQL(ctx context.Context, conn *pgx.Conn, name string, opts Options) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	var commands []string
	if conn != nil {
		tx, err := conn.Begin(ctx)
		if err != nil {
			return "", err
		}
		defer tx.Rollback(context.WithoutCancel(ctx))
		there, err := look(ctx, tx, name)
		if err != nil {
			return "", err
		}
		how, err := plan(ctx, tx, name, there, opts)
		if err != nil {
			return "", err
		}
		switch how {
		case nothing:
			return fmt.Sprintf("-- %s %s is installed already\n", name, extension.Version(name)), nil
		case byExtension:
			commands = there.extensionSQL(name)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "-- %s %s\nbegin;\n%s;\n", name, extension.Version(name), lockSQL)
	for _, c := range commands {
		b.WriteString(c + ";\n")
	}
	if commands == nil {
		files, err := extension.Upgrade(name)
		if err != nil {
			return "", err
		}
		b.WriteString(settings)
		for _, f := range files {
			fmt.Fprintf(&b, "\n-- %s\n%s", f.Path, f.Text)
		}
		b.WriteByte('\n')
	}
	b.WriteString("commit;\n")
	return b.String(), nil
}
