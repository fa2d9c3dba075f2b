package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"skytools/lib/db"
	"skytools/lib/event"
	"skytools/lib/log"
	"skytools/lib/pgq"
)

const (
	defaultPoll = time.Second
	// provenPolls is how many times less often an idle consumer looks when
	// notifications are known to come.
	provenPolls  = 10
	defaultGrace = 10 * time.Second
	minPause     = 100 * time.Millisecond
	maxPause     = 30 * time.Second
	// forceEvery and coverPoll pace the wait for a forced tick. One request may
	// be used up by a ticker whose snapshot is too old already.
	forceEvery = time.Second
	coverPoll  = 50 * time.Millisecond
	// slack is what a promise to the watchdog allows a busy machine.
	slack = time.Minute
	// guessedSize is the size of an event before one was seen, eventOverhead
	// what an output format adds to it.
	guessedSize   = 1 << 10
	eventOverhead = 150
	// publishEvents is after how many events Stats sees them.
	publishEvents = 1024
)

// source is what the loop needs of the database. Its calls are never
// concurrent, and after an error of any but read and wait only connect and
// close follow.
type source interface {
	connect(ctx context.Context) error
	// turn ends one batch and, if next is not nil, opens the next one; see
	// pgq.Client.Turn.
	turn(ctx context.Context, f *pgq.Finish, next *pgq.Limits) (finished bool, b *pgq.Batch, err error)
	// isOpen tells whether a batch is still open.
	isOpen(ctx context.Context, batch int64) (bool, error)
	// before calls Options.BeforeTurn.
	before(ctx context.Context) error
	// read hands the events of sql to fn, if sorted is not set in any order.
	// An error of fn comes back as it is, and the connection is gone then.
	read(ctx context.Context, sql string, sorted bool, fn func(*event.Event) error) error
	// wait returns when a tick later than the given one is announced, or after
	// the time.
	wait(ctx context.Context, after int64, d time.Duration) error
	// upTo tells whether Limits.MaxCount works.
	upTo() bool
	// proven tells whether announcements come over this connection.
	proven() bool
	// covered tells whether a tick covers all that was committed before the
	// first call of connect; if not, force asks the ticker for one.
	covered(ctx context.Context) (bool, error)
	force(ctx context.Context) error
	// keepAlive makes the server know that the open batch is worked on, until
	// stop is called. It uses a connection of its own.
	keepAlive(ctx context.Context) (stop func())
	// unregister removes the subconsumer.
	unregister(ctx context.Context) error
	close()
}

// Consumer reads one queue as one consumer.
type Consumer struct {
	opt  Options
	sink Sink
	src  source
	log  *slog.Logger

	mu    sync.Mutex
	stats Stats

	done     *done // the batch to be finished with the next turn
	lastTick int64
	events   int64 // delivered in this run
	batches  int64 // finished in this run
	again    int   // how often the current batch was given back
	open     bool  // a batch was opened and not finished
	size     int64 // mean size of an event in the last batches
	unsorted int64 // id of a batch that was too large for a Sorter
	row      int   // batches since the consumer last had to wait
	lost     *outage
	covered  bool      // a tick covers what was committed before Run
	deadline time.Time // of covered
	forced   time.Time // when a tick was last asked for
	merge    int       // how many events are worth a batch now, up to Options.Merge
	// idling ends with ctx and with Options.Stop: what waits outside of a batch
	// waits for it.
	idling context.Context
}

// outage is the time from the loss of a connection to the first work after it.
type outage struct {
	start time.Time
	tries int
}

// done is a batch whose effects last and which is not finished yet.
type done struct {
	finish  pgq.Finish
	summary Summary
	start   time.Time
	// sent: its finish was sent and the answer is unknown.
	sent bool
}

// New returns a consumer that hands events to sink.
func New(opt Options, sink Sink) *Consumer {
	if _, ok := sink.(*Tracked); ok {
		opt.Durable = true
	}
	return newConsumer(opt, sink, newServer(opt))
}

func newConsumer(opt Options, sink Sink, src source) *Consumer {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.PollInterval == 0 {
		opt.PollInterval = defaultPoll
	}
	if opt.Grace == 0 {
		opt.Grace = defaultGrace
	}
	name := opt.Consumer
	if opt.Subconsumer != "" {
		name += "." + opt.Subconsumer
	}
	return &Consumer{opt: opt, sink: sink, src: src, size: guessedSize, merge: min(firstMerge, opt.Merge), log: opt.Logger.With(log.Queue, opt.Queue, log.Consumer, name)}
}

// Stats returns the totals so far. It may be called at any time from any
// goroutine.
func (c *Consumer) Stats() Stats {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stats
}

func (c *Consumer) update(f func(s *Stats)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f(&c.stats)
}

// errReconnect asks for a new connection at once, for the same batch.
var errReconnect = errors.New("reconnect")

// errEnd tells that an option of the run, or ErrStop, ended it.
var errEnd = errors.New("end of run")

// Run consumes until ctx ends, and then returns its cause, or until one of
// UntilEmpty, MaxEvents, MaxBatches and ErrStop ends it, and then returns nil.
//
// The first connection must succeed. Later, a server that is away is waited
// for, with one log line when it goes and one when it is back.
func (c *Consumer) Run(ctx context.Context) error {
	c.covered = c.opt.ForceTick == 0
	c.deadline = time.Now().Add(c.opt.ForceTick)
	defer c.src.close()
	var stop context.CancelFunc
	c.idling, stop = context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop()
	if c.opt.Stop != nil {
		wg.Go(func() {
			select {
			case <-c.opt.Stop:
				stop()
			case <-c.idling.Done():
			}
		})
	}
	err := c.src.connect(c.idling)
	if err != nil {
		switch {
		case ctx.Err() != nil:
			err = context.Cause(ctx)
		case c.stopped():
			err = nil
		}
		return err
	}
	c.connected(true)
	defer c.connected(false)
	if c.opt.UnregisterSub && c.opt.Subconsumer != "" {
		defer c.unregister(ctx)
	}
	for {
		if err == nil {
			err = c.loop(ctx)
		}
		var a *Again
		var se *SinkError
		switch {
		case ctx.Err() != nil:
			c.finishLast(ctx)
			return context.Cause(ctx)
		case errors.Is(err, errEnd):
			return nil
		case c.stopped() && (errors.As(err, &a) || errors.Is(err, errReconnect) || retryable(err)):
			c.finishLast(ctx)
			return nil
		case errors.As(err, &a):
			c.update(func(s *Stats) { s.Err = a })
			if c.again == 0 {
				c.log.Warn("batch will be delivered again", log.Err, a)
			}
			// The connection may be in the middle of the batch.
			c.src.close()
			if a.After > 0 {
				c.within(a.After)
				sleep(c.idling, a.After)
			} else {
				c.within(maxPause)
				pause(c.idling, c.again)
			}
			c.again++
		case errors.Is(err, errReconnect):
			c.src.close()
		case errors.As(err, &se) || !retryable(err):
			return err
		default:
			if c.lost == nil {
				c.lost = &outage{start: time.Now()}
				c.log.Warn("connection lost", log.Err, err)
				c.connected(false)
				c.update(func(s *Stats) { s.Err = err })
			}
			c.src.close()
			c.within(maxPause)
			pause(c.idling, c.lost.tries)
			c.lost.tries++
		}
		c.free()
		if err = c.idling.Err(); err == nil {
			err = c.src.connect(c.idling)
		}
		if c.stopped() {
			c.finishLast(ctx)
			return nil
		}
	}
}

// stopped tells whether Options.Stop was closed.
func (c *Consumer) stopped() bool {
	select {
	case <-c.opt.Stop:
		return true
	default:
		return false
	}
}

// within promises to report again at the latest after d and some slack.
func (c *Consumer) within(d time.Duration) {
	if c.opt.Beat != nil {
		c.opt.Beat.Within(d + slack)
	}
}

// free promises nothing while the server or the sink is at work.
func (c *Consumer) free() {
	if c.opt.Beat != nil {
		c.opt.Beat.Free()
	}
}

func (c *Consumer) connected(yes bool) {
	c.update(func(s *Stats) { s.Connected = yes })
}

// well notes that the server answers.
func (c *Consumer) well() {
	if c.lost == nil {
		return
	}
	c.log.Info("connected again", log.Duration, time.Since(c.lost.start).Round(time.Millisecond))
	c.lost = nil
	c.connected(true)
	c.update(func(s *Stats) { s.Err = nil })
}

// retryable tells whether the source may be well again later. A server that
// became a standby is one of a pair that has just been switched.
func retryable(err error) bool {
	const readOnly = "25006"
	return db.IsRetryable(err) || db.Code(err) == readOnly
}

// loop works over one connection until something ends it.
func (c *Consumer) loop(ctx context.Context) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		c.free()
		next, merged := c.limits()
		// Found out before the batch is asked for: a tick that is there now
		// gives one, unless it was in an earlier batch.
		if next != nil && c.opt.UntilEmpty && !c.covered {
			if err := c.cover(ctx); err != nil {
				return err
			}
		}
		covered := c.covered
		if c.opt.BeforeTurn != nil {
			if err := c.src.before(ctx); err != nil {
				return err
			}
		}
		b, err := c.turn(ctx, next)
		if pgq.IsUnknownBatch(err) {
			return &Again{Err: errTaken}
		}
		if err != nil {
			return err
		}
		c.well()
		c.open = b != nil
		if err := ctx.Err(); err != nil { // the end of a batch is not cut short
			return err
		}
		switch {
		case next == nil:
			return errEnd
		case b != nil:
			c.row++
			err = c.deliver(ctx, b)
		case merged: // not enough is left for that
			c.row = 0
		case c.opt.UntilEmpty && covered:
			return errEnd
		default:
			c.row = 0
			idle := c.idle()
			c.within(idle)
			err = c.src.wait(c.idling, c.lastTick, idle)
		}
		if err != nil {
			return err
		}
	}
}

// cover looks for a tick that covers what was committed before Run, and asks
// the ticker for one if there is none.
func (c *Consumer) cover(ctx context.Context) (err error) {
	c.covered, err = c.src.covered(ctx)
	now := time.Now()
	switch {
	case err != nil || c.covered:
		return err
	case !now.Before(c.deadline):
		return fmt.Errorf("no tick of queue %s within %s: is its ticker running?", c.opt.Queue, c.opt.ForceTick)
	case now.Sub(c.forced) < forceEvery:
		return nil
	}
	c.forced = now
	return c.src.force(ctx)
}

// mergeAfter is how many batches in a row show that a consumer is behind.
const mergeAfter = 2

// limits returns under which conditions to open the next batch, or nil if no
// further one is wanted. merged tells that there may be a smaller batch without
// them.
func (c *Consumer) limits() (next *pgq.Limits, merged bool) {
	if c.enough() {
		return nil, false
	}
	l := c.opt.Limits
	switch {
	case c.merge == 0:
	case c.src.upTo() && l == (pgq.Limits{}):
		l.MaxCount = c.merge
	case c.row >= mergeAfter && c.merge > l.MinCount:
		l.MinCount, l.MinInterval = c.merge, 0
		return &l, true
	}
	return &l, false
}

const (
	// firstMerge is where merging begins, as long as nothing is known.
	firstMerge = 1000
	// retryCost is how many rows the server may have to look at for the retries
	// of a batch: for each one it reads the batch until it finds the event.
	retryCost = 30_000
)

// learn makes the next batch larger, or so small that its retries are no work
// for minutes if there are as many of them as in this one.
func (c *Consumer) learn(s *Summary, retries int) {
	c.merge = min(2*c.merge, c.opt.Merge)
	if retries > 0 {
		c.merge = min(c.merge, 1+int(math.Sqrt(retryCost*float64(s.Events)/float64(retries))))
	}
}

// enough tells whether the run has delivered what it was to deliver.
func (c *Consumer) enough() bool {
	if c.stopped() {
		return true
	}
	n := c.batches
	if c.done != nil {
		n++
	}
	return c.opt.MaxEvents > 0 && c.events >= c.opt.MaxEvents || c.opt.MaxBatches > 0 && n >= c.opt.MaxBatches
}

// idle returns how long to wait before looking again. What becomes due by time
// alone is announced by nobody.
func (c *Consumer) idle() time.Duration {
	if c.opt.UntilEmpty && !c.covered {
		return min(c.opt.PollInterval, coverPoll)
	}
	byTime := c.opt.Limits.MinLag > 0 || c.opt.DeadInterval > 0
	if c.src.proven() && !byTime {
		return provenPolls * c.opt.PollInterval
	}
	return c.opt.PollInterval
}

// turn finishes the batch that is done, if there is one, and opens the next.
func (c *Consumer) turn(ctx context.Context, next *pgq.Limits) (*pgq.Batch, error) {
	d := c.done
	if d == nil {
		if next == nil {
			return nil, nil
		}
		_, b, err := c.src.turn(ctx, nil, next)
		return b, err
	}
	gctx, cancel := grace(ctx, c.opt.Grace)
	defer cancel()
	if d.sent {
		// The connection broke after the finish was sent. If it arrived, the
		// batch is gone, and its retries must not be asked for once more.
		open, err := c.src.isOpen(gctx, d.finish.Batch.ID)
		if err != nil {
			return nil, err
		}
		if !open {
			c.finished(true)
			return c.turn(ctx, next)
		}
	}
	d.sent = true
	ok, b, err := c.src.turn(gctx, &d.finish, next)
	if err == nil {
		c.finished(ok)
		return b, nil
	}
	if next != nil && !retryable(err) {
		// It may be the opening that fails, for instance because the consumer
		// was unregistered: what is done should be finished all the same.
		if cerr := c.src.connect(gctx); cerr == nil {
			if ok, _, ferr := c.src.turn(gctx, &d.finish, nil); ferr == nil {
				c.finished(ok)
			}
		}
	}
	return nil, err
}

// finishLast finishes the batch in hand after a stop. If that fails the batch
// comes again.
func (c *Consumer) finishLast(ctx context.Context) {
	if c.done == nil {
		return
	}
	id := c.done.finish.Batch.ID
	_, err := c.turn(ctx, nil)
	if retryable(err) {
		gctx, cancel := grace(ctx, c.opt.Grace)
		defer cancel()
		if err = c.src.connect(gctx); err == nil {
			_, err = c.turn(ctx, nil)
		}
	}
	if err != nil {
		c.log.Warn("batch stays open", log.Batch, id, log.Err, err)
	}
}

// unregister removes the subconsumer at the end of a run, unless it leaves an
// open batch behind: that one waits for it, or to be taken over.
func (c *Consumer) unregister(ctx context.Context) {
	if c.open {
		return
	}
	gctx, cancel := grace(ctx, c.opt.Grace)
	defer cancel()
	if err := c.src.unregister(gctx); err != nil {
		c.log.Warn("subconsumer stays registered", log.Err, err)
	}
}

// finished accounts for the batch that was done.
func (c *Consumer) finished(ok bool) {
	d := c.done
	c.done, c.open = nil, false
	c.again = 0
	s := d.summary
	s.Lost = !ok
	s.Retried = int64(len(d.finish.Retries))
	if d.finish.RetryAll {
		s.Retried = s.Events
	}
	now := time.Now()
	s.Duration, s.Lag = now.Sub(d.start), now.Sub(s.Batch.TickTime)
	if s.Lost {
		c.log.Warn(errTaken.Error()+": only one may use a consumer's name", log.Batch, s.Batch.ID)
	}
	c.batches++
	c.lastTick = s.Batch.Tick
	c.update(func(t *Stats) {
		t.Batches++
		t.Retried += s.Retried
		t.LastTick, t.Lag, t.Err = s.Batch.Tick, s.Lag, nil
	})
	c.log.Debug("batch finished", log.Batch, s.Batch.ID, log.Tick, s.Batch.Tick, log.Events, s.Events, log.Duration, s.Duration)
	if c.opt.OnBatch != nil {
		c.opt.OnBatch(s)
	}
}

// errCut ends a read because MaxEvents were delivered.
var errCut = errors.New("enough events")

// deliver hands one batch to the sink. If it succeeds, c.done is set.
func (c *Consumer) deliver(ctx context.Context, pb *pgq.Batch) error {
	sorted := c.sorted(pb)
	b := &Batch{Batch: *pb, Unsorted: !sorted}
	d := &done{start: time.Now(), summary: Summary{Batch: b}}
	stop := c.src.keepAlive(ctx)
	defer stop()
	err := c.sink.Begin(ctx, b)
	var hold *Hold
	switch {
	case errors.As(err, &hold):
		c.row = 0
		c.within(hold.For)
		sleep(c.idling, hold.For)
		return nil
	case errors.Is(err, ErrSkip):
		d.summary.Skipped = true
	case errors.As(err, new(*LostPosition)):
		return c.lostPosition(ctx, b, err)
	case err != nil:
		return sinkFailed(ctx, err)
	default:
		err := c.read(ctx, d, sorted)
		if err == nil {
			if err = c.sink.End(ctx); err != nil {
				err = sinkFailed(ctx, err)
			}
		}
		if errors.Is(err, errCut) {
			if err = c.sink.(Cutter).Cut(ctx); err != nil {
				return sinkFailed(ctx, err)
			}
			return errEnd
		}
		if err != nil {
			c.sink.Abort()
			return err
		}
	}
	d.finish = b.retries.finish(&b.Batch)
	c.learn(&d.summary, len(d.finish.Retries))
	c.done = d
	return nil
}

// errTaken is why a batch is asked for again that is not there any more.
var errTaken = errors.New("another session finished this batch or moved the consumer")

// lostPosition tells a target that disagrees with the source from one that is
// further only because another session finished the batch in the meantime.
func (c *Consumer) lostPosition(ctx context.Context, b *Batch, lost error) error {
	open, err := c.src.isOpen(ctx, b.ID)
	switch {
	case err != nil:
		return err
	case !open:
		return &Again{Err: errTaken}
	}
	return sinkFailed(ctx, lost)
}

// sorted tells whether the server has to sort the batch: it has, unless the
// sink can do it and the batch seems to fit. The number of events is a guess:
// ids are lost, and a long transaction brings more.
func (c *Consumer) sorted(b *pgq.Batch) bool {
	s, ok := c.sink.(Sorter)
	if !ok || c.opt.MaxEvents > 0 || c.unsorted == b.ID {
		return true
	}
	limit := s.SortLimit()
	return limit == 0 || (b.EventSeq-b.PrevEventSeq)*c.size > limit/4*3
}

// read streams a batch through Sink.Event.
func (c *Consumer) read(ctx context.Context, d *done, sorted bool) error {
	_, cuts := c.sink.(Cutter)
	limit := int64(math.MaxInt64)
	if cuts && c.opt.MaxEvents > 0 {
		limit = c.opt.MaxEvents
	}
	s := &d.summary
	var events, bytes int64 // not yet published
	publish := func() {
		c.update(func(t *Stats) { t.Events += events; t.Bytes += bytes })
		s.Events, s.Bytes = s.Events+events, s.Bytes+bytes
		events, bytes = 0, 0
	}
	defer func() {
		publish()
		if s.Events > 0 {
			c.size = max(s.Bytes/s.Events, c.size/2) + eventOverhead
		}
	}()
	err := c.src.read(ctx, s.Batch.SQL, sorted, func(e *event.Event) error {
		if c.events >= limit {
			return errCut
		}
		size := int64(e.Size())
		if err := c.sink.Event(ctx, e); err != nil {
			if errors.Is(err, ErrUnsortable) {
				c.unsorted = s.Batch.ID
				return errReconnect
			}
			return sinkFailed(ctx, err)
		}
		c.events++
		events, bytes = events+1, bytes+size
		if events == publishEvents {
			publish()
		}
		return nil
	})
	var se *SinkError
	var a *Again
	if err == nil || errors.Is(err, errReconnect) || errors.Is(err, errCut) || errors.Is(err, errEnd) || errors.As(err, &se) || errors.As(err, &a) {
		return err
	}
	return fmt.Errorf("read batch %d of %s: %w", s.Batch.ID, s.Batch.Reader, err)
}

// sinkFailed tells errors of the sink from those of the source.
func sinkFailed(ctx context.Context, err error) error {
	var a *Again
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, ErrStop):
		return errEnd
	case errors.As(err, &a):
		return a
	}
	return &SinkError{err}
}

// pause waits before try n+1: doubling, with a random half.
func pause(ctx context.Context, n int) bool {
	d := maxPause
	if n < 20 {
		d = min(minPause<<n, maxPause)
	}
	return sleep(ctx, d/2+rand.N(d/2))
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// grace returns a context for what must not be cut short by a stop: it ends
// d after ctx.
func grace(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	g, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var timer *time.Timer
	var mu sync.Mutex
	stop := context.AfterFunc(ctx, func() {
		mu.Lock()
		defer mu.Unlock()
		timer = time.AfterFunc(d, cancel)
	})
	return g, func() {
		stop()
		cancel()
		mu.Lock()
		defer mu.Unlock()
		if timer != nil {
			timer.Stop()
		}
	}
}
