package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestStopper(t *testing.T) {
	t.Parallel()
	cause := errors.New("told to stop")
	tests := []struct {
		name  string
		grace time.Duration
		busy  bool
		ends  time.Duration // the batch, if busy; 0 is never
		want  time.Duration // until the loop is cancelled
	}{
		{name: "idle", grace: time.Minute, want: 0},
		{name: "no grace", busy: true, want: 0},
		{name: "the batch ends", grace: time.Minute, busy: true, ends: 10 * time.Second, want: 10 * time.Second},
		{name: "the batch does not end", grace: time.Minute, busy: true, want: time.Minute},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				s := newStopper(ctx, tt.grace)
				w := s.worker(ctx)
				if tt.busy {
					w.begin()
				}
				time.Sleep(time.Hour)
				if w.ctx.Err() != nil {
					t.Fatal("cancelled before the stop")
				}
				start := time.Now()
				cancel(cause)
				if tt.ends > 0 {
					time.AfterFunc(tt.ends, w.end)
				}
				<-w.ctx.Done()
				if got := time.Since(start); got != tt.want {
					t.Errorf("cancelled after %v, want %v", got, tt.want)
				}
				if context.Cause(w.ctx) != cause {
					t.Errorf("cause %v", context.Cause(w.ctx))
				}
				late := s.worker(ctx)
				if late.ctx.Err() == nil {
					t.Error("a worker begins after the stop")
				}
			})
		})
	}
}

func TestStopperFirstCause(t *testing.T) {
	t.Parallel()
	s := newStopper(t.Context(), 0)
	a, b := s.worker(t.Context()), s.worker(t.Context())
	first := errors.New("first")
	s.stop(first)
	s.stop(errors.New("second"))
	if context.Cause(a.ctx) != first || context.Cause(b.ctx) != first {
		t.Errorf("causes %v, %v", context.Cause(a.ctx), context.Cause(b.ctx))
	}
}
