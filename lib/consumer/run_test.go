package consumer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"skytools/lib/event"
	"skytools/lib/pgq"
)

// fake is a source that keeps a queue in memory: one batch for each tick, whose
// events have the ids of its text. It notes what is asked of it.
type fake struct {
	log     []string
	ticks   []fakeTick // not finished
	open    bool
	opened  int64 // batch id
	next    int64
	fail    map[string][]error // errors of the next calls
	arrive  []arrival
	lost    bool
	notify  bool
	upto    bool
	isCover func() bool
	onForce func()
}

type fakeTick struct {
	id     int64
	events []int64
}

// arrival is a tick that comes while the consumer waits.
type arrival struct {
	after time.Duration
	tick  fakeTick
}

func (f *fake) note(format string, args ...any) { f.log = append(f.log, fmt.Sprintf(format, args...)) }

func (f *fake) err(call string) error {
	if len(f.fail[call]) == 0 {
		return nil
	}
	err := f.fail[call][0]
	f.fail[call] = f.fail[call][1:]
	return err
}

func (f *fake) connect(context.Context) error {
	if err := f.err("connect"); err != nil {
		f.note("connect: %v", err)
		return err
	}
	f.note("connect")
	return nil
}

func (f *fake) turn(ctx context.Context, fin *pgq.Finish, next *pgq.Limits) (bool, *pgq.Batch, error) {
	if err := ctx.Err(); err != nil {
		return false, nil, err
	}
	var finished bool
	before, wasOpen := f.ticks, f.open
	if fin != nil {
		f.note("finish %d%s", fin.Batch.ID, strings.TrimPrefix(fmt.Sprint(fin.Retries), "[]"))
		if err := f.err("finish"); err != nil {
			return false, nil, err
		}
		if f.open && f.opened == fin.Batch.ID {
			f.ticks, f.open, finished = f.ticks[1:], false, true
		}
		if err := f.err("finished"); err != nil { // the answer is lost
			return false, nil, err
		}
	}
	if next == nil {
		return finished, nil, nil
	}
	if err := f.err("next"); err != nil {
		f.note("next: %v", err)
		f.ticks, f.open = before, wasOpen
		return false, nil, err
	}
	if *next != (pgq.Limits{}) {
		f.note("limits %+v", *next)
	}
	if next.MinCount > 0 || len(f.ticks) == 0 {
		f.note("no batch")
		return finished, nil, nil
	}
	if !f.open {
		f.open = true
		f.next++
		f.opened = f.next
	}
	t := f.ticks[0]
	f.note("open %d", f.opened)
	return finished, &pgq.Batch{ID: f.opened, Tick: t.id, PrevTick: t.id - 1, SQL: fmt.Sprint(t.id), EventSeq: int64(len(t.events)), TickTime: time.Now()}, nil
}

func (f *fake) isOpen(_ context.Context, batch int64) (bool, error) {
	f.note("is %d open", batch)
	return f.open && f.opened == batch, nil
}

func (f *fake) read(ctx context.Context, sql string, sorted bool, fn func(*event.Event) error) error {
	events := f.ticks[0].events
	if !sorted {
		f.note("unsorted")
		events = slices.Clone(events)
		slices.Reverse(events)
	}
	for i, id := range events {
		if i == 1 {
			if err := f.err("read"); err != nil {
				return err
			}
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fn(&event.Event{ID: id, Data: []byte("d")}); err != nil {
			return err
		}
	}
	return nil
}

func (f *fake) wait(ctx context.Context, after int64, d time.Duration) error {
	f.note("wait %v", d)
	if len(f.arrive) > 0 {
		a := f.arrive[0]
		if a.after > d && !f.notify {
			f.arrive[0].after -= d
			sleep(ctx, d)
			return nil
		}
		f.arrive = f.arrive[1:]
		sleep(ctx, min(a.after, d))
		f.ticks = append(f.ticks, a.tick)
		return nil
	}
	sleep(ctx, d)
	return nil
}

func (f *fake) before(ctx context.Context) error {
	f.note("before")
	return f.err("before")
}

func (f *fake) proven() bool                          { return f.notify }
func (f *fake) upTo() bool                            { return f.upto }
func (f *fake) covered(context.Context) (bool, error) { return f.isCover(), f.err("covered") }
func (f *fake) keepAlive(context.Context) func()      { return func() {} }
func (f *fake) unregister(context.Context) error      { f.note("unregister"); return f.err("unregister") }
func (f *fake) close()                                { f.note("close") }

func (f *fake) force(context.Context) error {
	f.note("force")
	if f.onForce != nil {
		f.onForce()
	}
	return nil
}

// recorder is a sink that notes what it gets in the log of the source.
type recorder struct {
	f    *fake
	fail map[string][]error
	on   func(call string, b *Batch)
	b    *Batch
}

func (r *recorder) did(format string, args ...any) error {
	call := fmt.Sprintf(format, args...)
	r.f.note("%s", call)
	if r.on != nil {
		r.on(call, r.b)
	}
	if errs := r.fail[call]; len(errs) > 0 {
		r.fail[call] = errs[1:]
		return errs[0]
	}
	return nil
}

func (r *recorder) Begin(_ context.Context, b *Batch) error {
	r.b = b
	return r.did("begin %d", b.ID)
}
func (r *recorder) Event(_ context.Context, e *event.Event) error { return r.did("event %d", e.ID) }
func (r *recorder) End(context.Context) error                     { return r.did("end") }
func (r *recorder) Abort()                                        { _ = r.did("abort") }

// sorter is a recorder that can sort.
type sorter struct {
	*recorder
	limit int64
}

func (s sorter) SortLimit() int64 { return s.limit }

// cutter is a recorder that takes parts of batches.
type cutter struct{ *recorder }

func (c cutter) Cut(context.Context) error { return c.did("cut") }

var errGone = &net.OpError{Op: "read", Err: io.ErrUnexpectedEOF}

func ticks(n int) (l []fakeTick) {
	for i := int64(1); i <= int64(n); i++ {
		l = append(l, fakeTick{i, []int64{i*10 + 1, i*10 + 2}})
	}
	return l
}

func TestRun(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		opt  Options
		src  fake
		sink map[string][]error
		cut  bool
		sort int64
		on   func(cancel context.CancelCauseFunc) func(call string, b *Batch)
		want string // the log
		err  string
		logs string
	}{
		{
			name: "until empty", opt: Options{UntilEmpty: true}, src: fake{ticks: ticks(2)},
			want: "connect; open 1; begin 1; event 11; event 12; end; finish 1; open 2; begin 2; event 21; event 22; end; finish 2; no batch; close",
		},
		{
			name: "max batches", opt: Options{MaxBatches: 1}, src: fake{ticks: ticks(2)},
			want: "connect; open 1; begin 1; event 11; event 12; end; finish 1; close",
		},
		{
			name: "max events, whole batches", opt: Options{MaxEvents: 3}, src: fake{ticks: ticks(3)},
			want: "connect; open 1; begin 1; event 11; event 12; end; finish 1; open 2; begin 2; event 21; event 22; end; finish 2; close",
		},
		{
			name: "max events, cut", opt: Options{MaxEvents: 3}, src: fake{ticks: ticks(3)}, cut: true,
			want: "connect; open 1; begin 1; event 11; event 12; end; finish 1; open 2; begin 2; event 21; cut; close",
		},
		{
			name: "max events at the end of a batch", opt: Options{MaxEvents: 2}, src: fake{ticks: ticks(3)}, cut: true,
			want: "connect; open 1; begin 1; event 11; event 12; end; finish 1; close",
		},
		{
			name: "polls", opt: Options{MaxBatches: 1}, src: fake{arrive: []arrival{{2500 * time.Millisecond, ticks(1)[0]}}},
			want: "connect; no batch; wait 1s; no batch; wait 1s; no batch; wait 1s; open 1; begin 1; event 11; event 12; end; finish 1; close",
		},
		{
			name: "is woken", opt: Options{MaxBatches: 1}, src: fake{notify: true, arrive: []arrival{{2500 * time.Millisecond, ticks(1)[0]}}},
			want: "connect; no batch; wait 10s; open 1; begin 1; event 11; event 12; end; finish 1; close",
		},
		{
			name: "looks by time for lag", opt: Options{MaxBatches: 1, Limits: pgq.Limits{MinLag: 5}},
			src:  fake{notify: true, arrive: []arrival{{time.Millisecond, ticks(1)[0]}}},
			want: "connect; limits {MinLag:5ns MinCount:0 MinInterval:0s MaxCount:0}; no batch; wait 1s; limits {MinLag:5ns MinCount:0 MinInterval:0s MaxCount:0}; open 1; begin 1; event 11; event 12; end; finish 1; close",
		},
		{
			name: "skip", opt: Options{UntilEmpty: true}, src: fake{ticks: ticks(1)}, sink: map[string][]error{"begin 1": {ErrSkip}},
			want: "connect; open 1; begin 1; finish 1; no batch; close",
		},
		{
			name: "hold", opt: Options{UntilEmpty: true}, src: fake{ticks: ticks(1)}, sink: map[string][]error{"begin 1": {&Hold{time.Minute}}},
			want: "connect; open 1; begin 1; open 1; begin 1; event 11; event 12; end; finish 1; no batch; close",
		},
		{
			name: "before each turn", opt: Options{UntilEmpty: true, BeforeTurn: func(context.Context, *pgq.Client) error { return nil }},
			src:  fake{ticks: ticks(1), fail: map[string][]error{"before": {nil, errGone}}},
			want: "connect; before; open 1; begin 1; event 11; event 12; end; before; close; connect; before; finish 1; no batch; close",
			logs: "connection lost err=\"read: unexpected EOF\"\nconnected again",
		},
		{
			name: "stop in a batch", opt: Options{UntilEmpty: true}, src: fake{ticks: ticks(1)}, sink: map[string][]error{"event 11": {ErrStop}},
			want: "connect; open 1; begin 1; event 11; abort; close",
		},
		{
			name: "sink fails to begin", src: fake{ticks: ticks(1)}, sink: map[string][]error{"begin 1": {errors.New("no disk")}},
			want: "connect; open 1; begin 1; close", err: "no disk",
		},
		{
			name: "sink fails in a batch with an error of a network", src: fake{ticks: ticks(1)}, sink: map[string][]error{"event 12": {errGone}},
			want: "connect; open 1; begin 1; event 11; event 12; abort; close", err: "read: unexpected EOF",
		},
		{
			name: "sink fails to end", src: fake{ticks: ticks(1)}, sink: map[string][]error{"end": {errors.New("no disk")}},
			want: "connect; open 1; begin 1; event 11; event 12; end; abort; close", err: "no disk",
		},
		{
			name: "again", opt: Options{UntilEmpty: true}, src: fake{ticks: ticks(1)},
			sink: map[string][]error{"end": {&Again{After: time.Minute, Err: errors.New("busy")}, &Again{}}},
			want: "connect; open 1; begin 1; event 11; event 12; end; abort; close; connect; open 1; begin 1; event 11; event 12; end; abort; " +
				"close; connect; open 1; begin 1; event 11; event 12; end; finish 1; no batch; close",
			logs: "batch will be delivered again err=busy",
		},
		{
			name: "lost in a batch", opt: Options{UntilEmpty: true},
			src:  fake{ticks: ticks(1), fail: map[string][]error{"read": {errGone}, "connect": {nil, errGone, errGone}}},
			want: "connect; open 1; begin 1; event 11; abort; close; connect: read: unexpected EOF; close; connect: read: unexpected EOF; close; connect; open 1; begin 1; event 11; event 12; end; finish 1; no batch; close",
			logs: `connection lost err="read batch 1 of /: read: unexpected EOF"` + "\nconnected again",
		},
		{
			name: "lost before a finish", opt: Options{UntilEmpty: true}, src: fake{ticks: ticks(1), fail: map[string][]error{"finish": {errGone}}},
			want: "connect; open 1; begin 1; event 11; event 12; end; finish 1; close; connect; is 1 open; finish 1; no batch; close",
			logs: "connection lost err=\"read: unexpected EOF\"\nconnected again",
		},
		{
			name: "lost after a finish", opt: Options{UntilEmpty: true}, src: fake{ticks: ticks(2), fail: map[string][]error{"finished": {errGone}}},
			want: "connect; open 1; begin 1; event 11; event 12; end; finish 1; close; connect; is 1 open; open 2; begin 2; event 21; event 22; end; finish 2; no batch; close",
			logs: "connection lost err=\"read: unexpected EOF\"\nconnected again",
		},
		{
			name: "next fails for good", src: fake{ticks: ticks(1), fail: map[string][]error{"next": {nil, errors.New("unregistered")}}},
			want: "connect; open 1; begin 1; event 11; event 12; end; finish 1; next: unregistered; connect; finish 1; close", err: "unregistered",
		},
		{
			name: "first connect fails", src: fake{fail: map[string][]error{"connect": {errGone}}},
			want: "connect: read: unexpected EOF; close", err: "read: unexpected EOF",
		},
		{
			name: "password changed", src: fake{ticks: ticks(1), fail: map[string][]error{"next": {errGone}, "connect": {nil, &pgconn.PgError{Message: "no password", Code: "28P01"}}}},
			want: "connect; next: read: unexpected EOF; close; connect: : no password (SQLSTATE 28P01); close", err: ": no password (SQLSTATE 28P01)",
			logs: `connection lost err="read: unexpected EOF"`,
		},
		{
			name: "stopped in a batch", src: fake{ticks: ticks(1)},
			on: func(cancel context.CancelCauseFunc) func(string, *Batch) {
				return func(call string, _ *Batch) {
					if call == "event 11" {
						cancel(errors.New("got terminated"))
					}
				}
			},
			want: "connect; open 1; begin 1; event 11; abort; close", err: "got terminated",
		},
		{
			name: "stopped at the end of a batch", src: fake{ticks: ticks(2)},
			on: func(cancel context.CancelCauseFunc) func(string, *Batch) {
				return func(call string, _ *Batch) {
					if call == "end" {
						cancel(errors.New("got terminated"))
					}
				}
			},
			want: "connect; open 1; begin 1; event 11; event 12; end; finish 1; close", err: "got terminated",
		},
		{
			name: "retry", opt: Options{UntilEmpty: true}, src: fake{ticks: ticks(1)},
			on: func(context.CancelCauseFunc) func(string, *Batch) {
				return func(call string, b *Batch) {
					if call == "event 12" {
						b.Retry(12, time.Minute)
					}
				}
			},
			want: "connect; open 1; begin 1; event 11; event 12; end; finish 1[{12 1m0s}]; no batch; close",
		},
		{
			name: "another one finished it", opt: Options{UntilEmpty: true}, src: fake{ticks: ticks(1), lost: true},
			want: "connect; open 1; begin 1; event 11; event 12; end; finish 1; no batch; close",
			logs: `another session finished this batch or moved the consumer: only one may use a consumer's name`,
		},
		{
			name: "unregister", opt: Options{UntilEmpty: true, UnregisterSub: true, Reader: pgq.Reader{Subconsumer: "s"}}, src: fake{ticks: ticks(1)},
			want: "connect; open 1; begin 1; event 11; event 12; end; finish 1; no batch; unregister; close",
		},
		{
			name: "unregister not with an open batch", opt: Options{UnregisterSub: true, Reader: pgq.Reader{Subconsumer: "s"}}, src: fake{ticks: ticks(1)},
			sink: map[string][]error{"event 11": {ErrStop}},
			want: "connect; open 1; begin 1; event 11; abort; close",
		},
		{
			name: "sorter", opt: Options{UntilEmpty: true}, src: fake{ticks: ticks(1)}, sort: 1 << 20,
			want: "connect; open 1; begin 1; unsorted; event 12; event 11; end; finish 1; no batch; close",
		},
		{
			name: "too much to sort", opt: Options{UntilEmpty: true}, src: fake{ticks: ticks(1)}, sort: 2 * guessedSize,
			want: "connect; open 1; begin 1; event 11; event 12; end; finish 1; no batch; close",
		},
		{
			name: "no sorter for the first events", opt: Options{MaxEvents: 5, UntilEmpty: true}, src: fake{ticks: ticks(1)}, sort: 1 << 20,
			want: "connect; open 1; begin 1; event 11; event 12; end; finish 1; no batch; close",
		},
		{
			name: "cannot sort", opt: Options{UntilEmpty: true}, src: fake{ticks: ticks(1)}, sort: 1 << 20, sink: map[string][]error{"event 11": {ErrUnsortable}},
			want: "connect; open 1; begin 1; unsorted; event 12; event 11; abort; close; connect; open 1; begin 1; event 11; event 12; end; finish 1; no batch; close",
		},
		{
			name: "merges", opt: Options{UntilEmpty: true, Merge: 500}, src: fake{ticks: ticks(3)},
			want: "connect; open 1; begin 1; event 11; event 12; end; finish 1; open 2; begin 2; event 21; event 22; end; finish 2; " +
				"limits {MinLag:0s MinCount:500 MinInterval:0s MaxCount:0}; no batch; open 3; begin 3; event 31; event 32; end; finish 3; no batch; close",
		},
		{
			name: "merges by server", opt: Options{UntilEmpty: true, Merge: 500}, src: fake{upto: true},
			want: "connect; limits {MinLag:0s MinCount:0 MinInterval:0s MaxCount:500}; no batch; close",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var logs bytes.Buffer
				tt.opt.Logger = slog.New(slog.NewTextHandler(&logs, nil))
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				rec := &recorder{f: &tt.src, fail: tt.sink}
				if tt.on != nil {
					rec.on = tt.on(cancel)
				}
				if tt.src.lost {
					rec.on = func(call string, _ *Batch) {
						if call == "end" {
							tt.src.open, tt.src.ticks = false, nil
						}
					}
				}
				var sink Sink = rec
				if tt.cut {
					sink = cutter{rec}
				}
				if tt.sort > 0 {
					sink = sorter{rec, tt.sort}
				}
				err := newConsumer(tt.opt, sink, &tt.src).Run(ctx)
				if got := fmt.Sprint(err); got != tt.err && (err != nil || tt.err != "") {
					t.Errorf("got error %v, want %q", err, tt.err)
				}
				if diff := cmp.Diff(strings.Split(tt.want, "; "), tt.src.log); diff != "" {
					t.Errorf("-want +got\n%s", diff)
				}
				lines := strings.Split(strings.TrimSpace(logs.String()), "\n")
				want := strings.Split(tt.logs, "\n")
				if len(lines) != len(want) {
					t.Errorf("got logs %q, want %q", lines, want)
				} else {
					for i, w := range want {
						msg, rest, _ := strings.Cut(w, " err=")
						if !strings.Contains(lines[i], msg) || rest != "" && !strings.Contains(lines[i], "err="+rest) {
							t.Errorf("got log %q, want %q", lines[i], w)
						}
					}
				}
			})
		})
	}
}

// TestMerge: batches grow to what the options say, and are small as long as
// many of their events are retried: each retry costs the server the more, the
// larger the batch is.
func TestMerge(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{upto: true, ticks: ticks(9)}
		rec := &recorder{f: f, on: func(call string, b *Batch) {
			if call == "event 31" || call == "event 41" { // half of the third and fourth batch
				b.Retry(31, 0)
			}
		}}
		if err := newConsumer(Options{UntilEmpty: true, Merge: 10000}, rec, f).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, call := range f.log {
			if _, n, ok := strings.Cut(call, "MaxCount:"); ok {
				got = append(got, strings.TrimSuffix(n, "}"))
			}
		}
		want := []string{"1000", "2000", "4000", "245", "245", "490", "980", "1960", "3920", "7840"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	})
}

// TestForceTick: until-empty waits for a tick over what was there at the start.
func TestForceTick(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var covered atomic.Bool
		f := &fake{notify: true, isCover: covered.Load, arrive: []arrival{{20 * time.Millisecond, ticks(1)[0]}}}
		f.onForce = func() { time.AfterFunc(10*time.Millisecond, func() { covered.Store(true) }) }
		c := newConsumer(Options{UntilEmpty: true, ForceTick: time.Minute}, &recorder{f: f}, f)
		if err := c.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		want := "connect; force; no batch; wait 50ms; open 1; begin 1; event 11; event 12; end; finish 1; no batch; close"
		if diff := cmp.Diff(want, strings.Join(f.log, "; ")); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}

		f = &fake{isCover: func() bool { return false }}
		start := time.Now()
		c = newConsumer(Options{Reader: pgq.Reader{Queue: "q"}, UntilEmpty: true, ForceTick: 2 * time.Second}, &recorder{f: f}, f)
		err := c.Run(t.Context())
		if fmt.Sprint(err) != "no tick of queue q within 2s: is its ticker running?" {
			t.Error(err)
		}
		if d := time.Since(start); d < 2*time.Second || d > 3*time.Second {
			t.Errorf("it took %v", d)
		}
		forces := strings.Count(strings.Join(f.log, ";"), "force")
		if forces != 2 {
			t.Errorf("%d requests for a tick", forces)
		}
	})
}

// watcher is a watchdog that says when a promise was broken.
type watcher struct {
	t        *testing.T
	due      time.Time // zero: none is out
	promises int
}

func (w *watcher) Within(d time.Duration) {
	w.Free()
	w.due = time.Now().Add(d)
	w.promises++
}

func (w *watcher) Free() {
	if !w.due.IsZero() && time.Now().After(w.due) {
		w.t.Errorf("late by %v", time.Since(w.due))
	}
	w.due = time.Time{}
}

// TestBackOff: the pauses grow to half a minute and never end.
func TestBackOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{ticks: ticks(1), fail: map[string][]error{"next": {errGone}, "connect": {nil}}}
		for range 40 {
			f.fail["connect"] = append(f.fail["connect"], errGone)
		}
		start := time.Now()
		beat := &watcher{t: t}
		rec := &recorder{f: f, on: func(call string, _ *Batch) {
			if !beat.due.IsZero() {
				t.Errorf("a promise is out at %s, which may take any time", call)
			}
		}}
		c := newConsumer(Options{UntilEmpty: true, Beat: beat}, rec, f)
		if err := c.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if beat.promises < 40 {
			t.Errorf("%d promises for 40 pauses", beat.promises)
		}
		if d := time.Since(start); d < 8*time.Minute || d > 20*time.Minute {
			t.Errorf("41 tries took %v", d)
		}
		if s := c.Stats(); s.Batches != 1 || s.Events != 2 || s.Bytes != 2 || s.LastTick != 1 || s.Connected {
			t.Errorf("stats %+v", s)
		}
	})
}

// TestStopWhileAway: a stop ends the wait for a server.
func TestStopWhileAway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{fail: map[string][]error{"next": {errGone}, "connect": {nil}}}
		for range 100 {
			f.fail["connect"] = append(f.fail["connect"], errGone)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Minute, func() { cancel(errors.New("stop it")) })
		start := time.Now()
		err := newConsumer(Options{}, &recorder{f: f}, f).Run(ctx)
		if fmt.Sprint(err) != "stop it" || time.Since(start) != time.Minute {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// TestStop closes Options.Stop at some moment of a run: the batch in hand is
// ended and finished, and whatever else the run waits for is cut short.
func TestStop(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		src  fake
		sink map[string][]error
		at   string        // the call of the sink at which it is closed
		wait time.Duration // or after how long
		want string
	}{
		{
			name: "in a batch", src: fake{ticks: ticks(2)}, at: "event 11",
			want: "connect; open 1; begin 1; event 11; event 12; end; finish 1; close",
		},
		{
			name: "while it is idle", wait: 500 * time.Millisecond,
			want: "connect; no batch; wait 1s; close",
		},
		{
			name: "while a batch is held", src: fake{ticks: ticks(1)}, sink: map[string][]error{"begin 1": {&Hold{time.Hour}}}, wait: time.Second,
			want: "connect; open 1; begin 1; close",
		},
		{
			name: "while the sink is not ready", src: fake{ticks: ticks(1)}, sink: map[string][]error{"end": {&Again{After: time.Hour}}}, wait: time.Second,
			want: "connect; open 1; begin 1; event 11; event 12; end; abort; close; close",
		},
		{
			name: "while the server is away", src: fake{ticks: ticks(1), fail: map[string][]error{"next": {errGone}}}, wait: time.Millisecond,
			want: "connect; next: read: unexpected EOF; close; close",
		},
		{
			name: "with a batch to be finished", src: fake{ticks: ticks(1), fail: map[string][]error{"finish": {errGone}}}, wait: time.Millisecond,
			want: "connect; open 1; begin 1; event 11; event 12; end; finish 1; close; is 1 open; finish 1; close",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				stop := make(chan struct{})
				rec := &recorder{f: &tt.src, fail: tt.sink}
				rec.on = func(call string, _ *Batch) {
					if call == tt.at {
						close(stop)
					}
				}
				if tt.wait > 0 {
					time.AfterFunc(tt.wait, func() { close(stop) })
				}
				start := time.Now()
				if err := newConsumer(Options{Stop: stop}, rec, &tt.src).Run(t.Context()); err != nil {
					t.Error(err)
				}
				if got := strings.Join(tt.src.log, "; "); got != tt.want {
					t.Errorf("got  %s\nwant %s", got, tt.want)
				}
				if d := time.Since(start); d > tt.wait {
					t.Errorf("it took %v", d)
				}
			})
		})
	}
}
