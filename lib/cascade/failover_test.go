package cascade

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"skytools/lib/pgq"
	"skytools/lib/testpg"
)

// kill makes the database of a node unreachable, as if its server were lost.
func (c *cascade) kill(name string) { c.allow(name, false) }

// revive brings it back.
func (c *cascade) revive(name string) { c.allow(name, true) }

func (c *cascade) allow(name string, yes bool) {
	c.t.Helper()
	cfg, err := pgx.ParseConfig(c.dsn[name])
	if err != nil {
		c.t.Fatal(err)
	}
	admin := testpg.Shared(c.t).DSN("postgres")
	sql := "alter database " + pgx.Identifier{cfg.Database}.Sanitize() + " allow_connections false"
	if yes {
		sql = strings.Replace(sql, "false", "true", 1)
	}
	testpg.Exec(c.t, admin, sql)
	testpg.Exec(c.t, admin, "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", cfg.Database)
}

// waitEvents waits until a branch has so many events, and the tick after them.
func (c *cascade) waitEvents(name string, n int) {
	c.t.Helper()
	sql := `select count(*) = $1 and (select max(tick_id) from pgq.tick) = (select last_tick_id from pgq_node.local_state where consumer_name like '%_w')
    from ` + dataTable(c.t, c.dsn[name]) + ` where ev_type = 'I'`
	testpg.Wait(c.t, 30*time.Second, fmt.Sprintf("%d events at %s", n, name), func() bool { return testpg.Value[bool](c.t, c.dsn[name], sql, n) })
}

// After the root is lost, the set goes on from the branch that is furthest on,
// whoever is told to take over, and the dead root comes back as a branch.
func TestDeadRoot(t *testing.T) {
	t.Parallel()
	c := newCascadeOn(t, mixed, "a", "b<a", "c<a", "d<b", "l<<a")
	c.run(c.names...)
	c.insert("a", 100)
	c.waitEvents("b", 100)
	c.waitEvents("c", 100)
	c.stop("b") // stands behind c from here on
	c.insert("a", 50)
	c.waitEvents("c", 150)
	testpg.Wait(t, 20*time.Second, "leaf", func() bool {
		return testpg.Value[int64](t, c.dsn["l"], `select last_tick_id from pgq_node.local_state`) >= testpg.Value[int64](t, c.dsn["c"], `select max(tick_id) from pgq.tick`)
	})
	c.stop("c")
	c.stop("l")
	c.insert("a", 7) // only the dead root will have these
	c.kill("a")
	c.run("b", "c", "l")

	err := c.change(Takeover{Old: "a"}, "b")
	if err == nil || !strings.HasPrefix(err.Error(), "node a does not answer") {
		t.Errorf("without --dead-root: %v", err)
	}
	c.mustChange(Takeover{Old: "a", DeadRoot: true}, "b")
	c.names = []string{"b", "c", "d", "l"}
	c.wantShape("b+a+c+d+l c<b d<b l<<b")
	if got := len(c.events("b")); got != 150 {
		t.Errorf("the new root has %d events, want those of the most advanced branch", got)
	}
	c.insert("b", 30)
	c.equalQueues("b", "c", "d")

	// Again is harmless.
	c.mustChange(Takeover{Old: "a", DeadRoot: true}, "b")
	c.wantShape("b+a+c+d+l c<b d<b l<<b")

	c.revive("a")
	for _, o := range []Takeover{{Old: "a"}, {Old: "a", DeadRoot: true}} {
		if err := c.change(o, "b"); err == nil {
			t.Errorf("%+v: the dead root is back, and nobody has noticed", o)
		}
	}

	// Somebody writes to it, before it is resurrected by a command that is killed
	// after each step.
	c.insert("a", 5)
	r := Resurrect{DumpFile: filepath.Join(t.TempDir(), "lost.json")}
	steps := 0
	for n := 1; n <= 11; n++ {
		p, err := r.Plan(t.Context(), c.config("a"))
		if err != nil {
			t.Fatal(err)
		}
		if n > len(p.Steps) {
			continue // it went on from where the tail is all that is left
		}
		p.Steps = p.Steps[:n]
		steps = max(steps, n)
		if err := p.Run(t.Context(), nil); err != nil {
			t.Fatalf("first %d steps: %v", n, err)
		}
	}
	if steps < 8 {
		t.Errorf("only %d steps were tried", steps)
	}
	c.mustChange(r, "a")
	b, err := os.ReadFile(r.DumpFile)
	if err != nil {
		t.Fatal(err)
	}
	var lost []map[string]any
	if err := json.Unmarshal(b, &lost); err != nil {
		t.Fatalf("%v:\n%s", err, b)
	}
	users := 0
	for _, e := range lost {
		if e["ev_type"] == "I" {
			users++
		}
	}
	if users != 12 {
		t.Errorf("%d lost events in the file, want 12:\n%s", users, b)
	}
	c.names = []string{"a", "b", "c", "d", "l"}
	c.wantShape("a<b(paused) b+a+c+d+l c<b d<b l<<b")
	c.at("a", func(ctx context.Context, client *pgq.Client) error {
		_, err := client.SetConsumerPaused(ctx, queue, "a_w", false)
		return err
	})
	c.insert("b", 30)
	c.equalQueues("b", "a", "c", "d")
	for _, name := range c.names {
		if testpg.Value[bool](t, c.dsn[name], `select dead from pgq_node.node_location where node_name = 'a'`) {
			t.Errorf("node %s takes a for dead still", name)
		}
	}
	// It can be the root again.
	c.mustChange(Takeover{Old: "b"}, "a")
	c.insert("a", 30)
	c.equalQueues("a", "b", "c", "d")
}

// What is no failed root is not resurrected.
func TestResurrectRefuses(t *testing.T) {
	t.Parallel()
	c := newCascadeOn(t, mixed, "a", "b<a", "l<<a")
	for node, want := range map[string]string{
		"a": "no node that answers has a consumer a.gravestone, so it is not known from where the set went on without node a",
		"l": "node l is a leaf, which has no events of its own",
	} {
		if _, err := (Resurrect{DumpFile: filepath.Join(t.TempDir(), "x")}).Plan(t.Context(), c.config(node)); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", node, err, want)
		}
	}
	c.run("a", "b", "l")
	c.kill("a")
	c.mustChange(Takeover{Old: "a", DeadRoot: true}, "b")
	c.revive("a")
	file := filepath.Join(t.TempDir(), "lost.json")
	if err := os.WriteFile(file, []byte("[]"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (Resurrect{DumpFile: file}).Plan(t.Context(), c.config("a")); err == nil || err.Error() != "file "+file+" exists" {
		t.Errorf("got %v", err)
	}
}

// A branch that got further than all that answered is not taken in again.
func TestDeadRootAndAbsentBranch(t *testing.T) {
	t.Parallel()
	c := newCascadeOn(t, mixed, "a", "b<a", "c<a", "l<<a")
	c.run(c.names...)
	c.at("b", func(ctx context.Context, client *pgq.Client) error {
		return client.RegisterNodeConsumer(ctx, queue, "plain", "a", 1)
	})
	c.insert("a", 100)
	c.waitEvents("b", 100)
	c.stop("b")
	c.insert("a", 50)
	c.waitEvents("c", 150)
	const at = `select last_tick_id from pgq_node.local_state where consumer_name like '%_w'`
	testpg.Wait(t, 20*time.Second, "the leaf", func() bool {
		return testpg.Value[int64](t, c.dsn["l"], at) > testpg.Value[int64](t, c.dsn["b"], at)
	})
	c.kill("a")
	c.kill("c")
	w := c.workerConfig("b")
	w.Worker = "plain"
	c.work(NewConsumer(w))
	c.run("b")
	c.mustChange(Takeover{Old: "a", DeadRoot: true}, "b")
	c.names = []string{"b", "l"}
	c.wantShape("b+a l<<a") // the leaf has what the root has not
	if got := testpg.Value[string](t, c.dsn["b"], `select provider_node from pgq_node.local_state where consumer_name = 'plain'`); got != "b" {
		t.Errorf("the plain consumer reads from %s", got)
	}
	c.revive("c")
	c.insert("b", 10)
	for _, name := range []string{"c", "l"} {
		err := c.change(ChangeProvider{Node: name, Provider: "b", Wait: 5 * time.Second}, "b")
		if err == nil || !strings.Contains(err.Error(), "the set went on without that") {
			t.Errorf("got %v", err)
		}
	}
}

func TestDeadBranch(t *testing.T) {
	t.Parallel()
	c := newCascadeOn(t, mixed, "a", "b<a", "c<b", "d<b", "l<<b")
	c.run(c.names...)
	c.insert("a", 100)
	c.kill("b")
	c.mustChange(Takeover{Old: "b", DeadBranch: true}, "c")
	c.names = []string{"a", "c", "d", "l"}
	c.wantShape("a+b+c c<a+d+l d<c l<<c")
	c.insert("a", 100)
	c.equalQueues("a", "c", "d")
}

func TestTakeoverBranch(t *testing.T) {
	t.Parallel()
	c := newCascadeOn(t, mixed, "a", "b<a", "c<b", "l<<b")
	c.run(c.names...)
	c.insert("a", 100)
	c.mustChange(Takeover{Old: "b", All: true}, "c")
	c.wantShape("a+c b<c c<a+b+l l<<c")
	c.insert("a", 100)
	c.equalQueues("a", "b", "c")
}
