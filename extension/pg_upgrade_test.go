package extension_test

import (
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skytools/lib/testpg"
)

// pgUpgrade starts a server of the newer version with what is in the older one,
// which it stops.
func pgUpgrade(t *testing.T, old *testpg.Cluster) *testpg.Cluster {
	t.Helper()
	const checksums = "select current_setting('data_checksums')::boolean"
	before := testpg.Value[bool](t, old.DSN("postgres"), checksums)
	old.Stop(t)
	new := upgradeCluster(t, testpg.Conf("max_connections", "60"))
	after := testpg.Value[bool](t, new.DSN("postgres"), checksums)
	new.Stop(t)
	if after && !before { // by default from 18 on; pg_upgrade wants both servers alike
		if out, err := new.Command("pg_checksums", "--disable", "-D", new.DataDir()).CombinedOutput(); err != nil {
			t.Fatalf("pg_checksums: %v\n%s", err, out)
		}
	}
	cmd := new.Command("pg_upgrade", "-b", old.BinDir(), "-B", new.BinDir(), "-d", old.DataDir(), "-D", new.DataDir(),
		"-U", "postgres", "-s", new.SocketDir())
	cmd.Dir = new.SocketDir()
	if out, err := cmd.CombinedOutput(); err != nil {
		logs, _ := filepath.Glob(filepath.Join(new.DataDir(), "pg_upgrade_output.d", "*", "log", "*"))
		for _, f := range logs {
			b, _ := os.ReadFile(f)
			t.Logf("%s:\n%s", f, b)
		}
		t.Fatalf("pg_upgrade: %v\n%s", err, out)
	}
	new.Start(t)
	return new
}

// oldCluster starts a server of the older version with upstream's scripts too.
func oldCluster(t *testing.T, opts ...testpg.Option) *testpg.Cluster {
	t.Helper()
	return testpg.Start(t, append(opts, testpg.Bin(testpg.OldUpstreamTree(t).Bin))...)
}

// TestPgUpgrade takes a cluster in the middle of its work through pg_upgrade:
// open batches, retry events, positions and rotation are as before.
func TestPgUpgrade(t *testing.T) {
	t.Parallel()
	old := oldCluster(t)
	src := old.NewDB(t, testpg.Name("work"))
	testpg.Exec(t, src, "create extension pgq; create extension pgq_coop; create extension pgq_ext")
	testpg.Exec(t, src, dumpSetup)
	for _, sql := range dumpWork {
		testpg.Exec(t, src, sql)
	}
	testpg.Exec(t, src, `
		select pgq_coop.register_subconsumer('branch', 'team', s) from unnest('{one,two}'::text[]) s;
		select pgq_ext.set_batch_done('a', 'b', 7), pgq_ext.set_last_tick('c', 'd', 8)`)
	want := state(t, src)

	dst := pgUpgrade(t, old).DSN("work")
	if diff := cmp.Diff(want, state(t, dst)); diff != "" {
		t.Fatalf("the upgraded database is not what it was (-old +new):\n%s", diff)
	}
	for what, sql := range map[string]string{
		"subconsumers": "select count(*) = 3 from pgq.get_consumer_info('branch') where consumer_name like 'team%'",
		"batch done":   "select pgq_ext.is_batch_done('a', 'b', 7)",
		"last tick":    "select pgq_ext.get_last_tick('c', 'd') = 8",
		"rebase":       "select pgq.rebase() = 0",
	} {
		if !testpg.Value[bool](t, dst, sql) {
			t.Errorf("%s: not as before", what)
		}
	}
	goesOn(t, dst)
}

// TestPgUpgradeLive takes upstream's schema, with ten queues in every state, to
// another server and then to our version there: each consumer gets each event
// as often as it would have. The two servers differ in version in make matrix.
func TestPgUpgradeLive(t *testing.T) {
	if os.Getenv("OLD_PG_CONFIG") == "" && os.Getenv("SOAK") == "" {
		t.Skip("make matrix runs it, from one major version to another")
	}
	t.Parallel()
	old := oldCluster(t, testpg.Conf("max_connections", "60"))
	w := &liveWorld{t: t, dsn: old.NewDB(t, testpg.Name("work")), sent: map[string][]string{}, got: map[string]map[string]int{}, want: map[string]map[string]int{}}
	w.setup()
	phase := 2 * time.Second
	// work runs all sessions; the last time until there is nothing left
	work := func(first int, until func()) {
		ctx, cancel := context.WithCancel(t.Context())
		producing, stop := context.WithCancel(ctx)
		var producers, others sync.WaitGroup
		for n := range 4 {
			producers.Go(func() { w.produce(producing, rand.New(rand.NewPCG(1, uint64(first+n))), first+n) })
		}
		for n, q := range liveQueues {
			others.Go(func() { w.consume(ctx, rand.New(rand.NewPCG(2, uint64(first+n))), q) })
		}
		others.Go(func() { w.maintain(ctx) })
		w.run(phase)
		stop()
		producers.Wait()
		until()
		cancel()
		others.Wait()
	}
	work(0, func() {})
	new := pgUpgrade(t, old)
	w.dsn = new.DSN("work")
	work(100, func() {})
	testpg.Exec(t, w.dsn, "alter extension pgq update")
	work(200, func() {
		testpg.Exec(t, w.dsn, "update pgq.queue set queue_ticker_paused = false")
		testpg.Wait(t, 2*time.Minute, "the consumers to come to the end", w.done)
	})
	w.check()
	t.Logf("from %s to %s", old.BinDir(), new.BinDir())
}
