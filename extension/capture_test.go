package extension_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"skytools/lib/testpg"
)

// eachFlavour runs a test on a server with each flavour of the extensions.
func eachFlavour(t *testing.T, test func(t *testing.T, c *testpg.Cluster), opts ...testpg.Option) {
	t.Parallel()
	trees := map[string]func(testing.TB) testpg.ServerTree{"c": testpg.Tree, "plpgsql": testpg.PLTree}
	for name, tree := range trees {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, testpg.Start(t, append(opts, testpg.Bin(tree(t).Bin))...))
		})
	}
}

// newPgq makes a database with pgq as CREATE EXTENSION makes it.
func newPgq(t *testing.T, c *testpg.Cluster) string {
	t.Helper()
	dsn := c.NewDB(t)
	testpg.Exec(t, dsn, "create extension pgq")
	return dsn
}

// TestLogicalApply captures rows that a subscription writes, which is done with
// session_replication_role = replica.
func TestLogicalApply(t *testing.T) {
	eachFlavour(t, func(t *testing.T, c *testpg.Cluster) {
		from, to := c.NewDB(t), newPgq(t, c)
		const table = "create table %s (id int primary key, a text);"
		testpg.Exec(t, from, fmt.Sprintf(table, "always")+fmt.Sprintf(table, "replica")+fmt.Sprintf(table, "origin")+`
			insert into always values (1, 'copied');
			create publication p for all tables`)
		testpg.Exec(t, from, "select pg_create_logical_replication_slot('s', 'pgoutput')")
		testpg.Exec(t, to, "select pgq.create_queue('q')")
		testpg.Exec(t, to, "update pgq.queue set queue_disable_insert = true")
		for _, name := range []string{"always", "replica", "origin"} {
			testpg.Exec(t, to, fmt.Sprintf(table, name)+fmt.Sprintf(`
				create trigger x after insert or update or delete on %[1]s for each row execute function pgq.logutriga('q', 'ev_extra3=a || id', 'backup')`, name))
		}
		testpg.Exec(t, to, "alter table always enable always trigger x; alter table replica enable replica trigger x")
		testpg.Exec(t, to, fmt.Sprintf("create subscription s connection %s publication p with (create_slot = false, slot_name = 's')", quote(from)))
		synced := func() bool {
			return testpg.Value[bool](t, to, "select count(*) = 3 and bool_and(srsubstate in ('r', 's')) from pg_subscription_rel")
		}
		testpg.Wait(t, time.Minute, "first copy of the tables", synced)
		testpg.Exec(t, from, `
			insert into origin values (1, 'o');
			insert into always values (2, 'b');
			update always set a = 'c' where id = 2;
			insert into replica values (3, 'd'), (4, 'e');
			delete from replica where id = 3;
			truncate replica;
			insert into always values (9, 'last')`)
		testpg.Wait(t, time.Minute, "apply", func() bool {
			return testpg.Value[bool](t, to, "select exists (select from always where id = 9)")
		})
		got := testpg.Value[[]string](t, to, `
			select array_agg(concat_ws(' | ', ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3) order by ev_id) from pgq.event_template`)
		want := []string{
			"I:id | id=1&a=copied | public.always | copied1",
			"I:id | id=2&a=b | public.always | b2",
			"U:id | id=2&a=c | public.always | id=2&a=b | c2",
			"I:id | id=3&a=d | public.replica | d3",
			"I:id | id=4&a=e | public.replica | e4",
			"D:id | id=3&a=d | public.replica | d3",
			"I:id | id=9&a=last | public.always | last9",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	}, testpg.Conf("wal_level", "logical"))
}

// quote makes an SQL literal.
func quote(s string) string {
	return "'" + regexp.MustCompile(`'`).ReplaceAllString(s, "''") + "'"
}

// TestHugePayload puts in events of 1 MB and 100 MB, directly and by triggers,
// and demands that the session gives the memory back.
func TestHugePayload(t *testing.T) {
	eachFlavour(t, func(t *testing.T, c *testpg.Cluster) {
		dsn := newPgq(t, c)
		conn := testpg.Connect(t, dsn)
		ctx := t.Context()
		exec := func(sql string, args ...any) {
			t.Helper()
			if _, err := conn.Exec(ctx, sql, args...); err != nil {
				t.Fatal(err)
			}
		}
		exec(`select pgq.create_queue('q');
			create table t (id int primary key, n text, a text);
			create trigger x after insert or update on t for each row execute function pgq.jsontriga('q');
			create trigger y after update of n on t for each row execute function pgq.sqltriga('q')`)
		used := func() (bytes, rss int64) {
			t.Helper()
			var pid int
			if err := conn.QueryRow(ctx, "select pg_backend_pid(), sum(total_bytes)::bigint from pg_backend_memory_contexts").Scan(&pid, &bytes); err != nil {
				t.Fatal(err)
			}
			status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
			if err != nil {
				testpg.Unavailable(t, err.Error())
			}
			m := regexp.MustCompile(`RssAnon:\s*(\d+) kB`).FindSubmatch(status)
			if m == nil {
				testpg.Unavailable(t, "no RssAnon in /proc")
			}
			rss, _ = strconv.ParseInt(string(m[1]), 10, 64)
			return bytes, rss * 1024
		}
		const mb = 1 << 20
		for _, size := range []int{mb, 100 * mb} {
			if size > mb && os.Getenv("SOAK") == "" && t.Name() != "TestHugePayload/c" {
				continue // slow
			}
			exec("truncate t; truncate pgq.event_template cascade")
			exec("select pgq.insert_event('q', 'direct', repeat('x', $1))", size)
			exec("select pgq.insert_events('q', array['direct'], array[repeat('y', $1)])", size)
			exec("insert into t values (1, 'n', repeat('z', $1))", size)
			exec("update t set n = 'short'")
			if bytes, rss := used(); bytes > 20*mb || rss > 60*mb {
				t.Errorf("after events of %d bytes the session holds %d bytes in contexts, %d resident", size, bytes, rss)
			}
			row := fmt.Sprintf(`{"id":1,"n":"n","a":"%d"}`, size)
			got := testpg.Value[[]string](t, dsn, `
				select array_agg(left(ev_type, 14) || ' ' || length(ev_data) order by ev_id) from pgq.event_template`)
			want := []string{
				fmt.Sprint("direct ", size), fmt.Sprint("direct ", size),
				fmt.Sprint(`{"op":"INSERT" `, len(row)-len(strconv.Itoa(size))+size),
				fmt.Sprint(`{"op":"UPDATE" `, len(row)-len(strconv.Itoa(size))+size+4),
				fmt.Sprint("U ", len("n='short' where id='1'")),
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("events of %d bytes (-want +got):\n%s", size, diff)
			}
		}
	})
}

// TestExtensionMadeAnew drops and creates the extension under sessions that
// know the old one's relations, in the middle of a transaction too.
func TestExtensionMadeAnew(t *testing.T) {
	eachFlavour(t, func(t *testing.T, c *testpg.Cluster) {
		dsn := newPgq(t, c)
		const setup = `
			select pgq.create_queue('q');
			create table t (id int primary key);
			create trigger x after insert on t for each row execute function pgq.logutriga('q')`
		testpg.Exec(t, dsn, setup)
		conn := testpg.Connect(t, dsn)
		ctx := t.Context()
		exec := func(sql string) {
			t.Helper()
			if _, err := conn.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
				t.Fatal(err)
			}
		}
		events := func(want string) {
			t.Helper()
			var got string
			if err := conn.QueryRow(ctx, "select coalesce(string_agg(ev_type || ' ' || ev_data, ', ' order by ev_id), '') from pgq.event_template",
				pgx.QueryExecModeSimpleProtocol).Scan(&got); err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("events %q, want %q", got, want)
			}
		}
		const anew = "drop table t; select pgq.drop_queue('q', true); drop extension pgq; create extension pgq; "
		const insert = "select pgq.insert_event('q', 't', 'd'); insert into t values (1); "
		exec(insert)
		events("t d, I:id id=1")
		// by another session
		testpg.Exec(t, dsn, anew+setup)
		exec(insert)
		events("t d, I:id id=1")
		// by itself, and not after all
		exec("begin; select pgq.insert_event('q', 't', 'before'); savepoint a; " + anew + setup + "; " + insert)
		events("t d, I:id id=1")
		exec("rollback to a; select pgq.insert_event('q', 't', 'after'); insert into t values (2); commit")
		events("t d, I:id id=1, t before, t after, I:id id=2")
		exec("begin; select pgq.insert_event('q', 't', 'before'); " + anew + setup + "; " + insert + "commit; insert into t values (3)")
		events("t d, I:id id=1, I:id id=3")
		// none at all
		testpg.Exec(t, dsn, "drop table t; select pgq.drop_queue('q', true); drop extension pgq")
		if _, err := conn.Exec(ctx, "select pgq.insert_event('q', 't', 'd')", pgx.QueryExecModeSimpleProtocol); err == nil {
			t.Error("no error without the extension")
		}
	})
}

// TestEventTableChangedUnderWriters changes an event table in all ways while
// sessions write to it, and demands that no event and no index entry is missing.
func TestEventTableChangedUnderWriters(t *testing.T) {
	eachFlavour(t, func(t *testing.T, c *testpg.Cluster) {
		dsn := newPgq(t, c)
		testpg.Exec(t, dsn, `
			create extension amcheck;
			select pgq.create_queue('q');
			create table t (id int primary key, a text);
			create trigger x after insert on t for each row execute function pgq.sqltriga('q');
			create function loud() returns trigger as $$ begin new.ev_extra4 := 'loud'; return new; end $$ language plpgsql`)
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		const writers = 3
		written := make([]int, writers)
		var group sync.WaitGroup
		for w := range writers {
			conn := testpg.Connect(t, dsn)
			group.Go(func() {
				for ctx.Err() == nil {
					id := written[w]*writers + w
					if _, err := conn.Exec(t.Context(), fmt.Sprintf(`begin; insert into t values (%[1]d, 'x');
						select pgq.insert_event('q', 'e', 'd%[1]d'); select pgq.insert_events('q', array['m', 'm'], array['m%[1]d', null]); commit`, id)); err != nil {
						t.Errorf("writer %d: %v", w, err)
						return
					}
					written[w]++
				}
			})
		}
		for _, sql := range []string{
			"create index concurrently by_type on pgq.event_1_0 (ev_type, ev_id)",
			"alter table pgq.event_1_0 add column more int default 7",
			"create unique index concurrently by_id on pgq.event_1_0 (ev_id)",
			"create trigger loud before insert on pgq.event_1_0 for each row execute function loud()",
			"create index concurrently partial on pgq.event_1_0 (lower(ev_data)) where ev_type = 'e'",
			"alter table pgq.event_1_0 drop column more",
			"drop trigger loud on pgq.event_1_0",
			"drop index concurrently pgq.partial",
			"reindex table concurrently pgq.event_1_0",
			"alter table pgq.event_1_0 add check (ev_type <> 'x')",
			"vacuum full pgq.event_1_0",
			"vacuum full pgq.queue",
		} {
			testpg.Exec(t, dsn, sql)
		}
		stop()
		group.Wait()
		total := 0
		for _, n := range written {
			total += n
		}
		type counts struct{ Events, Direct, Many, Row int }
		var got counts
		if err := testpg.Connect(t, dsn).QueryRow(t.Context(), `
			select count(*), count(distinct ev_data) filter (where ev_type = 'e'), count(*) filter (where ev_type = 'm'),
			       count(distinct ev_data) filter (where ev_type = 'I') from pgq.event_1`).Scan(&got.Events, &got.Direct, &got.Many, &got.Row); err != nil {
			t.Fatal(err)
		}
		if want := (counts{4 * total, total, 2 * total, total}); got != want || total == 0 {
			t.Errorf("events %+v, want %+v", got, want)
		}
		// each row is in each index
		testpg.Exec(t, dsn, `select bt_index_check(indexrelid, true) from pg_index where indrelid = 'pgq.event_1_0'::regclass`)
		if n := testpg.Value[int](t, dsn, "select count(*) from pg_index where indrelid = 'pgq.event_1_0'::regclass and indisvalid"); n != 3 {
			t.Errorf("%d valid indexes, want 3", n)
		}
	})
}

// TestPreparedTransaction leaves events in transactions without a process.
// Rotation goes past them, names them and leaves their table alone, also after
// a crash, and nothing is lost.
func TestPreparedTransaction(t *testing.T) {
	eachFlavour(t, func(t *testing.T, c *testpg.Cluster) {
		dsn := newPgq(t, c)
		for _, sql := range []string{
			"select pgq.create_queue('q'), pgq.register_consumer('q', 'c')",
			"update pgq.queue set queue_ticker_max_lag = '0', queue_ticker_idle_period = '0', queue_rotation_period = '0'",
			"create table t (id int primary key, a text)",
			"create trigger x after insert or update or delete on t for each row execute function pgq.logutriga('q')",
		} {
			testpg.Exec(t, dsn, sql)
		}
		conn := testpg.Connect(t, dsn)
		exec := func(sql string) {
			t.Helper()
			if _, err := conn.Exec(t.Context(), sql); err != nil {
				t.Fatalf("%s: %v", sql, err)
			}
		}
		rotate := func() {
			t.Helper()
			exec("select pgq.maint_rotate_tables_step1('q')")
			exec("select pgq.maint_rotate_tables_step2()")
		}
		// wantBatch ticks and demands these events of the next batch.
		wantBatch := func(what string, want ...string) {
			t.Helper()
			exec("select pgq.ticker('q')")
			exec("select pgq.next_batch('q', 'c')")
			got := testpg.Value[[]string](t, dsn, `
				select array_agg(e.ev_data order by e.ev_id) from pgq.subscription s, pgq.get_batch_events(s.sub_batch) e`)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
			exec("select pgq.finish_batch(sub_batch) from pgq.subscription")
		}

		exec(`begin; select pgq.insert_event('q', 't', 'direct'); insert into t values (1, 'row');
			select pgq.insert_events('q', array['t', 't'], array['one', 'two']); prepare transaction 'kept'`)
		// The session knows a table whose lock it has no more.
		exec("begin; select pgq.insert_event('q', 't', 'undone'); prepare transaction 'undone'")
		for i := range 4 {
			rotate()
			exec(fmt.Sprintf("select pgq.insert_event('q', 't', 'after rotation %d')", i))
			wantBatch("batch beside them", fmt.Sprint("after rotation ", i))
		}
		got := testpg.Value[string](t, dsn, `
			select state || ' ' || blocker_kind || ' ' || pid || ' ' || (blocker in ('kept', 'undone')) || ' ' || (age >= '0')
			  from pgq.get_rotation_info('q') where table_name like '%\_0'`)
		if want := "written writer 0 true true"; got != want {
			t.Errorf("get_rotation_info: got %q, want %q", got, want)
		}

		c.Kill(t)
		c.Start(t)
		conn = testpg.Connect(t, dsn)
		rotate()
		exec("commit prepared 'kept'")
		exec("rollback prepared 'undone'")
		wantBatch("batch after their end", "direct", "id=1&a=row", "one", "two")
		for range 6 {
			rotate()
			wantBatch("batch of nothing")
		}
		if n := testpg.Value[int](t, dsn, "select count(*) from pgq.event_1_0"); n != 0 {
			t.Errorf("%d events are left in the table that was held back", n)
		}
	}, testpg.Conf("max_prepared_transactions", "2"))
}

// TestForeignTable captures changes of rows that are on another server.
func TestForeignTable(t *testing.T) {
	eachFlavour(t, func(t *testing.T, c *testpg.Cluster) {
		dsn, far := newPgq(t, c), c.NewDB(t, testpg.Name("far"))
		testpg.Exec(t, far, "create table t (id int primary key, a text, n int)")
		testpg.Exec(t, far, "create table part (id int primary key, a text)")
		testpg.Exec(t, dsn, "create extension postgres_fdw; select pgq.create_queue('q')")
		testpg.Exec(t, dsn, fmt.Sprintf(`
			create server far foreign data wrapper postgres_fdw options (host %s, port '%d', dbname 'far', batch_size '10');
			create user mapping for current_user server far;
			create foreign table t (id int, a text, n int) server far;
			create trigger a after insert or update or delete on t for each row execute function pgq.logutriga('q', 'pkey=id', 'backup');
			create trigger b before insert or update or delete on t for each row execute function pgq.jsontriga('q', 'pkey=id');
			create table whole (id int, a text) partition by list (id);
			create foreign table part partition of whole for values in (1) server far;
			create trigger c after insert or update on whole for each row execute function pgq.sqltriga('q', 'pkey=id', 'ev_extra1=''whole''')`,
			quote(c.SocketDir()), c.Port()))
		testpg.Exec(t, dsn, "insert into t values (1, 'a', 1), (2, null, 2)")
		testpg.Exec(t, dsn, "update t set n = n + 1 where id = 2")
		testpg.Exec(t, dsn, "delete from t where id = 1")
		testpg.Exec(t, dsn, "insert into whole values (1, 'p')")
		testpg.Exec(t, dsn, "update whole set a = 'q'")
		got := testpg.Value[[]string](t, dsn, `
			select array_agg(concat_ws(' | ', left(ev_type, 14), ev_data, ev_extra1, ev_extra2) order by ev_extra1 collate "C", ev_type collate "C", ev_id)
			  from pgq.event_template`)
		want := []string{
			"D:id | id=1&a=a&n=1 | public.t",
			"I:id | id=1&a=a&n=1 | public.t",
			"I:id | id=2&a&n=2 | public.t",
			"U:id | id=2&a&n=3 | public.t | id=2&a&n=2",
			`{"op":"DELETE" | {"id":1,"a":"a","n":1} | public.t`,
			`{"op":"INSERT" | {"id":1,"a":"a","n":1} | public.t`,
			`{"op":"INSERT" | {"id":2,"a":null,"n":2} | public.t`,
			`{"op":"UPDATE" | {"id":2,"a":null,"n":3} | public.t`,
			"I | (id,a) values ('1','p') | whole",
			"U | a='q' where id='1' | whole",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		if got := testpg.Value[string](t, far, "select string_agg(t::text, ' ') from t"); got != "(2,,3)" {
			t.Errorf("rows of the other server: got %s", got)
		}
	})
}
