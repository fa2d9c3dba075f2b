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

// command is a shell command that runs with a pipe on its stdin.
type command struct {
	text  string
	cmd   *exec.Cmd
	stdin *os.File // our end of the pipe
	ended chan struct{}
	err   error // of Wait, once ended is closed
}

// commandSpec is how a command is started.
type commandSpec struct {
	text           string
	stdout, stderr io.Writer
	answers        *os.File // becomes the descriptor answersFD of the command
	answersFD      int
}

// start runs the command with env added to the environment.
//
// It keeps the read end of the stdin pipe open until the command has ended. A
// small batch therefore never meets a closed pipe by accident of timing: a
// command that ignores its input and ends with 0 has done its work. One that
// ends before it has read a batch larger than the pipe breaks it, surely.
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
	c := &command{text: s.text, cmd: cmd, stdin: w, ended: make(chan struct{})}
	go func() {
		c.err = cmd.Wait()
		if errors.Is(c.err, exec.ErrWaitDelay) {
			c.err = nil // it ended with 0
		}
		r.Close()
		close(c.ended)
	}()
	return c, nil
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

// wait returns the exit code. When ctx ends before the command does, it stops
// it and returns the cause.
func (c *command) wait(ctx context.Context) (int, error) {
	select {
	case <-c.ended:
		return c.exitCode()
	case <-ctx.Done():
		c.stop()
		return 0, context.Cause(ctx)
	}
}

// stop ends the command's process group: SIGTERM, then SIGKILL after
// killDelay. It returns when the command has ended. The end of its input comes
// only after the signal: it would look like the end of the batch.
func (c *command) stop() {
	defer c.stdin.Close()
	select {
	case <-c.ended:
		return
	default:
	}
	c.signal(syscall.SIGTERM)
	c.stdin.Close()
	t := time.NewTimer(killDelay)
	defer t.Stop()
	select {
	case <-c.ended:
	case <-t.C:
		c.signal(syscall.SIGKILL)
		<-c.ended
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
