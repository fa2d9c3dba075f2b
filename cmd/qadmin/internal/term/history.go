package term

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
)

// History is what was typed, in memory and in a file. Every entry is appended
// to the file at once and under a lock, so that a session which is killed loses
// nothing, and two at once keep what both wrote.
type History struct {
	Path    string // "": memory only
	Size    int    // entries that are kept, below 0 all
	Control string // as HISTCONTROL of a shell: ignorespace, ignoredups, ignoreboth

	entries []string
}

// lineEnd stands in the file for a line end inside an entry, as in psql's.
const lineEnd = "\x01"

var (
	secret    = regexp.MustCompile(`(?i)password|passwd|pgpass`)
	timestamp = regexp.MustCompile(`^#\d+$`)
)

// Load reads the file, also one of an older console with its time stamps, and
// cuts it down to the size.
func (h *History) Load() error {
	if h.Path == "" {
		return nil
	}
	f, err := h.open()
	if err != nil {
		return err
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	h.entries = nil
	for _, line := range strings.Split(strings.ToValidUTF8(string(data), "?"), "\n") {
		line = strings.TrimRight(line, "\r")
		if line != "" && !timestamp.MatchString(line) {
			h.entries = append(h.entries, strings.ReplaceAll(line, lineEnd, "\n"))
		}
	}
	// Not each time: a file that is a little longer does no harm.
	if h.Size >= 0 && len(h.entries) > h.Size+h.Size/4+100 {
		h.cut()
		return h.rewrite(f)
	}
	h.cut()
	return nil
}

func (h *History) cut() {
	if h.Size >= 0 && len(h.entries) > h.Size {
		h.entries = h.entries[len(h.entries)-h.Size:]
	}
}

// open opens the file and locks it. Somebody may have replaced it meanwhile.
func (h *History) open() (*os.File, error) {
	for {
		f, err := os.OpenFile(h.Path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
		if err != nil {
			return nil, err
		}
		if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", h.Path, err)
		}
		mine, err := f.Stat()
		if err != nil {
			f.Close()
			return nil, err
		}
		if there, err := os.Stat(h.Path); err == nil && os.SameFile(mine, there) {
			return f, nil
		}
		f.Close()
	}
}

// rewrite replaces the file, of which f is the lock.
func (h *History) rewrite(f *os.File) error {
	// A link stays one: what it points to is replaced.
	path, err := filepath.EvalSymlinks(h.Path)
	if err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(path), ".qadmin_history-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	var b bytes.Buffer
	for _, e := range h.entries {
		b.WriteString(strings.ReplaceAll(e, "\n", lineEnd) + "\n")
	}
	_, err = tmp.Write(b.Bytes())
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	return err
}

// Add stores an entry, unless it is one that must not be.
func (h *History) Add(entry string) error {
	entry = strings.TrimRight(entry, " \t\r\n")
	both := strings.Contains(h.Control, "ignoreboth")
	switch {
	case entry == "" || secret.MatchString(entry):
		return nil
	case (both || strings.Contains(h.Control, "ignorespace")) && strings.HasPrefix(entry, " "):
		return nil
	case (both || strings.Contains(h.Control, "ignoredups")) && len(h.entries) > 0 && h.entries[len(h.entries)-1] == entry:
		return nil
	}
	h.entries = append(h.entries, entry)
	h.cut()
	if h.Path == "" || h.Size == 0 {
		return nil
	}
	f, err := h.open()
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.WriteString(strings.ReplaceAll(entry, "\n", lineEnd) + "\n")
	return err
}

// Entries are all of them, the oldest first.
func (h *History) Entries() []string { return h.entries }

// The methods below make it a source of the line editor. What is accepted there
// is not stored by the editor but by Add.

// Write does nothing.
func (h *History) Write(string) (int, error) { return len(h.entries), nil }

// Len is the number of entries.
func (h *History) Len() int { return len(h.entries) }

// GetLine returns an entry.
func (h *History) GetLine(i int) (string, error) {
	if i < 0 || i >= len(h.entries) {
		return "", errors.New("no such entry")
	}
	return h.entries[i], nil
}

// Dump returns all entries.
func (h *History) Dump() any { return h.entries }
