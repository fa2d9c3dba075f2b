package pgq

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// The functions of pgq_ext run in the target database, in the transaction that
// holds the effects.

// IsBatchDone tells whether batch is the last one that was marked.
func (c *Client) IsBatchDone(ctx context.Context, consumer, sub string, batch int64) (bool, error) {
	return c.boolResult(ctx, "ask whether the batch is done", `select pgq_ext.is_batch_done($1, $2, $3)::int4`, consumer, sub, batch)
}

// SetBatchDone marks a batch; it returns false if it was marked already.
func (c *Client) SetBatchDone(ctx context.Context, consumer, sub string, batch int64) (bool, error) {
	return c.boolResult(ctx, "mark the batch as done", `select pgq_ext.set_batch_done($1, $2, $3)::int4`, consumer, sub, batch)
}

// IsEventDone tells whether the event of the batch was marked.
func (c *Client) IsEventDone(ctx context.Context, consumer, sub string, batch, event int64) (bool, error) {
	return c.boolResult(ctx, "ask whether the event is done", `select pgq_ext.is_event_done($1, $2, $3, $4)::int4`, consumer, sub, batch, event)
}

// SetEventDone marks an event; it returns false if it was marked already.
func (c *Client) SetEventDone(ctx context.Context, consumer, sub string, batch, event int64) (bool, error) {
	return c.boolResult(ctx, "mark the event as done", `select pgq_ext.set_event_done($1, $2, $3, $4)::int4`, consumer, sub, batch, event)
}

// LastDoneTick returns the tick that SetLastTick stored, or 0.
func (c *Client) LastDoneTick(ctx context.Context, consumer, sub string) (int64, error) {
	return c.intResult(ctx, "read the last tick", `select pgq_ext.get_last_tick($1, $2)`, consumer, sub)
}

// SetLastDoneTick stores a tick; 0 forgets the stored one.
func (c *Client) SetLastDoneTick(ctx context.Context, consumer, sub string, tick int64) error {
	var arg any
	if tick != 0 {
		arg = tick
	}
	_, err := c.intResult(ctx, "store the last tick", `select pgq_ext.set_last_tick($1, $2, $3)::int8`, consumer, sub, arg)
	return err
}

// Done is what pgq_ext knows of one subconsumer.
type Done struct {
	Tick  int64 // of SetLastDoneTick, 0 if none
	Batch bool  // IsBatchDone
}

// LockDone makes other transactions of the same lock wait until this one ends,
// and then tells what is done under name, for each of subs, in one round trip.
// The transaction has to be READ COMMITTED, or it would not see what was
// committed while it waited. For batch 0, Done.Batch is not asked for.
func (c *Client) LockDone(ctx context.Context, lock, name string, subs []string, batch int64) ([]Done, error) {
	done := make([]Done, len(subs))
	var q pgx.Batch
	q.Queue(`select pg_advisory_xact_lock(hashtextextended('pgq_ext:' || $1, 0))`, lock)
	for i, sub := range subs {
		d := &done[i]
		q.Queue(`select coalesce(pgq_ext.get_last_tick($1, $2), 0)`, name, sub).
			QueryRow(func(row pgx.Row) error { return row.Scan(&d.Tick) })
		if batch != 0 {
			q.Queue(`select pgq_ext.is_batch_done($1, $2, $3)`, name, sub, batch).
				QueryRow(func(row pgx.Row) error { return row.Scan(&d.Batch) })
		}
	}
	if err := c.db.SendBatch(ctx, &q).Close(); err != nil {
		return nil, fmt.Errorf("ask what %s has done: %w", name, err)
	}
	return done, nil
}
