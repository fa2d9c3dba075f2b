package term

import (
	"io"
	"os"
	"regexp"
	"sync"
	"time"
	_ "unsafe" // for linkname

	"github.com/creack/pty"
)

// keySource is where the editor's library reads keys. It asks the terminal
// where the cursor is each time it draws, reads the answer from os.Stdin itself,
// and drops the keys that come in the same read: on a slow line, or when text is
// pasted, what was typed would be lost. So here is who reads the terminal, and
// keys and answers go their own ways.
//
//go:linkname keySource github.com/reeflective/readline/internal/core.Stdin
var keySource io.ReadCloser

// keys reads the terminal for the editor.
type keys struct {
	tty            *os.File
	answers, stdin *os.File // a pseudo-terminal: what os.Stdin is for the library

	mu      sync.Mutex
	changed *sync.Cond
	typed   []byte   // not read yet; it stays from one line to the next
	begun   []byte   // the beginning of an answer
	asked   [][]byte // answers for who reads keys now
	waiting bool     // somebody does
	ended   bool     // nothing more comes
	done    chan struct{}
}

var (
	answer = regexp.MustCompile(`\x1b\[[0-9]+;[0-9]+R`)
	part   = regexp.MustCompile(`\x1b\[[0-9]+(;[0-9]*)?$`)
)

// newKeys opens the terminal anew, so that a read can be ended.
func newKeys() (*keys, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	answers, stdin, err := pty.Open()
	if err != nil {
		tty.Close()
		return nil, err
	}
	k := &keys{tty: tty, answers: answers, stdin: stdin}
	k.changed = sync.NewCond(&k.mu)
	return k, nil
}

// during runs f, in which the library reads from here.
func (k *keys) during(f func()) {
	stdin, source := os.Stdin, keySource
	os.Stdin, keySource = k.stdin, k
	defer func() { os.Stdin, keySource = stdin, source }()
	k.done = make(chan struct{})
	_ = k.tty.SetReadDeadline(time.Time{})
	go k.pump()
	defer func() {
		// What is typed from now on is for others.
		_ = k.tty.SetReadDeadline(time.Unix(1, 0))
		<-k.done
	}()
	f()
}

func (k *keys) pump() {
	defer close(k.done)
	buf := make([]byte, 4096)
	for {
		n, err := k.tty.Read(buf)
		k.sort(buf[:n])
		if err != nil {
			k.mu.Lock()
			k.ended = !os.IsTimeout(err)
			k.changed.Broadcast()
			k.mu.Unlock()
			return
		}
	}
}

// sort tells keys from answers.
func (k *keys) sort(b []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	b = append(k.begun, b...)
	k.begun = nil
	for _, a := range answer.FindAll(b, -1) {
		if k.waiting {
			// It was asked for beside the reading of keys, after a change of size.
			k.asked = append(k.asked, a)
		} else {
			_, _ = k.answers.Write(a)
		}
	}
	b = answer.ReplaceAll(b, nil)
	if at := part.FindIndex(b); at != nil {
		k.begun = append([]byte(nil), b[at[0]:]...)
		b = b[:at[0]]
	}
	k.typed = append(k.typed, b...)
	k.changed.Broadcast()
}

// Read gives keys.
func (k *keys) Read(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.waiting = true
	defer func() { k.waiting = false }()
	for len(k.typed) == 0 && len(k.asked) == 0 {
		if k.ended {
			return 0, io.EOF
		}
		k.changed.Wait()
	}
	if len(k.asked) > 0 {
		n := copy(p, k.asked[0])
		k.asked = k.asked[1:]
		return n, nil
	}
	n := copy(p, k.typed)
	k.typed = k.typed[n:]
	return n, nil
}

// Close does nothing.
func (k *keys) Close() error { return nil }
