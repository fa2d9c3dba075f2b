package cascade

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"skytools/lib/consumer"
	"skytools/lib/db"
	"skytools/lib/log"
	"skytools/lib/pgq"
)

// WorkerConfig says which worker to run, or which plain consumer.
type WorkerConfig struct {
	Config
	// Worker is the consumer's name. NewWorker takes it from the node where it is
	// empty, and refuses to work under another name than the node's.
	Worker string
	// LoopDelay is how often the state is looked at, and a provider that
	// announces no ticks; 0 is a second.
	LoopDelay time.Duration
	// ExceptionSleep is the pause after an error that does not look as if it would
	// go away by itself; 0 is 20 seconds.
	ExceptionSleep time.Duration
	// LocalWatermark and GlobalWatermark are how often the watermark is reported
	// to the provider, and published by the root; 0 is five minutes.
	LocalWatermark, GlobalWatermark time.Duration
	// Handler gets the events that are not the cascade's own; it may be nil.
	Handler Handler
	// Beat gets the promises to move on, for a watchdog; it may be nil.
	Beat consumer.Beat
}

// WorkerStats are the state of a worker and its totals.
type WorkerStats struct {
	Node      string
	Role      Role
	Provider  string
	Paused    bool
	Connected bool // to the provider
	Batches   int64
	Events    int64
	Bytes     int64
	LastTick  int64         // of the last finished batch
	Lag       time.Duration // of the last finished batch
	Err       error         // what cur_error tells
}

// Role is what a worker does at its node.
type Role string

// The roles. They follow from the type of the node, and of the node of its
// combined queue.
const (
	Idle       Role = ""            // there is no node, or it is not known yet
	Root       Role = "root"        // publishes the global watermark, reads nothing
	Branch     Role = "branch"      // copies events and ticks
	Leaf       Role = "leaf"        // processes events
	MergeLeaf  Role = "merge leaf"  // copies events into the combined queue
	WaitBehind Role = "wait behind" // processes what the combined queue has got
	Plain      Role = "consumer"    // a plain cascaded consumer: processes events
)

// Worker keeps a node of a set up to date, or is a plain cascaded consumer of
// it.
//
// It looks at its state at the node over a connection of its own, which nothing
// of the provider's can hold up, and runs a session for it: a consumer.Consumer
// with the provider, role and name that the state tells. When the state changes
// it ends the session between two batches, and only then tells that it has
// seen the change. DESIGN.md tells why no event is lost or doubled.
type Worker struct {
	cfg   WorkerConfig
	plain bool
	log   *slog.Logger

	conn *pgx.Conn // the state's

	session   *session
	err       error     // of the session
	failures  int       // sessions that failed one after another
	notBefore time.Time // when the next session may start
	logged    string    // the error in the log
	target    outage
	attentive time.Time // until then the state is looked at often
	published time.Time // of the global watermark
	seen      job       // the last state

	mu    sync.Mutex
	stats WorkerStats
	sum   consumer.Stats // of ended sessions
}

// outage is a target that does not answer.
type outage struct {
	since time.Time
	tries int
}

const (
	defaultLoopDelay = time.Second
	defaultException = 20 * time.Second
	defaultWatermark = 5 * time.Minute
	// A change is rarely alone: after one the state is looked at so often, for
	// so long.
	attentivePoll = 50 * time.Millisecond
	attentiveTime = 10 * time.Second
	// patience is how long a batch may stand still that is in the way of a change
	// of the state, before it is broken off.
	patience   = 2 * time.Second
	minBackoff = 100 * time.Millisecond
)

// NewWorker returns the worker of the local node.
func NewWorker(c WorkerConfig) *Worker { return newWorker(c, false) }

// NewConsumer returns a plain cascaded consumer of the local node, which is
// registered there by the name in c.
func NewConsumer(c WorkerConfig) *Worker { return newWorker(c, true) }

func newWorker(c WorkerConfig, plain bool) *Worker {
	for _, d := range []struct {
		v   *time.Duration
		def time.Duration
	}{{&c.LoopDelay, defaultLoopDelay}, {&c.ExceptionSleep, defaultException}, {&c.LocalWatermark, defaultWatermark}, {&c.GlobalWatermark, defaultWatermark}} {
		if *d.v <= 0 {
			*d.v = d.def
		}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Worker{cfg: c, plain: plain, log: c.Logger.With(log.Queue, c.Queue), published: time.Now()}
}

// Stats returns the state and the totals so far. It may be called at any time
// from any goroutine.
func (w *Worker) Stats() WorkerStats {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.stats
	sum := w.sum
	if w.session != nil {
		sum = add(sum, w.session.consumer.Stats())
	}
	s.Connected, s.Batches, s.Events, s.Bytes, s.LastTick, s.Lag = sum.Connected, sum.Batches, sum.Events, sum.Bytes, sum.LastTick, sum.Lag
	return s
}

func add(sum, s consumer.Stats) consumer.Stats {
	s.Batches += sum.Batches
	s.Events += sum.Events
	s.Bytes += sum.Bytes
	if s.LastTick == 0 {
		s.LastTick, s.Lag = sum.LastTick, sum.Lag
	}
	return s
}

// Run works until ctx ends, and then returns its cause. Whatever is away or
// does not work is waited for. A batch in hand is broken off at the end, and
// comes again.
func (w *Worker) Run(ctx context.Context) error {
	defer w.disconnect()
	defer w.end(ctx)
	for {
		delay := w.round(ctx)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		w.wait(ctx, delay)
	}
}

// job is what the state tells to do. A session does one job.
type job struct {
	role               Role
	node, worker       string
	provider, location string
	combined           string // queue of a leaf
	attrs              string
	paused             bool
}

// works tells whether there are batches to be read.
func (j *job) works() bool { return j.role != Idle && j.role != Root && !j.paused }

// state is what one look at the node finds.
type state struct {
	job
	upToDate bool
	err      *string // cur_error
}

// look reads the state.
func (w *Worker) look(ctx context.Context, client *pgq.Client) (*state, error) {
	var s state
	s.worker = w.cfg.Worker
	if !w.plain {
		i, err := client.NodeInfo(ctx, w.cfg.Queue)
		if err != nil {
			return nil, err
		}
		if i == nil {
			return nil, fmt.Errorf("%w: %s", ErrNoNode, w.cfg.Queue)
		}
		if s.worker == "" {
			s.worker = i.Worker
		}
		if s.worker != i.Worker {
			return nil, fmt.Errorf("worker of node %s is %s, not %s", i.Name, i.Worker, s.worker)
		}
		s.attrs, s.combined = i.Attrs, i.CombinedQueue
		s.role = roleOf(i.Type, i.CombinedQueue, i.CombinedType)
	}
	c, err := client.NodeConsumerState(ctx, w.cfg.Queue, s.worker)
	if err != nil {
		return nil, err
	}
	if w.plain {
		s.role = Plain
		if c.NodeType == pgq.RootNode {
			s.role = Root
		}
	}
	s.node, s.provider, s.location = c.Node, c.Provider, c.ProviderLocation
	s.paused, s.upToDate, s.err = c.Paused, c.UpToDate, c.Error
	return &s, nil
}

// roleOf gives the role of a node's worker.
func roleOf(nodeType, combined, combinedType string) Role {
	switch {
	case nodeType == pgq.RootNode:
		return Root
	case nodeType == pgq.BranchNode:
		return Branch
	case combined == "" || combinedType == "":
		return Leaf
	case combinedType == pgq.RootNode:
		return MergeLeaf
	}
	return WaitBehind
}

// round looks at the state, brings the session in line with it, and returns
// when to look again.
func (w *Worker) round(ctx context.Context) time.Duration {
	w.beat()
	s, err := w.lookConnected(ctx)
	if err != nil {
		return w.away(ctx, err)
	}
	w.back()
	if w.session != nil && (w.session.ended.Err() != nil || w.session.job != s.job) {
		w.end(ctx)
	}
	if s.job != w.seen {
		w.changed(s.job)
	}
	if !s.upToDate {
		w.attentive = time.Now().Add(attentiveTime)
		known, err := w.acknowledge(ctx, s.job)
		if err != nil {
			return w.away(ctx, err)
		}
		if !known { // it has changed since
			return 0
		}
	}
	if w.session == nil && s.works() && !time.Now().Before(w.notBefore) && ctx.Err() == nil {
		w.start(ctx, s.job)
	}
	if err := w.tell(ctx, s); err != nil {
		return w.away(ctx, err)
	}
	if s.role == Root && !w.plain && time.Since(w.published) >= w.cfg.GlobalWatermark {
		if err := pgq.New(w.conn).SetGlobalWatermark(ctx, w.cfg.Queue, nil); err != nil {
			return w.away(ctx, err)
		}
		w.published = time.Now()
	}
	return w.delay()
}

// delay returns when to look at the state again.
func (w *Worker) delay() time.Duration {
	d := w.cfg.LoopDelay
	if time.Now().Before(w.attentive) {
		d = min(d, attentivePoll)
	}
	if wait := time.Until(w.notBefore); wait > 0 {
		d = min(d, wait)
	}
	return d
}

func (w *Worker) beat() {
	if w.cfg.Beat != nil && w.session == nil {
		w.cfg.Beat.Within(w.cfg.LoopDelay + 2*w.cfg.timeout() + time.Minute)
	}
}

// limit bounds what is asked over the state's connection.
func (w *Worker) limit(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, w.cfg.timeout(), fmt.Errorf("no answer within %s", w.cfg.timeout()))
}

func (w *Worker) lookConnected(ctx context.Context) (*state, error) {
	if w.conn == nil || w.conn.IsClosed() {
		conn, err := w.cfg.connect(ctx, w.cfg.DSN)
		if err != nil {
			return nil, err
		}
		w.conn = conn
	}
	ctx, cancel := w.limit(ctx)
	defer cancel()
	return w.look(ctx, pgq.New(w.conn))
}

func (w *Worker) disconnect() {
	if w.conn != nil {
		closeConn(w.conn)
		w.conn = nil
	}
}

// away notes that the state cannot be read. The session goes on: it finds out
// by itself whether it can.
func (w *Worker) away(ctx context.Context, err error) time.Duration {
	if ctx.Err() != nil {
		return 0
	}
	if w.session != nil && !db.IsRetryable(err) { // the node was dropped
		w.end(ctx)
	}
	if w.target.tries == 0 {
		w.target.since = time.Now()
		w.log.Warn("cannot read the state of the node", log.Err, err)
	}
	w.disconnect()
	w.mu.Lock()
	w.stats.Err = err
	w.mu.Unlock()
	w.target.tries++
	return min(minBackoff<<min(w.target.tries, 10), w.cfg.LoopDelay)
}

func (w *Worker) back() {
	if w.target.tries > 0 {
		w.log.Info("read the state of the node again", log.Duration, time.Since(w.target.since).Round(time.Millisecond))
		w.target = outage{}
	}
}

// changed notes a new state.
func (w *Worker) changed(j job) {
	w.log.Info("state of the node", log.Node, j.node, "role", j.role, "provider", j.provider, "paused", j.paused)
	if w.seen != (job{}) {
		w.attentive = time.Now().Add(attentiveTime)
	}
	w.seen = j
	w.err, w.failures, w.notBefore = nil, 0, time.Time{}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stats.Node, w.stats.Role, w.stats.Provider, w.stats.Paused = j.node, j.role, j.provider, j.paused
}

// acknowledge tells that the state is seen, unless it is another one by now:
// an answer to one change must not be taken for that to the next.
func (w *Worker) acknowledge(ctx context.Context, j job) (known bool, err error) {
	ctx, cancel := w.limit(ctx)
	defer cancel()
	tx, err := w.conn.Begin(ctx)
	if err != nil {
		return false, err
	}
	defer tx.Rollback(ctx) // nothing is left to do after a commit
	client := pgq.New(tx)
	// It locks the state: what is read then stays.
	if err := client.SetConsumerUpToDate(ctx, w.cfg.Queue, j.worker, true); err != nil {
		return false, err
	}
	s, err := w.look(ctx, client)
	if err != nil || s.job != j {
		return false, err
	}
	return true, tx.Commit(ctx)
}

// tell shows the error of the session at the node, or clears it there.
func (w *Worker) tell(ctx context.Context, s *state) error {
	if w.session != nil {
		if err := w.session.consumer.Stats().Err; err != nil {
			w.err = err
		} else if w.session.well.Load() {
			w.err, w.failures = nil, 0
			w.logError("")
		}
	}
	w.mu.Lock()
	w.stats.Err = w.err
	w.mu.Unlock()
	message := ""
	if w.err != nil {
		message = w.err.Error()
	}
	if deref(s.err) == message {
		return nil
	}
	ctx, cancel := w.limit(ctx)
	defer cancel()
	return pgq.New(w.conn).SetConsumerError(ctx, w.cfg.Queue, s.worker, message)
}

// logError logs an error once.
func (w *Worker) logError(message string) {
	if message == w.logged {
		return
	}
	if w.logged = message; message == "" {
		w.log.Info("works again")
	} else {
		w.log.Error("cannot go on", log.Err, message)
	}
}

// wait waits for the time, or until the session ends.
func (w *Worker) wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	if w.session != nil {
		defer context.AfterFunc(w.session.ended, cancel)()
	}
	<-ctx.Done()
}

// session is a consumer at work.
type session struct {
	job
	consumer *consumer.Consumer
	sink     *applier
	stop     chan struct{}
	cancel   context.CancelFunc
	ended    context.Context // ends when Run has returned
	err      error           // of Run, then
	turns    int
	well     atomic.Bool // a turn, and what came of it, worked
}

// start starts a session.
func (w *Worker) start(ctx context.Context, j job) {
	ctx, cancel := context.WithCancel(ctx)
	ended, end := context.WithCancel(context.Background())
	s := &session{job: j, stop: make(chan struct{}), cancel: cancel, ended: ended}
	l := w.log.With(log.Node, j.node)
	s.sink = newApplier(w.cfg, j, l)
	s.consumer = consumer.New(consumer.Options{
		DSN:             w.cfg.remote(j.location),
		ApplicationName: w.cfg.ApplicationName,
		Reader:          pgq.Reader{Queue: w.cfg.Queue, Consumer: j.worker},
		PollInterval:    w.cfg.LoopDelay,
		Stop:            s.stop,
		Grace:           time.Second, // what is not finished is skipped next time
		Durable:         true,
		BeforeTurn:      s.beforeTurn,
		Logger:          l,
		Beat:            w.cfg.Beat,
	}, s.sink)
	w.mu.Lock()
	w.session = s
	w.mu.Unlock()
	go func() {
		defer end()
		var helpers sync.WaitGroup
		hctx, stopHelpers := context.WithCancel(ctx)
		s.sink.help(hctx, &helpers)
		s.err = s.consumer.Run(ctx)
		stopHelpers()
		helpers.Wait()
		s.sink.close()
	}()
}

// beforeTurn reports the watermark.
func (s *session) beforeTurn(ctx context.Context, client *pgq.Client) error {
	if s.turns++; s.turns > 1 {
		s.well.Store(true)
	}
	return s.sink.report(ctx, client)
}

// end ends the session between two batches. A batch that does not move is
// broken off.
func (w *Worker) end(ctx context.Context) {
	s := w.session
	if s == nil {
		return
	}
	close(s.stop)
	moved, at := s.sink.moved.Load(), time.Now()
	for s.ended.Err() == nil {
		select {
		case <-s.ended.Done():
		case <-time.After(patience / 10):
		}
		if m := s.sink.moved.Load(); m != moved {
			moved, at = m, time.Now()
		}
		if ctx.Err() != nil || time.Since(at) > patience {
			s.cancel()
		}
	}
	s.cancel()
	w.mu.Lock()
	w.sum = add(w.sum, s.consumer.Stats())
	w.sum.Connected = false
	w.session = nil
	w.mu.Unlock()
	if s.well.Load() {
		w.failures = 0
	}
	if s.err == nil || ctx.Err() != nil || errors.Is(s.err, context.Canceled) {
		return
	}
	w.err = s.err
	w.logError(s.err.Error())
	pause := w.cfg.ExceptionSleep
	if db.IsRetryable(s.err) {
		pause = min(minBackoff<<min(w.failures, 10), pause)
	}
	w.failures++
	w.notBefore = time.Now().Add(pause)
}
