package extension_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"skytools/lib/testpg"
)

// TestPgqExtFlat holds an old snapshot while a consumer stores batch after
// batch. What a call costs is counted in pages, which no other load on the
// machine changes; with updated rows it would grow with each batch.
func TestPgqExtFlat(t *testing.T) {
	t.Parallel()
	batches := 20_000
	if os.Getenv("SOAK") != "" {
		batches = 100_000
	}
	const warm = 1000
	dsn := testpg.Shared(t).NewDB(t, testpg.Extensions("pgq_ext"))
	testpg.Exec(t, dsn, `
		create procedure consume(first int, last int) as $$
		begin
		    for n in first .. last loop
		        perform pgq_ext.is_batch_done('c', n), pgq_ext.set_batch_done('c', n);
		        perform pgq_ext.get_last_tick('c'), pgq_ext.set_last_tick('c', n);
		        perform pgq_ext.set_event_done('c', n, 1);
		        commit;
		    end loop;
		end $$ language plpgsql;
		create function pages(query text) returns bigint as $$
		declare
		    plan jsonb;
		begin
		    execute 'explain (analyze, buffers, costs off, timing off, format json) ' || query into plan;
		    return (plan->0->'Plan'->>'Shared Hit Blocks')::bigint + (plan->0->'Plan'->>'Shared Read Blocks')::bigint;
		end $$ language plpgsql;`)
	testpg.Exec(t, dsn, "call consume(1, 1)")

	holder := testpg.Connect(t, dsn)
	var sees int64
	old, err := holder.BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	if err := old.QueryRow(t.Context(), "select pgq_ext.get_last_tick('c')").Scan(&sees); err != nil {
		t.Fatal(err)
	}

	conn := testpg.Connect(t, dsn)
	calls := []string{
		"select pgq_ext.is_batch_done('c', -1)",
		"select pgq_ext.set_batch_done('c', (random() * 1e9)::bigint)",
		"select pgq_ext.get_last_tick('c')",
		"select pgq_ext.set_last_tick('c', (random() * 1e9)::bigint)",
		"select pgq_ext.set_event_done('c', (random() * 1e9)::bigint, 1)",
	}
	cost := func() map[string]int64 {
		m := map[string]int64{}
		for _, q := range calls {
			// the first calls also read what the session keeps in its caches
			for range 3 {
				var n int64
				if err := conn.QueryRow(t.Context(), "select pages($1)", q).Scan(&n); err != nil {
					t.Fatal(err)
				}
				m[q] = n
			}
		}
		return m
	}
	testpg.Exec(t, dsn, "call consume($1, $2)", 2, warm)
	early := cost()
	testpg.Exec(t, dsn, "call consume($1, $2)", warm+1, batches)
	late := cost()
	for _, q := range calls {
		t.Logf("pages: %d after %d batches, %d after %d: %s", early[q], warm, late[q], batches, q)
		// an index that is one level higher is read at most once a look-up
		if late[q] > early[q]+6 {
			t.Errorf("%s: %d pages after %d batches, %d after %d", q, early[q], warm, late[q], batches)
		}
	}

	// MVCC, whatever went by
	if err := old.QueryRow(t.Context(), "select pgq_ext.get_last_tick('c')").Scan(&sees); err != nil {
		t.Fatal(err)
	}
	if sees != 1 {
		t.Errorf("the old snapshot sees tick %d, want 1", sees)
	}
	const size = "select pg_relation_size('pgq_ext.tracker_log')"
	grown := testpg.Value[int64](t, dsn, size)
	if perBatch := grown / int64(3*batches); perBatch > 150 {
		t.Errorf("the log takes %d bytes a value while the snapshot is held", perBatch)
	}
	if err := old.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	testpg.Exec(t, dsn, "vacuum pgq_ext.tracker_log")
	// what vacuum freed is used again
	testpg.Exec(t, dsn, "call consume($1, $2)", batches+1, batches+1000)
	if again := testpg.Value[int64](t, dsn, size); again > grown {
		t.Errorf("the log grew from %d to %d bytes after the snapshot was gone", grown, again)
	}
	if live := testpg.Value[int64](t, dsn, "select count(*) from pgq_ext.tracker_log"); live > 3*100 {
		t.Errorf("%d log rows are alive for 3 positions", live)
	}
}

// TestPgqExtDump dumps and restores a database of each flavour: all positions
// come along, and new consumers do not clash with old ones.
func TestPgqExtDump(t *testing.T) {
	t.Parallel()
	c, _ := treeCluster(t)
	if _, err := os.Stat(filepath.Join(c.BinDir(), "pg_dump")); err != nil {
		testpg.Unavailable(t, "no pg_dump beside the server")
	}
	for name, opts := range map[string][]testpg.DBOption{"extension": nil, "plain": {testpg.Extensions("pgq_ext")}} {
		t.Run(name, func(t *testing.T) {
			from := name
			to := name + "_restored"
			dsn := c.NewDB(t, append(opts, testpg.Name(from))...)
			if opts == nil {
				testpg.Exec(t, dsn, "create extension pgq_ext")
			}
			testpg.Exec(t, dsn, `
				select pgq_ext.set_batch_done('c', n), pgq_ext.set_batch_done('c', 's', n) from generate_series(1, 250) n;
				select pgq_ext.set_last_tick('c', n), pgq_ext.set_last_tick('gone', n) from generate_series(1, 7) n;
				select pgq_ext.set_last_tick('gone', null), pgq_ext.set_event_done('c', 1, 2), pgq_ext.set_event_done('c', 1, 3);`)
			file := filepath.Join(c.DataDir(), name+".sql")
			if out, err := c.Command("pg_dump", "-d", dsn, "-f", file).CombinedOutput(); err != nil {
				t.Fatalf("pg_dump: %v\n%s", err, out)
			}
			restored := c.NewDB(t, testpg.Name(to))
			c.Psql(t, to, "-q", "-f", file)

			const all = `
				select array_agg(x::text order by x::text) from (
				    select 'batch', * from pgq_ext.completed_batch union all
				    select 'tick', * from pgq_ext.completed_tick union all
				    select 'partial', * from pgq_ext.partial_batch union all
				    select 'event', consumer_id, subconsumer_id, event_id from pgq_ext.completed_event) x`
			want := testpg.Value[[]string](t, dsn, all)
			if diff := cmp.Diff(want, testpg.Value[[]string](t, restored, all)); diff != "" {
				t.Errorf("positions differ after restore (-want +got):\n%s", diff)
			}
			testpg.Exec(t, restored, `
				select pgq_ext.set_batch_done('new', 1), pgq_ext.set_last_tick('gone', 1), pgq_ext.set_batch_done('c', 251)`)
			if got := testpg.Value[int](t, restored, "select count(*)::int from pgq_ext.tracker"); got != 6 {
				t.Errorf("got %d trackers after a new consumer, want 6", got)
			}
		})
	}
}
