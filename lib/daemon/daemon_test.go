package daemon

import (
	"bytes"
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
	"testing"
	"testing/synctest"
	"time"
)

// The test binary plays the daemon when this variable names a role.
const roleEnv = "DAEMON_TEST_ROLE"

func TestMain(m *testing.M) {
	role, arg, _ := strings.Cut(os.Getenv(roleEnv), " ")
	switch role {
	case "":
		os.Exit(m.Run())
	case "hold": // a live instance with a pidfile
		p, err := CreatePidfile(arg)
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println("holding")
		_, _ = io.Copy(io.Discard, os.Stdin)
		if err := p.Remove(); err != nil {
			os.Exit(1)
		}
	case "wait": // a live instance without a lock
		fmt.Println("waiting")
		_, _ = io.Copy(io.Discard, os.Stdin)
	case "detach":
		if !Detached() {
			code, err := Detach(context.Background(), os.Args[1:], os.Stdout, os.Stderr)
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
			os.Exit(code)
		}
		fmt.Fprintln(os.Stderr, "before release")
		if arg == "fail" {
			os.Exit(7)
		}
		if arg == "crash" {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
		sid, _, _ := syscall.Syscall(syscall.SYS_GETSID, 0, 0, 0)
		if err := os.WriteFile(arg, []byte(fmt.Sprintf("%d %d", os.Getpid(), sid)), 0o600); err != nil {
			os.Exit(1)
		}
		if err := Release(); err != nil {
			os.Exit(1)
		}
		fmt.Fprintln(os.Stderr, "after release")
		if Detached() {
			os.Exit(1)
		}
	}
	os.Exit(0)
}

// play starts the test binary in a role and waits for its first line. The
// process ends with the test, or when its stdin is closed by the returned
// function.
func play(t *testing.T, role string) (pid int, end func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), roleEnv+"="+role)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	end = func() { in.Close(); _ = cmd.Wait() }
	t.Cleanup(end)
	if _, err := out.Read(make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid, end
}

// deadPID is the id of a process that has ended.
func deadPID(t *testing.T) int {
	t.Helper()
	cmd := exec.Command("true")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

func TestPidfile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.pid")
	p, err := CreatePidfile(path)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(path); string(b) != strconv.Itoa(os.Getpid())+"\n" {
		t.Errorf("got %q in the file", b)
	}
	var re *RunningError
	if _, err := CreatePidfile(path); !errors.As(err, &re) || re.PID != os.Getpid() {
		t.Errorf("got %v, want a RunningError: the file is locked", err)
	}
	if err := p.Remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v, want no file", err)
	}
}

func TestPidfileStates(t *testing.T) {
	t.Parallel()
	live, _ := play(t, "wait")
	dead := deadPID(t)
	for _, tt := range []struct {
		name, content string
		running       bool
		stale         int
	}{
		{"dead", fmt.Sprintf("%d\n", dead), false, dead},
		{"dead without newline", strconv.Itoa(dead), false, dead},
		{"other program", "1\n", false, 1},
		{"own id, as in a restarted container", fmt.Sprintf("%d\n", os.Getpid()), false, 0},
		{"empty", "", false, 0},
		{"garbage", "abc\n", false, 0},
		{"negative", "-1\n", false, 0},
		{"live", fmt.Sprintf("%d\n", live), true, 0},
		{"live without newline", strconv.Itoa(live), true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.pid")
			if err := os.WriteFile(path, []byte(tt.content), 0o600); err != nil {
				t.Fatal(err)
			}
			if tt.name != "own id, as in a restarted container" {
				sent, err := SignalPidfile(path, syscall.Signal(0))
				if sent != tt.running || err != nil {
					t.Errorf("got sent %v, %v", sent, err)
				}
			}
			p, err := CreatePidfile(path)
			var re *RunningError
			if tt.running {
				if !errors.As(err, &re) || re.PID != live {
					t.Errorf("got %v, want a RunningError", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if p.Stale != tt.stale {
				t.Errorf("got stale %d, want %d", p.Stale, tt.stale)
			}
			if b, _ := os.ReadFile(path); string(b) != strconv.Itoa(os.Getpid())+"\n" {
				t.Errorf("got %q in the file", b)
			}
			if err := p.Remove(); err != nil {
				t.Error(err)
			}
		})
	}
}

// The lock belongs to the process: while it lives nobody gets the file, and
// once it is gone anybody does.
func TestPidfileOfAnotherProcess(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.pid")
	pid, end := play(t, "hold "+path)
	var re *RunningError
	if _, err := CreatePidfile(path); !errors.As(err, &re) || re.PID != pid || re.Path != path {
		t.Errorf("got %v, want a RunningError for %d", err, pid)
	}
	end()
	p, err := CreatePidfile(path)
	if err != nil {
		t.Fatal(err)
	}
	// A file that somebody replaced is not ours to remove.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := p.Remove(); err != nil {
		t.Error(err)
	}
	if b, _ := os.ReadFile(path); string(b) != "1\n" {
		t.Errorf("got %q, want the other's file", b)
	}
}

func TestSignalPidfileWithoutFile(t *testing.T) {
	t.Parallel()
	sent, err := SignalPidfile(filepath.Join(t.TempDir(), "none"), syscall.SIGHUP)
	if sent || err != nil {
		t.Errorf("got %v, %v", sent, err)
	}
}

func TestDetach(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, arg, stderr string
		code              int
	}{
		{"ready", filepath.Join(t.TempDir(), "pid"), "before release\n", 0},
		{"failed", "fail", "before release\n", 7},
		{"crashed", "crash", "before release\nbackground process ended: signal: killed\n", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), roleEnv+"=detach "+tt.arg)
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			err := cmd.Run()
			if code := cmd.ProcessState.ExitCode(); code != tt.code || stderr.String() != tt.stderr {
				t.Errorf("got %v, stderr %q, want code %d, stderr %q", err, stderr.String(), tt.code, tt.stderr)
			}
			if tt.name != "ready" {
				return
			}
			b, err := os.ReadFile(tt.arg)
			if err != nil {
				t.Fatal(err)
			}
			var pid, sid int
			if _, err := fmt.Sscan(string(b), &pid, &sid); err != nil || pid != sid || pid == cmd.Process.Pid {
				t.Errorf("got pid and session %q, want a session of its own", b)
			}
		})
	}
}

func TestReleaseWithoutDetach(t *testing.T) {
	if err := Release(); err != nil {
		t.Error(err)
	}
}

func TestNotify(t *testing.T) {
	path := filepath.Join(t.TempDir(), "n")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "1500000")
	t.Setenv("WATCHDOG_PID", strconv.Itoa(os.Getpid()))
	if got := WatchdogInterval(); got != 1500*time.Millisecond {
		t.Errorf("got watchdog interval %v", got)
	}
	var h Health
	Ready("up")
	Status("busy")
	Reloading()
	Stopping("bye")
	if err := h.Feed(); err != nil {
		t.Error(err)
	}
	buf := make([]byte, 200)
	for _, want := range []string{"READY=1\nSTATUS=up", "STATUS=busy", "RELOADING=1", "STOPPING=1\nSTATUS=bye", "WATCHDOG=1"} {
		n, err := conn.Read(buf)
		if got := string(buf[:n]); err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var h Health
		a, b, c := h.Part("a"), h.Part("b"), h.Part("c")
		a.Within(time.Second)
		b.Within(time.Minute)
		_ = c // promised nothing yet
		if err := h.Check(); err != nil {
			t.Error(err)
		}
		time.Sleep(3 * time.Second)
		if err := h.Feed(); err == nil || err.Error() != "stuck: a (2s late)" {
			t.Errorf("got %v", err)
		}
		a.Within(time.Second)
		if err := h.Check(); err != nil {
			t.Error(err)
		}
		b.Free()
		time.Sleep(time.Hour)
		if err := h.Check(); err == nil || !strings.HasPrefix(err.Error(), "stuck: a (") || strings.Contains(err.Error(), "b (") {
			t.Errorf("got %v", err)
		}
		a.Done()
		b.Done()
		if err := h.Check(); err != nil {
			t.Error(err)
		}
		(*Part)(nil).Within(0)
		(*Part)(nil).Free()
		(*Part)(nil).Done()
	})
}

func TestHangups(t *testing.T) {
	ch := Hangups(t.Context())
	for range 3 {
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		<-ch
	}
}
