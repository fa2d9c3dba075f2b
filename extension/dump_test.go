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

// dumpSetup leaves a database in the middle of its work: a queue with more
// event tables than three because one consumer is far behind, an open batch,
// retry events, positions in both logs, one of them not yet carried over.
const dumpSetup = `
	select pgq.create_queue('shop'), pgq.create_queue('gone'), pgq.create_queue('branch');
	update pgq.queue set queue_ticker_max_lag = '0', queue_ticker_idle_period = '0', queue_per_tx_limit = 1000;
	update pgq.queue set queue_external_ticker = true, queue_disable_insert = true, queue_extra_maint = '{pgq.version}'
	 where queue_name = 'branch';
	select pgq.register_consumer('shop', 'slow'), pgq.register_consumer('shop', 'fast'), pgq.register_consumer('branch', 'fast');
	select pgq.drop_queue('gone');
	create table got (ev_id bigint);
	create procedure consume(consumer text, batches int) as $$
	declare
	    b bigint;
	begin
	    for i in 1 .. batches loop
	        b := pgq.next_batch('shop', consumer);
	        exit when b is null;
	        if consumer = 'slow' then
	            insert into got select ev_id from pgq.get_batch_events(b);
	        end if;
	        perform pgq.finish_batch(b);
	        commit;
	    end loop;
	end $$ language plpgsql;
	create procedure periods(n int) as $$
	begin
	    for i in 1 .. n loop
	        perform pgq.insert_event('shop', 'type', 'event ' || g, 'é', null, '', 'x') from generate_series(1, 3) g;
	        commit;
	        perform pgq.ticker();
	        commit;
	        update pgq.queue set queue_switch_time = queue_switch_time - interval '1 day' where queue_name = 'shop';
	        perform pgq.maint_rotate_tables_step1('shop');
	        commit;
	        perform pgq.maint_rotate_tables_step2();
	        commit;
	    end loop;
	end $$ language plpgsql;`

var dumpWork = []string{
	"call periods(4)",
	"call consume('fast', 100)",
	"call consume('slow', 1)",
	// Fills the log of positions, which is left then. Slow goes on in the new one.
	`insert into pgq.position_0 (reg_id, pos_seq, last_tick)
	 select s.reg_id, 1000 + n, p.last_tick
	   from pgq.registration s, pgq.consumer c, pgq._position(s.reg_id) p, generate_series(1, 20000) n
	  where c.co_id = s.sub_consumer and c.co_name = 'slow'`,
	"select pgq.maint_position_logs()",
	"select pgq.next_batch('shop', 'slow')",
	"select pgq.event_retry(sub_batch, min(ev_id), 0) from pgq.subscription, pgq.get_batch_events(sub_batch) where sub_batch is not null group by sub_batch",
	"select pgq.event_retry_raw('shop', 'fast', 'infinity', null, now(), 0, 't', 'later', null, null, null, null)",
}

// state returns all that there is in schema pgq, by the name of the relation.
func state(t *testing.T, dsn string) map[string]string {
	t.Helper()
	got := map[string]string{}
	names := testpg.Value[[]string](t, dsn, `
		select array_agg(relkind::text || c.oid::regclass::text order by 1) from pg_class c
		 where c.relnamespace = 'pgq'::regnamespace and c.relkind in ('r', 'S', 'v')`)
	for _, name := range names {
		kind, rel := name[0], name[1:]
		query := "select coalesce(string_agg(t::text, E'\n' order by t::text), '') from " + rel + " t"
		if kind == 'S' {
			query = "select last_value || ' ' || is_called from " + rel
		}
		got[rel] = testpg.Value[string](t, dsn, query)
	}
	// 17 has MAINTAIN
	got["rights"] = testpg.Value[string](t, dsn, `
		select string_agg(format('%s %s %s', c.oid::regclass, c.reloptions, array(select replace(a::text, 'arwdDxtm', 'arwdDxt') from unnest(c.relacl) a order by 1)), E'\n' order by c.oid::regclass::text)
		  from pg_class c where c.relnamespace = 'pgq'::regnamespace and c.relname ~ '^event_\d'`)
	return got
}

// TestDumpRestore demands that a restored database is what the dumped one was
// and goes on from there: batches, retry events, rotation, all sequences.
//
// pg_restore -j is not here: it loads an extension's tables in any order and
// fails at their foreign keys, as it does with upstream's.
func TestDumpRestore(t *testing.T) {
	t.Parallel()
	c, _ := treeCluster(t)
	extensionDB := func(t *testing.T) string {
		dsn := c.NewDB(t)
		testpg.Exec(t, dsn, "create extension pgq")
		return dsn
	}
	schemaDB := func(t *testing.T) string { return c.NewDB(t, testpg.Extensions("pgq")) }
	for _, test := range []struct {
		name    string
		make    func(t *testing.T) string
		format  string
		restore func(dsn, file string) *exec.Cmd
	}{
		{"extension, plain", extensionDB, "plain", func(dsn, file string) *exec.Cmd {
			return c.Command("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", dsn, "-f", file)
		}},
		{"extension, custom", extensionDB, "custom", func(dsn, file string) *exec.Cmd {
			return c.Command("pg_restore", "--exit-on-error", "-d", dsn, file)
		}},
		{"plain schema", schemaDB, "custom", func(dsn, file string) *exec.Cmd {
			return c.Command("pg_restore", "--exit-on-error", "-d", dsn, file)
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			src := test.make(t)
			testpg.Exec(t, src, dumpSetup)
			for _, sql := range dumpWork {
				testpg.Exec(t, src, sql)
			}
			if n := testpg.Value[int](t, src, "select queue_ntables from pgq.queue where queue_name = 'shop'"); n < 4 {
				t.Fatalf("the setup is not what it should be: %d event tables", n)
			}
			if n := testpg.Value[int](t, src, "select cur from pgq.position_state"); n != 1 {
				t.Fatalf("the setup is not what it should be: position log %d", n)
			}
			want := state(t, src)

			dst := c.NewDB(t)
			file := filepath.Join(c.SocketDir(), strings.ReplaceAll(test.name, " ", "_")+".dump")
			for _, cmd := range []*exec.Cmd{
				c.Command("pg_dump", "--format="+test.format, "-f", file, "-d", src),
				test.restore(dst, file),
			} {
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%s", cmd, err, out)
				}
			}
			if diff := cmp.Diff(want, state(t, dst)); diff != "" {
				t.Fatalf("restored is not what was dumped (-dumped +restored):\n%s", diff)
			}
			goesOn(t, src)
			goesOn(t, dst)
		})
	}
}

// TestDumpRestoreNewer takes a dump to a server of a newer version, with that
// one's pg_dump.
func TestDumpRestoreNewer(t *testing.T) {
	if os.Getenv("OLD_PG_CONFIG") == "" {
		t.Skip("make matrix runs it, from one major version to another")
	}
	t.Parallel()
	old, c := oldCluster(t), upgradeCluster(t)
	src, dst := old.NewDB(t), c.NewDB(t)
	testpg.Exec(t, src, "create extension pgq; create extension pgq_coop")
	testpg.Exec(t, src, dumpSetup)
	for _, sql := range append(dumpWork, "select pgq_coop.register_subconsumer('branch', 'team', 'one')") {
		testpg.Exec(t, src, sql)
	}
	want := state(t, src)
	file := filepath.Join(c.SocketDir(), "dump")
	for _, cmd := range []*exec.Cmd{
		c.Command("pg_dump", "--format=custom", "-f", file, "-d", src),
		c.Command("pg_restore", "--exit-on-error", "-d", dst, file),
	} {
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", cmd, err, out)
		}
	}
	if diff := cmp.Diff(want, state(t, dst)); diff != "" {
		t.Fatalf("restored is not what was dumped (-dumped +restored):\n%s", diff)
	}
	if n := testpg.Value[int](t, dst, "select count(*) from pgq.get_consumer_info('branch') where consumer_name like 'team%'"); n != 2 {
		t.Errorf("%d consumers and subconsumers, want 2", n)
	}
	testpg.Exec(t, dst, "select pgq.rebase()")
	goesOn(t, dst)
}

// goesOn works on in a database that is as dumpSetup has left it.
func goesOn(t *testing.T, dsn string) {
	t.Helper()
	open := testpg.Value[int64](t, dsn, "select sub_batch from pgq.subscription where sub_batch is not null")
	if got := testpg.Value[int64](t, dsn, "select pgq.next_batch('shop', 'slow')"); got != open {
		t.Errorf("next_batch = %d, want the open one, %d", got, open)
	}
	for _, sql := range []string{
		"call consume('slow', 1)",
		"select pgq.maint_position_logs()",
		"call periods(2)",
		"call consume('slow', 100)",
	} {
		testpg.Exec(t, dsn, sql)
	}
	const ids = "select string_agg(ev_id::text, ' ' order by ev_id) from got"
	want := "1 2 3 4 5 6 7 8 9 10 11 12 14 15 16 17 18 19" // 13: taken by event_retry_raw
	if got := testpg.Value[string](t, dsn, ids); got != want {
		t.Errorf("consumed: got %s, want %s", got, want)
	}

	testpg.Exec(t, dsn, "truncate got")
	if n := testpg.Value[int](t, dsn, "select pgq.maint_retry_events()"); n != 1 {
		t.Errorf("maint_retry_events = %d, want 1", n)
	}
	testpg.Exec(t, dsn, "select pgq.ticker()")
	testpg.Exec(t, dsn, "call consume('slow', 100)")
	if got := testpg.Value[string](t, dsn, ids); got != "4" {
		t.Errorf("retried: got %s, want 4", got)
	}

	for range 3 {
		testpg.Exec(t, dsn, "call periods(1)")
		testpg.Exec(t, dsn, "call consume('slow', 100)")
		testpg.Exec(t, dsn, "call consume('fast', 100)")
	}
	if n := testpg.Value[int](t, dsn, "select queue_ntables from pgq.queue where queue_name = 'shop'"); n != 3 {
		t.Errorf("%d event tables, want 3", n)
	}
	if got := testpg.Value[int](t, dsn, "select pgq.create_queue('new') + pgq.register_consumer('new', 'somebody')"); got != 2 {
		t.Errorf("create_queue + register_consumer = %d, want 2", got)
	}
	if got := testpg.Value[int](t, dsn, "select sum(pgq.drop_queue(queue_name, true)) from pgq.queue"); got != 3 {
		t.Errorf("drop_queue of all: %d, want 3", got)
	}
}
