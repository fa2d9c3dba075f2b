package extension_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"skytools/lib/testpg"
)

// TestRebase restores a dump into a server whose transaction ids are lower than
// those in the dump, and demands that every consumer gets batch by batch what
// it would have got from the server that was dumped.
func TestRebase(t *testing.T) {
	t.Parallel()
	source, _ := treeCluster(t)
	// ids of the source are 2^32 and more over those of a new server
	source.Stop(t)
	if out, err := source.Command("pg_resetwal", "-e", "3", source.DataDir()).CombinedOutput(); err != nil {
		t.Fatalf("pg_resetwal: %v\n%s", err, out)
	}
	source.Start(t)
	src := source.NewDB(t)
	testpg.Exec(t, src, `
		create extension pgq;
		select pgq.create_queue('busy'), pgq.create_queue('idle'), pgq.create_queue('silent');
		update pgq.queue set queue_ticker_max_lag = '0', queue_ticker_idle_period = '0';
		select pgq.register_consumer(q, c) from unnest('{busy,idle}'::text[]) q, unnest('{a,b}'::text[]) c`)
	history(t, src)

	target, _ := treeCluster(t)
	dst := target.NewDB(t)
	file := source.SocketDir() + "/dump"
	if out, err := source.Command("pg_dump", "-Fc", "-f", file, "-d", src).CombinedOutput(); err != nil {
		t.Fatalf("pg_dump: %v\n%s", err, out)
	}
	if out, err := target.Command("pg_restore", "--exit-on-error", "-d", dst, file).CombinedOutput(); err != nil {
		t.Fatalf("pg_restore: %v\n%s", err, out)
	}

	// the ticker refuses, and says what to do
	_, err := testpg.Connect(t, dst).Exec(t.Context(), "select pgq.ticker()")
	if text := fmt.Sprintf("%+v", err); err == nil || !strings.Contains(text, "Invalid PgQ state") {
		t.Errorf("ticker before rebase: %v", err)
	}
	// one that came too early is not lost
	testpg.Exec(t, dst, "select pgq.insert_event('busy', 'early', 'early')")

	if n := testpg.Value[int](t, dst, "select pgq.rebase()"); n != 3 {
		t.Errorf("rebase() = %d, want 3 queues", n)
	}
	if n := testpg.Value[int](t, dst, "select pgq.rebase()"); n != 0 {
		t.Errorf("rebase() for the second time = %d, want 0", n)
	}
	testpg.Exec(t, src, "select pgq.insert_event('busy', 'early', 'early')")
	for _, dsn := range []string{src, dst} {
		testpg.Exec(t, dsn, "select pgq.ticker()")
	}
	for _, queue := range []string{"busy", "idle"} {
		for _, consumer := range []string{"a", "b"} {
			want, got := batches(t, src, queue, consumer), batches(t, dst, queue, consumer)
			if queue == "busy" && len(want) < 10 {
				t.Errorf("%s of %s had only %d batches", consumer, queue, len(want))
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s of %s (-source +restored):\n%s", consumer, queue, diff)
			}
		}
	}
	// and rotation goes on
	rotate := `
		update pgq.queue set queue_switch_time = queue_switch_time - interval '1 day';
		select pgq.maint_rotate_tables_step1(queue_name) from pgq.queue`
	for range 4 {
		for _, sql := range []string{rotate, "select pgq.maint_rotate_tables_step2()", "select pgq.ticker()"} {
			testpg.Exec(t, dst, sql)
		}
		for _, queue := range []string{"busy", "idle"} {
			batches(t, dst, queue, "a")
			batches(t, dst, queue, "b")
		}
	}
	if n := testpg.Value[int](t, dst, "select count(*) from pgq.event_template"); n != 0 {
		t.Errorf("%d events are left after four rotations", n)
	}
}

// history leaves queues as a busy day does: transactions that were open over
// ticks and rotations, some of them still at the end, and consumers that stand
// at different places, one with an open batch.
func history(t *testing.T, dsn string) {
	t.Helper()
	ctx := t.Context()
	rnd := rand.New(rand.NewPCG(7, 7))
	var open []pgx.Tx
	for i := range 60 {
		conn := testpg.Connect(t, dsn)
		tx, err := conn.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for n := range 1 + rnd.IntN(3) {
			if _, err := tx.Exec(ctx, "select pgq.insert_event($1, 't', $2)", []string{"busy", "busy", "idle"}[rnd.IntN(3)], fmt.Sprintf("%d.%d", i, n)); err != nil {
				t.Fatal(err)
			}
		}
		open = append(open, tx)
		for len(open) > 5 {
			k := rnd.IntN(len(open))
			end := open[k].Commit
			if rnd.IntN(5) == 0 {
				end = open[k].Rollback
			}
			if err := end(ctx); err != nil {
				t.Fatal(err)
			}
			open[k].Conn().Close(ctx)
			open = append(open[:k], open[k+1:]...)
		}
		switch {
		case i%3 == 0:
			testpg.Exec(t, dsn, "select pgq.ticker()")
		case i%10 == 1:
			testpg.Exec(t, dsn, "update pgq.queue set queue_switch_time = queue_switch_time - interval '1 day'")
			testpg.Exec(t, dsn, "select pgq.maint_rotate_tables_step1('busy')")
			testpg.Exec(t, dsn, "select pgq.maint_rotate_tables_step2()")
		}
	}
	for i, tx := range open {
		if i%2 == 0 {
			if err := tx.Commit(ctx); err != nil {
				t.Fatal(err)
			}
		}
		tx.Conn().Close(ctx)
	}
	for range 5 {
		testpg.Exec(t, dsn, "select pgq.finish_batch(pgq.next_batch('busy', 'b'))")
	}
	testpg.Exec(t, dsn, "select pgq.next_batch('busy', 'b')")
}

// batches consumes all that there is, and returns each batch as its ticks and
// events.
func batches(t *testing.T, dsn, queue, consumer string) []string {
	t.Helper()
	var list []string
	for {
		id := testpg.Value[*int64](t, dsn, "select pgq.next_batch($1, $2)", queue, consumer)
		if id == nil {
			return list
		}
		list = append(list, testpg.Value[string](t, dsn, `
			select format('%s-%s: %s', i.prev_tick_id, i.tick_id, (select string_agg(e.ev_id || ' ' || e.ev_data, ', ') from pgq.get_batch_events($1) e))
			  from pgq.get_batch_info($1) i`, *id))
		testpg.Exec(t, dsn, "select pgq.finish_batch($1)", *id)
	}
}
