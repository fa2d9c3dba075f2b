package extension_test

import (
	"os"
	"testing"

	"skytools/lib/testpg"
)

// TestNoLeaks demands that a session which puts in events and fails to, again
// and again, does not grow. A round of work has twelve calls that fail: with
// SOAK=1 more than a million of them.
func TestNoLeaks(t *testing.T) {
	t.Parallel()
	rounds := 1000
	if os.Getenv("SOAK") != "" {
		rounds = 100_000
	}
	c, _ := treeCluster(t)
	dsn := c.NewDB(t, testpg.Extensions("pgq"), testpg.CModule())
	conn := testpg.Connect(t, dsn)
	ctx := t.Context()
	if _, err := conn.Exec(ctx, `
		select pgq.create_queue('q'), pgq.create_queue('closed'), pgq.create_queue('limited'), pgq.create_queue('hand');
		update pgq.queue set queue_disable_insert = true where queue_name = 'closed';
		update pgq.queue set queue_per_tx_limit = 1 where queue_name = 'limited';
		-- an event table that is not written to directly
		alter table pgq.event_4_0 add check (ev_type <> 'refused');
		create table t (id int primary key, a text);
		create trigger a after insert or update or delete on t for each row
			execute function pgq.logutriga('q', 'backup', 'ignore=nosuch', 'ev_extra3=a || id', 'when=id <> 7');
		create trigger b after insert or update or delete on t for each row execute function pgq.jsontriga('q');
		create trigger c after update on t for each row when (new.a = 'fail') execute function pgq.sqltriga('closed');
		create table u (id int primary key, a text);
		create trigger a after insert on u for each row when (new.a = 'zero') execute function pgq.sqltriga('q', 'ev_extra2=1 / (id - id)');
		create trigger b after insert on u for each row when (new.a = 'bad') execute function pgq.logutriga('q', 'nonsense');
		create trigger c after insert on u for each row when (new.a = 'hand') execute function pgq.jsontriga('hand', 'ev_type=''refused''');
		create trigger d before insert on u for each row when (new.a = 'deny') execute function pgq.jsontriga('q', 'deny');
		-- queues and triggers come and go
		create procedure go(n int) language plpgsql as $$
		begin
			for i in 1 .. n loop
				perform pgq.create_queue('passing' || i);
				create table passing (id int primary key, a text);
				execute format('create trigger x after insert on passing for each row execute function pgq.logutriga(%L, ''ev_extra3=a || id'')', 'passing' || i);
				insert into passing values (1, 'a');
				drop table passing;
				perform pgq.drop_queue('passing' || i);
				commit;
			end loop;
		end $$;
		create procedure work(n int) language plpgsql as $$
		begin
			for i in 1 .. n loop
				perform pgq.insert_event('q', 'type', 'data');
				perform pgq.insert_events('q', array['a', 'b'], array['c', null]);
				insert into t values (i, 'x');
				update t set a = 'y' where id = i;
				begin perform pgq.insert_event('nosuch', 'type', 'data'); exception when others then null; end;
				begin perform pgq.insert_event('nosuch' || i, 'type', 'data'); exception when others then null; end;
				begin perform pgq.insert_event('closed', 'type', 'data'); exception when others then null; end;
				begin perform pgq.insert_events('q', array['a'], array['c', 'd']); exception when others then null; end;
				begin update t set a = 'fail' where id = i; exception when others then null; end;
				begin update t set id = -i where id = i; exception when others then null; end;
				for k in 1 .. 2 loop
					begin perform pgq.insert_events('limited', array['a'], null); exception when others then null; end;
				end loop;
				perform pgq.insert_event('hand', 'type', 'data');
				begin perform pgq.insert_event('hand', 'refused', 'data'); exception when others then null; end;
				begin insert into u values (i, 'zero'); exception when others then null; end;
				begin insert into u values (i, 'bad'); exception when others then null; end;
				begin insert into u values (i, 'hand'); exception when others then null; end;
				begin insert into u values (i, 'deny'); exception when others then null; end;
				delete from t where id = i;
				if i % 100 = 0 then
					alter table t add column more int;
					alter table t drop column more;
					update pgq.queue set queue_cur_table = 1 - queue_cur_table where queue_name = 'q';
					if i % 1000 = 0 then
						drop table t cascade;
						create table t (id int primary key, a text);
						create trigger a after insert or update or delete on t for each row execute function pgq.logutriga('q', 'ev_extra4=a');
						create trigger c after update on t for each row when (new.a = 'fail') execute function pgq.sqltriga('closed');
					end if;
				end if;
				commit;
			end loop;
		end $$`); err != nil {
		t.Fatal(err)
	}
	size := func() (bytes int64) {
		t.Helper()
		if err := conn.QueryRow(ctx, "select sum(used_bytes) from pg_backend_memory_contexts").Scan(&bytes); err != nil {
			t.Fatal(err)
		}
		return bytes
	}
	// grow calls a procedure and returns how much the session has grown.
	grow := func(procedure string, n int) int64 {
		t.Helper()
		before := size()
		if _, err := conn.Exec(ctx, "call "+procedure+"($1)", n); err != nil {
			t.Fatal(err)
		}
		grown := size() - before
		t.Logf("%d rounds of %s: the session grew from %d by %d bytes", n, procedure, before, grown)
		return grown
	}
	grow("work", 500) // caches fill
	if grown := grow("work", rounds); grown > 200_000 {
		t.Errorf("%d rounds: the session grew by %d bytes", rounds, grown)
	}
	// PostgreSQL's own caches grow by what comes and goes; ours must not.
	grow("go", 100)
	var kept int
	if err := conn.QueryRow(ctx, "select count(*) from pg_backend_memory_contexts where name like 'pgq %'").Scan(&kept); err != nil {
		t.Fatal(err)
	}
	if kept > 150 {
		t.Errorf("%d memory contexts are kept after 100 queues and triggers that are gone, want about one a bucket", kept)
	}
	if n := testpg.Value[int](t, dsn, "select count(*) from u"); n > 0 {
		t.Errorf("%d rows are there whose triggers should have failed", n)
	}
}
