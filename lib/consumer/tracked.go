package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"

	"github.com/jackc/pgx/v5"

	"skytools/lib/db"
	"skytools/lib/event"
	"skytools/lib/log"
	"skytools/lib/pgq"
)

// Target takes the events of a batch inside a transaction of another database.
type Target interface {
	// Begin starts a batch, or the next piece of one.
	Begin(ctx context.Context, tx pgx.Tx, b *Batch) error
	// Event applies one event, which is valid only until it returns.
	Event(ctx context.Context, tx pgx.Tx, e *event.Event) error
	// End completes all effects in tx; the commit follows.
	End(ctx context.Context, tx pgx.Tx) error
}

// TrackOptions say where a tracked consumer keeps its position.
type TrackOptions struct {
	DSN             string // the target database, with pgq_ext
	ApplicationName string
	// Name is the consumer's name in pgq_ext and must be unique there; empty
	// is QUEUE/CONSUMER.
	Name string
	// Piece commits after so many events instead of once a batch; 0 is never.
	// It is not for subconsumers.
	Piece  int64
	Logger *slog.Logger
}

// Tracked is a Sink that applies each event exactly once in another database:
// its transaction there holds the effects and, through pgq_ext, the position.
// It survives any crash between its commit and the finish at the source.
//
// The position is the end tick of the last batch. The next batch has to begin
// there; it is skipped if it ends there, since then only its finish was lost;
// anything else is a LostPosition. A subconsumer gets any batches of its
// consumer, so for it the id of the last one is kept too, and looked for under
// the names of all of them, one of which may have died after its commit.
//
// A piece of a batch is remembered by its last ev_id, together with the end
// tick. Only a restart reads that, and then passes over the events up to it:
// the order of a batch is that of its ids.
type Tracked struct {
	opt    TrackOptions
	target Target
	log    *slog.Logger

	conn      *pgx.Conn
	connected bool // there was a connection before
	tx        pgx.Tx
	b         *Batch
	name      string
	after     int64 // events up to this id are done
	last      int64 // id of the last applied event
	count     int64 // events in this piece
	pieces    bool  // some of the batch was committed
}

// LostPosition is the error of a source and a target that disagree on what has
// been done: one of them was restored from a backup, or moved by hand.
type LostPosition struct {
	Name   string // in pgq_ext
	Stored int64  // tick
	Batch  *Batch
}

func (e *LostPosition) Error() string {
	return fmt.Sprintf("lost position: target has done %s up to tick %d, but the next batch is tick %d to %d",
		e.Name, e.Stored, e.Batch.PrevTick, e.Batch.Tick)
}

// Hint tells the two ways out.
func (e *LostPosition) Hint() string {
	return fmt.Sprintf("Move the queue to the target with pgq.register_consumer_at('%s', '%s', %d), or let the target forget with pgq_ext.set_last_tick('%s', '%s', null).",
		e.Batch.Queue, e.Batch.Consumer, e.Stored, e.Name, e.Batch.Subconsumer)
}

// The sub names under which pieces are kept.
const (
	pieceTick  = "#tick"
	pieceEvent = "#event"
)

// NewTracked returns a sink that applies events to target.
func NewTracked(opt TrackOptions, target Target) *Tracked {
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	return &Tracked{opt: opt, target: target, log: opt.Logger}
}

// Close closes the connection to the target.
func (t *Tracked) Close() {
	if t.conn != nil {
		_ = t.conn.Close(context.Background()) // no transaction is left
		t.conn = nil
	}
}

// failed makes the batch come again if the target may be well again later.
func (t *Tracked) failed(what string, err error) error {
	err = fmt.Errorf("%s: %w", what, err)
	if t.connected && db.IsRetryable(err) {
		return &Again{Err: err}
	}
	return err
}

// Begin is part of Sink.
func (t *Tracked) Begin(ctx context.Context, b *Batch) error {
	if t.opt.Piece > 0 && b.Subconsumer != "" {
		return errors.New("a subconsumer cannot commit pieces of a batch")
	}
	t.b, t.name, t.count, t.pieces = b, t.opt.Name, 0, false
	t.after, t.last = math.MinInt64, math.MinInt64
	if t.name == "" {
		t.name = b.Queue + "/" + b.Consumer
	}
	if t.conn == nil || t.conn.IsClosed() {
		conn, err := db.ConnectUnnamed(ctx, t.opt.DSN, t.opt.ApplicationName, pgx.QueryExecModeCacheDescribe)
		if err != nil {
			return t.failed("connect to target", err)
		}
		t.conn, t.connected = conn, true
	}
	err := t.begin(ctx)
	if err == nil {
		return nil
	}
	t.Abort()
	if errors.Is(err, ErrSkip) || errors.As(err, new(*LostPosition)) {
		return err
	}
	return t.failed("begin at target", err)
}

// begin opens a transaction, excludes others that work on the same, and finds
// out what has been done.
func (t *Tracked) begin(ctx context.Context) (err error) {
	// Each statement has to see what was committed while it waited for the lock.
	t.tx, err = t.conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	if err != nil {
		return err
	}
	if t.b.Subconsumer != "" {
		err = t.checkPeers(ctx)
	} else {
		err = t.check(ctx)
	}
	if err != nil {
		return err
	}
	return t.target.Begin(ctx, t.tx, t.b)
}

func (t *Tracked) check(ctx context.Context) error {
	done, err := pgq.New(t.tx).LockDone(ctx, t.name, t.name, []string{"", pieceTick, pieceEvent}, 0)
	if err != nil {
		return err
	}
	stored, tick, after := done[0].Tick, done[1].Tick, done[2].Tick
	switch {
	case stored == t.b.Tick:
		return t.skip()
	case stored != 0 && stored != t.b.PrevTick:
		return &LostPosition{Name: t.name, Stored: stored, Batch: t.b}
	case tick != 0 && tick != t.b.Tick:
		return &LostPosition{Name: t.name, Stored: tick, Batch: t.b}
	case t.pieces && (tick == 0 || after != t.last):
		return &Again{Err: errors.New("another session works on the same batch")}
	case tick != 0:
		t.pieces, t.after = true, after
	}
	return nil
}

// checkPeers looks whether this or another subconsumer has done the batch. The
// tick tells a batch from one that got the same id before the source was
// restored.
func (t *Tracked) checkPeers(ctx context.Context) error {
	lock := fmt.Sprintf("%s/%d", t.name, t.b.ID)
	done, err := pgq.New(t.tx).LockDone(ctx, lock, t.name, t.b.Peers, t.b.ID)
	if err != nil {
		return err
	}
	for _, d := range done {
		switch {
		case d.Batch && d.Tick == t.b.Tick:
			return t.skip()
		case d.Batch:
			return &LostPosition{Name: t.name, Stored: d.Tick, Batch: t.b}
		}
	}
	return nil
}

func (t *Tracked) skip() error {
	t.log.Info("batch is done already", log.Batch, t.b.ID, log.Tick, t.b.Tick)
	return ErrSkip
}

// Event is part of Sink.
func (t *Tracked) Event(ctx context.Context, e *event.Event) error {
	if e.ID <= t.after {
		return nil
	}
	// Equal ids, as a retried event may have, stay in one piece.
	if t.opt.Piece > 0 && t.count >= t.opt.Piece && e.ID != t.last {
		if err := t.commitPiece(ctx); err != nil {
			return err
		}
	}
	if err := t.target.Event(ctx, t.tx, e); err != nil {
		return t.failed(fmt.Sprintf("apply event %d", e.ID), err)
	}
	t.last = e.ID
	t.count++
	return nil
}

// commitPiece commits what has been applied, and begins anew.
func (t *Tracked) commitPiece(ctx context.Context) error {
	c := pgq.New(t.tx)
	err := t.target.End(ctx, t.tx)
	if err == nil {
		err = c.SetLastDoneTick(ctx, t.name, pieceTick, t.b.Tick)
	}
	if err == nil {
		err = c.SetLastDoneTick(ctx, t.name, pieceEvent, t.last)
	}
	if err == nil {
		err = t.tx.Commit(ctx)
	}
	if err != nil {
		return t.failed("commit a piece at target", err)
	}
	t.count, t.pieces = 0, true
	err = t.begin(ctx)
	if errors.Is(err, ErrSkip) { // another session was faster
		err = &Again{Err: err}
	}
	if err != nil {
		return t.failed("begin the next piece at target", err)
	}
	return nil
}

// End is part of Sink.
func (t *Tracked) End(ctx context.Context) error {
	// What has come so far is not to be thrown away by a stop.
	ctx, cancel := grace(ctx, defaultGrace)
	defer cancel()
	err := t.target.End(ctx, t.tx)
	if err == nil {
		err = t.mark(ctx, pgq.New(t.tx))
	}
	if err == nil {
		err = t.tx.Commit(ctx)
	}
	if err != nil {
		return t.failed("commit at target", err)
	}
	t.tx = nil
	return nil
}

// mark stores the position.
func (t *Tracked) mark(ctx context.Context, c *pgq.Client) error {
	if sub := t.b.Subconsumer; sub != "" {
		if _, err := c.SetBatchDone(ctx, t.name, sub, t.b.ID); err != nil {
			return err
		}
		return c.SetLastDoneTick(ctx, t.name, sub, t.b.Tick)
	}
	if t.pieces {
		for _, sub := range []string{pieceTick, pieceEvent} {
			if err := c.SetLastDoneTick(ctx, t.name, sub, 0); err != nil {
				return err
			}
		}
	}
	return c.SetLastDoneTick(ctx, t.name, "", t.b.Tick)
}

// Abort is part of Sink.
func (t *Tracked) Abort() {
	if t.tx == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), defaultGrace)
	defer cancel()
	if err := t.tx.Rollback(ctx); err != nil {
		t.Close()
	}
	t.tx = nil
}
