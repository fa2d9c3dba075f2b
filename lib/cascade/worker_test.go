package cascade

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skytools/lib/event"
	"skytools/lib/pgq"
	"skytools/lib/testpg"
	"skytools/lib/testproxy"
)

func ours(t *testing.T, _ string) string {
	return testpg.Shared(t).NewDB(t, testpg.Extensions("pgq", "pgq_node"))
}

// eachMix runs a test with our schema, with upstream's, and with both.
func eachMix(t *testing.T, f func(t *testing.T, newDB func(*testing.T, string) string)) {
	t.Parallel()
	mixed := func(odd, even func(*testing.T, string) string) func(*testing.T, string) string {
		return func(t *testing.T, node string) string {
			if node[0]%2 == 1 {
				return odd(t, node)
			}
			return even(t, node)
		}
	}
	for name, newDB := range map[string]func(*testing.T, string) string{
		"ours": ours, "upstream": upstream, "ours above upstream": mixed(ours, upstream), "upstream above ours": mixed(upstream, ours),
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); f(t, newDB) })
	}
}

// workerConfig is a configuration in a hurry.
func (c *cascade) workerConfig(name string) WorkerConfig {
	return WorkerConfig{
		Config: c.config(name), LoopDelay: 50 * time.Millisecond, ExceptionSleep: 200 * time.Millisecond,
		LocalWatermark: 50 * time.Millisecond, GlobalWatermark: 100 * time.Millisecond,
	}
}

// work runs a worker until the test ends or stop is called.
func (c *cascade) work(w *Worker) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := w.Run(ctx); !errors.Is(err, context.Canceled) {
			c.t.Errorf("Run: %v", err)
		}
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	c.t.Cleanup(stop)
	return stop
}

// run runs workers of nodes.
func (c *cascade) run(names ...string) map[string]*Worker {
	workers := map[string]*Worker{}
	for _, name := range names {
		w := NewWorker(c.workerConfig(name))
		workers[name] = w
		c.stops[name] = c.work(w)
	}
	return workers
}

// same demands that a node has the events and ticks of the root from where it
// began, the ticks' times and the bounds of batches included.
func (c *cascade) same(root, name string) {
	c.t.Helper()
	top := testpg.Value[int64](c.t, c.dsn[root], `select max(tick_id) from pgq.tick`)
	testpg.Wait(c.t, 30*time.Second, fmt.Sprintf("tick %d at %s", top, name), func() bool {
		return testpg.Value[int64](c.t, c.dsn[name], `select max(tick_id) from pgq.tick`) >= top
	})
	events := func(node string) string {
		return testpg.Value[string](c.t, c.dsn[node], `select coalesce(string_agg(concat_ws('|', e.ev_id, e.ev_time, e.ev_type, e.ev_data, e.ev_extra1, e.ev_extra2, e.ev_extra3, e.ev_extra4,
    (select min(t.tick_id) from pgq.tick t where txid_visible_in_snapshot(e.ev_txid, t.tick_snapshot))), E'\n' order by e.ev_id), '')
    from `+dataTable(c.t, c.dsn[node])+` e where (select min(t.tick_id) from pgq.tick t where txid_visible_in_snapshot(e.ev_txid, t.tick_snapshot)) between 2 and $1`, top)
	}
	if d := cmp.Diff(strings.Split(events(root), "\n"), strings.Split(events(name), "\n")); d != "" {
		c.t.Errorf("events of %s differ from those of %s (id, time, type, data, extras, tick):\n%s", name, root, d)
	}
	ticks := func(node string) string {
		return testpg.Value[string](c.t, c.dsn[node], `select string_agg(concat_ws('|', tick_id, tick_time), E'\n' order by tick_id) from pgq.tick where tick_id between 2 and $1`, top)
	}
	if d := cmp.Diff(strings.Split(ticks(root), "\n"), strings.Split(ticks(name), "\n")); d != "" {
		c.t.Errorf("ticks of %s differ from those of %s (id, time):\n%s", name, root, d)
	}
	// Upstream's ticker may tell a sequence below the events of the tick, a
	// branch never does. In this order, since all of them grow.
	tick := testpg.Value[int64](c.t, c.dsn[name], `select tick_event_seq from pgq.tick where tick_id = $1`, top)
	last := testpg.Value[int64](c.t, c.dsn[name], `select coalesce(max(ev_id), 0) from `+dataTable(c.t, c.dsn[name])+` e, pgq.tick t
    where t.tick_id = $1 and txid_visible_in_snapshot(e.ev_txid, t.tick_snapshot)`, top)
	here, there := c.sequence(name), c.sequence(root)
	source := testpg.Value[int64](c.t, c.dsn[root], `select tick_event_seq from pgq.tick where tick_id = $1`, top)
	if tick < source || tick < last || here < tick || here > there {
		c.t.Errorf("tick %d of %s has event sequence %d and events up to %d, its queue %d; that of %s %d and %d", top, name, tick, last, here, root, source, there)
	}
}

func (c *cascade) sequence(name string) int64 {
	return testpg.Value[int64](c.t, c.dsn[name], `select pgq.seq_getval(queue_event_seq) from pgq.queue`)
}

// collector is a handler that writes the events into a table of the node, in
// the middle of batches too.
type collector struct{ a *Application }

func (h *collector) Begin(_ context.Context, a *Application) error { h.a = a; return nil }
func (h *collector) Event(ctx context.Context, e *event.Event) error {
	conn, err := h.a.Conn(ctx)
	if err == nil {
		_, err = conn.Exec(ctx, `insert into applied values ($1, $2, $3)`, e.ID, string(e.Type), string(e.Data))
	}
	return err
}
func (h *collector) End(context.Context) error { return nil }
func (h *collector) Abort()                    {}

const appliedTable = `create table applied (ev_id int8, ev_type text, ev_data text)`

func applied(t *testing.T, dsn string) []int64 {
	t.Helper()
	return testpg.Value[[]int64](t, dsn, `select coalesce(array_agg(ev_id order by ev_id), '{}') from applied`)
}

// TestWorkers runs a root, two branches in a row and a leaf: each has what the
// root has, the watermarks move, and locations are known everywhere.
func TestWorkers(t *testing.T) {
	eachMix(t, func(t *testing.T, newDB func(*testing.T, string) string) {
		c := newCascadeOn(t, newDB, "a", "b<a", "c<b", "d<<b")
		testpg.Exec(t, c.dsn["d"], appliedTable)
		ws := c.run("a", "b", "c")
		cfg := c.workerConfig("d")
		cfg.Handler = &collector{}
		c.stops["d"] = c.work(NewWorker(cfg))
		for range 5 {
			c.insert("a", 200)
			c.step("a")
		}
		testpg.Exec(t, c.dsn["a"], `select pgq.insert_event('q', null, null, 'ä', '', null, E'\\ \n')`)
		c.step("a")
		c.same("a", "b")
		c.same("a", "c")
		want := append(c.events("a"), testpg.Value[int64](t, c.dsn["a"], `select max(ev_id) from `+dataTable(t, c.dsn["a"])+` where ev_type is null`))
		testpg.Wait(t, 20*time.Second, "the events at the leaf", func() bool { return len(applied(t, c.dsn["d"])) >= len(want) })
		if d := cmp.Diff(want, applied(t, c.dsn["d"])); d != "" {
			t.Errorf("events at the leaf:\n%s", d)
		}
		for _, name := range []string{"a", "b", "c"} {
			testpg.Wait(t, 20*time.Second, "the watermark of "+name, func() bool {
				return testpg.Value[int64](t, c.dsn[name], `select global_watermark from pgq_node.get_node_info('q')`) > 3
			})
		}
		c.at("a", func(ctx context.Context, client *pgq.Client) error {
			return client.RegisterLocation(ctx, queue, pgq.Location{Node: "x", ConnString: "dbname=x", Dead: true})
		})
		for _, name := range []string{"b", "c", "d"} {
			testpg.Wait(t, 20*time.Second, "location at "+name, func() bool {
				return testpg.Value[bool](t, c.dsn[name], `select exists (select from pgq_node.node_location where node_name = 'x' and dead)`)
			})
		}
		c.at("a", func(ctx context.Context, client *pgq.Client) error { return client.UnregisterLocation(ctx, queue, "x") })
		for _, name := range []string{"b", "c", "d"} {
			testpg.Wait(t, 20*time.Second, "no location at "+name, func() bool {
				return !testpg.Value[bool](t, c.dsn[name], `select exists (select from pgq_node.node_location where node_name = 'x')`)
			})
		}
		s := ws["b"].Stats()
		if s.Role != Branch || s.Node != "b" || s.Provider != "a" || !s.Connected || s.Events < 1001 || s.Batches == 0 || s.LastTick == 0 || s.Err != nil {
			t.Errorf("stats of the branch: %+v", s)
		}
	})
}

// paused pauses or resumes a worker and returns how long the answer took.
func (c *cascade) setPaused(name string, paused bool) time.Duration {
	c.t.Helper()
	start := time.Now()
	c.at(name, func(ctx context.Context, client *pgq.Client) error {
		_, err := client.SetConsumerPaused(ctx, queue, name+"_w", paused)
		return err
	})
	testpg.Wait(c.t, 20*time.Second, "the answer of "+name, func() bool { return c.consumerState(name).UpToDate })
	return time.Since(start)
}

func (c *cascade) consumerState(name string) (s *pgq.ConsumerState) {
	c.t.Helper()
	c.at(name, func(ctx context.Context, client *pgq.Client) (err error) {
		s, err = client.NodeConsumerState(ctx, queue, name+"_w")
		return err
	})
	return s
}

// TestPause: a paused worker stands still and answers, also while its provider
// does not answer or is not there.
func TestPause(t *testing.T) {
	t.Parallel()
	c := newCascadeOn(t, ours, "a", "b<a")
	var hang atomic.Bool
	gate := make(chan struct{})
	defer close(gate)
	proxy := testproxy.New(t, c.dsn["a"], func(m testproxy.Message) testproxy.Action {
		if hang.Load() {
			<-gate
		}
		return testproxy.Pass
	})
	cfg := c.workerConfig("b")
	cfg.RemoteExtra = strings.TrimPrefix(proxy.DSN(), c.dsn["a"])
	stop := c.work(NewWorker(cfg))
	c.insert("a", 10)
	c.step("a")
	c.same("a", "b")
	c.setPaused("b", true)
	at := c.consumerState("b").CompletedTick
	c.insert("a", 10)
	c.step("a")
	c.setPaused("b", true) // is paused: the answer stays
	if got := c.consumerState("b").CompletedTick; got != at {
		t.Errorf("a paused worker went from tick %d to %d", at, got)
	}
	c.setPaused("b", false)
	c.same("a", "b")
	hang.Store(true)
	c.step("a")
	c.setPaused("b", true)
	c.setPaused("b", false)
	stop()
	cfg.RemoteExtra = "host=/nonexistent"
	w := NewWorker(cfg)
	c.work(w)
	testpg.Wait(t, 20*time.Second, "an error at the node", func() bool { return c.consumerState("b").Error != nil })
	c.setPaused("b", true)
	if s := w.Stats(); !s.Paused || s.Connected {
		t.Errorf("stats: %+v", s)
	}
	testpg.Wait(t, 20*time.Second, "no error any more", func() bool { return c.consumerState("b").Error == nil })
}

// TestChangeOfProvider: the worker goes on at another node at the tick it has.
func TestChangeOfProvider(t *testing.T) {
	eachMix(t, func(t *testing.T, newDB func(*testing.T, string) string) {
		c := newCascadeOn(t, newDB, "a", "b<a", "c<b")
		c.run("a", "b", "c")
		c.insert("a", 10)
		c.step("a")
		c.same("a", "c")
		p, err := ChangeProvider{Node: "c", Provider: "a"}.Plan(t.Context(), c.config("c"))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Run(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		c.stop("b")
		c.insert("a", 10)
		c.step("a")
		c.same("a", "c")
		c.wantShape("a+b+c b<a c<a")
	})
}

// TestUnknownEvent: what a worker does not know stops it, and its node tells.
func TestUnknownEvent(t *testing.T) {
	t.Parallel()
	c := newCascadeOn(t, ours, "a", "b<a")
	c.run("b")
	for _, tt := range []struct{ event, want string }{
		{`'pgq.new', 'x', 'q', null, null, null`, "unknown cascade event: pgq.new"},
		{`'pgq.location-info', 'x', 'other', null, null, null`, "bad event in queue: pgq.location-info of queue other"},
	} {
		testpg.Exec(t, c.dsn["a"], `select pgq.insert_event('q', `+tt.event+`)`)
		c.step("a")
		testpg.Wait(t, 20*time.Second, tt.want, func() bool { s := c.consumerState("b"); return s.Error != nil && strings.Contains(*s.Error, tt.want) })
		testpg.Exec(t, c.dsn["a"], `delete from pgq.event_template where ev_type like 'pgq.%' and ev_data = 'x'`)
		testpg.Wait(t, 20*time.Second, "no error any more", func() bool { return c.consumerState("b").Error == nil })
	}
	c.same("a", "b")
}

// TestPlainConsumer: it applies each event but the cascade's own once.
func TestPlainConsumer(t *testing.T) {
	t.Parallel()
	c := newCascadeOn(t, ours, "a", "b<a")
	c.run("a", "b")
	testpg.Exec(t, c.dsn["b"], appliedTable)
	c.at("a", func(ctx context.Context, client *pgq.Client) error {
		_, err := client.RegisterAt(ctx, queue, "app", 1)
		return err
	})
	c.at("b", func(ctx context.Context, client *pgq.Client) error {
		return client.RegisterNodeConsumer(ctx, queue, "app", "a", 1)
	})
	cfg := c.workerConfig("b")
	cfg.Worker, cfg.Handler = "app", &collector{}
	w := NewConsumer(cfg)
	c.work(w)
	c.insert("a", 100)
	c.step("a")
	want := c.events("a")
	testpg.Wait(t, 20*time.Second, "the events", func() bool { return len(applied(t, c.dsn["b"])) >= len(want) })
	if d := cmp.Diff(want, applied(t, c.dsn["b"])); d != "" {
		t.Error(d)
	}
	if s := w.Stats(); s.Role != Plain || s.Node != "b" || s.Err != nil {
		t.Errorf("stats: %+v", s)
	}
}

// TestMerge: the events of two parts get into one queue, and the leaf at the
// standby of the combined root follows behind.
func TestMerge(t *testing.T) {
	t.Parallel()
	part := newCascadeOn(t, ours, "p")
	c := newCascadeOn(t, ours, "r", "s<r") // the combined queue is c's q, the part is called "part"
	testpg.Exec(t, part.dsn["p"], fmt.Sprintf(`select pgq_node.register_location('part', 'p', '%s', false);
    select pgq_node.create_node('part', 'root', 'p', 'p_w', null, null, null);
    select pgq.set_queue_config('part', 'ticker_max_lag', '50 ms'), pgq.set_queue_config('part', 'ticker_idle_period', '100 ms')`,
		strings.ReplaceAll(part.dsn["p"], "'", "''")))
	config := func(node string) WorkerConfig {
		cfg := c.workerConfig(node)
		cfg.Queue = "part"
		return cfg
	}
	for _, node := range []string{"r", "s"} {
		leaf := "l" + node
		location := pgq.Location{Node: leaf, ConnString: c.dsn[node]}
		var wm int64
		part.at("p", func(ctx context.Context, client *pgq.Client) (err error) {
			if err = client.RegisterLocation(ctx, "part", location); err == nil {
				wm, err = client.RegisterSubscriber(ctx, "part", leaf, leaf+"_w", nil)
			}
			return err
		})
		c.at(node, func(ctx context.Context, client *pgq.Client) error {
			for _, l := range []pgq.Location{{Node: "p", ConnString: part.dsn["p"]}, location} {
				if err := client.RegisterLocation(ctx, "part", l); err != nil {
					return err
				}
			}
			return client.CreateNode(ctx, "part", pgq.NewNode{Type: pgq.LeafNode, Name: leaf, Worker: leaf + "_w", Provider: "p", GlobalWatermark: wm, CombinedQueue: queue})
		})
	}
	behind := NewWorker(config("s"))
	c.work(behind)
	merger := NewWorker(config("r"))
	c.work(merger)
	testpg.Exec(t, part.dsn["p"], `select pgq.insert_event('part', 't', g::text, 'x', 'y', null, null) from generate_series(1, 300) g`)
	merged := func() int {
		return testpg.Value[int](t, c.dsn["r"], `select count(*)::int from `+dataTable(t, c.dsn["r"])+` where ev_type = 't'`)
	}
	testpg.Wait(t, 20*time.Second, "the events in the combined queue", func() bool { return merged() >= 300 })
	// The standby's leaf does not pass by what the combined branch has got.
	position := func(node string) int64 {
		return testpg.Value[int64](t, c.dsn[node], `select last_tick_id from pgq_node.local_state where queue_name = 'part'`)
	}
	if p := position("s"); p > 2 {
		t.Errorf("the leaf that waits is at tick %d already", p)
	}
	c.run("s")
	at := position("r")
	testpg.Wait(t, 20*time.Second, "the leaf that waits", func() bool { return position("s") >= at })
	testpg.Wait(t, 20*time.Second, "its finished batches", func() bool {
		return testpg.Value[int64](t, part.dsn["p"], `select last_tick from pgq.get_consumer_info('part', 'ls_w')`) >= at
	})
	c.same("r", "s")
	if n := merged(); n != 300 {
		t.Errorf("%d events in the combined queue, want 300", n)
	}
	if n := testpg.Value[int](t, c.dsn["r"], `select count(*)::int from `+dataTable(t, c.dsn["r"])+` where ev_type like 'pgq.%' and ev_extra1 = 'part' and ev_type <> 'pgq.tick-id'`); n != 0 {
		t.Errorf("%d events of the part's workers in the combined queue", n)
	}
	if m, b := merger.Stats().Role, behind.Stats().Role; m != MergeLeaf || b != WaitBehind {
		t.Errorf("roles %q and %q", m, b)
	}
}
