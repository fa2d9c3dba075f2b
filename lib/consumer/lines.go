package consumer

import (
	"context"
	"fmt"
	"io"
	"slices"

	"skytools/lib/event"
)

const (
	chunkSize = 128 << 10 // a chunk is written when it is so long
	chunkCap  = chunkSize + 32<<10
	chunks    = 4
	sortLimit = 8 << 20 // of lines to be sorted
)

// Format appends an event in some format, with its line end. What appends
// nothing leaves the event out.
type Format func(dst []byte, e *event.Event) ([]byte, error)

// JSONLine is the Format of event.AppendJSON, one object a line.
func JSONLine(dst []byte, e *event.Event) ([]byte, error) {
	return append(event.AppendJSON(dst, e), '\n'), nil
}

// Lines is a Sink that writes events to a stream; it is a Cutter and a Sorter.
//
// Of a large batch, reading and writing overlap: a goroutine for each batch
// does the writing, in large pieces of whole lines. A small batch is held
// until its end, so that its lines can be sorted. A batch ends after its last
// byte was written.
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

	sorting bool
	all     []byte // the lines of a batch that is sorted
	lines   []line // where they are
	ordered bool   // they are in order
}

// line is the place of the line of an event in Lines.all.
type line struct {
	id       int64
	from, to int
}

// NewLines returns a sink that writes to w. An error of w comes back wrapped.
func NewLines(w io.Writer, format Format) *Lines { return &Lines{w: w, format: format} }

// SortLimit is part of Sorter.
func (l *Lines) SortLimit() int64 { return sortLimit }

// Begin is part of Sink.
func (l *Lines) Begin(ctx context.Context, b *Batch) error {
	if l.last != nil { // of a batch that was aborted
		select {
		case <-l.last:
			l.last = nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	l.sorting, l.ordered = b.Unsorted, true
	l.all, l.lines = l.all[:0], l.lines[:0]
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
	if l.sorting {
		return l.hold(e)
	}
	l.buf, err = l.format(l.buf, e)
	if err != nil || len(l.buf) < chunkSize {
		return err
	}
	return l.flush(ctx)
}

// hold keeps the line of an event to be sorted.
func (l *Lines) hold(e *event.Event) (err error) {
	from := len(l.all)
	if l.all, err = l.format(l.all, e); err != nil {
		return err
	}
	if len(l.all) > sortLimit {
		l.all = nil // it may have become huge
		return ErrUnsortable
	}
	if n := len(l.lines); n > 0 && l.lines[n-1].id > e.ID {
		l.ordered = false
	}
	l.lines = append(l.lines, line{e.ID, from, len(l.all)})
	return nil
}

// sorted writes the lines that were held in their order.
func (l *Lines) sorted(ctx context.Context) error {
	if l.ordered {
		if len(l.all) > 0 {
			l.start()
			l.writer.full <- chunk{p: l.all}
		}
		return nil
	}
	slices.SortStableFunc(l.lines, func(a, b line) int {
		switch {
		case a.id < b.id:
			return -1
		case a.id > b.id:
			return 1
		}
		return 0
	})
	for _, n := range l.lines {
		l.buf = append(l.buf, l.all[n.from:n.to]...)
		if len(l.buf) >= chunkSize {
			if err := l.flush(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush hands the chunk to the writer and takes a free one.
func (l *Lines) flush(ctx context.Context) error {
	l.start()
	l.writer.full <- chunk{l.buf, l.free} // it has room for all chunks
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

func (l *Lines) start() {
	if l.writer == nil {
		l.writer = startWriter(l.w)
	}
}

// End is part of Sink.
func (l *Lines) End(ctx context.Context) error {
	if l.sorting {
		if err := l.sorted(ctx); err != nil {
			return err
		}
	}
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
	l.writer, l.buf, l.free, l.all = nil, nil, nil, nil
}

// chunk is what is written at once. It goes to free then, if it has one.
type chunk struct {
	p    []byte
	free chan<- []byte
}

// writer writes chunks in a goroutine, which ends when full is closed, on quit
// and after an error.
type writer struct {
	full chan chunk
	quit chan struct{}
	done chan struct{} // closed by the goroutine
	err  error         // valid after done
}

func startWriter(w io.Writer) *writer {
	wr := &writer{full: make(chan chunk, chunks), quit: make(chan struct{}), done: make(chan struct{})}
	go func() {
		defer close(wr.done)
		wr.err = wr.run(w)
	}()
	return wr
}

func (wr *writer) run(w io.Writer) error {
	for {
		var c chunk
		var ok bool
		select {
		case c, ok = <-wr.full:
		case <-wr.quit:
		}
		if !ok {
			return nil
		}
		if _, err := w.Write(c.p); err != nil {
			return fmt.Errorf("write events: %w", err)
		}
		if cap(c.p) > 4*chunkCap { // it held one huge event
			c.p = nil
		}
		if c.free != nil {
			c.free <- c.p
		}
	}
}
