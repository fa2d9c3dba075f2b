package consumer

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"skytools/lib/db"
	"skytools/lib/event"
	"skytools/lib/pgq"
)

// PeekOptions say what to look at.
type PeekOptions struct {
	DSN             string
	ApplicationName string
	Queue           string
	// From is the tick after which to begin; 0 is the last one before the
	// newest event.
	From int64
	// MaxEvents ends it; 0 is no limit.
	MaxEvents int64
}

// Peek reads the committed events of a queue after a tick, in the order of
// their ids, also those that no tick covers yet, and hands them to fn. It
// needs no consumer and moves nothing. It leaves out what waits for one
// consumer's retry. fn may return ErrStop.
func Peek(ctx context.Context, o PeekOptions, fn func(*event.Event) error) error {
	s := newServer(Options{DSN: o.DSN, ApplicationName: o.ApplicationName})
	conn, err := db.ConnectUnnamed(ctx, o.DSN, o.ApplicationName, pgx.QueryExecModeExec)
	if err != nil {
		return err
	}
	s.conn, s.client = conn, pgq.New(conn)
	defer s.close()
	if _, err := s.client.Inspect(ctx); err != nil {
		return err
	}
	sql, err := s.client.PeekSQL(ctx, o.Queue, o.From)
	if err != nil {
		return err
	}
	var n int64
	err = s.read(ctx, sql, true, func(e *event.Event) error {
		if o.MaxEvents > 0 && n >= o.MaxEvents {
			return ErrStop
		}
		n++
		return fn(e)
	})
	if errors.Is(err, ErrStop) {
		return nil
	}
	return err
}
