package term

import (
	"context"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
)

// Full is the whole screen, drawn again and again, with keys as they come. Its
// own contents come back at the end.
type Full struct {
	// Keys are characters, and for special keys "up", "down", "left", "right",
	// "pgup", "pgdn", "home", "end"; "ctrl-c". It is closed when nothing can be
	// read any more.
	Keys <-chan string

	t    *Terminal
	tty  *os.File
	done chan struct{}
	undo func()
}

const (
	enterFull = "\x1b[?1049h\x1b[?25l"
	leaveFull = "\x1b[?25h\x1b[?1049l"
)

// Full takes the screen. Close gives it back.
func (t *Terminal) Full() (*Full, error) {
	// Opened anew, since a read of stdin could not be ended.
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	state, err := term.MakeRaw(int(t.In.Fd()))
	if err != nil {
		tty.Close()
		return nil, err
	}
	keys := make(chan string, 16)
	f := &Full{Keys: keys, t: t, tty: tty, done: make(chan struct{})}
	f.undo = func() { _ = term.Restore(int(t.In.Fd()), state) }
	_, _ = io.WriteString(t.Out, enterFull)
	go func() {
		defer close(f.done)
		defer close(keys)
		readKeys(tty, keys)
	}()
	return f, nil
}

// Close ends it.
func (f *Full) Close() {
	_ = f.tty.SetReadDeadline(time.Unix(1, 0))
	for range f.Keys { // whoever reads keys is not stuck on the channel
	}
	<-f.done
	f.tty.Close()
	_, _ = io.WriteString(f.t.Out, leaveFull)
	f.undo()
}

// Draw shows lines, which must not be wider than the screen.
func (f *Full) Draw(lines []string) error {
	var b strings.Builder
	b.WriteString("\x1b[H")
	for i, l := range lines {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(l + "\x1b[0m\x1b[K")
	}
	b.WriteString("\x1b[J")
	_, err := io.WriteString(f.t.Out, b.String())
	return err
}

var special = map[string]string{
	"A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end",
	"5~": "pgup", "6~": "pgdn", "1~": "home", "4~": "end",
}

func readKeys(r io.Reader, keys chan<- string) {
	buf := make([]byte, 256)
	for {
		n, err := r.Read(buf)
		if err != nil {
			return
		}
		for s := string(buf[:n]); s != ""; {
			var key string
			key, s = cutKey(s)
			if key != "" {
				keys <- key
			}
		}
	}
}

// cutKey takes one key off what was read. An escape sequence that is not known
// is no key.
func cutKey(s string) (key, rest string) {
	if s[0] == 3 {
		return "ctrl-c", s[1:]
	}
	if !strings.HasPrefix(s, "\x1b[") && !strings.HasPrefix(s, "\x1bO") {
		r := []rune(s)[0]
		return string(r), s[min(len(s), len(string(r))):]
	}
	n := 2
	for n < len(s) && (s[n] < 0x40 || s[n] > 0x7e) {
		n++
	}
	n = min(n+1, len(s))
	return special[s[2:n]], s[n:]
}

// Wait waits for a key, for the time to pass, or for the size of the screen to
// change.
func (f *Full) Wait(ctx context.Context, d time.Duration, ready <-chan struct{}) (key string, ok bool) {
	cols, rows := f.t.Size()
	end := time.After(d)
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case <-ctx.Done():
			return "", false
		case key, ok := <-f.Keys:
			return key, ok
		case <-ready:
			return "", true
		case <-end:
			return "", true
		case <-look.C:
			if c, r := f.t.Size(); c != cols || r != rows {
				return "", true
			}
		}
	}
}
