package peers

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"skytools/lib/scripttest"
	"skytools/lib/testpg"
)

// world is one run: a queue q, a database for the effects, a directory.
type world struct {
	t        *testing.T
	from, to string // databases
	dir      string
	cluster  *testpg.Cluster
	// acts are what is done one after the other while events flow.
	acts []func()
	// rough: what the acts do makes programs complain and end; they are started
	// again.
	rough bool
}

func (w *world) file(name string) string { return filepath.Join(w.dir, name) }

// TestPeers is the matrix of what people mix.
func TestPeers(t *testing.T) {
	t.Parallel()
	need(t, theirTicker, "/usr/lib/python3/dist-packages/pgq/__init__.py")
	for _, tt := range []struct {
		name      string
		schema    func(t *testing.T) (*testpg.Cluster, string)
		tickers   []string
		consumers []kind
		triggers  bool
		// repeats: upstream's pgq.ticker() assumes to be alone. Of two that meet,
		// the later tick may have the older snapshot, and then some events are in
		// two batches. None is lost, and ours has no such limit.
		repeats bool
	}{
		{
			name: "their pgqd on our schema in C", schema: oursInC, tickers: []string{"theirs"},
			consumers: []kind{pyPlain, pyCoop, pyRemote, pySerial, pyLocal, ourAck},
		},
		{
			name: "both pgqd on our schema in PL", schema: oursInPL, tickers: []string{"ours", "theirs"},
			consumers: []kind{pyPlain, pySerial, ourPlain},
		},
		{
			name: "our pgqd on upstream's schema", schema: upstreams, tickers: []string{"ours"},
			consumers: []kind{ourPlain, ourExec, ourAck, ourInto, pyPlain},
		},
		{
			name: "both pgqd on upstream's schema", schema: upstreams, tickers: []string{"ours", "theirs"},
			consumers: []kind{ourInto, pyRemote}, repeats: true,
		},
		{
			name: "upstream's schema and triggers on our module", schema: upstreamsOnOurModule, tickers: []string{"theirs"},
			consumers: []kind{ourPlain, pyPlain}, triggers: true,
		},
		{
			name: "our pgqd and consumers on our schema in C", schema: oursInC, tickers: []string{"ours"},
			consumers: []kind{ourCoop, pyCoop},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := &world{t: t, dir: t.TempDir()}
			w.cluster, w.from = tt.schema(t)
			w.to = testpg.Shared(t).NewDB(t, testpg.Extensions("pgq_ext"))
			seed := uint64(number(t, "SOAK_SEED", time.Now().UnixNano()%1e9))
			t.Logf("SOAK_SEED=%d", seed)
			w.play(rand.New(rand.NewPCG(seed, 0)), tt.tickers, tt.consumers, tt.triggers, tt.repeats)
		})
	}
}

// number returns an environment variable's value, or a default.
func number(t *testing.T, name string, otherwise int64) int64 {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatalf("%s=%s is not a number", name, s)
	}
	return n
}

func events(t *testing.T) int64 {
	t.Helper()
	if os.Getenv("SOAK") != "" {
		return number(t, "SOAK_EVENTS", 100_000)
	}
	return number(t, "SOAK_EVENTS", 2_000)
}

// module is the cluster with our C module; the shared one has upstream's.
func module(t *testing.T) *testpg.Cluster {
	t.Helper()
	return testpg.Start(t, testpg.Bin(testpg.Tree(t).Bin))
}

func oursInC(t *testing.T) (*testpg.Cluster, string) {
	c := module(t)
	return c, c.NewDB(t, testpg.Extensions("pgq", "pgq_coop"), testpg.CModule())
}

func oursInPL(t *testing.T) (*testpg.Cluster, string) {
	c := testpg.Shared(t)
	return c, c.NewDB(t, testpg.Extensions("pgq", "pgq_coop"))
}

func upstreams(t *testing.T) (*testpg.Cluster, string) {
	c := testpg.Shared(t)
	dsn := c.NewDB(t)
	if _, err := testpg.Connect(t, dsn).Exec(t.Context(), "create extension pgq version '3.5'"); err != nil {
		testpg.Unavailable(t, "upstream's pgq is not installed: "+err.Error())
	}
	return c, dsn
}

// upstreamsOnOurModule is a database whose server got our files and whose
// schema is still upstream's.
func upstreamsOnOurModule(t *testing.T) (*testpg.Cluster, string) {
	tree := testpg.Tree(t)
	system, _ := filepath.Rel(tree.Root, tree.PGConfig)
	out, err := exec.Command("/"+system, "--sharedir").Output()
	if err != nil {
		t.Fatal(err)
	}
	share := strings.TrimSpace(string(out))
	script := filepath.Join(share, "extension", "pgq--3.5.sql")
	need(t, script)
	root, err := os.MkdirTemp(filepath.Dir(tree.Root), "mixed")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(root) })
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	run(t, "cp", "-al", filepath.Join(tree.Root, "usr"), root)
	run(t, "cp", "--remove-destination", script, filepath.Join(root, share, "extension"))
	c := testpg.Start(t, testpg.Bin(filepath.Join(root, filepath.Dir(system))))
	dsn := c.NewDB(t)
	testpg.Exec(t, dsn, "create extension pgq version '3.5'")
	return c, dsn
}

const theirTicker = "/usr/bin/pgqd"

// ticker makes a pgqd. Both houses read the same file.
func (w *world) ticker(house string) *process {
	w.t.Helper()
	cfg, err := pgx.ParseConfig(w.from)
	if err != nil {
		w.t.Fatal(err)
	}
	ini := w.file(house + ".ini")
	text := fmt.Sprintf(`[pgqd]
base_connstr = host=%s port=%d user=postgres
database_list = %s
pidfile = %s
syslog = 0
ticker_period = 0.2
check_period = 1
maint_period = 1
retry_period = 1
stats_period = 1
`, cfg.Host, cfg.Port, cfg.Database, w.file(house+".pid"))
	if err := os.WriteFile(ini, []byte(text), 0o644); err != nil {
		w.t.Fatal(err)
	}
	program := theirTicker
	if house == "ours" {
		program = scripttest.Tool(w.t, "pgqd")
	}
	return newProcess(w.t, "pgqd-"+house, w.dir, program, ini)
}

func (w *world) play(rnd *rand.Rand, tickers []string, kinds []kind, triggers, repeats bool) {
	t := w.t
	t.Helper()
	const got = "create table got (consumer text, ev_id bigint, ev_retry int, ev_data text)"
	testpg.Exec(t, w.to, got)
	testpg.Exec(t, w.from, got)
	testpg.Exec(t, w.from, `select pgq.create_queue('q'), pgq.set_queue_config('q', 'ticker_max_lag', '0.1'),
		pgq.set_queue_config('q', 'ticker_idle_period', '1'), pgq.set_queue_config('q', 'rotation_period', '1')`)
	if triggers {
		testpg.Exec(t, w.from, tables)
	}
	serverLog, err := os.ReadFile(w.cluster.LogFile())
	if err != nil {
		t.Fatal(err)
	}
	rotation := testpg.Value[time.Time](t, w.from, "select queue_switch_time from pgq.queue")

	var all []*process
	for _, house := range tickers {
		p := w.ticker(house)
		p.start()
		all = append(all, p)
	}
	var consumers []*consumer
	for _, k := range kinds {
		c := k(w)
		consumers = append(consumers, c)
		for _, p := range c.procs {
			p.start()
			all = append(all, p)
		}
	}

	// Whoever keeps its position with the effects is killed now and then.
	n := events(t)
	p := &production{t: t, dsn: w.from, total: n, triggers: triggers}
	made := make(chan struct{})
	go func() {
		defer close(made)
		p.run(rnd)
	}()
	kills := int64(2)
	if n > 10_000 {
		kills = 20
	}
	kills = max(kills, int64(len(w.acts)))
	for k := range kills {
		testpg.Wait(t, 10*time.Minute, "events", func() bool { return t.Failed() || p.made.Load() >= n*(k+1)/(kills+1) })
		if int(k) < len(w.acts) {
			w.acts[k]()
		}
		if w.rough {
			for _, c := range consumers {
				c.revive()
			}
		}
		for _, c := range consumers {
			if c.lasting {
				victim := c.procs[int(k)%len(c.procs)]
				victim.kill()
				victim.start()
			}
		}
	}
	<-made
	if t.Failed() {
		t.FailNow()
	}
	deadline := 3*time.Minute + time.Duration(n)*5*time.Millisecond
	arrive := func() {
		t.Helper()
		for _, c := range consumers {
			if w.rough {
				c.revive()
			}
			want := p.want(c.retries)
			end := time.Now().Add(deadline)
			testpg.Wait(t, deadline+time.Minute, "deliveries", func() bool {
				n := c.count()
				if n < len(want) && time.Now().After(end) {
					t.Fatalf("%s has got %d of %d within %s; consumers:\n%s", c.name, n, len(want), deadline, w.positions())
				}
				return n >= len(want) && (!repeats || len(c.read()) >= len(want))
			})
		}
	}
	arrive()
	// What would come twice has the time to do so until one more event has come.
	p.mark()
	arrive()
	testpg.Wait(t, deadline, "a rotation", func() bool {
		return testpg.Value[time.Time](t, w.from, "select queue_switch_time from pgq.queue").After(rotation)
	})
	for _, proc := range all {
		proc.stop()
		if !w.rough {
			proc.clean()
		}
	}
	for _, c := range consumers {
		want, got, more := p.want(c.retries), c.read(), 0
		for d, n := range got {
			if repeats && n > 1 {
				more += n - 1
				got[d] = 1
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, last(diff, 3000))
		}
		t.Logf("%s: %d events, %d deliveries, %d repeated", c.name, len(p.again), len(got), more)
	}
	if left := testpg.Value[int](t, w.from, "select count(*) from pgq.retry_queue"); left != 0 {
		t.Errorf("%d events still wait for a retry", left)
	}
	if !w.rough {
		w.checkServerLog(len(serverLog))
	}
}

// positions tells where all consumers stand.
func (w *world) positions() string {
	w.t.Helper()
	return testpg.Value[string](w.t, w.from, `select string_agg(concat_ws(' ', consumer_name, 'at', last_tick, 'batch', current_batch, 'lag', lag,
		'pending', pending_events), E'\n') || E'\nto be retried: ' || (select count(*) from pgq.retry_queue) from pgq.get_consumer_info('q')`)
}

// checkServerLog demands that the server had nothing to say about the run.
func (w *world) checkServerLog(from int) {
	w.t.Helper()
	b, err := os.ReadFile(w.cluster.LogFile())
	if err != nil {
		w.t.Fatal(err)
	}
	name := testpg.Value[string](w.t, w.from, "select current_database()::text")
	bad := regexp.MustCompile(`@` + regexp.QuoteMeta(name) + ` (ERROR|FATAL|PANIC|WARNING)`)
	for line := range bytes.Lines(b[from:]) {
		// this one tells of a process that was killed
		if bad.Match(line) && !bytes.Contains(line, []byte("connection to client lost")) {
			w.t.Errorf("the server says: %s", line)
		}
	}
}
