package consumer

import (
	"context"
	"fmt"
	"io"

	"skytools/lib/event"
)

const (
	chunkSize = 128 << 10 // a chunk is written when it is so long
	chunkCap  = chunkSize + 32<<10
	chunks    = 4
)

// Format appends an event in some format, with its line end. What appends
// nothing leaves the event out.
type Format func(dst []byte, e *event.Event) ([]byte, error)

// JSONLine is the Format of event.AppendJSON, one object a line.
func JSONLine(dst []byte, e *event.Event) ([]byte, error) {
	return append(event.AppendJSON(dst, e), '\n'), nil
}

// Lines is a Cutter that writes events to a stream. Reading and writing
// overlap: a goroutine for each batch does the writing, in large pieces of
// whole lines, and a batch ends after its last byte was written.
//
// If ctx ends while the stream takes nothing, the goroutine is left behind in
// its write: nothing else can interrupt that.
type Lines struct {
	w      io.Writer
	format Format
	buf    []byte
	free   chan []byte   // chunks to be filled; nil stands for a new one
	writer *writer       // nil until the first full chunk of a batch
	last   chan struct{} // done of the writer before
}

// NewLines returns a sink that writes to w. An error of w comes back wrapped.
func NewLines(w io.Writer, format Format) *Lines { return &Lines{w: w, format: format} }

// Begin is part of Sink.
func (l *Lines) Begin(ctx context.Context, _ *Batch) error {
	if l.last != nil { // of a batch that was aborted
		select {
		case <-l.last:
			l.last = nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	if l.free == nil {
		l.free = make(chan []byte, chunks)
		for range chunks - 1 { // one more is in l.buf
			l.free <- nil
		}
	}
	if cap(l.buf) == 0 {
		l.buf = make([]byte, 0, chunkCap)
	}
	l.buf = l.buf[:0]
	return nil
}

// Event is part of Sink.
func (l *Lines) Event(ctx context.Context, e *event.Event) (err error) {
	l.buf, err = l.format(l.buf, e)
	if err != nil || len(l.buf) < chunkSize {
		return err
	}
	return l.flush(ctx)
}

// flush hands the chunk to the writer and takes a free one.
func (l *Lines) flush(ctx context.Context) error {
	if l.writer == nil {
		l.writer = startWriter(l.w, l.free)
	}
	l.writer.full <- l.buf // it has room for all chunks
	l.buf = nil
	select {
	case l.buf = <-l.free:
	case <-l.writer.done: // before its time: it failed
		return l.writer.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if l.buf == nil {
		l.buf = make([]byte, 0, chunkCap)
	}
	l.buf = l.buf[:0]
	return nil
}

// End is part of Sink.
func (l *Lines) End(ctx context.Context) error {
	if len(l.buf) > 0 {
		if err := l.flush(ctx); err != nil {
			return err
		}
	}
	w := l.writer
	if w == nil {
		return nil
	}
	close(w.full)
	select {
	case <-w.done:
		l.writer = nil
		return w.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Cut is part of Cutter.
func (l *Lines) Cut(ctx context.Context) error { return l.End(ctx) }

// Abort is part of Sink. What the writer has not begun with is dropped.
func (l *Lines) Abort() {
	if l.writer != nil {
		close(l.writer.quit)
		l.last = l.writer.done
	}
	l.writer, l.buf, l.free = nil, nil, nil
}

// writer writes chunks in a goroutine, which ends when full is closed, on quit
// and after an error.
type writer struct {
	full chan []byte
	quit chan struct{}
	done chan struct{} // closed by the goroutine
	err  error         // valid after done
}

func startWriter(w io.Writer, free chan<- []byte) *writer {
	wr := &writer{full: make(chan []byte, chunks), quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(wr.done)
		wr.err = wr.run(w, free)
	}()
	return wr
}

func (wr *writer) run(w io.Writer, free chan<- []byte) error {
	for {
		var p []byte
		var ok bool
		select {
		case p, ok = <-wr.full:
		case <-wr.quit:
		}
		if !ok {
			return nil
		}
		if _, err := w.Write(p); err != nil {
			return fmt.Errorf("write events: %w", err)
		}
		if cap(p) > 4*chunkCap { // it held one huge event
			p = nil
		}
		free <- p
	}
}
