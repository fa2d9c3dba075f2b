package peers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"skytools/lib/scripttest"
	"skytools/lib/testpg"
)

// member is a node of a cascade that one of the houses runs.
type member struct {
	name, house, kind, provider string
	dsn, ini                    string
	worker                      *process
}

// cascade is a cascaded queue q with nodes of both houses.
type cascade struct {
	t       *testing.T
	dir     string
	members []*member
	from    int64 // tick after which all nodes are there
}

func (c *cascade) member(name string) *member {
	for _, m := range c.members {
		if m.name == name {
			return m
		}
	}
	c.t.Fatalf("no node %s", name)
	return nil
}

// admin runs a command of a house at a node.
func (c *cascade) admin(house string, m *member, args ...string) string {
	c.t.Helper()
	argv := []string{python, "testdata/cascade.py", "admin", m.ini}
	if house == "ours" {
		argv = []string{scripttest.Tool(c.t, "londiste"), m.ini}
	}
	argv = append(argv, args...)
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		c.t.Fatalf("%q: %v\n%s", argv, err, out)
	}
	return string(out)
}

func newCascade(t *testing.T, members ...*member) *cascade {
	t.Helper()
	need(t, theirTicker, "/usr/lib/python3/dist-packages/pgq/cascade/worker.py")
	c := &cascade{t: t, dir: t.TempDir(), members: members}
	cluster := testpg.Shared(t)
	for _, m := range members {
		section := "[londiste]"
		if m.house == "ours" {
			m.dsn = cluster.NewDB(t, testpg.Extensions("pgq", "pgq_node"))
		} else {
			section = "[cascade]"
			m.dsn = cluster.NewDB(t)
			if _, err := testpg.Connect(t, m.dsn).Exec(t.Context(), "create extension pgq version '3.5'; create extension pgq_node version '3.5'"); err != nil {
				testpg.Unavailable(t, "upstream's pgq_node is not installed: "+err.Error())
			}
		}
		testpg.Exec(t, m.dsn, "create table got (consumer text, ev_id bigint, ev_retry int, ev_data text)")
		m.ini = filepath.Join(c.dir, m.name+".ini")
		// upstream's tool finds its own section, ours too
		text := fmt.Sprintf(`%s
job_name = worker_%s
db = %s
queue_name = q
loop_delay = 0.1
exception_sleep = 0.5
local_wm_publish_period = 1
global_wm_publish_period = 1
`, section, m.name, m.dsn)
		if m.house != "ours" {
			text += strings.Replace(text, section, "[londiste]", 1)
		}
		if err := os.WriteFile(m.ini, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		args := []string{"create-" + m.kind, m.name, m.dsn, "--worker=worker_" + m.name}
		if m.provider != "" {
			args = append(args, "--provider="+c.member(m.provider).dsn)
		}
		c.admin(m.house, m, args...)
		argv := []string{python, "testdata/cascade.py", "worker", m.ini}
		if m.house == "ours" {
			argv = []string{scripttest.Tool(t, "londiste"), m.ini, "worker"}
		}
		m.worker = newProcess(t, "worker-"+m.name, c.dir, argv...)
		m.worker.start()
		if m.kind != "leaf" {
			testpg.Exec(t, m.dsn, "select pgq.set_queue_config('q', 'rotation_period', '1 day'), pgq.set_queue_config('q', 'ticker_max_lag', '0.5')")
			w := &world{t: t, from: m.dsn, dir: filepath.Join(c.dir, m.name)}
			if err := os.Mkdir(w.dir, 0o755); err != nil {
				t.Fatal(err)
			}
			p := w.ticker(m.house)
			p.start()
			t.Cleanup(p.stop)
		}
	}
	c.from = testpg.Value[int64](t, members[0].dsn, "select max(tick_id) from pgq.tick")
	return c
}

// produce puts events in at whichever node takes them, until ctx is done, and
// returns how many it knows to be committed.
func (c *cascade) produce(ctx context.Context) (made int) {
	var conn *pgx.Conn
	defer func() {
		if conn != nil {
			conn.Close(context.Background())
		}
	}()
	for at := 0; ctx.Err() == nil; {
		if conn == nil {
			conn, _ = pgx.Connect(context.Background(), c.members[at].dsn) // the next turn tries again
			continue
		}
		if _, err := conn.Exec(context.Background(), `select pgq.insert_event('q', 'mixed', i::text, 'a', null, '', E'\\') from generate_series(1, 5) i`); err == nil {
			made += 5
			<-time.After(30 * time.Millisecond) // their workers need about a quarter of a second a tick on a busy machine
			continue
		}
		conn.Close(context.Background())
		conn, at = nil, (at+1)%len(c.members)
	}
	return made
}

// sum is what the nodes with a queue must agree on.
type sum struct {
	Events, IDs int64
	Sum, Ticks  string
}

func (c *cascade) sum(m *member, upTo int64) (s sum) {
	c.t.Helper()
	parent := testpg.Value[string](c.t, m.dsn, "select queue_data_pfx::text from pgq.queue")
	err := testpg.Connect(c.t, m.dsn).QueryRow(c.t.Context(), `select count(*), count(distinct ev_id),
		coalesce(md5(string_agg(concat_ws('|', ev_id, extract(epoch from ev_time), ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4), ',' order by ev_id)), ''),
		(select md5(string_agg(concat_ws('|', tick_id, extract(epoch from tick_time)), ',' order by tick_id)) from pgq.tick where tick_id > $1 and tick_id <= $2)
		from `+parent+` where ev_type = 'mixed'`, c.from, upTo).Scan(&s.Events, &s.IDs, &s.Sum, &s.Ticks)
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

// arrive waits until all nodes have completed a tick of the root that covers
// what is there now, and returns it.
func (c *cascade) arrive(root *member) int64 {
	c.t.Helper()
	before := testpg.Value[int64](c.t, root.dsn, "select pgq.force_tick('q')")
	top := before
	testpg.Wait(c.t, time.Minute, "a tick that covers all", func() bool {
		top = testpg.Value[int64](c.t, root.dsn, "select max(tick_id) from pgq.tick")
		return top > before
	})
	for _, m := range c.members {
		testpg.Wait(c.t, time.Minute, fmt.Sprintf("node %s at tick %d", m.name, top), func() bool {
			return testpg.Value[int64](c.t, m.dsn, "select worker_last_tick from pgq_node.get_node_info('q')") >= top
		})
	}
	return top
}

// TestMixedCascade runs cascades of both houses' nodes, moves the root over to
// the other house and back, and demands each event once on each node.
func TestMixedCascade(t *testing.T) {
	t.Parallel()
	for _, houses := range [][2]string{{"theirs", "ours"}, {"ours", "theirs"}} {
		x, y := houses[0], houses[1]
		t.Run("root "+x+", branch "+y, func(t *testing.T) {
			c := newCascade(t,
				&member{name: "a", house: x, kind: "root"},
				&member{name: "b", house: y, kind: "branch", provider: "a"},
				&member{name: "c", house: x, kind: "branch", provider: "b"},
				&member{name: "d", house: x, kind: "leaf", provider: "b"},
				&member{name: "e", house: y, kind: "leaf", provider: "c"})
			ctx, cancel := context.WithCancel(context.Background())
			var wg sync.WaitGroup
			made := 0
			wg.Go(func() { made = c.produce(ctx) })
			defer func() { cancel(); wg.Wait() }()
			a, b := c.member("a"), c.member("b")
			flows := func(root *member) {
				t.Helper()
				before := c.count(root)
				for _, m := range c.members {
					testpg.Wait(t, time.Minute, "events at "+m.name, func() bool { return m.kind == "leaf" || c.count(m) > before+50 })
				}
			}
			flows(a)
			c.admin("ours", b, "takeover", "a")
			flows(b)
			c.admin("ours", a, "takeover", "b")
			flows(a)
			cancel()
			wg.Wait()
			upTo := c.arrive(a)
			want := c.sum(a, upTo)
			if want.Events != want.IDs || want.Events < int64(made) {
				t.Errorf("the root has %d events of %d ids, %d were made", want.Events, want.IDs, made)
			}
			for _, m := range c.members[1:] {
				switch {
				case m.kind != "leaf":
					if diff := cmp.Diff(want, c.sum(m, upTo)); diff != "" {
						t.Errorf("node %s (-root +node):\n%s", m.name, diff)
					}
				case m.house == "theirs":
					ids := "select string_agg(ev_id::text, ',' order by ev_id) from "
					parent := testpg.Value[string](t, a.dsn, "select queue_data_pfx::text from pgq.queue")
					if testpg.Value[string](t, m.dsn, ids+"got") != testpg.Value[string](t, a.dsn, ids+parent+" where ev_type = 'mixed'") {
						t.Errorf("leaf %s did not get each event once", m.name)
					}
				}
			}
			t.Logf("%d events, newest tick %d", want.Events, upTo)
		})
	}
}

// count is how many events a node's queue has.
func (c *cascade) count(m *member) int64 {
	c.t.Helper()
	if m.kind == "leaf" {
		return 0
	}
	return testpg.Value[int64](c.t, m.dsn, "select count(*) from "+testpg.Value[string](c.t, m.dsn, "select queue_data_pfx::text from pgq.queue"))
}
