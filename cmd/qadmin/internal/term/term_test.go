package term

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
)

func TestHistory(t *testing.T) {
	t.Parallel()
	h := &History{Path: filepath.Join(t.TempDir(), "h"), Size: 3, Control: "ignoreboth"}
	for _, e := range []string{"one;", "one;", " hidden;", "connect PASSWORD='x';", "two\nlines;  \n", "", "three;", "four;"} {
		if err := h.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	want := []string{"two\nlines;", "three;", "four;"}
	if diff := cmp.Diff(want, h.Entries()); diff != "" {
		t.Errorf("in memory (-want +got):\n%s", diff)
	}
	again := &History{Path: h.Path, Size: 3}
	if err := again.Load(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, again.Entries()); diff != "" {
		t.Errorf("loaded (-want +got):\n%s", diff)
	}
}

// TestHistoryLink keeps a link to the file, also when the file is cut.
func TestHistoryLink(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := os.WriteFile(file, []byte(strings.Repeat("old;\n", 200)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	h := &History{Path: link, Size: 2}
	if err := errors.Join(h.Load(), h.Add("new;")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != "old;\nold;\nnew;\n" {
		t.Errorf("the file has %q, error %v", got, err)
	}
}

// TestHistoryTogether has sessions that write and cut the file at once.
func TestHistoryTogether(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "h")
	const sessions, each = 8, 50
	var wg sync.WaitGroup
	for i := range sessions {
		wg.Go(func() {
			for j := range each {
				h := &History{Path: path, Size: 100}
				if err := errors.Join(h.Load(), h.Add(fmt.Sprintf("%d %d", i, j))); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	// It was cut at 225 and more, so the newest 100 are there, each whole.
	if len(lines) < 100 || len(lines) > 225+sessions {
		t.Errorf("the file has %d lines", len(lines))
	}
	seen := map[string]bool{}
	for _, l := range lines {
		if seen[l] || len(strings.Fields(l)) != 2 {
			t.Errorf("bad line %q", l)
		}
		seen[l] = true
	}
}

// TestKeys mixes keys with answers of the terminal, in one read and cut apart.
func TestKeys(t *testing.T) {
	t.Parallel()
	answers, stdin, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer answers.Close()
	defer stdin.Close()
	k := &keys{answers: answers, stdin: stdin}
	k.changed = sync.NewCond(&k.mu)
	k.sort([]byte("ab\x1b[12;34Rcd\x1b[3~\x1b[1"))
	k.sort([]byte("2;5Re"))
	buf := make([]byte, 100)
	n, err := k.Read(buf)
	if got := string(buf[:n]); got != "abcd\x1b[3~e" || err != nil {
		t.Errorf("keys are %q, error %v", got, err)
	}
	done := make(chan string, 1)
	go func() {
		n, _ := k.Read(buf)
		done <- string(buf[:n])
	}()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		k.mu.Lock()
		waiting := k.waiting
		k.mu.Unlock()
		if waiting {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nobody reads")
		}
	}
	k.sort([]byte("\x1b[7;8R"))
	if got := <-done; got != "\x1b[7;8R" {
		t.Errorf("who reads keys has %q, want the answer that was asked for beside", got)
	}
}
