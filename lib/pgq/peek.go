package pgq

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

//go:embed peek.sql
var peekSQL string

// PeekSQL returns a query like that of a batch for all committed events after a
// tick, also those that no tick covers yet, but without those that are retried
// for one consumer. Tick 0 stands for the last one before the newest event.
func (c *Client) PeekSQL(ctx context.Context, queue string, tick int64) (string, error) {
	var sql string
	err := c.db.QueryRow(ctx, peekSQL, queue, tick).Scan(&sql)
	if errors.Is(err, pgx.ErrNoRows) {
		_, err = c.TickByID(ctx, queue, tick) // says what is missing
		if err == nil {
			err = ErrNoTick
		}
	}
	if err != nil {
		return "", fmt.Errorf("peek into queue %s: %w", queue, err)
	}
	return sql, nil
}
