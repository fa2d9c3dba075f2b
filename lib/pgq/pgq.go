// Package pgq is a typed client of the SQL functions of PgQ: the schemas pgq,
// pgq_coop, pgq_ext and pgq_node. It is the only Go code that knows them. It
// works against our 4.0 and against upstream's 3.x. It holds no loop and keeps
// no state: lib/consumer, lib/ticker and lib/cascade do.
package pgq

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"skytools/lib/db"
)

// Client calls the functions over one connection, pool or transaction.
type Client struct {
	db    db.DB
	async bool
}

// New returns a client over d.
func New(d db.DB) *Client { return &Client{db: d} }

// Async returns a client whose Turn does not wait until its commit is on the
// server's disk. If the server crashes then, the last turns may be undone: a
// finished batch comes again, an open one gets another id and may get another
// end. That is no worse than a crash just before the turn, unless somebody
// remembers the id or the end of an open batch.
func (c *Client) Async() *Client { return &Client{db: c.db, async: true} }

// Now returns the server's clock.
func (c *Client) Now(ctx context.Context) (t time.Time, err error) {
	err = c.db.QueryRow(ctx, `select clock_timestamp()`).Scan(&t)
	if err != nil {
		err = fmt.Errorf("read the server's clock: %w", err)
	}
	return t, err
}

// Info tells what the database offers.
type Info struct {
	PgQ   string // pgq.version(); "unknown" if the schema is there without an extension
	Coop  bool   // schema pgq_coop
	Ext   bool   // schema pgq_ext
	Node  bool   // schema pgq_node
	Major int    // the first number of PgQ, 0 if unknown
	UpTo  bool   // Limits.MaxCount works
	Bulk  bool   // InsertBulk works
}

// Notifies tells whether ticks are announced by NOTIFY on Channel.
func (i Info) Notifies() bool { return i.Major >= 4 }

// ErrNotInstalled is returned by Inspect for a database without pgq.
var ErrNotInstalled = errors.New("pgq is not installed in this database")

// Inspect asks what is installed.
func (c *Client) Inspect(ctx context.Context) (Info, error) {
	var i Info
	var pgq bool
	err := c.db.QueryRow(ctx, `select to_regprocedure('pgq.version()') is not null,
    to_regprocedure('pgq.next_batch_upto(text,text,integer)') is not null,
    to_regprocedure('pgq.insert_events(text,text[],text[],text[],text[],text[],text[])') is not null,
    exists (select from pg_catalog.pg_namespace where nspname = 'pgq_coop'),
    exists (select from pg_catalog.pg_namespace where nspname = 'pgq_ext'),
    exists (select from pg_catalog.pg_namespace where nspname = 'pgq_node')`).Scan(&pgq, &i.UpTo, &i.Bulk, &i.Coop, &i.Ext, &i.Node)
	if err != nil {
		return i, fmt.Errorf("inspect database: %w", err)
	}
	if !pgq {
		return i, ErrNotInstalled
	}
	// Upstream's schema without an extension gives NULL.
	err = c.db.QueryRow(ctx, `select coalesce(pgq.version(), 'unknown')`).Scan(&i.PgQ)
	if err != nil {
		return i, fmt.Errorf("ask for the version of pgq: %w", err)
	}
	major, _, _ := strings.Cut(i.PgQ, ".")
	i.Major, _ = strconv.Atoi(major)
	return i, nil
}

// intResult runs a function that returns one integer; NULL is 0.
func (c *Client) intResult(ctx context.Context, what, sql string, args ...any) (int64, error) {
	var n *int64
	if err := c.db.QueryRow(ctx, sql, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	if n == nil {
		return 0, nil
	}
	return *n, nil
}

// boolResult runs a function that returns one boolean or a 0/1 integer.
func (c *Client) boolResult(ctx context.Context, what, sql string, args ...any) (bool, error) {
	n, err := c.intResult(ctx, what, sql, args...)
	return n != 0, err
}

// CreateQueue creates a queue and tells whether it is new.
func (c *Client) CreateQueue(ctx context.Context, queue string) (created bool, err error) {
	return c.boolResult(ctx, "create queue "+queue, `select pgq.create_queue($1)::int8`, queue)
}

// DropQueue drops a queue; with force even if consumers are registered.
func (c *Client) DropQueue(ctx context.Context, queue string, force bool) error {
	_, err := c.intResult(ctx, "drop queue "+queue, `select pgq.drop_queue($1, $2)::int8`, queue, force)
	return err
}

// SetQueueConfig sets one parameter, named without its queue_ prefix.
func (c *Client) SetQueueConfig(ctx context.Context, queue, name, value string) error {
	_, err := c.intResult(ctx, "configure queue "+queue, `select pgq.set_queue_config($1, $2, $3)::int8`, queue, name, value)
	return err
}

// Register registers a consumer at the newest tick and tells whether it is new.
func (c *Client) Register(ctx context.Context, queue, consumer string) (created bool, err error) {
	return c.boolResult(ctx, "register "+consumer+" on "+queue,
		`select pgq.register_consumer($1, $2)::int8`, queue, consumer)
}

// RegisterAt registers a consumer at a tick, or moves a registered one there,
// which drops its open batch.
func (c *Client) RegisterAt(ctx context.Context, queue, consumer string, tick int64) (created bool, err error) {
	return c.boolResult(ctx, fmt.Sprintf("register %s on %s at tick %d", consumer, queue, tick),
		`select pgq.register_consumer_at($1, $2, $3)::int8`, queue, consumer, tick)
}

// Unregister removes a consumer with all its subconsumers and returns how many
// registrations there were.
func (c *Client) Unregister(ctx context.Context, queue, consumer string) (int64, error) {
	return c.intResult(ctx, "unregister "+consumer+" from "+queue,
		`select pgq.unregister_consumer($1, $2)::int8`, queue, consumer)
}

// RegisterSub registers a subconsumer, and its consumer if need be.
func (c *Client) RegisterSub(ctx context.Context, queue, consumer, sub string) (created bool, err error) {
	return c.boolResult(ctx, "register "+consumer+"."+sub+" on "+queue,
		`select pgq_coop.register_subconsumer($1, $2, $3)::int8`, queue, consumer, sub)
}

// UnregisterSub removes a subconsumer. If it has an open batch this is an
// error, unless dropBatch is given: then the events of that batch are lost.
func (c *Client) UnregisterSub(ctx context.Context, queue, consumer, sub string, dropBatch bool) (removed bool, err error) {
	handling := 0
	if dropBatch {
		handling = 1
	}
	return c.boolResult(ctx, "unregister "+consumer+"."+sub+" from "+queue,
		`select pgq_coop.unregister_subconsumer($1, $2, $3, $4)::int8`, queue, consumer, sub, handling)
}

// Tick is one tick of a queue.
type Tick struct {
	ID       int64
	Time     time.Time
	Snapshot string // txid_snapshot as text, xmin:xmax:xip,xip
	EventSeq int64
}

const tickColumns = `t.tick_id, t.tick_time, t.tick_snapshot::text, t.tick_event_seq
    from pgq.tick t join pgq.queue q on q.queue_id = t.tick_queue and q.queue_name = $1`

// ErrNoTick is returned when no tick is where one was looked for.
var ErrNoTick = errors.New("no such tick")

func (c *Client) tick(ctx context.Context, queue, what, where string, args ...any) (Tick, error) {
	var t Tick
	err := c.db.QueryRow(ctx, `select `+tickColumns+` `+where, append([]any{queue}, args...)...).
		Scan(&t.ID, &t.Time, &t.Snapshot, &t.EventSeq)
	if errors.Is(err, pgx.ErrNoRows) {
		if known, kerr := c.QueueExists(ctx, queue); kerr == nil && !known {
			err = fmt.Errorf("%w: %s", ErrUnknownQueue, queue)
		} else {
			err = ErrNoTick
		}
	}
	if err != nil {
		return t, fmt.Errorf("look for %s of %s: %w", what, queue, err)
	}
	return t, nil
}

// QueueExists tells whether the queue exists.
func (c *Client) QueueExists(ctx context.Context, queue string) (bool, error) {
	return c.boolResult(ctx, "look for queue "+queue, `select count(*) from pgq.queue where queue_name = $1`, queue)
}

// LastTick returns the newest tick.
func (c *Client) LastTick(ctx context.Context, queue string) (Tick, error) {
	return c.tick(ctx, queue, "the newest tick", `order by t.tick_id desc limit 1`)
}

// FirstTick returns the oldest tick that is still there.
func (c *Client) FirstTick(ctx context.Context, queue string) (Tick, error) {
	return c.tick(ctx, queue, "the oldest tick", `order by t.tick_id limit 1`)
}

// TickByID returns the tick with the id.
func (c *Client) TickByID(ctx context.Context, queue string, id int64) (Tick, error) {
	return c.tick(ctx, queue, fmt.Sprintf("tick %d", id), `where t.tick_id = $2`, id)
}

// TickBefore returns the newest tick that is not younger than the time: who
// reads from there misses no event that was committed after it.
func (c *Client) TickBefore(ctx context.Context, queue string, at time.Time) (Tick, error) {
	return c.tick(ctx, queue, "a tick before "+at.Format(time.RFC3339),
		`where t.tick_time <= $2 order by t.tick_id desc limit 1`, at)
}

// ForceTick makes the next call of the ticker tick for sure, and returns the
// newest tick so far.
func (c *Client) ForceTick(ctx context.Context, queue string) (int64, error) {
	return c.intResult(ctx, "force a tick of "+queue, `select pgq.force_tick($1)::int8`, queue)
}

// Ticker makes a tick if one is due, and returns its id, else 0.
func (c *Client) Ticker(ctx context.Context, queue string) (int64, error) {
	return c.intResult(ctx, "tick "+queue, `select pgq.ticker($1)::int8`, queue)
}

// QueueInfo is a row of pgq.get_queue_info.
type QueueInfo struct {
	Name            string
	Ntables         int
	CurTable        int
	RotationPeriod  time.Duration
	SwitchTime      time.Time
	ExternalTicker  bool
	TickerPaused    bool
	TickerMaxCount  int
	TickerMaxLag    time.Duration
	TickerIdle      time.Duration
	TickerLag       *time.Duration
	EventsPerSecond *float64
	NewEvents       *int64
	LastTick        *int64
}

// QueueInfo describes a queue, or all queues for the empty name.
func (c *Client) QueueInfo(ctx context.Context, queue string) ([]QueueInfo, error) {
	rows, err := c.db.Query(ctx, `select queue_name, queue_ntables, queue_cur_table, queue_rotation_period, queue_switch_time,
    queue_external_ticker, queue_ticker_paused, queue_ticker_max_count, queue_ticker_max_lag, queue_ticker_idle_period,
    ticker_lag, ev_per_sec, ev_new, last_tick_id from pgq.get_queue_info($1)`, orNull(queue))
	if err == nil {
		var l []QueueInfo
		l, err = pgx.CollectRows(rows, pgx.RowToStructByPos[QueueInfo])
		if err == nil {
			return l, nil
		}
	}
	return nil, fmt.Errorf("get queue info: %w", err)
}

// ConsumerInfo is a row of pgq.get_consumer_info.
type ConsumerInfo struct {
	Queue         string
	Consumer      string
	Lag           *time.Duration
	LastSeen      time.Duration
	LastTick      *int64
	CurrentBatch  *int64
	NextTick      *int64
	PendingEvents *int64
}

// ConsumerInfo describes the consumers; an empty name stands for all.
func (c *Client) ConsumerInfo(ctx context.Context, queue, consumer string) ([]ConsumerInfo, error) {
	rows, err := c.db.Query(ctx, `select queue_name, consumer_name, lag, last_seen, last_tick, current_batch, next_tick, pending_events
    from pgq.get_consumer_info($1, $2)`, orNull(queue), orNull(consumer))
	if err == nil {
		var l []ConsumerInfo
		l, err = pgx.CollectRows(rows, pgx.RowToStructByPos[ConsumerInfo])
		if err == nil {
			return l, nil
		}
	}
	return nil, fmt.Errorf("get consumer info: %w", err)
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// interval renders a duration as an interval parameter. Text goes through
// every query mode of the driver, a time.Duration does not. Before 15 the
// server takes no field over 31 bits, so microseconds alone would end at 35
// minutes.
func interval(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	return fmt.Sprintf("%s%d:%02d:%02d.%06d", sign, d/time.Hour, d/time.Minute%60, d/time.Second%60, d/time.Microsecond%1e6)
}

// intervalOrNull gives NULL for 0.
func intervalOrNull(d time.Duration) any {
	if d == 0 {
		return nil
	}
	return interval(d)
}
