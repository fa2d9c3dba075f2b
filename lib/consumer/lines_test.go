package consumer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"

	"skytools/lib/event"
)

// deliver hands n events to the sink and ends the batch.
func deliver(ctx context.Context, s Sink, n, size int) error {
	if err := s.Begin(ctx, &Batch{}); err != nil {
		return err
	}
	data := []byte(strings.Repeat("x", size))
	for i := range n {
		if err := s.Event(ctx, &event.Event{ID: int64(i), Data: data}); err != nil {
			s.Abort()
			return err
		}
	}
	err := s.End(ctx)
	if err != nil {
		s.Abort()
	}
	return err
}

// idLine is a Format of the id and the data.
func idLine(dst []byte, e *event.Event) ([]byte, error) {
	return fmt.Appendf(dst, "%d %s\n", e.ID, e.Data), nil
}

func TestLines(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ n, size int }{{0, 0}, {1, 10}, {3, 1 << 20}, {20000, 100}, {chunkSize/8 - 1, 5}, {2, chunkSize - 3}} {
		var out bytes.Buffer
		s := NewLines(&out, idLine)
		for batch := range 3 {
			out.Reset()
			if err := deliver(t.Context(), s, tt.n, tt.size); err != nil {
				t.Fatal(err)
			}
			var want bytes.Buffer
			for i := range tt.n {
				fmt.Fprintf(&want, "%d %s\n", i, strings.Repeat("x", tt.size))
			}
			if !bytes.Equal(out.Bytes(), want.Bytes()) {
				t.Errorf("%d events of %d bytes, batch %d: got %d bytes, want %d", tt.n, tt.size, batch, out.Len(), want.Len())
			}
		}
	}
}

// TestLinesFilter: what appends nothing is left out, and an empty batch writes
// nothing, since a write of no bytes means something to some files.
func TestLinesFilter(t *testing.T) {
	t.Parallel()
	s := NewLines(failing{errors.New("written")}, func(dst []byte, _ *event.Event) ([]byte, error) { return dst, nil })
	if err := deliver(t.Context(), s, 10, 10); err != nil {
		t.Error(err)
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestLinesErrors(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 100000} {
		err := deliver(t.Context(), NewLines(failing{syscall.EPIPE}, idLine), n, 100)
		if !errors.Is(err, syscall.EPIPE) || !strings.HasPrefix(err.Error(), "write events: ") {
			t.Errorf("%d events: got %v", n, err)
		}
	}
	bad := errors.New("bad row")
	err := deliver(t.Context(), NewLines(io.Discard, func(dst []byte, e *event.Event) ([]byte, error) { return dst, bad }), 1, 1)
	if err != bad {
		t.Errorf("got %v, want %v", err, bad)
	}
}

// TestLinesStuck: a reader that takes nothing does not hold up a stop.
func TestLinesStuck(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 100000} {
		r, w := io.Pipe()
		defer r.Close()
		ctx, cancel := context.WithCancelCause(t.Context())
		stop := errors.New("stop")
		s := NewLines(w, func(dst []byte, e *event.Event) ([]byte, error) {
			if e.ID == min(int64(n)-1, 3000) {
				cancel(stop)
			}
			return idLine(dst, e)
		})
		if err := deliver(ctx, s, n, 100); err != stop {
			t.Errorf("got %v, want %v", err, stop)
		}
	}
}

// TestLinesAbort: what a batch that is given up has still in hand never mixes
// with the next one, and all lines are whole.
func TestLinesAbort(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	s := NewLines(w, idLine)
	done := make(chan error)
	go func() {
		ctx := t.Context()
		err := s.Begin(ctx, &Batch{})
		for i := 0; err == nil && i < 2*chunkSize/100; i++ {
			err = s.Event(ctx, &event.Event{ID: int64(i), Data: bytes.Repeat([]byte("x"), 100)})
		}
		s.Abort()
		if err == nil {
			err = deliver(ctx, s, 10, 100)
		}
		w.CloseWithError(err)
		done <- err
	}()
	all, err := io.ReadAll(r)
	if err := errors.Join(err, <-done); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(all), "\n"), "\n")
	if n := len(lines); n < 10 {
		t.Fatalf("%d lines", n)
	}
	next := int64(0)
	for i, l := range lines {
		if i == len(lines)-10 {
			next = 0
		}
		if want := fmt.Sprintf("%d %s", next, strings.Repeat("x", 100)); l != want {
			t.Fatalf("line %d: got %q, want %q", i, l, want)
		}
		next++
	}
}

// TestLinesSort: events that come in any order are written in the right one.
func TestLinesSort(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	s := NewLines(&out, func(dst []byte, e *event.Event) ([]byte, error) {
		if e.ID%7 == 0 { // left out
			return dst, nil
		}
		return idLine(dst, e)
	})
	r := rand.New(rand.NewPCG(1, 2))
	for _, tt := range []struct {
		n       int
		ordered bool
	}{{0, true}, {1, true}, {10, false}, {20000, true}, {20000, false}, {5, false}} {
		ids := r.Perm(tt.n)
		if tt.ordered {
			slices.Sort(ids)
		}
		ids = append(ids, tt.n, tt.n) // twice, as a retried event may be
		out.Reset()
		if err := s.Begin(t.Context(), &Batch{Unsorted: true}); err != nil {
			t.Fatal(err)
		}
		for _, id := range ids {
			if err := s.Event(t.Context(), &event.Event{ID: int64(id), Data: fmt.Append(nil, id)}); err != nil {
				t.Fatal(err)
			}
		}
		if out.Len() > 0 {
			t.Error("written before its order was known")
		}
		if err := s.End(t.Context()); err != nil {
			t.Fatal(err)
		}
		slices.Sort(ids)
		var want bytes.Buffer
		for _, id := range ids {
			if id%7 != 0 {
				fmt.Fprintf(&want, "%d %d\n", id, id)
			}
		}
		if !bytes.Equal(out.Bytes(), want.Bytes()) {
			t.Errorf("%d events, ordered %v: got %d bytes, want %d", tt.n, tt.ordered, out.Len(), want.Len())
		}
	}
	err := s.Begin(t.Context(), &Batch{Unsorted: true})
	for i := 0; err == nil && i < 2*sortLimit/1000; i++ {
		err = s.Event(t.Context(), &event.Event{ID: 1, Data: make([]byte, 1000)})
	}
	s.Abort()
	if err != ErrUnsortable || out.Len() > 200 {
		t.Errorf("got %v after %d bytes", err, out.Len())
	}
}
