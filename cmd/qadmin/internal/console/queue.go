package console

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"skytools/cmd/qadmin/internal/grammar"
	"skytools/cmd/qadmin/internal/output"
	"skytools/lib/cli"
	"skytools/lib/pgq"
	"skytools/lib/quote"
)

// client returns the functions of PgQ on the connection.
func (s *Session) client(ctx context.Context) (*pgq.Client, error) {
	conn, err := s.connection(ctx)
	if err != nil {
		return nil, err
	}
	return pgq.New(conn), nil
}

// atomic makes one transaction of what f does, or a part of the one that is
// open.
func (s *Session) atomic(ctx context.Context, f func(c *pgq.Client) error) error {
	c, err := s.client(ctx)
	if err != nil {
		return err
	}
	if s.inTransaction() {
		return roleHint(f(c))
	}
	tx, err := s.conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	if err := f(pgq.New(tx)); err != nil {
		return roleHint(err)
	}
	return tx.Commit(ctx)
}

// params are the settings of the grammar by the names that the server has.
var params = map[string]string{
	"idle_period":     "ticker_idle_period",
	"max_lag":         "ticker_max_lag",
	"max_count":       "ticker_max_count",
	"paused":          "ticker_paused",
	"rotation_period": "rotation_period",
	"external_ticker": "external_ticker",
}

func setParams(ctx context.Context, c *pgq.Client, queue string, m *grammar.Match) error {
	for _, a := range m.Values() {
		if name, ok := params[a.Label]; ok {
			if err := c.SetQueueConfig(ctx, queue, name, a.Token.Value); err != nil {
				return err
			}
		}
	}
	return nil
}

func createQueue(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	queue := m.Value("queue")
	err := s.atomic(ctx, func(c *pgq.Client) error {
		created, err := c.CreateQueue(ctx, queue)
		if err != nil {
			return err
		}
		if !created && m.Has("exists") {
			s.message("Queue %q exists already and stays as it is.", queue)
			return nil
		}
		if !created {
			return fmt.Errorf("queue already exists: %s", queue)
		}
		return setParams(ctx, c, queue, m)
	})
	if err != nil {
		return err
	}
	return s.tag("CREATE")
}

// queues gives the queue of a statement, or all of them for *.
func (s *Session) queues(ctx context.Context, m *grammar.Match) ([]string, error) {
	if !m.Has("*") {
		q, err := s.queue(m)
		return []string{q}, err
	}
	return s.names(ctx, "select queue_name from pgq.queue order by queue_name")
}

// names runs a query that gives names.
func (s *Session) names(ctx context.Context, sql string, args ...any) ([]string, error) {
	rows, err := s.rows(ctx, sql, args...)
	var list []string
	for _, r := range rows {
		list = append(list, r.text(0))
	}
	return list, err
}

func alterQueue(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	queues, err := s.queues(ctx, m)
	if err != nil {
		return err
	}
	err = s.atomic(ctx, func(c *pgq.Client) error {
		for _, q := range queues {
			if err := setParams(ctx, c, q, m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.tag("ALTER")
}

func dropQueue(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	queue, force := m.Value("queue"), m.Has("force")
	consumers, err := s.value(ctx, `select count(*) from pgq.subscription s join pgq.queue q on q.queue_id = s.sub_queue where q.queue_name = $1`, queue)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("drop queue %q with its events", queue)
	if force && consumers != "0" {
		what += " and " + consumers + " consumers"
	}
	if err := s.confirm(what, false); err != nil {
		return err
	}
	c, err := s.client(ctx)
	if err != nil {
		return err
	}
	if err := c.DropQueue(ctx, queue, force); err != nil {
		if consumers != "0" && !force {
			name := quote.Ident(queue)
			err = cli.WithHint(err, fmt.Sprintf("Run first: unregister consumer * from %s; or: drop queue %s force.", name, name))
		}
		return roleHint(err)
	}
	return s.tag("DROP")
}

func tickQueue(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	queues, err := s.queues(ctx, m)
	if err != nil {
		return err
	}
	c, err := s.client(ctx)
	if err != nil {
		return err
	}
	made := 0
	for _, q := range queues {
		// Each is a transaction of its own: the event sequence, which force_tick
		// moves, is read by the ticker.
		if m.Has("force") {
			if _, err := c.ForceTick(ctx, q); err != nil {
				return roleHint(err)
			}
		}
		id, err := c.Ticker(ctx, q)
		if err != nil && m.Has("*") {
			// paused, or ticked from outside
			s.message("Queue %q: %s.", q, errorText(err))
			continue
		}
		if err != nil {
			return roleHint(err)
		}
		if id > 0 {
			made++
			s.message("Queue %q has tick %d.", q, id)
		}
	}
	if made == 0 {
		s.message("No tick was due.")
	}
	return s.tag("TICK " + strconv.Itoa(made))
}

func showQueue(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	var name any
	title := "Queues:"
	if a, ok := m.Arg("queue"); ok {
		name = a.Token.Value
	} else if !m.Has("*") && !m.Has("queues") && s.Queue != "" {
		name = s.Queue
	}
	if name != nil {
		title = fmt.Sprintf("Queue %q:", name)
		if err := s.needQueue(ctx, name.(string)); err != nil {
			return err
		}
	}
	s.warn = queueWarnings
	defer func() { s.warn = nil }()
	return s.show(ctx, title, -1, file("queue"), name)
}

// queueWarnings colours what is wrong with a queue: a tick that is long
// overdue, a queue without a ticker, and rotation that somebody holds up.
func queueWarnings(row []string) []bool {
	const maxLag, idlePeriod, paused, lag, rotation, blocker = 3, 4, 5, 6, 13, 14
	warned := make([]bool, len(row))
	limit := 2 * max(output.IntervalSeconds(row[maxLag]), output.IntervalSeconds(row[idlePeriod]))
	warned[lag] = output.IntervalSeconds(row[lag]) > limit
	warned[paused] = row[paused] == "t"
	warned[rotation] = row[rotation] != "ok" && row[rotation] != "off" && row[rotation] != "due"
	warned[blocker] = true
	return warned
}

// needQueue is an error if there is no such queue.
func (s *Session) needQueue(ctx context.Context, name string) error {
	exists, err := s.queueExists(ctx, name)
	if err == nil && !exists {
		err = fmt.Errorf("queue not found: %s", name)
	}
	return err
}

// errorText is an error on one line, as the server said it.
func errorText(err error) string {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return strings.TrimSuffix(pe.Message, ".")
	}
	return err.Error()
}
