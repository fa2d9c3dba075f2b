package cascade

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"skytools/lib/pgq"
	"skytools/lib/testpg"
)

// startUpstream runs upstream's londiste as the worker of nodes until stop.
func (c *cascade) startUpstream(names ...string) {
	c.t.Helper()
	for _, name := range names {
		c.startLondiste(name, queue, name+"_w")
	}
}

// startLondiste runs upstream's londiste in the database of a node.
func (c *cascade) startLondiste(name, queue, worker string) {
	c.t.Helper()
	const program = "/usr/bin/londiste"
	if _, err := os.Stat(program); err != nil {
		testpg.Unavailable(c.t, "upstream's londiste is not installed: "+err.Error())
	}
	extensions.Lock()
	testpg.Exec(c.t, c.dsn[name], `create extension if not exists londiste`)
	extensions.Unlock()
	dir := c.t.TempDir()
	ini, logfile := filepath.Join(dir, "ini"), filepath.Join(dir, "log")
	text := fmt.Sprintf("[londiste]\ndb = %s\nqueue_name = %s\njob_name = %s\nlogfile = %s\npidfile = %s\nloop_delay = 0.1\nexception_sleep = 0.2\n",
		c.dsn[name], queue, worker, logfile, filepath.Join(dir, "pid"))
	if err := os.WriteFile(ini, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	cmd := exec.Command(program, ini, "worker")
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if b, err := os.ReadFile(logfile); err == nil && c.t.Failed() {
			c.t.Logf("%s said:\n%s", worker, b[max(0, len(b)-1500):])
		}
	})
}

// A queue into which another one merges changes its root, and the merging goes
// on there, from the very event where it stopped.
func TestTakeoverMerging(t *testing.T) {
	t.Parallel()
	c := newCascadeOn(t, upstream, "r", "s<r", "p")
	const part = "part"
	c.at("p", func(ctx context.Context, client *pgq.Client) error {
		if err := client.RegisterLocation(ctx, part, pgq.Location{Node: "pr", ConnString: c.dsn["p"]}); err != nil {
			return err
		}
		if err := client.CreateNode(ctx, part, pgq.NewNode{Type: pgq.RootNode, Name: "pr", Worker: "pr_w"}); err != nil {
			return err
		}
		return client.SetQueueConfig(ctx, part, "ticker_max_lag", "100 ms")
	})
	for _, name := range []string{"r", "s"} {
		leaf := "leaf_" + name
		var mark int64
		c.at("p", func(ctx context.Context, client *pgq.Client) (err error) {
			if err = client.RegisterLocation(ctx, part, pgq.Location{Node: leaf, ConnString: c.dsn[name]}); err == nil {
				mark, err = client.RegisterSubscriber(ctx, part, leaf, leaf+"_w", nil)
			}
			return err
		})
		c.at(name, func(ctx context.Context, client *pgq.Client) error {
			for node, dsn := range map[string]string{"pr": c.dsn["p"], leaf: c.dsn[name]} {
				if err := client.RegisterLocation(ctx, part, pgq.Location{Node: node, ConnString: dsn}); err != nil {
					return err
				}
			}
			return client.CreateNode(ctx, part, pgq.NewNode{Type: pgq.LeafNode, Name: leaf, Worker: leaf + "_w", Provider: "pr", GlobalWatermark: mark, CombinedQueue: queue})
		})
		c.startUpstream(name)
		c.startLondiste(name, part, leaf+"_w")
	}
	c.names = []string{"r", "s"}
	w := &writers{c: c}
	ctx, cancel := context.WithCancel(context.Background())
	w.cancel = cancel
	w.wg.Go(func() {
		conn := testpg.Connect(t, c.dsn["p"])
		for ctx.Err() == nil {
			n := w.written.Add(1)
			if _, err := conn.Exec(context.Background(), `select pgq.insert_event($1, 'I', $2, 'public.none', null, null, null)`, part, fmt.Sprint(n)); err != nil {
				t.Error(err)
				return
			}
			sleepFor(ctx, 20*time.Millisecond)
		}
	})
	defer w.stop()
	arrived := func(at string, n int64) {
		t.Helper()
		testpg.Wait(t, 30*time.Second, fmt.Sprintf("event %d at %s", n, at), func() bool {
			return testpg.Value[bool](t, c.dsn[at], `select count(*) > 0 from `+dataTable(t, c.dsn[at])+` where ev_data = $1`, fmt.Sprint(n))
		})
	}
	arrived("s", 1)
	for _, o := range []Takeover{{Old: "r", Node: "s"}, {Old: "s", Node: "r"}} {
		c.mustChange(o, "r")
		arrived(o.Old, w.written.Load())
	}
	total := w.stop()
	for _, at := range []string{"r", "s"} {
		arrived(at, total)
		n := testpg.Value[int64](t, c.dsn[at], `select count(*) from `+dataTable(t, c.dsn[at])+` where ev_type = 'I'`)
		if n != total {
			t.Errorf("%d events at %s, and %d were made", n, at, total)
		}
	}
	c.equalQueues("r", "s")
	c.wantShape("r+s s<r")
}

// The root goes from a node to another one and back while the worker of either
// or of both is upstream's.
func TestTakeoverUpstreamWorkers(t *testing.T) {
	t.Parallel()
	mixes := []string{"a"}
	if soak {
		mixes = []string{"", "a", "b"}
	}
	for _, ours := range mixes {
		t.Run("ours "+ours, func(t *testing.T) {
			t.Parallel()
			c := newCascadeOn(t, upstream, "a", "b<a", "c<a")
			for _, name := range c.names {
				if name == ours {
					c.run(name)
				} else {
					c.startUpstream(name)
				}
			}
			stop := c.watchRoots()
			w := c.write(2, 50)
			nodes := []string{"a", "b"}
			for i := range 2 {
				w.longest()
				c.mustChange(Takeover{Old: nodes[i%2], All: true}, nodes[(i+1)%2])
				before := w.written.Load()
				testpg.Wait(t, 10*time.Second, "writers go on", func() bool { return w.written.Load() > before })
				t.Logf("takeover %d: no commit for %s", i+1, w.longest().Round(time.Millisecond))
			}
			total := w.stop()
			stop()
			c.equalQueues("a", "b", "c")
			if got := len(c.events("a")); int64(got) != total {
				t.Errorf("%d events, and %d were committed", got, total)
			}
			c.wantShape("a+b+c b<a c<a")
		})
	}
}
