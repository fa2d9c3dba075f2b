package extension_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"skytools/lib/testpg"
)

// TestPgqCoopStress lets sessions send, tick, rotate, register, unregister,
// take over and finish at random. Subconsumers write what they read into a
// ledger in the transaction that finishes the batch, some die with a batch
// open, and all take each other for dead: at the end each event is in the
// ledger once, and no call has failed but for reasons that it documents.
func TestPgqCoopStress(t *testing.T) {
	t.Parallel()
	const sessions, subs, seed = 8, 6, 1
	steps := 500
	if os.Getenv("SOAK") != "" {
		steps = 10_000
	}
	dsn := testpg.Shared(t).NewDB(t, testpg.Extensions("pgq", "pgq_coop"))
	testpg.Exec(t, dsn, `
		create table sent (id bigint primary key);
		create table ledger (id bigint, batch bigint);
		create function send(id bigint) returns void as $$
		    insert into sent values (id);
		    select pgq.insert_event('q', 'test', id::text);
		$$ language sql;
		create function tick() returns void as $$
		    select pgq.force_tick('q');
		    select pgq.ticker('q');
		$$ language sql;
		create function work(sub text, id bigint) returns void as $$
		begin
		    insert into ledger select ev_data::bigint, work.id from pgq.get_batch_events(work.id);
		    if pgq_coop.finish_own_batch('q', 'm', sub, work.id) = 0 then
		        raise exception 'late';
		    end if;
		end $$ language plpgsql;
		select pgq.create_queue('q'), pgq.set_queue_config('q', 'ticker_max_lag', '0'),
		       pgq.set_queue_config('q', 'rotation_period', '0.1 s'), pgq_coop.register_subconsumer('q', 'm', 's0')`)

	const next = "select pgq_coop.next_batch('q', 'm', $1, $2::text::interval)"
	session := func(ctx context.Context, conn *pgx.Conn, nr int) error {
		rnd := rand.New(rand.NewPCG(seed, uint64(nr)))
		do := func(expected, query string, args ...any) error {
			_, err := conn.Exec(ctx, query, args...)
			if err != nil && (expected == "" || !strings.Contains(err.Error(), expected)) {
				return fmt.Errorf("%s %v: %w", query, args, err)
			}
			return nil
		}
		for step := range steps {
			sub := fmt.Sprintf("s%d", rnd.IntN(subs))
			var err error
			switch p := rnd.IntN(20); {
			case p < 5:
				err = do("", "select send($1)", nr*steps+step)
			case p < 7:
				err = do("", "select tick()")
			case p < 8:
				err = do("", "select pgq.maint_rotate_tables_step1('q')")
			case p < 9:
				err = do("", "select pgq.maint_rotate_tables_step2()")
			case p < 10:
				err = do("", "select pgq.maint_position_logs()")
			case p < 11:
				err = do("", "select pgq_coop.register_subconsumer('q', 'm', $1)", sub)
			case p < 12:
				err = do("subconsumer has active batch", "select pgq_coop.unregister_subconsumer('q', 'm', $1, 0)", sub)
			default:
				dead := []*string{nil, ptr("0 s"), ptr("20 ms"), ptr("1 hour")}[rnd.IntN(4)]
				var batch *int64
				if err = conn.QueryRow(ctx, next, sub, dead).Scan(&batch); err != nil {
					return fmt.Errorf("next_batch of %s: %w", sub, err)
				}
				if batch == nil || rnd.IntN(10) == 0 {
					continue
				}
				// another session may have it, or have finished it
				if err = do("late", "select work($1, $2)", sub, *batch); err != nil && strings.Contains(err.Error(), "batch not found") {
					err = nil
				}
			}
			if err != nil {
				return fmt.Errorf("session %d step %d seed %d: %w", nr, step, seed, err)
			}
		}
		return nil
	}
	var wg sync.WaitGroup
	for nr := range sessions {
		conn := testpg.Connect(t, dsn)
		wg.Go(func() {
			if err := session(t.Context(), conn, nr); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}

	// Then one subconsumer takes over all that is open, and reads the rest.
	testpg.Exec(t, dsn, "select tick()")
	conn := testpg.Connect(t, dsn)
	for idle := 0; idle < subs; {
		var batch *int64
		if err := conn.QueryRow(t.Context(), next, "s0", ptr("0 s")).Scan(&batch); err != nil {
			t.Fatal(err)
		}
		if batch == nil {
			idle++ // that call may have removed an idle one
			continue
		}
		if _, err := conn.Exec(t.Context(), "select work('s0', $1)", *batch); err != nil {
			t.Fatal(err)
		}
	}
	const result = `
		select format('%s sent, %s lost, %s twice', (select count(*) from sent),
		    (select count(*) from sent s where not exists (select 1 from ledger l where l.id = s.id)),
		    (select count(*) from (select id from ledger group by id having count(*) > 1) x))`
	sent := testpg.Value[int](t, dsn, "select count(*)::int from sent")
	if got, want := testpg.Value[string](t, dsn, result), fmt.Sprintf("%d sent, 0 lost, 0 twice", sent); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	t.Logf("%d events in %d batches", sent, testpg.Value[int](t, dsn, "select count(distinct batch)::int from ledger"))
}

func ptr[T any](v T) *T { return &v }
