package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// tempFail is the exit code with which a command asks for another try:
// EX_TEMPFAIL of sysexits.h.
const tempFail = 75

// killDelay is the time between the SIGTERM and the SIGKILL that a command
// gets.
const killDelay = 5 * time.Second

// mayIgnore is how much of its input a command may leave unread: the size of a
// pipe. A command that needs no input would otherwise fail or not by accident
// of timing.
const mayIgnore = 64 << 10

// command is a shell command that runs with a pipe on its stdin.
type command struct {
	text  string
	cmd   *exec.Cmd
	stdin *os.File // our end of the pipe

	exited chan struct{}
	err    error // of Wait, once exited is closed

	// ended is closed when our end of the pipe is too.
	ended chan struct{}
	// ignored: it exited with 0 and left more than it may unread.
	ignored bool
}

// commandSpec is how a command is started.
type commandSpec struct {
	text           string
	stdout, stderr io.Writer
	answers        *os.File // becomes the descriptor answersFD of the command
	answersFD      int
}

// start runs the command with env added to the environment.
func (s commandSpec) start(env []string) (*command, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command("/bin/sh", "-c", s.text)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = r, s.stdout, s.stderr
	cmd.Env = append(cleanEnv(os.Environ()), env...)
	// A group of its own: a Ctrl-C at the terminal is for us to pass on, and
	// the children of the shell are reached too.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	// A child in the background that keeps our stdout open must not hold us.
	cmd.WaitDelay = killDelay
	if s.answers != nil {
		attachAnswers(cmd, s.answers, s.answersFD)
	}
	if err := cmd.Start(); err != nil {
		r.Close()
		w.Close()
		return nil, fmt.Errorf("start command: %w", err)
	}
	c := &command{text: s.text, cmd: cmd, stdin: w, exited: make(chan struct{}), ended: make(chan struct{})}
	go c.watch(r)
	return c, nil
}

// watch waits for the end of the command and then reads what it has left in
// the pipe. If that is too much, or its code is not 0, writing more would be in
// vain: the pipe is closed, and the writer gets EPIPE.
func (c *command) watch(r *os.File) {
	defer close(c.ended)
	defer r.Close()
	c.err = c.cmd.Wait()
	if errors.Is(c.err, exec.ErrWaitDelay) {
		c.err = nil // it exited with 0
	}
	close(c.exited)
	if c.err == nil {
		n, _ := io.CopyN(io.Discard, r, mayIgnore+1)
		c.ignored = n > mayIgnore
	}
}

// attachAnswers makes f the descriptor fd of cmd. Those between 2 and fd stay
// closed.
func attachAnswers(cmd *exec.Cmd, f *os.File, fd int) {
	if fd == 1 {
		cmd.Stdout = f
		return
	}
	cmd.ExtraFiles = make([]*os.File, fd-2)
	cmd.ExtraFiles[fd-3] = f
}

// cleanEnv leaves out our own options: a pgq-consume inside of the command
// shall not take them for its own.
func cleanEnv(env []string) []string {
	var out []string
	for _, e := range env {
		if !strings.HasPrefix(e, envPrefix) {
			out = append(out, e)
		}
	}
	return out
}

// wait returns the exit code, after stdin was closed. When ctx ends before the
// command does, it stops it and returns the cause.
func (c *command) wait(ctx context.Context) (int, error) {
	select {
	case <-c.ended:
	case <-ctx.Done():
		c.stop()
		return 0, context.Cause(ctx)
	}
	code, err := c.exitCode()
	if err == nil && code == 0 && c.ignored {
		err = fmt.Errorf("command %q ended before it had read its input", c.text)
	}
	return code, err
}

// stop ends the command's process group: SIGTERM, then SIGKILL after
// killDelay. It returns when the command has ended. The end of its input comes
// only after the signal: it would look like the end of the batch.
func (c *command) stop() {
	defer func() { <-c.ended }()
	defer c.stdin.Close()
	select {
	case <-c.exited:
		return
	default:
	}
	c.signal(syscall.SIGTERM)
	c.stdin.Close()
	t := time.NewTimer(killDelay)
	defer t.Stop()
	select {
	case <-c.exited:
	case <-t.C:
		c.signal(syscall.SIGKILL)
		<-c.exited
	}
}

func (c *command) signal(s syscall.Signal) { _ = syscall.Kill(-c.cmd.Process.Pid, s) }

// exitCode tells how an ended command ended. An end by a signal is an error.
func (c *command) exitCode() (int, error) {
	var ee *exec.ExitError
	if !errors.As(c.err, &ee) {
		return 0, c.err
	}
	if ws, ok := ee.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		return 0, fmt.Errorf("command %q was ended by signal %d (%s)", c.text, ws.Signal(), ws.Signal())
	}
	return ee.ExitCode(), nil
}
