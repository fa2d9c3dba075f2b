package console

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"skytools/cmd/qadmin/internal/grammar"
)

// Source is a piece of work from the command line.
type Source struct {
	Text string // of -c
	File string // of -f; "-" is stdin
	Rc   bool   // a start-up file: it may be missing
}

// RunAll runs sources in their order and returns the exit code.
func (s *Session) RunAll(ctx context.Context, sources []Source, single bool) int {
	err := s.inOne(ctx, single, func() error {
		for _, src := range sources {
			if err := s.runSource(ctx, src); err != nil {
				return err
			}
		}
		return nil
	})
	var stop stopped
	switch {
	case errors.As(err, &stop):
		return stop.code
	case err != nil && !errors.Is(err, errQuit):
		s.report(err, place{})
		if pe := (*os.PathError)(nil); errors.As(err, &pe) {
			return ExitUsage // a file of the command line
		}
		return s.code(ctx, err)
	case s.failed && !s.IgnoreErrors && !s.Interactive:
		return ExitStatement
	}
	return ExitOK
}

// stopped is errStop with the exit code.
type stopped struct{ code int }

func (e stopped) Error() string        { return errStop.Error() }
func (e stopped) Is(target error) bool { return target == errStop }

// inOne makes one transaction of f if single is wanted. It is rolled back when
// f fails.
func (s *Session) inOne(ctx context.Context, single bool, f func() error) error {
	if !single {
		return f()
	}
	if err := s.execute(ctx, "begin"); err != nil {
		return err
	}
	err := f()
	if err == nil || errors.Is(err, errQuit) {
		return s.execute(ctx, "commit")
	}
	if s.conn != nil && !s.conn.IsClosed() {
		if rerr := s.execute(context.WithoutCancel(ctx), "rollback"); rerr != nil {
			return errors.Join(err, rerr)
		}
	}
	return err
}

func (s *Session) runSource(ctx context.Context, src Source) error {
	switch {
	case src.Text != "":
		// A quit ends this text only, as it does in a file.
		return noQuit(s.script(ctx, bufio.NewReader(strings.NewReader(src.Text)), ""))
	case src.File == "-":
		return noQuit(s.script(ctx, s.stdin, "<stdin>"))
	}
	err := s.Include(ctx, src.File)
	if src.Rc && errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

func noQuit(err error) error {
	if errors.Is(err, errQuit) {
		return nil
	}
	return err
}

// maxDepth bounds files that include each other.
const maxDepth = 50

// Include runs a file.
func (s *Session) Include(ctx context.Context, name string) error {
	if s.depth >= maxDepth {
		return fmt.Errorf("%s: files are included %d deep", name, maxDepth)
	}
	f, err := os.Open(s.path(name))
	if err != nil {
		return err
	}
	defer f.Close()
	s.depth++
	defer func() { s.depth-- }()
	return noQuit(s.script(ctx, bufio.NewReaderSize(f, 64<<10), name))
}

// path makes a name relative to what \cd chose.
func (s *Session) path(name string) string {
	if s.dir == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.dir, name)
}

// script runs what r has, up to its end, to a quit, or to an error if these
// stop.
func (s *Session) script(ctx context.Context, r *bufio.Reader, file string) error {
	in := &input{session: s, reader: r, file: file}
	in.Lookup = s.lookup
	for first := true; ; first = false {
		text, err := r.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if first {
			text = strings.TrimPrefix(text, "\ufeff")
		}
		if rerr := in.line(ctx, text); rerr != nil {
			return rerr
		}
		if err != nil {
			break
		}
	}
	if p, ok := in.Take(); ok {
		if err := in.run(ctx, p); err != nil {
			return err
		}
	}
	if len(in.conditions) > 0 {
		return s.settle(ctx, errors.New(`the input ends inside of \if`), place{in.file, in.LineNumber()})
	}
	return nil
}

// input is a source that is being read.
type input struct {
	grammar.Splitter
	session *Session
	reader  *bufio.Reader
	file    string

	conditions []*condition
}

// line takes one line.
func (in *input) line(ctx context.Context, text string) error {
	in.Escapes = in.session.escapes()
	if in.Empty() && grammar.Alone(text) {
		in.Reset()
		in.SetLine(in.LineNumber() + 1)
		return in.run(ctx, grammar.Piece{Text: strings.TrimSpace(text), Line: in.LineNumber()})
	}
	return in.Feed(text, func(p grammar.Piece) error {
		err := in.run(ctx, p)
		in.Escapes = in.session.escapes()
		return err
	})
}

// run runs a piece and says what failed. It returns an error only if that is
// to stop the script.
func (in *input) run(ctx context.Context, p grammar.Piece) error {
	s := in.session
	at := place{in.file, p.Line}
	var err error
	if in.skips() && !(p.Command && isConditional(p.Text)) {
		return nil
	}
	if p.Command {
		err = s.command(ctx, in, p.Text)
	} else {
		s.lastQuery = p.Text
		err = s.Execute(ctx, in, p.Text)
	}
	s.flushNotices(at)
	return s.settle(ctx, err, at)
}

// settle decides what an error does.
func (s *Session) settle(ctx context.Context, err error, at place) error {
	if err == nil || errors.Is(err, errQuit) || errors.Is(err, errStop) {
		return err
	}
	if s.ended(ctx, err) {
		return nil
	}
	s.failed = true
	code := s.code(ctx, err)
	if errors.Is(err, syscall.EPIPE) {
		return stopped{code} // who reads has seen enough
	}
	s.report(err, at)
	stop := code == ExitConnection || code == ExitUsage || code > ExitSignal
	if on, _ := boolVar(s.Vars["ON_ERROR_STOP"]); on || stop && !s.Interactive {
		return stopped{code}
	}
	return nil
}
