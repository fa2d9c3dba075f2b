package cascade

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

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

// waitTop waits until a branch has got to the newest tick of another node.
func (c *cascade) waitTop(name, of string) {
	c.t.Helper()
	const top = `select max(tick_id) from pgq.tick`
	want := testpg.Value[int64](c.t, c.dsn[of], top)
	testpg.Wait(c.t, 20*time.Second, "ticks of "+name, func() bool { return testpg.Value[int64](c.t, c.dsn[name], top) >= want })
}

// After the root is lost, the set goes on from the branch that is furthest on,
// whoever is told to take over, and the dead root comes back as a branch.
func TestDeadRoot(t *testing.T) {
	t.Parallel()
	c := newCascade(t, "a", "b<a", "c<a", "d<b", "l<<a")
	c.start(c.names...)
	c.insert("a", 100)
	c.waitTop("b", "a")
	c.waitTop("c", "a")
	c.stop("b") // stands behind c from here on
	c.insert("a", 50)
	c.waitTop("c", "a")
	testpg.Wait(t, 20*time.Second, "leaf", func() bool {
		return testpg.Value[int64](t, c.dsn["l"], `select last_tick_id from pgq_node.local_state`) >= testpg.Value[int64](t, c.dsn["c"], `select max(tick_id) from pgq.tick`)
	})
	c.stop("c")
	c.stop("l")
	c.insert("a", 7) // only the dead root will have these
	c.kill("a")
	c.start("b", "c", "l")

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
}

// A branch that got further than all that answered is not taken in again.
func TestDeadRootAndAbsentBranch(t *testing.T) {
	t.Parallel()
	c := newCascade(t, "a", "b<a", "c<a")
	c.start(c.names...)
	c.insert("a", 100)
	c.waitTop("b", "a")
	c.stop("b")
	c.insert("a", 50)
	c.waitTop("c", "a")
	c.kill("a")
	c.kill("c")
	c.start("b")
	c.mustChange(Takeover{Old: "a", DeadRoot: true}, "b")
	c.revive("c")
	c.insert("b", 10)
	err := c.change(ChangeProvider{Node: "c", Provider: "b", Wait: 5 * time.Second}, "b")
	if err == nil || !strings.Contains(err.Error(), "the set went on without that") {
		t.Errorf("got %v", err)
	}
}

func TestDeadBranch(t *testing.T) {
	t.Parallel()
	c := newCascade(t, "a", "b<a", "c<b", "d<b", "l<<b")
	c.start(c.names...)
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
	c := newCascade(t, "a", "b<a", "c<b", "l<<b")
	c.start(c.names...)
	c.insert("a", 100)
	c.mustChange(Takeover{Old: "b", All: true}, "c")
	c.wantShape("a+c b<c c<a+b+l l<<c")
	c.insert("a", 100)
	c.equalQueues("a", "b", "c")
}
