package extension_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skytools/lib/testpg"
)

// TestTablesToVacuum looks at the list that is empty where autovacuum is on.
func TestTablesToVacuum(t *testing.T) {
	t.Parallel()
	c := testpg.Start(t, testpg.Conf("autovacuum", "off"))
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
