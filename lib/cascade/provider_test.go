package cascade

import (
	"context"
	"strings"
	"testing"
	"time"

	"skytools/lib/pgq"
	"skytools/lib/testpg"
)

type planner interface {
	Plan(ctx context.Context, c Config) (*Plan, error)
}

// change plans and runs, and logs the progress.
func (c *cascade) change(o planner, local string) error {
	c.t.Helper()
	p, err := o.Plan(c.t.Context(), c.config(local))
	if err != nil {
		return err
	}
	c.t.Log(p.Title)
	return p.Run(c.t.Context(), func(p Progress) {
		if p.Outcome != StepStarted {
			c.t.Logf("%2d/%d %s: %s (%s) %v", p.Number, p.Of, p.Step, p.Outcome, p.Duration.Round(time.Millisecond), p.Err)
		}
	})
}

func (c *cascade) mustChange(o planner, local string) {
	c.t.Helper()
	if err := c.change(o, local); err != nil {
		c.t.Fatalf("%+v: %v", o, err)
	}
}

func TestChangeProvider(t *testing.T) {
	t.Parallel()
	c := newCascadeOn(t, mixed, "a", "b<a", "c<a", "l<<a")
	c.run("a", "b", "c", "l")
	c.insert("a", 100)
	c.mustChange(ChangeProvider{Provider: "b"}, "c")
	c.wantShape("a+b+l b<a+c c<b l<<a")
	c.insert("a", 100)
	c.mustChange(ChangeProvider{Node: "l", Provider: "c"}, "a")
	c.wantShape("a+b b<a+c c<b+l l<<c")
	c.insert("a", 100)
	c.equalQueues("a", "b", "c")

	// Again is nothing.
	p, err := ChangeProvider{Provider: "b"}.Plan(t.Context(), c.config("c"))
	if err != nil || len(p.Steps) != 0 {
		t.Errorf("got %d steps, %v", len(p.Steps), err)
	}
	// What is seen beforehand changes nothing.
	for _, tt := range []struct{ node, provider, want string }{
		{"c", "x", "unknown node: x"},
		{"c", "l", "node l is a leaf, which cannot be a provider"},
		{"b", "c", "node c reads from node b itself: c < b"},
		{"b", "b", "node b cannot be its own provider"},
		{"a", "b", "node a is the root, which has no provider"},
	} {
		if err := c.change(ChangeProvider{Node: tt.node, Provider: tt.provider}, "a"); err == nil || err.Error() != tt.want {
			t.Errorf("%s to %s: got %v, want %s", tt.node, tt.provider, err, tt.want)
		}
	}
	c.wantShape("a+b b<a+c c<b+l l<<c")

	// A worker that does not answer is let go on, and nothing else is changed.
	c.stop("c")
	err = c.change(ChangeProvider{Node: "c", Provider: "a", Wait: 100 * time.Millisecond}, "a")
	const want = "c: pause c_w, and wait until it stands: c_w at node c has not answered within 100ms: is it running?"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	c.run("c")
	c.wantShape("a+b b<a+c c<b+l l<<c")

	// The new provider has lost the tick.
	testpg.Wait(t, 10*time.Second, "worker c", func() bool {
		return testpg.Value[bool](t, c.dsn["c"], "select uptodate from pgq_node.local_state")
	})
	c.stop("b") // c stands
	testpg.Exec(t, c.dsn["a"], "delete from pgq.tick where tick_id <= (select max(tick_id) from pgq.tick)")
	testpg.Wait(t, 10*time.Second, "a tick", func() bool { return testpg.Value[bool](t, c.dsn["a"], "select count(*) > 0 from pgq.tick") })
	err = c.change(ChangeProvider{Node: "c", Provider: "a", Wait: time.Second}, "a")
	if err == nil || !strings.Contains(err.Error(), "any more") {
		t.Errorf("got %v", err)
	}
	c.wantShape("a+b b<a+c c<b+l l<<c")
}

// A plain consumer of a node goes to another provider at the tick that it has
// reached.
func TestChangeProviderOfConsumer(t *testing.T) {
	t.Parallel()
	c := newCascadeOn(t, mixed, "a", "b<a", "c<a")
	c.run("a", "b", "c")
	c.at("b", func(ctx context.Context, client *pgq.Client) error {
		return client.RegisterNodeConsumer(ctx, queue, "plain", "a", 1)
	})
	c.at("a", func(ctx context.Context, client *pgq.Client) error {
		_, err := client.RegisterAt(ctx, queue, "plain", 1)
		return err
	})
	w := c.workerConfig("b")
	w.Worker = "plain"
	c.work(NewConsumer(w))
	readers := func(name string) string {
		return testpg.Value[string](t, c.dsn[name], `select coalesce(string_agg(consumer_name, ' ' order by 1), '') from pgq.get_consumer_info('q') where consumer_name = 'plain'`)
	}
	for _, tt := range []struct{ to, a, b, c string }{{"c", "", "", "plain"}, {"b", "", "plain", ""}, {"a", "plain", "", ""}} {
		c.insert("a", 10)
		c.mustChange(ChangeProvider{Node: "b", Consumer: "plain", Provider: tt.to}, "c")
		if got := [3]string{readers("a"), readers("b"), readers("c")}; got != [3]string{tt.a, tt.b, tt.c} {
			t.Errorf("after the change to %s it is registered so: %q", tt.to, got)
		}
		at := `select last_tick_id from pgq_node.local_state where consumer_name = 'plain'`
		top := testpg.Value[int64](t, c.dsn["a"], `select max(tick_id) from pgq.tick`)
		testpg.Wait(t, 20*time.Second, "the consumer goes on", func() bool { return testpg.Value[int64](t, c.dsn["b"], at) > top })
	}
	c.wantShape("a+b+c b<a c<a")
}
