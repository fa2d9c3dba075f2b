package ticker

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"skytools/lib/db"
)

// oldestServer is the oldest version that we know to work.
const oldestServer = 140000

//go:embed probe.sql
var probeSQL string

// A probe is what a database says about itself.
type probe struct {
	serverNum     int32
	serverVersion string
	recovery      bool
	otherIso      bool // its default isolation is not read committed
	schema        bool // pgq exists
	fast          bool // so do ticker_state and tick_if
	version       string
}

// good tells whether the version of pgq is one that we can serve: NULL is
// what an installation without an extension says.
func (p *probe) good() bool { return p.version != "" && p.version[0] >= '3' }

// A session is one connection with its loop's promise to move on.
type session struct {
	conn   *pgx.Conn
	beat   Beat
	limits limits
	// wrap says that each statement which must run in READ COMMITTED needs a
	// transaction that says so. It is not set for the session: behind a pooler
	// there is none.
	wrap bool
}

// grace is what a loop may take beyond its deadlines before it counts as
// stuck.
const grace = 30 * time.Second

// do runs f with a deadline.
func (s *session) do(ctx context.Context, what string, limit time.Duration, f func(context.Context) error) error {
	return withDeadline(ctx, s.beat, what, limit, f)
}

func withDeadline(ctx context.Context, beat Beat, what string, limit time.Duration, f func(context.Context) error) error {
	beat.Within(limit + grace)
	octx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := f(octx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case octx.Err() != nil:
		return &timeoutError{what, limit}
	}
	return fmt.Errorf("%s: %w", what, err)
}

// value runs a query of one row in READ COMMITTED, in a transaction of its
// own.
func (s *session) value(ctx context.Context, sql string, args []any, dest ...any) error {
	if !s.wrap {
		return s.conn.QueryRow(ctx, sql, args...).Scan(dest...)
	}
	return pgx.BeginTxFunc(ctx, s.conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, sql, args...).Scan(dest...)
	})
}

// probe asks the database about itself.
func (s *session) probe(ctx context.Context) (*probe, error) {
	var p probe
	err := s.do(ctx, "look at the database", s.limits.probe, func(ctx context.Context) error {
		err := s.conn.QueryRow(ctx, probeSQL).Scan(&p.serverNum, &p.serverVersion, &p.recovery, &p.otherIso, &p.schema, &p.fast)
		if err != nil || !p.schema || p.serverNum < oldestServer {
			return err
		}
		var v *string
		err = s.conn.QueryRow(ctx, `select pgq.version()::text`).Scan(&v)
		if db.IsUndefinedObject(err) {
			return nil // a schema of that name, but not ours
		}
		if v != nil {
			p.version = *v
		}
		return err
	})
	s.wrap = p.otherIso
	return &p, err
}

// ticker calls pgq.ticker() and returns how many queues got a tick.
func (s *session) ticker(ctx context.Context) (n int64, err error) {
	err = s.do(ctx, "pgq.ticker()", s.limits.tick, func(ctx context.Context) error {
		return s.value(ctx, `select pgq.ticker()`, nil, &n)
	})
	return n, err
}

// queues lists the queues that pgq.ticker() would tick.
func (s *session) queues(ctx context.Context) (names []string, err error) {
	err = s.do(ctx, "list queues", s.limits.tick, func(ctx context.Context) error {
		rows, err := s.conn.Query(ctx, `select queue_name from pgq.queue
			where not queue_external_ticker and not queue_ticker_paused order by queue_name`)
		if err != nil {
			return err
		}
		names, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return names, err
}

// tickQueue calls pgq.ticker() for one queue, and returns 1 if it got a tick.
func (s *session) tickQueue(ctx context.Context, queue string) (int64, error) {
	var id *int64
	err := s.do(ctx, "pgq.ticker("+queue+")", s.limits.tick, func(ctx context.Context) error {
		return s.value(ctx, `select pgq.ticker($1)`, []any{queue}, &id)
	})
	if err != nil || id == nil {
		return 0, err
	}
	return 1, nil
}

// tickable tells whether pgq.ticker() still knows the queue.
func (s *session) tickable(ctx context.Context, queue string) (yes bool, err error) {
	err = s.do(ctx, "look for queue "+queue, s.limits.tick, func(ctx context.Context) error {
		return s.conn.QueryRow(ctx, `select exists (select 1 from pgq.queue
			where queue_name = $1 and not queue_external_ticker and not queue_ticker_paused)`, queue).Scan(&yes)
	})
	return yes, err
}

// states polls pgq.ticker_state(). It is the one query that runs often, hence
// without the driver's upper half.
func (s *session) states(ctx context.Context) (rows []queueState, err error) {
	const sql = `select queue_name, event_seq, last_tick_id, last_tick_seq, last_tick_snapshot, due, cur_snapshot from pgq.ticker_state()`
	err = s.do(ctx, "pgq.ticker_state()", s.limits.tick, func(ctx context.Context) error {
		res := s.conn.PgConn().ExecParams(ctx, sql, nil, nil, nil, nil).Read()
		if res.Err != nil {
			return res.Err
		}
		now, nowText := snapshot{}, ""
		for _, v := range res.Rows {
			if v[2] == nil { // no tick at all: pgq.ticker() makes the first one
				continue
			}
			q := queueState{queue: string(v[0]), due: string(v[5]) == "t"}
			var errs [5]error
			q.eventSeq, errs[0] = strconv.ParseInt(string(v[1]), 10, 64)
			q.tickID, errs[1] = strconv.ParseInt(string(v[2]), 10, 64)
			q.tickSeq, errs[2] = strconv.ParseInt(string(v[3]), 10, 64)
			q.tickSnap, errs[3] = parseSnapshot(string(v[4]))
			if string(v[6]) != nowText { // the same in all rows
				nowText = string(v[6])
				now, errs[4] = parseSnapshot(nowText)
			}
			q.now = now
			if err := errors.Join(errs[:]...); err != nil {
				return err
			}
			rows = append(rows, q)
		}
		return nil
	})
	return rows, err
}

// tickIf calls pgq.tick_if(), and returns the tick and the transaction that
// made it, or 0 if somebody else was faster.
func (s *session) tickIf(ctx context.Context, q *queueState) (tick, txid int64, err error) {
	var t, x *int64
	err = s.do(ctx, "pgq.tick_if("+q.queue+")", s.limits.tick, func(ctx context.Context) error {
		// the function is called first, in FROM
		return s.value(ctx, `select t, pg_catalog.txid_current_if_assigned() from pgq.tick_if($1, $2) t`,
			[]any{q.queue, q.tickID}, &t, &x)
	})
	if err != nil || t == nil || x == nil {
		return 0, 0, err
	}
	return *t, *x, nil
}

// ask runs a query that answers yes or no.
func (s *session) ask(ctx context.Context, what, sql string) (yes bool, err error) {
	err = s.do(ctx, what, s.limits.tick, func(ctx context.Context) error {
		return s.conn.QueryRow(ctx, sql).Scan(&yes)
	})
	return yes, err
}

// retry moves a portion of the events whose time has come, and returns their
// number.
func (s *session) retry(ctx context.Context) (n int64, err error) {
	err = s.do(ctx, "pgq.maint_retry_events()", s.limits.maint, func(ctx context.Context) error {
		return s.value(ctx, `select * from pgq.maint_retry_events()`, nil, &n)
	})
	return n, err
}

// An operation is an entry of the maintenance list.
type operation struct {
	Func string
	Arg  *string
}

func (o operation) String() string {
	if o.Arg == nil {
		return o.Func
	}
	return o.Func + " " + *o.Arg
}

//go:embed old_maint.sql
var oldMaintSQL string

// operations asks for the maintenance list.
func (s *session) operations(ctx context.Context) (ops []operation, err error) {
	err = s.do(ctx, "pgq.maint_operations()", s.limits.maint, func(ctx context.Context) error {
		sql := `select func_name, func_arg from pgq.maint_operations()`
		var old bool
		err := s.conn.QueryRow(ctx, `select not exists (select 1 from pg_catalog.pg_proc p
			join pg_catalog.pg_namespace n on n.oid = p.pronamespace
			where n.nspname = 'pgq' and p.proname = 'maint_operations')`).Scan(&old)
		if err != nil {
			return err
		}
		if old {
			sql = oldMaintSQL
		}
		rows, err := s.conn.Query(ctx, sql)
		if err != nil {
			return err
		}
		ops, err = pgx.CollectRows(rows, pgx.RowToStructByPos[operation])
		return err
	})
	return ops, err
}

// run runs one entry of the list and returns the number that its result
// begins with: not 0 means that it wants to be run again.
func (s *session) run(ctx context.Context, o operation) (again bool, err error) {
	if sql, ok := o.vacuum(); ok {
		return false, s.do(ctx, o.String(), s.limits.vacuum, func(ctx context.Context) error {
			_, err := s.conn.Exec(ctx, sql)
			return err
		})
	}
	// The argument goes untyped, so that text, name and the like all match.
	sql, args := `select `+quoteName(o.Func)+`()`, []any{pgx.QueryResultFormats{pgx.TextFormatCode}}
	if o.Arg != nil {
		sql, args = `select `+quoteName(o.Func)+`($1)`, append(args, *o.Arg)
	}
	err = s.do(ctx, o.String(), s.limits.maint, func(ctx context.Context) error {
		if s.wrap {
			return pgx.BeginTxFunc(ctx, s.conn, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}, func(tx pgx.Tx) error {
				again, err = wantsAgain(ctx, tx, sql, args)
				return err
			})
		}
		again, err = wantsAgain(ctx, s.conn, sql, args)
		return err
	})
	return again, err
}

// wantsAgain reads the first column of the first row, if there is one.
func wantsAgain(ctx context.Context, q db.DB, sql string, args []any) (bool, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	again := false
	if rows.Next() {
		if v := rows.RawValues(); len(v) > 0 {
			again = atoi(string(v[0])) != 0
		}
	}
	rows.Close()
	return again, rows.Err()
}

// vacuum gives the statement for an entry that names a table to vacuum.
func (o operation) vacuum() (sql string, ok bool) {
	words := strings.Fields(strings.ToLower(o.Func))
	switch cmd := strings.Join(words, " "); {
	case o.Arg == nil:
		return "", false
	case cmd == "vacuum" || cmd == "vacuum analyze":
		return cmd + " " + quoteName(*o.Arg), true
	}
	return "", false
}

// quoteName quotes a name that is cut at its first dot, as pgqd always did;
// one without a dot is in public.
func quoteName(name string) string {
	schema, rest, ok := strings.Cut(name, ".")
	if !ok {
		schema, rest = "public", name
	}
	return pgx.Identifier{schema, rest}.Sanitize()
}

// atoi is C's: blanks, a sign, and as many digits as there are.
func atoi(s string) int64 {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	end := 0
	for end < len(s) && (s[end] >= '0' && s[end] <= '9' || end == 0 && (s[0] == '-' || s[0] == '+')) {
		end++
	}
	n, err := strconv.ParseInt(s[:end], 10, 64)
	if errors.Is(err, strconv.ErrRange) {
		return 1 // a large number is not 0
	}
	return n
}
