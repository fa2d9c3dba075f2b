package ticker

import (
	"context"
	"log/slog"
	"time"

	"skytools/lib/log"
)

const (
	maintKey = "maint"
	entryKey = "entry "
	retryKey = "retry"
	// maxRepeats bounds how often one entry may ask to be run again in a
	// round, or one that always asks would keep all others from their turn.
	maxRepeats = 10000
)

// maintLoop runs maintenance rounds.
func (d *Database) maintLoop(ctx context.Context) {
	d.rounds(ctx, "maintenance of "+d.name, func(s *Settings) time.Duration { return s.Maint }, d.maintRound)
}

// retryLoop moves retried events.
func (d *Database) retryLoop(ctx context.Context) {
	d.rounds(ctx, "retry of "+d.name, func(s *Settings) time.Duration { return s.Retry }, d.retryRound)
}

// rounds runs round over a new connection every period, and sooner when it
// could not be finished. A round that fails has said so.
func (d *Database) rounds(ctx context.Context, loop string, period func(*Settings) time.Duration,
	round func(context.Context, *session) error) {
	beat := d.beat(loop)
	defer beat.Done()
	var pause backoff
	for {
		beat.Within(forever)
		if !d.open.wait(ctx) {
			return
		}
		wait := period(d.settings.Load())
		if err := d.oneRound(ctx, beat, round); err != nil {
			wait = min(wait, pause.next())
		} else {
			pause.reset()
		}
		if !sleep(ctx, beat, wait, nil) {
			return
		}
	}
}

// forever is the promise of a loop that waits for others.
const forever = 10 * 365 * 24 * time.Hour

func (d *Database) oneRound(ctx context.Context, beat Beat, round func(context.Context, *session) error) error {
	s, err := d.connect(ctx, beat)
	if err != nil {
		// The ticker says that the database is away; here it is only an echo.
		d.logger.Debug("no connection for a round", log.Err, err)
		return err
	}
	defer closeConn(ctx, s.conn)
	s.wrap = d.wrap.Load()
	return round(ctx, s)
}

// maintRound runs the entries of the maintenance list one by one, each in its
// own transaction: the two steps of a rotation must not share one. An entry
// that fails does not keep the others from being run.
func (d *Database) maintRound(ctx context.Context, s *session) error {
	ops, err := s.operations(ctx)
	if err != nil {
		return d.roundFailed(ctx, err, &d.Stats.MaintErrors, maintKey, "maintenance failed, trying again")
	}
	failed := map[string]bool{}
	for _, op := range ops {
		if err := d.runEntry(ctx, s, op); err != nil {
			if ctx.Err() != nil {
				return err
			}
			if s.conn.IsClosed() {
				return d.roundFailed(ctx, err, &d.Stats.MaintErrors, maintKey, "maintenance failed, trying again")
			}
			key := entryKey + op.String()
			failed[key] = true
			d.Stats.MaintErrors.Add(1)
			d.cond.begin(slog.LevelError, key, "maintenance entry failed, the others go on", err, "entry", op.String())
		}
	}
	d.cond.end(maintKey, "maintenance works again")
	for _, key := range d.cond.with(entryKey) {
		if !failed[key] {
			d.cond.end(key, "maintenance entry works again", "entry", key[len(entryKey):])
		}
	}
	if len(failed) == 0 {
		d.Stats.MaintRounds.Add(1)
		d.update(func(st *Status) { st.LastMaint = time.Now() })
	}
	return nil
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
			return d.roundFailed(ctx, err, &d.Stats.RetryErrors, retryKey, "cannot move retried events, trying again")
		}
		d.Stats.RetriedEvents.Add(n)
		if n == 0 {
			break
		}
		d.logger.Debug("moved retried events", log.Events, n)
	}
	d.cond.end(retryKey, "retried events are moved again")
	d.update(func(st *Status) { st.LastRetry = time.Now() })
	return nil
}

func (d *Database) roundFailed(ctx context.Context, err error, count interface{ Add(int64) int64 }, key, msg string) error {
	if ctx.Err() == nil {
		count.Add(1)
		d.cond.begin(slog.LevelError, key, msg, err)
	}
	return err
}
