package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skytools/lib/db"
	"skytools/lib/testpg"
	"skytools/lib/testproxy"
)

// host is a server of a cascade with its node, worker and ticker. Others reach
// it over its link only.
type host struct {
	name     string
	provider string // "" for the root
	kind     string // root, branch, leaf
	cluster  *testpg.Cluster
	dsn      string
	link     *testproxy.Link
	ini      string
	worker   *program
	ticker   *program
}

// tree is a cascade of five nodes, each on a server of its own:
//
//	a (root) - b (branch) - d (branch)
//	         - c (branch) - e (leaf)
type tree struct {
	t     *testing.T
	rnd   *rand.Rand
	hosts []*host
	from  int64        // tick after which all nodes are there
	made  atomic.Int64 // committed events
}

func newTree(t *testing.T, seed uint64) *tree {
	t.Helper()
	w := &tree{t: t, rnd: random(seed, 0)}
	londiste, pgqd := binary(t, "londiste"), binary(t, "pgqd")
	dir := t.TempDir()
	for _, h := range []*host{
		{name: "a", kind: "root"}, {name: "b", kind: "branch", provider: "a"}, {name: "c", kind: "branch", provider: "a"},
		{name: "d", kind: "branch", provider: "b"}, {name: "e", kind: "leaf", provider: "c"},
	} {
		h.cluster = testpg.Start(t)
		h.dsn = h.cluster.NewDB(t, testpg.Name("node_"+h.name), testpg.Extensions("pgq", "pgq_node"))
		h.link = testproxy.NewLink(t, h.dsn)
		h.ini = filepath.Join(dir, h.name+".ini")
		text := fmt.Sprintf(`[londiste]
job_name = worker_%s
db = %s
queue_name = q
loop_delay = 0.1
exception_sleep = 0.2
local_wm_publish_period = 1
global_wm_publish_period = 1
`, h.name, h.dsn)
		if err := os.WriteFile(h.ini, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		args := []string{h.ini, "create-" + h.kind, h.name, h.link.DSN()}
		if h.provider != "" {
			args = append(args, "--provider="+w.host(h.provider).link.DSN())
		}
		if out, err := exec.Command(londiste, args...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
		h.worker = &program{path: londiste, args: []string{h.ini, "worker"}}
		h.ticker = &program{path: pgqd, args: []string{"--db=" + h.dsn,
			"--ticker-period=0.1", "--check-period=1", "--retry-period=1", "--maint-period=1"}}
		if h.kind == "root" {
			testpg.Exec(t, h.dsn, `select pgq.set_queue_config('q', 'ticker_max_lag', '50 milliseconds')`)
		}
		if h.kind != "leaf" {
			// all events stay, to be compared
			testpg.Exec(t, h.dsn, `select pgq.set_queue_config('q', 'rotation_period', '1 day')`)
		}
		w.hosts = append(w.hosts, h)
	}
	w.from = testpg.Value[int64](t, w.hosts[0].dsn, "select max(tick_id) from pgq.tick")
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, h := range w.hosts {
		wg.Go(func() { h.worker.run(ctx) })
		wg.Go(func() { h.ticker.run(ctx) })
	}
	t.Cleanup(func() { cancel(); wg.Wait() })
	return w
}

func (w *tree) host(name string) *host {
	for _, h := range w.hosts {
		if h.name == name {
			return h
		}
	}
	w.t.Fatalf("no host %s", name)
	return nil
}

// produce puts events into the root until ctx is done. Whether a transaction
// whose commit broke off was committed is no matter: the root's table tells.
func (w *tree) produce(ctx context.Context, rnd *rand.Rand) {
	root := w.hosts[0]
	for ctx.Err() == nil {
		conn, err := db.Connect(context.WithoutCancel(ctx), root.dsn, "soak-producer")
		if err != nil {
			<-time.After(20 * time.Millisecond)
			continue
		}
		for err == nil && ctx.Err() == nil {
			<-time.After(time.Duration(rnd.IntN(20)) * time.Millisecond)
			n := 1 + rnd.IntN(20)
			end := "commit"
			if rnd.IntN(8) == 0 {
				end = "rollback"
			}
			_, err = conn.Exec(context.WithoutCancel(ctx), fmt.Sprintf(`begin;
				select pgq.insert_event('q', 'soak', repeat(md5(i::text), %d), nullif(i %% 3, 0)::text, '', null, E'\\ \t\n') from generate_series(1, %d) i; %s`,
				rnd.IntN(10), n, end))
			if err == nil && end == "commit" {
				w.made.Add(int64(n))
			}
		}
		conn.Close(context.WithoutCancel(ctx))
	}
}

// revive starts servers that have ended.
func (w *tree) revive() {
	w.t.Helper()
	for _, h := range w.hosts {
		h.cluster.Start(w.t)
	}
}

// position is the tick that a node has completed, or -1 while it is away.
func (w *tree) position(h *host) int64 {
	conn, err := db.Connect(w.t.Context(), h.dsn, "soak-check")
	if err != nil {
		return -1
	}
	defer conn.Close(context.Background())
	tick := int64(-1)
	if err := conn.QueryRow(w.t.Context(), `select worker_last_tick from pgq_node.get_node_info('q')`).Scan(&tick); err != nil {
		return -1
	}
	return tick
}

// arrive waits until every node has completed what the root has now.
func (w *tree) arrive() {
	w.t.Helper()
	root := w.hosts[0]
	var want int64
	testpg.Wait(w.t, time.Minute, "a tick that covers all", func() bool {
		w.revive()
		conn, err := db.Connect(w.t.Context(), root.dsn, "soak-check")
		if err != nil {
			return false
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(w.t.Context(), `select pgq.force_tick('q')`); err != nil {
			return false
		}
		err = conn.QueryRow(w.t.Context(), `select coalesce(pgq.ticker('q'), 0)`).Scan(&want)
		return err == nil && want > 0
	})
	for _, h := range w.hosts {
		testpg.Wait(w.t, 2*time.Minute, fmt.Sprintf("node %s to reach tick %d", h.name, want), func() bool {
			w.revive()
			return w.position(h) >= want
		})
	}
}

// queueSum is what all nodes of a queue must agree on.
type queueSum struct {
	Events, IDs int64
	Sum         string
	Ticks       string
}

func (w *tree) sum(h *host, upTo int64) queueSum {
	w.t.Helper()
	var s queueSum
	conn := testpg.Connect(w.t, h.dsn)
	err := conn.QueryRow(w.t.Context(), `select count(*), count(distinct ev_id),
		coalesce(md5(string_agg(concat_ws('|', ev_id, extract(epoch from ev_time), ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4), ',' order by ev_id)), '')
		from `+testpg.Value[string](w.t, h.dsn, `select queue_data_pfx::text from pgq.queue where queue_name = 'q'`)+` where ev_type = 'soak'`).Scan(&s.Events, &s.IDs, &s.Sum)
	if err == nil {
		err = conn.QueryRow(w.t.Context(), `select md5(string_agg(concat_ws('|', tick_id, extract(epoch from tick_time)), ',' order by tick_id))
			from pgq.tick where tick_id > $1 and tick_id <= $2`, w.from, upTo).Scan(&s.Ticks)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// check demands that every branch has the root's events and ticks, each once.
func (w *tree) check() {
	w.t.Helper()
	w.arrive()
	root := w.hosts[0]
	upTo := w.position(root)
	for _, h := range w.hosts {
		testpg.Wait(w.t, time.Minute, "node "+h.name+" at the root's newest tick", func() bool { return w.position(h) >= upTo })
	}
	want := w.sum(root, upTo)
	if want.IDs != want.Events {
		w.t.Errorf("the root has %d events of %d ids", want.Events, want.IDs)
	}
	if want.Events < w.made.Load() {
		w.t.Errorf("the root has %d events, %d were committed", want.Events, w.made.Load())
	}
	for _, h := range w.hosts[1:] {
		if h.kind == "leaf" {
			continue
		}
		if diff := cmp.Diff(want, w.sum(h, upTo)); diff != "" {
			w.t.Errorf("node %s (-root +node):\n%s", h.name, diff)
		}
	}
	w.t.Logf("%d events, newest tick %d, the same on all nodes", want.Events, upTo)
}

// fault is a way to disturb the tree. It returns with everything well again,
// but for what programs must mend by themselves.
type fault struct {
	name string
	do   func(h *host)
}

func (w *tree) faults() []fault {
	moment := func(most time.Duration) { <-time.After(time.Duration(w.rnd.Int64N(int64(most)))) }
	return []fault{
		{"worker killed", func(h *host) { h.worker.kill() }},
		{"pgqd killed", func(h *host) { h.ticker.kill() }},
		{"backend killed", func(h *host) {
			if pids := children(h.cluster.PID()); len(pids) > 0 {
				_ = syscall.Kill(pids[w.rnd.IntN(len(pids))], syscall.SIGKILL) // it may have ended
			}
		}},
		{"backends terminated", func(h *host) {
			if conn, err := db.Connect(w.t.Context(), h.dsn, "soak-fault"); err == nil {
				_, _ = conn.Exec(w.t.Context(), `select pg_terminate_backend(pid) from pg_stat_activity
					where backend_type = 'client backend' and pid <> pg_backend_pid()`) // the server may be away
				conn.Close(context.Background())
			}
		}},
		{"server killed", func(h *host) { h.cluster.Kill(w.t); moment(300 * time.Millisecond); h.cluster.Start(w.t) }},
		{"link blocked", func(h *host) { h.link.Block(); moment(2 * time.Second); h.link.Heal() }},
		{"link blocked and cut", func(h *host) {
			h.link.Block()
			moment(time.Second)
			h.link.Cut()
			moment(time.Second)
			h.link.Heal()
		}},
		{"link cut", func(h *host) { h.link.Cut() }},
		{"link slow", func(h *host) {
			h.link.Delay(time.Duration(10+w.rnd.IntN(90)) * time.Millisecond)
			moment(2 * time.Second)
			h.link.Heal()
		}},
	}
}

// TestCascade disturbs a tree of five servers in random ways while events flow.
// In the end every branch has the same events and ticks as the root, each once.
func TestCascade(t *testing.T) {
	t.Parallel()
	w := newTree(t, seed(t))
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for range 3 {
		rnd := rand.New(rand.NewPCG(w.rnd.Uint64(), 0))
		wg.Go(func() { w.produce(ctx, rnd) })
	}
	defer func() { cancel(); wg.Wait() }()
	faults := w.faults()
	counts := map[string]int{}
	start := time.Now()
	for i := range number(t, "SOAK_FAULTS", pick[int64](12, 300)) {
		f, h := faults[w.rnd.IntN(len(faults))], w.hosts[w.rnd.IntN(len(w.hosts))]
		before := w.position(h)
		f.do(h)
		counts[f.name]++
		if i%5 == 4 { // else the next one meets what the last one left
			testpg.Wait(t, time.Minute, fmt.Sprintf("node %s to go on from tick %d after: %s", h.name, before, f.name), func() bool {
				w.revive()
				return w.position(h) > before
			})
		}
		<-time.After(time.Duration(w.rnd.IntN(100)) * time.Millisecond)
	}
	t.Logf("%v in %v", counts, time.Since(start).Round(time.Second))
	cancel()
	wg.Wait()
	w.check()
	for _, h := range w.hosts {
		for _, p := range []*program{h.worker, h.ticker} {
			if ends := p.ended(); len(ends) > 0 {
				t.Errorf("%s %s ended by itself:\n%s", filepath.Base(p.path), h.name, strings.Join(ends, "\n"))
			}
		}
	}
}
