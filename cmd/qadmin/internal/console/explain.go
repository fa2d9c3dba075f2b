package console

import (
	"context"
	"fmt"
	"strconv"

	"skytools/cmd/qadmin/internal/grammar"
)

// explanation collects the rows of explain event.
type explanation struct {
	rows []record
}

var explainColumns = []string{"what", "name", "state", "tick_id", "pid", "age", "application", "detail"}

// add takes the values in the order of explainColumns; missing ones are NULL.
func (e *explanation) add(values ...any) {
	r := make(record, len(explainColumns))
	for i, v := range values {
		switch v := v.(type) {
		case string:
			r[i] = []byte(v)
		case []byte:
			r[i] = v
		}
	}
	e.rows = append(e.rows, r)
}

// explainEvent tells where an event is on its way from the producer to each
// consumer, and who keeps it there.
func explainEvent(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	queue, err := s.queue(m)
	if err != nil {
		return err
	}
	id := m.Value("event")
	table, err := s.events(ctx, queue)
	if err != nil {
		return err
	}
	var found []record
	err = s.search(ctx, queue, table, id, func(from string) (bool, error) {
		var err error
		found, err = s.rows(ctx, `select ev_txid, tableoid::regclass, ev_time, pg_catalog.now() - ev_time, coalesce(ev_owner, 0)
  from `+table+` where ev_id = $1 and ev_txid >= $2 order by ev_txid`, id, from)
		return len(found) > 0, err
	})
	if err != nil {
		return err
	}
	e := &explanation{}
	if len(found) == 0 {
		err = s.explainAbsent(ctx, e, queue, table, id)
	}
	for _, f := range found {
		e.add("event", id, "committed", nil, nil, f[3], nil, fmt.Sprintf("by transaction %s, in %s", f[0], f[1]))
		if err = s.explainTicks(ctx, e, queue, f.text(0), f.text(4)); err != nil {
			break
		}
	}
	if err == nil {
		err = s.explainRetry(ctx, e, queue, id)
	}
	if err != nil {
		return err
	}
	return s.showRows(fmt.Sprintf("Event %s of %q:", id, queue), explainColumns, e.rows)
}

// explainTicks tells which tick makes an event visible, and what it is to each
// consumer. owner is the one that asked for it again, "0" if it is for all.
func (s *Session) explainTicks(ctx context.Context, e *explanation, queue, txid, owner string) error {
	ticks, err := s.rows(ctx, `select t.tick_id, pg_catalog.now() - t.tick_time
  from pgq.tick t join pgq.queue q on q.queue_id = t.tick_queue
 where q.queue_name = $1
   and pg_catalog.txid_visible_in_snapshot($2, t.tick_snapshot)
 order by t.tick_id limit 1`, queue, txid)
	if err != nil {
		return err
	}
	var tick any
	if len(ticks) > 0 {
		tick = ticks[0].text(0)
		e.add("tick", nil, "visible", ticks[0][0], nil, ticks[0][1], nil, "the first tick that sees it; it is in the batch that ends there or later")
	} else if err := s.explainTicker(ctx, e, queue); err != nil {
		return err
	}
	rows, err := s.rows(ctx, file("explain_consumers"), queue, tick, owner)
	if err != nil {
		return err
	}
	for _, r := range rows {
		e.add("consumer", r[0], r[1], r[2], nil, r[3], nil, r[4])
	}
	return nil
}

// explainTicker tells why there is no tick yet.
func (s *Session) explainTicker(ctx context.Context, e *explanation, queue string) error {
	rows, err := s.rows(ctx, file("explain_ticker"), queue)
	if err != nil {
		return err
	}
	for _, r := range rows {
		e.add("tick", nil, "not yet", r[0], nil, r[1], nil, r[2])
	}
	return nil
}

// explainAbsent tells about an event that no table shows.
func (s *Session) explainAbsent(ctx context.Context, e *explanation, queue, table, id string) error {
	rows, err := s.rows(ctx, file("explain_absent"), queue, id)
	if err != nil {
		return err
	}
	for _, r := range rows {
		e.add("event", id, r[0], nil, nil, nil, nil, r[1])
	}
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || len(rows) == 0 || rows[0].text(0) != "not visible" || n == 0 {
		return err
	}
	writers, err := s.rows(ctx, file("explain_writers"), table)
	if err != nil {
		return err
	}
	for _, w := range writers {
		e.add("transaction", w[0], "open", nil, w[1], w[2], w[3], w[4])
	}
	return nil
}

// explainRetry tells who asked for the event again. The retry queue is for
// administrators.
func (s *Session) explainRetry(ctx context.Context, e *explanation, queue, id string) error {
	ok, err := s.yes(ctx, "select pg_catalog.has_table_privilege('pgq.retry_queue', 'select')")
	if err != nil || !ok {
		return err
	}
	rows, err := s.rows(ctx, `select c.co_name, 'retry ' || coalesce(r.ev_retry, 1) || ' after ' || r.ev_retry_after
  from pgq.retry_queue r
  join pgq.queue q on q.queue_id = r.ev_queue
  left join pgq.subscription s on s.sub_id = r.ev_owner and s.sub_queue = r.ev_queue
  left join pgq.consumer c on c.co_id = s.sub_consumer
 where q.queue_name = $1 and r.ev_id = $2
 order by c.co_name`, queue, id)
	if err != nil {
		return err
	}
	for _, r := range rows {
		e.add("retry", r[0], "waits", nil, nil, nil, nil, r[1])
	}
	return nil
}
