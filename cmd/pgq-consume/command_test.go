package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"skytools/lib/testpg"
)

func startCommand(t *testing.T, text string, stdout io.Writer, env ...string) *command {
	t.Helper()
	c, err := commandSpec{text: text, stdout: stdout, stderr: os.Stderr}.start(env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.stop)
	return c
}

func TestCommand(t *testing.T) {
	t.Parallel()
	small, large := strings.Repeat("x", mayIgnore), strings.Repeat("x", 1<<20)
	tests := []struct {
		name, text, input string
		code              int
		err               string
	}{
		{"reads all", "cat >/dev/null", large, 0, ""},
		{"its code", "cat >/dev/null; exit 7", large, 7, ""},
		{"ignores a little", "true", small, 0, ""},
		{"ignores much", "true", large, 0, `command "true" ended before it had read its input`},
		{"reads some", "head -c 1 >/dev/null", large, 0, "ended before it had read its input"},
		{"fails without reading", "exit 7", large, 7, ""},
		{"signal", "kill -TERM $$", "", 0, `command "kill -TERM $$" was ended by signal 15 (terminated)`},
		{"no such command", "/nonexistent/x 2>/dev/null", "", 127, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := startCommand(t, tt.text, nil)
			_, werr := io.WriteString(c.stdin, tt.input)
			c.stdin.Close()
			code, err := c.wait(t.Context())
			if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("got error %v, want %q", err, tt.err)
			}
			if err == nil && code != tt.code {
				t.Errorf("got code %d, want %d", code, tt.code)
			}
			if tt.input == small && werr != nil {
				t.Errorf("write: %v", werr)
			}
		})
	}
}

// TestCommandIgnoresSmallInput writes after the command has ended for sure.
func TestCommandIgnoresSmallInput(t *testing.T) {
	t.Parallel()
	c := startCommand(t, "true", nil)
	<-c.exited
	if _, err := io.WriteString(c.stdin, strings.Repeat("x", mayIgnore)); err != nil {
		t.Fatal(err)
	}
	c.stdin.Close()
	if code, err := c.wait(t.Context()); code != 0 || err != nil {
		t.Errorf("got %d, %v", code, err)
	}
}

func TestCommandEnvironment(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	c := startCommand(t, "env", &out, "PGQ_QUEUE=q", "PGQ_EV_DATA=two\nlines")
	c.stdin.Close()
	if _, err := c.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "PGQ_QUEUE=q\n") || !strings.Contains(out.String(), "PATH=") {
		t.Errorf("environment:\n%s", out.String())
	}
	got := cleanEnv([]string{"A=1", envPrefix + "EXEC=x", "PGQ_QUEUE=q"})
	if strings.Join(got, " ") != "A=1 PGQ_QUEUE=q" {
		t.Errorf("got %q", got)
	}
}

// TestCommandStop stops a command with a child, which both ignore SIGTERM.
func TestCommandStop(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "started")
	c := startCommand(t, `trap "" TERM; sleep 1000 & echo $! >`+file+`; wait; sleep 1000`, nil)
	testpg.Wait(t, time.Minute, "the command", func() bool {
		b, _ := os.ReadFile(file)
		return len(b) > 0
	})
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := c.wait(ctx); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
	if _, err := c.exitCode(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Errorf("got %v", err)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	testpg.Wait(t, time.Minute, "the end of its child", func() bool {
		stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(b)) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}
