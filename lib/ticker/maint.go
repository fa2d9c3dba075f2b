package ticker

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"skytools/lib/log"
)

const (
	// entryKey and the entry is the condition of a maintenance entry that fails.
	entryKey = "entry "
	// maxRepeats bounds how often one entry may ask to be run again in a
	// round, or one that always asks would keep all others from their turn.
	maxRepeats = 10000
	// goneRounds is how many rounds in a row may find no server, which is for
	// the ticker to tell, before they tell of it themselves.
	goneRounds = 3
)

// A roundKind is one of the two loops beside the ticker's.
type roundKind struct {
	loop   string
	period func(*Settings) time.Duration
	due    question                              // whether there is work
	run    func(context.Context, *session) error // does it
	none   func()                                // notes that there was none
	errors *atomic.Int64
	failed string // what the log says when a round could not be finished
	again  string // and when one can again
}

// maintLoop runs maintenance rounds.
func (d *Database) maintLoop(ctx context.Context) {
	d.rounds(ctx, roundKind{
		loop:   "maintenance of " + d.name,
		period: func(s *Settings) time.Duration { return s.Maint },
		due:    question{what: "look for maintenance", sql: `select exists (select 1 from pgq.maint_operations())`},
		run:    d.maintRound,
		none:   func() { d.maintDone(nil) },
		errors: &d.Stats.MaintErrors,
		failed: "maintenance failed, trying again",
		again:  "maintenance works again",
	})
}

// retryLoop moves retried events.
func (d *Database) retryLoop(ctx context.Context) {
	d.rounds(ctx, roundKind{
		loop:   "retry of " + d.name,
		period: func(s *Settings) time.Duration { return s.Retry },
		due: question{what: "look for retried events",
			sql: `select exists (select 1 from pgq.retry_queue where ev_retry_after <= pg_catalog.now())`},
		run:    d.retryRound,
		none:   d.retryDone,
		errors: &d.Stats.RetryErrors,
		failed: "cannot move retried events, trying again",
		again:  "retried events are moved again",
	})
}

// rounds runs a round every period, and sooner when it could not be finished.
func (d *Database) rounds(ctx context.Context, k roundKind) {
	beat := d.beat(k.loop)
	defer beat.Done()
	var pause backoff
	gone := 0
	for {
		beat.Within(forever)
		if !d.open.wait(ctx) {
			return
		}
		wait := k.period(d.settings.Load())
		switch err := d.round(ctx, beat, k); {
		case ctx.Err() != nil:
			return
		case err == nil:
			d.cond.end(k.loop, k.again)
			pause.reset()
			gone = 0
		case isGone(err) && gone < goneRounds:
			gone++
			d.logger.Debug(k.failed, log.Err, err)
			wait = min(wait, pause.next())
		default:
			k.errors.Add(1)
			d.cond.begin(slog.LevelError, k.loop, k.failed, err)
			wait = min(wait, pause.next())
		}
		if !sleep(ctx, beat, wait, nil) {
			return
		}
	}
}

// round runs one round. It has a connection of its own, but only if there is
// work for it.
func (d *Database) round(ctx context.Context, beat Beat, k roundKind) error {
	if !d.ask(ctx, beat, k.due) {
		k.none()
		return nil
	}
	s, err := d.connect(ctx, beat)
	if err != nil {
		return err
	}
	defer closeConn(ctx, s.conn)
	s.wrap = d.wrap.Load()
	return k.run(ctx, s)
}

// A question is a query that answers yes or no.
type question struct {
	what, sql string
	answer    chan bool
}

// askPatience is how long a loop waits for the ticking connection.
const askPatience = 5 * time.Second

// ask asks over the ticking connection. If that is busy or broken the answer
// is yes.
func (d *Database) ask(ctx context.Context, beat Beat, q question) bool {
	beat.Within(2*askPatience + grace)
	q.answer = make(chan bool, 1)
	patience := time.NewTimer(askPatience)
	defer patience.Stop()
	select {
	case d.questions <- q:
	case <-patience.C:
		return true
	case <-ctx.Done():
		return true
	}
	select {
	case yes := <-q.answer:
		return yes
	case <-patience.C:
		return true
	case <-ctx.Done():
		return true
	}
}

// forever is the promise of a loop that waits for others.
const forever = 10 * 365 * 24 * time.Hour

// maintRound runs the entries of the maintenance list one by one, each in its
// own transaction: the two steps of a rotation must not share one. An entry
// that fails does not keep the others from being run.
func (d *Database) maintRound(ctx context.Context, s *session) error {
	ops, err := s.operations(ctx)
	if err != nil {
		return err
	}
	failed := map[string]bool{}
	for _, op := range ops {
		err := d.runEntry(ctx, s, op)
		if err == nil {
			continue
		}
		if ctx.Err() != nil || s.conn.IsClosed() {
			return err
		}
		key := entryKey + op.String()
		failed[key] = true
		d.Stats.MaintErrors.Add(1)
		d.cond.begin(slog.LevelError, key, "maintenance entry failed, the others go on", err, "entry", op.String())
	}
	d.maintDone(failed)
	return nil
}

// maintDone notes a round in which these entries failed.
func (d *Database) maintDone(failed map[string]bool) {
	for _, key := range d.cond.with(entryKey) {
		if !failed[key] {
			d.cond.end(key, "maintenance entry works again", "entry", key[len(entryKey):])
		}
	}
	if len(failed) == 0 {
		d.Stats.MaintRounds.Add(1)
		d.update(func(st *Status) { st.LastMaint = time.Now() })
	}
}

// runEntry runs an entry, again as long as its result asks for it.
func (d *Database) runEntry(ctx context.Context, s *session, op operation) error {
	start := time.Now()
	for range maxRepeats {
		again, err := s.run(ctx, op)
		if err != nil {
			return err
		}
		if !again {
			d.logger.Debug("maintenance entry done", "entry", op.String(), log.Duration, time.Since(start))
			return nil
		}
	}
	d.logger.Warn("maintenance entry asks to be run again and again, leaving it for this round", "entry", op.String())
	return nil
}

// retryRound moves events until none is due.
func (d *Database) retryRound(ctx context.Context, s *session) error {
	for {
		n, err := s.retry(ctx)
		if err != nil {
			return err
		}
		d.Stats.RetriedEvents.Add(n)
		if n == 0 {
			d.retryDone()
			return nil
		}
		d.logger.Debug("moved retried events", log.Events, n)
	}
}

// retryDone notes that no retried event is due.
func (d *Database) retryDone() {
	d.update(func(st *Status) { st.LastRetry = time.Now() })
}
