package extension_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"skytools/lib/testpg"
)

// TestSameAsUpstream calls the functions of schema pgq at random, in our
// schema and in upstream's, and demands the same answers: results, errors and
// warnings to the letter. What is meant to differ is not called: retries in a
// queue that refuses inserts, batch_retry where an id is twice in a batch, times.
func TestSameAsUpstream(t *testing.T) {
	t.Parallel()
	seeds, statements := uint64(3), 300
	if os.Getenv("SOAK") != "" {
		seeds, statements = 30, 1000
	}
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			c := testpg.Shared(t)
			theirs := newTalker(t, c.NewDB(t))
			if answer := theirs.say(t, "create extension pgq version '3.5'"); answer != "" {
				testpg.Unavailable(t, "upstream's pgq is not installed: "+answer)
			}
			ours := newTalker(t, c.NewDB(t, testpg.Extensions("pgq")))
			r := &caller{Rand: rand.New(rand.NewPCG(seed, 0))}
			for n := range statements {
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

// talker sends SQL and notes all that comes back.
type talker struct {
	conn    *pgx.Conn
	notices []string
}

func newTalker(t *testing.T, dsn string) *talker {
	t.Helper()
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	k := &talker{}
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		k.notices = append(k.notices, n.Severity+": "+n.Message)
	}
	k.conn, err = pgx.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { k.conn.PgConn().Conn().Close() })
	return k
}

// say returns the rows, the warnings and the error of some statements.
func (k *talker) say(t *testing.T, sql string) string {
	t.Helper()
	k.notices = nil
	var b strings.Builder
	results, err := k.conn.PgConn().Exec(t.Context(), sql).ReadAll()
	for _, r := range results {
		for _, row := range r.Rows {
			for _, v := range row {
				if v == nil {
					v = []byte("NULL")
				}
				fmt.Fprintf(&b, "%s|", v)
			}
			b.WriteString("\n")
		}
	}
	for _, n := range k.notices {
		fmt.Fprintln(&b, n)
	}
	if err != nil {
		var pe *pgconn.PgError
		if !errors.As(err, &pe) {
			t.Fatal(err)
		}
		// The code of what upstream raises in C is another one.
		fmt.Fprintln(&b, "ERROR: "+pe.Message)
	}
	if k.conn.PgConn().TxStatus() != 'I' {
		if _, err := k.conn.PgConn().Exec(t.Context(), "rollback").ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

const callerSetup = `
	select pgq.create_queue('qa'), pgq.create_queue('qb');
	-- the open batch of a consumer, or one that is not there
	create function b(queue text, consumer text) returns bigint as $$
	    select coalesce((select s.sub_batch from pgq.subscription s, pgq.queue q, pgq.consumer c
	                      where s.sub_queue = q.queue_id and s.sub_consumer = c.co_id
	                        and q.queue_name = queue and c.co_name = consumer), 424242);
	$$ language sql`

// caller chooses calls.
type caller struct {
	*rand.Rand
	ids int
}

// id is a number that no event has yet.
func (r *caller) id() string {
	r.ids++
	return fmt.Sprint(1_000_000 + r.ids)
}

func (r *caller) of(s ...string) string { return s[r.IntN(len(s))] }

func (r *caller) int(low, high int) string { return fmt.Sprint(low + r.IntN(high-low+1)) }

// queue and consumer are rarely NULL or unknown.
func (r *caller) queue() string {
	return r.of("'qa'", "'qa'", "'qa'", "'qb'", "'qb'", "'qb'", "'Q c'", "'Q c'", r.of("null", "'nosuch'"))
}

func (r *caller) consumer() string {
	return r.of("'c1'", "'c1'", "'c1'", "'c2'", "'c2'", "'c2'", "'c3'", "'c3'", r.of("null", "'nosuch'"))
}

// batch is that of a consumer, as an argument.
func (r *caller) batch() string { return "b(" + r.queue() + ", " + r.consumer() + ")" }

func (r *caller) statement() string {
	const info = "select batch_id, cur_tick_id, prev_tick_id, cur_tick_event_seq, prev_tick_event_seq from pgq."
	calls := []struct {
		weight int
		sql    func() string
	}{
		{10, func() string { return "select pgq.create_queue(" + r.queue() + ")" }},
		{3, func() string {
			return "select pgq.drop_queue(" + r.queue() + ", " + r.of("true", "false", "null") + ")"
		}},
		{2, func() string { return "select pgq.drop_queue(" + r.queue() + ")" }},
		{30, func() string { return "select pgq.register_consumer(" + r.queue() + ", " + r.consumer() + ")" }},
		{20, func() string {
			return "select pgq.register_consumer_at(" + r.queue() + ", " + r.consumer() + ", " + r.of("null", r.int(0, 30), r.int(1, 6)) + ")"
		}},
		{8, func() string { return "select pgq.unregister_consumer(" + r.queue() + ", " + r.consumer() + ")" }},
		{100, func() string { return "select pgq.insert_event(" + r.queue() + ", 't', 'd" + r.int(1, 1000) + "')" }},
		{20, func() string {
			return "begin; select pgq.insert_event(" + r.queue() + ", 'a', 'x'); savepoint s; select pgq.insert_event(" + r.queue() + ", 'b', null, 'e1', 'e2', 'e3', 'e4'); " +
				r.of("rollback to", "release") + " s; select pgq.insert_event(" + r.queue() + ", 'c', 'z'); " + r.of("commit", "commit", "rollback")
		}},
		{80, func() string { return "select pgq.ticker(" + r.queue() + ")" }},
		{20, func() string { return "select pgq.ticker()" }},
		{10, func() string { return "select pgq.force_tick(" + r.queue() + ")" }},
		{60, func() string { return info + "next_batch_info(" + r.queue() + ", " + r.consumer() + ")" }},
		{60, func() string {
			return info + "next_batch_custom(" + r.queue() + ", " + r.consumer() + ", " + r.of("null", "'0'", "'1 h'") + ", " +
				r.of("null", r.int(0, 20), r.int(0, 2000)) + ", " + r.of("null", "null", "'1 h'") + ")"
		}},
		{30, func() string { return "select pgq.next_batch(" + r.queue() + ", " + r.consumer() + ")" }},
		{60, func() string { return "select pgq.finish_batch(" + r.batch() + ")" }},
		{60, func() string {
			return "select ev_id, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4 from pgq.get_batch_events(" + r.batch() + ")"
		}},
		{20, func() string {
			return "select queue_name, consumer_name, prev_tick_id, tick_id, seq_start, seq_end from pgq.get_batch_info(" + r.batch() + ")"
		}},
		{20, func() string {
			return "begin; select ev_id, ev_data from pgq.get_batch_cursor(" + r.batch() + ", 'cur', " + r.of("null", "0", "1", "2", "100") + ", " +
				r.of("null", "'ev_id % 2 = 0'") + "); commit"
		}},
		{20, func() string {
			return "select pgq.event_retry(" + r.batch() + ", " + r.int(1, 60) + ", " + r.of("0", "3600") + ")"
		}},
		{20, func() string { return "select pgq.maint_retry_events()" }},
		{10, func() string {
			return "select pgq.event_retry_raw(" + r.queue() + ", " + r.consumer() + ", now(), " + r.of("null", r.id()) + ", now(), " +
				r.int(0, 3) + ", 't', 'raw', null, null, null, null)"
		}},
		{10, func() string {
			return "select pgq.insert_event_raw(" + r.queue() + ", " + r.of("null", r.id()) + ", null, null, null, 't', 'raw', null, null, null, null)"
		}},
		{10, func() string {
			return "select pgq.set_queue_config(" + r.queue() + ", " + r.of("'ticker_paused'", "'external_ticker'", "'nosuch'", "null") + ", " + r.of("'f'", "'f'", "'t'", "'x'") + ")"
		}},
		{5, func() string {
			return "select pgq.ticker(" + r.queue() + ", " + r.int(1, 100) + ", now(), " + r.int(1, 5000) + ")"
		}},
		{20, func() string {
			return "select queue_name, queue_external_ticker, queue_ticker_paused, ev_new, last_tick_id from pgq.get_queue_info()"
		}},
		{30, func() string {
			return "select queue_name, consumer_name, last_tick, current_batch, next_tick, pending_events from pgq.get_consumer_info(" + r.of("", r.queue(), r.queue()+", "+r.consumer()) + ")"
		}},
		{10, func() string {
			return "select q.queue_name, c.co_name, s.sub_last_tick, s.sub_batch, s.sub_next_tick from pgq.subscription s, pgq.queue q, pgq.consumer c" +
				" where s.sub_queue = q.queue_id and s.sub_consumer = c.co_id order by 1, 2"
		}},
		{10, func() string {
			return "select ev_id, ev_retry, ev_type, ev_data, ev_txid from pgq.retry_queue order by ev_queue, ev_owner, ev_id"
		}},
		{3, func() string { return "select co_name from pgq.consumer order by 1" }},
	}
	total := 0
	for _, c := range calls {
		total += c.weight
	}
	n := r.IntN(total)
	for _, c := range calls {
		if n -= c.weight; n < 0 {
			return c.sql()
		}
	}
	panic("unreachable")
}
