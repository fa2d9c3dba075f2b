package extension_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"skytools/lib/testpg"
)

// Workers are in replica role, in which ordinary triggers do not fire: what the
// functions change must not be left to them.
func TestNodeStateInReplicaRole(t *testing.T) {
	t.Parallel()
	dsn := testpg.Shared(t).NewDB(t, testpg.Extensions("pgq", "pgq_node"))
	conn := testpg.Connect(t, dsn)
	state := func(sql string) string {
		t.Helper()
		if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		return testpg.Value[string](t, dsn, `select coalesce(string_agg(concat_ws(' ', consumer_name, provider_node, last_tick_id, paused, uptodate), ', ' order by consumer_name), '')
    from pgq_node.local_state`)
	}
	state(`set session_replication_role = replica`)
	for _, step := range []struct{ sql, want string }{
		{`select pgq_node.register_location('q', 'a', 'x', false), pgq_node.register_location('q', 'b', 'x', false);
    select pgq_node.create_node('q', 'root', 'a', 'w', null, null, null)`, "w a 1 f f"},
		{`select pgq_node.set_consumer_uptodate('q', 'w', true)`, "w a 1 f t"},
		{`select pgq_node.set_consumer_paused('q', 'w', true)`, "w a 1 t f"},
		{`select pgq_node.register_consumer('q', 'c', 'a', 1)`, "c a 1 f f, w a 1 t f"},
		{`select pgq_node.register_consumer('q', 'c', 'b', 2)`, "c b 2 f f, w a 1 t f"},
		{`select pgq_node.change_consumer_provider('q', 'c', 'a')`, "c a 2 f f, w a 1 t f"},
		{`select pgq_node.set_consumer_completed('q', 'c', 3)`, "c a 3 f f, w a 1 t f"},
		{`select pgq_node.demote_root('q', 1, 'b'); select pgq_node.demote_root('q', 2, 'b'); select pgq_node.demote_root('q', 3, 'b')`,
			"c a 3 f f, w b 2 t f"},
		{`select pgq.ticker('q', 3, now(), 1); select pgq_node.promote_branch('q')`, "c a 3 f f, w a 3 t f"},
		{`select pgq_node.set_global_watermark('q', 2)`, "c a 3 f f, w a 2 t f"},
	} {
		if got := state(step.sql); got != step.want {
			t.Fatalf("%s: got %s, want %s", step.sql, got, step.want)
		}
	}
}
