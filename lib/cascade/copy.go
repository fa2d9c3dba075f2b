package cascade

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"skytools/lib/consumer"
	"skytools/lib/db"
	"skytools/lib/event"
	"skytools/lib/log"
	"skytools/lib/pgq"
)

// The events of a cascaded queue that are for the workers. They begin with
// ownPrefix.
const (
	ownPrefix       = "pgq."
	locationInfo    = "pgq.location-info"
	unregister      = "pgq.unregister-location"
	globalWatermark = "pgq.global-watermark"
	tickID          = "pgq.tick-id"
	appPrefix       = "londiste."
)

// applier is the sink of a session: it applies a batch at the node, in one
// transaction that holds the position too.
type applier struct {
	cfg WorkerConfig
	job job
	log *slog.Logger

	conn *pgx.Conn
	open bool // a transaction is open
	app  *Application

	b     *consumer.Batch
	table string // to copy to, "" for none
	copy  *copyIn
	own   []ownEvent
	seq   int64  // the event sequence up to here
	wm    []byte // the node's global watermark, if it sets that by itself

	syncWith []string     // nodes of the attribute sync_watermark
	realWM   atomic.Int64 // the last global watermark of the root
	reported time.Time
	toReport int64        // tick to be reported as watermark, or 0
	moved    atomic.Int64 // grows while work is done
}

// ownEvent is an event for the worker.
type ownEvent struct {
	id                     int64
	kind                   string
	data                   string
	extra1, extra2, extra3 string
}

func newApplier(cfg WorkerConfig, j job, l *slog.Logger) *applier {
	a := &applier{cfg: cfg, job: j, log: l}
	if attrs, err := url.ParseQuery(j.attrs); err == nil && j.role == Branch {
		for name := range strings.SplitSeq(attrs.Get("sync_watermark"), ",") {
			if name = strings.TrimSpace(name); name != "" {
				a.syncWith = append(a.syncWith, name)
			}
		}
	}
	return a
}

// failed makes the batch come again if the target may be well again later.
func (a *applier) failed(what string, err error) error {
	err = fmt.Errorf("%s: %w", what, err)
	if db.IsRetryable(err) {
		return &consumer.Again{Err: err}
	}
	return err
}

// SortLimit is part of consumer.Sorter: who only copies needs no order, which
// spares the provider the sort.
func (a *applier) SortLimit() int64 {
	if a.cfg.Handler == nil {
		return math.MaxInt64
	}
	return 0
}

// Begin is part of consumer.Sink.
func (a *applier) Begin(ctx context.Context, b *consumer.Batch) error {
	a.moved.Add(1)
	a.b, a.own, a.app = b, a.own[:0], nil
	if a.conn == nil || a.conn.IsClosed() {
		conn, err := a.connect(ctx)
		if err != nil {
			return a.failed("connect to the node", err)
		}
		a.conn = conn
	}
	err := a.begin(ctx)
	var hold *consumer.Hold
	switch {
	case err == nil:
		return nil
	case errors.Is(err, consumer.ErrStop) || errors.Is(err, consumer.ErrSkip) || errors.As(err, &hold):
		a.Abort()
		return err
	}
	a.Abort()
	return a.failed("begin at the node", err)
}

func (a *applier) connect(ctx context.Context) (*pgx.Conn, error) {
	conn, err := a.cfg.connect(ctx, a.cfg.DSN)
	if err != nil || a.job.role != Branch {
		return conn, err
	}
	if _, err := conn.Exec(ctx, `set session_replication_role = replica`); err != nil {
		closeConn(conn)
		return nil, err
	}
	return conn, nil
}

func (a *applier) begin(ctx context.Context) error {
	what := pgq.Apply{
		Queue:    a.cfg.Queue,
		Consumer: a.job.worker,
		Replica:  a.job.role == Branch,
		Top:      a.job.role == Branch,
		Info:     a.job.combined != "" || a.syncWith != nil,
	}
	switch a.job.role {
	case Branch:
		what.Into = a.cfg.Queue
	case MergeLeaf:
		what.Into = a.job.combined
	}
	client := pgq.New(a.conn)
	a.open = true
	s, err := client.BeginApply(ctx, what)
	if err != nil {
		return err
	}
	if !a.still(s) {
		return consumer.ErrStop
	}
	if err := a.place(ctx, client, s); err != nil {
		return err
	}
	a.table = s.Table
	if a.syncWith != nil && s.Info != nil && s.Info.GlobalWatermark != nil {
		a.wm = strconv.AppendInt(a.wm[:0], *s.Info.GlobalWatermark, 10)
	}
	if a.cfg.Handler != nil {
		app := &Application{Batch: a.b, Node: a.job.node, Role: a.job.role, sink: a}
		if err := a.cfg.Handler.Begin(ctx, app); err != nil {
			a.cfg.Handler.Abort()
			return err
		}
		a.app = app
	}
	return nil
}

// still tells whether the node still wants what the session does.
func (a *applier) still(s *pgq.Applied) bool {
	j := &a.job
	if s.Paused || s.Provider != j.provider || s.ProviderLocation != j.location {
		return false
	}
	switch j.role {
	case Plain:
		return s.NodeType != pgq.RootNode
	case Branch:
		return s.NodeType == pgq.BranchNode
	case Leaf:
		if j.combined == "" {
			return s.NodeType == pgq.LeafNode
		}
	}
	return s.Info != nil && roleOf(s.Info.Type, s.Info.CombinedQueue, s.Info.CombinedType) == j.role
}

// place finds out whether the batch is the next one, or done already.
func (a *applier) place(ctx context.Context, client *pgq.Client, s *pgq.Applied) error {
	b, done := a.b, s.CompletedTick
	switch {
	case a.job.role == WaitBehind:
		if b.Tick > done { // the combined queue has not got it yet
			return &consumer.Hold{For: min(a.cfg.LoopDelay, 100*time.Millisecond)}
		}
		return nil
	case a.job.role == MergeLeaf && b.Tick <= done: // it came with the combined queue
		return consumer.ErrSkip
	case b.PrevTick == done:
		switch {
		case a.job.role != Branch || s.Top == b.PrevTick:
			return nil
		case s.Top > b.PrevTick:
			return fmt.Errorf("node is at tick %d, but its newest tick is %d", done, s.Top)
		}
		// The tick was lost after its batch was finished.
		if err := a.repair(ctx, client, b.PrevTick, b.PrevTickTime, b.PrevEventSeq); err != nil {
			return err
		}
		return &consumer.Hold{} // begin again
	case b.Tick != done:
		//lint:ignore ST1005 it is shown in cur_error, where administrators know it in these words
		return fmt.Errorf("Lost position: batch %d..%d, dst has %d", b.PrevTick, b.Tick, done)
	case a.job.role != Branch || s.Top == b.Tick:
		return consumer.ErrSkip
	case s.Top != b.PrevTick:
		return fmt.Errorf("is_batch_done: last branch tick = %d, expected %d or %d", s.Top, b.PrevTick, b.Tick)
	}
	if err := a.repair(ctx, client, b.Tick, b.TickTime, b.EventSeq); err != nil {
		return err
	}
	return consumer.ErrSkip
}

// repair makes a tick that was lost between the commit of its batch and its
// own. Nobody has written since: whoever applies the next batch does this first.
func (a *applier) repair(ctx context.Context, client *pgq.Client, tick int64, at time.Time, seq int64) error {
	if err := client.Rollback(ctx); err != nil {
		return err
	}
	a.open = false
	a.log.Info("make a missing tick", log.Tick, tick)
	return client.InsertTick(ctx, a.cfg.Queue, tick, at, seq)
}

// Event is part of consumer.Sink.
func (a *applier) Event(ctx context.Context, e *event.Event) error {
	a.moved.Add(1)
	if e.HasRetry {
		return errors.New("CascadedWorker must not get retry events")
	}
	a.seq = max(a.seq, e.ID)
	own := bytes.HasPrefix(e.Type, []byte(ownPrefix))
	if a.table != "" && !(own && a.job.role == MergeLeaf) {
		if err := a.copyEvent(ctx, e, own); err != nil {
			return err
		}
	}
	switch {
	case own:
		if a.job.role == Plain {
			return nil
		}
		return a.keep(e)
	case a.app == nil || a.job.role == WaitBehind && !bytes.HasPrefix(e.Type, []byte(appPrefix)):
		return nil
	}
	if err := a.cfg.Handler.Event(ctx, e); err != nil {
		return a.failed(fmt.Sprintf("event %d", e.ID), err)
	}
	return nil
}

// keep keeps an event for the end of the batch. Of watermarks and positions only
// the last one counts.
func (a *applier) keep(e *event.Event) error {
	o := ownEvent{id: e.ID, kind: string(e.Type), data: string(e.Data),
		extra1: string(e.Extra[0]), extra2: string(e.Extra[1]), extra3: string(e.Extra[2])}
	if o.kind != tickID && o.extra1 != a.cfg.Queue {
		return fmt.Errorf("bad event in queue: %s of queue %s", o.kind, o.extra1)
	}
	switch o.kind {
	case globalWatermark, tickID:
		if i := slices.IndexFunc(a.own, func(p ownEvent) bool { return p.kind == o.kind && p.extra1 == o.extra1 }); i >= 0 {
			if a.own[i].id < o.id {
				a.own[i] = o
			}
			return nil
		}
	case locationInfo, unregister:
	default:
		return fmt.Errorf("unknown cascade event: %s", o.kind)
	}
	a.own = append(a.own, o)
	return nil
}

// obey does what an event for the worker asks for.
func (a *applier) obey(ctx context.Context, client *pgq.Client, o *ownEvent) error {
	branch := a.job.role == Branch
	switch o.kind {
	case locationInfo:
		return client.RegisterLocation(ctx, a.cfg.Queue, pgq.Location{Node: o.data, ConnString: o.extra2, Dead: o.extra3 == "true"})
	case unregister:
		return client.UnregisterLocation(ctx, a.cfg.Queue, o.data)
	}
	tick, err := strconv.ParseInt(o.data, 10, 64)
	if err != nil {
		return fmt.Errorf("bad event in queue: %s: %w", o.kind, err)
	}
	switch {
	case o.kind == globalWatermark:
		a.realWM.Store(tick)
		if branch && a.syncWith == nil {
			return client.SetGlobalWatermark(ctx, a.cfg.Queue, &tick)
		}
	case o.extra1 == a.cfg.Queue:
		return fmt.Errorf("bad event in queue: %s of the queue itself", o.kind)
	case branch:
		return client.SetPartWatermark(ctx, a.cfg.Queue, o.extra1, tick)
	}
	return nil
}

// End is part of consumer.Sink.
func (a *applier) End(ctx context.Context) error {
	a.moved.Add(1)
	if err := a.end(ctx); err != nil {
		return a.failed("apply at the node", err)
	}
	a.open, a.app = false, nil
	a.moved.Add(1)
	return nil
}

func (a *applier) end(ctx context.Context) error {
	if err := a.endCopy(ctx); err != nil {
		return err
	}
	client := pgq.New(a.conn)
	slices.SortFunc(a.own, func(x, y ownEvent) int { return int(min(max(x.id-y.id, -1), 1)) })
	for i := range a.own {
		if err := a.obey(ctx, client, &a.own[i]); err != nil {
			return err
		}
	}
	if a.app != nil {
		if err := a.cfg.Handler.End(ctx); err != nil {
			return err
		}
	}
	b := a.b
	if a.job.role == MergeLeaf {
		kind, tick := tickID, strconv.FormatInt(b.Tick, 10)
		if _, err := client.InsertEvent(ctx, a.job.combined, pgq.NewEvent{Type: &kind, Data: &tick, Extra1: &a.cfg.Queue}); err != nil {
			return err
		}
	}
	if a.job.role != WaitBehind { // its position is moved by the combined queue
		if err := client.SetConsumerCompleted(ctx, a.cfg.Queue, a.job.worker, b.Tick); err != nil {
			return err
		}
	}
	if a.job.role != Branch {
		if err := client.Commit(ctx); err != nil {
			return err
		}
	} else {
		// An upstream branch as provider may tell a sequence below its events.
		a.seq = max(a.seq, b.EventSeq)
		if err := client.CommitAndTick(ctx, a.cfg.Queue, b.Tick, b.TickTime, a.seq); err != nil {
			return err
		}
	}
	return a.watermark(ctx, client)
}

// watermark finds out what to report to the provider, if that is due.
func (a *applier) watermark(ctx context.Context, client *pgq.Client) error {
	if a.job.role == Plain || !a.reported.IsZero() && time.Since(a.reported) < a.cfg.LocalWatermark {
		return nil
	}
	a.toReport = a.b.PrevTick
	if a.syncWith == nil {
		info, err := client.NodeInfo(ctx, a.cfg.Queue)
		if err != nil {
			return err
		}
		a.toReport = a.b.Tick
		if info != nil && info.LocalWatermark != nil {
			a.toReport = min(a.toReport, *info.LocalWatermark)
		}
	}
	return nil
}

// report reports the watermark to the provider. What the provider has against it
// is no reason to stand still.
func (a *applier) report(ctx context.Context, provider *pgq.Client) error {
	if a.toReport == 0 {
		return nil
	}
	err := provider.SetSubscriberWatermark(ctx, a.cfg.Queue, a.job.node, a.toReport)
	if db.IsRetryable(err) {
		return err
	}
	if err != nil {
		a.log.Warn("report the watermark", log.Tick, a.toReport, log.Err, err)
	}
	a.toReport, a.reported = 0, time.Now()
	return nil
}

// Abort is part of consumer.Sink.
func (a *applier) Abort() {
	if a.copy != nil {
		a.copy.abort()
		a.copy = nil
	}
	if a.app != nil {
		a.cfg.Handler.Abort()
		a.app = nil
	}
	if !a.open {
		return
	}
	a.open = false
	if a.conn.IsClosed() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if a.conn.PgConn().TxStatus() != 'I' && pgq.New(a.conn).Rollback(ctx) != nil {
		closeConn(a.conn)
	}
}

func (a *applier) close() {
	if a.conn != nil {
		closeConn(a.conn)
	}
}

// help runs what a session needs beside its consumer.
func (a *applier) help(ctx context.Context, wg *sync.WaitGroup) {
	if a.syncWith == nil {
		return
	}
	wg.Go(func() {
		t := time.NewTicker(a.cfg.LocalWatermark)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
			}
			if err := a.syncWatermark(ctx); err != nil && ctx.Err() == nil {
				a.log.Warn("set the watermark of synchronised nodes", log.Err, err)
			}
		}
	})
}

// syncWatermark sets the node's global watermark to what it, the root, and all
// nodes of sync_watermark can spare.
func (a *applier) syncWatermark(ctx context.Context) error {
	wm := a.realWM.Load()
	if wm == 0 { // not seen yet
		return nil
	}
	conn, err := a.cfg.connect(ctx, a.cfg.DSN)
	if err != nil {
		return err
	}
	defer closeConn(conn)
	client := pgq.New(conn)
	locations, err := client.NodeLocations(ctx, a.cfg.Queue)
	if err != nil {
		return err
	}
	local := &Node{Name: a.job.node, ConnString: a.cfg.DSN}
	if err := local.read(ctx, client, a.cfg.Queue); err != nil {
		return err
	}
	nodes := []*Node{local}
	for _, name := range a.syncWith {
		i := slices.IndexFunc(locations, func(l pgq.Location) bool { return l.Node == name })
		if i < 0 {
			return fmt.Errorf("unknown node in sync_watermark: %s", name)
		}
		if name == a.job.node || locations[i].Dead {
			continue
		}
		n := &Node{Name: name, ConnString: locations[i].ConnString}
		if a.cfg.look(ctx, n); n.Err != nil {
			return fmt.Errorf("node %s: %w", name, n.Err)
		}
		nodes = append(nodes, n)
	}
	for _, n := range nodes {
		if n.Info.LocalWatermark != nil {
			wm = min(wm, *n.Info.LocalWatermark)
		}
	}
	if wm <= deref(local.Info.GlobalWatermark) {
		return nil
	}
	return client.SetGlobalWatermark(ctx, a.cfg.Queue, &wm)
}

const (
	chunkSize = 64 << 10
	chunks    = 4
)

// copyIn is a COPY into an event table, at work in a goroutine of its own, so
// that the provider is read while the node's server writes.
type copyIn struct {
	buf    []byte
	full   chan []byte
	free   chan []byte
	quit   chan struct{} // closed by abort
	done   chan struct{} // closed when the COPY has ended
	err    error         // of the COPY, then
	rest   []byte        // of the chunk that is read
	chunk  []byte
	cancel context.CancelFunc
}

// copyEvent hands an event to the COPY.
func (a *applier) copyEvent(ctx context.Context, e *event.Event, own bool) error {
	if a.copy == nil {
		a.copy = startCopy(ctx, a.conn.PgConn(), pgq.CopySQL(a.table, a.job.role == Branch))
	}
	if own && a.syncWith != nil && len(a.wm) > 0 && string(e.Type) == globalWatermark {
		c := *e
		c.Data = a.wm
		e = &c
	}
	c := a.copy
	c.buf = event.AppendCopy(c.buf, e, a.job.role == Branch)
	if len(c.buf) < chunkSize {
		return nil
	}
	if err := c.flush(ctx); err != nil {
		return a.failed("copy events to the node", err)
	}
	return nil
}

// endCopy ends the COPY, if there is one.
func (a *applier) endCopy(ctx context.Context) error {
	c := a.copy
	if c == nil {
		return nil
	}
	c.buf = append(c.buf, event.CopyTrailer...)
	if err := c.flush(ctx); err != nil {
		return err
	}
	close(c.full)
	<-c.done
	a.copy = nil
	c.cancel()
	return c.err
}

func startCopy(ctx context.Context, conn *pgconn.PgConn, sql string) *copyIn {
	ctx, cancel := context.WithCancel(ctx)
	c := &copyIn{
		buf:    append(make([]byte, 0, 4<<10), event.CopyHeader...),
		full:   make(chan []byte, chunks),
		free:   make(chan []byte, chunks+2),
		quit:   make(chan struct{}),
		done:   make(chan struct{}),
		cancel: cancel,
	}
	go func() {
		defer close(c.done)
		_, c.err = conn.CopyFrom(ctx, c, sql)
	}()
	return c
}

// flush hands the buffer on and takes a free one.
func (c *copyIn) flush(ctx context.Context) error {
	select {
	case c.full <- c.buf:
	case <-c.done: // before its time
		return c.err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case c.buf = <-c.free:
	default:
		c.buf = make([]byte, 0, chunkSize+chunkSize/4)
	}
	return nil
}

// Read is called by the COPY.
func (c *copyIn) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		if c.chunk != nil && cap(c.chunk) <= 4*chunkSize { // else it held a huge event
			select {
			case c.free <- c.chunk[:0]:
			default:
			}
		}
		c.chunk = nil
		select {
		case chunk, ok := <-c.full:
			if !ok {
				return 0, io.EOF
			}
			c.chunk, c.rest = chunk, chunk
		case <-c.quit:
			return 0, errors.New("batch is given up")
		}
	}
	n := copy(p, c.rest)
	c.rest = c.rest[n:]
	return n, nil
}

// abort ends the COPY without effect.
func (c *copyIn) abort() {
	close(c.quit)
	select {
	case <-c.done:
	case <-time.After(time.Second): // the server does not answer
		c.cancel()
		<-c.done
	}
	c.cancel()
}
