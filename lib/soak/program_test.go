package soak

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"skytools/lib/scripttest"
)

// binary builds a program and returns a copy of its own, which nobody builds
// anew while a long test runs.
func binary(t testing.TB, name string) string {
	t.Helper()
	src, err := os.Open(scripttest.Tool(t, name))
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	path := filepath.Join(t.TempDir(), name)
	dst, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(dst, src); err != nil {
		t.Fatal(err)
	}
	if err := dst.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// program is a process that is started again whenever it ends.
type program struct {
	path string
	args []string
	env  []string

	mu     sync.Mutex
	cmd    *exec.Cmd
	killed bool     // the running one was
	exits  []string // ends of its own accord, with what it said last
}

// run keeps the program running until ctx is done.
func (p *program) run(ctx context.Context) {
	// The kernel ends the process with the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for ctx.Err() == nil {
		var stderr tail
		cmd := exec.CommandContext(ctx, p.path, p.args...)
		cmd.Env = append(os.Environ(), p.env...)
		cmd.Stderr = &stderr
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		// a killed one's command may hold stderr open
		cmd.WaitDelay = time.Second
		p.mu.Lock()
		err := cmd.Start()
		p.cmd, p.killed = cmd, false
		p.mu.Unlock()
		if err == nil {
			err = cmd.Wait()
		}
		p.mu.Lock()
		p.cmd = nil
		if !p.killed && ctx.Err() == nil {
			p.exits = append(p.exits, strings.TrimSpace(stderr.String())+" ("+errorText(err)+")")
		}
		killed := p.killed
		p.mu.Unlock()
		if !killed {
			select {
			case <-ctx.Done():
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return "exit status 0"
	}
	return err.Error()
}

// kill ends the running process by SIGKILL. It returns false if there is none.
func (p *program) kill() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil || p.cmd.Process == nil || p.killed {
		return false
	}
	p.killed = true
	p.cmd.Process.Kill()
	return true
}

// ended returns and forgets the ends of its own accord.
func (p *program) ended() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	exits := p.exits
	p.exits = nil
	return exits
}

// tail keeps the last bytes written.
type tail struct {
	mu sync.Mutex
	b  []byte
}

func (w *tail) Write(p []byte) (int, error) {
	const keep = 2000
	w.mu.Lock()
	defer w.mu.Unlock()
	w.b = append(w.b, p...)
	if n := len(w.b); n > keep {
		w.b = w.b[n-keep:]
	}
	return len(p), nil
}

func (w *tail) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.b)
}
