package pgq

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// NewEvent is an event to be inserted; nil is NULL.
type NewEvent struct {
	Type, Data                     *string
	Extra1, Extra2, Extra3, Extra4 *string
}

// InsertEvent inserts one event and returns its id.
func (c *Client) InsertEvent(ctx context.Context, queue string, e NewEvent) (int64, error) {
	return c.intResult(ctx, "insert event into "+queue, `select pgq.insert_event($1, $2, $3, $4, $5, $6, $7)`,
		queue, e.Type, e.Data, e.Extra1, e.Extra2, e.Extra3, e.Extra4)
}

// InsertEvents inserts events in one statement, in their order, and returns
// their ids. The caller bounds how many it passes at once.
func (c *Client) InsertEvents(ctx context.Context, queue string, events []NewEvent) ([]int64, error) {
	cols := columns(events)
	rows, err := c.db.Query(ctx, `select pgq.insert_event($1, u.t, u.d, u.e1, u.e2, u.e3, u.e4)
    from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[]) u(t, d, e1, e2, e3, e4)`,
		queue, cols[0], cols[1], cols[2], cols[3], cols[4], cols[5])
	if err == nil {
		var ids []int64
		ids, err = pgx.CollectRows(rows, pgx.RowTo[int64])
		if err == nil {
			return ids, nil
		}
	}
	return nil, fmt.Errorf("insert %d events into %s: %w", len(events), queue, err)
}

// InsertBulk is InsertEvents without the ids, by a function that takes the
// events as a whole and so costs much less. It needs Info.Bulk.
func (c *Client) InsertBulk(ctx context.Context, queue string, events []NewEvent) error {
	cols := columns(events)
	_, err := c.intResult(ctx, fmt.Sprintf("insert %d events into %s", len(events), queue),
		`select pgq.insert_events($1, $2, $3, $4, $5, $6, $7)::int8`, queue, cols[0], cols[1], cols[2], cols[3], cols[4], cols[5])
	return err
}

// columns turns events into an array for each column.
func columns(events []NewEvent) (cols [6][]*string) {
	for i := range cols {
		cols[i] = make([]*string, len(events))
	}
	for i := range events {
		e := &events[i]
		for j, v := range []*string{e.Type, e.Data, e.Extra1, e.Extra2, e.Extra3, e.Extra4} {
			cols[j][i] = v
		}
	}
	return cols
}
