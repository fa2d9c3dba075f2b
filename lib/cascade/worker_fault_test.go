package cascade

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"skytools/lib/pgq"
	"skytools/lib/testpg"
	"skytools/lib/testproxy"
)

// step waits for a tick at the root that covers all events, and returns its id.
// It does not call the ticker: two of them at once are too much for upstream.
func (c *cascade) step(root string) (tick int64) {
	c.t.Helper()
	c.at(root, func(ctx context.Context, client *pgq.Client) (err error) {
		tick, err = client.ForceTick(ctx, queue)
		return err
	})
	tick += 2 // the first may be under way and see less
	testpg.Wait(c.t, 20*time.Second, "a tick of "+root, func() bool {
		return testpg.Value[int64](c.t, c.dsn[root], `select max(tick_id) from pgq.tick`) >= tick
	})
	return tick
}

// TestWorkerCutAnywhere breaks a connection of a branch's worker at each step
// of the protocol, to the provider or to its node. By turns the worker goes on,
// and dies there with all its connections, and another one begins where both
// databases say. The branch has to be what the root is, tick by tick.
func TestWorkerCutAnywhere(t *testing.T) {
	if testing.Short() {
		t.Skip("hundreds of connections under the race detector")
	}
	t.Parallel()
	for _, tt := range []struct {
		name  string
		newDB func(*testing.T, string) string
	}{{"ours", ours}, {"upstream", upstream}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCascadeOn(t, tt.newDB, "a", "b<a")
			limit, stride := 37, 3
			if soak {
				limit, stride = 300, 1
			}
			places := 0
			for n := 1; n <= limit; n += stride {
				for _, atNode := range []bool{false, true} {
					if c.cutAt(n, atNode, n%2 == 0) {
						places++
					}
				}
				if t.Failed() {
					t.Fatalf("cut at message %d", n)
				}
			}
			c.run("b")
			c.same("a", "b")
			t.Logf("%d places", places)
			if places < 15 {
				t.Errorf("only %d places were cut", places)
			}
		})
	}
}

// cutAt lets a worker copy some events while one of its connections breaks.
func (c *cascade) cutAt(n int, atNode, dies bool) (hit bool) {
	c.t.Helper()
	var count atomic.Int64
	reached := make(chan struct{})
	hook := func(m testproxy.Message) testproxy.Action {
		const client, server = "\x00QSPcd", "RdDCZWG"
		types := client
		if m.FromServer {
			types = server
		}
		if !soak && strings.IndexByte(types, m.Type) < 0 || count.Add(1) != int64(n) {
			return testproxy.Pass
		}
		close(reached)
		return testproxy.CutAfter
	}
	provider, node := testproxy.New(c.t, c.dsn["a"], nil), testproxy.New(c.t, c.dsn["b"], nil)
	if atNode {
		node = testproxy.New(c.t, c.dsn["b"], hook)
	} else {
		provider = testproxy.New(c.t, c.dsn["a"], hook)
	}
	cfg := c.workerConfig("b")
	cfg.DSN = node.DSN()
	cfg.RemoteExtra = strings.TrimPrefix(provider.DSN(), c.dsn["a"])
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	c.insert("a", 3)
	top := c.step("a")
	wg.Go(func() { _ = NewWorker(cfg).Run(ctx) })
	if dies {
		wg.Go(func() {
			select {
			case <-ctx.Done():
				return
			case <-reached:
			}
			node.Kill()
			provider.Kill()
			whole := c.workerConfig("b")
			_ = NewWorker(whole).Run(ctx)
		})
	}
	testpg.Wait(c.t, 60*time.Second, fmt.Sprintf("tick %d, cut at message %d", top, n), func() bool {
		return testpg.Value[int64](c.t, c.dsn["b"], `select max(tick_id) from pgq.tick`) >= top
	})
	select {
	case <-reached:
		return true
	default:
		return false
	}
}

// TestTwoWorkers: two processes for one node, which nobody should run, copy each
// event once.
func TestTwoWorkers(t *testing.T) {
	t.Parallel()
	c := newCascadeOn(t, ours, "a", "b<a")
	c.work(NewWorker(c.workerConfig("b")))
	c.work(NewWorker(c.workerConfig("b")))
	for range 20 {
		c.insert("a", 50)
		c.step("a")
	}
	c.same("a", "b")
}

// TestRepair: a tick that was lost between the commit of its batch and its own
// is made again, whether the provider knows of the batch's end or not. A
// position that does not fit is an error.
func TestRepair(t *testing.T) {
	t.Parallel()
	c := newCascadeOn(t, ours, "a", "b<a")
	back := func(ticks int64) {
		at := c.consumerState("b").CompletedTick - ticks
		c.at("a", func(ctx context.Context, client *pgq.Client) error {
			_, err := client.RegisterAt(ctx, queue, "b_w", at)
			return err
		})
	}
	loseTick := func() {
		testpg.Exec(t, c.dsn["b"], `delete from pgq.tick where tick_id = (select max(tick_id) from pgq.tick)`)
	}
	round := func() {
		c.run("b")
		c.insert("a", 3)
		c.step("a")
		c.same("a", "b")
		c.stop("b")
	}
	round()
	loseTick()
	round()
	loseTick()
	back(1)
	round()
	back(1)
	round()
	back(2)
	c.run("b")
	testpg.Wait(t, 20*time.Second, "an error", func() bool {
		s := c.consumerState("b")
		return s.Error != nil && strings.HasPrefix(*s.Error, "begin at the node: Lost position: batch ")
	})
	back(0)
	c.same("a", "b")
}

// TestBranchThroughput measures how fast a branch catches up with one large
// batch and with many small ones, and what memory that takes, then the time of
// a hop at 1,000 events a second. Only the figures of a quiet machine mean
// anything.
func TestBranchThroughput(t *testing.T) {
	if !soak {
		t.Skip("long: set SOAK")
	}
	c := newCascadeOn(t, ours, "a", "b<a")
	const events = 400_000
	for _, tt := range []struct {
		name    string
		batches int
	}{{"one batch", 1}, {"batches of 1,000", events / 1000}} {
		conn := testpg.Connect(t, c.dsn["a"])
		for range tt.batches {
			if _, err := conn.Exec(t.Context(), `select count(pgq.insert_event('q', 't', repeat('x', 200))) from generate_series(1, $1)`, events/tt.batches); err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Exec(t.Context(), `select pgq.force_tick('q'), pgq.ticker('q')`); err != nil {
				t.Fatal(err)
			}
		}
		top := c.step("a")
		peak := watchHeap(t.Context())
		start := time.Now()
		w := c.run("b")["b"]
		testpg.Wait(t, 5*time.Minute, "the branch", func() bool { return w.Stats().LastTick >= top })
		d := time.Since(start)
		heap := peak() >> 20
		t.Logf("%s: %.0f events/s in %d batches, peak of the heap %d MB", tt.name, events/d.Seconds(), w.Stats().Batches, heap)
		if heap > 20 {
			t.Errorf("the heap grew to %d MB", heap)
		}
		c.stop("b")
	}
	c.run("b")
	conn := testpg.Connect(t, c.dsn["b"])
	if _, err := conn.Exec(t.Context(), `listen pgq`); err != nil {
		t.Fatal(err)
	}
	source := testpg.Connect(t, c.dsn["a"])
	var hops []time.Duration
	for range 500 {
		if _, err := source.Exec(t.Context(), `select pgq.insert_event('q', 't', 'x') from generate_series(1, 10)`); err != nil {
			t.Fatal(err)
		}
		_, _ = source.Exec(t.Context(), `select pgq.force_tick('q')`)
		var tick *int64
		if err := source.QueryRow(t.Context(), `select pgq.ticker('q')`).Scan(&tick); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		for tick != nil {
			n, err := conn.WaitForNotification(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var id int64
			if fmt.Sscanf(n.Payload, "q:%d", &id); id >= *tick {
				hops = append(hops, time.Since(start))
				break
			}
		}
		time.Sleep(time.Until(start.Add(10 * time.Millisecond))) // the pace of the producer
	}
	slices.Sort(hops)
	t.Logf("a hop of %d ticks with 10 events each: p50 %v, p99 %v", len(hops), hops[len(hops)/2], hops[len(hops)*99/100])
	c.same("a", "b")
}

// watchHeap notes the largest heap until it is asked.
func watchHeap(ctx context.Context) (peak func() uint64) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	var top uint64
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			top = max(top, m.HeapAlloc)
			sleepFor(ctx, 20*time.Millisecond)
		}
	}()
	return func() uint64 { cancel(); <-done; return top }
}
