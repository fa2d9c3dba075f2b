package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"skytools/lib/consumer"
	"skytools/lib/event"
)

// Events go to a target in groups, one round trip each, of at most so many
// events and about so many bytes.
const (
	groupEvents = 500
	groupBytes  = 1 << 20
)

// sqlTarget runs a statement for each event.
type sqlTarget struct {
	st    *statement
	types *typeFilter
	count *counters

	group pgx.Batch
	ids   []int64 // of the events in group
	bytes int
	text  []byte
}

func (t *sqlTarget) Begin(context.Context, pgx.Tx, *consumer.Batch) error {
	t.reset()
	return nil
}

func (t *sqlTarget) reset() {
	t.group = pgx.Batch{}
	t.ids, t.bytes = t.ids[:0], 0
}

func (t *sqlTarget) Event(ctx context.Context, tx pgx.Tx, e *event.Event) error {
	if !t.types.match(e.Type) {
		return nil
	}
	args := make([]any, len(t.st.args))
	for i, f := range t.st.args {
		var ok bool
		if t.text, ok = f.append(t.text[:0], e); ok {
			args[i] = string(t.text)
			t.bytes += len(t.text)
		}
	}
	t.group.Queue(t.st.sql, args...)
	t.ids = append(t.ids, e.ID)
	t.count.events.Add(1)
	if len(t.ids) < groupEvents && t.bytes < groupBytes {
		return nil
	}
	return t.send(ctx, tx)
}

func (t *sqlTarget) End(ctx context.Context, tx pgx.Tx) error { return t.send(ctx, tx) }

// send runs the group in pipeline mode. What the statement returns is of no
// interest.
func (t *sqlTarget) send(ctx context.Context, tx pgx.Tx) error {
	if len(t.ids) == 0 {
		return nil
	}
	defer t.reset()
	res := tx.SendBatch(ctx, &t.group)
	for _, id := range t.ids {
		if _, err := res.Exec(); err != nil {
			_ = res.Close()
			return fmt.Errorf("--sql for event %d: %w", id, err)
		}
	}
	return res.Close()
}
