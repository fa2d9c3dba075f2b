package ticker

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"skytools/lib/daemon"
	"skytools/lib/log"
	"skytools/lib/testpg"
)

// patience is how long a test waits for what must come.
const patience = time.Minute

// quick are settings under which all loops come round soon.
var quick = Settings{
	Ticker: 50 * time.Millisecond, Fast: 2 * time.Millisecond, Maint: 100 * time.Millisecond,
	Retry: 100 * time.Millisecond, Check: 100 * time.Millisecond, ConnectAge: time.Hour,
}

// A testDB is a Database at work, with its log.
type testDB struct {
	*Database
	t      *testing.T
	dsn    string
	log    *logBuffer
	health *daemon.Health
	stop   func()
}

// watchDB runs the loops over the database of dsn until the test ends.
func watchDB(t *testing.T, dsn string, set Settings, change ...func(*Database)) *testDB {
	t.Helper()
	db := &testDB{t: t, dsn: dsn, log: &logBuffer{}, health: &daemon.Health{}}
	logger, err := log.New(db.log, log.FormatLine, slog.LevelInfo)
	if err != nil {
		t.Fatal(err)
	}
	dialer, err := NewDialer(dsn, "pgqd", logger)
	if err != nil {
		t.Fatal(err)
	}
	db.Database = New(Config{
		Name: dialer.Database(), Dialer: dialer, Settings: set, Logger: logger, Listed: true,
		Beat: func(loop string) Beat { return db.health.Part(loop) },
	})
	for _, f := range change {
		f(db.Database)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = db.Run(ctx) })
	db.stop = func() { cancel(); wg.Wait() }
	t.Cleanup(func() {
		db.stop()
		if t.Failed() {
			t.Logf("log:\n%s", db.log)
		}
	})
	return db
}

func (db *testDB) exec(sql string, args ...any) {
	db.t.Helper()
	testpg.Exec(db.t, db.dsn, sql, args...)
}

func (db *testDB) wait(what string, f func() bool) {
	db.t.Helper()
	testpg.Wait(db.t, patience, what, f)
}

func (db *testDB) waitState(s State) {
	db.t.Helper()
	db.wait("state "+string(s), func() bool { return db.Status().State == s })
}

func (db *testDB) waitLog(text string) {
	db.t.Helper()
	db.wait("the log line "+text, func() bool { return strings.Contains(db.log.String(), text) })
}

// waitPasses waits until all queues were looked after n times more.
func (db *testDB) waitPasses(n int64) {
	db.t.Helper()
	want := db.Stats.Passes.Load() + n
	db.wait("passes", func() bool { return db.Stats.Passes.Load() >= want })
}

// said demands that the log has text so many times.
func (db *testDB) said(text string, times int) {
	db.t.Helper()
	if n := strings.Count(db.log.String(), text); n != times {
		db.t.Errorf("%q is %d times in the log, want %d", text, n, times)
	}
}

type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// ours makes a database with our schema and a queue q that is ticked at once.
func ours(t *testing.T) string {
	t.Helper()
	dsn := testpg.Shared(t).NewDB(t, testpg.Extensions("pgq"))
	testpg.Exec(t, dsn, `select pgq.create_queue('q'), pgq.set_queue_config('q', 'ticker_max_lag', '0')`)
	return dsn
}

// upstreams makes a database with upstream's extension.
func upstreams(t *testing.T) string {
	t.Helper()
	c := testpg.Shared(t)
	if testpg.Value[int64](t, c.DSN("postgres"), `select count(*) from pg_available_extension_versions where name = 'pgq' and version like '3%'`) == 0 {
		t.Skip("upstream's pgq is not installed on this server")
	}
	dsn := c.NewDB(t)
	testpg.Exec(t, dsn, `create extension pgq`)
	testpg.Exec(t, dsn, `select pgq.create_queue('q'), pgq.set_queue_config('q', 'ticker_max_lag', '0')`)
	return dsn
}

// empty makes a database without pgq.
func empty(t *testing.T) string {
	t.Helper()
	return testpg.Shared(t).NewDB(t)
}

// fake makes a database with a schema pgq of a few functions only, whose
// behaviour a test can change by the rows of the table behave.
func fake(t *testing.T) string {
	t.Helper()
	dsn := empty(t)
	testpg.Exec(t, dsn, `
		create schema pgq;
		create table calls (n serial, what text);
		create table behave (what text primary key, code text);
		create table pgq.queue (queue_name text, queue_external_ticker bool default false, queue_ticker_paused bool default false);
		create table pgq.retry_queue (ev_retry_after timestamptz);
		create table operations (n serial, func_name text, func_arg text);
		create function note(t text) returns void language sql as 'insert into calls (what) values ($1)';
		create function maybe_fail(t text) returns void language plpgsql as $$
		declare c text;
		begin
			select code into c from behave where what = t;
			if found then raise exception 'told to fail' using errcode = c; end if;
		end $$;
		create function pgq.version() returns text language sql as $$ select '3.9'::text $$;
		create function pgq.ticker() returns bigint language sql as $$ select maybe_fail('ticker'); select 0::bigint $$;
		create function pgq.ticker(text) returns bigint language sql as $$ select maybe_fail('ticker'); select 0::bigint $$;
		create function pgq.maint_retry_events() returns int language sql as $$ select maybe_fail('retry'); select 0 $$;
		create function pgq.maint_operations(out func_name text, out func_arg text) returns setof record language sql as
			$$ select maybe_fail('operations'); select func_name, func_arg from operations order by n $$;
	`)
	return dsn
}

func ticks(t *testing.T, dsn, queue string) int64 {
	t.Helper()
	return testpg.Value[int64](t, dsn, `select count(*) from pgq.tick t join pgq.queue q on q.queue_id = t.tick_queue where queue_name = $1`, queue)
}

// covered tells whether every committed event of q is covered by its newest
// tick.
func covered(t *testing.T, dsn string) bool {
	t.Helper()
	return testpg.Value[bool](t, dsn, `
		select not exists (
			select 1 from pgq.event_template e,
				(select tick_snapshot from pgq.tick t join pgq.queue q on q.queue_id = t.tick_queue
				  where queue_name = 'q' order by tick_id desc limit 1) t
			 where not txid_visible_in_snapshot(e.ev_txid, t.tick_snapshot))`)
}

// Passes are an hour apart, so it is the looks that tick.
func TestFastTicks(t *testing.T) {
	t.Parallel()
	dsn := ours(t)
	set := quick
	set.Ticker = time.Hour
	db := watchDB(t, dsn, set)
	db.waitState(Ticking)
	for i := range 20 {
		db.exec(`select pgq.insert_event('q', 't', 'data')`)
		db.wait("a tick", func() bool { return covered(t, dsn) })
		if i == 0 {
			db.wait("the queue's status", func() bool { return !db.Status().Queues["q"].Seen.IsZero() })
		}
	}
	// one for an event's number that is taken, one for its commit, and some to spare
	if n := ticks(t, dsn, "q"); n > 80 {
		t.Errorf("%d ticks for 20 events", n)
	}
}

// An event of a transaction that was open at the tick is ticked soon after its
// commit; until then the open transaction causes no ticks.
func TestFastTicksWaitForOpenTransactions(t *testing.T) {
	t.Parallel()
	dsn := ours(t)
	set := quick
	set.Ticker, set.Fast = time.Hour, time.Millisecond
	// A cap on the pauses that is far below the passes, or the test would wait.
	db := watchDB(t, dsn, set)
	db.waitState(Ticking)
	conn := testpg.Connect(t, dsn)
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `select pgq.insert_event('q', 't', 'late')`); err != nil {
		t.Fatal(err)
	}
	db.exec(`select pgq.insert_event('q', 't', 'early')`)
	db.wait("a tick for the early event", func() bool { return covered(t, dsn) })
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	db.wait("a tick for the late event", func() bool { return covered(t, dsn) })
}

// A queue without new events gets no ticks but the idle ones, whatever else
// goes on in the database.
func TestIdleQueueIsNotTicked(t *testing.T) {
	t.Parallel()
	dsn := ours(t)
	db := watchDB(t, dsn, quick)
	db.exec(`select pgq.insert_event('q', 't', 'data')`)
	db.wait("a tick", func() bool { return covered(t, dsn) })
	conn := testpg.Connect(t, dsn)
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.WithoutCancel(t.Context()))
	if _, err := tx.Exec(t.Context(), `select txid_current()`); err != nil {
		t.Fatal(err)
	}
	db.exec(`select pgq.set_queue_config('q', 'ticker_max_lag', '1 day'), pgq.set_queue_config('q', 'ticker_idle_period', '1 day')`)
	db.waitPasses(3)
	db.exec(`select pgq.set_queue_config('q', 'ticker_max_lag', '0')`)
	db.exec(`update pgq.queue set queue_ticker_paused = true`)
	db.waitPasses(2)
	before := ticks(t, dsn, "q")
	db.exec(`update pgq.queue set queue_ticker_paused = false`)
	db.exec(`create table x (i int)`)
	looks := db.Stats.Looks.Load() + 10
	for db.Stats.Looks.Load() < looks {
		db.exec(`insert into x values (1)`)
	}
	// one for the queue that came back, idle ones double their distance
	if n := ticks(t, dsn, "q") - before; n > 4 {
		t.Errorf("%d ticks of an idle queue", n)
	}
}

// With upstream's schema there are no looks, only passes by pgq.ticker().
func TestUpstreamsSchema(t *testing.T) {
	t.Parallel()
	dsn := upstreams(t)
	db := watchDB(t, dsn, quick)
	db.waitState(Ticking)
	db.exec(`select pgq.insert_event('q', 't', 'one'), pgq.insert_event('q', 't', 'two')`)
	db.wait("a tick", func() bool { return covered(t, dsn) })
	if n := db.Stats.Looks.Load(); n != 0 {
		t.Errorf("%d looks", n)
	}
	if v := db.Status().Version; !strings.HasPrefix(v, "3.") {
		t.Errorf("got version %q", v)
	}
}

func TestMaintenanceAndRetry(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(*testing.T) string{"ours": ours, "upstream's": upstreams} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := make(t)
			testpg.Exec(t, dsn, `select pgq.set_queue_config('q', 'rotation_period', '0')`)
			db := watchDB(t, dsn, quick)
			rotated := func() int64 {
				return testpg.Value[int64](t, dsn, `select queue_switch_step1 from pgq.queue`)
			}
			first := rotated()
			db.wait("a rotation", func() bool { return rotated() != first })

			// upstream's rotations without a tick between them delete even the last tick
			db.exec(`select pgq.set_queue_config('q', 'rotation_period', '1 day')`)
			db.wait("a tick", func() bool { return testpg.Value[bool](t, dsn, `select exists (select 1 from pgq.tick)`) })
			db.exec(`select pgq.register_consumer('q', 'c')`)
			db.exec(`select pgq.insert_event('q', 't', 'again')`)
			var batch *int64
			db.wait("a batch", func() bool {
				batch = testpg.Value[*int64](t, dsn, `select pgq.next_batch('q', 'c')`)
				if batch == nil {
					return false
				}
				if testpg.Value[int64](t, dsn, `select count(*) from pgq.get_batch_events($1)`, *batch) > 0 {
					return true
				}
				db.exec(`select pgq.finish_batch($1)`, *batch)
				return false
			})
			db.exec(`select pgq.event_retry($1, ev_id, 0), pgq.finish_batch($1) from pgq.get_batch_events($1)`, *batch)
			db.wait("the retried event", func() bool { return db.Stats.RetriedEvents.Load() == 1 })
			db.wait("a status", func() bool { s := db.Status(); return !s.LastMaint.IsZero() && !s.LastRetry.IsZero() })
		})
	}
}

// A broken queue does not stop the others. It is named once, and again when it
// is well.
func TestBrokenQueue(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(*testing.T) string{"ours": ours, "upstream's": upstreams} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := make(t)
			testpg.Exec(t, dsn, `select pgq.create_queue('a_broken'), pgq.set_queue_config('a_broken', 'ticker_max_lag', '0')`)
			testpg.Exec(t, dsn, `select pgq.insert_event('a_broken', 't', i::text) from generate_series(1, 2) i`)
			seq := testpg.Value[string](t, dsn, `select queue_tick_seq from pgq.queue where queue_name = 'a_broken'`)
			testpg.Exec(t, dsn, `alter sequence `+seq+` rename to elsewhere`)
			db := watchDB(t, dsn, quick)
			db.waitLog("queue cannot be ticked, the others can queue=a_broken")
			for range 3 {
				db.exec(`select pgq.insert_event('q', 't', 'data')`)
				db.wait("a tick", func() bool { return covered(t, dsn) })
			}
			if s := db.Status(); s.State != Ticking || len(s.BadQueues) != 1 || s.BadQueues[0] != "a_broken" {
				t.Errorf("got %+v", s)
			}
			db.waitPasses(3)
			db.exec(`alter sequence pgq.elsewhere rename to ` + strings.TrimPrefix(seq, "pgq."))
			db.waitLog("queue is ticked again queue=a_broken")
			db.said("queue cannot be ticked", 1)
			if s := db.Status(); len(s.BadQueues) != 0 {
				t.Errorf("got %+v", s)
			}
		})
	}
}

// pgq may come, and change, and go under a running ticker.
func TestInstalledLater(t *testing.T) {
	t.Parallel()
	dsn := empty(t)
	db := watchDB(t, dsn, quick)
	db.waitLog("WARNING [" + db.name + "]: no pgq in this database")
	db.waitState(NoPgQ)

	db.exec(`create schema pgq`)
	db.waitLog("bad pgq version, ignoring version=NULL")
	db.exec(`create function pgq.version() returns text language sql as $$ select null::text $$`)
	db.waitState(BadVersion)
	db.exec(`create or replace function pgq.version() returns text language sql as $$ select '2.1'::text $$`)
	db.waitLog("bad pgq version, ignoring version=2.1")

	db.exec(`create or replace function pgq.version() returns text language sql as $$ select '3.1'::text $$`)
	db.waitLog("pgq version ok version=3.1")
	db.waitLog("cannot tick, trying again")
	db.exec(`create function pgq.ticker() returns bigint language sql as $$ select 0::bigint $$`)
	db.waitState(Ticking)
	db.waitLog("database is ticking again")

	db.exec(`drop schema pgq cascade`)
	db.wait("the second line about a missing pgq", func() bool {
		return strings.Count(db.log.String(), "no pgq in this database") == 2
	})
	db.said("version=NULL", 1)
	db.said("version=2.1", 1)
}

func TestUpgradedUnderneath(t *testing.T) {
	t.Parallel()
	dsn := fake(t)
	db := watchDB(t, dsn, quick)
	db.waitLog("pgq version ok version=3.9")
	db.exec(`create or replace function pgq.version() returns text language sql as $$ select '4.0'::text $$`)
	db.waitLog("pgq version ok version=4.0")
	db.said("away", 0)
}

// The server goes away and comes back: two lines.
func TestServerRestart(t *testing.T) {
	t.Parallel()
	c := testpg.Start(t)
	dsn := c.NewDB(t, testpg.Extensions("pgq"))
	db := watchDB(t, dsn, quick)
	db.waitState(Ticking)
	c.Stop(t)
	db.waitState(Away)
	errs := db.Stats.TickErrors.Load()
	db.wait("more attempts", func() bool { db.Wake(); return db.Stats.TickErrors.Load() > errs+2 })
	c.Start(t)
	db.wait("ticks", func() bool { db.Wake(); return db.Status().State == Ticking })
	db.waitLog("database is ticking again")
	db.said("database is away", 1)
	db.said("WARNING", 1)
	db.said("ERROR", 0)
	if err := db.health.Check(); err != nil {
		t.Error(err)
	}
}

// A statement that hangs is cancelled at the server; the loop keeps its
// promises all the while.
func TestHangingStatement(t *testing.T) {
	t.Parallel()
	dsn := ours(t)
	db := watchDB(t, dsn, quick, func(d *Database) { d.limits.tick = 200 * time.Millisecond })
	db.waitState(Ticking)
	conn := testpg.Connect(t, dsn)
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), `lock table pgq.tick, pgq.queue in access exclusive mode`); err != nil {
		t.Fatal(err)
	}
	db.waitState(Failing)
	errs := db.Stats.TickErrors.Load()
	db.wait("more attempts", func() bool { db.Wake(); return db.Stats.TickErrors.Load() > errs+2 })
	if n := testpg.Value[int64](t, dsn, `select count(*) from pg_stat_activity
		where datname = current_database() and application_name = 'pgqd' and wait_event_type = 'Lock'`); n > 3 {
		t.Errorf("%d statements still wait for the lock", n)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	db.wait("ticks", func() bool { db.Wake(); return db.Status().State == Ticking })
	db.said("cannot tick, trying again", 1)
	db.waitLog("no answer within 200ms")
	if err := db.health.Check(); err != nil {
		t.Error(err)
	}
}

// A full disk, a missing right and the like are told once and do not stop
// maintenance, which may be what makes room.
func TestFailingTicker(t *testing.T) {
	t.Parallel()
	dsn := fake(t)
	db := watchDB(t, dsn, quick)
	db.waitState(Ticking)
	db.exec(`insert into behave values ('ticker', '53100')`)
	db.waitState(Failing)
	rounds := db.Stats.MaintRounds.Load()
	errs := db.Stats.TickErrors.Load()
	db.wait("more attempts", func() bool { db.Wake(); return db.Stats.TickErrors.Load() > errs+2 })
	db.wait("maintenance", func() bool { return db.Stats.MaintRounds.Load() > rounds })
	db.said(`cannot tick, trying again err="pgq.ticker(): ERROR: told to fail (SQLSTATE 53100)"`, 1)
	db.exec(`update behave set code = '42501'`)
	db.wait("the other cause", func() bool { db.Wake(); return strings.Contains(db.log.String(), "SQLSTATE 42501") })
	db.exec(`delete from behave`)
	db.wait("ticks", func() bool { db.Wake(); return db.Status().State == Ticking })
	db.waitLog("database is ticking again")
}

func TestMissingRight(t *testing.T) {
	t.Parallel()
	dsn := ours(t)
	role := fmt.Sprintf("nobody_%d", time.Now().UnixNano())
	testpg.Exec(t, dsn, `create role `+role+` login`)
	db := watchDB(t, dsn+" user="+role, quick)
	db.waitLog("permission denied for function ticker")
	db.waitState(Failing)
	testpg.Exec(t, dsn, `grant pgq_admin to `+role)
	db.wait("ticks", func() bool { db.Wake(); return db.Status().State == Ticking })
	testpg.Exec(t, dsn, `select pgq.insert_event('q', 't', 'data')`)
	db.wait("a tick", func() bool { return covered(t, dsn) })
	db.wait("maintenance", func() bool { return db.Stats.MaintRounds.Load() > 0 })
	db.stop()
}

// Maintenance entries as the contract has them.
func TestMaintenanceEntries(t *testing.T) {
	t.Parallel()
	dsn := fake(t)
	testpg.Exec(t, dsn, `
		create function "Mixed Case"(name) returns void language sql as $$ select note('mixed ' || $1) $$;
		create function counts(text) returns text language plpgsql as $$
		begin
			perform note('counts ' || $1);
			return case when (select count(*) from calls where what like 'counts%') % 3 = 0 then 'none left' else ' 12 more' end;
		end $$;
		create function record_result(out code int, out note text) language sql as $$ select note('record'); select 200, 'Ok'::text $$;
		create function fails() returns int language sql as $$ select maybe_fail('entry'); select 0 $$;
		create table "odd ""table" (i int);
		insert into behave values ('entry', 'P0001');
		insert into operations (func_name, func_arg) values
			('Mixed Case', 'arg'), ('public.counts', 'q''1'), ('fails', null), ('VACUUM', 'odd "table'), ('vacuum  Analyze', 'public.calls'),
			('record_result', null);
	`)
	db := watchDB(t, dsn, quick, func(*Database) {})
	db.wait("the last entry", func() bool {
		return testpg.Value[int64](t, dsn, `select count(*) from calls where what = 'record'`) >= 3
	})
	if n := db.Stats.MaintRounds.Load(); n != 0 {
		t.Errorf("%d complete rounds, although an entry fails", n)
	}
	db.exec(`delete from behave`)
	db.waitLog("maintenance entry works again entry=fails")
	db.wait("a complete round", func() bool { return db.Stats.MaintRounds.Load() > 0 })
	db.stop()
	db.said("maintenance entry failed, the others go on entry=fails", 1)
	db.said("WARNING", 0)
	mixed := testpg.Value[int64](t, dsn, `select count(*) from calls where what = 'mixed arg'`)
	counts := testpg.Value[int64](t, dsn, `select count(*) from calls where what = 'counts q''1'`)
	if mixed == 0 || counts < 3*(mixed-1) || counts > 3*mixed {
		t.Errorf("%d calls of the repeated entry in %d rounds, want three each", counts, mixed)
	}
	testpg.Wait(t, patience, "the vacuum in the statistics", func() bool {
		return testpg.Value[int64](t, dsn, `select coalesce(sum(vacuum_count), 0)::int8 from pg_stat_user_tables where relname in ('calls', 'odd "table')`) >= 2
	})
}

// An entry that asks to be run again without end gives up its turn.
func TestEndlessEntry(t *testing.T) {
	t.Parallel()
	dsn := fake(t)
	testpg.Exec(t, dsn, `
		create function endless() returns int language sql as 'select 1';
		insert into operations (func_name) values ('endless')`)
	db := watchDB(t, dsn, quick)
	db.waitLog("maintenance entry asks to be run again and again")
}

// Schemas older than pgq.maint_operations() have a fixed list.
func TestOldMaintenance(t *testing.T) {
	t.Parallel()
	dsn := fake(t)
	testpg.Exec(t, dsn, `
		drop function pgq.maint_operations();
		create function pgq.get_queue_info(out queue_name text) returns setof text language sql as $$ values ('b'), ('a') $$;
		create function pgq.maint_rotate_tables_step1(text) returns int language sql as $$ select note('step1 ' || $1); select 0 $$;
		create function pgq.maint_rotate_tables_step2() returns int language sql as $$ select note('step2'); select 0 $$;
		create function pgq.maint_tables_to_vacuum() returns setof text language sql as $$ select 'pgq.queue'::text $$`)
	db := watchDB(t, dsn, quick)
	db.wait("two rounds", func() bool { return db.Stats.MaintRounds.Load() >= 2 })
	if got := testpg.Value[string](t, dsn, `select string_agg(what, ',' order by n) from (select * from calls order by n limit 3) c`); got != "step1 a,step1 b,step2" {
		t.Errorf("got calls %s", got)
	}
	db.said("WARNING", 0)
	db.said("ERROR", 0)
}

func TestFailingRounds(t *testing.T) {
	t.Parallel()
	dsn := fake(t)
	testpg.Exec(t, dsn, `insert into pgq.retry_queue values (now()); insert into operations (func_name) values ('pgq.ticker')`)
	db := watchDB(t, dsn, quick)
	db.waitState(Ticking)
	db.exec(`insert into behave values ('retry', 'P0001'), ('operations', 'P0001')`)
	db.waitLog("cannot move retried events, trying again")
	db.waitLog("maintenance failed, trying again")
	errs := db.Stats.RetryErrors.Load()
	db.wait("more attempts", func() bool { return db.Stats.RetryErrors.Load() > errs+1 })
	db.exec(`delete from behave`)
	db.waitLog("retried events are moved again")
	db.waitLog("maintenance works again")
	db.said("cannot move retried events", 1)
	db.said("maintenance failed", 1)
	if s := db.Status().State; s != Ticking {
		t.Errorf("got state %s: the rounds are not the ticker's business", s)
	}
}

// Ticks need READ COMMITTED, whatever the database's default is.
func TestDefaultIsolation(t *testing.T) {
	t.Parallel()
	dsn := ours(t)
	testpg.Exec(t, dsn, `do $$ begin
		execute format('alter database %I set default_transaction_isolation to serializable', current_database());
	end $$`)
	db := watchDB(t, dsn, quick)
	db.waitState(Ticking)
	db.exec(`select pgq.set_queue_config('q', 'rotation_period', '0')`)
	db.exec(`select pgq.insert_event('q', 't', 'data')`)
	db.wait("a tick", func() bool { return covered(t, dsn) })
	db.wait("a round with an entry", func() bool {
		return testpg.Value[bool](t, dsn, `select queue_switch_step2 is not null from pgq.queue`)
	})
	db.said("ERROR", 0)
}

// Several tickers of one database do no harm.
func TestTwoTickers(t *testing.T) {
	t.Parallel()
	dsn := ours(t)
	set := quick
	set.Ticker = 20 * time.Millisecond
	a, b := watchDB(t, dsn, set), watchDB(t, dsn, set)
	a.waitState(Ticking)
	b.waitState(Ticking)
	for range 30 {
		a.exec(`select pgq.insert_event('q', 't', 'data')`)
	}
	a.wait("a tick", func() bool { return covered(t, dsn) })
	if n := testpg.Value[int64](t, dsn, `
		select count(*) from pgq.tick a join pgq.tick b on b.tick_queue = a.tick_queue and b.tick_id > a.tick_id
		 where txid_snapshot_xmax(b.tick_snapshot) < txid_snapshot_xmax(a.tick_snapshot)`); n != 0 {
		t.Errorf("%d ticks with a snapshot older than the one before", n)
	}
	a.said("ERROR", 0)
	b.said("ERROR", 0)
}

// A standby is waited for quietly, and ticked once it is promoted.
func TestPromotion(t *testing.T) {
	t.Parallel()
	c := testpg.Start(t)
	dsn := c.NewDB(t, testpg.Extensions("pgq"))
	testpg.Exec(t, dsn, `select pgq.create_queue('q')`)
	c.Stop(t)
	if err := os.WriteFile(filepath.Join(c.DataDir(), "standby.signal"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	c.Start(t)
	db := watchDB(t, dsn, quick)
	db.waitState(Standby)
	before := ticks(t, dsn, "q")
	testpg.Exec(t, dsn, `select pg_promote(false)`)
	db.wait("ticks", func() bool { return db.Status().State == Ticking })
	db.wait("a tick", func() bool { return ticks(t, dsn, "q") > before })
	db.waitLog("database is ticking again")
	db.said("server is in recovery", 1)
	db.said("WARNING", 0)
	db.said("ERROR", 0)
}

// The connection is renewed without a word.
func TestConnectionAge(t *testing.T) {
	t.Parallel()
	set := quick
	set.ConnectAge = 100 * time.Millisecond
	db := watchDB(t, ours(t), set)
	db.waitState(Ticking)
	pid := func() int64 {
		return testpg.Value[int64](t, db.dsn, `select coalesce(min(pid), 0)::int8 from pg_stat_activity
			where datname = current_database() and application_name = 'pgqd' and query like '%tick%'`)
	}
	first := int64(0)
	db.wait("a session", func() bool { first = pid(); return first != 0 })
	db.wait("another session", func() bool { p := pid(); return p != 0 && p != first })
	db.said("away", 0)
	db.said("pgq version ok", 1)
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	set := quick
	set.Maint = 200 * time.Millisecond
	db := watchDB(t, fake(t), set)
	db.waitPasses(2)
	set.Ticker = time.Hour
	db.Update(set)
	db.waitPasses(1)
	n := db.Stats.Passes.Load()
	rounds := db.Stats.MaintRounds.Load() + 3
	db.wait("maintenance", func() bool { return db.Stats.MaintRounds.Load() >= rounds })
	if got := db.Stats.Passes.Load(); got > n+1 {
		t.Errorf("%d passes within an hour", got-n)
	}
}

func TestExecModeOfTheConnectionString(t *testing.T) {
	t.Parallel()
	for dsn, want := range map[string]pgx.QueryExecMode{
		"host=/nowhere": pgx.QueryExecModeExec,
		"host=/nowhere default_query_exec_mode=simple_protocol": pgx.QueryExecModeSimpleProtocol,
		"host=/nowhere default_query_exec_mode=cache_statement": pgx.QueryExecModeCacheStatement,
	} {
		d, err := NewDialer(dsn, "pgqd", slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if got := d.cfg.DefaultQueryExecMode; got != want {
			t.Errorf("%s: got %v, want %v", dsn, got, want)
		}
	}
	if _, err := NewDialer("host=", "pgqd", slog.New(slog.DiscardHandler)); err != nil {
		t.Error(err)
	}
	if _, err := NewDialer("nonsense", "pgqd", slog.New(slog.DiscardHandler)); err == nil {
		t.Error("want an error")
	}
}

// Each way in which the driver can put a query works.
func TestEachExecMode(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"exec", "simple_protocol", "cache_describe", "cache_statement", "describe_exec"} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			dsn := ours(t) + " default_query_exec_mode=" + mode
			testpg.Exec(t, dsn, `create function again(name) returns int language sql as 'select 0'`)
			testpg.Exec(t, dsn, `update pgq.queue set queue_extra_maint = '{public.again}'`)
			db := watchDB(t, dsn, quick)
			db.exec(`select pgq.insert_event('q', 't', 'data')`)
			db.wait("a tick", func() bool { return covered(t, dsn) })
			db.wait("a round", func() bool { return db.Stats.MaintRounds.Load() > 0 })
			db.said("ERROR", 0)
			db.said("WARNING", 0)
		})
	}
}
