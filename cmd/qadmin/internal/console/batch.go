package console

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"skytools/cmd/qadmin/internal/grammar"
	"skytools/lib/cli"
	"skytools/lib/quote"
)

// limit reads the limit of a statement: how many rows are shown, -1 for all,
// and how many are asked for. Of a limit that nobody gave it must be told when
// there are more rows, so that one more is asked for.
func limit(m *grammar.Match, without int) (shown int, asked any, err error) {
	if m.Has("all") {
		return -1, nil, nil
	}
	a, ok := m.Arg("num")
	if !ok {
		return without, without + 1, nil
	}
	n, err := strconv.Atoi(a.Token.Value)
	if err != nil {
		return 0, nil, fmt.Errorf("not a limit: %s", a.Token.Value)
	}
	return n, n, nil
}

func showBatch(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	n, asked, err := limit(m, 1000)
	if err != nil {
		return err
	}
	batch := m.Value("batch")
	if a, ok := m.Arg("consumer"); ok {
		if s.Queue == "" {
			return cli.WithHint(errors.New("no default queue"), "Choose one with: connect queue=QUEUE; or give the id of the batch.")
		}
		rows, err := s.rows(ctx, "select current_batch from pgq.get_consumer_info($1, $2)", s.Queue, a.Token.Value)
		switch {
		case err != nil:
			return err
		case len(rows) == 0:
			return fmt.Errorf("no such consumer: %s", a.Token.Value)
		case rows[0][0] == nil:
			return fmt.Errorf("no open batch: %s", a.Token.Value)
		}
		batch = rows[0].text(0)
	}
	return s.show(ctx, "Batch events:", n, `select ev_id, ev_time, ev_txid, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4
  from pgq.get_batch_events($1)
 limit $2`, batch, asked)
}

// events is the parent of a queue's event tables, quoted, to select from.
func (s *Session) events(ctx context.Context, queue string) (string, error) {
	name, err := s.value(ctx, `select pg_catalog.quote_ident(split_part(queue_data_pfx, '.', 1)) || '.'
       || pg_catalog.quote_ident(split_part(queue_data_pfx, '.', 2)) from pgq.queue where queue_name = $1`, queue)
	if err == nil && name == "" {
		err = fmt.Errorf("queue not found: %s", queue)
	}
	return name, err
}

// largeSearch is the size of event tables that are not searched without a word.
const largeSearch = 256 << 20

// search looks for an event. The tables have an index on the transaction's id
// and none on the event's, so find is first given the least transaction that can
// have made it. Ids are taken from a sequence of which each tick has a value,
// read after the tick before it took its snapshot: of a transaction that took a
// later id that snapshot says that it was running or had not begun. Where
// sequence and ticks do not belong together, which doctor finds, that is not so;
// then all tables are looked through, and of large ones it is told.
func (s *Session) search(ctx context.Context, queue, table, id string, find func(from string) (found bool, err error)) error {
	from, err := s.value(ctx, `select pg_catalog.txid_snapshot_xmin(t.tick_snapshot)
  from pgq.tick t join pgq.queue q on q.queue_id = t.tick_queue
 where q.queue_name = $1 and t.tick_event_seq < $2::bigint
 order by t.tick_id desc
offset 1 limit 1`, queue, id)
	if err != nil {
		return err
	}
	if from != "" {
		if found, err := find(from); found || err != nil {
			return err
		}
	}
	size, err := s.value(ctx, `select pg_catalog.pg_size_pretty(b) from (select sum(pg_catalog.pg_total_relation_size(h.inhrelid)) as b
  from pg_catalog.pg_inherits h where h.inhparent = $1::regclass) t where b >= $2::bigint`, table, int64(largeSearch))
	if err != nil {
		return err
	}
	if size != "" {
		s.message("Looking through %s of events, which have no index on ev_id; Ctrl-C ends it.", size)
		if err := s.flush(); err != nil {
			return err
		}
	}
	_, err = find("0")
	return err
}

func showEvents(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	n, asked, err := limit(m, 100)
	if err != nil {
		return err
	}
	queue := m.Value("queue")
	table, err := s.events(ctx, queue)
	if err != nil {
		return err
	}
	// The tables have an index on the transaction's id, and none on the event's.
	return s.show(ctx, fmt.Sprintf("Events of %q:", queue), n,
		`select ev_id, ev_time, ev_txid, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4
  from `+table+`
 order by ev_txid desc, ev_id desc
 limit $1`, asked)
}

func showEvent(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	queue, err := s.queue(m)
	if err != nil {
		return err
	}
	id := m.Value("event")
	table, err := s.events(ctx, queue)
	if err != nil {
		return err
	}
	where := []string{`select 'event table' as place, null::timestamptz as retry_after, tableoid::regclass as table_name, ` + eventColumns + `
  from ` + table + ` where ev_id = $1 and ev_txid >= $2`}
	// The retry queue is for administrators.
	if ok, err := s.yes(ctx, "select pg_catalog.has_table_privilege('pgq.retry_queue', 'select')"); err != nil {
		return err
	} else if ok {
		where = append(where, `select 'retry queue', ev_retry_after, 'pgq.retry_queue'::regclass, `+eventColumns+`
  from pgq.retry_queue r join pgq.queue q on q.queue_id = r.ev_queue where ev_id = $1 and q.queue_name = $3`)
	}
	sql := strings.Join(where, "\n union all\n")
	var args []any
	found := false
	err = s.search(ctx, queue, table, id, func(from string) (bool, error) {
		if args = []any{id, from}; len(where) > 1 {
			args = append(args, queue)
		}
		var err error
		found, err = s.yes(ctx, "select exists ("+sql+")", args...)
		return found, err
	})
	if err != nil {
		return err
	}
	if !found {
		return cli.WithHint(fmt.Errorf("event not found: %s", id), fmt.Sprintf("To see why, run: explain event %s on %s.", id, quote.Ident(queue)))
	}
	s.expand = true
	defer func() { s.expand = false }()
	return s.show(ctx, fmt.Sprintf("Event of %q:", queue), -1, sql, args...)
}

const eventColumns = "ev_id, ev_time, ev_txid, ev_owner, ev_retry, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4"

func showTick(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	n, asked, err := limit(m, 20)
	if err != nil {
		return err
	}
	queue, err := s.queue(m)
	if err != nil {
		return err
	}
	if err := s.needQueue(ctx, queue); err != nil {
		return err
	}
	return s.show(ctx, fmt.Sprintf("Ticks of %q:", queue), n, `select t.tick_id, t.tick_time, pg_catalog.now() - t.tick_time as age,
       t.tick_event_seq, t.tick_event_seq - lag(t.tick_event_seq) over (order by t.tick_id) as events, t.tick_snapshot
  from pgq.tick t join pgq.queue q on q.queue_id = t.tick_queue
 where q.queue_name = $1
 order by t.tick_id desc
 limit $2`, queue, asked)
}
