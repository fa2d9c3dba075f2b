package bench

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"skytools/lib/testpg"
)

var ourLondiste = tool("londiste")

const peerCascade = "/usr/lib/python3/dist-packages/pgq/cascade/worker.py"

// worker is a branch worker of python3-pgq.
const worker = `
import sys
from pgq.cascade.worker import CascadedWorker
class W(CascadedWorker):
    def connection_hook(self, dbname, conn):
        if dbname == 'db':
            conn.cursor().execute("set session_replication_role = 'replica'")
            conn.commit()
    def process_remote_event(self, src_curs, dst_curs, ev):
        pass
W('londiste', 'db', sys.argv[1:]).start()
`

// makeRoot makes a root in a database.
func makeRoot(t *testing.T, dsn string) {
	t.Helper()
	testpg.Exec(t, dsn, "select pgq_node.register_location('q', 'root', $1, false)", dsn)
	testpg.Exec(t, dsn, "select pgq_node.create_node('q', 'root', 'root', 'root_worker', null, null, null)")
}

// makeBranch makes a branch in a database, below a node in another one.
func makeBranch(t *testing.T, provider, from, name, dsn string) {
	t.Helper()
	testpg.Exec(t, from, "select pgq_node.register_location('q', $1, $2, false)", name, dsn)
	mark := testpg.Value[int64](t, from, "select global_watermark from pgq_node.register_subscriber('q', $1, $1 || '_worker', null)", name)
	testpg.Exec(t, dsn, "select pgq_node.register_location('q', $1, $2, false)", provider, from)
	testpg.Exec(t, dsn, "select pgq_node.register_location('q', $1, $2, false)", name, dsn)
	testpg.Exec(t, dsn, "select pgq_node.create_node('q', 'branch', $1, $1 || '_worker', $2, $3, null)", name, provider, mark)
}

// workerIni writes the configuration that both houses read.
func workerIni(t *testing.T, dsn, name string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	ini := filepath.Join(dir, name+".ini")
	text := fmt.Sprintf("[londiste]\njob_name = %s_worker\ndb = %s\nqueue_name = q\nloop_delay = 0.05\npidfile =\n", name, dsn)
	if err := os.WriteFile(ini, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return ini
}

// A branch that copies 200,000 events, against python3-pgq's worker with
// upstream's schema on both sides.
func TestBranch(t *testing.T) {
	for _, ticks := range []int{20, 200} {
		t.Run(fmt.Sprint(ticks), func(t *testing.T) { branch(t, ticks) })
	}
}

func branch(t *testing.T, ticks int) {
	const events = 200_000
	needPeer(t, "copy of a queue to a branch", peerCascade)
	c := testpg.Start(t, testpg.Conf("shared_buffers", "512MB"), testpg.Conf("max_wal_size", "4GB"))
	script := filepath.Join(t.TempDir(), "worker.py")
	if err := os.WriteFile(script, []byte(worker), 0o644); err != nil {
		t.Fatal(err)
	}
	const fill = `
		create procedure fill(n int, each int) language plpgsql as $$
		begin
			for i in 1 .. n loop
				perform pgq.insert_event('q', 'n', repeat('x', 150)) from generate_series(1, each);
				commit;
				perform pgq.force_tick('q');
				perform pgq.ticker('q');
				commit;
			end loop;
		end $$`
	side := func(ours bool) func() {
		database := func() string {
			if ours {
				return c.NewDB(t, testpg.Extensions("pgq", "pgq_node"))
			}
			dsn := c.NewDB(t)
			testpg.Exec(t, dsn, "create extension pgq version '3.5'; create extension pgq_node version '3.5'")
			return dsn
		}
		root := database()
		makeRoot(t, root)
		testpg.Exec(t, root, "select pgq.set_queue_config('q', 'rotation_period', '1 day')")
		testpg.Exec(t, root, fill)
		testpg.Exec(t, root, fmt.Sprintf("call fill(%d, %d)", ticks, events/ticks))
		top := testpg.Value[int64](t, root, "select max(tick_id) from pgq.tick")
		n := 0
		return func() {
			n++
			name := fmt.Sprintf("b%d", n)
			dsn := database()
			makeBranch(t, "root", root, name, dsn)
			ini := workerIni(t, dsn, name)
			cmd := exec.Command(ourLondiste, ini, "worker")
			if !ours {
				cmd = exec.Command(peerPython, script, ini)
			}
			start(t, cmd)
			testpg.Wait(t, 10*time.Minute, "the branch at the root's tick", func() bool {
				return testpg.Value[bool](t, dsn, "select exists (select 1 from pgq.tick where tick_id = $1)", top)
			})
			_ = cmd.Process.Kill()
		}
	}
	o, p, r := pairs(t, 3, side(true), side(false))
	report(t, row{
		name: fmt.Sprintf("branch copies 200,000 events in %d ticks", ticks),
		ours: ms(o), peer: ms(p), ratio: ratio(r), note: "peer: python3-pgq's worker and upstream's schema; aim 5",
	})
}

// From the commit of an event at the root to a consumer's stdout at a branch,
// one and two hops away.
func TestHop(t *testing.T) {
	const rate = 1000
	direct := latency(t, rate, ourSide)
	for hops := 1; hops <= 2; hops++ {
		took := latency(t, rate, func(t *testing.T, c *testpg.Cluster, dbname string) io.Reader {
			dsn := c.DSN(dbname)
			start(t, exec.Command(ourPgqd, "--base-connstr", baseConnstr(dsn, dbname), "--database-list", dbname))
			makeRoot(t, dsn)
			// each tick is a batch and a transaction at each node: 50 a second
			testpg.Exec(t, dsn, "select pgq.set_queue_config('q', 'ticker_max_lag', '0.02')")
			provider := "root"
			for i := range hops {
				name := fmt.Sprintf("b%d", i+1)
				branch := c.NewDB(t, testpg.Extensions("pgq", "pgq_node"))
				makeBranch(t, provider, dsn, name, branch)
				start(t, exec.Command(ourLondiste, workerIni(t, branch, name), "worker"))
				provider, dsn = name, branch
			}
			testpg.Exec(t, dsn, "select pgq.register_consumer('q', 'c')")
			return stdout(t, exec.Command(ourConsume, "-d", dsn, "-q", "q", "-c", "c", "--type", "n", "--quiet"))
		})
		report(t, row{
			name: fmt.Sprintf("commit to stdout at a branch, %d hops, %d events/s", hops, rate),
			ours: "p50 " + ms(quantile(took, 0.5)) + ", p99 " + ms(quantile(took, 0.99)),
			peer: "p50 " + ms(quantile(direct, 0.5)) + ", p99 " + ms(quantile(direct, 0.99)), ratio: "-", note: "ticker_max_lag 20 ms; peer: at the root itself, with 0; aim p99 100 ms a hop",
		})
	}
}
