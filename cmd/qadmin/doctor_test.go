package main

import (
	"strings"
	"testing"

	"skytools/lib/testpg"
)

// TestDoctor makes each kind of damage and demands that it is found, repaired
// and then not found any more.
func TestDoctor(t *testing.T) {
	t.Parallel()
	const noFix = "not by qadmin"
	tests := []struct {
		name, damage, check, object string
		result                      string // "" is fixed
		after                       string // true when it is repaired
	}{
		{
			"restore", `update pgq.tick set tick_snapshot = format('%s:%s:', txid_current() + 1000000 + tick_id, txid_current() + 1000000 + tick_id)::txid_snapshot`,
			"ticks ahead", "queue q", "", `select pgq.ticker('q') is not null or true`,
		},
		{
			"tick sequence", `alter sequence pgq.event_1_tick_seq restart`,
			"sequence behind", "queue q", "", `select nextval('pgq.event_1_tick_seq') > (select max(tick_id) from pgq.tick)`,
		},
		{
			"event sequence", `alter sequence pgq.event_1_id_seq restart`,
			"sequence behind", "queue q", "", `select nextval('pgq.event_1_id_seq') > (select max(ev_id) from pgq.event_1)`,
		},
		{
			"batch sequence", `select pgq.next_batch('q', 'c'); alter sequence pgq.batch_id_seq restart`,
			"sequence behind", "batches", "", `select nextval('pgq.batch_id_seq') > 1`,
		},
		{
			"queue sequence", `alter sequence pgq.queue_queue_id_seq restart`,
			"sequence behind", "queues", "", `select pgq.create_queue('second') = 1`,
		},
		{
			"step 2", `update pgq.queue set queue_switch_step2 = null, queue_switch_time = now() - interval '1 hour'`,
			"rotation step missing", "queue q", "", `select queue_switch_step2 is not null from pgq.queue`,
		},
		{
			"position", `delete from pgq.tick where tick_id = 1`,
			"consumer without tick", "consumer c on q", "", `select exists (select from pgq.subscription join pgq.tick on tick_id = sub_last_tick)`,
		},
		{
			"trigger", `create table "t x" (id int primary key);
				create trigger "feed it" after insert on "t x" for each row execute function pgq.logutriga('gone')`,
			"trigger without queue", `table "t x"`, "", `with i as (insert into "t x" values (1) returning 1) select true`,
		},
		{
			"grant on a table", `revoke all on pgq.event_1_0 from pgq_reader, pgq_admin`,
			"missing grant", "queue q", "", `select has_table_privilege('pgq_reader', 'pgq.event_1_0', 'select')`,
		},
		{
			"grant to all", `revoke select on pgq.tick from public; revoke usage on schema pgq from public`,
			"missing grant", "relation pgq.tick", "", `select has_schema_privilege('public', 'pgq', 'usage') and has_table_privilege('public', 'pgq.tick', 'select')`,
		},
		{
			"no ticker", `update pgq.tick set tick_time = tick_time - interval '1 day'`,
			"no ticks", "queue q", noFix, `select true`,
		},
	}
	c := testpg.Shared(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dsn := c.NewDB(t, testpg.Extensions("pgq"))
			testpg.Exec(t, dsn, `select pgq.create_queue('q')`)
			testpg.Exec(t, dsn, `select pgq.register_consumer('q', 'c')`)
			testpg.Exec(t, dsn, `select pgq.insert_event('q', 't', 'd') from generate_series(1, 10)`)
			testpg.Exec(t, dsn, `select pgq.force_tick('q')`)
			testpg.Exec(t, dsn, `select pgq.ticker('q')`)
			doctor := func(statement string) string {
				t.Helper()
				code, out, stderr := runArgs(t.Context(), "-d", dsn, "-AtF", "|", "-q", "-c", statement)
				if code != 0 {
					t.Fatalf("%s: code %d, %s", statement, code, stderr)
				}
				return out
			}
			if out := doctor("doctor"); out != "" {
				t.Fatalf("found before the damage: %s", out)
			}
			for sql := range strings.SplitSeq(tt.damage, ";\n") {
				for sql := range strings.SplitSeq(sql, "; ") {
					testpg.Exec(t, dsn, sql)
				}
			}
			found := tt.check + "|" + tt.object + "|"
			if out := doctor("doctor"); !strings.HasPrefix(out, found) {
				t.Errorf("found %q, want %s", out, found)
			}
			want := tt.result
			if want == "" {
				want = "fixed"
			}
			out := doctor("doctor fix")
			for line := range strings.Lines(out) {
				if !strings.HasSuffix(line, "|"+want+"\n") {
					t.Errorf("fix says %s", line)
				}
			}
			if out := doctor("doctor"); tt.result == "" && out != "" {
				t.Errorf("found after the repair: %s", out)
			}
			if !testpg.Value[bool](t, dsn, tt.after) {
				t.Errorf("not true after the repair: %s", tt.after)
			}
		})
	}
}
