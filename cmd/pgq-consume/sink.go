package main

import (
	"context"
	"sync/atomic"

	"skytools/lib/consumer"
	"skytools/lib/event"
)

// counters are what was delivered so far, over all workers. An event is
// counted when it is passed on, a batch when it is finished.
type counters struct {
	events  atomic.Int64
	batches atomic.Int64
	retries atomic.Int64
	// tick is the newest finished one.
	tick atomic.Int64
	// tickTime is when the newest finished tick was made, in microseconds.
	tickTime atomic.Int64
}

// finished accounts for a batch.
func (c *counters) finished(s consumer.Summary) {
	c.batches.Add(1)
	c.retries.Add(s.Retried)
	for old := c.tick.Load(); s.Batch.Tick > old && !c.tick.CompareAndSwap(old, s.Batch.Tick); {
		old = c.tick.Load()
	}
	t := s.Batch.TickTime.UnixMicro()
	for {
		old := c.tickTime.Load()
		if t <= old || c.tickTime.CompareAndSwap(old, t) {
			return
		}
	}
}

// filtered goes around the sinks that take lines: it leaves out the events that
// --type does not want, counts the rest, and tells the worker when it has a
// batch in hand.
type filtered struct {
	consumer.Sink
	types  *typeFilter
	count  *counters
	worker *worker
	// max is the limit of --max-events for a sink that can be cut in the
	// middle of a batch, as a stream can; 0 is none.
	max   int64
	ended bool
	// held counts the events of a batch that is written as a whole, at its end.
	unsorted bool
	held     int64
}

func (f *filtered) Begin(ctx context.Context, b *consumer.Batch) error {
	f.ended, f.unsorted, f.held = false, b.Unsorted, 0
	if ctx.Err() != nil {
		// The batch was opened together with the finish of the one before.
		return context.Cause(ctx)
	}
	f.worker.begin()
	err := f.Sink.Begin(ctx, b)
	if err != nil {
		f.worker.end()
	}
	return err
}

func (f *filtered) Event(ctx context.Context, e *event.Event) error {
	if !f.types.match(e.Type) {
		return nil
	}
	if f.max > 0 && f.count.events.Load() == f.max {
		// There is more in this batch: what was passed on goes out, and the
		// batch stays open.
		f.ended = true
		if err := f.Sink.End(ctx); err != nil {
			return err
		}
		return consumer.ErrStop
	}
	if err := f.Sink.Event(ctx, e); err != nil {
		return err
	}
	if f.unsorted {
		f.held++
		return nil
	}
	f.count.events.Add(1)
	return nil
}

func (f *filtered) End(ctx context.Context) error {
	if err := f.Sink.End(ctx); err != nil {
		return err
	}
	f.count.events.Add(f.held)
	return nil
}

// SortLimit makes it a consumer.Sorter if what it wraps is one. The first of a
// batch are known only when they come in order.
func (f *filtered) SortLimit() int64 {
	if s, ok := f.Sink.(consumer.Sorter); ok && f.max == 0 {
		return s.SortLimit()
	}
	return 0
}

func (f *filtered) Abort() {
	defer f.worker.end()
	if !f.ended {
		f.Sink.Abort()
	}
}
