package extension_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skytools/lib/testpg"
)

// TestUpstreamSchema runs upstream's schema on our libraries, as a database
// does from the hour its server's packages are upgraded until its schema is.
func TestUpstreamSchema(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("pg_config", "--sharedir").Output()
	if err != nil {
		testpg.Unavailable(t, "no pg_config: "+err.Error())
	}
	schema, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "contrib", "pgq.sql"))
	if err != nil {
		testpg.Unavailable(t, "no upstream: install postgresql-N-pgq3: "+err.Error())
	}
	c, _ := treeCluster(t)
	dsn := c.NewDB(t)
	testpg.Exec(t, dsn, string(schema))
	testpg.Exec(t, dsn, `
		select pgq.create_queue('q');
		create function pgq.logtriga() returns trigger as '$libdir/pgq_triggers', 'pgq_logtriga' language c;
		create table t (id int primary key, a text, b text);
		create trigger a after insert or update or delete on t for each row execute function pgq.logutriga('q', 'backup');
		create trigger b after insert or update or delete on t for each row execute function pgq.sqltriga('q', 'ignore=b');
		create trigger c after insert or update or delete on t for each row execute function pgq.jsontriga('q', 'ev_extra3=a', 'when=id < 5');
		create trigger d after insert or update or delete on t for each row execute function pgq.logtriga('q', 'kv');
		select pgq.insert_event('q', 'type', 'data');
		select pgq.insert_event_raw('q', 77, now(), 1, 2, 'raw', 'data', 'e1', null, null, null);
		insert into t values (1, 'x y', 'b');
		update t set a = 'z';
		update t set b = 'c';
		delete from t`)
	got := strings.Split(testpg.Value[string](t, dsn, `select string_agg(concat_ws(' | ', ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3), E'\n' order by ev_id)
		from pgq.event_template where ev_id <> 77`), "\n")
	want := []string{
		"type | data",
		"I:id | id=1&a=x+y&b=b | public.t",
		"I | (id,a) values ('1','x y') | public.t",
		`{"op":"INSERT","table":["public","t"],"pkey":["id"]} | {"id":1,"a":"x y","b":"b"} | public.t | x y`,
		"I | (id,a) values ('1','x y') | public.t",
		"U:id | id=1&a=z&b=b | public.t | id=1&a=x+y&b=b",
		"U | a='z' where id='1' | public.t",
		`{"op":"UPDATE","table":["public","t"],"pkey":["id"]} | {"id":1,"a":"z","b":"b"} | public.t | z`,
		"U | a='z' where id='1' | public.t",
		"U:id | id=1&a=z&b=c | public.t | id=1&a=z&b=b",
		`{"op":"UPDATE","table":["public","t"],"pkey":["id"]} | {"id":1,"a":"z","b":"c"} | public.t | z`,
		"D:id | id=1&a=z&b=c | public.t",
		"D | id='1' | public.t",
		`{"op":"DELETE","table":["public","t"],"pkey":["id"]} | {"id":1,"a":"z","b":"c"} | public.t | z`,
		"D | id='1' | public.t",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}

	// A writer whose snapshot is older than a rotation: upstream's own library
	// loses the event.
	writer := testpg.Connect(t, dsn)
	ctx := t.Context()
	tx, err := writer.Begin(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(ctx, "set transaction isolation level repeatable read; select 1"); err != nil {
		t.Fatal(err)
	}
	testpg.Exec(t, dsn, "update pgq.queue set queue_rotation_period = '0', queue_switch_time = 'yesterday', queue_ticker_max_lag = '0'")
	for _, sql := range []string{"select pgq.maint_rotate_tables_step1('q')", "select pgq.maint_rotate_tables_step2()"} {
		testpg.Exec(t, dsn, sql)
	}
	if n := testpg.Value[int](t, dsn, "select queue_cur_table from pgq.queue"); n != 1 {
		t.Fatalf("current table is %d, want 1: not rotated", n)
	}
	if _, err := tx.Exec(ctx, "select pgq.insert_event('q', 'late', '')"); err != nil {
		t.Fatal(err)
	}
	if err := tx.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if got := testpg.Value[string](t, dsn, "select tableoid::regclass::text from pgq.event_template where ev_type = 'late'"); got != "pgq.event_1_1" {
		t.Errorf("the event is in %s, want the current table", got)
	}
}
