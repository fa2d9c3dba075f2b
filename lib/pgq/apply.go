package pgq

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"skytools/lib/quote"
)

// Apply says for what a transaction at a node is begun.
type Apply struct {
	Queue, Consumer string
	// Into is the queue into which events are copied, "" for none.
	Into string
	// Replica is needed where Into takes no events from others.
	Replica bool
	// Top and Info ask for what Applied has under these names.
	Top, Info bool
}

// Applied is what a transaction finds.
type Applied struct {
	ConsumerState
	Table string    // to be used with CopySQL, if Apply.Into is set
	Top   int64     // newest tick of the local queue, 0 if there is none
	Info  *NodeInfo // nil without a node
}

// BeginApply begins the transaction in which a cascaded consumer applies a
// batch, and tells its state, all in one round trip. It waits until no other
// session is in such a transaction of the same consumer, and sees what that one
// did. It has to be called outside of a transaction; whatever it returns, the
// caller has to end the transaction.
func (c *Client) BeginApply(ctx context.Context, a Apply) (*Applied, error) {
	what := "begin to apply a batch of " + a.Queue + "/" + a.Consumer
	var s Applied
	var q pgx.Batch
	q.Queue(`begin isolation level read committed`)
	q.Queue(`select pg_advisory_xact_lock(hashtextextended('pgq_node:' || $1 || '/' || $2, 0))`, a.Queue, a.Consumer)
	// The position of an applied batch is remembered by its provider: it must
	// not be lost in a crash. A change of the role drops all cached plans.
	q.Queue(`select set_config('synchronous_commit', 'on', true) where current_setting('synchronous_commit') = 'off'`)
	if a.Replica {
		q.Queue(`select set_config('session_replication_role', 'replica', true) where current_setting('session_replication_role') <> 'replica'`)
	}
	q.Queue(consumerStateSQL, a.Queue, a.Consumer).QueryRow(func(row pgx.Row) error {
		return s.ConsumerState.scan(row, what)
	})
	if a.Top {
		q.Queue(`select coalesce(max(t.tick_id), 0) from pgq.tick t
    where t.tick_queue = (select q.queue_id from pgq.queue q where q.queue_name = $1)`, a.Queue).
			QueryRow(func(row pgx.Row) error { return row.Scan(&s.Top) })
	}
	if a.Info {
		q.Queue(nodeInfoSQL, a.Queue).QueryRow(func(row pgx.Row) (err error) {
			s.Info, err = scanNodeInfo(row, what)
			return err
		})
	}
	if a.Into != "" {
		q.Queue(`select pgq.current_event_table($1)`, a.Into).
			QueryRow(func(row pgx.Row) error { return row.Scan(&s.Table) })
	}
	if err := c.db.SendBatch(ctx, &q).Close(); err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return &s, nil
}

// CopySQL is the COPY that writes events into a table, which Applied names, in
// the format of event.AppendCopy.
func CopySQL(table string, withID bool) string {
	columns := "ev_time, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4"
	if withID {
		columns = "ev_id, " + columns
	}
	return "copy " + quote.Name(table) + " (" + columns + ") from stdin (format binary)"
}

// Commit ends the transaction of BeginApply.
func (c *Client) Commit(ctx context.Context) error { return c.commit(ctx, nil) }

// CommitAndTick is Commit, and a tick after it, in one round trip. The tick is
// in a transaction of its own: its snapshot has to see what was committed. If
// it fails the commit may have been done.
func (c *Client) CommitAndTick(ctx context.Context, queue string, id int64, at time.Time, eventSeq int64) error {
	return c.commit(ctx, func(q *pgx.Batch) { q.Queue(insertTickSQL, queue, id, at, eventSeq) })
}

func (c *Client) commit(ctx context.Context, then func(*pgx.Batch)) error {
	var q pgx.Batch
	q.Queue(`commit`)
	if then != nil {
		then(&q)
	}
	if err := c.db.SendBatch(ctx, &q).Close(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// Rollback ends the transaction of BeginApply without effect.
func (c *Client) Rollback(ctx context.Context) error {
	if _, err := c.db.Exec(ctx, `rollback`); err != nil {
		return fmt.Errorf("roll back: %w", err)
	}
	return nil
}
