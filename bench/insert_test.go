package bench

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"skytools/lib/db"
	"skytools/lib/testpg"
)

// plainTable is a table like an event table that knows nothing of queues.
const plainTable = `
	create sequence plain_seq;
	create table plain (like pgq.event_template including defaults);
	alter table plain alter ev_id set default nextval('plain_seq'),
		set (fillfactor = 100, autovacuum_enabled = off);
	create index on plain (ev_txid);`

// moduleDB starts a server with the C module and makes a database with a queue
// named q.
func moduleDB(t *testing.T, opts ...testpg.Option) string {
	t.Helper()
	c := testpg.Start(t, append(opts, testpg.Bin(testpg.Tree(t).Bin), testpg.Conf("shared_buffers", "256MB"),
		testpg.Conf("max_wal_size", "4GB"), testpg.Conf("max_connections", "100"))...)
	dsn := c.NewDB(t)
	testpg.Exec(t, dsn, "create extension pgq; select pgq.create_queue('q');"+plainTable)
	return dsn
}

// connect connects for work that prepares its statements once.
func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := db.Connect(t.Context(), dsn, "bench")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// repeat runs a statement n times, each a transaction.
func repeat(t *testing.T, conn *pgx.Conn, n int, sql string, args ...any) {
	t.Helper()
	for range n {
		if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
}

const (
	insertPlain = `insert into plain (ev_time, ev_type, ev_data, ev_extra1) values (now(), $1, $2, $3)`
	insertEvent = `select pgq.insert_event('q', $1, $2, $3, null, null, null)`
)

var eventArgs = []any{"I:id", "id=1&name=some+text&value=" + strings.Repeat("x", 80), "public.t"}

// One event a transaction, against the same INSERT into an identical table.
func TestInsertSingle(t *testing.T) {
	dsn := moduleDB(t)
	for _, clients := range []int{1, 4, 16, 64} {
		t.Run(fmt.Sprint(clients), func(t *testing.T) {
			var conns []*pgx.Conn
			for range clients {
				conns = append(conns, connect(t, dsn))
			}
			all := func(sql string) func() {
				return func() {
					var wg sync.WaitGroup
					for _, conn := range conns {
						wg.Go(func() { repeat(t, conn, 4000/clients, sql, eventArgs...) })
					}
					wg.Wait()
				}
			}
			o, p, r := pairs(t, 15, all(insertEvent), all(insertPlain))
			report(t, row{
				name: fmt.Sprintf("4,000 one-event transactions by %d clients", clients),
				ours: ms(o), peer: ms(p), ratio: ratio(r), note: "peer: the same INSERT into an identical table; aim 0.95",
			})
		})
	}
}

// A hundred events in one statement, against INSERT ... SELECT.
func TestInsertMany(t *testing.T) {
	dsn := moduleDB(t)
	conn := connect(t, dsn)
	const peerSQL = `insert into plain (ev_time, ev_type, ev_data, ev_extra1)
		select now(), e.ev_type, e.ev_data, e.ev_extra1 from unnest($1::text[], $2::text[], $3::text[]) e (ev_type, ev_data, ev_extra1)`
	var args [3][]string
	for i := range 100 {
		args[0] = append(args[0], "I:id")
		args[1] = append(args[1], fmt.Sprintf("id=%d&name=some+text&value=%s", i, strings.Repeat("x", 80)))
		args[2] = append(args[2], "public.t")
	}
	for _, tc := range []struct{ name, sql, aim string }{
		{"100 insert_event() in one statement", `select pgq.insert_event('q', e.ev_type, e.ev_data, e.ev_extra1, null, null, null)
			from unnest($1::text[], $2::text[], $3::text[]) e (ev_type, ev_data, ev_extra1)`, "0.70"},
		{"insert_events() of 100", `select pgq.insert_events('q', $1, $2, $3)`, "1.0"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			statement := func(sql string) func() {
				return func() {
					repeat(t, conn, 300, sql, args[0], args[1], args[2])
				}
			}
			o, p, r := pairs(t, 15, statement(tc.sql), statement(peerSQL))
			report(t, row{
				name: "300 times " + tc.name,
				ours: ms(o), peer: ms(p), ratio: ratio(r), note: "peer: INSERT ... SELECT into an identical table; aim " + tc.aim,
			})
		})
	}
}

// No lock of ours is what producers wait for.
func TestInsertWaits(t *testing.T) {
	dsn := moduleDB(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	for range 64 {
		conn := connect(t, dsn)
		wg.Go(func() {
			for ctx.Err() == nil {
				if _, err := conn.Exec(ctx, insertEvent, eventArgs...); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
			}
		})
	}
	waits := map[string]int{}
	watch := connect(t, dsn)
	for ctx.Err() == nil {
		rows, _ := watch.Query(ctx, `select coalesce(wait_event_type || ':' || wait_event, 'running') from pg_stat_activity
			where state = 'active' and pid <> pg_backend_pid() and backend_type = 'client backend'`)
		events, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			break
		}
		for _, e := range events {
			waits[e]++
		}
	}
	wg.Wait()
	total, locks := 0, 0
	for e, n := range waits {
		total += n
		if strings.HasPrefix(e, "Lock:") && e != "Lock:extend" {
			locks += n
		}
	}
	t.Logf("waits of 64 producers: %v", waits)
	report(t, row{
		name: "64 producers that wait for a heavyweight lock", ours: fmt.Sprintf("%d of %d samples", locks, total),
		peer: "-", ratio: "-", note: "but for the extension of the table",
	})
}
