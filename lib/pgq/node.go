package pgq

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// The types of nodes, as pgq_node writes them.
const (
	RootNode   = "root"
	BranchNode = "branch"
	LeafNode   = "leaf"
)

// GlobalWatermark is the consumer that holds a queue's events for nodes that
// change their provider. It reads nothing.
const GlobalWatermark = ".global_watermark"

// WatermarkConsumer is the consumer that holds the events of a provider's queue
// for all that is below a subscriber. It reads nothing.
func WatermarkConsumer(node string) string { return "." + node + ".watermark" }

// NodeError is a refusal of a function of pgq_node: a code of 400 or more, as
// it is with its text in ret_code and ret_note.
type NodeError struct {
	What string // what was tried
	Code int
	Note string
}

func (e *NodeError) Error() string { return fmt.Sprintf("%s: %s (code %d)", e.What, e.Note, e.Code) }

// NodeInfo is what pgq_node.get_node_info tells of the local node of a queue.
type NodeInfo struct {
	Type             string // root, branch or leaf
	Name             string
	GlobalWatermark  *int64 // nil on a leaf
	LocalWatermark   *int64
	Provider         string // the node itself on the root
	ProviderLocation string // connection string
	CombinedQueue    string // only of a leaf
	CombinedType     string // type of the node of CombinedQueue here, "" if there is none
	Worker           string
	Paused           bool
	UpToDate         bool
	LastTick         *int64 // of the worker; on the root the newest tick
	Attrs            string // url-encoded pairs
	TargetFor        []string
}

// nodeRow runs a function of pgq_node that returns one row, which begins with
// ret_code and ret_note, and returns the code. dest take the columns after
// these; they are scanned only below 400.
func (c *Client) nodeRow(ctx context.Context, what, sql string, args []any, dest ...any) (int, error) {
	return scanNode(c.db.QueryRow(ctx, sql, args...), what, dest...)
}

// scanNode reads the row for nodeRow.
func scanNode(row pgx.Row, what string, dest ...any) (int, error) {
	var code int
	var note *string
	if err := row.Scan(append([]any{&code, &note}, dest...)...); err != nil {
		return 0, fmt.Errorf("%s: %w", what, err)
	}
	if code >= 400 {
		e := &NodeError{What: what, Code: code}
		if note != nil {
			e.Note = *note
		}
		return code, e
	}
	return code, nil
}

// nodeDo is nodeRow for functions that return no more than the code.
func (c *Client) nodeDo(ctx context.Context, what, sql string, args ...any) (int, error) {
	return c.nodeRow(ctx, what, sql, args)
}

const nodeInfoSQL = `select ret_code, ret_note, node_type, node_name, global_watermark, local_watermark,
    provider_node, provider_location, combined_queue, combined_type, worker_name, worker_paused, worker_uptodate, worker_last_tick,
    node_attrs, target_for from pgq_node.get_node_info($1)`

// NodeInfo describes the local node of a queue. Without one it returns nil.
func (c *Client) NodeInfo(ctx context.Context, queue string) (*NodeInfo, error) {
	return scanNodeInfo(c.db.QueryRow(ctx, nodeInfoSQL, queue), "get node info of "+queue)
}

func scanNodeInfo(row pgx.Row, what string) (*NodeInfo, error) {
	var i NodeInfo
	var kind, name, provider, location, combined, combinedType, worker, attrs *string
	var paused, upToDate *bool
	code, err := scanNode(row, what,
		&kind, &name, &i.GlobalWatermark, &i.LocalWatermark, &provider, &location, &combined, &combinedType, &worker,
		&paused, &upToDate, &i.LastTick, &attrs, &i.TargetFor)
	if code == 404 {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	i.Type, i.Name, i.Provider, i.ProviderLocation = text(kind), text(name), text(provider), text(location)
	i.CombinedQueue, i.CombinedType, i.Worker, i.Attrs = text(combined), text(combinedType), text(worker), text(attrs)
	i.Paused, i.UpToDate = paused != nil && *paused, upToDate != nil && *upToDate
	return &i, nil
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// ConsumerState is the state of a cascaded consumer at its node, as
// pgq_node.get_consumer_state and pgq_node.get_worker_state tell it.
type ConsumerState struct {
	NodeType         string
	Node             string
	CompletedTick    int64
	Provider         string
	ProviderLocation string
	Paused           bool
	UpToDate         bool // the process has seen the last change of an administrator
	Error            *string
}

const consumerStateSQL = `select ret_code, ret_note, coalesce(node_type, ''), coalesce(node_name, ''), completed_tick,
    provider_node, provider_location, paused, uptodate, cur_error from pgq_node.get_consumer_state($1, $2)`

// NodeConsumerState returns the state of one cascaded consumer.
func (c *Client) NodeConsumerState(ctx context.Context, queue, consumer string) (*ConsumerState, error) {
	var s ConsumerState
	if err := s.scan(c.db.QueryRow(ctx, consumerStateSQL, queue, consumer), "get state of "+queue+"/"+consumer); err != nil {
		return nil, err
	}
	return &s, nil
}

func (s *ConsumerState) scan(row pgx.Row, what string) error {
	var tick *int64
	var provider, location *string
	var paused, upToDate *bool
	if _, err := scanNode(row, what, &s.NodeType, &s.Node, &tick, &provider, &location, &paused, &upToDate, &s.Error); err != nil {
		return err
	}
	s.fill(tick, provider, location, paused, upToDate)
	return nil
}

func (s *ConsumerState) fill(tick *int64, provider, location *string, paused, upToDate *bool) {
	if tick != nil {
		s.CompletedTick = *tick
	}
	s.Provider, s.ProviderLocation = text(provider), text(location)
	s.Paused, s.UpToDate = paused != nil && *paused, upToDate != nil && *upToDate
}

// WorkerState is the state of a node's worker.
type WorkerState struct {
	ConsumerState
	Worker          string
	GlobalWatermark *int64
	LocalWatermark  *int64
	LocalTop        *int64 // newest tick of the local queue, nil on a leaf
	CombinedQueue   string
	CombinedType    string
}

// WorkerState returns the state of the worker of the local node.
func (c *Client) WorkerState(ctx context.Context, queue string) (*WorkerState, error) {
	var s WorkerState
	var tick *int64
	var provider, location, worker, combined, combinedType *string
	var paused, upToDate *bool
	_, err := c.nodeRow(ctx, "get worker state of "+queue, `select ret_code, ret_note, coalesce(node_type, ''), coalesce(node_name, ''), completed_tick,
    provider_node, provider_location, paused, uptodate, cur_error, worker_name, global_watermark, local_watermark, local_queue_top,
    combined_queue, combined_type from pgq_node.get_worker_state($1)`, []any{queue},
		&s.NodeType, &s.Node, &tick, &provider, &location, &paused, &upToDate, &s.Error, &worker, &s.GlobalWatermark, &s.LocalWatermark, &s.LocalTop,
		&combined, &combinedType)
	if err != nil {
		return nil, err
	}
	s.fill(tick, provider, location, paused, upToDate)
	s.Worker, s.CombinedQueue, s.CombinedType = text(worker), text(combined), text(combinedType)
	return &s, nil
}

// Location is a member of a cascaded queue as a node knows it.
type Location struct {
	Node       string
	ConnString string
	Dead       bool
}

// NodeLocations returns the members that the local node knows, by name.
func (c *Client) NodeLocations(ctx context.Context, queue string) ([]Location, error) {
	return nodeRows[Location](ctx, c, "get locations of "+queue,
		`select node_name, node_location, dead from pgq_node.get_queue_locations($1) order by node_name`, queue)
}

// Subscriber is a node that reads from the local one.
type Subscriber struct {
	Node      string
	Worker    string
	Watermark *int64
}

// NodeSubscribers returns the subscribers of the local node, by name.
func (c *Client) NodeSubscribers(ctx context.Context, queue string) ([]Subscriber, error) {
	return nodeRows[Subscriber](ctx, c, "get subscribers of "+queue,
		`select node_name, worker_name, node_watermark from pgq_node.get_subscriber_info($1) order by node_name`, queue)
}

// NodeConsumer is a cascaded consumer of the local node, its worker included.
type NodeConsumer struct {
	Consumer string
	Provider string
	LastTick int64
	Paused   bool
	UpToDate bool
	Error    *string
}

// NodeConsumers returns the cascaded consumers of the local node, by name.
func (c *Client) NodeConsumers(ctx context.Context, queue string) ([]NodeConsumer, error) {
	return nodeRows[NodeConsumer](ctx, c, "get cascaded consumers of "+queue,
		`select consumer_name, provider_node, last_tick_id, paused, uptodate, cur_error from pgq_node.get_consumer_info($1) order by consumer_name`, queue)
}

func nodeRows[T any](ctx context.Context, c *Client, what, sql string, args ...any) ([]T, error) {
	rows, err := c.db.Query(ctx, sql, args...)
	if err == nil {
		var l []T
		l, err = pgx.CollectRows(rows, pgx.RowToStructByPos[T])
		if err == nil {
			return l, nil
		}
	}
	return nil, fmt.Errorf("%s: %w", what, err)
}

// RegisterLocation makes a member known, or changes it. An empty ConnString
// keeps what is known. On the root it becomes an event for all nodes.
func (c *Client) RegisterLocation(ctx context.Context, queue string, l Location) error {
	_, err := c.nodeDo(ctx, "register location of "+l.Node, `select ret_code, ret_note from pgq_node.register_location($1, $2, $3, $4)`,
		queue, l.Node, orNull(l.ConnString), l.Dead)
	return err
}

// UnregisterLocation forgets a member. On the root it becomes an event for all
// nodes.
func (c *Client) UnregisterLocation(ctx context.Context, queue, node string) error {
	_, err := c.nodeDo(ctx, "unregister location of "+node, `select ret_code, ret_note from pgq_node.unregister_location($1, $2)`, queue, node)
	return err
}

// NewNode is what CreateNode makes.
type NewNode struct {
	Type, Name, Worker string
	Provider           string // not on the root
	GlobalWatermark    int64  // not on the root: where it begins
	CombinedQueue      string // only of a leaf
}

// CreateNode makes the local node. Its location and that of its provider must
// be known.
func (c *Client) CreateNode(ctx context.Context, queue string, n NewNode) error {
	var watermark any
	if n.Type != RootNode {
		watermark = n.GlobalWatermark
	}
	_, err := c.nodeDo(ctx, fmt.Sprintf("create %s node %s", n.Type, n.Name),
		`select ret_code, ret_note from pgq_node.create_node($1, $2, $3, $4, $5, $6, $7)`,
		queue, n.Type, n.Name, n.Worker, orNull(n.Provider), watermark, orNull(n.CombinedQueue))
	return err
}

// DropNode drops the local node with its queue if it has that name, else
// forgets a node.
func (c *Client) DropNode(ctx context.Context, queue, node string) error {
	_, err := c.nodeDo(ctx, "drop node "+node, `select ret_code, ret_note from pgq_node.drop_node($1, $2)`, queue, node)
	return err
}

// SetNodeAttrs sets the attributes of the local node, url-encoded pairs.
func (c *Client) SetNodeAttrs(ctx context.Context, queue, attrs string) error {
	_, err := c.nodeDo(ctx, "set node attributes of "+queue, `select ret_code, ret_note from pgq_node.set_node_attrs($1, $2)`, queue, attrs)
	return err
}

// DemoteRoot does one of the three steps that make the root a branch, and
// returns the last tick with the second and the third. It is an error if the
// node is no root.
func (c *Client) DemoteRoot(ctx context.Context, queue string, step int, newProvider string) (tick int64, err error) {
	var last *int64
	code, err := c.nodeRow(ctx, fmt.Sprintf("demote root of %s, step %d", queue, step),
		`select ret_code, ret_note, last_tick from pgq_node.demote_root($1, $2, $3)`, []any{queue, step, newProvider}, &last)
	if err == nil && code == 301 {
		err = fmt.Errorf("demote root of %s: node is not root", queue)
	}
	if last != nil {
		tick = *last
	}
	return tick, err
}

// PromoteBranch makes the local branch the root.
func (c *Client) PromoteBranch(ctx context.Context, queue string) error {
	code, err := c.nodeDo(ctx, "promote branch of "+queue, `select ret_code, ret_note from pgq_node.promote_branch($1)`, queue)
	if err == nil && code == 301 {
		err = fmt.Errorf("promote branch of %s: node is not a branch", queue)
	}
	return err
}

// RegisterSubscriber makes a node a subscriber of the local one, with its
// worker at a tick, or at the global watermark, which is returned, if tick is
// nil.
func (c *Client) RegisterSubscriber(ctx context.Context, queue, node, worker string, tick *int64) (watermark int64, err error) {
	var wm *int64
	_, err = c.nodeRow(ctx, "register subscriber "+node,
		`select ret_code, ret_note, global_watermark from pgq_node.register_subscriber($1, $2, $3, $4)`, []any{queue, node, worker, tick}, &wm)
	if wm != nil {
		watermark = *wm
	}
	return watermark, err
}

// UnregisterSubscriber removes a subscriber of the local node and tells whether
// it was one.
func (c *Client) UnregisterSubscriber(ctx context.Context, queue, node string) (bool, error) {
	code, err := c.nodeDo(ctx, "unregister subscriber "+node, `select ret_code, ret_note from pgq_node.unregister_subscriber($1, $2)`, queue, node)
	return err == nil && code == 200, err
}

// SetSubscriberWatermark tells the provider which events all that is below a
// subscriber has.
func (c *Client) SetSubscriberWatermark(ctx context.Context, queue, node string, tick int64) error {
	_, err := c.nodeDo(ctx, "set watermark of subscriber "+node,
		`select ret_code, ret_note from pgq_node.set_subscriber_watermark($1, $2, $3)`, queue, node, tick)
	return err
}

// RegisterNodeConsumer registers a cascaded consumer at the local node.
func (c *Client) RegisterNodeConsumer(ctx context.Context, queue, consumer, provider string, tick int64) error {
	_, err := c.nodeDo(ctx, "register cascaded consumer "+consumer,
		`select ret_code, ret_note from pgq_node.register_consumer($1, $2, $3, $4)`, queue, consumer, provider, tick)
	return err
}

// UnregisterNodeConsumer removes a cascaded consumer of the local node.
func (c *Client) UnregisterNodeConsumer(ctx context.Context, queue, consumer string) error {
	_, err := c.nodeDo(ctx, "unregister cascaded consumer "+consumer,
		`select ret_code, ret_note from pgq_node.unregister_consumer($1, $2)`, queue, consumer)
	return err
}

// ChangeConsumerProvider makes a cascaded consumer read from another node.
func (c *Client) ChangeConsumerProvider(ctx context.Context, queue, consumer, provider string) error {
	_, err := c.nodeDo(ctx, "change provider of "+consumer,
		`select ret_code, ret_note from pgq_node.change_consumer_provider($1, $2, $3)`, queue, consumer, provider)
	return err
}

// SetConsumerPaused asks a cascaded consumer to pause or to go on; it has done
// so when its state is up to date. It returns false if that was asked already.
func (c *Client) SetConsumerPaused(ctx context.Context, queue, consumer string, paused bool) (changed bool, err error) {
	what := "resume "
	if paused {
		what = "pause "
	}
	code, err := c.nodeDo(ctx, what+consumer, `select ret_code, ret_note from pgq_node.set_consumer_paused($1, $2, $3)`, queue, consumer, paused)
	return err == nil && code == 200, err
}

// SetConsumerUpToDate acknowledges an administrator's change.
func (c *Client) SetConsumerUpToDate(ctx context.Context, queue, consumer string, upToDate bool) error {
	_, err := c.nodeDo(ctx, "acknowledge state of "+consumer,
		`select ret_code, ret_note from pgq_node.set_consumer_uptodate($1, $2, $3)`, queue, consumer, upToDate)
	return err
}

// SetConsumerCompleted stores the position of a cascaded consumer at its node,
// and clears its error.
func (c *Client) SetConsumerCompleted(ctx context.Context, queue, consumer string, tick int64) error {
	_, err := c.nodeDo(ctx, fmt.Sprintf("set position of %s to tick %d", consumer, tick),
		`select ret_code, ret_note from pgq_node.set_consumer_completed($1, $2, $3)`, queue, consumer, tick)
	return err
}

// SetConsumerError shows an error of a cascaded consumer at its node; "" clears
// it.
func (c *Client) SetConsumerError(ctx context.Context, queue, consumer, message string) error {
	_, err := c.nodeDo(ctx, "set error of "+consumer,
		`select ret_code, ret_note from pgq_node.set_consumer_error($1, $2, $3)`, queue, consumer, orNull(message))
	return err
}

// SetGlobalWatermark moves the global watermark of the local node; on the root
// it becomes an event for all nodes, and nil stands for the local watermark.
func (c *Client) SetGlobalWatermark(ctx context.Context, queue string, tick *int64) error {
	_, err := c.nodeDo(ctx, "set global watermark of "+queue, `select ret_code, ret_note from pgq_node.set_global_watermark($1, $2)`, queue, tick)
	return err
}

// SetPartWatermark moves the worker of a part queue's leaf to a tick that the
// combined queue's branch has got to.
func (c *Client) SetPartWatermark(ctx context.Context, combined, part string, tick int64) error {
	_, err := c.nodeDo(ctx, fmt.Sprintf("set watermark of %s in %s", part, combined),
		`select ret_code, ret_note from pgq_node.set_partition_watermark($1, $2, $3)`, combined, part, tick)
	return err
}

const insertTickSQL = `select pgq.ticker($1, $2, $3, $4)::int8`

// InsertTick makes a tick of a queue with an external ticker: with the id and
// time of the provider's, and the snapshot of now.
func (c *Client) InsertTick(ctx context.Context, queue string, id int64, at time.Time, eventSeq int64) error {
	_, err := c.intResult(ctx, fmt.Sprintf("make tick %d of %s", id, queue), insertTickSQL, queue, id, at, eventSeq)
	return err
}

// LockNode locks the row of the local node until the end of the transaction:
// no function that changes the type of the node gets by.
func (c *Client) LockNode(ctx context.Context, queue string) error {
	var name string
	if err := c.db.QueryRow(ctx, `select node_name from pgq_node.node_info where queue_name = $1 for update`, queue).Scan(&name); err != nil {
		return fmt.Errorf("lock the node of %s: %w", queue, err)
	}
	return nil
}

// WritesDisabled tells whether a queue takes neither events nor ticks from its
// own server, as on a branch, and on a root that is about to be demoted.
func (c *Client) WritesDisabled(ctx context.Context, queue string) (disabled bool, err error) {
	err = c.db.QueryRow(ctx, `select queue_disable_insert and queue_external_ticker from pgq.queue where queue_name = $1`, queue).Scan(&disabled)
	if err != nil {
		err = fmt.Errorf("ask whether %s is disabled: %w", queue, err)
	}
	return disabled, err
}

// LongWriter names a session whose transaction is older than age and has
// written to a queue, if the role may see it; "" without one.
func (c *Client) LongWriter(ctx context.Context, queue string, age time.Duration) (who string, err error) {
	err = c.db.QueryRow(ctx, `select coalesce(min(format('server process %s (%s, %s)', a.pid, a.usename, a.application_name)), '')
    from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid
    where l.locktype = 'relation' and l.mode = 'RowExclusiveLock' and l.granted and a.datname = current_database()
        and a.xact_start < clock_timestamp() - $2::interval
        and l.relation in (select i.inhrelid from pg_catalog.pg_inherits i join pgq.queue q on i.inhparent = q.queue_data_pfx::regclass
            where q.queue_name = $1)`, queue, interval(age)).Scan(&who)
	if err != nil {
		err = fmt.Errorf("look for writers of %s: %w", queue, err)
	}
	return who, err
}

// LimitLocks bounds the waits for locks until the end of the transaction.
func (c *Client) LimitLocks(ctx context.Context, limit time.Duration) error {
	_, err := c.db.Exec(ctx, `select set_config('lock_timeout', $1, true)`, fmt.Sprint(max(1, limit.Milliseconds())))
	return err
}

// Wake wakes those who listen for ticks of a queue, as a tick does. Where ticks
// are not announced it does nothing: who is woken once relies on it.
func (c *Client) Wake(ctx context.Context, queue string) error {
	_, err := c.db.Exec(ctx, `select pg_notify($1, $2 || ':9223372036854775807') where pgq.version() >= '4'`, Channel, queue)
	return err
}
