package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// output is what the lines for stdout are written to, from one worker or from
// several. Each write is of whole lines.
//
// Whatever ends this process, even a SIGKILL, must not make a later line
// unreadable: the events of an open batch come again, but behind half a line
// the first of them would be lost to its reader.
type output struct {
	mu sync.Mutex
	w  io.Writer
}

func newOutput(w io.Writer) (*output, error) {
	if f, ok := w.(*os.File); ok {
		st, err := f.Stat()
		if err != nil {
			return nil, fmt.Errorf("stdout: %w", err)
		}
		switch {
		case st.Mode()&os.ModeNamedPipe != 0:
			w = pipeWriter{f}
		case st.Mode().IsRegular() && st.Size() > 0:
			if err := endLastLine(f, st.Size()); err != nil {
				return nil, fmt.Errorf("stdout: %w", err)
			}
		}
	}
	return &output{w: w}, nil
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n, err := o.w.Write(p)
	if err != nil {
		err = &outputError{err}
	}
	return n, err
}

// outputError is an error of stdout.
type outputError struct{ error }

func (e *outputError) Unwrap() error { return e.error }

// closeTimeout is how long close waits for a write under way.
const closeTimeout = time.Second

// close lets a write under way end, so that the reader of a stopped run does
// not get half a line, and forbids further ones. It does not wait long for a
// reader that is stuck.
func (o *output) close() {
	closed := make(chan struct{})
	go func() {
		o.mu.Lock() // for good
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(closeTimeout):
	}
}

// endLastLine ends the line that a killed run may have left unfinished at the
// end of the file we append to.
func endLastLine(f *os.File, size int64) error {
	if pos, err := f.Seek(0, io.SeekCurrent); err != nil || pos != size && !appends(f) {
		return nil // we write somewhere else
	}
	// Stdout is not open for reading.
	r, err := os.Open(fmt.Sprintf("/proc/self/fd/%d", f.Fd()))
	if err != nil {
		return nil // write-only for us
	}
	defer r.Close()
	var last [1]byte
	if _, err := r.ReadAt(last[:], size-1); err != nil || last[0] == '\n' {
		return nil
	}
	_, err = f.Write([]byte("\n"))
	return err
}

func appends(f *os.File) bool {
	flags, _, errno := syscall.Syscall(syscall.SYS_FCNTL, f.Fd(), syscall.F_GETFL, 0)
	return errno == 0 && flags&syscall.O_APPEND != 0
}

// atomicWrite is PIPE_BUF: a write of so much to a pipe is done as a whole or
// not at all.
const atomicWrite = 4096

// pipeWriter writes to a pipe in pieces of whole lines that are short enough
// to be atomic. Only a longer line can be torn.
type pipeWriter struct{ f *os.File }

func (w pipeWriter) Write(p []byte) (int, error) { return writePieces(p, w.f.Write) }

func writePieces(p []byte, write func([]byte) (int, error)) (int, error) {
	n := 0
	for n < len(p) {
		m, err := write(p[n : n+pieceLen(p[n:])])
		n += m
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// pieceLen returns how much of p goes into one write: as many lines as fit, or
// one that does not.
func pieceLen(p []byte) int {
	if len(p) <= atomicWrite {
		return len(p)
	}
	if i := bytes.LastIndexByte(p[:atomicWrite], '\n'); i >= 0 {
		return i + 1
	}
	if i := bytes.IndexByte(p[atomicWrite:], '\n'); i >= 0 {
		return atomicWrite + i + 1
	}
	return len(p)
}
