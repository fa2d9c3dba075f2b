package consumer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"skytools/lib/consumer"
	"skytools/lib/testpg"
)

// TestPooler: behind a pooler in transaction mode, at the source and at the
// target, notifications do not arrive and all the rest works.
func TestPooler(t *testing.T) {
	t.Parallel()
	c := testpg.Shared(t)
	q, l := newQueue(t, ours(t), "q"), newLedger(t)
	opt := q.options("c")
	opt.DSN, opt.Register, opt.UntilEmpty = c.Pooled(t, q.dsn), true, false
	tr := consumer.NewTracked(consumer.TrackOptions{DSN: c.Pooled(t, l.dsn), Piece: 2}, target{"r"})
	defer tr.Close()
	two := consumer.New(opt, tr)
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error)
	go func() { done <- two.Run(ctx) }()
	testpg.Wait(t, time.Minute, "the connection", func() bool { return two.Stats().Connected })
	testpg.Exec(t, q.dsn, "select pgq.create_queue('other')") // the pool has more than one session
	var want []int64
	for range 5 {
		want = append(want, q.insert(5)...)
		q.tick()
		testpg.Wait(t, time.Minute, "the events", func() bool { return len(l.ids("r")) == len(want) })
	}
	cancel(stop)
	if err := <-done; err != stop {
		t.Errorf("got %v", err)
	}
	equal(t, "ledger", want, l.ids("r"))
}
