package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"skytools/cmd/qadmin/internal/grammar"
	"skytools/cmd/qadmin/internal/term"
	"skytools/lib/cli"
)

// Screen is what a session has when a person types.
type Screen struct {
	Terminal *term.Terminal
	Output   *term.Output // nil if stdout is no terminal
	History  *term.History
	Color    bool
	Getenv   func(string) string
}

var (
	errCancelled = errors.New("cancelled")
	errLeft      = errors.New("the pager was left")
)

// lostWait bounds the look at whether the connection is still there.
const lostWait = 2 * time.Second

// Interact reads and runs what a person types, after the start-up files, and
// returns the exit code.
func (s *Session) Interact(ctx context.Context, screen *Screen, rc []Source) int {
	s.screen = screen
	defer screen.Terminal.Restore()
	defer s.forget()
	code, ok := s.begin(ctx, rc)
	if !ok {
		return code
	}
	in := &input{session: s}
	in.Lookup = s.lookup
	s.openHistory()
	editor := term.NewEditor(screen.Terminal, screen.History, term.Hooks{
		Complete:   func(text string) bool { in.Escapes = s.escapes(); return in.Ready(text) },
		Continue:   func(text string) string { return s.continuation(in.After(text)) },
		Candidates: func(text string, pos int) (int, []term.Candidate) { return s.candidates(ctx, in.Buffer(), text, pos) },
	})
	s.interrupt = editor.Interrupt
	cli.OnInterrupt(ctx, s.interrupt)
	for {
		text, err := editor.Read(ctx, s.prompt(in))
		switch {
		case errors.Is(err, term.ErrInterrupt):
			in.Reset()
			continue
		case errors.Is(err, io.EOF):
			fmt.Fprintln(s.stderr)
			return ExitOK
		case err != nil:
			return s.code(ctx, err)
		}
		if herr := screen.History.Add(text); herr != nil {
			s.message("WARNING: the history cannot be written: %s", herr)
			screen.History.Path = ""
		}
		var stop stopped
		switch err := s.typed(ctx, in, text); {
		case errors.As(err, &stop):
			return stop.code
		case err != nil && ctx.Err() != nil:
			return s.code(ctx, err)
		case err != nil:
			return ExitOK
		}
	}
}

// begin connects, shows the banner and runs the start-up files.
func (s *Session) begin(ctx context.Context, rc []Source) (code int, ok bool) {
	err := s.cancellable(ctx, func(ctx context.Context) error {
		if _, err := s.connection(ctx); err != nil {
			return err
		}
		if !s.Quiet {
			if err := s.banner(ctx); err != nil {
				return err
			}
		}
		s.checkQueue(ctx)
		for _, src := range rc {
			if err := s.runSource(ctx, src); err != nil {
				return err
			}
		}
		return nil
	})
	var stop stopped
	switch {
	case errors.As(err, &stop):
		return stop.code, false
	case errors.Is(err, errQuit):
		return ExitOK, false
	case err != nil:
		s.report(err, place{})
		return s.code(ctx, err), false
	}
	return ExitOK, s.flush() == nil
}

func (s *Session) banner(ctx context.Context) error {
	list, err := s.versions(ctx)
	if err != nil {
		return err
	}
	s.message("%s %s, server %s, pgq %s", program, list[0].text(1), list[1].text(1), list[2].text(1))
	s.message("Type help for help, Tab to complete, exit to leave.")
	return nil
}

// cancellable runs f, which SIGINT cancels.
func (s *Session) cancellable(ctx context.Context, f func(context.Context) error) error {
	work, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cli.OnInterrupt(ctx, func() { cancel(errCancelled) })
	defer cli.OnInterrupt(ctx, s.interrupt)
	if o := s.screen.Output; o != nil {
		o.Off = s.Options.Pager == "off" || s.Options.Machine() && s.Options.Pager != "always"
		o.Broken = func() { cancel(errLeft) }
	}
	return f(work)
}

// typed runs what was typed.
func (s *Session) typed(ctx context.Context, in *input, text string) error {
	defer s.forgetNames()
	s.Options.Width, _ = s.screen.Terminal.Size()
	return s.cancellable(ctx, func(ctx context.Context) error {
		if in.Empty() && strings.TrimSpace(text) != "" && !s.alive(ctx) {
			return nil
		}
		for line := range strings.Lines(text + "\n") {
			if err := in.line(ctx, line); err != nil {
				return err
			}
			if ctx.Err() != nil {
				in.Reset()
				break // nor what comes behind it
			}
		}
		return s.flush()
	})
}

// direct keeps the pager away until the function that it returns is called.
func (s *Session) direct() (restore func()) {
	if s.screen == nil || s.screen.Output == nil {
		return func() {}
	}
	return s.screen.Output.Direct()
}

// flush writes what the pager holds back.
func (s *Session) flush() error {
	if s.screen == nil || s.screen.Output == nil {
		return nil
	}
	return s.screen.Output.Flush()
}

// alive looks whether the connection is still there, and makes a new one if
// not. After an open transaction was lost nothing is run: the statement was
// meant to be part of it.
func (s *Session) alive(ctx context.Context) bool {
	if s.conn == nil || s.conn.IsClosed() {
		return true // the statement itself connects
	}
	pg := s.conn.PgConn()
	lost := s.inTransaction()
	if quiet(pg.Conn()) {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, lostWait)
	defer cancel()
	if pg.Exec(ctx, "").Close() == nil {
		return true
	}
	_ = pg.Close(ctx)
	if !lost {
		return true
	}
	s.message("ERROR: the connection was lost and with it the open transaction; nothing was run")
	if _, err := s.connection(ctx); err != nil {
		s.report(err, place{})
	}
	return false
}

// quiet tells whether the server has said nothing, not even goodbye, since the
// last statement.
func quiet(c net.Conn) bool {
	sc, ok := c.(syscall.Conn)
	if !ok {
		return false // TLS: ask the server
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	silent := false
	err = raw.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, rerr := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		silent = errors.Is(rerr, syscall.EAGAIN)
		return true
	})
	return err == nil && silent
}

// prompt is queue@database> with a mark for an open transaction or a failed one.
func (s *Session) prompt(in *input) string {
	if !in.Empty() {
		return s.continuation(in.State())
	}
	if in.skips() {
		return s.continuation('@')
	}
	name, db, mark := s.Queue, "", ""
	if name == "" {
		name = "(noqueue)"
	}
	if s.conn != nil {
		db = s.conn.Config().Database
		switch s.conn.PgConn().TxStatus() {
		case 'T':
			mark = "*"
		case 'E':
			mark = "!"
		}
		if s.conn.IsClosed() {
			mark = "?"
		}
	}
	return name + "@" + db + mark + "> "
}

func (s *Session) continuation(waiting byte) string {
	name := s.Queue
	if name == "" {
		name = "(noqueue)"
	}
	return name + string(waiting) + "> "
}

// openHistory sets the history up by what the start-up files said.
func (s *Session) openHistory() {
	h := s.screen.History
	if name, ok := s.Vars["HISTFILE"]; ok && h.Path != "" && s.screen.Getenv("QADMIN_HISTORY") == "" {
		if rest, ok := strings.CutPrefix(name, "~/"); ok {
			name = filepath.Join(s.screen.Getenv("HOME"), rest)
		}
		h.Path = name
	}
	h.Size = 5000
	if n, err := strconv.Atoi(s.Vars["HISTSIZE"]); err == nil {
		h.Size = n
	}
	h.Control = "ignoredups"
	if c, ok := s.Vars["HISTCONTROL"]; ok {
		h.Control = c
	}
	if err := h.Load(); err != nil {
		s.message("WARNING: the history is not kept: %s", err)
		h.Path = "" // once is enough
	}
}

// historyCommand is \s [FILE].
func historyCommand(_ context.Context, s *Session, _ *input, args []string) error {
	if s.screen == nil {
		return errors.New(`\s: there is no history in a script`)
	}
	var w io.Writer = s.out
	if name := first(args); name != "" {
		f, err := os.OpenFile(s.path(name), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		defer f.Close()
		w = f
	}
	for _, e := range s.screen.History.Entries() {
		if _, err := fmt.Fprintln(w, e); err != nil {
			return err
		}
	}
	return nil
}

// editCommand is \e: the buffer or the last statement in an editor, and then
// what came of it as if it was typed.
func editCommand(ctx context.Context, s *Session, in *input, _ []string) error {
	switch {
	case s.screen == nil:
		return errors.New(`\e needs a terminal`)
	case s.Restricted:
		return errors.New(`\e is not allowed with --restricted`)
	}
	text := strings.TrimRight(in.Buffer(), "\n")
	if in.Empty() {
		text = s.lastQuery
	}
	f, err := os.CreateTemp("", "qadmin-*.sql")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = f.WriteString(text + "\n")
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if err := s.flush(); err != nil {
		return err
	}
	if err := s.screen.Terminal.Run(exec.Command("/bin/sh", "-c", s.editor()+` "$1"`, "sh", f.Name())); err != nil {
		return fmt.Errorf("the editor failed: %w", err)
	}
	b, err := os.ReadFile(f.Name())
	if err != nil {
		return err
	}
	in.Reset()
	edited := strings.TrimRight(string(b), " \t\r\n")
	if edited == "" {
		return nil
	}
	s.message("%s", edited)
	_ = s.screen.History.Add(edited)
	for line := range strings.Lines(edited + "\n") {
		if err := in.line(ctx, line); err != nil {
			return err
		}
	}
	return nil
}

func (s *Session) editor() string {
	for _, name := range []string{"QADMIN_EDITOR", "VISUAL", "EDITOR"} {
		if v := s.screen.Getenv(name); v != "" {
			return v
		}
	}
	if _, err := exec.LookPath("sensible-editor"); err == nil {
		return "sensible-editor"
	}
	return "vi"
}

// ended tells whether an error is only the end of what the person stopped, and
// says so if it must be said.
func (s *Session) ended(ctx context.Context, err error) bool {
	var pe *pgconn.PgError
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errLeft):
		return true
	case errors.Is(cause, errCancelled) && !errors.As(err, &pe) && !s.lost(err):
		s.message("Cancelled.")
		return true
	}
	return false
}

// topics are what help can be asked about.
func topics() []string {
	var list []string
	for _, st := range grammar.Statements {
		if word, _, _ := strings.Cut(st.Name, " "); !st.Later && !contains(list, word) {
			list = append(list, word)
		}
	}
	return list
}
