package extension_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"skytools/lib/db"
	"skytools/lib/testpg"
)

// TestUpgradeLive upgrades a schema of upstream's, goes back and upgrades again
// while producers, triggers, consumers, a ticker and rotation are at work in ten
// queues, and demands that nobody gets an error, but for consumers in a call when
// the schema goes back, and that each consumer gets each event as often as it
// would have: once, and once more for each time it asked for it again.
func TestUpgradeLive(t *testing.T) {
	t.Parallel()
	seeds, phase := uint64(1), 1500*time.Millisecond
	if os.Getenv("SOAK") != "" {
		seeds, phase = 20, 10*time.Second
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			c := upgradeCluster(t, testpg.Conf("max_connections", "60"))
			w := &liveWorld{t: t, dsn: c.NewDB(t), sent: map[string][]string{}, got: map[string]map[string]int{}, want: map[string]map[string]int{}}
			w.setup()
			ctx, cancel := context.WithCancel(t.Context())
			var producers, others sync.WaitGroup
			for n := range 4 {
				producers.Go(func() { w.produce(ctx, rand.New(rand.NewPCG(seed, uint64(n))), n) })
			}
			rest, stop := context.WithCancel(t.Context())
			defer stop()
			for n, q := range liveQueues {
				others.Go(func() { w.consume(rest, rand.New(rand.NewPCG(seed, uint64(100+n))), q) })
			}
			others.Go(func() { w.maintain(rest) })

			admin := testpg.Connect(t, w.dsn)
			for _, sql := range []string{"", "alter extension pgq update", "alter extension pgq update to '3.5'", "alter extension pgq update"} {
				if sql != "" {
					start := time.Now()
					w.turn(strings.Contains(sql, "3.5"))
					if _, err := admin.Exec(t.Context(), sql); err != nil {
						w.fail(fmt.Errorf("%s: %w", sql, err))
					}
					t.Logf("%s: %s", sql, time.Since(start).Round(time.Millisecond))
					w.turn(strings.Contains(sql, "3.5"))
				}
				w.run(phase)
			}
			cancel()
			producers.Wait()
			testpg.Exec(t, w.dsn, "update pgq.queue set queue_ticker_paused = false")
			testpg.Wait(t, 2*time.Minute, "the consumers to come to the end", w.done)
			stop()
			others.Wait()
			w.check()
		})
	}
}

var liveQueues = []string{"plain", "Mixed Case", "retry", "paused", "trigger", "rotated", "lagging", "long", "many", "coop.like"}

// liveWorld is what the test knows of the queues.
type liveWorld struct {
	t   *testing.T
	dsn string

	mu     sync.Mutex
	failed error
	turns  int // begins and ends of ways back
	events int
	sent   map[string][]string       // queue: committed events
	got    map[string]map[string]int // queue and consumer: how often each event was finished
	want   map[string]map[string]int // the same: how often more than once
}

func (w *liveWorld) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed == nil {
		w.failed = err
	}
}

// turn notes that a way back begins or ends.
func (w *liveWorld) turn(back bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if back {
		w.turns++
	}
}

// caughtByTurn tells whether err is what a call meets that had begun when the
// schema went back: what its function needs is gone. It is made again. A
// producer's call needs nothing that goes.
func (w *liveWorld) caughtByTurn(err error, turns int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	var pe *pgconn.PgError
	return errors.As(err, &pe) && (turns%2 == 1 || turns != w.turns) &&
		(pe.Code == "42P01" || pe.Code == "42883" || pe.Code == "XX000" && strings.HasPrefix(pe.Message, "c"))
}

// run lets the others work, until something has happened in this phase.
func (w *liveWorld) run(d time.Duration) {
	w.mu.Lock()
	from := w.events
	w.mu.Unlock()
	end := time.Now().Add(d)
	testpg.Wait(w.t, time.Minute+d, "events", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.failed != nil || time.Now().After(end) && w.events > from+200
	})
	if w.failed != nil {
		w.t.Fatal(w.failed)
	}
}

func (w *liveWorld) setup() {
	testpg.Exec(w.t, w.dsn, "create extension pgq version '3.5'; create table t (id text primary key)")
	for _, q := range liveQueues {
		testpg.Exec(w.t, w.dsn, "select pgq.create_queue($1), pgq.register_consumer($1, 'c1'), pgq.register_consumer($1, 'c2')", q)
		for _, c := range []string{"c1", "c2"} {
			w.got[q+"/"+c], w.want[q+"/"+c] = map[string]int{}, map[string]int{}
		}
	}
	testpg.Exec(w.t, w.dsn, `
		update pgq.queue set queue_ticker_max_lag = '0', queue_ticker_idle_period = '0.1 s',
		       queue_rotation_period = case when queue_name in ('rotated', 'many') then '0' else '0.3 s' end::interval;
		create trigger l after insert on t for each row execute function pgq.logutriga('trigger', 'ev_data=id', 'ev_type=''t''')`)
}

// session runs f with a connection of its own; an error ends the test.
func (w *liveWorld) session(ctx context.Context, name string, f func(conn *pgx.Conn) error) {
	conn, err := db.Connect(context.WithoutCancel(ctx), w.dsn, name)
	if err != nil {
		w.fail(err)
		return
	}
	defer conn.Close(context.Background())
	for ctx.Err() == nil {
		w.mu.Lock()
		turns := w.turns
		w.mu.Unlock()
		if err := f(conn); err != nil {
			if !strings.HasPrefix(name, "producer") && w.caughtByTurn(err, turns) {
				continue
			}
			w.fail(fmt.Errorf("%s: %w", name, err))
			return
		}
	}
}

func (w *liveWorld) produce(ctx context.Context, r *rand.Rand, n int) {
	bg := context.Background()
	id := 0
	w.session(ctx, fmt.Sprintf("producer %d", n), func(conn *pgx.Conn) error {
		tx, err := conn.Begin(bg)
		if err != nil {
			return err
		}
		defer tx.Rollback(bg)
		var queues, ids []string
		for range 1 + r.IntN(4) {
			q := liveQueues[r.IntN(len(liveQueues))]
			id++
			e := fmt.Sprintf("%d-%d", n, id)
			sql, args := "select pgq.insert_event($1, 't', $2)", []any{q, e}
			switch {
			case q == "trigger":
				sql, args = "insert into t values ($1)", args[1:]
			case q == "long":
				sql = "select pgq.insert_event($1, 't', $2), pg_sleep(0.05)"
			case q == "many" && r.IntN(2) == 0:
				sql = "select pgq.insert_event($1, 't', $2, 'e1', null, 'e3', '')"
			}
			if _, err := tx.Exec(bg, sql, args...); err != nil {
				return err
			}
			queues, ids = append(queues, q), append(ids, e)
		}
		if r.IntN(10) == 0 {
			return tx.Rollback(bg)
		}
		if err := tx.Commit(bg); err != nil {
			return err
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		for i, q := range queues {
			w.sent[q] = append(w.sent[q], ids[i])
		}
		w.events += len(ids)
		return nil
	})
}

// consume finishes batches of both consumers of a queue; some are given up, and
// some events are asked for again.
func (w *liveWorld) consume(ctx context.Context, r *rand.Rand, q string) {
	bg := context.Background()
	w.session(ctx, "consumer of "+q, func(conn *pgx.Conn) error {
		c := []string{"c1", "c2"}[r.IntN(2)]
		if q == "lagging" && c == "c2" && r.IntN(20) > 0 {
			return nil
		}
		var open pgx.Tx
		var do interface {
			Query(context.Context, string, ...any) (pgx.Rows, error)
			QueryRow(context.Context, string, ...any) pgx.Row
		} = conn
		if r.IntN(2) == 0 { // all in one transaction
			tx, err := conn.Begin(bg)
			if err != nil {
				return err
			}
			defer tx.Rollback(bg)
			open, do = tx, tx
		}
		var batch *int64
		if err := do.QueryRow(bg, "select pgq.next_batch($1, $2)", q, c).Scan(&batch); err != nil {
			return err
		}
		if batch == nil {
			return nil
		}
		rows, err := do.Query(bg, "select ev_id, ev_data from pgq.get_batch_events($1)", *batch)
		if err != nil {
			return err
		}
		type event struct {
			ID   int64
			Data string
		}
		events, err := pgx.CollectRows(rows, pgx.RowToStructByPos[event])
		if err != nil {
			return err
		}
		if r.IntN(10) == 0 {
			return nil // the batch stays open, or was never there
		}
		var again []string
		for _, e := range events {
			if q == "retry" && r.IntN(10) == 0 {
				var n int
				if err := do.QueryRow(bg, "select pgq.event_retry($1, $2, 0)", *batch, e.ID).Scan(&n); err != nil {
					return err
				}
				if n == 1 {
					again = append(again, e.Data)
				}
			}
		}
		var n int
		if err := do.QueryRow(bg, "select pgq.finish_batch($1)", *batch).Scan(&n); err != nil {
			return err
		}
		if n != 1 {
			return fmt.Errorf("finish_batch(%d) = %d", *batch, n)
		}
		if open != nil {
			if err := open.Commit(bg); err != nil {
				return err
			}
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, e := range events {
			w.got[q+"/"+c][e.Data]++
		}
		for _, e := range again {
			w.want[q+"/"+c][e]++
		}
		return nil
	})
}

// maintain does what a ticker daemon does, one call a transaction.
func (w *liveWorld) maintain(ctx context.Context) {
	bg := context.Background()
	w.session(ctx, "ticker", func(conn *pgx.Conn) error {
		if _, err := conn.Exec(bg, "update pgq.queue set queue_ticker_paused = not queue_ticker_paused where queue_name = 'paused'"); err != nil {
			return err
		}
		for range 3 {
			if _, err := conn.Exec(bg, "select pgq.ticker()"); err != nil {
				return err
			}
		}
		if _, err := conn.Exec(bg, "select pgq.maint_retry_events()"); err != nil {
			return err
		}
		rows, err := conn.Query(bg, "select func_name || '(' || coalesce(quote_literal(func_arg), '') || ')' from pgq.maint_operations()")
		if err != nil {
			return err
		}
		calls, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return err
		}
		for _, call := range calls {
			if !strings.HasPrefix(call, "vacuum(") {
				if _, err := conn.Exec(bg, "select "+call); err != nil {
					return fmt.Errorf("%s: %w", call, err)
				}
			}
		}
		return nil
	})
}

// done tells whether each consumer has finished as many events as it must.
func (w *liveWorld) done() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.failed != nil {
		return true
	}
	for _, q := range liveQueues {
		for _, c := range []string{"/c1", "/c2"} {
			n := len(w.sent[q])
			for _, again := range w.want[q+c] {
				n += again
			}
			for _, got := range w.got[q+c] {
				n -= got
			}
			if n > 0 {
				return false
			}
		}
	}
	return true
}

func (w *liveWorld) check() {
	w.t.Helper()
	if w.failed != nil {
		w.t.Fatal(w.failed)
	}
	for _, key := range slices.Sorted(maps.Keys(w.got)) {
		q, _, _ := strings.Cut(key, "/")
		for _, e := range w.sent[q] {
			w.want[key][e]++
		}
		if diff := cmp.Diff(w.want[key], w.got[key]); diff != "" {
			w.t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
	w.t.Logf("%d events", w.events)
}
