// Package consumer is the batch loop: it opens a batch, streams its events to
// a Sink in constant memory, and finishes it when the sink has made their
// effects last. It is the only such loop; what is done with the events is the
// sink's business.
//
// Delivery is at least once: a batch is finished only after Sink.End returned
// nil, and until then whoever asks next gets the same batch again. Tracked
// makes it exactly once in another database.
package consumer

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"skytools/lib/event"
	"skytools/lib/pgq"
)

// Options say what to read and how. Queue and Consumer are required.
type Options struct {
	DSN             string // where the queue is
	ApplicationName string
	pgq.Reader      // queue, consumer, subconsumer, dead interval
	Limits          pgq.Limits

	// Merge makes a consumer that is behind take ticks together until a batch
	// has about so many events, up to twice as many: what a batch costs by
	// itself is then spread over more of them. 0 is tick by tick. A consumer
	// that is up to date gets each tick by itself.
	Merge int

	// Register registers the consumer (or subconsumer) if it is not yet. It
	// starts at the newest tick.
	Register bool
	// UnregisterSub removes the subconsumer at the end, if it has no open batch.
	UnregisterSub bool

	// PollInterval is how often an idle consumer looks for a batch when it
	// knows of no notifications; 0 is a second. Once a notification has come
	// over this connection, it looks every tenth time only.
	PollInterval time.Duration
	// NoListen does without LISTEN, which a pooler in transaction mode
	// swallows.
	NoListen bool

	// UntilEmpty ends Run when there is no further batch. Events that no tick
	// covers yet are in no batch: see ForceTick.
	UntilEmpty bool
	// ForceTick, with UntilEmpty, makes the ticker tick and waits up to so
	// long for a tick that covers all that was committed before Run.
	ForceTick time.Duration
	// MaxEvents ends Run after so many events. If the sink is a Cutter that may
	// be in the middle of a batch, which stays open and comes again as a whole;
	// else it is at the end of the batch.
	MaxEvents int64
	// MaxBatches ends Run after so many finished batches.
	MaxBatches int64
	// Stop, when closed, ends Run with nil at the next end of a batch. It cuts
	// every wait short, but no batch: ending ctx does that.
	Stop <-chan struct{}
	// Grace is how long the end of a batch may take after the end of ctx; 0 is
	// ten seconds.
	Grace time.Duration

	// Durable waits until each turn is on the server's disk. It is for sinks that
	// remember where a batch ended: after a crash of the server an open batch
	// still ends there, and a finished one stays finished.
	Durable bool

	// BeforeTurn is called before each turn of the loop, over its connection:
	// after the effects of a batch last and before its finish, and each time
	// before the loop looks for a batch. An error is taken for one of the server.
	BeforeTurn func(ctx context.Context, c *pgq.Client) error

	Logger *slog.Logger
	// Beat gets the loop's promises to move on, for a watchdog; it may be nil.
	Beat Beat
	// OnBatch is called after each finished batch.
	OnBatch func(Summary)
}

// A Beat takes the promises of a loop. What the loop waits for by itself has an
// end; a server or a sink that does not answer is not its fault.
type Beat interface {
	Within(time.Duration) // it reports again within this time
	Free()                // it promises nothing for now
}

// Batch is what a sink learns of a batch. Its methods may be called from any
// goroutine until End has returned; they take effect with its finish.
type Batch struct {
	pgq.Batch
	Unsorted bool // the events come in any order: only to a Sorter
	retries  retries
}

// Sink takes the events of batches. All its methods are called from one
// goroutine. For each batch they are: Begin, Event for each event in order,
// then End, or Abort if the batch ends early.
type Sink interface {
	// Begin starts a batch. ErrSkip finishes it without reading it, a Hold
	// leaves it open for a while.
	Begin(ctx context.Context, b *Batch) error
	// Event takes one event, which is valid only until it returns.
	Event(ctx context.Context, e *event.Event) error
	// End returns nil only when all effects of the batch last.
	End(ctx context.Context) error
	// Abort drops what began and is not ended: the batch comes again. It is
	// not called when Begin failed, but it is when Event or End did.
	Abort()
}

// Cutter is a Sink that can keep the first events of a batch.
type Cutter interface {
	Sink
	// Cut is called instead of End when MaxEvents ended the batch early. It
	// makes what came so far last, although the batch comes again.
	Cut(ctx context.Context) error
}

// Sorter is a Sink that can put the events of a batch into the order of their
// ids by itself. That takes much less than the server's sort where they are in
// that order nearly always, and they come while the server still reads.
type Sorter interface {
	Sink
	// SortLimit is called before Begin. If it is not 0, the events of this
	// batch may come in any order, in which case Event returns ErrUnsortable
	// once more than so many bytes would have to be held.
	SortLimit() int64
}

// ErrUnsortable is returned by Event of a Sorter that cannot hold so many
// events: the batch comes again, sorted.
var ErrUnsortable = errors.New("batch is too large to sort")

var (
	// ErrSkip is returned by Begin when the effects of the batch exist already.
	ErrSkip = errors.New("batch is done already")
	// ErrStop, from any method of a sink, ends Run with nil. The batch stays
	// open.
	ErrStop = errors.New("stop")
)

// Again is returned by a sink to get the same batch again after a while.
type Again struct {
	After time.Duration // 0: a growing time
	Err   error         // why; may be nil
}

func (e *Again) Error() string {
	if e.Err == nil {
		return "batch is to be delivered again"
	}
	return e.Err.Error()
}

// Unwrap returns the reason.
func (e *Again) Unwrap() error { return e.Err }

// Hold is returned by Begin when it is too early for the batch: it comes again
// after a while, over the same connection. Nothing is wrong.
type Hold struct{ For time.Duration }

func (h *Hold) Error() string { return "batch is held for " + h.For.String() }

// SinkError is an error of the sink, as Run returns it.
type SinkError struct{ Err error }

func (e *SinkError) Error() string { return e.Err.Error() }

// Unwrap returns the sink's own error.
func (e *SinkError) Unwrap() error { return e.Err }

// Summary describes a finished batch.
type Summary struct {
	Batch    *Batch
	Events   int64
	Bytes    int64 // of payload
	Retried  int64
	Skipped  bool          // Begin returned ErrSkip
	Lost     bool          // another session had finished it already
	Duration time.Duration // from Begin to the end of the finish
	Lag      time.Duration // age of the batch's tick when it was finished, by this machine's clock
}

// Stats are running totals.
type Stats struct {
	Batches   int64 // finished
	Events    int64 // delivered, those of open and repeated batches included
	Bytes     int64
	Retried   int64
	Connected bool
	LastTick  int64         // of the last finished batch
	Lag       time.Duration // of the last finished batch
	// Err is why the loop waits for the server, or has to deliver a batch again.
	Err error
}
