package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"skytools/lib/db"
)

// refusals are the answers that the contract gives to a session which comes
// too late, or asks for what is not there.
var refusals = regexp.MustCompile(`^(` + strings.Join([]string{
	`Event queue not created yet`,
	`No such event queue`,
	`No such queue`,
	`no such queue`,
	`Event queue not found`,
	`cannot drop queue, consumers still attached`,
	`Not subscriber to queue: .*`,
	`batch not found`,
	`event not found`,
	`batch_retry: batch \d+ not found`,
	`Cannot find data for batch \d+`,
	`cannot reposition, tick not found: \d+`,
}, "|") + `)$`)

// steady is a queue that lives from the start to the end; the others come and go.
const steady = "steady"

var (
	queues = []string{steady, "churn1", "churn2", "churn3"}
	// keepers are registered on the steady queue from the start to the end;
	// nomad is too, but is moved about.
	keepers = []string{"keeper1", "keeper2"}
	nomad   = "nomad"
	guests  = []string{"guest1", "guest2", "guest3"}
)

// session is one user of the queues, with a connection for what it does now
// and one for a transaction that it holds open over other work.
type session struct {
	id      int
	rnd     *rand.Rand
	h       *history
	conn    *pgx.Conn
	holder  *pgx.Conn
	held    *producing
	watched bool // holder has only an old snapshot
	turns   int  // until held or watched ends
	serial  int
}

// action is what a session may do, and how often of a thousand times.
type action struct {
	name   string
	weight int
	do     func(*session, context.Context) error
}

var actions = []action{
	{"insert", 180, (*session).insert},
	{"produce", 120, (*session).produce},
	{"hold", 40, (*session).hold},
	{"tick", 130, (*session).tick},
	{"consume", 180, (*session).consume},
	{"consume in one transaction", 80, (*session).consumeAtOnce},
	{"look and leave", 40, (*session).look},
	{"finish blindly", 10, (*session).finishBlindly},
	{"register", 40, (*session).register},
	{"unregister", 12, (*session).unregister},
	{"move", 20, (*session).move},
	{"create", 15, (*session).create},
	{"drop", 4, (*session).drop},
	{"maintain", 80, (*session).maintain},
	{"retry events", 29, (*session).retryEvents},
	{"inform", 20, (*session).inform},
}

// run does things at random until done is closed.
func (s *session) run(ctx context.Context, done <-chan struct{}) {
	total := 0
	for _, a := range actions {
		total += a.weight
	}
	defer s.endHeld(ctx)
	for {
		select {
		case <-done:
			return
		default:
		}
		if s.h.failed() {
			return
		}
		n := s.rnd.IntN(total)
		i := 0
		for n >= actions[i].weight {
			n -= actions[i].weight
			i++
		}
		// far above what a turn takes: a session that hangs is a fault
		ctx, cancel := context.WithTimeout(ctx, time.Minute)
		s.turn(ctx, actions[i])
		cancel()
	}
}

func (s *session) turn(ctx context.Context, a action) {
	s.passTurn(ctx)
	err := a.do(s, ctx)
	s.h.count("turns: "+a.name, 1)
	if err == nil {
		return
	}
	if errors.Is(err, errEnded) || refusals.MatchString(message(err)) {
		s.h.count("refused: "+a.name, 1)
		return
	}
	if db.Code(err) == "40001" {
		s.h.count("serialization failures: "+a.name, 1)
		return
	}
	s.h.fault("session %d: %s: %v (%s)", s.id, a.name, err, db.Code(err))
}

// message returns a server error's text.
func message(err error) string {
	if pe := new(pgconn.PgError); errors.As(err, &pe) {
		return pe.Message
	}
	return err.Error()
}

func (s *session) chance(percent int) bool { return s.rnd.IntN(100) < percent }

func choose[T any](s *session, from []T) T { return from[s.rnd.IntN(len(from))] }

// anyQueue prefers the steady queue, so that it gets most of the work.
func (s *session) anyQueue() string {
	if s.chance(50) {
		return steady
	}
	return choose(s, queues)
}

func (s *session) anyConsumer(queue string) string {
	if queue != steady || s.chance(40) {
		return choose(s, guests)
	}
	if s.chance(25) {
		return nomad
	}
	return choose(s, keepers)
}

// one runs statements in one round trip and one transaction.
func one(ctx context.Context, conn *pgx.Conn, b *pgx.Batch) error {
	return conn.SendBatch(ctx, b).Close()
}

// ---- producers

// pending is an event of a transaction that is still open.
type pending struct {
	queue int32
	data  string
}

// producing is a transaction that puts in events.
type producing struct {
	conn   *pgx.Conn
	start  time.Time
	strict bool // REPEATABLE READ or SERIALIZABLE
	long   bool // stays open over other turns, so it must not hold a queue's row
	txid   int64
	events []pending
	saves  []int // number of events at each open savepoint
}

func (s *session) newData() string {
	s.serial++
	return fmt.Sprintf("s%d.%d", s.id, s.serial)
}

func (s *session) insert(ctx context.Context) error {
	queue, data, start := s.anyQueue(), s.newData(), time.Now()
	var id, txid int64
	var queueID int32
	var b pgx.Batch
	b.Queue("select pgq.insert_event($1, 'soak', $2)", queue, data).QueryRow(func(r pgx.Row) error { return r.Scan(&id) })
	b.Queue("select queue_id, txid_current() from pgq.queue where queue_name = $1", queue).QueryRow(func(r pgx.Row) error { return r.Scan(&queueID, &txid) })
	if err := one(ctx, s.conn, &b); err != nil {
		s.h.rolledBack(data)
		return err
	}
	s.h.committed(queueID, written{txid, data, start})
	return nil
}

func (s *session) begin(ctx context.Context, conn *pgx.Conn) (*producing, error) {
	level := choose(s, []string{"read committed", "read committed", "repeatable read", "serializable"})
	p := &producing{conn: conn, start: time.Now(), strict: level != "read committed"}
	if _, err := conn.Exec(ctx, "begin isolation level "+level); err != nil {
		return nil, err
	}
	if p.strict && s.chance(50) {
		// takes the snapshot now, before the rotations that come until it writes
		if _, err := conn.Exec(ctx, "select 1"); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// step does one thing in the transaction.
func (s *session) step(ctx context.Context, p *producing) error {
	exec := func(sql string) error {
		_, err := p.conn.Exec(ctx, sql)
		return err
	}
	switch n := s.rnd.IntN(100); {
	case n < 10:
		p.saves = append(p.saves, len(p.events))
		return exec(fmt.Sprintf("savepoint s%d", len(p.saves)))
	case n < 18 && len(p.saves) > 0:
		keep := p.saves[len(p.saves)-1]
		for _, e := range p.events[keep:] {
			s.h.rolledBack(e.data)
		}
		p.events = p.events[:keep]
		sql := fmt.Sprintf("rollback to savepoint s%d; release savepoint s%[1]d", len(p.saves))
		p.saves = p.saves[:len(p.saves)-1]
		return exec(sql)
	case n < 24 && len(p.saves) > 0:
		sql := fmt.Sprintf("release savepoint s%d", len(p.saves))
		p.saves = p.saves[:len(p.saves)-1]
		return exec(sql)
	case n < 34:
		return s.copyIn(ctx, p)
	case n < 44:
		return s.insertMany(ctx, p)
	case n < 47 && !p.strict && !p.long:
		// makes a tick that must not see this transaction's own events
		return exec(fmt.Sprintf("select pgq.ticker('%s')", s.anyQueue()))
	default:
		queue, data := s.anyQueue(), s.newData()
		return s.put(ctx, p, queue, []string{data}, func() error {
			_, err := p.conn.Exec(ctx, "select pgq.insert_event($1, 'soak', $2, $3, null, null, null)", queue, data, queue)
			return err
		})
	}
}

// copyIn puts events in by COPY.
func (s *session) copyIn(ctx context.Context, p *producing) error {
	queue := s.anyQueue()
	var lines strings.Builder
	var data []string
	for range 1 + s.rnd.IntN(5) {
		d := s.newData()
		data = append(data, d)
		fmt.Fprintf(&lines, "%s\tsoak\t%s\n", time.Now().UTC().Format("2006-01-02 15:04:05.999999Z"), d)
	}
	return s.put(ctx, p, queue, data, func() error {
		var table string
		if err := p.conn.QueryRow(ctx, "select pgq.current_event_table($1)", queue).Scan(&table); err != nil {
			return err
		}
		_, err := p.conn.PgConn().CopyFrom(ctx, strings.NewReader(lines.String()),
			"copy "+table+" (ev_time, ev_type, ev_data) from stdin")
		return err
	})
}

// insertMany puts events in by insert_events.
func (s *session) insertMany(ctx context.Context, p *producing) error {
	queue := s.anyQueue()
	var types, data []string
	for range 1 + s.rnd.IntN(5) {
		types, data = append(types, "soak"), append(data, s.newData())
	}
	return s.put(ctx, p, queue, data, func() error {
		_, err := p.conn.Exec(ctx, "select pgq.insert_events($1, $2, $3)", queue, types, data)
		return err
	})
}

// put notes which queue the events went into: it cannot be dropped before
// the transaction ends.
func (s *session) put(ctx context.Context, p *producing, queue string, data []string, do func() error) error {
	err := do()
	var id int32
	if err == nil {
		sql := "select queue_id, txid_current() from pgq.queue where queue_name = $1"
		if p.strict {
			// The C module also writes to a queue that is younger than the
			// snapshot, where there may be an older one of the same name.
			sql = "select split_part(pgq.current_event_table($1), '_', 2)::integer, txid_current()"
		}
		err = p.conn.QueryRow(ctx, sql, queue).Scan(&id, &p.txid)
	}
	for _, d := range data {
		p.events = append(p.events, pending{id, d})
	}
	return err
}

// end commits or rolls back. err is what a step ended with.
func (s *session) end(ctx context.Context, p *producing, err error) error {
	commit := err == nil && !s.chance(15)
	if commit {
		_, err = p.conn.Exec(ctx, "commit")
		commit = err == nil
	} else if _, e := p.conn.Exec(ctx, "rollback"); err == nil {
		err = e
	}
	for _, e := range p.events {
		if commit {
			s.h.committed(e.queue, written{p.txid, e.data, p.start})
		} else {
			s.h.rolledBack(e.data)
		}
	}
	return err
}

// produce runs a transaction of several events.
func (s *session) produce(ctx context.Context) error {
	p, err := s.begin(ctx, s.conn)
	if err != nil {
		return err
	}
	for range 1 + s.rnd.IntN(12) {
		if err = s.step(ctx, p); err != nil {
			break
		}
	}
	return s.end(ctx, p, err)
}

// hold begins a transaction that stays open over the next turns, or goes on
// with it. Some have only a snapshot.
func (s *session) hold(ctx context.Context) (err error) {
	if s.watched {
		return nil
	}
	if s.held == nil {
		s.turns = 1 + s.rnd.IntN(60)
		if s.chance(20) {
			_, err := s.holder.Exec(ctx, "begin isolation level repeatable read; select 1")
			s.watched = err == nil
			return err
		}
		if s.held, err = s.begin(ctx, s.holder); err != nil {
			return err
		}
		s.held.long = true
	}
	if err := s.step(ctx, s.held); err != nil {
		p := s.held
		s.held = nil
		return s.end(ctx, p, err)
	}
	return nil
}

// passTurn counts a turn of the transaction that is held open.
func (s *session) passTurn(ctx context.Context) {
	s.turns--
	if s.turns <= 0 {
		s.endHeld(ctx)
	}
}

func (s *session) endHeld(ctx context.Context) {
	var err error
	if s.watched {
		_, err = s.holder.Exec(ctx, "commit")
		s.watched = false
	}
	if p := s.held; p != nil {
		s.held = nil
		err = s.end(ctx, p, nil)
	}
	if err != nil && db.Code(err) != "40001" {
		s.h.fault("session %d: end of a long transaction: %v", s.id, err)
	}
}

// ---- ticker and maintenance

func (s *session) tick(ctx context.Context) error {
	queue := s.anyQueue()
	var err error
	switch n := s.rnd.IntN(10); {
	case n < 4:
		_, err = s.conn.Exec(ctx, "select pgq.ticker()")
	case n < 6:
		_, err = s.conn.Exec(ctx, "select pgq.ticker($1)", queue)
	case n < 7:
		var b pgx.Batch
		b.Queue("select pgq.force_tick($1)", queue)
		b.Queue("select pgq.ticker($1)", queue)
		err = one(ctx, s.conn, &b)
	default:
		_, err = s.conn.Exec(ctx, "select pgq.tick_if(queue_name, last_tick_id) from pgq.ticker_state() where due")
	}
	return err
}

// maintain does what the daemon does: each operation in its own transaction,
// again while it says so.
func (s *session) maintain(ctx context.Context) error {
	rows, err := s.conn.Query(ctx, "select func_name, func_arg from pgq.maint_operations()")
	if err != nil {
		return err
	}
	type operation struct {
		Name string
		Arg  *string
	}
	ops, err := pgx.CollectRows(rows, pgx.RowToStructByPos[operation])
	if err != nil {
		return err
	}
	for _, op := range ops {
		if op.Name == "vacuum" {
			_, err = s.conn.Exec(ctx, "vacuum "+*op.Arg)
		}
		for again := int64(1); err == nil && op.Name != "vacuum" && again != 0; {
			if op.Arg != nil {
				err = s.conn.QueryRow(ctx, "select "+op.Name+"($1)", *op.Arg).Scan(&again)
			} else {
				err = s.conn.QueryRow(ctx, "select "+op.Name+"()").Scan(&again)
			}
			s.h.count(op.Name, 1)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", op.Name, err)
		}
	}
	return nil
}

func (s *session) retryEvents(ctx context.Context) error {
	for {
		var n int
		if err := s.conn.QueryRow(ctx, "select pgq.maint_retry_events()").Scan(&n); err != nil {
			return err
		}
		s.h.count("retry events moved", n)
		if n == 0 {
			return nil
		}
	}
}

func (s *session) inform(ctx context.Context) error {
	_, err := s.conn.Exec(ctx, "select * from "+choose(s, []string{
		"pgq.get_queue_info()", "pgq.get_consumer_info()", "pgq.get_rotation_info(null)", "pgq.ticker_state()", "pgq.subscription",
	}))
	return err
}

// ---- control

func (s *session) create(ctx context.Context) error {
	queue := choose(s, queues)
	var b pgx.Batch
	b.Queue("select pgq.create_queue($1)", queue).QueryRow(func(r pgx.Row) error {
		var n int
		if err := r.Scan(&n); err != nil {
			return err
		}
		s.h.count("queues created", n)
		return nil
	})
	queueConfig(&b, queue)
	return one(ctx, s.conn, &b)
}

// queueConfig makes a queue tick at each call and rotate often.
func queueConfig(b *pgx.Batch, queue string) {
	for _, c := range [][2]string{{"ticker_max_lag", "0"}, {"ticker_idle_period", "0"}, {"rotation_period", "100 milliseconds"}} {
		b.Queue("select pgq.set_queue_config($1, $2, $3)", queue, c[0], c[1])
	}
}

func (s *session) drop(ctx context.Context) error {
	// it would wait for its own transaction
	s.endHeld(ctx)
	force := s.chance(50)
	_, err := s.conn.Exec(ctx, "select pgq.drop_queue($1, $2)", choose(s, queues[1:]), force)
	if err == nil {
		s.h.count("queues dropped", 1)
	}
	return err
}

// positionSQL shows a consumer's position in the transaction that changed it.
const positionSQL = `select s.sub_id, s.sub_queue, s.sub_last_tick, nextval('deed')
    from pgq.subscription s
    join pgq.queue q on q.queue_id = s.sub_queue
    join pgq.consumer c on c.co_id = s.sub_consumer
    where q.queue_name = $1 and c.co_name = $2`

// registerAt registers a consumer, or moves it if tick is not nil.
func (s *session) registerAt(ctx context.Context, queue, consumer string, tick *int64) error {
	var result, sub, queueID int32
	var pos, n int64
	var b pgx.Batch
	b.Queue("select pgq.register_consumer_at($1, $2, $3)", queue, consumer, tick).QueryRow(func(r pgx.Row) error { return r.Scan(&result) })
	b.Queue(positionSQL, queue, consumer).QueryRow(func(r pgx.Row) error {
		if err := r.Scan(&sub, &queueID, &pos, &n); err != nil && (tick != nil || result == 1) {
			return fmt.Errorf("registered, but not found: %w", err)
		}
		return nil
	})
	if err := one(ctx, s.conn, &b); err != nil {
		return err
	}
	switch {
	case result == 1:
		s.h.registered("registered", n, queueID, sub, pos)
	case tick != nil:
		s.h.registered("moved", n, queueID, sub, pos)
	}
	return nil
}

func (s *session) register(ctx context.Context) error {
	return s.registerAt(ctx, choose(s, queues), choose(s, guests), nil)
}

func (s *session) unregister(ctx context.Context) error {
	_, err := s.conn.Exec(ctx, "select pgq.unregister_consumer($1, $2)", choose(s, queues), choose(s, guests))
	return err
}

// move moves a consumer to any tick that is there, or to one that is not.
func (s *session) move(ctx context.Context) error {
	queue := choose(s, queues)
	consumer := nomad
	if queue != steady {
		consumer = choose(s, guests)
	}
	rows, err := s.conn.Query(ctx, `select t.tick_id from pgq.tick t join pgq.queue q on q.queue_id = t.tick_queue
		where q.queue_name = $1`, queue)
	if err != nil {
		return err
	}
	ticks, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil || len(ticks) == 0 {
		return err
	}
	tick := choose(s, ticks)
	if s.chance(5) {
		tick = 1 << 40
	}
	return s.registerAt(ctx, queue, consumer, &tick)
}

// ---- consumers

// handSQL shows the open batch of a consumer with its snapshots.
const handSQL = `select s.sub_id, s.sub_queue, s.sub_batch, pt.tick_snapshot::text, ct.tick_snapshot::text, nextval('deed')
    from pgq.subscription s
    join pgq.queue q on q.queue_id = s.sub_queue
    join pgq.consumer c on c.co_id = s.sub_consumer
    join pgq.tick pt on pt.tick_queue = s.sub_queue and pt.tick_id = s.sub_last_tick
    join pgq.tick ct on ct.tick_queue = s.sub_queue and ct.tick_id = s.sub_next_tick
    where q.queue_name = $1 and c.co_name = $2`

// hand is what a next_batch call and the look after it gave.
type hand struct {
	batch
	n     int64
	start time.Time
}

// next queues the opening of a batch. In hand, sub is 0 if another session
// ended the batch before the look at it.
func (s *session) next(b *pgx.Batch, queue, consumer string, out *hand) {
	out.start = time.Now()
	sql := "select batch_id, prev_tick_id, cur_tick_id from pgq.next_batch_info($1, $2)"
	if s.chance(20) {
		sql = "select batch_id, prev_tick_id, cur_tick_id from pgq.next_batch_custom($1, $2, null, 20, '1 second')"
	}
	var id, prev, cur *int64
	b.Queue(sql, queue, consumer).QueryRow(func(r pgx.Row) error {
		if err := r.Scan(&id, &prev, &cur); err != nil {
			return err
		}
		if id != nil {
			out.id, out.prev, out.cur = *id, *prev, *cur
		}
		return nil
	})
	b.Queue(handSQL, queue, consumer).QueryRow(func(r pgx.Row) error {
		var sub, queueID int32
		var seen, n int64
		var from, to string
		err := r.Scan(&sub, &queueID, &seen, &from, &to, &n)
		if errors.Is(err, pgx.ErrNoRows) || err == nil && seen != out.id {
			return nil
		}
		if err != nil {
			return err
		}
		if out.from, err = parseSnapshot(from); err != nil {
			return err
		}
		out.to, err = parseSnapshot(to)
		out.sub, out.queue, out.n = sub, queueID, n
		return err
	})
}

// open opens a batch in a transaction of its own.
func (s *session) open(ctx context.Context, queue, consumer string) (hand, error) {
	var h hand
	var b pgx.Batch
	s.next(&b, queue, consumer, &h)
	err := one(ctx, s.conn, &b)
	if err == nil && h.sub != 0 {
		s.h.handedOut(h.batch, h.n, h.start)
	}
	return h, err
}

// errEnded is the end of a session that reads a batch by its query, while
// another one finishes it or drops the queue: the query's tables are gone.
var errEnded = errors.New("batch ended by another session")

const columns = "ev_id, ev_txid, coalesce(ev_retry, 0), ev_data"

// readOpen reads a batch. still tells whether it was open after that: only
// then it is sure to be whole.
func (s *session) readOpen(ctx context.Context, id int64) (events []read, still bool, err error) {
	sql, args := "select "+columns+" from pgq.get_batch_events($1)", []any{id}
	if s.chance(30) {
		// as consumers of ours read
		var query string
		if err := s.conn.QueryRow(ctx, "select pgq.batch_event_sql($1)", id).Scan(&query); err != nil {
			return nil, false, err
		}
		sql, args = "select "+columns+" from ("+query+") ev", nil
	}
	var b pgx.Batch
	b.Queue(sql, args...).Query(func(rows pgx.Rows) (err error) {
		events, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (e read, err error) {
			return e, row.Scan(&e.id, &e.txid, &e.retry, &e.data)
		})
		return err
	})
	b.Queue("select queue_name is not null from pgq.get_batch_info($1)", id).QueryRow(func(r pgx.Row) error { return r.Scan(&still) })
	err = one(ctx, s.conn, &b)
	if args == nil && db.Code(err) == "42P01" {
		err = errEnded
	}
	return events, still, err
}

// finish queues the end of a batch.
func finish(b *pgx.Batch, id int64, result *int, n *int64) {
	b.Queue("select pgq.finish_batch($1)", id).QueryRow(func(r pgx.Row) error { return r.Scan(result) })
	b.Queue("select nextval('deed')").QueryRow(func(r pgx.Row) error { return r.Scan(n) })
}

// retry asks for some events again.
func (s *session) retry(ctx context.Context, id int64, events []read) ([]retryRequest, error) {
	if len(events) == 0 || !s.chance(25) {
		return nil, nil
	}
	if s.chance(20) {
		r := retryRequest{batch: id}
		err := s.conn.QueryRow(ctx, "select pgq.batch_retry($1, 0)", id).Scan(&r.count)
		return []retryRequest{r}, err
	}
	var requests []retryRequest
	for range 1 + s.rnd.IntN(2) {
		r := retryRequest{batch: id, id: choose(s, events).id}
		if err := s.conn.QueryRow(ctx, "select pgq.event_retry($1, $2, 0)", id, r.id).Scan(&r.count); err != nil {
			return requests, err
		}
		requests = append(requests, r)
	}
	return requests, nil
}

func (s *session) noteRetries(requests []retryRequest) {
	for _, r := range requests {
		s.h.retried(r)
	}
}

// consume opens, reads and finishes in transactions of their own.
func (s *session) consume(ctx context.Context) error {
	queue := s.anyQueue()
	h, err := s.open(ctx, queue, s.anyConsumer(queue))
	if err != nil || h.sub == 0 {
		return err
	}
	for range 1 + s.rnd.IntN(2) {
		events, still, err := s.readOpen(ctx, h.id)
		if err != nil || !still {
			return err
		}
		s.h.contents(h.id, events)
		requests, err := s.retry(ctx, h.id, events)
		s.noteRetries(requests)
		if err != nil {
			return err
		}
	}
	return s.finishBatch(ctx, h.id)
}

func (s *session) finishBatch(ctx context.Context, id int64) error {
	for range 1 + s.rnd.IntN(2) {
		var result int
		var n int64
		var b pgx.Batch
		finish(&b, id, &result, &n)
		if err := one(ctx, s.conn, &b); err != nil {
			return err
		}
		if result == 1 {
			s.h.finished(id, n)
		}
	}
	return nil
}

// consumeAtOnce does all in one transaction, and sometimes takes it back.
func (s *session) consumeAtOnce(ctx context.Context) error {
	level := choose(s, []string{"read committed", "read committed", "repeatable read", "serializable"})
	if _, err := s.conn.Exec(ctx, "begin isolation level "+level); err != nil {
		return err
	}
	var h hand
	var events []read
	var still bool
	var requests []retryRequest
	var result int
	var n int64
	err := func() error {
		queue := s.anyQueue()
		var b pgx.Batch
		s.next(&b, queue, s.anyConsumer(queue), &h)
		if err := one(ctx, s.conn, &b); err != nil || h.sub == 0 {
			return err
		}
		var err error
		if events, still, err = s.readOpen(ctx, h.id); err != nil || !still {
			return err
		}
		if requests, err = s.retry(ctx, h.id, events); err != nil {
			return err
		}
		b = pgx.Batch{}
		finish(&b, h.id, &result, &n)
		return one(ctx, s.conn, &b)
	}()
	if err != nil || s.chance(15) {
		if _, e := s.conn.Exec(ctx, "rollback"); err == nil {
			err = e
		}
		return err
	}
	if _, err := s.conn.Exec(ctx, "commit"); err != nil {
		return err
	}
	if h.sub == 0 {
		return nil
	}
	s.h.handedOut(h.batch, h.n, h.start)
	// In a stricter level than READ COMMITTED the batch may have been ended by
	// another session and its events truncated under the old snapshot, unless
	// this transaction was the one to finish it.
	if still && (level == "read committed" || result == 1) {
		s.h.contents(h.id, events)
	}
	s.noteRetries(requests)
	if result == 1 {
		s.h.finished(h.id, n)
	}
	return nil
}

// look opens and reads a batch, and leaves it open.
func (s *session) look(ctx context.Context) error {
	queue := s.anyQueue()
	h, err := s.open(ctx, queue, s.anyConsumer(queue))
	if err != nil || h.sub == 0 {
		return err
	}
	events, still, err := s.readOpen(ctx, h.id)
	if err == nil && still {
		s.h.contents(h.id, events)
	}
	return err
}

// finishBlindly finishes a batch without a look at it, or one that is long gone.
func (s *session) finishBlindly(ctx context.Context) error {
	queue := choose(s, queues)
	consumer := choose(s, slices.Concat(guests, []string{nomad}))
	h, err := s.open(ctx, queue, consumer)
	if err != nil || h.sub == 0 {
		return err
	}
	if s.chance(50) {
		return s.finishBatch(ctx, h.id)
	}
	return s.finishBatch(ctx, s.h.anyFinished(s.rnd.IntN))
}
