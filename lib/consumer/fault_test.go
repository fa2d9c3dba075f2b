package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"skytools/lib/consumer"
	"skytools/lib/event"
	"skytools/lib/pgq"
	"skytools/lib/testpg"
	"skytools/lib/testproxy"
)

// fault breaks a connection at the n-th message, once.
type fault struct {
	n      int64
	action testproxy.Action
	count  atomic.Int64
	hit    atomic.Bool
	onHit  func()
}

// isStep tells which messages a fault counts: those at which one side waits for
// the other, and each row. The long form, with SOAK set, counts all.
func isStep(m testproxy.Message) bool {
	const client, server = "\x00QS", "RdCZ"
	types := client
	if m.FromServer {
		types = server
	}
	return strings.IndexByte(types, m.Type) >= 0 || long
}

// notShort leaves a test out of the run under the race detector, where its
// hundreds of connections take minutes; the plain run has it.
func notShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("long under the race detector")
	}
}

// long is the long form of the tests.
var long = os.Getenv("SOAK") != ""

func (f *fault) hook(m testproxy.Message) testproxy.Action {
	if !isStep(m) {
		return testproxy.Pass
	}
	if f.count.Add(1) != f.n {
		return testproxy.Pass
	}
	f.hit.Store(true)
	if f.onHit != nil {
		f.onHit()
	}
	return f.action
}

// eachFault calls f with a fault at every step in turn, until f did its work
// without reaching it.
func eachFault(t *testing.T, f func(t *testing.T, n int, fa *fault)) {
	for n := 1; ; n++ {
		hit := false
		// After one step is nearly the same as before the next one.
		actions := []testproxy.Action{testproxy.CutAfter}
		if long {
			actions = append(actions, testproxy.CutBefore)
		}
		for _, action := range actions {
			fa := &fault{n: int64(n), action: action}
			f(t, n, fa)
			if t.Failed() {
				t.Fatalf("cut at message %d, action %d", n, action)
			}
			hit = fa.hit.Load()
		}
		if !hit {
			t.Logf("%d places", n-1)
			return
		}
	}
}

// supervise runs a consumer again when it fails, as its service manager would:
// the first connection of a run has to succeed.
func supervise(t *testing.T, run func() error) {
	t.Helper()
	var err error
	for range 5 {
		if err = run(); err == nil {
			return
		}
	}
	t.Errorf("it fails again and again: %v", err)
}

// TestCutAnywhere breaks the connection at every step of two batches: each
// event comes at least once, in whole batches, and one more time at most.
func TestCutAnywhere(t *testing.T) {
	notShort(t)
	eachSchema(t, func(t *testing.T, q *queue) {
		eachFault(t, func(t *testing.T, n int, fa *fault) {
			name := fmt.Sprintf("c%d_%d", n, fa.action)
			q.register(name)
			var want []int64
			for range 2 {
				want = append(want, q.insert(2)...)
				q.tick()
			}
			opt := q.options(name)
			opt.DSN = testproxy.New(t, q.dsn, fa.hook).DSN()
			s := &sink{}
			supervise(t, func() error { return consumer.New(opt, s).Run(t.Context()) })
			got := s.got()
			slices.Sort(got)
			equal(t, "events", want, slices.Compact(got))
			if len(s.got()) > len(want)+2 {
				t.Errorf("events came too often: %v", s.got())
			}
			if tick, open := q.position(name); open != 0 || tick == 1 {
				t.Errorf("position %d, batch %d", tick, open)
			}
			q.c.Unregister(t.Context(), q.name, name)
		})
	})
}

// ledger is a target table that must hold each event once.
type ledger struct {
	t    *testing.T
	conn *pgx.Conn
	dsn  string
}

func newLedger(t *testing.T) *ledger {
	l := &ledger{t: t, dsn: testpg.Shared(t).NewDB(t, testpg.Extensions("pgq_ext"))}
	l.conn = testpg.Connect(t, l.dsn)
	if _, err := l.conn.Exec(t.Context(), "create table ledger (run text, ev_id int8)"); err != nil {
		t.Fatal(err)
	}
	return l
}

// target is a Target that writes into the ledger.
type target struct{ run string }

func (target) Begin(context.Context, pgx.Tx, *consumer.Batch) error { return nil }
func (target) End(context.Context, pgx.Tx) error                    { return nil }

func (tg target) Event(ctx context.Context, tx pgx.Tx, e *event.Event) error {
	_, err := tx.Exec(ctx, "insert into ledger values ($1, $2)", tg.run, e.ID)
	return err
}

func (l *ledger) ids(run string) []int64 {
	l.t.Helper()
	rows, err := l.conn.Query(l.t.Context(), "select ev_id from ledger where run = $1 order by 1", run)
	if err != nil {
		l.t.Fatal(err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		l.t.Fatal(err)
	}
	return ids
}

// tracked runs a tracked consumer from source to target.
func tracked(ctx context.Context, opt consumer.Options, to consumer.TrackOptions, run string) error {
	tr := consumer.NewTracked(to, target{run})
	defer tr.Close()
	return consumer.New(opt, tr).Run(ctx)
}

// TestExactlyOnce breaks a connection at every step, to the source or to the
// target. In the first way the consumer goes on, in the second it dies there
// and another one begins where both databases say.
func TestExactlyOnce(t *testing.T) {
	notShort(t)
	t.Parallel()
	for _, tt := range []struct {
		name  string
		dies  bool
		piece int64
		sub   bool
	}{
		{"goes on", false, 0, false},
		{"dies", true, 0, false},
		{"goes on, in pieces", false, 2, false},
		{"dies, in pieces", true, 2, false},
		{"goes on, cooperative", false, 0, true},
		{"dies, cooperative", true, 0, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			q, l := newQueue(t, ours(t), "q"), newLedger(t)
			eachFault(t, func(t *testing.T, n int, fa *fault) {
				name := fmt.Sprintf("c%d_%d", n, fa.action)
				opt, to := q.options(name), consumer.TrackOptions{DSN: l.dsn, Piece: tt.piece}
				q.register(name)
				if tt.sub {
					opt.Subconsumer, opt.DeadInterval = "a", 30*time.Millisecond
				}
				batches := 1
				if long {
					batches = 2
				}
				var want []int64
				for range batches {
					want = append(want, q.insert(3)...)
					q.tick()
				}
				if tt.dies {
					die(t, fa, opt, to, name)
					if tt.sub {
						opt.Subconsumer = "b"
					}
				} else {
					opt.DSN = testproxy.New(t, q.dsn, fa.hook).DSN()
					to.DSN = testproxy.New(t, l.dsn, fa.hook).DSN()
				}
				// A subconsumer may have to wait until the other one counts as dead.
				deadline := time.Now().Add(30 * time.Second)
				for {
					supervise(t, func() error { return tracked(t.Context(), opt, to, name) })
					if len(l.ids(name)) >= len(want) || time.Now().After(deadline) {
						break
					}
				}
				equal(t, "ledger", want, l.ids(name))
				q.c.Unregister(t.Context(), q.name, name)
			})
		})
	}
}

// die runs a consumer until the fault ends it for good: all its connections
// break, new ones are refused.
func die(t *testing.T, fa *fault, opt consumer.Options, to consumer.TrackOptions, name string) {
	t.Helper()
	source, tgt := testproxy.New(t, opt.DSN, fa.hook), testproxy.New(t, to.DSN, fa.hook)
	opt.DSN, to.DSN = source.DSN(), tgt.DSN()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	fa.onHit = func() {
		go func() {
			source.Kill()
			tgt.Kill()
			cancel()
		}()
	}
	if err := tracked(ctx, opt, to, name); err != nil && !fa.hit.Load() {
		t.Errorf("died before its time: %v", err)
	}
}

// TestTwoTracked: two processes with one name, which nobody should run, still
// apply each event once.
func TestTwoTracked(t *testing.T) {
	eachSchema(t, func(t *testing.T, q *queue) {
		l := newLedger(t)
		q.register("c")
		var want []int64
		for range 20 {
			want = append(want, q.insert(20)...)
			q.tick()
		}
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				supervise(t, func() error {
					return tracked(t.Context(), q.options("c"), consumer.TrackOptions{DSN: l.dsn}, "r")
				})
			})
		}
		wg.Wait()
		equal(t, "ledger", want, l.ids("r"))
	})
}

// TestLostPosition: a queue or a target that went back in time.
func TestLostPosition(t *testing.T) {
	t.Parallel()
	q, l := newQueue(t, ours(t), "q"), newLedger(t)
	q.register("c")
	to := consumer.TrackOptions{DSN: l.dsn}
	for range 3 {
		q.insert(1)
		q.tick()
		if err := tracked(t.Context(), q.options("c"), to, "r"); err != nil {
			t.Fatal(err)
		}
	}
	before := l.ids("r")
	back := func(tick int64) {
		if _, err := q.c.RegisterAt(t.Context(), "q", "c", tick); err != nil {
			t.Fatal(err)
		}
	}
	back(1)
	err := tracked(t.Context(), q.options("c"), to, "r")
	var lost *consumer.LostPosition
	if !errors.As(err, &lost) || lost.Stored != 4 {
		t.Fatalf("got %v", err)
	}
	equal(t, "message", "lost position: target has done q/c up to tick 4, but the next batch is tick 1 to 2", err.Error())
	equal(t, "hint", "Move the queue to the target with pgq.register_consumer_at('q', 'c', 4), or let the target forget with pgq_ext.set_last_tick('q/c', '', null).", lost.Hint())
	equal(t, "ledger", before, l.ids("r"))
	back(lost.Stored)
	if err := tracked(t.Context(), q.options("c"), to, "r"); err != nil {
		t.Error(err)
	}
	back(1)
	if err := pgq.New(l.conn).SetLastDoneTick(t.Context(), "q/c", "", 0); err != nil {
		t.Fatal(err)
	}
	if err := tracked(t.Context(), q.options("c"), to, "r"); err != nil {
		t.Error(err)
	}
	equal(t, "ledger", 2*len(before), len(l.ids("r")))
}

// TestTrackedErrors: what is wrong at the target.
func TestTrackedErrors(t *testing.T) {
	t.Parallel()
	q := newQueue(t, ours(t), "q")
	q.register("c")
	q.insert(1)
	q.tick()
	empty := testpg.Shared(t).NewDB(t)
	err := tracked(t.Context(), q.options("c"), consumer.TrackOptions{DSN: empty}, "r")
	if !pgq.IsNotInstalled(err) {
		t.Errorf("no pgq_ext: %v", err)
	}
	err = tracked(t.Context(), q.options("c"), consumer.TrackOptions{DSN: "host=/nonexistent"}, "r")
	if err == nil {
		t.Error("no server: no error")
	}
	l := newLedger(t)
	if _, err := l.conn.Exec(t.Context(), "drop table ledger"); err != nil {
		t.Fatal(err)
	}
	err = tracked(t.Context(), q.options("c"), consumer.TrackOptions{DSN: l.dsn}, "r")
	var se *consumer.SinkError
	if !errors.As(err, &se) || !pgq.IsNotInstalled(err) {
		t.Errorf("no table: %v", err)
	}
	if _, open := q.position("c"); open == 0 {
		t.Error("the batch was finished")
	}
}
