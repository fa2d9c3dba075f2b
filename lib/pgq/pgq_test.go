package pgq_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"skytools/lib/db"
	"skytools/lib/pgq"
	"skytools/lib/testpg"
)

func ours(t *testing.T) string {
	return testpg.Shared(t).NewDB(t, testpg.Extensions("pgq", "pgq_coop", "pgq_ext"))
}

func upstream(t *testing.T) string {
	dsn := testpg.Shared(t).NewDB(t)
	conn := testpg.Connect(t, dsn)
	if _, err := conn.Exec(t.Context(), "create extension pgq version '3.5'"); err != nil {
		testpg.Unavailable(t, "upstream's pgq is not installed: "+err.Error())
	}
	return dsn
}

// eachSchema runs a test against our schema and against upstream's.
func eachSchema(t *testing.T, f func(t *testing.T, dsn string)) {
	t.Parallel()
	t.Run("ours", func(t *testing.T) { t.Parallel(); f(t, ours(t)) })
	t.Run("upstream", func(t *testing.T) { t.Parallel(); f(t, upstream(t)) })
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func event(typ, data string) pgq.NewEvent { return pgq.NewEvent{Type: &typ, Data: &data} }

// tick makes a tick, due or not.
func tick(t *testing.T, c *pgq.Client, queue string) int64 {
	t.Helper()
	must[int64](t)(c.ForceTick(t.Context(), queue))
	id := must[int64](t)(c.Ticker(t.Context(), queue))
	if id == 0 {
		t.Fatal("no tick")
	}
	return id
}

// ids reads the ids of a batch.
func ids(t *testing.T, conn db.DB, b *pgq.Batch) []int64 {
	t.Helper()
	rows, err := conn.Query(t.Context(), "select ev_id from ("+b.SQL+") e")
	if err != nil {
		t.Fatal(err)
	}
	return must[[]int64](t)(pgx.CollectRows(rows, pgx.RowTo[int64]))
}

func TestInspect(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	got := must[pgq.Info](t)(pgq.New(testpg.Connect(t, ours(t))).Inspect(ctx))
	if diff := cmp.Diff(pgq.Info{PgQ: "4.0", Coop: true, Ext: true, Major: 4, UpTo: true, Bulk: true}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if !got.Notifies() {
		t.Error("4.0 does not notify")
	}
	_, err := pgq.New(testpg.Connect(t, testpg.Shared(t).NewDB(t))).Inspect(ctx)
	if !errors.Is(err, pgq.ErrNotInstalled) || !pgq.IsNotInstalled(err) {
		t.Errorf("got %v", err)
	}
	got = must[pgq.Info](t)(pgq.New(testpg.Connect(t, upstream(t))).Inspect(ctx))
	if diff := cmp.Diff(pgq.Info{PgQ: "3.5", Major: 3}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestLife runs through the life of a queue, in each way in which the driver
// may be told to send queries: poolers need some of them.
func TestLife(t *testing.T) {
	eachSchema(t, func(t *testing.T, dsn string) {
		for _, mode := range []string{"cache_statement", "cache_describe", "describe_exec", "exec", "simple_protocol"} {
			conn := testpg.Connect(t, dsn+" default_query_exec_mode="+mode)
			life(t, conn)
		}
	})
}

func life(t *testing.T, conn *pgx.Conn) {
	ctx := t.Context()
	c := pgq.New(conn)
	r := pgq.Reader{Queue: "life: 'q'", Consumer: "c"}
	isTrue := func(what string, got bool, err error) {
		t.Helper()
		if err != nil || !got {
			t.Errorf("%s: got %v, %v", what, got, err)
		}
	}
	isFalse := func(what string, got bool, err error) {
		t.Helper()
		isTrue(what, !got, err)
	}
	got, err := c.CreateQueue(ctx, r.Queue)
	isTrue("create", got, err)
	got, err = c.CreateQueue(ctx, r.Queue)
	isFalse("create again", got, err)
	got, err = c.Register(ctx, r.Queue, r.Consumer)
	isTrue("register", got, err)
	got, err = c.Register(ctx, r.Queue, r.Consumer)
	isFalse("register again", got, err)
	if b, err := c.NextBatch(ctx, r, pgq.Limits{}); b != nil || err != nil {
		t.Errorf("batch of nothing: %v, %v", b, err)
	}

	first := must[int64](t)(c.InsertEvent(ctx, r.Queue, event("t", "d")))
	second := must[[]int64](t)(c.InsertEvents(ctx, r.Queue, []pgq.NewEvent{event("a", "b"), {}}))
	want := []int64{first, second[0], second[1]}
	if info := must[pgq.Info](t)(c.Inspect(ctx)); info.Bulk {
		if err := c.InsertBulk(ctx, r.Queue, []pgq.NewEvent{event("a", "b"), {}}); err != nil {
			t.Error(err)
		}
		want = append(want, second[1]+1, second[1]+2)
	}
	last := tick(t, c, r.Queue)
	b := must[*pgq.Batch](t)(c.NextBatch(ctx, r, pgq.Limits{}))
	if b == nil || b.Tick != last || b.PrevTick != last-1 || !b.TickTime.After(b.PrevTickTime) || b.EventSeq <= b.PrevEventSeq {
		t.Fatalf("batch %+v", b)
	}
	if diff := cmp.Diff(want, ids(t, conn, b)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	again := must[*pgq.Batch](t)(c.NextBatch(ctx, r, pgq.Limits{MinCount: 1000}))
	if diff := cmp.Diff(b, again); diff != "" {
		t.Errorf("the open batch: -want +got\n%s", diff)
	}
	info := must[*pgq.BatchInfo](t)(c.BatchInfo(ctx, b.ID))
	wantInfo := &pgq.BatchInfo{Queue: r.Queue, Consumer: r.Consumer, Start: b.PrevTickTime, End: b.TickTime, PrevTick: b.PrevTick, Tick: b.Tick,
		Lag: info.Lag, SeqStart: b.PrevEventSeq, SeqEnd: b.EventSeq}
	if diff := cmp.Diff(wantInfo, info); diff != "" || info.Lag <= 0 {
		t.Errorf("-want +got\n%s", diff)
	}
	if info, err := c.BatchInfo(ctx, 1<<40); info != nil || err != nil {
		t.Errorf("info of no batch: %v, %v", info, err)
	}

	// One event comes again, and with the finish the next batch is opened.
	must[int64](t)(c.InsertEvent(ctx, r.Queue, event("t2", "d2")))
	tick(t, c, r.Queue)
	finished, next, err := c.Async().Turn(ctx, &pgq.Finish{Batch: b, Retries: []pgq.Retry{{EventID: first}}}, &r, pgq.Limits{})
	if err != nil || !finished || next == nil || next.PrevTick != b.Tick {
		t.Fatalf("turn: %v, %+v, %v", finished, next, err)
	}
	if s := testpg.Value[string](t, conn.Config().ConnString(), "show synchronous_commit"); s != "on" {
		t.Errorf("synchronous_commit stays %s", s)
	}
	finished, err = c.FinishBatch(ctx, pgq.Finish{Batch: b})
	isFalse("finish again", finished, err)
	finished, err = c.FinishBatch(ctx, pgq.Finish{Batch: next, RetryAll: true, RetryAfter: time.Hour})
	isTrue("finish with retry", finished, err)
	var waiting, due int
	err = conn.QueryRow(ctx, "select count(*), count(*) filter (where ev_retry_after <= now()) from pgq.retry_queue").Scan(&waiting, &due)
	if err != nil || waiting != 2 || due != 1 {
		t.Errorf("%d events wait, %d are due, %v", waiting, due, err)
	}

	qi := must[[]pgq.QueueInfo](t)(c.QueueInfo(ctx, r.Queue))
	if len(qi) != 1 || qi[0].Name != r.Queue || qi[0].RotationPeriod != 2*time.Hour || *qi[0].LastTick != next.Tick {
		t.Errorf("queue info %+v", qi)
	}
	ci := must[[]pgq.ConsumerInfo](t)(c.ConsumerInfo(ctx, r.Queue, ""))
	if len(ci) != 1 || ci[0].Consumer != r.Consumer || *ci[0].LastTick != next.Tick || ci[0].CurrentBatch != nil {
		t.Errorf("consumer info %+v", ci)
	}
	if n := must[int64](t)(c.Unregister(ctx, r.Queue, r.Consumer)); n != 1 {
		t.Errorf("unregistered %d", n)
	}
	if err := c.SetQueueConfig(ctx, r.Queue, "rotation_period", "1 hour"); err != nil {
		t.Error(err)
	}
	if err := c.DropQueue(ctx, r.Queue, false); err != nil {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	eachSchema(t, func(t *testing.T, dsn string) {
		ctx := t.Context()
		conn := testpg.Connect(t, dsn)
		c := pgq.New(conn)
		must[bool](t)(c.CreateQueue(ctx, "q"))
		must[bool](t)(c.Register(ctx, "q", "c"))
		_, unknownQueue := c.Register(ctx, "nope", "c")
		_, insert := c.InsertEvent(ctx, "nope", pgq.NewEvent{})
		_, noTicker := c.Ticker(ctx, "nope")
		_, notSubscribed := c.NextBatch(ctx, pgq.Reader{Queue: "q", Consumer: "nope"}, pgq.Limits{})
		_, noQueue := c.NextBatch(ctx, pgq.Reader{Queue: "nope", Consumer: "c"}, pgq.Limits{})
		_, lostTick := c.RegisterAt(ctx, "q", "c", 4711)
		_, unknownBatch := c.FinishBatch(ctx, pgq.Finish{Batch: &pgq.Batch{ID: 4711}, RetryAll: true})
		_, noTick := c.TickByID(ctx, "q", 4711)
		_, noTickQueue := c.TickByID(ctx, "nope", 1)
		testpg.Exec(t, dsn, "update pgq.queue set queue_disable_insert = true")
		_, refused := c.InsertEvent(ctx, "q", pgq.NewEvent{})
		tests := []struct {
			name string
			err  error
			is   func(error) bool
		}{
			{"register", unknownQueue, pgq.IsUnknownQueue},
			{"insert", insert, pgq.IsUnknownQueue},
			{"ticker", noTicker, pgq.IsUnknownQueue},
			{"drop", c.DropQueue(ctx, "nope", true), pgq.IsUnknownQueue},
			{"configure", c.SetQueueConfig(ctx, "nope", "ticker_max_lag", "1"), pgq.IsUnknownQueue},
			{"next", notSubscribed, pgq.IsNotSubscribed},
			{"next, no queue", noQueue, pgq.IsNotSubscribed},
			{"register at", lostTick, pgq.IsLostTick},
			{"retry batch", unknownBatch, pgq.IsUnknownBatch},
			{"insert refused", refused, pgq.IsInsertRefused},
			{"tick", noTick, func(err error) bool { return errors.Is(err, pgq.ErrNoTick) }},
			{"tick, no queue", noTickQueue, pgq.IsUnknownQueue},
		}
		all := []func(error) bool{pgq.IsUnknownQueue, pgq.IsNotSubscribed, pgq.IsLostTick, pgq.IsUnknownBatch, pgq.IsInsertRefused, pgq.IsNotInstalled}
		for _, tt := range tests {
			if tt.err == nil || !tt.is(tt.err) {
				t.Errorf("%s: %v", tt.name, tt.err)
			}
			n := 0
			for _, is := range all {
				if is(tt.err) {
					n++
				}
			}
			if n > 1 {
				t.Errorf("%s: %d kinds of errors: %v", tt.name, n, tt.err)
			}
		}
	})
}

// TestTurnFails: when the next batch cannot be opened, the finish is undone
// with it, and the caller may send it alone.
func TestTurnFails(t *testing.T) {
	eachSchema(t, func(t *testing.T, dsn string) {
		ctx := t.Context()
		c := pgq.New(testpg.Connect(t, dsn))
		must[bool](t)(c.CreateQueue(ctx, "q"))
		must[bool](t)(c.Register(ctx, "q", "c"))
		tick(t, c, "q")
		b := must[*pgq.Batch](t)(c.NextBatch(ctx, pgq.Reader{Queue: "q", Consumer: "c"}, pgq.Limits{}))
		finished, _, err := c.Turn(ctx, &pgq.Finish{Batch: b}, &pgq.Reader{Queue: "q", Consumer: "nope"}, pgq.Limits{})
		if !pgq.IsNotSubscribed(err) || finished {
			t.Errorf("%v, %v", finished, err)
		}
		if ok, err := c.FinishBatch(ctx, pgq.Finish{Batch: b}); !ok || err != nil {
			t.Errorf("%v, %v", ok, err)
		}
	})
}

func TestLimits(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	c := pgq.New(testpg.Connect(t, ours(t)))
	must[bool](t)(c.CreateQueue(ctx, "q"))
	r := pgq.Reader{Queue: "q", Consumer: "c"}
	must[bool](t)(c.Register(ctx, "q", "c"))
	var ids []int64
	for range 3 {
		must[int64](t)(c.InsertEvent(ctx, "q", event("t", "d")))
		ids = append(ids, tick(t, c, "q"))
	}
	tests := []struct {
		name string
		l    pgq.Limits
		want int64 // end tick, 0: none
	}{
		{"none", pgq.Limits{}, ids[0]},
		{"lag", pgq.Limits{MinLag: time.Hour}, 0},
		{"lag of centuries", pgq.Limits{MinLag: math.MaxInt64}, 0},
		{"count", pgq.Limits{MinCount: 3000}, ids[1]}, // a forced tick counts 2000
		{"count too high", pgq.Limits{MinCount: 1e6}, 0},
		{"interval too long", pgq.Limits{MinInterval: time.Hour}, 0},
		{"count or interval", pgq.Limits{MinCount: 1e6, MinInterval: time.Microsecond}, ids[0]},
		{"up to", pgq.Limits{MaxCount: 1e6}, ids[2]},
		{"up to one", pgq.Limits{MaxCount: 1}, ids[0]},
	}
	for _, tt := range tests {
		must[bool](t)(c.RegisterAt(ctx, "q", "c", 1))
		b := must[*pgq.Batch](t)(c.NextBatch(ctx, r, tt.l))
		var got int64
		if b != nil {
			got = b.Tick
		}
		if got != tt.want {
			t.Errorf("%s: got tick %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestTicks(t *testing.T) {
	eachSchema(t, func(t *testing.T, dsn string) {
		ctx := t.Context()
		c := pgq.New(testpg.Connect(t, dsn))
		must[bool](t)(c.CreateQueue(ctx, "q"))
		second := tick(t, c, "q")
		third := tick(t, c, "q")
		first := must[pgq.Tick](t)(c.FirstTick(ctx, "q"))
		last := must[pgq.Tick](t)(c.LastTick(ctx, "q"))
		mid := must[pgq.Tick](t)(c.TickByID(ctx, "q", second))
		if first.ID != 1 || last.ID != third || mid.ID != second || mid.Snapshot == "" || !last.Time.After(mid.Time) {
			t.Errorf("%+v %+v %+v", first, mid, last)
		}
		for _, tt := range []struct {
			at   time.Time
			want int64
		}{{last.Time, third}, {last.Time.Add(-time.Microsecond), second}, {last.Time.Add(time.Hour), third}, {first.Time.Add(-time.Microsecond), 0}} {
			got, err := c.TickBefore(ctx, "q", tt.at)
			if got.ID != tt.want || (tt.want == 0) != errors.Is(err, pgq.ErrNoTick) {
				t.Errorf("before %v: got %d, %v, want %d", tt.at, got.ID, err, tt.want)
			}
		}
		now := must[time.Time](t)(c.Now(ctx))
		if now.Before(last.Time) {
			t.Errorf("now %v is before the last tick", now)
		}
	})
}

func TestCoop(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dsn := ours(t)
	conn := testpg.Connect(t, dsn)
	c := pgq.New(conn)
	must[bool](t)(c.CreateQueue(ctx, "q"))
	a := pgq.Reader{Queue: "q", Consumer: "m", Subconsumer: "a"}
	b := pgq.Reader{Queue: "q", Consumer: "m", Subconsumer: "b", DeadInterval: time.Hour}
	if !must[bool](t)(c.RegisterSub(ctx, "q", "m", "a")) || must[bool](t)(c.RegisterSub(ctx, "q", "m", "a")) {
		t.Error("register")
	}
	must[bool](t)(c.RegisterSub(ctx, "q", "m", "b"))
	must[bool](t)(c.Register(ctx, "q", "mx.a")) // no peer of theirs
	id := must[int64](t)(c.InsertEvent(ctx, "q", event("t", "d")))
	tick(t, c, "q")
	ba := must[*pgq.Batch](t)(c.NextBatch(ctx, a, pgq.Limits{}))
	if diff := cmp.Diff([]int64{id}, ids(t, conn, ba)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a", "b"}, ba.Peers); diff != "" {
		t.Errorf("peers: -want +got\n%s", diff)
	}
	if bb := must[*pgq.Batch](t)(c.NextBatch(ctx, b, pgq.Limits{})); bb != nil {
		t.Errorf("both have batch %+v", bb)
	}
	if _, err := c.UnregisterSub(ctx, "q", "m", "a", false); err == nil {
		t.Error("a has a batch and was unregistered")
	}
	if err := c.Touch(ctx, a); err != nil {
		t.Error(err)
	}
	// Silent for too long.
	testpg.Exec(t, dsn, "update pgq.subscription set sub_active = sub_active - interval '2 hours' where sub_batch is not null")
	bb := must[*pgq.Batch](t)(c.NextBatch(ctx, b, pgq.Limits{}))
	if bb == nil || bb.ID != ba.ID || bb.SQL != ba.SQL {
		t.Fatalf("taken over: %+v", bb)
	}
	// The tick of the finish was lost: 1 is closed, 0 is unknown.
	if ok, err := c.FinishBatch(ctx, pgq.Finish{Batch: bb}); !ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	if ok, err := c.FinishBatch(ctx, pgq.Finish{Batch: ba}); ok || err != nil {
		t.Errorf("%v, %v", ok, err)
	}
	if !must[bool](t)(c.UnregisterSub(ctx, "q", "m", "b", false)) {
		t.Error("unregister")
	}
}

func TestExt(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	conn := testpg.Connect(t, ours(t))
	c := pgq.New(conn)
	if must[bool](t)(c.IsBatchDone(ctx, "c", "s", 5)) || !must[bool](t)(c.SetBatchDone(ctx, "c", "s", 5)) ||
		!must[bool](t)(c.IsBatchDone(ctx, "c", "s", 5)) || must[bool](t)(c.SetBatchDone(ctx, "c", "s", 5)) {
		t.Error("batch")
	}
	if must[bool](t)(c.IsEventDone(ctx, "c", "s", 5, 6)) || !must[bool](t)(c.SetEventDone(ctx, "c", "s", 5, 6)) ||
		!must[bool](t)(c.IsEventDone(ctx, "c", "s", 5, 6)) || must[bool](t)(c.SetEventDone(ctx, "c", "s", 5, 6)) {
		t.Error("event")
	}
	for _, n := range []int64{7, 8, 0} {
		if err := c.SetLastDoneTick(ctx, "c", "s", n); err != nil {
			t.Error(err)
		}
		if got := must[int64](t)(c.LastDoneTick(ctx, "c", "s")); got != n {
			t.Errorf("got %d, want %d", got, n)
		}
	}
}

// TestLockDone: the second transaction sees what the first did.
func TestLockDone(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	dsn := ours(t)
	tx1 := must[pgx.Tx](t)(testpg.Connect(t, dsn).Begin(ctx))
	conn2 := testpg.Connect(t, dsn)
	tx2 := must[pgx.Tx](t)(conn2.Begin(ctx))
	c1, c2 := pgq.New(tx1), pgq.New(tx2)
	if diff := cmp.Diff([]pgq.Done{{}}, must[[]pgq.Done](t)(c1.LockDone(ctx, "l", "c", []string{""}, 5))); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	got := make(chan []pgq.Done)
	go func() {
		d, err := c2.LockDone(ctx, "l", "c", []string{"", "other"}, 5)
		if err != nil {
			t.Error(err)
		}
		got <- d
	}()
	testpg.Wait(t, 30*time.Second, "the second to wait", func() bool {
		return testpg.Value[int](t, dsn, "select count(*) from pg_locks where locktype = 'advisory' and not granted and pid = $1", int(conn2.PgConn().PID())) == 1
	})
	must[bool](t)(c1.SetBatchDone(ctx, "c", "", 5))
	if err := c1.SetLastDoneTick(ctx, "c", "", 9); err != nil {
		t.Error(err)
	}
	if err := tx1.Commit(ctx); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]pgq.Done{{Tick: 9, Batch: true}, {}}, <-got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	_ = tx2.Rollback(context.WithoutCancel(ctx))
}

func TestPeekSQL(t *testing.T) {
	eachSchema(t, func(t *testing.T, dsn string) {
		ctx := t.Context()
		conn := testpg.Connect(t, dsn)
		c := pgq.New(conn)
		must[bool](t)(c.CreateQueue(ctx, "q"))
		insert := func() int64 { return must[int64](t)(c.InsertEvent(ctx, "q", event("t", "d"))) }
		peek := func(tick int64) []int64 {
			t.Helper()
			return ids(t, conn, &pgq.Batch{SQL: must[string](t)(c.PeekSQL(ctx, "q", tick))})
		}
		if got := peek(0); len(got) != 0 {
			t.Errorf("empty queue: %v", got)
		}
		want := []int64{insert()}
		if diff := cmp.Diff(want, peek(0)); diff != "" {
			t.Errorf("no tick yet: -want +got\n%s", diff)
		}
		// Open at the tick, with an id below those that the tick covers.
		tx := must[pgx.Tx](t)(testpg.Connect(t, dsn).Begin(ctx))
		open := must[int64](t)(pgq.New(tx).InsertEvent(ctx, "q", event("open", "")))
		want = append(want, insert())
		second := tick(t, c, "q")
		if err := tx.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		third := insert()
		if diff := cmp.Diff([]int64{want[0], open, want[1], third}, peek(1)); diff != "" {
			t.Errorf("all: -want +got\n%s", diff)
		}
		if diff := cmp.Diff([]int64{open, third}, peek(second)); diff != "" {
			t.Errorf("after the second tick: -want +got\n%s", diff)
		}
		if _, err := c.PeekSQL(ctx, "q", 4711); !errors.Is(err, pgq.ErrNoTick) {
			t.Errorf("got %v", err)
		}
		if _, err := c.PeekSQL(ctx, "nope", 0); !pgq.IsUnknownQueue(err) {
			t.Errorf("got %v", err)
		}
	})
}

func TestReaderString(t *testing.T) {
	t.Parallel()
	r := pgq.Reader{Queue: "q", Consumer: "c"}
	s := r
	s.Subconsumer = "s"
	if got := fmt.Sprint(r, " ", s); got != "q/c q/c.s" {
		t.Error(got)
	}
}
