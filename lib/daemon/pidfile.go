package daemon

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// A Pidfile holds the process id on a line of its own, and a lock while the
// process lives.
type Pidfile struct {
	path string
	f    *os.File
	// Stale is the id of a dead process that the file held before, or 0.
	Stale int
}

// A RunningError says that the process of a pidfile is alive.
type RunningError struct {
	Path string
	PID  int
}

func (e *RunningError) Error() string {
	return fmt.Sprintf("pidfile %s exists, another instance is running (pid %d)", e.Path, e.PID)
}

// CreatePidfile writes the id of this process to path. It returns a
// RunningError when the file belongs to a live process: one that holds the
// lock, or one of this program's name (another implementation of it may not
// lock). A file whose process is gone is taken over.
func CreatePidfile(path string) (*Pidfile, error) {
	for {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
		if err != nil {
			return nil, err
		}
		p := &Pidfile{path: path, f: f}
		switch again, err := p.take(); {
		case err != nil:
			f.Close()
			return nil, err
		case !again:
			return p, nil
		}
		f.Close()
	}
}

// take locks and fills the opened file. again is true when somebody removed
// the file between its opening and its locking.
func (p *Pidfile) take() (again bool, err error) {
	old := readPID(p.f)
	err = syscall.Flock(int(p.f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, &RunningError{p.path, old}
	}
	if err != nil {
		return false, fmt.Errorf("lock %s: %w", p.path, err)
	}
	if !p.isCurrent() {
		return true, nil
	}
	if old != 0 && old != os.Getpid() {
		if isThisProgram(old) {
			return false, &RunningError{p.path, old}
		}
		p.Stale = old
	}
	if err := p.f.Truncate(0); err != nil {
		return false, err
	}
	_, err = p.f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	return false, err
}

// isCurrent tells whether the path still leads to the opened file.
func (p *Pidfile) isCurrent() bool {
	a, err := p.f.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(p.path)
	return err == nil && os.SameFile(a, b)
}

// Remove removes the file, if it is still the one that was created, and
// unlocks it.
func (p *Pidfile) Remove() error {
	defer p.f.Close()
	if !p.isCurrent() {
		return nil
	}
	return os.Remove(p.path)
}

// SignalPidfile sends sig to the process of the pidfile at path. It reports
// false when that process is not running, or when there is no file.
func SignalPidfile(path string, sig syscall.Signal) (bool, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	pid := readPID(f)
	if pid == 0 || !isThisProgram(pid) {
		return false, nil
	}
	switch err := syscall.Kill(pid, sig); {
	case errors.Is(err, syscall.ESRCH):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("signal process %d: %w", pid, err)
	}
	return true, nil
}

// readPID reads the first line; the Python scripts' pidfiles have no newline.
// Anything else than a process id gives 0.
func readPID(f *os.File) int {
	b := make([]byte, 32)
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0
	}
	first, _, _ := strings.Cut(string(b[:n]), "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(first))
	if err != nil || pid <= 0 {
		return 0
	}
	return pid
}

// isThisProgram tells whether the process lives and runs a program of our
// name. After a reboot the id of a stale pidfile may belong to anybody.
func isThisProgram(pid int) bool {
	if err := syscall.Kill(pid, 0); errors.Is(err, syscall.ESRCH) {
		return false
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil {
		return !errors.Is(err, os.ErrNotExist) // no /proc to ask: the safe answer
	}
	comm := strings.TrimSuffix(string(b), "\n")
	exe, _ := os.Executable()
	for _, path := range []string{os.Args[0], exe} {
		const commLen = 15 // the kernel keeps no more
		name := filepath.Base(path)
		if comm == name[:min(len(name), commLen)] {
			return true
		}
	}
	return false
}
