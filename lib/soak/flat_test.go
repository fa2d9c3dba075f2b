package soak

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"skytools/lib/db"
	"skytools/lib/testpg"
)

// eventData is about as long as events are.
var eventData = strings.Repeat("a few words ", 80)

// slower is how much slower work may be after many batches than on a queue
// that has just been made.
const slower = 1.2

// TestFlat works through many small batches while another session holds vacuum
// up, and demands that they end as fast as they began, on little space.
//
// Ends and beginnings are measured in turn, the beginning on a second queue
// that is made then: the machine may be busy with something else at one time
// and not at the other.
func TestFlat(t *testing.T) {
	for _, tt := range []struct {
		name, begin string
		kind        string // how the status calls the one who holds it up
	}{
		{"old snapshot", "begin isolation level repeatable read; select 1", "snapshot"},
		{"idle writer", "begin; select pgq.insert_event('q', 'soak', 'held')", "writer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := testpg.Start(t)
			batches := int(number(t, "SOAK_BATCHES", pick[int64](1500, 100_000)))
			ends := max(250, batches/50)
			old := newFlat(t, c, tt.begin)
			for range batches - ends {
				old.turn(t.Context())
			}
			young := newFlat(t, c, tt.begin)
			for range ends / 4 {
				young.turn(t.Context()) // to warm up
			}
			compareTurns(t, old, young, ends)
			old.show(ends)
			old.checkSpace()
			old.release(old.blocked(tt.kind))
		})
	}
}

// flat is a queue in a database of its own, whose vacuum is held up.
type flat struct {
	t             *testing.T
	dsn           string
	holder, conn  *pgx.Conn
	maintainer    *session
	lastTick      int64
	ticks, rounds []time.Duration
	tickLimit     int64 // bytes from which on pgq.tick is compacted
	empty         int64 // size without an event
	period        time.Duration
	sizes         []sample // now and then
}

// sample is the space at a moment.
type sample struct {
	at    time.Time
	turns int64
	bytes int64
}

func newFlat(t *testing.T, c *testpg.Cluster, begin string) *flat {
	t.Helper()
	f := &flat{t: t, dsn: c.NewDB(t, testpg.Extensions("pgq")), tickLimit: 1 << 20, period: pick(500*time.Millisecond, 10*time.Second)}
	if !long {
		f.tickLimit = 1 << 17
		limitLogs(t, f.dsn, strconv.FormatInt(f.tickLimit, 10))
	}
	// Rotation itself leaves some dead rows in pgq.queue, which nothing removes
	// meanwhile: some dozens of rotations are days at the default period.
	testpg.Exec(t, f.dsn, `select pgq.create_queue('q'), pgq.register_consumer('q', 'c')`)
	testpg.Exec(t, f.dsn, "select pgq.set_queue_config('q', 'rotation_period', $1)", f.period.String())
	var err error
	if f.holder, err = db.Connect(t.Context(), f.dsn, "soak-holder"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.holder.Close(context.Background()) })
	if _, err := f.holder.Exec(t.Context(), begin); err != nil {
		t.Fatal(err)
	}
	f.conn = testpg.Connect(t, f.dsn)
	f.maintainer = &session{h: newHistory(), conn: testpg.Connect(t, f.dsn)}
	f.empty = f.size()
	f.lastTick = testpg.Value[int64](t, f.dsn, "select last_tick_id from pgq.get_queue_info('q')")
	return f
}

// turn makes an event, a tick and a batch of it.
func (f *flat) turn(ctx context.Context) {
	f.t.Helper()
	if _, err := f.conn.Exec(ctx, "select pgq.insert_event('q', 'soak', $1)", eventData); err != nil {
		f.t.Fatal(err)
	}
	f.tickAndConsume(ctx)
	if n := len(f.rounds); n%50 == 0 {
		if err := f.maintainer.maintain(ctx); err != nil {
			f.t.Fatal(err)
		}
		f.sizes = append(f.sizes, sample{time.Now(), int64(n), f.size()})
	}
}

func (f *flat) tickAndConsume(ctx context.Context) {
	f.t.Helper()
	start := time.Now()
	if err := f.conn.QueryRow(ctx, "select pgq.tick_if('q', $1)", f.lastTick).Scan(&f.lastTick); err != nil {
		f.t.Fatal(err)
	}
	f.ticks = append(f.ticks, time.Since(start))

	start = time.Now()
	var id int64
	if err := f.conn.QueryRow(ctx, "select pgq.next_batch('q', 'c')").Scan(&id); err != nil {
		f.t.Fatal(err)
	}
	var done int
	if err := f.conn.QueryRow(ctx, "select pgq.finish_batch($1)", id).Scan(&done); err != nil || done != 1 {
		f.t.Fatalf("finish_batch returned %d, error %v", done, err)
	}
	f.rounds = append(f.rounds, time.Since(start))
}

func (f *flat) size() int64 {
	f.t.Helper()
	var n int64
	if err := f.maintainer.conn.QueryRow(f.t.Context(), sizeSQL).Scan(&n); err != nil {
		f.t.Fatal(err)
	}
	return n
}

// quartile returns the time that a quarter of the turns kept below. Unlike the
// median it hardly moves when other processes take the processor away.
func quartile(d []time.Duration) time.Duration {
	s := slices.Sorted(slices.Values(d))
	return s[len(s)/4]
}

func (f *flat) show(ends int) {
	f.t.Logf("%d batches; ticker: first %d %v, last %v; next_batch and finish_batch: first %v, last %v",
		len(f.rounds), ends, quartile(f.ticks[:ends]), quartile(f.ticks[len(f.ticks)-ends:]),
		quartile(f.rounds[:ends]), quartile(f.rounds[len(f.rounds)-ends:]))
}

// compareTurns demands that both queues are worked at the same speed. What
// only seems slower does not stay so when it is measured again.
func compareTurns(t *testing.T, old, young *flat, n int) {
	t.Helper()
	for try := 1; ; try++ {
		from, to := len(old.rounds), len(young.rounds)
		for i := range n {
			first, second := old, young
			if i%2 == 1 {
				first, second = young, old
			}
			first.turn(t.Context())
			second.turn(t.Context())
		}
		ticks := compareTimes(t, "ticker", old.ticks[from:], young.ticks[to:])
		rounds := compareTimes(t, "next_batch and finish_batch", old.rounds[from:], young.rounds[to:])
		if max(ticks, rounds) <= slower {
			return
		}
		if try == 4 {
			t.Errorf("slower at the end each time, want at most %.2f times", slower)
			return
		}
	}
}

func compareTimes(t *testing.T, what string, old, young []time.Duration) (ratio float64) {
	t.Helper()
	a, b := quartile(old), quartile(young)
	ratio = float64(a) / float64(b)
	t.Logf("%s: %v after many batches, %v on a new queue at the same time, %.2f times", what, a, b, ratio)
	return ratio
}

// checkSpace demands that the space is in proportion to what is unread or still
// writable: all is read at once, so that is what some rotations have seen, and
// what had been written until the one who holds things up came.
func (f *flat) checkSpace() {
	f.t.Helper()
	const (
		rotations = 4    // the table in use, the one before, and what a rotation is late
		perEvent  = 1500 // with index, tick and position
	)
	turns := func(from, to time.Time) (n int64) {
		for i, s := range f.sizes[1:] {
			if s.at.After(from) && !f.sizes[i].at.After(to) {
				n += s.turns - f.sizes[i].turns
			}
		}
		return n
	}
	start := f.sizes[0].at
	held := turns(start, start.Add(2*f.period))
	var most int64
	for _, s := range f.sizes {
		most = max(most, s.bytes)
		allowed := f.empty + 6*f.tickLimit + perEvent*(held+turns(s.at.Add(-rotations*f.period), s.at))
		if s.bytes > allowed {
			f.t.Errorf("%d bytes after %d batches, want at most %d", s.bytes, s.turns, allowed)
			break
		}
	}
	f.t.Logf("space: at most %d kB, %d kB now, %d kB without events", most>>10, f.size()>>10, f.empty>>10)
}

// blocked demands that the status names the session that holds things up, and
// returns which table.
func (f *flat) blocked(kind string) (table string) {
	f.t.Helper()
	var pid int
	var application string
	err := f.maintainer.conn.QueryRow(f.t.Context(), `select pid, application, table_name from pgq.get_rotation_info('q')
		where blocker_kind = $1`, kind).Scan(&pid, &application, &table)
	if err != nil {
		f.t.Fatalf("pgq.get_rotation_info names no %s: %v", kind, err)
	}
	if want := int(f.holder.PgConn().PID()); pid != want || application != "soak-holder" {
		f.t.Errorf("pgq.get_rotation_info names %d %q, want %d %q", pid, application, want, "soak-holder")
	}
	return table
}

// release ends the idle transaction and demands that the space of what it held
// up comes back with the next rotation, and all space some rotations later.
func (f *flat) release(table string) {
	f.t.Helper()
	ctx := f.t.Context()
	f.t.Cleanup(func() {
		if f.t.Failed() {
			f.t.Log(testpg.Value[string](f.t, f.dsn, usageSQL))
			f.t.Log(testpg.Value[string](f.t, f.dsn, "select string_agg(i::text, E'\n') from pgq.get_rotation_info(null) i"))
		}
	})
	if _, err := f.holder.Exec(ctx, "commit"); err != nil {
		f.t.Fatal(err)
	}
	const switched = "select queue_switch_time from pgq.queue"
	rotations, last := 0, testpg.Value[time.Time](f.t, f.dsn, switched)
	start := time.Now()
	wait := func(what string, size func() int64, enough int64, limit int) {
		before := size()
		testpg.Wait(f.t, 2*time.Minute, what, func() bool {
			// a table is done with when a tick and the consumer are past it
			f.tickAndConsume(ctx)
			if err := f.maintainer.maintain(ctx); err != nil {
				f.t.Fatal(err)
			}
			if now := testpg.Value[time.Time](f.t, f.dsn, switched); now != last {
				rotations, last = rotations+1, now
			}
			return rotations > limit || size() < enough
		})
		f.t.Logf("%s: %d kB at the release, %d kB after %d rotations and %v", what, before>>10, size()>>10, rotations, time.Since(start).Round(time.Millisecond))
		// the rotation that is one too many may be the same call that gives it back
		if n := size(); n >= enough {
			f.t.Errorf("%s: %d bytes are not given back with %d rotations", what, n, limit)
		}
	}
	enough := int64(64 << 10)
	if table == "pgq.tick" {
		enough = f.tickLimit + f.tickLimit/2
	}
	wait("space of "+table, func() int64 {
		return testpg.Value[int64](f.t, f.dsn, "select coalesce(pg_total_relation_size(to_regclass($1)), 0)", table)
	}, enough, 1)
	// The table that was current at the release is kept for one period after
	// the one that it had as such. Ticks and positions have their own limits.
	wait("space of all", f.size, f.empty+3*f.tickLimit+256<<10, 3)
}
