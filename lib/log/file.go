package log

import (
	"os"
	"sync"
)

// A File is a logfile that can be opened anew after somebody moved it away.
type File struct {
	mu sync.Mutex
	f  *os.File
}

// OpenFile opens the file at path for appending, and makes it when missing.
func OpenFile(path string) (*File, error) {
	f, err := open(path)
	if err != nil {
		return nil, err
	}
	return &File{f: f}, nil
}

func open(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o640)
}

// Write appends one line.
func (l *File) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.f.Write(b)
}

// Reopen goes on in the file that has the path now. When it cannot be opened,
// the old one stays in use.
func (l *File) Reopen(path string) error {
	f, err := open(path)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.f
	l.f = f
	return old.Close()
}

// Close closes the file.
func (l *File) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.f.Close()
}
