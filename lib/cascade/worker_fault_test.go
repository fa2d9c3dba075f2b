package cascade

import (
	"context"
	"fmt"
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
