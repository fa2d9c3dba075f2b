package ticker

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"skytools/lib/db"
	"skytools/lib/log"
)

const (
	// queueKey and its queue is the condition of a queue that cannot be ticked.
	queueKey = "queue "
	// fastKey is the condition that there are no fast ticks although the
	// database has them.
	fastKey = "fast"
	// fastPause follows when fast ticks, all or of one queue, went wrong.
	fastPause = 10 * time.Second
)

// A run is the ticking over one connection.
type run struct {
	*tickLoop
	s    *session
	fast bool
	// queueWise says that a queue is broken: pgq.ticker() is one transaction
	// for all queues and would stop them all.
	queueWise bool
	bad       map[string]badQueue
	shy       map[string]time.Time // queues to leave out of fast ticks until then
	blind     time.Time            // no looks until then
	pace      pace
}

// idlePasses is how many passes of an idle database may go by between two
// calls of pgq.ticker() when looks see all that it would, except that a queue
// is due for an idle tick; idleLimit bounds the time.
const (
	idlePasses = 5
	idleLimit  = 5 * time.Second
)

// tick ticks over s until something goes wrong, or the connection is old. It
// returns how long to wait before the next connection.
//
// Once every ticker_period there is a pass. Without fast ticks that is a call
// of pgq.ticker(). With them it is a look, as there are more between two
// passes while there is traffic; idle databases, which are most, need no
// second statement.
func (l *tickLoop) tick(ctx context.Context, s *session, p *probe) (pause time.Duration) {
	r := &run{
		tickLoop: l, s: s, fast: p.fast, bad: map[string]badQueue{}, shy: map[string]time.Time{},
		queueWise: len(l.d.cond.with(queueKey)) > 0,
	}
	now := time.Now()
	set := l.d.settings.Load()
	expire := now.Add(jitter(set.ConnectAge))
	nextPass, nextLook, nextTicker, nextProbe := now, now, now, now.Add(set.Check)
	for {
		set = l.d.settings.Load()
		fast := r.fast && set.Fast > 0 && !r.blind.After(now)
		pass := !nextPass.After(now)
		if pass && (!fast || !nextTicker.After(now)) {
			n, err := r.callTicker(ctx)
			if err != nil {
				return l.failing(ctx, err)
			}
			nextTicker = now.Add(max(set.Ticker, min(idlePasses*set.Ticker, idleLimit)))
			if n > 0 { // there is traffic
				nextLook = now
			}
		}
		if fast && (pass || !nextLook.After(now)) {
			start := time.Now()
			made, err := r.look(ctx)
			if err != nil {
				return l.failing(ctx, err)
			}
			end := time.Now()
			r.pace.min, r.pace.max = set.Fast, set.Ticker
			nextLook = end.Add(r.pace.next(made, start, end))
		}
		if pass {
			r.passed()
			nextPass = onGrid(time.Now(), set.Ticker)
		}
		if !nextProbe.After(now) {
			p, err := s.probe(ctx)
			if err != nil {
				return l.away(ctx, err)
			}
			if !p.schema || !p.good() || p.recovery || p.version != l.version {
				return 0 // it is something else now: begin anew
			}
			r.fast = p.fast
			nextProbe = now.Add(set.Check)
		}
		if expire.Before(now) {
			return set.Ticker
		}

		until := nextPass
		if fast && nextLook.Before(until) && r.pace.cur <= set.Ticker/2 {
			until = nextLook
		}
		if err := r.sleep(ctx, until); err != nil {
			return l.failing(ctx, err)
		}
		if ctx.Err() != nil {
			return 0
		}
		now = time.Now()
	}
}

// gridStart is when the program started.
var gridStart = time.Now()

// onGrid returns the time of the next pass. Idle databases pass together: one
// wake-up for fifty costs a fraction of fifty.
func onGrid(now time.Time, period time.Duration) time.Time {
	next := now.Add(period - now.Sub(gridStart)%period)
	if next.Sub(now) < period/2 {
		next = next.Add(period)
	}
	return next
}

// sleep waits, and answers what the other loops ask.
func (r *run) sleep(ctx context.Context, until time.Time) error {
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	for {
		r.beat.Within(time.Until(until) + grace)
		select {
		case <-ctx.Done():
			return nil
		case <-t.C:
			return nil
		case q := <-r.d.questions:
			yes, err := r.s.ask(ctx, q.what, q.sql)
			q.answer <- yes || err != nil // a round of its own will tell what is wrong
			if err != nil && r.lost(err) {
				return err
			}
		}
	}
}

// A badQueue could not be ticked, and is left alone for a while.
type badQueue struct {
	err   error
	until time.Time
}

// badPasses is how many passes a bad queue is left out of.
const badPasses = 10

// callTicker makes the ticks that are due by the queues' own settings, and
// returns how many queues got one.
func (r *run) callTicker(ctx context.Context) (n int64, err error) {
	if !r.queueWise {
		n, err = r.s.ticker(ctx)
		switch {
		case err == nil:
			r.d.Stats.Ticks.Add(n)
			return n, nil
		case r.broken(err):
			return 0, err
		}
		r.queueWise = true
	}
	return r.tickQueues(ctx, err)
}

// broken tells whether err is about the connection or the whole database, so
// that trying queue by queue would help nothing.
func (r *run) broken(err error) bool {
	return r.lost(err) || db.IsUndefinedObject(err) && !fromInside(err) || db.Code(err) == readOnly
}

// lost tells whether err leaves the connection in doubt.
func (r *run) lost(err error) bool {
	var to *timeoutError
	return r.s.conn.IsClosed() || errors.As(err, &to) || db.IsConnectionLoss(err)
}

// fromInside tells whether an error comes from inside a function, and not from
// the call itself.
func fromInside(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && pe.Where != ""
}

// readOnly is the SQLSTATE of a statement that a standby refuses.
const readOnly = "25006"

// tickQueues ticks queue by queue. all is what went wrong with pgq.ticker(),
// or nil.
func (r *run) tickQueues(ctx context.Context, all error) (n int64, err error) {
	d := r.d
	names, err := r.s.queues(ctx)
	if err != nil {
		return 0, err
	}
	now := time.Now()
	failed := map[string]error{}
	for _, name := range names {
		if bad, ok := r.bad[name]; ok && bad.until.After(now) {
			failed[name] = bad.err
			continue
		}
		m, err := r.s.tickQueue(ctx, name)
		n += m
		if err == nil {
			continue
		}
		if r.broken(err) {
			return n, err
		}
		d.Stats.TickErrors.Add(1)
		// It may have been dropped or paused after the list was made.
		switch ok, err2 := r.s.tickable(ctx, name); {
		case err2 != nil:
			return n, err2
		case ok:
			failed[name] = err
			all = err
			r.bad[name] = badQueue{err, now.Add(badPasses * d.settings.Load().Ticker)}
		}
	}
	d.Stats.Ticks.Add(n)
	if all != nil && len(failed) == len(names) {
		return 0, all // it is not the fault of one queue
	}
	for name, err := range failed {
		d.cond.begin(slog.LevelError, queueKey+name, "queue cannot be ticked, the others can", err, log.Queue, name)
	}
	for _, name := range d.badQueues() {
		if failed[name] == nil {
			delete(r.bad, name)
			d.cond.end(queueKey+name, "queue is ticked again", log.Queue, name)
		}
	}
	r.queueWise = len(failed) > 0
	return n, nil
}

// badQueues returns the queues that could not be ticked in the last pass.
func (d *Database) badQueues() []string {
	keys := d.cond.with(queueKey)
	for i, k := range keys {
		keys[i] = strings.TrimPrefix(k, queueKey)
	}
	return keys
}

// look looks for queues with events that no tick covers, and ticks them if
// their settings allow it. It tells whether it made a tick.
func (r *run) look(ctx context.Context) (made bool, err error) {
	d, start := r.d, time.Now()
	rows, err := r.s.states(ctx)
	if err != nil {
		if r.broken(err) {
			return false, err
		}
		d.Stats.TickErrors.Add(1)
		d.cond.begin(slog.LevelWarn, fastKey, "cannot look for new events, ticking only every ticker_period", err)
		r.blind = start.Add(fastPause)
		return false, nil
	}
	d.Stats.Looks.Add(1)
	d.cond.end(fastKey, "looking for new events again")
	r.noteTicks(rows)
	r.watch.forget(rows)
	for i := range rows {
		q := &rows[i]
		if !q.due || !r.watch.wants(q) || r.shy[q.queue].After(start) {
			continue
		}
		tick, txid, err := r.s.tickIf(ctx, q)
		switch {
		case err == nil && tick != 0:
			r.watch.ticked(q, tick, txid)
			d.Stats.Ticks.Add(1)
			made = true
		case err == nil: // somebody else ticks this queue
		case r.broken(err):
			return made, err
		default: // callTicker will say what is wrong, if it stays so
			d.logger.Debug("fast tick failed", log.Queue, q.queue, log.Err, err)
			d.Stats.TickErrors.Add(1)
			r.shy[q.queue] = start.Add(fastPause)
		}
	}
	return made, nil
}

// noteTicks keeps for the status when the newest tick of each queue came.
func (r *run) noteTicks(rows []queueState) {
	r.d.update(func(s *Status) {
		if len(s.Queues) != len(rows) {
			old := s.Queues
			s.Queues = make(map[string]QueueStatus, len(rows))
			for i := range rows {
				if q, ok := old[rows[i].queue]; ok {
					s.Queues[rows[i].queue] = q
				} else {
					s.Queues[rows[i].queue] = QueueStatus{Tick: rows[i].tickID}
				}
			}
		}
		for i := range rows {
			if q := &rows[i]; s.Queues[q.queue].Tick != q.tickID {
				s.Queues[q.queue] = QueueStatus{Tick: q.tickID, Seen: time.Now()}
			}
		}
	})
}
