package main

import (
	"context"
	"sync"
	"time"
)

// stopper turns the end of a context into an orderly stop of several workers:
// one that has a batch in hand may end it within the grace time, one that has
// none stops at once.
type stopper struct {
	grace time.Duration

	mu      sync.Mutex
	cause   error // why to stop; nil while there is no reason
	workers []*worker
}

// worker is the part of a stopper that one batch loop has.
type worker struct {
	s      *stopper
	ctx    context.Context // of the loop
	cancel context.CancelCauseFunc
	busy   bool
}

// newStopper returns a stopper that stops when ctx ends. Its own lifetime is
// that of ctx.
func newStopper(ctx context.Context, grace time.Duration) *stopper {
	s := &stopper{grace: grace}
	context.AfterFunc(ctx, func() { s.stop(context.Cause(ctx)) })
	return s
}

// worker adds a worker. ctx only lends its values: the worker outlives it by
// the grace time.
func (s *stopper) worker(ctx context.Context) *worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &worker{s: s}
	w.ctx, w.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	s.workers = append(s.workers, w)
	if s.cause != nil {
		w.cancel(s.cause)
	}
	return w
}

// stop begins the stop. Only the first call counts.
func (s *stopper) stop(cause error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause != nil {
		return
	}
	s.cause = cause
	for _, w := range s.workers {
		if !w.busy || s.grace == 0 {
			w.cancel(cause)
		}
	}
	time.AfterFunc(s.grace, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		for _, w := range s.workers {
			w.cancel(cause)
		}
	})
}

// begin tells that the worker has a batch in hand.
func (w *worker) begin() {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.busy = true
}

// end tells that the batch was finished or given up.
func (w *worker) end() {
	w.s.mu.Lock()
	defer w.s.mu.Unlock()
	w.busy = false
	if w.s.cause != nil {
		w.cancel(w.s.cause)
	}
}
