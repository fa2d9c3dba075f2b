// Package term is the terminal of a person: line editing with a history,
// questions, the pager, and a screen for what is drawn again and again. It
// knows nothing of statements.
package term

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// ErrInterrupt is what Read returns when the person gave up the input.
var ErrInterrupt = errors.New("interrupted")

// Terminal is the terminal that a program was started on.
type Terminal struct {
	In, Out *os.File
	Err     io.Writer
	Dumb    bool // it cannot move the cursor

	mu    sync.Mutex
	saved *term.State // how it was at the start
}

// New returns the terminal, nil if in is none. Out may be something else; then
// lines are read without editing.
func New(in, out any, errOut io.Writer, getenv func(string) string) *Terminal {
	f, ok := in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return nil
	}
	t := &Terminal{In: f, Err: errOut}
	t.saved, _ = term.GetState(int(f.Fd()))
	if o, ok := out.(*os.File); ok && term.IsTerminal(int(o.Fd())) {
		t.Out = o
	}
	name := getenv("TERM")
	t.Dumb = t.Out == nil || name == "" || name == "dumb"
	return t
}

// Restore puts the terminal back to how it was when the program began.
func (t *Terminal) Restore() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.saved != nil {
		_ = term.Restore(int(t.In.Fd()), t.saved)
	}
}

// Size is the width and height of the screen, 0 if it is not known.
func (t *Terminal) Size() (cols, rows int) {
	if t.Out == nil {
		return 0, 0
	}
	cols, rows, err := term.GetSize(int(t.Out.Fd()))
	if err != nil {
		return 0, 0
	}
	return cols, rows
}

// Raw passes keys on as they are pressed, until the function that it returns
// is called.
func (t *Terminal) Raw() (restore func(), err error) {
	state, err := term.MakeRaw(int(t.In.Fd()))
	if err != nil {
		return nil, err
	}
	return func() { _ = term.Restore(int(t.In.Fd()), state) }, nil
}

// Run runs a program that uses the terminal.
func (t *Terminal) Run(cmd *exec.Cmd) error {
	cmd.Stdin, cmd.Stderr = t.In, t.Err
	if t.Out != nil {
		cmd.Stdout = t.Out
	}
	defer t.Restore()
	return cmd.Run()
}

// Asker returns a function that asks at the terminal of the process, whatever
// stdin is; nil if there is none. It gives up when the context ends.
func Asker(ctx context.Context) func(prompt string, secret bool) (string, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	tty.Close()
	return func(prompt string, secret bool) (string, error) {
		tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
		if err != nil {
			return "", err
		}
		defer tty.Close()
		return ask(ctx, tty, prompt, secret)
	}
}

func ask(ctx context.Context, tty *os.File, prompt string, secret bool) (string, error) {
	// Not tty.Fd(): that would make it blocking, and a read would not end with
	// the context.
	conn, err := tty.SyscallConn()
	if err != nil {
		return "", err
	}
	var state *term.State
	control := func(f func(fd int) error) error {
		var ferr error
		if err := conn.Control(func(fd uintptr) { ferr = f(int(fd)) }); err != nil {
			return err
		}
		return ferr
	}
	if err := control(func(fd int) (err error) { state, err = term.MakeRaw(fd); return err }); err != nil {
		return "", err
	}
	defer func() { _ = control(func(fd int) error { return term.Restore(fd, state) }) }()
	defer context.AfterFunc(ctx, func() { _ = tty.SetReadDeadline(time.Unix(1, 0)) })()

	line := term.NewTerminal(tty, prompt)
	read := line.ReadLine
	if secret {
		read = func() (string, error) { return line.ReadPassword(prompt) }
	}
	answer, err := read()
	if errors.Is(err, io.EOF) { // Ctrl-C too
		_, _ = io.WriteString(tty, "\r\n")
		err = errors.New("no answer was given")
	}
	return answer, err
}

// plainReader reads lines from a terminal that cannot do more.
type plainReader struct {
	t     *Terminal
	lines *bufio.Reader
}

func (p *plainReader) show(prompt string) error {
	w := p.t.Err
	if p.t.Out != nil {
		w = p.t.Out
	}
	_, err := io.WriteString(w, prompt)
	return err
}

func (p *plainReader) read() (string, error) {
	text, err := p.lines.ReadString('\n')
	if errors.Is(err, io.EOF) && text != "" {
		err = nil
	}
	return strings.TrimRight(text, "\r\n"), err
}
