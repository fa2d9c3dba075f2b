package term

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Output is the screen, with a pager for what is larger. It holds back what is
// written until it is clear whether it fits, or Flush says that this is all.
type Output struct {
	Off     bool   // no pager: all is written at once
	Broken  func() // called when the person leaves the pager before the end
	Command string // the pager, "" for none; Pager finds it

	t      *Terminal
	buf    bytes.Buffer
	cols   int
	height int
	rows   int // that buf takes, but for its last line
	lines  int
	at     int // where the last line begins in buf

	cmd  *exec.Cmd
	pipe io.WriteCloser
	left bool // the pager is gone
}

// NewOutput makes an output on the screen of t.
func NewOutput(t *Terminal, pager string) *Output { return &Output{t: t, Command: pager} }

// Pager finds the pager that the environment names. Of a variable that is set
// to nothing it says that none is wanted.
func Pager(lookup func(string) (string, bool), names ...string) string {
	for _, name := range names {
		if v, ok := lookup(name); ok {
			return strings.TrimSpace(v)
		}
	}
	if _, err := exec.LookPath("less"); err == nil {
		return less
	}
	return ""
}

const less = "less -SRFX"

// Write writes to the screen or to the pager.
func (o *Output) Write(p []byte) (int, error) {
	if o.cmd != nil {
		if _, err := o.pipe.Write(p); err != nil && !o.left {
			// What is not read any more is no error.
			o.left = true
			if o.Broken != nil {
				o.Broken()
			}
		}
		return len(p), nil
	}
	if o.Off || o.Command == "" {
		return o.t.Out.Write(p)
	}
	if o.buf.Len() == 0 {
		o.cols, o.height = o.t.Size()
		o.rows, o.lines, o.at = 0, 0, 0
	}
	o.buf.Write(p)
	if o.height > 0 && o.measure() >= o.height {
		if err := o.start(); err != nil {
			o.Command = ""
			return len(p), o.Flush()
		}
	}
	return len(p), nil
}

// measure counts the rows of the screen that the buffer takes.
func (o *Output) measure() int {
	b := o.buf.Bytes()
	for {
		n := bytes.IndexByte(b[o.at:], '\n')
		if n < 0 {
			return o.rows
		}
		o.rows += 1 + max(0, width(b[o.at:o.at+n])-1)/max(1, o.cols)
		o.lines++
		o.at += n + 1
	}
}

// sgr is what colours are made of, and takes no room.
var sgr = regexp.MustCompile(`\x1b\[[0-9;]*m`)

func width(line []byte) int {
	if bytes.IndexByte(line, 0x1b) >= 0 {
		line = sgr.ReplaceAll(line, nil)
	}
	for _, c := range line {
		if c >= utf8.RuneSelf {
			return uniseg.StringWidth(string(line))
		}
	}
	return len(line)
}

func (o *Output) start() error {
	command := o.Command
	if command == less && o.lines < o.height {
		// Only too wide: less would chop the lines and end at once.
		command = "less -SRX"
	}
	cmd := exec.Command("/bin/sh", "-c", command)
	cmd.Stdout, cmd.Stderr = o.t.Out, o.t.Err
	cmd.Env = append(os.Environ(), "LESSCHARSET=utf-8")
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	o.cmd, o.pipe, o.left = cmd, pipe, false
	held := bytes.Clone(o.buf.Bytes())
	o.buf.Reset()
	_, err = o.Write(held)
	return err
}

// Flush ends a result: it writes what was held back, or waits for the pager.
func (o *Output) Flush() error {
	if o.cmd != nil {
		o.pipe.Close()
		_ = o.cmd.Wait() // how a pager ends says nothing about the result
		o.cmd, o.pipe = nil, nil
		o.t.Restore()
		return nil
	}
	_, err := o.t.Out.Write(o.buf.Bytes())
	o.buf.Reset()
	return err
}

// Before returns a writer to w that comes after what was written here before:
// a message must not be seen before the result to which it belongs.
func (o *Output) Before(w io.Writer) io.Writer { return after{o, w} }

type after struct {
	o *Output
	w io.Writer
}

func (a after) Write(p []byte) (int, error) {
	if err := a.o.Flush(); err != nil {
		return 0, err
	}
	return a.w.Write(p)
}

// Direct switches the pager off until the function that it returns is called.
func (o *Output) Direct() (restore func()) {
	before := o.Off
	_ = o.Flush()
	o.Off = true
	return func() { o.Off = before }
}
