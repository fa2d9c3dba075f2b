package pgq

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// LostEvent is an event of a queue after a tick from which its set went on
// without it.
type LostEvent struct {
	ID             int64
	Type, Data     *string
	Extra          [4]*string
	Time           time.Time
	Txid           int64
	Retry          *int32
	Tick, PrevTick int64 // the batch in which it is
}

// outside is what tells that an event is not before a tick.
const outside = `ev_txid >= txid_snapshot_xmin($1::txid_snapshot) and not txid_visible_in_snapshot(ev_txid, $1::txid_snapshot)`

// dataTable returns the parent of the event tables, as SQL.
func (c *Client) dataTable(ctx context.Context, queue string) (string, error) {
	var table string
	if err := c.db.QueryRow(ctx, `select queue_data_pfx from pgq.queue where queue_name = $1`, queue).Scan(&table); err != nil {
		return "", fmt.Errorf("look for the events of %s: %w", queue, err)
	}
	return table, nil
}

// LastEvent returns the highest id of the events that are younger than the
// newest tick, or 0.
func (c *Client) LastEvent(ctx context.Context, queue string) (int64, error) {
	t, err := c.LastTick(ctx, queue)
	if err != nil {
		return 0, err
	}
	table, err := c.dataTable(ctx, queue)
	if err != nil {
		return 0, err
	}
	return c.intResult(ctx, "look for the last event of "+queue, `select max(ev_id) from `+table+` where `+outside, t.Snapshot)
}

// EventsAfter hands all events after a tick to f, batch by batch.
func (c *Client) EventsAfter(ctx context.Context, queue string, tick int64, f func(*LostEvent) error) error {
	table, err := c.dataTable(ctx, queue)
	if err != nil {
		return err
	}
	prev, err := c.TickByID(ctx, queue, tick)
	if err != nil {
		return err
	}
	for {
		cur, err := c.tick(ctx, queue, fmt.Sprintf("the tick after %d", prev.ID), `where t.tick_id > $2 order by t.tick_id limit 1`, prev.ID)
		if errors.Is(err, ErrNoTick) {
			return nil
		}
		if err != nil {
			return err
		}
		rows, err := c.db.Query(ctx, `select ev_id, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4, ev_time, ev_txid, ev_retry from `+table+`
    where `+outside+` and txid_visible_in_snapshot(ev_txid, $2::txid_snapshot) order by ev_id`, prev.Snapshot, cur.Snapshot)
		if err == nil {
			e := LostEvent{Tick: cur.ID, PrevTick: prev.ID}
			_, err = pgx.ForEachRow(rows, []any{&e.ID, &e.Type, &e.Data, &e.Extra[0], &e.Extra[1], &e.Extra[2], &e.Extra[3], &e.Time, &e.Txid, &e.Retry},
				func() error { return f(&e) })
		}
		if err != nil {
			return fmt.Errorf("read the events of %s after tick %d: %w", queue, prev.ID, err)
		}
		prev = cur
	}
}

// DeleteAfter deletes all events and ticks after a tick, and returns the number
// of events.
func (c *Client) DeleteAfter(ctx context.Context, queue string, tick int64) (events int64, err error) {
	table, err := c.dataTable(ctx, queue)
	if err != nil {
		return 0, err
	}
	t, err := c.TickByID(ctx, queue, tick)
	if err != nil {
		return 0, err
	}
	tag, err := c.db.Exec(ctx, `delete from `+table+` where `+outside, t.Snapshot)
	if err == nil {
		events = tag.RowsAffected()
		_, err = c.db.Exec(ctx, `delete from pgq.tick where tick_id > $2 and tick_queue = (select queue_id from pgq.queue where queue_name = $1)`, queue, tick)
	}
	if err != nil {
		return 0, fmt.Errorf("delete the events of %s after tick %d: %w", queue, tick, err)
	}
	return events, nil
}
