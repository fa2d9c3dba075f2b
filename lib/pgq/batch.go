package pgq

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Reader names who reads a queue: a consumer, or one subconsumer of it.
type Reader struct {
	Queue       string
	Consumer    string
	Subconsumer string // not empty: cooperative
	// DeadInterval is how long another subconsumer must have been silent
	// before this one takes its batch over; 0 is never.
	DeadInterval time.Duration
}

// String gives QUEUE/CONSUMER, as the server's messages do.
func (r Reader) String() string {
	s := r.Queue + "/" + r.Consumer
	if r.Subconsumer != "" {
		s += "." + r.Subconsumer
	}
	return s
}

// Limits hold back or merge batches; the zero value is tick by tick.
type Limits struct {
	MinLag      time.Duration // leave the last so long alone
	MinCount    int           // wait for so many events
	MinInterval time.Duration // or for so much time between ticks
	// MaxCount takes further ticks into a batch until it has about so many
	// events. It excludes the others and subconsumers, and needs Info.UpTo.
	MaxCount int
}

// Batch is an open batch: the events between two ticks.
type Batch struct {
	Reader
	ID           int64
	PrevTick     int64
	Tick         int64
	PrevTickTime time.Time
	TickTime     time.Time
	PrevEventSeq int64
	EventSeq     int64
	SQL          string // what reads its events, from pgq.batch_event_sql
	// Peers are all subconsumers that the consumer has or had, for a
	// subconsumer's batch: one of them may have begun with it and died.
	Peers []string
}

// Retry asks for one event to be delivered again.
type Retry struct {
	EventID int64
	After   time.Duration // rounded up to seconds
}

// Finish says how to end a batch.
type Finish struct {
	Batch *Batch
	// Retries come again later, in another batch, to this consumer only.
	Retries []Retry
	// RetryAll makes all events of the batch come again after RetryAfter.
	RetryAll   bool
	RetryAfter time.Duration
}

const (
	nextSQL = `select n.batch_id, n.prev_tick_id, n.cur_tick_id, n.prev_tick_time, n.cur_tick_time,
    n.prev_tick_event_seq, n.cur_tick_event_seq, pgq.batch_event_sql(n.batch_id)
    from pgq.next_batch_custom($1, $2, $3, $4, $5) n where n.batch_id is not null`
	nextUpToSQL = `select n.batch_id, n.prev_tick_id, n.cur_tick_id, n.prev_tick_time, n.cur_tick_time,
    n.prev_tick_event_seq, n.cur_tick_event_seq, pgq.batch_event_sql(n.batch_id)
    from pgq.next_batch_upto($1, $2, $3) n where n.batch_id is not null`
	nextCoopSQL = `select n.batch_id, i.prev_tick_id, i.tick_id, i.batch_start, i.batch_end,
    i.seq_start, i.seq_end, pgq.batch_event_sql(n.batch_id),
    array(select substr(c.co_name, length($2) + 2) from pgq.consumer c where left(c.co_name, length($2) + 1) = $2 || '.')
    from pgq_coop.next_batch_custom($1, $2, $6, $3, $4, $5, $7) n(batch_id), pgq.get_batch_info(n.batch_id) i
    where n.batch_id is not null`
	finishSQL     = `select pgq.finish_batch($1)`
	finishCoopSQL = `select pgq_coop.finish_batch($1)`
	// Local to the transaction of the turn, so that it works behind a pooler.
	asyncSQL = `select set_config('synchronous_commit', 'off', true)`
	// The aggregate calls event_retry for each row.
	retrySQL    = `select count(pgq.event_retry($1, u.id, u.seconds)) from unnest($2::int8[], $3::int4[]) u(id, seconds)`
	retryAllSQL = `select pgq.batch_retry($1, $2)`
)

// NextBatch opens the next batch of r, or returns the one that is open
// already. It returns nil if there is none.
func (c *Client) NextBatch(ctx context.Context, r Reader, l Limits) (*Batch, error) {
	_, b, err := c.Turn(ctx, nil, &r, l)
	return b, err
}

// FinishBatch ends a batch. It returns false if the batch was not open any
// more: another session finished it or moved the consumer.
func (c *Client) FinishBatch(ctx context.Context, f Finish) (finished bool, err error) {
	finished, _, err = c.Turn(ctx, &f, nil, Limits{})
	return finished, err
}

// Turn ends one batch and opens the next one, in one round trip and, unless
// the connection is in a transaction already, in one transaction. f or r may
// be nil. If it fails the old batch is still open.
func (c *Client) Turn(ctx context.Context, f *Finish, r *Reader, l Limits) (finished bool, b *Batch, err error) {
	var q pgx.Batch
	if c.async {
		q.Queue(asyncSQL)
	}
	if f != nil {
		what := fmt.Sprintf("finish batch %d of %s", f.Batch.ID, f.Batch.Reader)
		id := f.Batch.ID
		fail := func(err error) error { return fmt.Errorf("%s: %w", what, err) }
		if f.RetryAll {
			q.Queue(retryAllSQL, id, seconds(f.RetryAfter)).QueryRow(func(row pgx.Row) error {
				var n int32
				if err := row.Scan(&n); err != nil {
					return fail(err)
				}
				return nil
			})
		} else if len(f.Retries) > 0 {
			ids, secs := make([]int64, len(f.Retries)), make([]int32, len(f.Retries))
			for i, e := range f.Retries {
				ids[i], secs[i] = e.EventID, seconds(e.After)
			}
			q.Queue(retrySQL, id, ids, secs).QueryRow(func(row pgx.Row) error {
				var n int64
				if err := row.Scan(&n); err != nil {
					return fail(err)
				}
				return nil
			})
		}
		sql := finishSQL
		if f.Batch.Subconsumer != "" {
			sql = finishCoopSQL
		}
		q.Queue(sql, id).QueryRow(func(row pgx.Row) error {
			var n int32
			if err := row.Scan(&n); err != nil {
				return fail(err)
			}
			finished = n != 0
			return nil
		})
	}
	if r != nil {
		args := []any{r.Queue, r.Consumer, intervalOrNull(l.MinLag), countOrNull(l.MinCount), intervalOrNull(l.MinInterval)}
		sql := nextSQL
		switch {
		case r.Subconsumer != "":
			sql = nextCoopSQL
			args = append(args, r.Subconsumer, intervalOrNull(r.DeadInterval))
		case l.MaxCount > 0:
			sql = nextUpToSQL
			args = append(args[:2], l.MaxCount)
		}
		q.Queue(sql, args...).Query(func(rows pgx.Rows) error {
			for rows.Next() {
				b = &Batch{Reader: *r}
				dst := []any{&b.ID, &b.PrevTick, &b.Tick, &b.PrevTickTime, &b.TickTime,
					&b.PrevEventSeq, &b.EventSeq, &b.SQL, &b.Peers}
				if r.Subconsumer == "" {
					dst = dst[:len(dst)-1]
				}
				if err := rows.Scan(dst...); err != nil {
					return err
				}
			}
			if err := rows.Err(); err != nil {
				return fmt.Errorf("next batch of %s: %w", *r, err)
			}
			return nil
		})
	}
	if err := c.db.SendBatch(ctx, &q).Close(); err != nil {
		return false, nil, err
	}
	return finished, b, nil
}

// Touch tells the server that the subconsumer is alive, so that no other one
// takes its open batch over.
func (c *Client) Touch(ctx context.Context, r Reader) error {
	_, err := c.intResult(ctx, "touch "+r.String(), `select pgq_coop.next_batch($1, $2, $3)`, r.Queue, r.Consumer, r.Subconsumer)
	return err
}

// BatchInfo is what pgq.get_batch_info tells.
type BatchInfo struct {
	Queue    string
	Consumer string
	Start    time.Time
	End      time.Time
	PrevTick int64
	Tick     int64
	Lag      time.Duration
	SeqStart int64
	SeqEnd   int64
}

// BatchInfo describes an open batch, or returns nil for an unknown one.
func (c *Client) BatchInfo(ctx context.Context, batch int64) (*BatchInfo, error) {
	rows, err := c.db.Query(ctx, `select queue_name, consumer_name, batch_start, batch_end, prev_tick_id, tick_id, lag, seq_start, seq_end
    from pgq.get_batch_info($1) where queue_name is not null`, batch)
	if err == nil {
		var l []BatchInfo
		l, err = pgx.CollectRows(rows, pgx.RowToStructByPos[BatchInfo])
		if err == nil && len(l) > 0 {
			return &l[0], nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("get info of batch %d: %w", batch, err)
	}
	return nil, nil
}

func countOrNull(n int) any {
	if n == 0 {
		return nil
	}
	return n
}

// seconds rounds up: an event that is retried too early may fail once more.
func seconds(d time.Duration) int32 {
	return int32(min((d+time.Second-1)/time.Second, 1<<31-1))
}
