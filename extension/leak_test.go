package extension_test

import (
	"os"
	"testing"

	"skytools/lib/testpg"
)

// TestNoLeaks demands that a session which puts in events and fails to, again
// and again, does not grow. A million times with SOAK=1.
func TestNoLeaks(t *testing.T) {
	t.Parallel()
	rounds := 2000
	if os.Getenv("SOAK") != "" {
		rounds = 1_000_000
	}
	c, _ := treeCluster(t)
	dsn := c.NewDB(t, testpg.Extensions("pgq"), testpg.CModule())
	conn := testpg.Connect(t, dsn)
	ctx := t.Context()
	if _, err := conn.Exec(ctx, `
		select pgq.create_queue('q'), pgq.create_queue('closed');
		update pgq.queue set queue_disable_insert = true where queue_name = 'closed';
		create table t (id int primary key, a text);
		create trigger a after insert or update or delete on t for each row
			execute function pgq.logutriga('q', 'backup', 'ignore=nosuch', 'ev_extra3=a || id', 'when=id <> 7');
		create trigger b after insert or update or delete on t for each row execute function pgq.jsontriga('q');
		create trigger c after update on t for each row when (new.a = 'fail') execute function pgq.sqltriga('closed');
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
	work := func(n int) {
		t.Helper()
		if _, err := conn.Exec(ctx, "call work($1)", n); err != nil {
			t.Fatal(err)
		}
	}
	work(1000) // caches fill
	before := size()
	work(rounds)
	if grown := size() - before; grown > 200_000 {
		t.Errorf("%d rounds: the session grew from %d by %d bytes", rounds, before, grown)
	} else {
		t.Logf("%d rounds: the session grew from %d by %d bytes", rounds, before, grown)
	}
}
