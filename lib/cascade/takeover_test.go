package cascade

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"skytools/lib/pgq"
	"skytools/lib/testpg"
)

// writers insert events into whatever node takes them, as applications do that
// are told where the root is, and measure how long none did.
type writers struct {
	c       *cascade
	cancel  context.CancelFunc
	wg      sync.WaitGroup
	written atomic.Int64 // committed events
	mu      sync.Mutex
	last    time.Time // of a commit
	outage  time.Duration
}

// write starts n writers that make about rate events a second together.
func (c *cascade) write(n, rate int) *writers {
	ctx, cancel := context.WithCancel(context.Background())
	w := &writers{c: c, cancel: cancel, last: time.Now()}
	for range n {
		w.wg.Go(func() { w.run(ctx, time.Second*time.Duration(n)/time.Duration(rate)) })
	}
	c.t.Cleanup(func() { w.stop() })
	return w
}

func (w *writers) run(ctx context.Context, every time.Duration) {
	conns := map[string]*pgx.Conn{}
	defer func() {
		for _, conn := range conns {
			closeConn(conn)
		}
	}()
	at := 0
	for next := time.Now(); ctx.Err() == nil; next = next.Add(every) {
		sleepFor(ctx, time.Until(next))
		name := w.c.names[at%len(w.c.names)]
		conn := conns[name]
		if conn == nil || conn.IsClosed() {
			var err error
			if conn, err = pgx.Connect(ctx, w.c.dsn[name]); err != nil {
				at++
				continue
			}
			conns[name] = conn
		}
		// What has begun ends: whether it was committed is known.
		_, err := conn.Exec(context.Background(), `select pgq.insert_event('q', 'I', 'x', 'public.none', null, null, null)`)
		switch {
		case err == nil:
			w.committed()
		case pgq.IsInsertRefused(err) || pgq.IsUnknownQueue(err):
			at++
		default:
			w.c.t.Errorf("writer at %s: %v", name, err)
			return
		}
	}
}

func (w *writers) committed() {
	now := time.Now()
	w.mu.Lock()
	w.outage = max(w.outage, now.Sub(w.last))
	w.last = now
	w.mu.Unlock()
	w.written.Add(1)
}

// longest returns the longest time without a commit since the last call.
func (w *writers) longest() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.outage
	w.outage = 0
	return d
}

func (w *writers) stop() int64 {
	w.cancel()
	w.wg.Wait()
	return w.written.Load()
}

// watchRoots looks all the time whether two nodes take writes. It reads the
// second of a pair again after the first, so that a change between two looks is
// not taken for two at once.
func (c *cascade) watchRoots() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var looks int
	wg.Go(func() {
		conns := map[string]*pgx.Conn{}
		writable := func(name string) bool {
			conn := conns[name]
			if conn == nil || conn.IsClosed() {
				var err error
				if conn, err = pgx.Connect(ctx, c.dsn[name]); err != nil {
					return false
				}
				conns[name] = conn
			}
			var yes bool
			err := conn.QueryRow(ctx, `select exists (select from pgq.queue where queue_name = 'q' and not queue_disable_insert)`).Scan(&yes)
			return err == nil && yes
		}
		for ctx.Err() == nil {
			for _, a := range c.names {
				if !writable(a) {
					continue
				}
				for _, b := range c.names {
					if a != b && writable(b) && writable(a) && writable(b) {
						c.t.Errorf("nodes %s and %s both take writes", a, b)
						return
					}
				}
			}
			looks++
			sleepFor(ctx, time.Millisecond)
		}
		for _, conn := range conns {
			closeConn(conn)
		}
	})
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			wg.Wait()
			c.t.Logf("looked %d times for two roots", looks)
		})
	}
	c.t.Cleanup(stop)
	return stop
}

func (c *cascade) root() string {
	for _, name := range c.names {
		if testpg.Value[string](c.t, c.dsn[name], `select node_type from pgq_node.node_info`) == pgq.RootNode {
			return name
		}
	}
	return ""
}

// A planned takeover back and forth under writers loses nothing.
func TestTakeoverUnderWriters(t *testing.T) {
	t.Parallel()
	schemas := map[string]func(*testing.T, string) string{"mixed": mixed}
	if soak {
		schemas["upstream"], schemas["ours"] = upstream, ours
	}
	for name, newDB := range schemas {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			underWriters(t, newDB)
		})
	}
}

func underWriters(t *testing.T, newDB func(*testing.T, string) string) {
	times, rate := 2, 300
	if soak {
		times, rate = 20, 2000
	}
	c := newCascadeOn(t, newDB, "a", "b<a", "c<b", "l<<a")
	for _, name := range c.names {
		// as in production: with upstream's schema a worker looks once a second
		c.stops[name] = c.work(NewWorker(WorkerConfig{Config: c.config(name)}))
	}
	stop := c.watchRoots()
	w := c.write(4, rate)
	begin := time.Now()
	nodes := []string{"a", "b"}
	for i := range times {
		old, taker := nodes[i%2], nodes[(i+1)%2]
		w.longest()
		c.mustChange(Takeover{Old: old}, taker)
		before := w.written.Load()
		testpg.Wait(t, 10*time.Second, "writers go on", func() bool { return w.written.Load() > before })
		t.Logf("takeover %d: no commit for %s", i+1, w.longest().Round(time.Millisecond))
	}
	total := w.stop()
	t.Logf("%d events, %d a second", total, total*int64(time.Second)/int64(time.Since(begin)))
	stop()
	root := c.root()
	if root != nodes[times%2] {
		t.Fatalf("the root is %q", root)
	}
	c.equalQueues(root, "a", "b", "c")
	if got := len(c.events(root)); int64(got) != total {
		t.Errorf("%d events, and %d were committed", got, total)
	}
	c.wantShape("a+b+l b<a+c c<b l<<a")
}

// A takeover that is killed before or after any of its steps is finished or
// taken back by another run, and there are never two roots that take writes.
func TestTakeoverKilled(t *testing.T) {
	t.Parallel()
	c := newCascadeOn(t, mixed, "a", "b<a")
	c.run(c.names...)
	stop := c.watchRoots()
	w := c.write(1, 100)
	old, taker := "a", "b"
	steps, final := c.steps(Takeover{Old: old, Node: taker})
	for kill := 1; kill <= steps; kill++ {
		for i, way := range []string{"again", "cancel"} {
			if !soak && kill%2 != i {
				continue
			}
			o := Takeover{Old: old, Node: taker}
			c.killed(o, kill)
			cancel := o
			cancel.Cancel = true
			switch before := w.written.Load(); {
			case way == "cancel" && kill <= final:
				c.mustChange(cancel, "b")
				c.wantRoot(old, taker)
				testpg.Wait(t, 10*time.Second, "writers go on", func() bool { return w.written.Load() > before })
				continue
			case way == "cancel":
				if err := c.change(cancel, "b"); err == nil {
					t.Errorf("killed after step %d: it was taken back", kill)
				}
			}
			before := w.written.Load()
			c.mustChange(o, "a")
			c.wantRoot(taker, old)
			testpg.Wait(t, 10*time.Second, "writers go on", func() bool { return w.written.Load() > before })
			old, taker = taker, old
		}
	}
	total := w.stop()
	stop()
	c.equalQueues(c.root(), c.names...)
	if got := len(c.events("a")); int64(got) != total {
		t.Errorf("%d events, and %d were committed", got, total)
	}
}

// steps returns how many steps a plan has, and which is the final one.
func (c *cascade) steps(o planner) (n, final int) {
	p, err := o.Plan(c.t.Context(), c.config("a"))
	if err != nil {
		c.t.Fatal(err)
	}
	for i, s := range p.Steps {
		if s.Final {
			final = i
		}
	}
	return len(p.Steps), final
}

// wantRoot demands that the one node is the root and the other one a branch
// below it, in a set of two.
func (c *cascade) wantRoot(root, branch string) {
	c.t.Helper()
	want := map[string]string{root: root + "+" + branch, branch: branch + "<" + root}
	c.wantShape(want["a"] + " " + want["b"])
}

// killed runs the first steps of a plan, and leaves everything as a process does
// that is killed then.
func (c *cascade) killed(o planner, steps int) {
	c.t.Helper()
	p, err := o.Plan(c.t.Context(), c.config("a"))
	if err != nil {
		c.t.Fatal(err)
	}
	p.Steps = p.Steps[:min(steps, len(p.Steps))]
	if err := p.Run(c.t.Context(), nil); err != nil {
		c.t.Fatal(err)
	}
}
