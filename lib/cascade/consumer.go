package cascade

import (
	"context"

	"github.com/jackc/pgx/v5"

	"skytools/lib/consumer"
	"skytools/lib/event"
)

// Handler does the application's work with the events of a batch, in the
// transaction that holds the position. It does not see the cascade's own
// events, and sees what is there to be seen in the order of the events.
//
// For each batch, Begin is called, then Event for each event, then End, and the
// commit follows. Abort is called instead when the batch is given up, at any
// time after Begin: it comes again.
type Handler interface {
	Begin(ctx context.Context, a *Application) error
	// Event takes one event, which is valid only until it returns.
	Event(ctx context.Context, e *event.Event) error
	End(ctx context.Context) error
	Abort()
}

// Application is what a Handler learns of a batch.
type Application struct {
	Batch *consumer.Batch
	Node  string
	Role  Role
	sink  *applier
}

// Conn returns the connection to the node's database, which is in the
// transaction of the batch. Whoever wants it in the middle of a batch makes the
// copying of events pause, so do as much at once as can be.
func (a *Application) Conn(ctx context.Context) (*pgx.Conn, error) {
	if err := a.sink.endCopy(ctx); err != nil {
		return nil, err
	}
	return a.sink.conn, nil
}
