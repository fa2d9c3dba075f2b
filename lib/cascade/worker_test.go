package cascade

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skytools/lib/event"
	"skytools/lib/pgq"
	"skytools/lib/testpg"
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
		return testpg.Value[string](c.t, c.dsn[node], `select string_agg(concat_ws('|', tick_id, tick_time, tick_event_seq), E'\n' order by tick_id) from pgq.tick where tick_id between 2 and $1`, top)
	}
	if d := cmp.Diff(strings.Split(ticks(root), "\n"), strings.Split(ticks(name), "\n")); d != "" {
		c.t.Errorf("ticks of %s differ from those of %s (id, time, event_seq):\n%s", name, root, d)
	}
	// In this order, since all of them grow.
	tick := testpg.Value[int64](c.t, c.dsn[name], `select tick_event_seq from pgq.tick order by tick_id desc limit 1`)
	if here, there := c.sequence(name), c.sequence(root); here < tick || here > there {
		c.t.Errorf("event sequence of %s is %d, that of %s %d", name, here, root, there)
	}
}

func (c *cascade) sequence(name string) int64 {
	return testpg.Value[int64](c.t, c.dsn[name], `select pgq.seq_getval(queue_event_seq) from pgq.queue`)
}

func (c *cascade) quiet(root string) {
	c.t.Helper()
	top := testpg.Value[int64](c.t, c.dsn[root], `select max(tick_id) + 2 from pgq.tick`)
	testpg.Wait(c.t, 20*time.Second, "a tick of "+root, func() bool {
		return testpg.Value[int64](c.t, c.dsn[root], `select max(tick_id) from pgq.tick`) >= top
	})
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
			c.quiet("a")
		}
		testpg.Exec(t, c.dsn["a"], `select pgq.insert_event('q', null, null, 'ä', '', null, E'\\ \n')`)
		c.quiet("a")
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
