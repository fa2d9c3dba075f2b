package cascade

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"skytools/lib/db"
	"skytools/lib/pgq"
)

// hands are the connections over which a plan acts, one to a node, opened when
// first used and kept: a takeover has no time to connect while nobody can write.
type hands struct {
	c     Config
	set   *Set
	conns map[string]*pgx.Conn
	locks []*pgx.Conn
	// wait bounds each wait for a process or for a tick.
	wait time.Duration
}

// DefaultWait is how long a plan waits for a worker to answer, or to catch up.
const DefaultWait = time.Minute

// poll is how often a plan looks whether what it waits for has come. Writes may
// be disabled meanwhile.
const poll = 10 * time.Millisecond

func newHands(c Config, set *Set, wait time.Duration) *hands {
	if wait <= 0 {
		wait = DefaultWait
	}
	return &hands{c: c, set: set, conns: map[string]*pgx.Conn{}, wait: wait}
}

func (h *hands) dsn(node string) string {
	if node == h.set.Local {
		return h.c.DSN
	}
	return h.c.remote(h.set.Node(node).ConnString)
}

func (h *hands) conn(ctx context.Context, node string) (*pgx.Conn, error) {
	if conn := h.conns[node]; conn != nil && !conn.IsClosed() {
		return conn, nil
	}
	conn, err := h.c.connect(ctx, h.dsn(node))
	if err != nil {
		return nil, err
	}
	h.conns[node] = conn
	return conn, nil
}

// at acts at a node; f has as long as a look at a node may take.
func (h *hands) at(ctx context.Context, node string, f func(ctx context.Context, client *pgq.Client) error) error {
	conn, err := h.conn(ctx, node)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, h.c.timeout(), fmt.Errorf("node %s: no answer within %s", node, h.c.timeout()))
	defer cancel()
	err = f(ctx, pgq.New(conn))
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return err
}

// tx is at in one transaction.
func (h *hands) tx(ctx context.Context, node string, f func(ctx context.Context, client *pgq.Client) error) error {
	conn, err := h.conn(ctx, node)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, h.c.timeout(), fmt.Errorf("node %s: no answer within %s", node, h.c.timeout()))
	defer cancel()
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return f(ctx, pgq.New(tx)) })
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return err
}

// long is tx without a limit, for what takes as long as there are events.
func (h *hands) long(ctx context.Context, node string, f func(ctx context.Context, client *pgq.Client) error) error {
	conn, err := h.conn(ctx, node)
	if err != nil {
		return err
	}
	return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error { return f(ctx, pgq.New(tx)) })
}

// until looks at a node until f says true. A connection that breaks meanwhile
// is opened again. late gives the error when the time is over.
func (h *hands) until(ctx context.Context, limit time.Duration, node string, late func() error,
	f func(ctx context.Context, client *pgq.Client) (bool, error)) error {
	deadline := time.Now().Add(limit)
	for {
		var there bool
		err := h.at(ctx, node, func(ctx context.Context, client *pgq.Client) (err error) {
			there, err = f(ctx, client)
			return err
		})
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil && there:
			return nil
		case err != nil && (!db.IsRetryable(err) || time.Now().After(deadline)):
			return err
		case time.Now().After(deadline):
			return late()
		}
		pause := poll
		if err != nil {
			pause = 20 * poll
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
	}
}

// lock makes other plans over these nodes wait, and fail, until close. The lock
// goes with its transaction, so it works behind a pooler and ends when this
// process does. It only keeps two administrators apart; that there is one root
// does not rest on it.
func (h *hands) lock(ctx context.Context, nodes ...string) error {
	for _, node := range nodes {
		conn, err := h.c.connect(ctx, h.dsn(node))
		if err != nil {
			return fmt.Errorf("node %s: %w", node, err)
		}
		h.locks = append(h.locks, conn)
		// If this machine is lost, the lock should not stay for hours; behind a Unix socket that says nothing.
		if _, err := conn.Exec(ctx, `begin; select set_config('tcp_keepalives_idle', '30', true),
    set_config('idle_in_transaction_session_timeout', '0', true)`, pgx.QueryExecModeSimpleProtocol); err != nil {
			return fmt.Errorf("node %s: %w", node, err)
		}
		// A predecessor that was killed keeps its lock until its server has noticed.
		for deadline := time.Now().Add(h.c.timeout()); ; {
			var got bool
			var pid *int32
			err := conn.QueryRow(ctx, `select pg_try_advisory_xact_lock($1::int4, hashtext($2)), (select min(pid) from pg_catalog.pg_locks
    where locktype = 'advisory' and granted and classid = $1::int4::oid and objid = (hashtext($2)::int8 & 4294967295)::oid and pid <> pg_backend_pid()
        and database = (select oid from pg_catalog.pg_database where datname = current_database()))`, lockClass, h.c.Queue).Scan(&got, &pid)
			switch {
			case err != nil:
				return fmt.Errorf("node %s: %w", node, err)
			case got:
			case time.Now().After(deadline):
				return fmt.Errorf("node %s: another change of queue %s is under way (server process %d)", node, h.c.Queue, deref(pid))
			default:
				select {
				case <-ctx.Done():
					return context.Cause(ctx)
				case <-time.After(10 * poll):
				}
				continue
			}
			break
		}
	}
	return nil
}

// lockClass is the first key of the advisory lock: "pgqn".
const lockClass = 0x7067716e

func deref[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// tagDead is the step that makes a node known as dead at one that lives.
func (h *hands) tagDead(at, dead string) Step {
	set := func(dead string, tag bool) func(context.Context) error {
		return func(ctx context.Context) error {
			return h.at(ctx, at, func(ctx context.Context, client *pgq.Client) error {
				return client.RegisterLocation(ctx, h.c.Queue, pgq.Location{Node: dead, Dead: tag})
			})
		}
	}
	return Step{
		Node: at, Text: fmt.Sprintf("tag node %s as dead", dead),
		Done: func(ctx context.Context) (tagged bool, err error) {
			err = h.at(ctx, at, func(ctx context.Context, client *pgq.Client) error {
				l, err := client.NodeLocations(ctx, h.c.Queue)
				tagged = slices.ContainsFunc(l, func(l pgq.Location) bool { return l.Node == dead && l.Dead })
				return err
			})
			return tagged, err
		},
		Do: set(dead, true), Undo: set(dead, false),
	}
}

func (h *hands) close() {
	for _, conn := range h.locks {
		closeConn(conn)
	}
	for _, conn := range h.conns {
		closeConn(conn)
	}
	h.locks, h.conns = nil, map[string]*pgx.Conn{}
}

// state returns the state of a consumer at its node.
func (h *hands) state(ctx context.Context, node, queue, consumer string) (s *pgq.ConsumerState, err error) {
	err = h.at(ctx, node, func(ctx context.Context, client *pgq.Client) (err error) {
		s, err = client.NodeConsumerState(ctx, queue, consumer)
		return err
	})
	return s, err
}

// info returns what a node says of itself.
func (h *hands) info(ctx context.Context, node string) (i *pgq.NodeInfo, err error) {
	err = h.at(ctx, node, func(ctx context.Context, client *pgq.Client) (err error) {
		i, err = client.NodeInfo(ctx, h.c.Queue)
		if err == nil && i == nil {
			err = ErrNoNode
		}
		return err
	})
	return i, err
}

// SilentError is returned when a worker does not answer a change of its state.
type SilentError struct {
	Node, Consumer string
	Waited         time.Duration
}

func (e *SilentError) Error() string {
	return fmt.Sprintf("%s at node %s has not answered within %s: is it running?", e.Consumer, e.Node, e.Waited)
}

// accepted waits until a consumer has seen its state, which has to stay paused
// or not meanwhile.
func (h *hands) accepted(ctx context.Context, limit time.Duration, node, queue, consumer string, paused bool) error {
	return h.until(ctx, limit, node, func() error { return &SilentError{node, consumer, limit} },
		func(ctx context.Context, client *pgq.Client) (bool, error) {
			s, err := client.NodeConsumerState(ctx, queue, consumer)
			if err == nil && s.Paused != paused {
				err = fmt.Errorf("somebody else has changed %s at node %s to paused = %t meanwhile", consumer, node, s.Paused)
			}
			return err == nil && s.UpToDate, err
		})
}

// settled waits until a consumer has answered the last change of its state. A
// consumer reads its state, and answers then: if it is between the two, its
// answer would be taken for one to a change that it has not seen.
func (h *hands) settled(ctx context.Context, limit time.Duration, node, queue, consumer string) error {
	h.wake(ctx, node, queue)
	return h.until(ctx, limit, node, func() error { return &SilentError{node, consumer, limit} },
		func(ctx context.Context, client *pgq.Client) (bool, error) {
			s, err := client.NodeConsumerState(ctx, queue, consumer)
			return err == nil && s.UpToDate, err
		})
}

// isPaused tells whether a consumer stands still and knows it.
func (h *hands) isPaused(ctx context.Context, node, queue, consumer string) (bool, error) {
	s, err := h.state(ctx, node, queue, consumer)
	return err == nil && s.Paused && s.UpToDate, err
}

func (h *hands) setPaused(ctx context.Context, node, queue, consumer string, paused bool) error {
	return h.at(ctx, node, func(ctx context.Context, client *pgq.Client) error {
		_, err := client.SetConsumerPaused(ctx, queue, consumer, paused)
		return err
	})
}

// pause is the step that stops a consumer between two batches. A later failure
// lets it go on.
func (h *hands) pause(node, queue, consumer, text string) Step {
	return Step{
		Node: node, Text: text, Adopt: true,
		Done: func(ctx context.Context) (bool, error) { return h.isPaused(ctx, node, queue, consumer) },
		Do: func(ctx context.Context) error {
			if err := h.settled(ctx, h.wait, node, queue, consumer); err != nil {
				return refused(err)
			}
			if err := h.setPaused(ctx, node, queue, consumer, true); err != nil {
				return err
			}
			h.wake(ctx, node, queue)
			return h.accepted(ctx, h.wait, node, queue, consumer, true)
		},
		Undo: func(ctx context.Context) error { return h.setPaused(ctx, node, queue, consumer, false) },
	}
}

// resume is the step that lets a consumer go on. That it does is only told, not
// demanded: the change is done.
func (h *hands) resume(node, queue, consumer, text string) Step {
	return Step{
		Node: node, Text: text,
		Done: func(ctx context.Context) (bool, error) {
			s, err := h.state(ctx, node, queue, consumer)
			return err == nil && !s.Paused && s.UpToDate, err
		},
		Do: func(ctx context.Context) error {
			if err := h.setPaused(ctx, node, queue, consumer, false); err != nil {
				return err
			}
			h.wake(ctx, node, queue)
			return warn(h.accepted(ctx, h.wait, node, queue, consumer, false))
		},
	}
}

// wake makes a worker that listens for ticks of its provider look at its state
// at once. Others look within their loop_delay.
func (h *hands) wake(ctx context.Context, node, queue string) {
	i, err := h.info(ctx, node)
	if err != nil || queue != h.c.Queue {
		return
	}
	for _, n := range []string{node, i.Provider} {
		if p := h.set.Node(n); p == nil || !p.Alive() {
			continue
		}
		// Nothing depends on it.
		_ = h.at(ctx, n, func(ctx context.Context, client *pgq.Client) error { return client.Wake(ctx, queue) })
	}
}

// topOf returns the newest tick of a node's queue, 0 without one.
func topOf(ctx context.Context, client *pgq.Client, queue string) (int64, error) {
	t, err := client.LastTick(ctx, queue)
	if errors.Is(err, pgq.ErrNoTick) {
		return 0, nil
	}
	return t.ID, err
}
