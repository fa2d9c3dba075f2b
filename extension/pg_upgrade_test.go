package extension_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skytools/lib/testpg"
)

// TestPgUpgrade takes a cluster in the middle of its work through pg_upgrade:
// open batches, retry events, positions and rotation are as before.
func TestPgUpgrade(t *testing.T) {
	t.Parallel()
	old, tree := treeCluster(t)
	db := testpg.Name("work")
	src := old.NewDB(t, db)
	testpg.Exec(t, src, "create extension pgq; create extension pgq_coop; create extension pgq_ext")
	testpg.Exec(t, src, dumpSetup)
	for _, sql := range dumpWork {
		testpg.Exec(t, src, sql)
	}
	testpg.Exec(t, src, `
		select pgq_coop.register_subconsumer('branch', 'team', s) from unnest('{one,two}'::text[]) s;
		select pgq_ext.set_batch_done('a', 'b', 7), pgq_ext.set_last_tick('c', 'd', 8)`)
	want := state(t, src)
	old.Stop(t)

	new, _ := treeCluster(t)
	new.Stop(t)
	cmd := new.Command("pg_upgrade", "-b", old.BinDir(), "-B", tree.Bin, "-d", old.DataDir(), "-D", new.DataDir(),
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
	dst := new.DSN("work")
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
