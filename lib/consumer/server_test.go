package consumer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"skytools/lib/consumer"
	"skytools/lib/event"
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
func eachSchema(t *testing.T, f func(t *testing.T, q *queue)) {
	t.Parallel()
	t.Run("ours", func(t *testing.T) { t.Parallel(); f(t, newQueue(t, ours(t), "q")) })
	t.Run("upstream", func(t *testing.T) { t.Parallel(); f(t, newQueue(t, upstream(t), "q")) })
}

// queue is a queue with its producer and ticker.
type queue struct {
	t    *testing.T
	dsn  string
	name string
	conn *pgx.Conn
	c    *pgq.Client
}

func newQueue(t *testing.T, dsn, name string) *queue {
	t.Helper()
	conn := testpg.Connect(t, dsn)
	q := &queue{t: t, dsn: dsn, name: name, conn: conn, c: pgq.New(conn)}
	if _, err := q.c.CreateQueue(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	return q
}

func (q *queue) exec(sql string, args ...any) {
	q.t.Helper()
	if _, err := q.conn.Exec(q.t.Context(), sql, args...); err != nil {
		q.t.Fatal(err)
	}
}

// insert inserts events whose data is their number, and returns their ids.
func (q *queue) insert(n int) []int64 {
	q.t.Helper()
	events := make([]pgq.NewEvent, n)
	for i := range events {
		data := fmt.Sprint(i)
		events[i] = pgq.NewEvent{Type: &data, Data: &data}
	}
	ids, err := q.c.InsertEvents(q.t.Context(), q.name, events)
	if err != nil {
		q.t.Fatal(err)
	}
	return ids
}

// tick makes a tick, due or not.
func (q *queue) tick() {
	q.t.Helper()
	ctx := q.t.Context()
	if _, err := q.c.ForceTick(ctx, q.name); err != nil {
		q.t.Fatal(err)
	}
	if id, err := q.c.Ticker(ctx, q.name); err != nil || id == 0 {
		q.t.Fatalf("no tick: %v", err)
	}
}

func (q *queue) register(consumer string) {
	q.t.Helper()
	if _, err := q.c.Register(q.t.Context(), q.name, consumer); err != nil {
		q.t.Fatal(err)
	}
}

// position returns the tick and the open batch of a consumer.
func (q *queue) position(name string) (tick, batch int64) {
	q.t.Helper()
	l, err := q.c.ConsumerInfo(q.t.Context(), q.name, name)
	if err != nil || len(l) != 1 {
		q.t.Fatalf("consumer info: %v, %v", l, err)
	}
	if l[0].CurrentBatch != nil {
		batch = *l[0].CurrentBatch
	}
	return *l[0].LastTick, batch
}

// options are for a run until the queue is empty.
func (q *queue) options(name string) consumer.Options {
	return consumer.Options{DSN: q.dsn, Reader: pgq.Reader{Queue: q.name, Consumer: name}, UntilEmpty: true, PollInterval: 20 * time.Millisecond}
}

// sink keeps the events of ended batches.
type sink struct {
	mu    sync.Mutex
	ids   []int64 // of ended batches
	batch []int64 // of the batch in hand
	on    func(*consumer.Batch, *event.Event) error
	onEnd func() error
	b     *consumer.Batch
}

func (s *sink) Begin(_ context.Context, b *consumer.Batch) error {
	s.b, s.batch = b, nil
	return nil
}

func (s *sink) Event(_ context.Context, e *event.Event) error {
	s.batch = append(s.batch, e.ID)
	if s.on != nil {
		return s.on(s.b, e)
	}
	return nil
}

func (s *sink) End(context.Context) error {
	if s.onEnd != nil {
		if err := s.onEnd(); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids = append(s.ids, s.batch...)
	return nil
}

func (s *sink) Abort() {}

func (s *sink) got() []int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.ids)
}

func run(t *testing.T, opt consumer.Options, s consumer.Sink) {
	t.Helper()
	if err := consumer.New(opt, s).Run(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func equal[T any](t *testing.T, what string, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s: -want +got\n%s", what, diff)
	}
}

// TestUntilEmpty reads some batches, with and without merging them.
func TestUntilEmpty(t *testing.T) {
	eachSchema(t, func(t *testing.T, q *queue) {
		for _, merge := range []int{0, 5000} {
			name := fmt.Sprint("c", merge)
			q.register(name)
			var want []int64
			for range 10 {
				want = append(want, q.insert(3)...)
				q.tick()
			}
			opt := q.options(name)
			opt.Merge = merge
			var batches int
			opt.OnBatch = func(s consumer.Summary) {
				batches++
				if s.Events%3 != 0 || s.Bytes == 0 || s.Duration <= 0 || s.Lost || s.Skipped {
					t.Errorf("summary %+v", s)
				}
			}
			s := &sink{}
			c := consumer.New(opt, s)
			if err := c.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			equal(t, "events", want, s.got())
			st := c.Stats()
			if st.Events != 30 || st.Batches != int64(batches) || (merge == 0) != (batches == 10) || batches == 0 {
				t.Errorf("merge %d: %d batches, stats %+v", merge, batches, st)
			}
			if _, open := q.position(name); open != 0 {
				t.Errorf("batch %d is open", open)
			}
		}
	})
}

// TestAwake: a tick wakes an idle consumer; with upstream's schema it polls.
func TestAwake(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		dsn      func(*testing.T) string
		noListen bool
		poll     time.Duration
	}{
		{"notified", ours, false, time.Hour},
		{"not listening", ours, true, 10 * time.Millisecond},
		{"upstream", upstream, false, 10 * time.Millisecond},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			q := newQueue(t, tt.dsn(t), "with: colon")
			other := newQueue(t, q.dsn, "other")
			opt := q.options("c")
			opt.Register, opt.UntilEmpty, opt.NoListen, opt.PollInterval = true, false, tt.noListen, tt.poll
			ctx, cancel := context.WithCancelCause(t.Context())
			s := &sink{}
			done := make(chan error)
			go func() { done <- consumer.New(opt, s).Run(ctx) }()
			testpg.Wait(t, 30*time.Second, "the consumer", func() bool {
				l, err := q.c.ConsumerInfo(ctx, q.name, "c")
				return err == nil && len(l) == 1
			})
			var want []int64
			for i := range 3 {
				want = append(want, q.insert(2)...)
				q.tick()
				other.insert(1)
				other.tick()
				testpg.Wait(t, 30*time.Second, fmt.Sprint("batch ", i), func() bool { return len(s.got()) == len(want) })
			}
			equal(t, "events", want, s.got())
			stop := errors.New("stop")
			cancel(stop)
			if err := <-done; err != stop {
				t.Errorf("got %v, want %v", err, stop)
			}
		})
	}
}

// TestOpenBatchComesAgain: what a stop or an error leaves open comes again as a
// whole.
func TestOpenBatchComesAgain(t *testing.T) {
	eachSchema(t, func(t *testing.T, q *queue) {
		q.register("c")
		want := q.insert(2000) // more than a socket's buffer
		q.tick()
		opt := q.options("c")
		bad := errors.New("bad event")
		ctx, cancel := context.WithCancelCause(t.Context())
		err := consumer.New(opt, &sink{on: func(_ *consumer.Batch, e *event.Event) error {
			if e.ID == want[3] {
				cancel(bad)
			}
			return ctx.Err()
		}}).Run(ctx)
		if err != bad {
			t.Errorf("got %v, want %v", err, bad)
		}
		err = consumer.New(opt, &sink{on: func(_ *consumer.Batch, e *event.Event) error {
			if e.ID == want[3] {
				return bad
			}
			return nil
		}}).Run(t.Context())
		var se *consumer.SinkError
		if !errors.As(err, &se) || !errors.Is(err, bad) {
			t.Errorf("got %v, want %v", err, bad)
		}
		run(t, opt, &sink{onEnd: func() error { return consumer.ErrStop }})
		if _, open := q.position("c"); open == 0 {
			t.Error("no batch is open")
		}
		s := &sink{}
		tries := 0
		s.onEnd = func() error {
			if tries++; tries < 3 {
				return &consumer.Again{After: time.Millisecond}
			}
			return nil
		}
		run(t, opt, s)
		equal(t, "events", want, s.got())
		equal(t, "tries", 3, tries)
	})
}

// TestMaxEvents cuts a batch and gets it again.
func TestMaxEvents(t *testing.T) {
	eachSchema(t, func(t *testing.T, q *queue) {
		q.register("c")
		want := q.insert(5)
		q.tick()
		opt := q.options("c")
		opt.MaxEvents = 3
		for range 2 {
			var out bytes.Buffer
			run(t, opt, consumer.NewLines(&out, func(dst []byte, e *event.Event) ([]byte, error) { return fmt.Appendln(dst, e.ID), nil }))
			equal(t, "lines", fmt.Sprintln(want[0])+fmt.Sprintln(want[1])+fmt.Sprintln(want[2]), out.String())
		}
		if _, open := q.position("c"); open == 0 {
			t.Error("no batch is open")
		}
		opt.MaxEvents = 5
		run(t, opt, consumer.NewLines(&bytes.Buffer{}, consumer.JSONLine))
		if _, open := q.position("c"); open != 0 {
			t.Error("the batch is open")
		}
	})
}

// TestOrder: the lines of a batch are in the order of the ids, even if neither
// the transactions nor the heap are, whoever sorts.
func TestOrder(t *testing.T) {
	eachSchema(t, func(t *testing.T, q *queue) {
		first, second := q, &queue{t: t, dsn: q.dsn, name: q.name, conn: testpg.Connect(t, q.dsn)}
		second.c = pgq.New(second.conn)
		for _, limit := range []int64{0, 1000} {
			name := fmt.Sprint("c", limit)
			q.register(name)
			first.exec("begin")
			want := first.insert(1)
			second.exec("begin")
			want = append(want, second.insert(2)...)
			want = append(want, first.insert(2)...)
			second.exec("commit")
			first.exec("commit")
			q.tick()
			opt := q.options(name)
			opt.MaxEvents = limit // then the server sorts
			var out, wantOut bytes.Buffer
			var unsorted bool
			opt.OnBatch = func(s consumer.Summary) { unsorted = s.Batch.Unsorted }
			run(t, opt, consumer.NewLines(&out, func(dst []byte, e *event.Event) ([]byte, error) { return fmt.Appendln(dst, e.ID), nil }))
			for _, id := range want {
				fmt.Fprintln(&wantOut, id)
			}
			equal(t, "lines", wantOut.String(), out.String())
			equal(t, "unsorted", limit == 0, unsorted)
		}
	})
}

// TestRetry: a retried event comes again to its consumer alone.
func TestRetry(t *testing.T) {
	eachSchema(t, func(t *testing.T, q *queue) {
		q.register("c")
		q.register("other")
		want := q.insert(4)
		q.tick()
		s := &sink{on: func(b *consumer.Batch, e *event.Event) error {
			if !e.HasRetry && e.ID%2 == 0 {
				b.Retry(e.ID, 0)
			}
			return nil
		}}
		run(t, q.options("c"), s)
		q.exec("select pgq.maint_retry_events()")
		q.tick()
		var retries []int32
		s2 := &sink{on: func(b *consumer.Batch, e *event.Event) error {
			retries = append(retries, e.Retry)
			b.RetryAll(0)
			return nil
		}}
		run(t, q.options("c"), s2)
		again := slices.DeleteFunc(slices.Clone(want), func(id int64) bool { return id%2 != 0 })
		equal(t, "retried", again, s2.got())
		equal(t, "ev_retry", []int32{1, 1}, retries)
		q.exec("select pgq.maint_retry_events()")
		q.tick()
		s3 := &sink{}
		run(t, q.options("c"), s3)
		equal(t, "retried batch", again, s3.got())
		others := &sink{}
		run(t, q.options("other"), others)
		equal(t, "of the other consumer", want, others.got())
	})
}

// TestAnotherSession finishes the batch that is being read.
func TestAnotherSession(t *testing.T) {
	eachSchema(t, func(t *testing.T, q *queue) {
		q.register("c")
		q.insert(1)
		q.tick()
		var logs bytes.Buffer
		opt := q.options("c")
		opt.Logger = slog.New(slog.NewTextHandler(&logs, nil))
		var lost int
		opt.OnBatch = func(s consumer.Summary) {
			if s.Lost {
				lost++
			}
		}
		run(t, opt, &sink{on: func(b *consumer.Batch, e *event.Event) error {
			_, err := q.c.FinishBatch(context.Background(), pgq.Finish{Batch: &b.Batch})
			return err
		}})
		if lost != 1 || !strings.Contains(logs.String(), "another session finished this batch") {
			t.Errorf("lost %d, log %s", lost, logs.String())
		}
	})
}

func TestRunErrors(t *testing.T) {
	t.Parallel()
	q := newQueue(t, ours(t), "q")
	q.register("c")
	empty := testpg.Shared(t).NewDB(t)
	tests := []struct {
		name string
		opt  consumer.Options
		is   func(error) bool
	}{
		{"no server", consumer.Options{DSN: "host=/nonexistent"}, func(err error) bool { return strings.Contains(err.Error(), "/nonexistent") }},
		{"no pgq", consumer.Options{DSN: empty}, pgq.IsNotInstalled},
		{"no queue", consumer.Options{DSN: q.dsn, Reader: pgq.Reader{Queue: "nope", Consumer: "c"}}, pgq.IsNotSubscribed},
		{"register on no queue", consumer.Options{DSN: q.dsn, Reader: pgq.Reader{Queue: "nope", Consumer: "c"}, Register: true}, pgq.IsUnknownQueue},
		{"no consumer", consumer.Options{DSN: q.dsn, Reader: pgq.Reader{Queue: "q", Consumer: "nope"}}, pgq.IsNotSubscribed},
		{"no ticker", func() consumer.Options { o := q.options("c"); o.ForceTick = 100 * time.Millisecond; return o }(),
			func(err error) bool { return strings.Contains(err.Error(), "is its ticker running?") }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := consumer.New(tt.opt, &sink{}).Run(t.Context())
			if err == nil || !tt.is(err) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestUnregistered: the batch in hand is finished even if there is no next one.
func TestUnregistered(t *testing.T) {
	t.Parallel()
	q := newQueue(t, ours(t), "q")
	q.register("c")
	q.insert(1)
	q.tick()
	opt := q.options("c")
	opt.UntilEmpty = false
	finished := make(chan bool, 1)
	opt.OnBatch = func(consumer.Summary) { finished <- true }
	done := make(chan error)
	go func() { done <- consumer.New(opt, &sink{}).Run(t.Context()) }()
	<-finished
	if _, err := q.c.Unregister(t.Context(), "q", "c"); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !pgq.IsNotSubscribed(err) {
		t.Errorf("got %v", err)
	}
}

// TestForced: until-empty with a ticker that has its own time.
func TestForced(t *testing.T) {
	eachSchema(t, func(t *testing.T, q *queue) {
		q.register("c")
		want := q.insert(3)
		ctx, cancel := context.WithCancel(t.Context())
		var ticker sync.WaitGroup
		tc := pgq.New(testpg.Connect(t, q.dsn))
		ticker.Go(func() {
			for ctx.Err() == nil {
				if _, err := tc.Ticker(t.Context(), q.name); err != nil {
					t.Error(err)
				}
			}
		})
		opt := q.options("c")
		opt.ForceTick = time.Minute
		s := &sink{}
		run(t, opt, s)
		cancel()
		ticker.Wait()
		equal(t, "events", want, s.got())
	})
}

// TestEncodings: text arrives as UTF-8 from any database, and the bytes of an
// SQL_ASCII one make valid JSON.
func TestEncodings(t *testing.T) {
	t.Parallel()
	cluster := testpg.Shared(t)
	for _, tt := range []struct{ encoding, insert, want string }{
		{"LATIN1", `convert_from('\x74fc72', 'LATIN1')`, `"tür"`},
		{"SQL_ASCII", `convert_from('\x74c3bc72', 'SQL_ASCII')`, `"tür"`},
		{"SQL_ASCII", `convert_from('\x74fc72', 'SQL_ASCII')`, "\"t\ufffdr\""},
	} {
		name := strings.ToLower(tt.encoding)
		admin := testpg.Connect(t, cluster.DSN("postgres"))
		if _, err := admin.Exec(t.Context(), fmt.Sprintf("drop database if exists %s", name)); err != nil {
			t.Fatal(err)
		}
		if _, err := admin.Exec(t.Context(), fmt.Sprintf("create database %s encoding '%s' locale 'C' template template0", name, tt.encoding)); err != nil {
			t.Fatal(err)
		}
		func() {
			dsn := cluster.DSN(name)
			conn, err := pgx.Connect(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(context.Background())
			if _, err := conn.Exec(t.Context(), "create extension pgq"); err != nil {
				testpg.Unavailable(t, err.Error())
			}
			q := &queue{t: t, dsn: dsn, name: "q", conn: conn, c: pgq.New(conn)}
			q.exec("select pgq.create_queue('q')")
			q.register("c")
			q.exec("select pgq.insert_event('q', 't', " + tt.insert + ")")
			q.tick()
			var out bytes.Buffer
			run(t, q.options("c"), consumer.NewLines(&out, consumer.JSONLine))
			if !strings.Contains(out.String(), `"ev_data":`+tt.want) {
				t.Errorf("%s: got %s, want %s", tt.encoding, out.String(), tt.want)
			}
		}()
		if _, err := admin.Exec(t.Context(), "drop database "+name); err != nil {
			t.Error(err)
		}
	}
}

func TestPeek(t *testing.T) {
	eachSchema(t, func(t *testing.T, q *queue) {
		want := q.insert(3)
		q.tick()
		last := q.insert(2)
		var got []int64
		peek := func(from, limit int64) error {
			got = nil
			return consumer.Peek(t.Context(), consumer.PeekOptions{DSN: q.dsn, Queue: q.name, From: from, MaxEvents: limit},
				func(e *event.Event) error { got = append(got, e.ID); return nil })
		}
		if err := peek(0, 0); err != nil {
			t.Fatal(err)
		}
		equal(t, "newest", last, got)
		if err := peek(1, 4); err != nil {
			t.Fatal(err)
		}
		equal(t, "all but one", append(want, last[0]), got)
		if err := peek(4711, 0); !errors.Is(err, pgq.ErrNoTick) {
			t.Errorf("got %v", err)
		}
		bad := errors.New("bad")
		err := consumer.Peek(t.Context(), consumer.PeekOptions{DSN: q.dsn, Queue: q.name}, func(*event.Event) error { return bad })
		if err != bad {
			t.Errorf("got %v", err)
		}
	})
}

// TestReconnect: backends are terminated all the time, and nothing is lost.
func TestReconnect(t *testing.T) {
	eachSchema(t, func(t *testing.T, q *queue) {
		q.register("c")
		opt := q.options("c")
		opt.ApplicationName, opt.UntilEmpty = "victim", false
		ctx, cancel := context.WithCancelCause(t.Context())
		s := &sink{}
		c := consumer.New(opt, s)
		done := make(chan error)
		go func() { done <- c.Run(ctx) }()
		testpg.Wait(t, time.Minute, "the first connection", func() bool { return c.Stats().Connected })
		var want []int64
		for range 10 {
			want = append(want, q.insert(5)...)
			q.tick()
			q.exec("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'victim' and datname = current_database()")
		}
		testpg.Wait(t, time.Minute, "all events", func() bool { return len(s.got()) >= len(want) })
		stop := errors.New("stop")
		cancel(stop)
		if err := <-done; err != stop {
			t.Error(err)
		}
		got := s.got()
		slices.Sort(got)
		equal(t, "events", want, slices.Compact(got))
	})
}

// TestCooperative: a dead subconsumer's batch is taken over, a live one's not,
// however long it takes.
func TestCooperative(t *testing.T) {
	t.Parallel()
	q := newQueue(t, ours(t), "q")
	const dead = time.Second
	sub := func(name string) consumer.Options {
		o := q.options("m")
		o.Subconsumer, o.Register, o.DeadInterval = name, true, dead
		return o
	}
	if _, err := q.c.RegisterSub(t.Context(), "q", "m", "dead"); err != nil {
		t.Fatal(err)
	}
	first := q.insert(2)
	q.tick()
	slow, quick := &sink{}, &sink{}
	begun := make(chan bool)
	slow.on = func(b *consumer.Batch, e *event.Event) error {
		if e.ID != first[0] {
			return nil
		}
		close(begun)
		testpg.Wait(t, time.Minute, "the dead one's batch", func() bool { return len(quick.got()) == 2 })
		until := time.Now().Add(2 * dead)
		testpg.Wait(t, time.Minute, "a long time", func() bool { return time.Now().After(until) })
		if info, err := q.c.BatchInfo(t.Context(), b.ID); err != nil || info == nil || info.Consumer != "m.slow" {
			return fmt.Errorf("batch %d was taken away: %+v, %v", b.ID, info, err)
		}
		return nil
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := consumer.New(sub("slow"), slow).Run(t.Context()); err != nil {
			t.Error(err)
		}
	})
	<-begun
	second := q.insert(2)
	q.tick()
	b, err := q.c.NextBatch(t.Context(), pgq.Reader{Queue: "q", Consumer: "m", Subconsumer: "dead"}, pgq.Limits{})
	if err != nil || b == nil {
		t.Fatal(b, err)
	}
	opt := sub("quick")
	opt.UntilEmpty, opt.UnregisterSub = false, true
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- consumer.New(opt, quick).Run(ctx) }()
	wg.Wait()
	cancel()
	<-done
	equal(t, "slow", first, slow.got())
	equal(t, "quick", second, quick.got())
	l, err := q.c.ConsumerInfo(t.Context(), "q", "m.quick")
	if err != nil || len(l) != 0 {
		t.Errorf("quick is still registered: %v, %v", l, err)
	}
}
