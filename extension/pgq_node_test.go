package extension_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"skytools/extension"
	"skytools/lib/testpg"
)

// aSet is a root with a subscriber, a cascaded consumer and events.
const aSet = `
	select pgq_node.register_location('q', 'a', 'dbname=a', false), pgq_node.register_location('q', 'b', 'dbname=b', true);
	select pgq_node.create_node('q', 'root', 'a', 'a_worker', null, null, null);
	select pgq_node.register_subscriber('q', 'b', 'b_worker', null), pgq_node.register_consumer('q', 'c', 'a', 1);
	select pgq.insert_event('q', 't', 'd');`

// whatANodeKnows is all that a change of version must keep.
const whatANodeKnows = `select array[
	(select jsonb_agg(to_jsonb(n) order by n.queue_name)::text from pgq_node.node_info n),
	(select jsonb_agg(to_jsonb(l) order by l.node_name)::text from pgq_node.node_location l),
	(select jsonb_agg(to_jsonb(s) order by s.subscriber_node)::text from pgq_node.subscriber_info s),
	(select jsonb_agg(to_jsonb(s) order by s.consumer_name)::text from pgq_node.local_state s),
	(select jsonb_agg(to_jsonb(i))::text from pgq_node.get_node_info('q') i)]`

// TestPgqNodeSameAsUpstream runs the regression test on upstream's schema and
// demands our output.
func TestPgqNodeSameAsUpstream(t *testing.T) {
	t.Parallel()
	c := upgradeCluster(t)
	output := func(name string) string {
		return c.Psql(t, name, "-a", "-q", "-v", "ON_ERROR_STOP=0", "-f", "pgq_node/sql/node.sql")
	}
	dsn := c.NewDB(t, testpg.Name("node_theirs"))
	testpg.Exec(t, dsn, "create extension pgq version '3.5'")
	testpg.Exec(t, dsn, "create extension pgq_node version '3.5'")
	theirs := output("node_theirs")
	c.NewDB(t, testpg.Name("node_ours"), testpg.Extensions("pgq", "pgq_node"))
	ours := asTable.Replace(output("node_ours"))
	if diff := cmp.Diff(theirs, ours); diff != "" {
		t.Errorf("(-upstream +ours):\n%s", diff)
	}
	if len(ours) < 10_000 {
		t.Errorf("only %d bytes of output", len(ours))
	}
}

// TestPgqNodeUpgrade upgrades upstream's pgq_node, goes back, and upgrades again,
// before pgq and after it. What the node knows stays.
func TestPgqNodeUpgrade(t *testing.T) {
	t.Parallel()
	c := upgradeCluster(t)
	fresh := c.NewDB(t)
	testpg.Exec(t, fresh, "create extension pgq_node cascade")
	want := catalog(t, fresh, "pgq_node")
	sameCatalog(t, "itself", want, catalog(t, fresh, "pgq_node"))
	for _, version := range extension.UpgradeFrom("pgq_node") {
		for _, first := range []string{"pgq", "pgq_node"} {
			if first == "pgq_node" && version != "3.5" {
				continue
			}
			t.Run(fmt.Sprintf("%s, %s first", version, first), func(t *testing.T) {
				t.Parallel()
				dsn := c.NewDB(t)
				testpg.Exec(t, dsn, "create extension pgq version '3.5'")
				testpg.Exec(t, dsn, "create extension pgq_node version '3.5'")
				testpg.Exec(t, dsn, aSet)
				if version == "unpackaged" {
					testpg.Exec(t, dsn, unpack("pgq_node"))
					testpg.Exec(t, dsn, "create extension pgq_node version 'unpackaged'")
				} else {
					testpg.Exec(t, dsn, "update pg_extension set extversion = $1 where extname = 'pgq_node'", version)
				}
				knows := testpg.Value[[]string](t, dsn, whatANodeKnows)
				second := map[string]string{"pgq": "pgq_node", "pgq_node": "pgq"}[first]
				for _, sql := range []string{
					"alter extension " + first + " update", "alter extension " + second + " update",
					"alter extension pgq_node update to '3.4'", "alter extension pgq_node update",
					"alter extension " + first + " update to '3.5'", "alter extension " + second + " update to '3.5'",
					"alter extension pgq update", "alter extension pgq_node update",
				} {
					testpg.Exec(t, dsn, sql)
					if diff := cmp.Diff(knows, testpg.Value[[]string](t, dsn, whatANodeKnows)); diff != "" {
						t.Errorf("%s (-before +after):\n%s", sql, diff)
					}
				}
				sameCatalog(t, "upgraded", want, withoutPublic(catalog(t, dsn, "pgq_node"), want))
			})
		}
	}
}

// unpack makes an extension a plain schema.
func unpack(name string) string {
	return fmt.Sprintf(`do $$
		declare
		    _sql text;
		begin
		    for _sql in
		        select format('alter extension %[1]s drop %%s %%s', o.type, o.identity)
		          from pg_depend d
		          join pg_extension e on d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid and d.deptype = 'e',
		               pg_identify_object(d.classid, d.objid, 0) o
		         where e.extname = '%[1]s' and o.type in ('schema', 'table', 'function')
		    loop
		        execute _sql;
		    end loop;
		    drop extension %[1]s;
		end $$`, name)
}

// TestPgqNodeDump dumps a node and restores it.
func TestPgqNodeDump(t *testing.T) {
	t.Parallel()
	c, _ := treeCluster(t)
	dsn := c.NewDB(t, testpg.Name("node"))
	testpg.Exec(t, dsn, "create extension pgq_node cascade")
	testpg.Exec(t, dsn, aSet)
	want := testpg.Value[[]string](t, dsn, whatANodeKnows)
	dump, err := c.Command("pg_dump", "-d", c.DSN("node")).Output()
	if err != nil {
		t.Fatal(err)
	}
	copied := c.NewDB(t, testpg.Name("copied"))
	restore := c.Command("psql", "-Xq", "-v", "ON_ERROR_STOP=1", "-d", c.DSN("copied"))
	restore.Stdin = bytes.NewReader(dump)
	if out, err := restore.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if diff := cmp.Diff(want, testpg.Value[[]string](t, copied, whatANodeKnows)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

// TestPgqNodeFlat holds an old snapshot while a worker stores batch after batch.
// What a call costs is counted in pages, as in TestPgqExtFlat.
func TestPgqNodeFlat(t *testing.T) {
	t.Parallel()
	batches := 10_000
	if os.Getenv("SOAK") != "" {
		batches = 100_000
	}
	const warm = 1000
	dsn := testpg.Shared(t).NewDB(t, testpg.Extensions("pgq", "pgq_node"))
	testpg.Exec(t, dsn, aSet)
	testpg.Exec(t, dsn, `
		create procedure work(first int, last int) as $$
		begin
		    for n in first .. last loop
		        perform pgq_node.set_consumer_completed('q', 'c', n);
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
	const position = "select last_tick_id from pgq_node.local_state where consumer_name = 'c'"
	old, err := testpg.Connect(t, dsn).BeginTx(t.Context(), pgx.TxOptions{IsoLevel: pgx.RepeatableRead})
	if err != nil {
		t.Fatal(err)
	}
	seen := func() (tick int64) {
		t.Helper()
		if err := old.QueryRow(t.Context(), position).Scan(&tick); err != nil {
			t.Fatal(err)
		}
		return tick
	}
	first := seen()

	conn := testpg.Connect(t, dsn)
	calls := []string{
		"select pgq_node.set_consumer_completed('q', 'c', (random() * 1e9)::bigint)",
		"select pgq_node.get_consumer_state('q', 'c')",
		"select pgq_node.get_consumer_info('q')",
		"select pgq_node.get_node_info('q')",
		"select pgq_node.set_consumer_error('q', 'c', random()::text)",
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
	testpg.Exec(t, dsn, "call work($1, $2)", 2, warm)
	early := cost()
	testpg.Exec(t, dsn, "call work($1, $2)", warm+1, batches)
	late := cost()
	for _, q := range calls {
		t.Logf("pages: %d after %d batches, %d after %d: %s", early[q], warm, late[q], batches, q)
		// an index that is one level higher is read at most once a look-up
		if late[q] > early[q]+6 {
			t.Errorf("%s: %d pages after %d batches, %d after %d", q, early[q], warm, late[q], batches)
		}
	}
	if now := seen(); now != first {
		t.Errorf("the old snapshot sees tick %d, then %d", first, now)
	}
	if err := old.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if live := testpg.Value[int64](t, dsn, "select count(*) from pgq_node.local_position"); live > 2*100 {
		t.Errorf("%d positions are kept for 2 consumers", live)
	}
}

// TestPgqNodeUpgradeRefuses has a view of somebody's on the table that becomes a
// view: it is named, and nothing is changed.
func TestPgqNodeUpgradeRefuses(t *testing.T) {
	t.Parallel()
	dsn := upgradeCluster(t).NewDB(t)
	testpg.Exec(t, dsn, "create extension pgq version '3.5'")
	testpg.Exec(t, dsn, "create extension pgq_node version '3.5'; create view mine as select * from pgq_node.local_state")
	before := catalog(t, dsn, "pgq_node")
	_, err := testpg.Connect(t, dsn).Exec(t.Context(), "alter extension pgq_node update")
	var pe *pgconn.PgError
	if !errors.As(err, &pe) {
		t.Fatalf("got %v", err)
	}
	if pe.Message != "table pgq_node.local_state becomes a view, and objects depend on the table" ||
		!strings.Contains(pe.Detail, "view public.mine depends on") && !strings.Contains(pe.Detail, "view mine depends on") ||
		pe.Hint != "Drop these objects before the upgrade and create them again after it." {
		t.Errorf("got %s\n%s\n%s", pe.Message, pe.Detail, pe.Hint)
	}
	sameCatalog(t, "after the failure", before, catalog(t, dsn, "pgq_node"))
}
