package pgq

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"skytools/lib/db"
)

// Channel is where pgq.ticker announces ticks, as QUEUE:TICK_ID.
const Channel = "pgq"

// ErrUnknownQueue is returned for a queue that does not exist, where this
// package finds it out; IsUnknownQueue knows the server's answers as well.
var ErrUnknownQueue = errors.New("unknown queue")

// PgQ raises nearly everything with SQLSTATE P0001, or XX000 from C: only the
// message tells what happened, and it is a contract that clients match on.
// This is the one place which does. Nothing else compares message text.
var (
	unknownQueue = []string{"No such event queue", "Event queue not created yet", "No such queue",
		"no such queue", "Event queue not found", "Queue not found", "queue not found or ticker disabled"}
	notSubscribed = []string{"Not subscriber to queue", "consumer not registered", "main consumer not found"}
	lostTick      = []string{"PgQ corruption: Consumer", "cannot reposition, tick not found"}
	unknownBatch  = []string{"batch not found", "batch_retry: batch", "Cannot find data for batch"}
	insertRefused = []string{"Insert into queue disallowed", "Writing to queue disabled"}
)

func says(err error, texts []string) bool {
	var pe *pgconn.PgError
	if !errors.As(err, &pe) {
		return false
	}
	for _, t := range texts {
		if strings.HasPrefix(pe.Message, t) {
			return true
		}
	}
	return false
}

// IsUnknownQueue tells whether the queue does not exist.
func IsUnknownQueue(err error) bool {
	return errors.Is(err, ErrUnknownQueue) || says(err, unknownQueue)
}

// IsNotSubscribed tells whether the consumer is not registered on the queue,
// or the queue does not exist: the server does not tell these apart.
func IsNotSubscribed(err error) bool { return says(err, notSubscribed) }

// IsLostTick tells whether the tick of a position is gone: the consumer was
// away for longer than ticks are kept, or the database went back in time.
func IsLostTick(err error) bool { return says(err, lostTick) }

// IsUnknownBatch tells whether the batch is not open any more.
func IsUnknownBatch(err error) bool { return says(err, unknownBatch) }

// IsInsertRefused tells whether the queue takes no events from clients.
func IsInsertRefused(err error) bool { return says(err, insertRefused) }

// IsNotInstalled tells whether pgq, or the part of it that was called, is not
// installed in the database.
func IsNotInstalled(err error) bool {
	return errors.Is(err, ErrNotInstalled) || db.IsUndefinedObject(err)
}
