// Package ticker runs PgQ in one database: it makes the ticks, moves retried
// events back, and does the maintenance. Each of the three is a loop with a
// connection of its own, so that a long rotation delays no tick. A database
// that is away, hangs, has no pgq or is a standby is a state, never an error:
// it is logged when it begins and when it ends.
package ticker

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"skytools/lib/db"
	"skytools/lib/log"
)

// Settings are the periods of the loops.
type Settings struct {
	Ticker     time.Duration // between two passes over the queues
	Fast       time.Duration // shortest pause between two looks for new events; 0: do not look
	Maint      time.Duration // between two maintenance rounds
	Retry      time.Duration // between two looks at the retry queue
	Check      time.Duration // until a database without pgq is looked at again
	ConnectAge time.Duration // after which the ticking connection is renewed
}

// limits bound single statements. A server that does not answer within them is
// treated as one that is away; the statement is cancelled.
type limits struct{ probe, tick, maint, vacuum time.Duration }

var usualLimits = limits{probe: 30 * time.Second, tick: time.Minute, maint: time.Hour, vacuum: 24 * time.Hour}

// standbyPoll is how often a standby is asked whether it was promoted.
const standbyPoll = 2 * time.Second

// A Beat takes a loop's promise to report again within some time.
type Beat interface {
	Within(time.Duration)
	Done()
}

// A Config is what New needs.
type Config struct {
	Name     string
	Dialer   *Dialer
	Settings Settings
	Logger   *slog.Logger
	// Beat gives the loop of that name its watchdog.
	Beat func(loop string) Beat
	// Listed says that the user named the database, so that a missing pgq is
	// worth a warning.
	Listed bool
}

// A State is what a database is found to be.
type State string

// The states.
const (
	Starting   State = "starting"
	Ticking    State = "ticking"
	Away       State = "away"        // no connection
	Failing    State = "failing"     // a connection, but no ticks
	Standby    State = "standby"     // in recovery
	NoPgQ      State = "no pgq"      // not installed
	BadVersion State = "bad version" // of pgq or the server
)

// States are all of them.
var States = []State{Starting, Ticking, Away, Failing, Standby, NoPgQ, BadVersion}

// Stats count from the start of the program.
type Stats struct {
	Passes        atomic.Int64 // over all queues, one each Settings.Ticker
	Ticks         atomic.Int64 // ticks made
	Looks         atomic.Int64 // looks for new events
	MaintRounds   atomic.Int64 // complete rounds
	RetriedEvents atomic.Int64 // moved back into their queues
	TickErrors    atomic.Int64
	MaintErrors   atomic.Int64
	RetryErrors   atomic.Int64
}

// A Status is a database at one moment. Times are zero before the first
// success.
type Status struct {
	Name      string
	State     State
	Since     time.Time // of State
	Version   string    // of pgq
	BadQueues []string  // that cannot be ticked while others can
	LastPass  time.Time
	LastMaint time.Time
	LastRetry time.Time
	Queues    map[string]QueueStatus // only where pgq.ticker_state() exists
}

// A QueueStatus is the newest tick of a queue and when it was first seen;
// zero if it was there before.
type QueueStatus struct {
	Tick int64
	Seen time.Time
}

// A Database is one database with its loops.
type Database struct {
	name     string
	dialer   *Dialer
	logger   *slog.Logger
	beat     func(loop string) Beat
	listed   bool
	cond     *conditions
	settings atomic.Pointer[Settings]
	wake     chan struct{} // cuts the pause of a database that is not ticking
	open     gate          // for maintenance and retry
	wrap     atomic.Bool   // see session
	tried    chan struct{} // closed after the first attempt to connect
	limits   limits
	// questions are asked by the other loops over the ticking connection,
	// which is there anyway.
	questions chan question

	// Stats may be read at any time.
	Stats Stats

	mu     sync.Mutex
	status Status
}

// New returns a database whose Run does the work.
func New(c Config) *Database {
	logger := c.Logger.With(log.DB, c.Name)
	d := &Database{
		name: c.Name, dialer: c.Dialer, logger: logger, beat: c.Beat, listed: c.Listed,
		cond: newConditions(logger), wake: make(chan struct{}, 1), tried: make(chan struct{}),
		questions: make(chan question), limits: usualLimits,
		status: Status{Name: c.Name, State: Starting, Since: time.Now()},
	}
	d.Update(c.Settings)
	return d
}

// Update changes the settings; pauses that have begun are not changed.
func (d *Database) Update(s Settings) { d.settings.Store(&s) }

// Wake ends the pause before the next attempt if the database is away, or has
// no pgq.
func (d *Database) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Tried is closed once a first connection was made, or failed.
func (d *Database) Tried() <-chan struct{} { return d.tried }

// Status returns how the database is doing.
func (d *Database) Status() Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.status
	s.BadQueues = d.badQueues()
	s.Queues = make(map[string]QueueStatus, len(d.status.Queues))
	for k, v := range d.status.Queues {
		s.Queues[k] = v
	}
	return s
}

// Run works until ctx ends.
func (d *Database) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { d.maintLoop(ctx) })
	wg.Go(func() { d.retryLoop(ctx) })
	d.tickLoop(ctx)
	wg.Wait()
	return context.Cause(ctx)
}

func (d *Database) setState(s State) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.status.State != s {
		d.status.State, d.status.Since = s, time.Now()
	}
}

func (d *Database) update(f func(*Status)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(&d.status)
}

// tickLoop connects and ticks, again and again.
func (d *Database) tickLoop(ctx context.Context) {
	beat := d.beat("ticker of " + d.name)
	defer beat.Done()
	defer d.open.set(false)
	l := &tickLoop{d: d, beat: beat, watch: newWatch()}
	for ctx.Err() == nil {
		pause := l.serve(ctx)
		sleep(ctx, beat, pause, d.wake)
	}
}

// stateKey is the condition that says why a database is not ticking.
const stateKey = "state"

// A tickLoop holds what outlives a connection.
type tickLoop struct {
	d       *Database
	beat    Beat
	watch   *watch
	pause   backoff
	version string // last one told
}

// serve makes one connection and ticks over it as long as that goes well. It
// returns how long to wait before the next one.
func (l *tickLoop) serve(ctx context.Context) (pause time.Duration) {
	d := l.d
	s, err := d.connect(ctx, l.beat)
	d.mu.Lock()
	select {
	case <-d.tried:
	default:
		close(d.tried)
	}
	d.mu.Unlock()
	if err != nil {
		return l.away(ctx, err)
	}
	defer closeConn(ctx, s.conn)

	for {
		p, err := s.probe(ctx)
		if err != nil {
			return l.away(ctx, err)
		}
		switch {
		case p.serverNum < oldestServer:
			return l.unfit(BadVersion, slog.LevelWarn, "server is too old, ignoring", "server", p.serverVersion, "need", oldestServer/10000)
		case p.recovery:
			d.open.set(false)
			l.pause.reset()
			if !p.schema { // it cannot come but by replication: look again later
				return l.unfit(NoPgQ, l.missingLevel(), "no pgq in this database")
			}
			d.setState(Standby)
			d.cond.begin(slog.LevelInfo, stateKey, "server is in recovery, waiting for its promotion", nil)
			if !sleep(ctx, l.beat, standbyPoll, nil) {
				return 0
			}
			continue
		case !p.schema:
			return l.unfit(NoPgQ, l.missingLevel(), "no pgq in this database")
		case !p.good():
			version := p.version
			if version == "" {
				version = "NULL"
			}
			return l.unfit(BadVersion, slog.LevelWarn, "bad pgq version, ignoring", "version", version)
		}
		d.update(func(s *Status) { s.Version = p.version })
		d.wrap.Store(s.wrap)
		d.open.set(true)
		if l.version != p.version {
			l.version = p.version
			d.logger.Info("pgq version ok", "version", p.version)
		}
		return l.tick(ctx, s, p)
	}
}

func (l *tickLoop) missingLevel() slog.Level {
	if l.d.listed {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// away notes that there is no working connection.
func (l *tickLoop) away(ctx context.Context, err error) time.Duration {
	if ctx.Err() != nil {
		return 0
	}
	l.d.open.set(false)
	l.d.setState(Away)
	l.d.Stats.TickErrors.Add(1)
	l.d.cond.begin(slog.LevelWarn, stateKey, "database is away, trying again", err)
	return l.retryIn(err)
}

// failing notes that there is a connection, but no ticks.
func (l *tickLoop) failing(ctx context.Context, err error) time.Duration {
	if ctx.Err() != nil {
		return 0
	}
	if isGone(err) {
		return l.away(ctx, err)
	}
	l.d.setState(Failing)
	l.d.Stats.TickErrors.Add(1)
	l.d.cond.begin(slog.LevelError, stateKey, "cannot tick, trying again", err)
	return l.retryIn(err)
}

// retryIn says when to try again. Where a person has to do something first,
// each attempt would only be one more line in the server's log.
func (l *tickLoop) retryIn(err error) time.Duration {
	d := l.pause.next()
	if code := db.Code(err); strings.HasPrefix(code, "28") || code == "3D000" || db.IsPermission(err) {
		d = max(d, l.d.settings.Load().Check)
	}
	return d
}

// unfit notes that there is nothing to tick here for now.
func (l *tickLoop) unfit(state State, level slog.Level, msg string, attrs ...any) time.Duration {
	l.d.open.set(false)
	l.d.setState(state)
	l.d.cond.begin(level, stateKey, msg, nil, attrs...)
	l.pause.reset()
	l.version = ""
	return l.d.settings.Load().Check
}

// passed notes that all queues were looked after.
func (l *tickLoop) passed() {
	d := l.d
	d.Stats.Passes.Add(1)
	d.update(func(s *Status) { s.LastPass = time.Now() })
	d.setState(Ticking)
	d.cond.end(stateKey, "database is ticking again")
	l.pause.reset()
}

// connect opens a connection for a loop.
func (d *Database) connect(ctx context.Context, beat Beat) (*session, error) {
	var conn *pgx.Conn
	limit := d.dialer.limit()
	err := withDeadline(ctx, beat, "connect", limit, func(ctx context.Context) (err error) {
		conn, err = d.dialer.Connect(ctx, d.name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &session{conn: conn, beat: beat, limits: d.limits}, nil
}

// sleep waits for d, and reports whether ctx is still good. A value on wake
// ends it early.
func sleep(ctx context.Context, beat Beat, d time.Duration, wake <-chan struct{}) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	beat.Within(d + grace)
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
	case <-wake:
	}
	return true
}

// A backoff gives growing pauses, with jitter, so that the databases of a
// server that comes back do not all knock at once.
type backoff struct{ cur time.Duration }

const (
	backoffMin = 500 * time.Millisecond
	backoffMax = 30 * time.Second
)

func (b *backoff) next() time.Duration {
	b.cur = min(max(2*b.cur, backoffMin), backoffMax)
	return jitter(b.cur)
}

func (b *backoff) reset() { b.cur = 0 }

// jitter changes d by up to a quarter either way.
func jitter(d time.Duration) time.Duration {
	if d <= 0 {
		return d
	}
	return d*3/4 + rand.N(d/2+1)
}

// A gate stops the maintenance loops while the database is not fit for them.
type gate struct {
	mu   sync.Mutex
	open bool
	ch   chan struct{} // closed at the next change
}

func (g *gate) set(open bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open == open {
		return
	}
	g.open = open
	if g.ch != nil {
		close(g.ch)
		g.ch = nil
	}
}

// wait returns when the gate is open, or with false when ctx ended.
func (g *gate) wait(ctx context.Context) bool {
	for {
		g.mu.Lock()
		if g.open {
			g.mu.Unlock()
			return ctx.Err() == nil
		}
		if g.ch == nil {
			g.ch = make(chan struct{})
		}
		ch := g.ch
		g.mu.Unlock()
		select {
		case <-ctx.Done():
			return false
		case <-ch:
		}
	}
}
