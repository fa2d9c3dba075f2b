// Package cli is the rim between a program and its process: signals, exit
// codes, the printing of errors. Only this package and lib/daemon touch
// os.Args, os.Exit and os/signal.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"

	"skytools/lib/daemon"
)

// Exit codes of pgqd, londiste and pgq-consume.
const (
	ExitOK      = 0 // done; also a daemon that was told to stop
	ExitFailure = 1 // failure
	ExitUsage   = 2 // usage or configuration
	ExitFound   = 3 // finished, but found something: a difference, a lag over its limit
	ExitRunning = 4 // another instance is running
)

// RunFunc is a whole program without its process. It may be called many times
// in one process.
type RunFunc func(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int

// ErrSignal is the cancellation cause of a context that a signal ended.
type ErrSignal struct{ Signal os.Signal }

func (e ErrSignal) Error() string { return "got " + e.Signal.String() }

// Main runs run and ends the process with its code. The first SIGINT or
// SIGTERM cancels the context with ErrSignal as the cause and restores the
// default action, so that the second one kills.
func Main(run RunFunc) {
	ctx, cancel := context.WithCancelCause(context.Background())
	in := &interrupts{ch: make(chan os.Signal, 1)}
	ctx = context.WithValue(ctx, interruptsKey{}, in)
	signal.Notify(in.ch, syscall.SIGINT, syscall.SIGTERM)
	// A closed stdout is an error to handle (EPIPE), not the end of the process.
	signal.Ignore(syscall.SIGPIPE)
	go func() {
		for s := range in.ch {
			if s == syscall.SIGINT && in.handled() {
				continue
			}
			signal.Stop(in.ch)
			cancel(ErrSignal{s})
			return
		}
	}()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// interrupts is who gets SIGINT instead of the whole program.
type interrupts struct {
	ch      chan os.Signal
	mu      sync.Mutex
	handler func()
}

type interruptsKey struct{}

func (in *interrupts) handled() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.handler == nil {
		return false
	}
	in.handler()
	return true
}

// OnInterrupt makes a program of Main interactive: until it is called again
// with nil, SIGINT calls f, which must not block, and does not end the program;
// and a terminal that goes away ends it as SIGTERM does. With another context
// it does nothing.
func OnInterrupt(ctx context.Context, f func()) {
	in, ok := ctx.Value(interruptsKey{}).(*interrupts)
	if !ok {
		return
	}
	in.mu.Lock()
	defer in.mu.Unlock()
	in.handler = f
	signal.Notify(in.ch, syscall.SIGHUP)
}

// UsageError is a mistake of the user in flags or configuration: exit code 2.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// Usagef returns a UsageError.
func Usagef(format string, args ...any) error {
	return &UsageError{fmt.Errorf(format, args...)}
}

// hintError carries a full sentence for the HINT: line.
type hintError struct {
	error
	hint string
}

func (e *hintError) Unwrap() error { return e.error }

// Hint gives the sentence. PrintError takes it from any error that has this
// method, so that packages below this one need not import it.
func (e *hintError) Hint() string { return e.hint }

// WithHint adds a HINT: line, a full sentence, to what PrintError shows.
func WithHint(err error, hint string) error { return &hintError{err, hint} }

// ExitCode gives the code for err: 0 for nil, 2 for a UsageError, 4 for a
// daemon.RunningError, else 1.
func ExitCode(err error) int {
	var u *UsageError
	var r *daemon.RunningError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &u):
		return ExitUsage
	case errors.As(err, &r):
		return ExitRunning
	}
	return ExitFailure
}

// SignalOld is the switches -s, -k and -r: it signals the process of a pidfile
// and says so. That there is none is no failure: scripts rely on it.
func SignalOld(w io.Writer, pidfile string, sig syscall.Signal) error {
	if pidfile == "" {
		return Usagef("no pidfile configured")
	}
	sent, err := daemon.SignalPidfile(pidfile, sig)
	if err != nil {
		return err
	}
	if sent {
		fmt.Fprintf(w, "%s sent\n", signalNames[sig])
	} else {
		fmt.Fprintln(w, "Old process is not running")
	}
	return nil
}

var signalNames = map[syscall.Signal]string{syscall.SIGHUP: "SIGHUP", syscall.SIGINT: "SIGINT", syscall.SIGTERM: "SIGTERM"}

// PrintError writes err for a person: one line "program: error: ...", then
// DETAIL, HINT and CONTEXT of a server error, each on a line of its own.
func PrintError(w io.Writer, program string, err error) {
	fmt.Fprintf(w, "%s: error: %s\n", program, oneLine(err.Error()))
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		printField(w, "DETAIL", pe.Detail)
		printField(w, "HINT", pe.Hint)
		printField(w, "CONTEXT", pe.Where)
	}
	var h interface{ Hint() string }
	if errors.As(err, &h) {
		printField(w, "HINT", h.Hint())
	}
}

func printField(w io.Writer, name, text string) {
	if text != "" {
		fmt.Fprintf(w, "%s: %s\n", name, oneLine(text))
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// version and commit are set by -ldflags -X.
var version, commit string

// Version returns the text of --version: program, version, commit, Go.
func Version(program string) string {
	v, c, g := version, commit, ""
	if bi, ok := debug.ReadBuildInfo(); ok {
		g = bi.GoVersion
		if c == "" {
			for _, s := range bi.Settings {
				if s.Key == "vcs.revision" {
					c = s.Value
				}
			}
		}
	}
	if v == "" {
		v = "4.0.0"
	}
	if c == "" {
		c = "unknown"
	}
	return fmt.Sprintf("%s %s (commit %.12s, %s)", program, v, c, g)
}
