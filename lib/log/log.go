// Package log builds the slog handlers of the programs and names their
// attribute keys. It does not hold a default logger: a *slog.Logger is passed
// to whatever logs.
package log

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"syscall"
)

// Attribute keys, one word for one thing in every program.
const (
	DB       = "db"
	Queue    = "queue"
	Consumer = "consumer"
	Node     = "node"
	Tick     = "tick"
	Batch    = "batch"
	Events   = "events"
	Table    = "table"
	Segment  = "segment"
	Duration = "duration"
	Err      = "err"
)

// LevelNoise is below debug: every query.
const LevelNoise = slog.LevelDebug - 4

// Formats of New.
const (
	FormatText    = "text"
	FormatJSON    = "json"
	FormatJournal = "journal"
	// FormatLine is the line of Skytools' logfiles:
	// "2026-01-31 12:00:00.123 UTC [pid] LEVEL [db]: message key=value".
	FormatLine = "line"
	// FormatAuto is journal where w is the journal's stream, else text.
	FormatAuto = "auto"
)

// New returns a logger that writes lines of the given format to w, from the
// given level on. An empty format is FormatAuto.
func New(w io.Writer, format string, level slog.Leveler) (*slog.Logger, error) {
	h, err := NewHandler(w, format, level)
	if err != nil {
		return nil, err
	}
	return slog.New(h), nil
}

// NewHandler returns the handler of New, for programs that combine several.
func NewHandler(w io.Writer, format string, level slog.Leveler) (slog.Handler, error) {
	opts := &slog.HandlerOptions{Level: level}
	if format == "" || format == FormatAuto {
		format = FormatText
		if IsJournal(w) {
			format = FormatJournal
		}
	}
	switch format {
	case FormatText:
		return slog.NewTextHandler(w, opts), nil
	case FormatJSON:
		return slog.NewJSONHandler(w, opts), nil
	case FormatJournal:
		return newJournal(w, opts), nil
	case FormatLine:
		return newLine(w, level), nil
	}
	return nil, fmt.Errorf("unknown log format %q: use auto, text, json or journal", format)
}

// IsJournal tells whether w is the stream that systemd connected to the
// journal. JOURNAL_STREAM alone does not say so: children inherit it.
func IsJournal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	fi, err := f.Stat()
	if err != nil {
		return false
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	return ok && os.Getenv("JOURNAL_STREAM") == fmt.Sprintf("%d:%d", st.Dev, st.Ino)
}

// journal prefixes each text line with the <N> priority that journald reads
// from stderr, and leaves out the time, which journald adds itself.
type journal struct {
	mu  *sync.Mutex
	w   io.Writer
	buf *bytes.Buffer
	h   slog.Handler
}

func newJournal(w io.Writer, opts *slog.HandlerOptions) *journal {
	o := *opts
	o.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey) {
			return slog.Attr{}
		}
		return a
	}
	buf := new(bytes.Buffer)
	return &journal{mu: new(sync.Mutex), w: w, buf: buf, h: slog.NewTextHandler(buf, &o)}
}

func (j *journal) Enabled(ctx context.Context, l slog.Level) bool { return j.h.Enabled(ctx, l) }

func (j *journal) Handle(ctx context.Context, r slog.Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.buf.Reset()
	fmt.Fprintf(j.buf, "<%d>", priority(r.Level))
	if err := j.h.Handle(ctx, r); err != nil {
		return err
	}
	_, err := j.w.Write(j.buf.Bytes())
	return err
}

func (j *journal) WithAttrs(as []slog.Attr) slog.Handler {
	c := *j
	c.h = j.h.WithAttrs(as)
	return &c
}

func (j *journal) WithGroup(name string) slog.Handler {
	c := *j
	c.h = j.h.WithGroup(name)
	return &c
}

// priority maps a level to syslog's numbers.
func priority(l slog.Level) int {
	switch {
	case l >= slog.LevelError:
		return 3
	case l >= slog.LevelWarn:
		return 4
	case l >= slog.LevelInfo:
		return 6
	}
	return 7
}
