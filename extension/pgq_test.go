package extension_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skytools/lib/testpg"
)

// TestServerSettings is what takes another server than pg_regress has.
func TestServerSettings(t *testing.T) {
	t.Parallel()
	c := testpg.Start(t, testpg.Conf("autovacuum", "off"), testpg.Conf("max_prepared_transactions", "2"))
	t.Run("tables to vacuum", func(t *testing.T) { tablesToVacuum(t, c) })
	t.Run("prepared transaction", func(t *testing.T) { preparedTransaction(t, c) })
}

// tablesToVacuum looks at the list that is empty where autovacuum is on.
func tablesToVacuum(t *testing.T, c *testpg.Cluster) {
	dsn := c.NewDB(t, testpg.Extensions("pgq"))
	list := func() []string {
		return strings.Fields(testpg.Value[string](t, dsn,
			"select string_agg(t, ' ' order by n) from pgq.maint_tables_to_vacuum() with ordinality x (t, n)"))
	}
	own := []string{"pgq.registration", "pgq.consumer", "pgq.queue", "pgq.event_table", "pgq.position_state", "pgq.tick", "pgq.retry_queue"}
	if diff := cmp.Diff(own, list()); diff != "" {
		t.Errorf("pgq alone (-want +got):\n%s", diff)
	}
	// Of pgq_ext and pgq_node the tables, and not the views that are called as upstream's.
	dsn = c.NewDB(t, testpg.Extensions("pgq", "pgq_ext", "pgq_node"))
	testpg.Exec(t, dsn, `
		create schema londiste; create table londiste.completed (a int); create table londiste.seq_info (queue_name text, local boolean);
		create schema txid; create table txid.epoch (a int)`)
	want := append(own, "pgq_ext.completed_event", "pgq_ext.tracker", "pgq_ext.tracker_log",
		"pgq_node.local_consumer", "pgq_node.local_position", "londiste.seq_info", "txid.epoch", "londiste.completed")
	if diff := cmp.Diff(want, list()); diff != "" {
		t.Errorf("with others (-want +got):\n%s", diff)
	}

	got := testpg.Value[string](t, dsn, "select string_agg(func_name || ' ' || coalesce(func_arg, '-'), ', ') from pgq.maint_operations()")
	if want := "vacuum " + strings.Join(want, ", vacuum "); got != want {
		t.Errorf("maint_operations: got %s, want %s", got, want)
	}
	for _, table := range want {
		testpg.Exec(t, dsn, "vacuum "+table)
	}
}

// preparedTransaction leaves an event in a transaction without a process:
// rotation goes past it, names it, and nothing is lost.
func preparedTransaction(t *testing.T, c *testpg.Cluster) {
	dsn := c.NewDB(t, testpg.Extensions("pgq"))
	for _, sql := range []string{
		"select pgq.create_queue('q'), pgq.register_consumer('q', 'c')",
		"update pgq.queue set queue_ticker_max_lag = '0', queue_ticker_idle_period = '0', queue_rotation_period = '0'",
		"begin; select pgq.insert_event('q', 't', 'prepared'); prepare transaction 'held back'",
		"select pgq.maint_rotate_tables_step1('q')",
		"select pgq.maint_rotate_tables_step2()",
		"select pgq.ticker('q')",
		"select pgq.finish_batch(pgq.next_batch('q', 'c'))",
	} {
		testpg.Exec(t, dsn, sql)
	}
	const blocker = `
		select state || ' ' || blocker || ' ' || blocker_kind || ' ' || pid || ' ' || (age >= '0')
		  from pgq.get_rotation_info('q') where table_name like '%_0'`
	if got, want := testpg.Value[string](t, dsn, blocker), "written held back writer 0 true"; got != want {
		t.Errorf("get_rotation_info: got %q, want %q", got, want)
	}
	for _, sql := range []string{
		"commit prepared 'held back'",
		"select pgq.maint_rotate_tables_step2()",
		"select pgq.ticker('q')",
		"select pgq.next_batch('q', 'c')",
	} {
		testpg.Exec(t, dsn, sql)
	}
	const events = "select string_agg(e.ev_data, ' ') from pgq.subscription s, pgq.get_batch_events(s.sub_batch) e"
	if got := testpg.Value[string](t, dsn, events); got != "prepared" {
		t.Errorf("consumed: got %q", got)
	}
}
