package soak

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"skytools/lib/db"
	"skytools/lib/testpg"
)

// sessions is how many use the queues at once.
const sessions = 16

// TestModel lets many sessions produce, tick, consume, rotate, and change
// queues and consumers at random, and compares all that they saw with a model:
// each event of a committed transaction is in one batch of each consumer, none
// of a rolled-back one in any. No session may see an error but those of the
// contract.
func TestModel(t *testing.T) {
	t.Parallel()
	t.Run("plpgsql", func(t *testing.T) {
		t.Parallel()
		model(t, testpg.Start(t, maxSessions).NewDB(t, testpg.Extensions("pgq")))
	})
	t.Run("c", func(t *testing.T) {
		t.Parallel()
		c := testpg.Start(t, maxSessions, testpg.Bin(testpg.Tree(t).Bin))
		model(t, c.NewDB(t, testpg.Extensions("pgq"), testpg.CModule()))
	})
}

// maxSessions lets in all that a model wants.
var maxSessions = testpg.Conf("max_connections", "60")

func model(t *testing.T, dsn string) {
	seed := seed(t)
	limitLogs(t, dsn, "16384")
	testpg.Exec(t, dsn, "create sequence deed")

	h := newHistory()
	setup := newSession(t, dsn, h, seed, sessions)
	ctx := t.Context()
	for _, queue := range queues {
		var b pgx.Batch
		b.Queue("select pgq.create_queue($1)", queue)
		queueConfig(&b, queue)
		if err := one(ctx, setup.conn, &b); err != nil {
			t.Fatal(err)
		}
	}
	for _, consumer := range append([]string{nomad}, keepers...) {
		if err := setup.registerAt(ctx, steady, consumer, nil); err != nil {
			t.Fatal(err)
		}
	}
	empty := testpg.Value[int64](t, dsn, sizeSQL)

	done := make(chan struct{})
	time.AfterFunc(lasting(t, 10*time.Second, 10*time.Minute), func() { close(done) })
	var wg sync.WaitGroup
	for i := range sessions {
		s := newSession(t, dsn, h, seed, i)
		wg.Go(func() { s.run(ctx, done) })
	}
	wg.Wait()
	full := testpg.Value[int64](t, dsn, sizeSQL)

	if !h.failed() {
		drain(t, dsn, setup)
		h.check(registrations(t, setup.conn))
		t.Logf("%d bytes with empty queues, %d after the work", empty, full)
		shrink(t, dsn, setup, empty)
		for what, want := range map[string]int{
			"events": 500, "events rolled back": 100, "batches finished": 100, "batches read again": 20, "retries": 10,
			"queues dropped": 1, "moved": 5, "registrations followed to the end": len(keepers), "pgq.maint_position_logs": 2,
		} {
			if h.counts[what] < want {
				t.Errorf("%d %s, want at least %d", h.counts[what], what, want)
			}
		}
	}
	h.report(t)
}

// sizeSQL is the space that all of PgQ takes on disk.
const sizeSQL = "select sum(pg_total_relation_size(oid))::bigint from pg_class where relnamespace = 'pgq'::regnamespace and relkind = 'r'"

// usageSQL tells what takes it.
const usageSQL = `select string_agg(format('%s %s bytes', oid::regclass, pg_total_relation_size(oid)), E'\n' order by oid)
        from pg_class where relnamespace = 'pgq'::regnamespace and relkind = 'r' and pg_total_relation_size(oid) > 32768`

// limitLogs makes maintenance switch position logs and compact tables at fewer
// bytes than 1 MB, so that it happens often.
func limitLogs(t *testing.T, dsn, bytes string) {
	t.Helper()
	for _, f := range []string{"maint_position_logs", "maint_compact_tables", "maint_operations"} {
		def := testpg.Value[string](t, dsn, "select pg_get_functiondef('pgq."+f+"'::regproc)")
		small := strings.ReplaceAll(def, "1048576", bytes)
		if small == def {
			t.Fatalf("pgq.%s has no limit of 1048576 bytes", f)
		}
		testpg.Exec(t, dsn, small)
	}
}

func newSession(t *testing.T, dsn string, h *history, seed uint64, id int) *session {
	t.Helper()
	connect := func() *pgx.Conn {
		conn, err := db.Connect(t.Context(), dsn, "soak")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close(context.Background()) })
		return conn
	}
	return &session{id: id, rnd: random(seed, id), h: h, conn: connect(), holder: connect()}
}

// drain consumes everything that is left, retries included.
func drain(t *testing.T, dsn string, s *session) {
	t.Helper()
	ctx := t.Context()
	for busy := true; busy; {
		busy = false
		if testpg.Value[int](t, dsn, "select count(*) from pgq.retry_queue") > 0 {
			busy = true
			if err := s.retryEvents(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.conn.Exec(ctx, "select pgq.ticker()"); err != nil {
			t.Fatal(err)
		}
		rows, err := s.conn.Query(ctx, "select queue_name, consumer_name from pgq.get_consumer_info()")
		if err != nil {
			t.Fatal(err)
		}
		type reader struct{ Queue, Consumer string }
		readers, err := pgx.CollectRows(rows, pgx.RowToStructByPos[reader])
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range readers {
			for {
				h, err := s.open(ctx, r.Queue, r.Consumer)
				if err != nil {
					t.Fatal(err)
				}
				if h.sub == 0 {
					break
				}
				events, still, err := s.readOpen(ctx, h.id)
				if err != nil || !still {
					t.Fatalf("batch %d of %s/%s: still open: %v, error %v", h.id, r.Queue, r.Consumer, still, err)
				}
				busy = busy || len(events) > 0
				s.h.contents(h.id, events)
				if err := s.finishBatch(ctx, h.id); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}

// registrations returns all that there are.
func registrations(t *testing.T, conn *pgx.Conn) []alive {
	t.Helper()
	rows, err := conn.Query(t.Context(), `select s.sub_id, s.sub_last_tick,
		(select count(*) from pgq.retry_queue r where r.ev_owner = s.sub_id) from pgq.subscription s`)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (a alive, err error) {
		return a, row.Scan(&a.sub, &a.pos, &a.waiting)
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// shrink rotates until the queues take hardly more space than empty ones: more
// tables may have been made, which stay.
func shrink(t *testing.T, dsn string, s *session, empty int64) {
	t.Helper()
	const (
		emptyTable = 16384   // its index, and that of its TOAST table
		reused     = 1 << 20 // room that vacuum keeps for later rows
	)
	ctx := t.Context()
	var size, tables int64
	defer func() {
		if t.Failed() {
			t.Log(testpg.Value[string](t, dsn, usageSQL))
		}
	}()
	testpg.Wait(t, 30*time.Second, "the disk to be given back", func() bool {
		if err := s.maintain(ctx); err != nil {
			t.Fatal(err)
		}
		// consumers go along, or the ticks that they stand on are kept
		if err := drainTicks(ctx, s.conn); err != nil {
			t.Fatal(err)
		}
		err := s.conn.QueryRow(ctx, "select ("+sizeSQL+"), count(*) from pgq.event_table").Scan(&size, &tables)
		if err != nil {
			t.Fatal(err)
		}
		return size < empty+tables*emptyTable+reused
	})
	t.Logf("%d bytes at the end, with %d event tables", size, tables)
}

// drainTicks makes ticks and moves all consumers to the newest.
func drainTicks(ctx context.Context, conn *pgx.Conn) error {
	var b pgx.Batch
	b.Queue("select pgq.ticker()")
	b.Queue(`select pgq.register_consumer_at(i.queue_name, i.consumer_name, q.last_tick_id)
		from pgq.get_consumer_info() i join pgq.get_queue_info() q using (queue_name)`)
	return one(ctx, conn, &b)
}
