package daemon

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"syscall"
)

// detachEnv names, in the background process, the descriptor on which it
// tells that it is ready.
const detachEnv = "SKYTOOLS_DETACH_FD"

// Detached tells whether this process is the one that Detach started.
func Detached() bool { return os.Getenv(detachEnv) != "" }

// Detach runs this program again, with the same arguments, in a session of
// its own, and waits until it called Release or ended. It returns the exit
// code for the caller: 0, or that of the process that ended. The new process
// writes to stdout and stderr until it is released, so that whoever started
// it sees why it did not start.
func Detach(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	exe, err := os.Executable()
	if err != nil {
		return 0, err
	}
	r, w, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer r.Close()
	cmd := exec.Command(exe, args...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.ExtraFiles = []*os.File{w}
	cmd.Env = append(os.Environ(), detachEnv+"=3")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	w.Close()
	if err != nil {
		return 0, err
	}
	stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })
	defer stop()
	if n, _ := r.Read(make([]byte, 1)); n == 1 {
		return 0, nil
	}
	err = cmd.Wait()
	var ee *exec.ExitError
	if err != nil && !errors.As(err, &ee) {
		return 0, err
	}
	if code := cmd.ProcessState.ExitCode(); code >= 0 {
		return code, nil
	}
	return 0, fmt.Errorf("background process ended: %v", cmd.ProcessState)
}

// Release tells the process that waits in Detach that the daemon is up, and
// lets go of the terminal. In a process that Detach did not start it does
// nothing.
func Release() error {
	fd, err := strconv.Atoi(os.Getenv(detachEnv))
	if err != nil {
		return nil
	}
	if err := os.Unsetenv(detachEnv); err != nil {
		return err
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if null.Fd() > 2 {
		defer null.Close()
	}
	for std := range 3 {
		if int(null.Fd()) == std { // the terminal was closed before
			continue
		}
		if err := syscall.Dup3(int(null.Fd()), std, 0); err != nil {
			return err
		}
	}
	w := os.NewFile(uintptr(fd), "detach")
	if _, err := w.Write([]byte{'r'}); err != nil {
		return err
	}
	return w.Close()
}
