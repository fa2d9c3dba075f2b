package consumer

import (
	"context"
	"io"

	"skytools/lib/event"
)

// Format appends an event in some format, with its line end. What appends
// nothing leaves the event out.
type Format func(dst []byte, e *event.Event) ([]byte, error)

// JSONLine is the Format of AppendJSON, one object a line.
func JSONLine(dst []byte, e *event.Event) ([]byte, error) {
	return append(event.AppendJSON(dst, e), '\n'), nil
}

// Lines is a Sink that writes events to a stream. Formatting and writing
// overlap: a goroutine that lives from Begin to End or Abort does the writing,
// in large pieces. End returns after the last byte was written.
type Lines struct {
	w      io.Writer
	format Format
}

// NewLines returns a sink that writes to w.
func NewLines(w io.Writer, format Format) *Lines { return &Lines{w: w, format: format} }

// Begin is part of Sink.
func (l *Lines) Begin(context.Context, *Batch) error { return nil }

// Event is part of Sink.
func (l *Lines) Event(context.Context, *event.Event) error { return nil }

// End is part of Sink.
func (l *Lines) End(context.Context) error { return nil }

// Abort is part of Sink.
func (l *Lines) Abort() {}
