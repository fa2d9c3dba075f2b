package peers

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"skytools/lib/testpg"
)

// process is a program that runs until it is told to stop. What it says goes
// to a file that grows over its restarts.
type process struct {
	t    *testing.T
	name string
	argv []string
	out  string // file for its stdout; empty: none
	log  string

	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended with err
	err  error
}

func newProcess(t *testing.T, name, dir string, argv ...string) *process {
	t.Helper()
	p := &process{t: t, name: name, argv: argv, log: filepath.Join(dir, name+".log")}
	t.Cleanup(func() {
		if p.cmd != nil {
			p.kill()
		}
		if t.Failed() {
			b, _ := os.ReadFile(p.log)
			t.Logf("%s said:\n%s", name, last(string(b), 3000))
		}
	})
	return p
}

func last(s string, n int) string { return s[max(0, len(s)-n):] }

func (p *process) start() {
	p.t.Helper()
	open := func(path string) *os.File {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		if err != nil {
			p.t.Fatal(err)
		}
		return f
	}
	p.cmd = exec.Command(p.argv[0], p.argv[1:]...)
	log := open(p.log)
	defer log.Close()
	p.cmd.Stderr, p.cmd.Stdout = log, log
	if p.out != "" {
		out := open(p.out)
		defer out.Close()
		p.cmd.Stdout = out
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	p.done = make(chan struct{})
	started := make(chan error)
	go func() {
		// The kernel ends the process with the thread that started it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
		}
		close(p.done)
	}()
	if err := <-started; err != nil {
		p.t.Fatal(err)
	}
}

// kill ends it by SIGKILL.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
	p.cmd = nil
}

// stop ends it in good order, and demands that it ran until now and says 0.
func (p *process) stop() {
	p.t.Helper()
	select {
	case <-p.done:
		p.t.Errorf("%s ended by itself: %v", p.name, p.err)
		p.cmd = nil
		return
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		p.t.Errorf("%s: %v", p.name, err)
	}
	select {
	case <-p.done:
	case <-time.After(time.Minute):
		p.t.Errorf("%s is still there a minute after SIGINT", p.name)
		p.kill()
		return
	}
	p.cmd = nil
	if p.err != nil {
		p.t.Errorf("%s: %v", p.name, p.err)
	}
}

// complaint matches what no log of a good run has, of either house.
var complaint = regexp.MustCompile(`(?m)^.*(\b(WARNING|ERROR|FATAL|CRITICAL)\b|Traceback|error:).*$`)

// clean demands a log without complaints.
func (p *process) clean() {
	p.t.Helper()
	b, err := os.ReadFile(p.log)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		p.t.Fatal(err)
	}
	if bad := complaint.FindAllString(string(b), 5); bad != nil {
		p.t.Errorf("%s complains:\n%s", p.name, strings.Join(bad, "\n"))
	}
}

// run runs a program to its end.
func run(t *testing.T, argv ...string) {
	t.Helper()
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%q: %v\n%s", argv, err, out)
	}
}

// need skips the test where a package of upstream's is missing.
func need(t *testing.T, files ...string) {
	t.Helper()
	for _, f := range files {
		if _, err := os.Stat(f); err != nil {
			testpg.Unavailable(t, "upstream's packages are not installed: "+err.Error())
		}
	}
}
