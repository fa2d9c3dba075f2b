package cascade

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"skytools/lib/pgq"
	"skytools/lib/testpg"
)

const queue = "q"

var soak = os.Getenv("SOAK") != ""

// cascade is a set of a test: databases of one server, with a ticker, and with
// workers that can be stopped.
type cascade struct {
	t     *testing.T
	names []string
	dsn   map[string]string
	stops map[string]func()
}

// upstream makes a database with upstream's schema.
func upstream(t *testing.T, _ string) string {
	dsn := testpg.Shared(t).NewDB(t)
	extensions.Lock() // they make roles
	defer extensions.Unlock()
	testpg.Exec(t, dsn, `create extension pgq; create extension pgq_node`)
	return dsn
}

// mixed gives neighbours in the alphabet different schemas: a and c upstream's,
// b and d ours.
func mixed(t *testing.T, node string) string {
	if node[0]%2 == 1 {
		return upstream(t, node)
	}
	return ours(t, node)
}

// newCascade makes a set on upstream's schema. nodes are "name" for the root,
// then "name<provider" for branches and "name<<provider" for leaves.
func newCascade(t *testing.T, nodes ...string) *cascade {
	t.Helper()
	return newCascadeOn(t, upstream, nodes...)
}

// newCascadeOn is newCascade with databases that newDB makes.
func newCascadeOn(t *testing.T, newDB func(t *testing.T, node string) string, nodes ...string) *cascade {
	t.Helper()
	c := &cascade{t: t, dsn: map[string]string{}, stops: map[string]func(){}}
	for _, def := range nodes {
		name, _, _ := cut(def)
		c.names = append(c.names, name)
		c.dsn[name] = newDB(t, name)
	}
	for _, def := range nodes {
		name, kind, provider := cut(def)
		c.create(name, kind, provider)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var tickers sync.WaitGroup
	names := slices.Clone(c.names)
	tickers.Go(func() { c.tick(ctx, names) })
	t.Cleanup(func() { cancel(); tickers.Wait() })
	t.Cleanup(func() {
		for _, name := range c.names {
			c.stop(name)
		}
	})
	return c
}

var extensions sync.Mutex

func cut(def string) (name, kind, provider string) {
	for i, ch := range def {
		if ch == '<' {
			if def[i+1] == '<' {
				return def[:i], pgq.LeafNode, def[i+2:]
			}
			return def[:i], pgq.BranchNode, def[i+1:]
		}
	}
	return def, pgq.RootNode, ""
}

func (c *cascade) at(name string, f func(ctx context.Context, client *pgq.Client) error) {
	c.t.Helper()
	conn := testpg.Connect(c.t, c.dsn[name])
	defer conn.Close(context.Background())
	if err := f(c.t.Context(), pgq.New(conn)); err != nil {
		c.t.Fatalf("at %s: %v", name, err)
	}
}

func (c *cascade) create(name, kind, provider string) {
	c.t.Helper()
	if kind == pgq.RootNode {
		c.at(name, func(ctx context.Context, client *pgq.Client) error {
			if err := client.RegisterLocation(ctx, queue, pgq.Location{Node: name, ConnString: c.dsn[name]}); err != nil {
				return err
			}
			if err := client.CreateNode(ctx, queue, pgq.NewNode{Type: kind, Name: name, Worker: name + "_w"}); err != nil {
				return err
			}
			for p, v := range map[string]string{"ticker_max_lag": "100 ms", "ticker_idle_period": "200 ms"} {
				if err := client.SetQueueConfig(ctx, queue, p, v); err != nil {
					return err
				}
			}
			return nil
		})
		return
	}
	root := c.names[0]
	var watermark int64
	for _, at := range []string{root, provider} {
		c.at(at, func(ctx context.Context, client *pgq.Client) error {
			return client.RegisterLocation(ctx, queue, pgq.Location{Node: name, ConnString: c.dsn[name]})
		})
	}
	c.at(provider, func(ctx context.Context, client *pgq.Client) (err error) {
		watermark, err = client.RegisterSubscriber(ctx, queue, name, name+"_w", nil)
		return err
	})
	c.at(name, func(ctx context.Context, client *pgq.Client) error {
		for _, n := range c.names {
			if err := client.RegisterLocation(ctx, queue, pgq.Location{Node: n, ConnString: c.dsn[n]}); err != nil {
				return err
			}
		}
		err := client.CreateNode(ctx, queue, pgq.NewNode{Type: kind, Name: name, Worker: name + "_w", Provider: provider, GlobalWatermark: watermark})
		if err != nil || kind == pgq.LeafNode {
			return err
		}
		for p, v := range map[string]string{"ticker_max_lag": "100 ms", "ticker_idle_period": "200 ms"} {
			if err := client.SetQueueConfig(ctx, queue, p, v); err != nil {
				return err
			}
		}
		return nil
	})
}

// tick is the ticker of all nodes.
func (c *cascade) tick(ctx context.Context, names []string) {
	conns := map[string]*pgx.Conn{}
	for ctx.Err() == nil {
		for _, name := range names {
			if conns[name] == nil || conns[name].IsClosed() {
				conn, err := pgx.Connect(ctx, c.dsn[name])
				if err != nil {
					continue
				}
				conns[name] = conn
			}
			_, _ = conns[name].Exec(ctx, `select pgq.ticker()`)
		}
		sleepFor(ctx, 20*time.Millisecond)
	}
	for _, conn := range conns {
		closeConn(conn)
	}
}

func sleepFor(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

func (c *cascade) stop(name string) {
	if stop := c.stops[name]; stop != nil {
		stop()
		delete(c.stops, name)
	}
}

func (c *cascade) config(local string) Config {
	return Config{Queue: queue, DSN: c.dsn[local], ApplicationName: "cascade_test"}
}

func (c *cascade) insert(name string, n int) {
	c.t.Helper()
	testpg.Exec(c.t, c.dsn[name], `select pgq.insert_event('q', 'I', g::text, 'public.none', null, null, null) from generate_series(1, $1) g`, n)
}

// events returns the ids of the events of users at a node, and whether one is
// there twice.
func (c *cascade) events(name string) (ids []int64) {
	c.t.Helper()
	ids = testpg.Value[[]int64](c.t, c.dsn[name], `select coalesce(array_agg(ev_id order by ev_id), '{}') from `+dataTable(c.t, c.dsn[name])+` where ev_type = 'I'`)
	if n := len(slices.Compact(slices.Clone(ids))); n != len(ids) {
		c.t.Errorf("node %s has %d events twice", name, len(ids)-n)
	}
	return ids
}

func dataTable(t *testing.T, dsn string) string {
	return testpg.Value[string](t, dsn, `select queue_data_pfx from pgq.queue where queue_name = 'q'`)
}

// equalQueues waits until all branches have the last tick of the root, and
// demands the same events everywhere.
func (c *cascade) equalQueues(root string, others ...string) {
	c.t.Helper()
	top := testpg.Value[int64](c.t, c.dsn[root], `select max(tick_id) + 2 from pgq.tick`)
	for _, name := range others {
		testpg.Wait(c.t, 20*time.Second, fmt.Sprintf("tick %d at %s", top, name), func() bool {
			return testpg.Value[int64](c.t, c.dsn[name], `select max(tick_id) from pgq.tick`) >= top
		})
	}
	want := c.events(root)
	for _, name := range others {
		if d := cmp.Diff(want, c.events(name)); d != "" {
			c.t.Errorf("events of %s differ from those of %s:\n%s", name, root, d)
		}
	}
}

// shape tells the topology in one line: "a b<a c<<a".
func (c *cascade) shape() string {
	c.t.Helper()
	var s string
	for _, name := range c.names {
		c.at(name, func(ctx context.Context, client *pgq.Client) error {
			i, err := client.NodeInfo(ctx, queue)
			if err != nil {
				return err
			}
			if s != "" {
				s += " "
			}
			s += name
			switch i.Type {
			case pgq.BranchNode:
				s += "<" + i.Provider
			case pgq.LeafNode:
				s += "<<" + i.Provider
			}
			if i.Paused {
				s += "(paused)"
			}
			l, err := client.NodeSubscribers(ctx, queue)
			for _, sub := range l {
				s += "+" + sub.Node
			}
			return err
		})
	}
	return s
}

func (c *cascade) wantShape(want string) {
	c.t.Helper()
	if got := c.shape(); got != want {
		c.t.Errorf("the set is %s, want %s", got, want)
	}
}
