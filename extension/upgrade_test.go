package extension_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"skytools/extension"
	"skytools/lib/install"
	"skytools/lib/testpg"
)

// upgradeCluster starts a server that has our files and upstream's scripts.
func upgradeCluster(t *testing.T, opts ...testpg.Option) *testpg.Cluster {
	t.Helper()
	return testpg.Start(t, append(opts, testpg.Bin(testpg.UpstreamTree(t).Bin))...)
}

// catalog returns all that the server knows of a schema, but not of queues:
// one line for each relation, column, constraint, index, function, trigger,
// sequence, and for each member and dumped table of the extension.
func catalog(t *testing.T, dsn, schema string) []string {
	t.Helper()
	return testpg.Value[[]string](t, dsn, strings.ReplaceAll(`
		with acl as (
			select coalesce(string_agg(u.i::text, ' ' order by u.i::text), '') as list, x.kind, x.oid
			  from (select 'c' as kind, oid, coalesce(relacl, acldefault(case relkind when 'S' then 's' else 'r' end::"char", relowner)) as a
			          from pg_class where relkind in ('r', 'v', 'S')
			        union all select 'f', oid, coalesce(proacl, acldefault('f', proowner)) from pg_proc
			        union all select 'n', oid, coalesce(nspacl, acldefault('n', nspowner)) from pg_namespace) x, unnest(x.a) u (i)
			 group by x.kind, x.oid),
		rel as (
			select c.* from pg_class c where c.relnamespace = 'SCHEMA'::regnamespace and c.relname !~ '^event_[0-9]'),
		lines as (
			select format('schema %s %s %s', n.nspowner::regrole, a.list, obj_description(n.oid, 'pg_namespace'))
			  from pg_namespace n join acl a on a.kind = 'n' and a.oid = n.oid where n.nspname = 'SCHEMA'
			union all
			select format('relation %s %s %s %s %s %s', c.oid::regclass, c.relkind, c.relowner::regrole, a.list, c.reloptions, obj_description(c.oid, 'pg_class'))
			  from rel c left join acl a on a.kind = 'c' and a.oid = c.oid where c.relkind <> 'i'
			union all
			select format('column %s.%s nr %s %s %s %s %s %s', c.oid::regclass, a.attname, row_number() over (partition by c.oid order by a.attnum),
			              format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attacl, col_description(c.oid, a.attnum))
			  from rel c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
			  left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum where c.relkind in ('r', 'v', 'c')
			union all
			select format('constraint %s %s %s', c.conrelid::regclass, c.conname, pg_get_constraintdef(c.oid)) from pg_constraint c join rel r on r.oid = c.conrelid where c.contype <> 'n'
			union all
			select 'index ' || pg_get_indexdef(c.oid) from rel c where c.relkind = 'i'
			union all
			select 'trigger ' || pg_get_triggerdef(t.oid) from pg_trigger t join rel r on r.oid = t.tgrelid where not t.tgisinternal
			union all
			select format('sequence %s %s %s %s', s.seqrelid::regclass, s.seqtypid::regtype, s.seqcache,
			              (select d.refobjid::regclass || '.' || d.refobjsubid from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = s.seqrelid and d.deptype = 'a' and d.refobjsubid > 0))
			  from pg_sequence s join rel r on r.oid = s.seqrelid
			union all
			select format('function %s %s %s %s %s', p.oid::regprocedure, p.proowner::regrole, md5(pg_get_functiondef(p.oid)),
			              coalesce(a.list, ''), obj_description(p.oid, 'pg_proc'))
			  from pg_proc p left join acl a on a.kind = 'f' and a.oid = p.oid where p.pronamespace = 'SCHEMA'::regnamespace
			union all
			select format('member %s', pg_describe_object(d.classid, d.objid, 0))
			  from pg_depend d join pg_extension e on d.refclassid = 'pg_extension'::regclass and d.refobjid = e.oid where d.deptype = 'e' and e.extname = 'SCHEMA'
			union all
			select format('dumped %s %s', u.t::regclass, u.cond) from pg_extension e, unnest(e.extconfig, e.extcondition) u (t, cond) where e.extname = 'SCHEMA'
			union all
			select format('extension %s', e.extversion) from pg_extension e where e.extname = 'SCHEMA')
		select coalesce(array_agg(l order by l), '{}') from lines x (l)`, "SCHEMA", schema))
}

func sameCatalog(t *testing.T, what string, want, got []string) {
	t.Helper()
	if len(want) < 20 {
		t.Errorf("%s: only %d lines", what, len(want))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// beOld gives upstream's extension pgq 3.5 the shape and version of an older
// one. Before 3.5 that is a fixture: of older catalogs no more is known than that
// they lack what 3.5's own upgrade adds.
func beOld(t *testing.T, dsn, version string) {
	t.Helper()
	if !strings.HasPrefix(version, "3.5") {
		testpg.Exec(t, dsn, `
			alter table pgq.queue drop column queue_extra_maint;
			alter table pgq.subscription alter column sub_last_tick set not null;
			alter extension pgq drop function pgq.get_queue_info();
			alter extension pgq drop function pgq.get_queue_info(text);
			drop function pgq.get_queue_info();
			drop function pgq.get_queue_info(text);
			create function pgq.get_queue_info(out queue_name text, out queue_ntables integer) returns setof record
			    as 'select queue_name, queue_ntables from pgq.queue' language sql;
			create function pgq.get_queue_info(i_queue_name text, out queue_name text, out queue_ntables integer) returns setof record
			    as 'select queue_name, queue_ntables from pgq.queue where queue_name = i_queue_name' language sql;
			create function pgq.gone_since() returns integer as 'select 1' language sql;
			alter extension pgq add function pgq.get_queue_info();
			alter extension pgq add function pgq.get_queue_info(text);
			alter extension pgq add function pgq.gone_since()`)
	}
	testpg.Exec(t, dsn, "update pg_extension set extversion = $1 where extname = 'pgq'", version)
}

// TestUpgradeCatalog upgrades from each version and from schemas that belong to
// no extension, in both flavours and to and fro, and demands the catalogs of a
// fresh installation.
func TestUpgradeCatalog(t *testing.T) {
	t.Parallel()
	c := upgradeCluster(t)
	fresh := c.NewDB(t)
	for _, name := range extension.Names() {
		mustInstall(t, fresh, name, install.Options{})
	}
	plain := c.NewDB(t, testpg.Extensions(extension.Names()...))
	want, wantPlain := catalog(t, fresh, "pgq"), catalog(t, plain, "pgq")

	t.Run("versions", func(t *testing.T) {
		for _, version := range extension.UpgradeFrom("pgq") {
			if version == "unpackaged" {
				continue
			}
			t.Run(version, func(t *testing.T) {
				t.Parallel()
				dsn := c.NewDB(t)
				testpg.Exec(t, dsn, "create extension pgq version '3.5'")
				beOld(t, dsn, version)
				testpg.Exec(t, dsn, "select pgq.create_queue('q'), pgq.register_consumer('q', 'c')")
				testpg.Exec(t, dsn, "alter extension pgq update")
				sameCatalog(t, "upgraded", want, catalog(t, dsn, "pgq"))
				if n := testpg.Value[int](t, dsn, "select count(*) from pgq.get_consumer_info('q', 'c')"); n != 1 {
					t.Errorf("%d consumers after the upgrade", n)
				}
			})
		}
		if len(extension.UpgradeFrom("pgq")) < 11 {
			t.Errorf("only %q", extension.UpgradeFrom("pgq"))
		}
	})

	t.Run("unpackaged", func(t *testing.T) {
		for name, setup := range map[string]func(t *testing.T, dsn string){
			"upstream C":  func(t *testing.T, dsn string) { testpg.Exec(t, dsn, upstreamSQL(t, "pgq.sql")) },
			"upstream PL": func(t *testing.T, dsn string) { testpg.Exec(t, dsn, upstreamSQL(t, "pgq_pl_only.sql")) },
			"ours":        func(t *testing.T, dsn string) { mustInstall(t, dsn, "pgq", install.Options{PLOnly: true}) },
			"upstream packaged": func(t *testing.T, dsn string) {
				testpg.Exec(t, dsn, "create extension pgq version '3.5'")
			},
			"by another role": func(t *testing.T, dsn string) {
				testpg.Exec(t, dsn, "create role postgres_2 superuser; set role postgres_2; create extension pgq version '3.5'")
			},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				dsn := c.NewDB(t)
				setup(t, dsn)
				testpg.Exec(t, dsn, `
					select pgq.create_queue('q'), pgq.register_consumer('q', 'c');
					create table t (id int primary key);
					create trigger l after insert on t for each row execute function pgq.logutriga('q');
					create trigger s after insert on t for each row execute function pgq.sqltriga('q')`)
				// upstream can lose what is in the transaction of the first tick
				testpg.Exec(t, dsn, "insert into t values (1)")
				owner := func(lines []string) (out []string) {
					for _, l := range lines {
						out = append(out, strings.ReplaceAll(l, "postgres_2", "postgres")) // which sorts alike
					}
					return out
				}
				for n, opts := range []install.Options{{}, {PLOnly: true}, {}} {
					if res := mustInstall(t, dsn, "pgq", opts); res.Already || res.Extension == opts.PLOnly {
						t.Errorf("install %d: %+v", n, res)
					}
					w := want
					if opts.PLOnly {
						w = wantPlain
					}
					got := owner(catalog(t, dsn, "pgq"))
					slices.Sort(got)
					sameCatalog(t, fmt.Sprintf("install %d", n), w, got)
					testpg.Exec(t, dsn, "insert into t values ($1)", n+2)
				}
				testpg.Exec(t, dsn, "update pgq.queue set queue_ticker_max_lag = '0'")
				testpg.Exec(t, dsn, "select pgq.ticker('q'), pgq.next_batch('q', 'c')")
				const events = `select string_agg(ev_type || ' ' || ev_data, ', ' order by ev_id) from pgq.subscription, pgq.get_batch_events(sub_batch)`
				var w []string
				for id := 1; id <= 4; id++ {
					w = append(w, fmt.Sprintf("I:id id=%d, I (id) values ('%d')", id, id))
				}
				testpg.Exec(t, dsn, "select pgq.ticker('q'), pgq.next_batch('q', 'c')")
				if got := testpg.Value[string](t, dsn, events); got != strings.Join(w, ", ") {
					t.Errorf("events: %s", got)
				}
			})
		}
	})
}

// upstreamSQL returns a script of upstream's for schemas without extension.
func upstreamSQL(t *testing.T, file string) string {
	t.Helper()
	c := testpg.Shared(t)
	dir := c.Psql(t, "postgres", "-Atc", "select setting from pg_config() where name = 'SHAREDIR'")
	b, err := os.ReadFile(strings.TrimSpace(dir) + "/contrib/" + file)
	if err != nil {
		testpg.Unavailable(t, "no upstream: install postgresql-N-pgq3: "+err.Error())
	}
	return string(b)
}

func mustInstall(t *testing.T, dsn, name string, opts install.Options) install.Result {
	t.Helper()
	res, err := install.Install(t.Context(), testpg.Connect(t, dsn), name, opts)
	if err != nil {
		t.Fatalf("install %s: %v", name, err)
	}
	return res
}

// TestUpgradeNames demands that upgrade/names.sql knows all that there is.
func TestUpgradeNames(t *testing.T) {
	t.Parallel()
	c, _ := treeCluster(t)
	for flavour, opts := range map[string]install.Options{"c": {}, "plpgsql": {PLOnly: true}} {
		dsn := c.NewDB(t)
		for _, name := range extension.Names() {
			mustInstall(t, dsn, name, opts)
			b, err := extension.Files.ReadFile(name + "/upgrade/names.sql")
			if err != nil {
				t.Fatal(err)
			}
			missing := testpg.Value[[]string](t, dsn, `
				with s as materialized (select `+strings.TrimSuffix(strings.ReplaceAll(betweenBegin(string(b)), "perform ", ""), ",")+`),
				n as (select string_to_array(concat_ws(' ', current_setting('skytools.relations', true), current_setting('skytools.types', true),
				             current_setting('skytools.functions', true)), ' ') as known from s)
				select array_agg(distinct x.name) filter (where x.name <> all (n.known)) from n, (
				    select relname::text as name, relnamespace as ns from pg_class where relkind in ('r', 'v', 'S', 'c')
				    union all select proname, pronamespace from pg_proc) x
				 where x.ns = $1::regnamespace`, name)
			if missing != nil {
				t.Errorf("%s, flavour %s: %v are not in upgrade/names.sql", name, flavour, missing)
			}
		}
	}
}

// betweenBegin returns the calls of a DO block as a list of expressions.
func betweenBegin(sql string) string {
	_, sql, _ = strings.Cut(sql, "begin\n")
	sql, _, _ = strings.Cut(sql, "end;")
	return strings.ReplaceAll(strings.TrimSpace(sql), ";", ",")
}

// TestUpgradeSameAsUpstream calls the functions of schema pgq at random in two
// schemas of upstream's, one of which is upgraded on the way, goes back and is
// upgraded again, and demands the same answers to the end.
func TestUpgradeSameAsUpstream(t *testing.T) {
	t.Parallel()
	seeds, statements := uint64(2), 320
	if os.Getenv("SOAK") != "" {
		seeds, statements = 30, 1000
	}
	c := upgradeCluster(t)
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			theirs, ours := newTalker(t, c.NewDB(t)), newTalker(t, c.NewDB(t))
			for _, k := range []*talker{theirs, ours} {
				if answer := k.say(t, "create extension pgq version '3.5'"); answer != "" {
					t.Fatal(answer)
				}
			}
			r := &caller{Rand: rand.New(rand.NewPCG(seed, 1))}
			for n := range statements {
				if way := map[int]string{statements / 4: "", statements / 2: " to '3.5'", statements * 3 / 4: ""}; n > 0 {
					if to, ok := way[n]; ok {
						if answer := ours.say(t, "alter extension pgq update"+to); answer != "" {
							t.Fatalf("update%s: %s", to, answer)
						}
					}
				}
				sql := r.statement()
				if n == 0 {
					sql = callerSetup
				}
				want, got := theirs.say(t, sql), ours.say(t, sql)
				if got != want {
					t.Fatalf("statement %d: %s\nours:\n%s\nupstream's:\n%s", n, sql, got, want)
				}
				const quick = "update pgq.queue set queue_ticker_max_lag = '0', queue_ticker_idle_period = '0' where queue_ticker_max_lag <> '0'"
				theirs.say(t, quick)
				ours.say(t, quick)
			}
		})
	}
}

// upgradeStates brings queues of upstream's into every state there is.
// Subconsumers are made as upstream's pgq_coop writes them, by its contract.
var upgradeStates = []string{
	`select pgq.create_queue(q), pgq.register_consumer(q, 'c1'), pgq.register_consumer(q, 'c2')
	   from unnest('{plain,Mixed Case,open,retry,paused,external,disabled,coop,rotated,half}'::text[]) q`,
	`update pgq.queue set queue_ticker_max_lag = '0', queue_ticker_idle_period = '0', queue_rotation_period = '0'`,
	`select pgq.insert_event(queue_name, 'one', g::text) from pgq.queue, generate_series(1, 3) g order by queue_id, g`,
	`select pgq.ticker()`,
	// the consumers have finished the first batch
	`select pgq.next_batch(queue_name, c) from pgq.queue, unnest('{c1,c2}'::text[]) c order by queue_id, c`,
	`select pgq.finish_batch(sub_batch) from pgq.subscription where sub_batch is not null`,
	`select pgq.insert_event(queue_name, 'two', g::text, queue_name, null, 'x', null) from pgq.queue, generate_series(1, 3) g order by queue_id, g`,
	`select pgq.ticker()`,
	`select pgq.next_batch('open', 'c1'), pgq.next_batch('retry', 'c1'), pgq.next_batch('rotated', 'c2')`,
	`select pgq.event_retry(sub_batch, ev_id, 0) from pgq.subscription, pgq.get_batch_events(sub_batch), pgq.queue
	  where sub_batch is not null and queue_id = sub_queue and queue_name = 'retry' and ev_data <> '2'`,
	`select pgq.event_retry_raw('retry', 'c2', 'infinity', null, 'epoch', 3, 'later', 'x', null, null, null, null)`,
	`select pgq.maint_rotate_tables_step1('rotated'), pgq.maint_rotate_tables_step1('half')`,
	`update pgq.queue set queue_switch_step2 = txid_current() where queue_name = 'rotated'`,
	`select pgq.insert_event(queue_name, 'three', g::text) from pgq.queue, generate_series(1, 3) g order by queue_id, g`,
	`select pgq.ticker()`,
	`update pgq.queue set queue_external_ticker = true where queue_name = 'external'`,
	`update pgq.queue set queue_ticker_paused = true where queue_name = 'paused'`,
	`update pgq.queue set queue_disable_insert = true where queue_name = 'disabled'`,
	`update pgq.queue set queue_per_tx_limit = 5 where queue_name = 'plain'`,
	`select pgq.ticker('external', 50, now(), 700)`,
	`select pgq.register_consumer('coop', 'c1.a'), pgq.register_consumer('coop', 'c1.b')`,
	`select pgq.next_batch('coop', 'c1')`,
	`with m as (select s.* from pgq.subscription s, pgq.consumer c where c.co_id = s.sub_consumer and c.co_name = 'c1' and s.sub_batch is not null
	                and s.sub_queue = (select queue_id from pgq.queue where queue_name = 'coop'))
	 update pgq.subscription s set sub_id = m.sub_id, sub_last_tick = case co_name when 'c1.a' then m.sub_last_tick end,
	        sub_next_tick = case co_name when 'c1.a' then m.sub_next_tick end, sub_batch = case co_name when 'c1.a' then m.sub_batch + 1000 end
	   from m, pgq.consumer c where c.co_id = s.sub_consumer and s.sub_queue = m.sub_queue and co_name in ('c1.a', 'c1.b')`,
	`update pgq.subscription s set sub_last_tick = sub_next_tick, sub_next_tick = null, sub_batch = null
	   from pgq.consumer c where c.co_id = s.sub_consumer and c.co_name = 'c1' and sub_batch + 1000 in (select sub_batch from pgq.subscription)`,
	`update pgq.subscription set sub_batch = sub_batch - 1000 where sub_batch > 1000`,
	`create role app; create role boss2; grant execute on function pgq.insert_event(text, text, text), pgq.insert_event(text, text, text, text, text, text, text) to app;
	 grant select on pgq.event_template to app; select pgq.grant_perms('plain'); grant insert on pgq.tick to app with grant option;
	 grant execute on function pgq.ticker() to public`,
	`create view lag as select q.queue_name, s.sub_last_tick, s.sub_batch from pgq.subscription s join pgq.queue q on q.queue_id = s.sub_queue;
	 create view lag2 as select * from lag; create view lag3 as select sub_queue, sub_last_tick from pgq.subscription where sub_id > 1; create view info as select queue_name, ev_new from pgq.get_queue_info();
	 comment on view lag is 'mine'; grant select on lag to app`,
}

// upgradeQuestions are what consumers and others then ask and do.
var upgradeQuestions = []string{
	`select queue_name, consumer_name, last_tick, current_batch, next_tick, pending_events from pgq.get_consumer_info()`,
	`select queue_name, queue_ntables, queue_cur_table, queue_external_ticker, queue_ticker_paused, ev_new, last_tick_id from pgq.get_queue_info()`,
	`select queue_disable_insert, queue_per_tx_limit, queue_extra_maint from pgq.queue order by queue_id`,
	`select sub_id, sub_queue, sub_consumer, sub_last_tick, sub_batch, sub_next_tick from pgq.subscription order by 2, 3`,
	`select ev_id, ev_owner, ev_retry, ev_type, ev_data from pgq.retry_queue order by 1`,
	`select * from lag order by 1, 2, 3`, `select * from lag2 order by 1, 2, 3`, `select * from lag3 order by 1, 2`, `select * from info order by 1`,
	`select pgq.insert_event(queue_name, 'four', '') from pgq.queue where not queue_disable_insert order by queue_id`,
	`select pgq.insert_event('disabled', 'four', '')`,
	`select pgq.insert_event('plain', 'five', '') from generate_series(1, 6)`,
	`select pgq.maint_retry_events()`, `select pgq.maint_rotate_tables_step2()`, `select pgq.ticker()`, `select pgq.ticker()`, `select pgq.ticker('external', 60, now(), 900)`,
	`select pgq.maint_rotate_tables_step1('half')`, `select pgq.maint_rotate_tables_step2()`, `select pgq.ticker()`,
	`set role app; select pgq.insert_event('plain', 'app', ''); select count(*) from pgq.event_1_0; select pgq.get_batch_events(1); reset role`,
	`set role app; select pgq.ticker('plain'); reset role`, `set role app; select * from lag limit 0; reset role`,
	`select queue_name, consumer_name, prev_tick_id, tick_id from pgq.subscription, pgq.get_batch_info(sub_batch) where sub_batch is not null order by 1, 2`,
}

// TestUpgradeStates upgrades queues in every state and compares what consumers
// see with what they see in a schema that is left as it was.
func TestUpgradeStates(t *testing.T) {
	t.Parallel()
	for name, upgrade := range map[string]func(t *testing.T, k *talker, dsn string){
		"extension": func(t *testing.T, k *talker, _ string) {
			if answer := k.say(t, "alter extension pgq update"); answer != "" {
				t.Fatal(answer)
			}
		},
		"plpgsql": func(t *testing.T, _ *talker, dsn string) { mustInstall(t, dsn, "pgq", install.Options{PLOnly: true}) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := upgradeCluster(t) // roles and transaction ids are the server's
			theirs := newTalker(t, c.NewDB(t))
			dsn := c.NewDB(t)
			ours := newTalker(t, dsn)
			for _, k := range []*talker{theirs, ours} {
				for _, sql := range append([]string{"create extension pgq version '3.5'"}, upgradeStates...) {
					if k == ours {
						sql = strings.ReplaceAll(sql, "create role app; create role boss2; ", "")
					}
					if answer := k.say(t, sql); strings.Contains(answer, "ERROR") {
						t.Fatalf("%s: %s", sql, answer)
					}
				}
			}
			upgrade(t, ours, dsn)
			ask := func(sql string) string {
				t.Helper()
				want, got := theirs.say(t, sql), ours.say(t, sql)
				if got != want {
					t.Errorf("%s\n(-upstream +upgraded):\n%s", sql, cmp.Diff(want, got))
				}
				return want
			}
			for _, sql := range upgradeQuestions {
				ask(sql)
			}
			// all consumers read to the end, in batches of the same ticks
			for _, q := range []string{"plain", "Mixed Case", "open", "retry", "paused", "external", "disabled", "coop", "rotated", "half"} {
				for _, consumer := range []string{"c1", "c2"} {
					events := ""
					for range 10 {
						ask(fmt.Sprintf("select pgq.next_batch('%s', '%s')", q, consumer))
						events += ask(fmt.Sprintf(`select ev_id, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4 from pgq.get_batch_events((
							select sub_batch from pgq.subscription, pgq.queue, pgq.consumer
							 where sub_queue = queue_id and sub_consumer = co_id and queue_name = '%s' and co_name = '%s'))`, q, consumer))
						ask(fmt.Sprintf(`select pgq.finish_batch((select sub_batch from pgq.subscription, pgq.queue, pgq.consumer
							 where sub_queue = queue_id and sub_consumer = co_id and queue_name = '%s' and co_name = '%s'))`, q, consumer))
					}
					if !strings.Contains(events, "three|3") {
						t.Errorf("%s of %s has not come to the end: %s", consumer, q, events)
					}
				}
			}
			if got := ours.say(t, "select obj_description('lag'::regclass, 'pg_class')"); got != "mine|\n" {
				t.Errorf("the comment of a view is %q", got)
			}

			// subconsumers go on with ours
			mustInstall(t, dsn, "pgq_coop", install.Options{PLOnly: name == "plpgsql"})
			batch := strings.TrimSuffix(ours.say(t, "select sub_batch from pgq.subscription, pgq.consumer where sub_consumer = co_id and co_name = 'c1.a'"), "|\n")
			for _, call := range []struct{ sql, want string }{
				{"next_batch('coop', 'c1', 'a')", batch},
				{"finish_batch(" + batch + ")", "1"},
				{"register_subconsumer('coop', 'c1', 'b')", "0"},
				{"next_batch('coop', 'c1', 'b')", "NULL"},
				{"unregister_subconsumer('coop', 'c1', 'b', 0)", "1"},
			} {
				if got := ours.say(t, "select pgq_coop."+call.sql); got != call.want+"|\n" {
					t.Errorf("%s: got %q, want %s", call.sql, got, call.want)
				}
			}
		})
	}
}

// TestUpgradeRefuses demands clear errors, and a schema as it was.
func TestUpgradeRefuses(t *testing.T) {
	t.Parallel()
	const again = "Drop these objects before the upgrade and create them again after it."
	c := upgradeCluster(t)
	for _, tt := range []struct{ name, setup, message, detail, hint string }{
		{"materialized view", "create materialized view mine as select * from pgq.subscription",
			"table pgq.subscription becomes a view, and objects depend on the table",
			"materialized view public.mine depends on table pgq.subscription", again},
		{"type", "create function mine() returns setof pgq.subscription as 'select null::pgq.subscription' language sql",
			"table pgq.subscription becomes a view, and objects depend on the table",
			"function public.mine() depends on type pgq.subscription", again},
		{"trigger", "create function f() returns trigger as 'begin return null; end' language plpgsql; create trigger mine after insert on pgq.subscription for each row execute function f()",
			"table pgq.subscription becomes a view and cannot keep what was added to it: trigger mine", "", "Drop it before the upgrade."},
		{"column", "alter table pgq.subscription add mine integer",
			"table pgq.subscription becomes a view and cannot keep what was added to it: column mine", "", "Drop it before the upgrade."},
		{"columns of a function", "3.2", "function pgq.get_queue_info() gets other columns, and objects depend on it",
			"view public.mine depends on function pgq.get_queue_info()", again},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dsn := c.NewDB(t)
			testpg.Exec(t, dsn, "create extension pgq version '3.5'")
			if tt.setup == "3.2" {
				beOld(t, dsn, "3.2")
				tt.setup = "create view mine as select * from pgq.get_queue_info()"
			}
			testpg.Exec(t, dsn, tt.setup)
			before := catalog(t, dsn, "pgq")
			_, err := testpg.Connect(t, dsn).Exec(t.Context(), "alter extension pgq update")
			var pe *pgconn.PgError
			if !errors.As(err, &pe) {
				t.Fatalf("got %v", err)
			}
			if pe.Message != tt.message || !strings.Contains(pe.Detail, tt.detail) || pe.Hint != tt.hint {
				t.Errorf("got %s\n%s\n%s", pe.Message, pe.Detail, pe.Hint)
			}
			sameCatalog(t, "after the failure", before, catalog(t, dsn, "pgq"))
		})
	}
}

// TestUpgradeWaits upgrades while a transaction that reads positions is open.
func TestUpgradeWaits(t *testing.T) {
	t.Parallel()
	c := upgradeCluster(t)
	dsn := c.NewDB(t)
	testpg.Exec(t, dsn, "create extension pgq version '3.5'")
	holder := testpg.Connect(t, dsn)
	if _, err := holder.Exec(t.Context(), "set application_name = 'report'; begin; select * from pgq.subscription"); err != nil {
		t.Fatal(err)
	}
	conn := testpg.Connect(t, dsn)
	if _, err := conn.Exec(t.Context(), "set lock_timeout = '300ms'"); err != nil {
		t.Fatal(err)
	}
	_, err := conn.Exec(t.Context(), "alter extension pgq update")
	var pe *pgconn.PgError
	if !errors.As(err, &pe) || pe.Code != "55P03" || pe.Hint == "" ||
		!strings.HasPrefix(pe.Message, fmt.Sprintf("could not lock pgq.subscription for the upgrade; it is in use by process %d (report, idle in transaction for ", holder.PgConn().PID())) {
		t.Fatalf("got %v", err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := conn.Exec(context.Background(), "reset lock_timeout; alter extension pgq update")
		done <- err
	}()
	testpg.Wait(t, time.Minute, "the upgrade to wait", func() bool {
		return testpg.Value[bool](t, dsn, "select exists (select from pg_locks where not granted and pid = $1)", conn.PgConn().PID())
	})
	if _, err := holder.Exec(t.Context(), "rollback"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if v := testpg.Value[string](t, dsn, "select pgq.version()"); v != "4.0" {
		t.Errorf("version %s", v)
	}
}

// coop34 is a fixture: a minimal pgq_coop 3.4 after its contract, which keeps
// all in pgq.subscription.
const coop34 = `
	create schema pgq_coop;
	grant usage on schema pgq_coop to public;
	create function pgq_coop.version() returns text as 'select ''3.4''::text' language sql;
	create function pgq_coop.gone_since() returns text as 'select ''''::text' language sql;
	create function pgq_coop.register_subconsumer(i_queue_name text, i_consumer_name text, i_subconsumer_name text) returns integer as $$
	begin
	    perform pgq.register_consumer(i_queue_name, i_consumer_name);
	    if pgq.register_consumer(i_queue_name, i_consumer_name || '.' || i_subconsumer_name) = 0 then
	        return 0;
	    end if;
	    update pgq.subscription s
	       set sub_id = m.sub_id, sub_last_tick = null, sub_next_tick = null
	      from pgq.subscription m, pgq.queue q, pgq.consumer c, pgq.consumer mc
	     where q.queue_name = i_queue_name and s.sub_queue = q.queue_id and m.sub_queue = q.queue_id
	       and c.co_id = s.sub_consumer and c.co_name = i_consumer_name || '.' || i_subconsumer_name
	       and mc.co_id = m.sub_consumer and mc.co_name = i_consumer_name;
	    return 1;
	end; $$ language plpgsql security definer;
	create function pgq_coop.next_batch(i_queue_name text, i_consumer_name text, i_subconsumer_name text) returns bigint as $$
	declare
	    _queue integer := (select queue_id from pgq.queue where queue_name = i_queue_name);
	    _main integer := (select co_id from pgq.consumer where co_name = i_consumer_name);
	    _sub integer;
	    _batch record;
	begin
	    perform 1 from pgq.subscription where sub_queue = _queue and sub_consumer = _main for update;
	    perform pgq_coop.register_subconsumer(i_queue_name, i_consumer_name, i_subconsumer_name);
	    _sub := (select co_id from pgq.consumer where co_name = i_consumer_name || '.' || i_subconsumer_name);
	    update pgq.subscription set sub_active = now() where sub_queue = _queue and sub_consumer = _sub and sub_batch is not null returning sub_batch into _batch;
	    if found then
	        return _batch.sub_batch;
	    end if;
	    select * into _batch from pgq.next_batch_custom(i_queue_name, i_consumer_name, null, null, null);
	    if _batch.batch_id is null then
	        return null;
	    end if;
	    update pgq.subscription set sub_last_tick = sub_next_tick, sub_next_tick = null, sub_batch = null, sub_active = now()
	     where sub_queue = _queue and sub_consumer = _main;
	    update pgq.subscription set sub_last_tick = _batch.prev_tick_id, sub_next_tick = _batch.cur_tick_id, sub_batch = _batch.batch_id, sub_active = now()
	     where sub_queue = _queue and sub_consumer = _sub;
	    return _batch.batch_id;
	end; $$ language plpgsql security definer;
	create function pgq_coop.finish_batch(i_batch_id bigint) returns integer as $$
	begin
	    update pgq.subscription set sub_last_tick = null, sub_next_tick = null, sub_batch = null, sub_active = now() where sub_batch = i_batch_id;
	    return case when found then 1 else 0 end;
	end; $$ language plpgsql security definer;`

// ext31 is a fixture: the tables of pgq_ext 3.1 after its contract, with data.
const ext31 = `
	create schema pgq_ext;
	create table pgq_ext.completed_tick (consumer_id text not null, subconsumer_id text not null default '', last_tick_id bigint not null,
	    constraint completed_tick_pkey primary key (consumer_id, subconsumer_id));
	create table pgq_ext.completed_batch (consumer_id text not null, subconsumer_id text not null default '', last_batch_id bigint not null,
	    constraint completed_batch_pkey primary key (consumer_id, subconsumer_id));
	create table pgq_ext.completed_event (consumer_id text not null, subconsumer_id text not null default '', batch_id bigint not null, event_id bigint not null,
	    constraint completed_event_pkey primary key (consumer_id, subconsumer_id, batch_id, event_id));
	create table pgq_ext.partial_batch (consumer_id text not null, subconsumer_id text not null default '', cur_batch_id bigint not null,
	    constraint partial_batch_pkey primary key (consumer_id, subconsumer_id));
	create function pgq_ext.version() returns text as 'select ''3.1''::text' language sql;
	create function pgq_ext.get_last_tick(a_consumer text) returns bigint as
	    'select last_tick_id from pgq_ext.completed_tick where consumer_id = a_consumer' language sql;
	insert into pgq_ext.completed_tick values ('c', '', 7), ('c', 's', 8);
	insert into pgq_ext.completed_batch values ('c', '', 70);
	insert into pgq_ext.completed_event values ('c', '', 71, 1), ('c', '', 71, 2);
	insert into pgq_ext.partial_batch values ('c', '', 71);`

// pack makes an extension of a fixture.
func pack(t *testing.T, dsn, name, version string) {
	t.Helper()
	testpg.Exec(t, dsn, fmt.Sprintf(`
		create extension %[1]s version 'unpackaged';
		do $$
		declare
		    _sql text;
		begin
		    for _sql in
		        select format('alter extension %[1]s add %%s %%s', o.type, o.identity)
		          from (select 'pg_namespace'::regclass as classid, '%[1]s'::regnamespace::oid as objid
		                union all select 'pg_class'::regclass, oid from pg_class where relnamespace = '%[1]s'::regnamespace and relkind in ('r', 'S')
		                union all select 'pg_proc'::regclass, oid from pg_proc where pronamespace = '%[1]s'::regnamespace) x,
		               pg_identify_object(x.classid, x.objid, 0) o
		    loop
		        execute _sql;
		    end loop;
		end $$;
		update pg_extension set extversion = '%[2]s',
		       extconfig = (select array_agg(oid order by oid) from pg_class where relnamespace = '%[1]s'::regnamespace and relkind = 'r'),
		       extcondition = (select array_agg(''::text) from pg_class where relnamespace = '%[1]s'::regnamespace and relkind = 'r')
		 where extname = '%[1]s'`, name, version))
}

// TestUpgradeCoop upgrades pgq under a pgq_coop of upstream's kind, which goes
// on working, and then pgq_coop.
func TestUpgradeCoop(t *testing.T) {
	t.Parallel()
	c := upgradeCluster(t)
	fresh := c.NewDB(t)
	testpg.Exec(t, fresh, "create extension pgq_coop cascade")
	want := catalog(t, fresh, "pgq_coop")
	for _, version := range extension.UpgradeFrom("pgq_coop") {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			dsn := c.NewDB(t)
			testpg.Exec(t, dsn, "create extension pgq version '3.5'")
			testpg.Exec(t, dsn, coop34)
			if version != "unpackaged" {
				pack(t, dsn, "pgq_coop", version)
			}
			k := newTalker(t, dsn)
			say := func(sql, want string) {
				t.Helper()
				if got := strings.ReplaceAll(k.say(t, sql), "|\n", ""); got != want {
					t.Fatalf("%s: got %q, want %q", sql, got, want)
				}
			}
			event := func() {
				t.Helper()
				say("with x as (select pgq.insert_event('q', 't', 'd')) select count(*) from x", "1")
				say("select pgq.ticker() = 1", "t")
			}
			say("select pgq.create_queue('q'), pgq_coop.register_subconsumer('q', 'm', 'a')", "1|1")
			say("update pgq.queue set queue_ticker_max_lag = '0', queue_ticker_idle_period = '0'", "")
			for range 4 {
				event()
			}
			say("select pgq_coop.next_batch('q', 'm', 'a')", "1")
			say("select pgq_coop.next_batch('q', 'm', 'b')", "2")
			say("alter extension pgq update", "")
			say("select pgq_coop.next_batch('q', 'm', 'a')", "1")
			say("select pgq_coop.finish_batch(1)", "1")
			say("select pgq_coop.next_batch('q', 'm', 'a')", "3")
			say("select pgq_coop.next_batch('q', 'm', 'c')", "4")
			if version == "unpackaged" {
				mustInstall(t, dsn, "pgq_coop", install.Options{})
			} else {
				say("alter extension pgq_coop update", "")
			}
			got := catalog(t, dsn, "pgq_coop")
			if version == "unpackaged" {
				// the function is nobody's
				got = slices.DeleteFunc(got, func(l string) bool { return strings.Contains(l, "gone_since") })
			}
			// the fixture has no rights of its own, so everybody's stay
			sameCatalog(t, "pgq_coop", want, withoutPublic(got, want))
			say("select pgq_coop.next_batch('q', 'm', 'a')", "3")
			say("select pgq_coop.finish_batch(2), pgq_coop.finish_batch(3), pgq_coop.finish_batch(4)", "1|1|1")
			event()
			say("select pgq_coop.next_batch('q', 'm', 'a')", "5")
			say("select pgq_coop.unregister_subconsumer('q', 'm', 'a', 1)", "1")
		})
	}
}

// withoutPublic takes from the functions in got the rights of everybody that
// those in want do not have.
func withoutPublic(got, want []string) []string {
	out := slices.Clone(got)
	for i, l := range out {
		if strings.HasPrefix(l, "function ") && !slices.Contains(want, l) {
			out[i] = strings.Replace(l, "=X/postgres ", "", 1)
		}
	}
	slices.Sort(out)
	return out
}

func TestUpgradeExt(t *testing.T) {
	t.Parallel()
	c := upgradeCluster(t)
	fresh := c.NewDB(t)
	testpg.Exec(t, fresh, "create extension pgq_ext")
	want := catalog(t, fresh, "pgq_ext")
	for _, version := range extension.UpgradeFrom("pgq_ext") {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			dsn := c.NewDB(t)
			testpg.Exec(t, dsn, ext31)
			if version != "unpackaged" {
				pack(t, dsn, "pgq_ext", version)
				testpg.Exec(t, dsn, "alter extension pgq_ext update")
			} else {
				mustInstall(t, dsn, "pgq_ext", install.Options{})
			}
			sameCatalog(t, "pgq_ext", want, withoutPublic(catalog(t, dsn, "pgq_ext"), want))
			got := testpg.Value[string](t, dsn, `
				select concat_ws(' ', pgq_ext.get_last_tick('c'), pgq_ext.get_last_tick('c', 's'), pgq_ext.is_batch_done('c', 70), pgq_ext.is_batch_done('c', 71),
				       pgq_ext.is_event_done('c', 71, 1), pgq_ext.is_event_done('c', 71, 3), pgq_ext.set_event_done('c', 71, 2), pgq_ext.set_batch_done('c', 71))`)
			if got != "7 8 t f t f f t" {
				t.Errorf("got %s", got)
			}
		})
	}
}

// TestUpgradeOldSession upgrades under a session that has loaded upstream's
// libraries, whose files were then replaced by ours: it goes on, and takes ours.
func TestUpgradeOldSession(t *testing.T) {
	t.Parallel()
	both := testpg.UpstreamTree(t)
	dir := t.TempDir()
	tree := dir + "/tree"
	sh := func(script string) string {
		t.Helper()
		out, err := exec.Command("sh", "-ec", script).Output()
		if err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		return strings.TrimSpace(string(out))
	}
	sh("chmod 755 " + dir + " " + dir + "/..; cp -al " + both.Root + " " + tree) // the server's user reads it
	at := func(path string) string { return tree + strings.TrimPrefix(path, both.Root) }
	libs := sh(at(both.PGConfig) + " --pkglibdir")
	theirs := strings.TrimPrefix(libs, tree)
	sh(fmt.Sprintf("cd %s; mkdir ours; mv pgq*.so ours; cp %s/pgq_lowlevel.so %s/pgq_triggers.so .", libs, theirs, theirs))

	c := testpg.Start(t, testpg.Bin(at(both.Bin)))
	dsn := c.NewDB(t)
	testpg.Exec(t, dsn, `create extension pgq version '3.5'; select pgq.create_queue('q'), pgq.register_consumer('q', 'c'); create table t (id int primary key);
		create trigger l after insert on t for each row execute function pgq.logutriga('q')`)
	session := newTalker(t, dsn)
	const insert = "select pgq.insert_event('q', 't', 'd') - (select last_value from pgq.event_1_id_seq); insert into t select coalesce(max(id), 0) + 1 from t"
	if got := session.say(t, insert); got != "0|\n" {
		t.Fatalf("with upstream's libraries: %s", got)
	}
	sh(fmt.Sprintf("cd %s; rm pgq*.so; mv ours/* .", libs))
	testpg.Exec(t, dsn, "alter extension pgq update")
	if got := session.say(t, insert); got != "0|\n" {
		t.Errorf("after the upgrade: %s", got)
	}
	if got := session.say(t, "select pgq.insert_events('q', '{a,b}', '{c,d}'), pgq.current_event_table('q')"); got != "2|pgq.event_1_0|\n" {
		t.Errorf("new functions: %s", got)
	}
	if n := testpg.Value[int](t, dsn, "select count(*) from pgq.event_1"); n != 6 {
		t.Errorf("%d events, want 6", n)
	}
}

// signatures is catalog without the bodies of functions.
func signatures(lines []string) []string {
	md5 := regexp.MustCompile(`^(function .*) [0-9a-f]{32} `)
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = md5.ReplaceAllString(l, "$1 ")
	}
	slices.Sort(out)
	return out
}

// lagging leaves a queue with events that a consumer has yet to read in many
// event tables.
const lagging = `
	select pgq.create_queue('q'), pgq.register_consumer('q', 'slow'), pgq.register_consumer('q', 'fast');
	update pgq.queue set queue_ticker_max_lag = '0', queue_ticker_idle_period = '0', queue_rotation_period = '0';
	create procedure turns(n integer, rotate boolean) as $$
	declare
	    _batch bigint;
	begin
	    for i in 1 .. n loop
	        perform pgq.insert_event('q', 't', i::text);
	        commit;
	        perform pgq.ticker('q');
	        commit;
	        perform pgq.finish_batch(pgq.next_batch('q', 'fast'));
	        commit;
	        if rotate then
	            perform pgq.maint_rotate_tables_step1('q');
	            commit;
	            perform pgq.maint_rotate_tables_step2();
	            commit;
	        end if;
	    end loop;
	end $$ language plpgsql`

// TestDowngrade goes back while a consumer has events to read in many event
// tables, and then lets upstream's functions take over, by upstream's script.
func TestDowngrade(t *testing.T) {
	t.Parallel()
	c := upgradeCluster(t)
	upstream := c.NewDB(t)
	testpg.Exec(t, upstream, "create extension pgq version '3.5'")
	want := catalog(t, upstream, "pgq")
	if len(extension.DowngradeTo("pgq")) != 2 {
		t.Errorf("ways back to %q", extension.DowngradeTo("pgq"))
	}
	// by the number of the current table
	for turns, wantTables := range map[int]string{1: "3 of which 1", 2: "3 of which 2", 5: "6 of which 5"} {
		t.Run(fmt.Sprintf("%d turns", turns), func(t *testing.T) {
			t.Parallel()
			dsn := c.NewDB(t)
			testpg.Exec(t, dsn, "create extension pgq; create view mine as select sub_batch from pgq.subscription")
			testpg.Exec(t, dsn, lagging)
			testpg.Exec(t, dsn, "call turns($1, true)", turns)
			const open = `update pgq.subscription set sub_batch = nextval('pgq.batch_id_seq'), sub_next_tick = (select max(tick_id) from pgq.tick)
				where sub_consumer = (select co_id from pgq.consumer where co_name = 'slow')`
			testpg.Exec(t, dsn, open)
			const events = "select coalesce(string_agg(ev_id || ' ' || ev_data, ', ' order by ev_id), '') from pgq.subscription, pgq.get_batch_events(sub_batch) where sub_batch is not null"
			before := testpg.Value[string](t, dsn, events)
			if strings.Count(before, ",") != turns-1 {
				t.Fatalf("events: %s", before)
			}
			testpg.Exec(t, dsn, "alter extension pgq update to '3.4.2'")
			if got := testpg.Value[string](t, dsn, "select pgq.version()"); got != "3.4.2" {
				t.Errorf("version %s", got)
			}
			if got := testpg.Value[string](t, dsn, "select format('%s of which %s', queue_ntables, queue_cur_table) from pgq.queue"); got != wantTables {
				t.Errorf("tables: got %s, want %s", got, wantTables)
			}
			got := signatures(catalog(t, dsn, "pgq"))
			for i, l := range got {
				got[i] = strings.Replace(l, "extension 3.4.2", "extension 3.5", 1)
			}
			sameCatalog(t, "shape", signatures(want), got)
			read := func(who string) {
				t.Helper()
				if got := testpg.Value[string](t, dsn, events); got != before {
					t.Errorf("events with %s: got %s, want %s", who, got, before)
				}
			}
			read("our functions of 3.4.2")

			testpg.Exec(t, dsn, "alter extension pgq update to '3.5'") // upstream's script
			sameCatalog(t, "with upstream's functions", want, catalog(t, dsn, "pgq"))
			read("upstream's functions")
			testpg.Exec(t, dsn, "call turns(2, true)")
			read("upstream's functions after more events")
			testpg.Exec(t, dsn, "select pgq.finish_batch(sub_batch) from pgq.subscription where sub_batch is not null")
			testpg.Exec(t, dsn, open)
			if got := testpg.Value[string](t, dsn, events); strings.Count(got, ",") != 1 {
				t.Errorf("new events: %s", got)
			}
			testpg.Exec(t, dsn, "select pgq.finish_batch(sub_batch) from pgq.subscription where sub_batch is not null")
			testpg.Exec(t, dsn, "call turns(10, true)")
			if got := testpg.Value[bool](t, dsn, "select queue_switch_time > now() - interval '1 minute' and queue_cur_table < queue_ntables from pgq.queue"); !got {
				t.Error("upstream does not rotate")
			}
			testpg.Exec(t, dsn, "alter extension pgq update; drop view mine")
			testpg.Exec(t, dsn, "select pgq.drop_queue('q', true)")
		})
	}

	t.Run("refused", func(t *testing.T) {
		dsn := c.NewDB(t)
		testpg.Exec(t, dsn, "create extension pgq_coop cascade")
		for _, tt := range []struct{ setup, message, hint string }{
			{"", "pgq_coop 4.0 needs pgq 4.0", "First run: alter extension pgq_coop update to '3.4'."},
			{"drop extension pgq_coop; create materialized view mine as select * from pgq.subscription",
				"view pgq.subscription becomes a table, and objects depend on the view", "Drop these objects before and create them again after it."},
		} {
			testpg.Exec(t, dsn, tt.setup)
			_, err := testpg.Connect(t, dsn).Exec(t.Context(), "alter extension pgq update to '3.5'")
			var pe *pgconn.PgError
			if !errors.As(err, &pe) || pe.Message != tt.message || pe.Hint != tt.hint {
				t.Errorf("got %v", err)
			}
		}
	})
}

// TestDowngradeOthers takes pgq_coop and pgq_ext back and up again.
func TestDowngradeOthers(t *testing.T) {
	t.Parallel()
	c := upgradeCluster(t)
	dsn := c.NewDB(t)
	k := newTalker(t, dsn)
	for _, step := range []struct{ sql, want string }{
		{"create extension pgq_coop cascade", "NOTICE: installing required extension \"pgq\"\n"},
		{"create extension pgq_ext", ""},
		{"select pgq.create_queue('q'), pgq_coop.next_batch('q', 'm', 'a')", "1|NULL|\n"},
		{"update pgq.queue set queue_ticker_max_lag = '0', queue_ticker_idle_period = '0'", ""},
		{"select pgq.ticker()", "1|\n"}, {"select pgq.ticker()", "1|\n"}, {"select pgq.ticker()", "1|\n"},
		{"select pgq_coop.next_batch('q', 'm', 'a')", "1|\n"},
		{"alter extension pgq_coop update to '3.4'", ""},
		{"select pgq_coop.next_batch('q', 'm', 'b'), pgq_coop.version()", "2|3.4|\n"},
		{"alter extension pgq update to '3.5'", ""},
		{"select pgq_coop.next_batch('q', 'm', 'a'), pgq_coop.next_batch('q', 'm', 'b'), pgq_coop.next_batch('q', 'm', 'c')", "1|2|3|\n"},
		{"select pgq_coop.finish_batch(1), pgq_coop.register_subconsumer('q', 'm', 'a')", "1|0|\n"},
		{"select pgq_coop.finish_batch(1)", "0|\nWARNING: coop_finish_batch: batch 1 not found\n"},
		{"select pgq_coop.unregister_subconsumer('q', 'm', 'b', 0)", "ERROR: subconsumer has active batch\n"},
		{"update pgq.subscription set sub_active = 'epoch' where sub_batch = 2", ""},
		{"select pgq_coop.next_batch('q', 'm', 'a', '1 day')", "2|\n"},
		{"select pgq_coop.unregister_subconsumer('q', 'm', 'b', 0), pgq_coop.unregister_subconsumer('q', 'm', 'a', 1)", "0|1|\n"},
		{"alter extension pgq update", ""}, {"alter extension pgq_coop update", ""},
		{"select pgq_coop.next_batch('q', 'm', 'c'), pgq_coop.version()", "3|4.0|\n"},

		{"select pgq_ext.set_batch_done('c', 3), pgq_ext.set_last_tick('c', 's', 5), pgq_ext.set_event_done('c', 7, 8)", "t|1|t|\n"},
		{"alter extension pgq_ext update to '3.1'", ""},
		{"select pgq_ext.set_batch_done('c', 3), pgq_ext.is_batch_done('c', 4), pgq_ext.get_last_tick('c', 's'), pgq_ext.get_last_tick('c'), pgq_ext.version()", "f|f|5|NULL|3.1|\n"},
		{"select pgq_ext.set_event_done('c', 7, 8), pgq_ext.is_event_done('c', 7, 9), pgq_ext.set_event_done('c', 7, 9)", "f|f|t|\n"},
		{"select pgq_ext.set_event_done('c', 8, 9), pgq_ext.set_last_tick('c', 's', null), pgq_ext.set_batch_done('c', 0), pgq_ext.set_batch_done('c', 4)", "t|1|t|t|\n"},
		{"select relname || relkind::text from pg_class where relnamespace = 'pgq_ext'::regnamespace and relkind <> 'i' order by 1",
			"completed_batchr|\ncompleted_eventr|\ncompleted_tickr|\npartial_batchr|\n"},
		{"alter extension pgq_ext update", ""},
		{"select pgq_ext.is_batch_done('c', 4), pgq_ext.get_last_tick('c', 's'), pgq_ext.is_event_done('c', 8, 9), pgq_ext.is_event_done('c', 7, 9)", "t|NULL|t|f|\n"},
	} {
		if got := k.say(t, step.sql); got != step.want {
			t.Fatalf("%s: got %q, want %q", step.sql, got, step.want)
		}
	}
}

// TestUpgradeGrants demands that rights which users have given before an upgrade
// outlive it, and a dump and restore after it.
func TestUpgradeGrants(t *testing.T) {
	t.Parallel()
	c := upgradeCluster(t)
	testpg.Exec(t, c.DSN("postgres"), "create role clerk; create role watcher")
	const rights = `
		select string_agg(x, E'\n' order by x)
		  from (select format('%s %s', c.oid::regclass, array(select a::text from unnest(c.relacl) a order by 1))
		          from pg_class c where c.relnamespace = 'pgq'::regnamespace and c.relkind in ('r', 'v', 'S')
		        union all
		        select format('%s %s', p.oid::regprocedure, array(select a::text from unnest(p.proacl) a order by 1))
		          from pg_proc p where p.pronamespace = 'pgq'::regnamespace) r (x)`
	for _, how := range []string{"packaged", "unpackaged"} {
		t.Run(how, func(t *testing.T) {
			src, dst := c.NewDB(t), c.NewDB(t)
			if how == "packaged" {
				testpg.Exec(t, src, "create extension pgq version '3.5'")
			} else {
				testpg.Exec(t, src, upstreamSQL(t, "pgq.sql"))
			}
			testpg.Exec(t, src, `
				select pgq.create_queue('q'), pgq.insert_event('q', 't', 'd');
				grant select on pgq.retry_queue to clerk;
				grant update on pgq.queue to clerk with grant option;
				grant insert on pgq.event_1_0 to clerk;
				grant select on pgq.event_1 to watcher;
				grant execute on function pgq.create_queue(text) to clerk`)
			mustInstall(t, src, "pgq", install.Options{})
			if !testpg.Value[bool](t, src, `
				select has_table_privilege('clerk', 'pgq.retry_queue', 'select') and has_table_privilege('clerk', 'pgq.queue', 'update with grant option')
				   and has_table_privilege('clerk', 'pgq.event_1_0', 'insert') and has_table_privilege('watcher', 'pgq.event_1', 'select')
				   and has_function_privilege('clerk', 'pgq.create_queue(text)', 'execute')`) {
				t.Error("the upgrade takes rights away")
			}
			file := filepath.Join(c.SocketDir(), how+".dump")
			for _, cmd := range []*exec.Cmd{
				c.Command("pg_dump", "-Fc", "-f", file, "-d", src),
				c.Command("pg_restore", "--exit-on-error", "-d", dst, file),
			} {
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%s", cmd, err, out)
				}
			}
			if diff := cmp.Diff(testpg.Value[string](t, src, rights), testpg.Value[string](t, dst, rights)); diff != "" {
				t.Errorf("rights after restore (-dumped +restored):\n%s", diff)
			}
		})
	}
}
