package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"skytools/lib/db"
	"skytools/lib/event"
	"skytools/lib/log"
	"skytools/lib/pgq"
)

// server is the source over one connection to PostgreSQL.
type server struct {
	opt Options
	log *slog.Logger

	conn     *pgx.Conn
	client   *pgq.Client
	listens  bool
	notified bool      // an announcement came over this connection
	start    time.Time // the server's time at the first connect
	maxCount bool      // pgq.Info.UpTo
}

func newServer(opt Options) *server {
	l := opt.Logger
	if l == nil {
		l = slog.New(slog.DiscardHandler)
	}
	return &server{opt: opt, log: l}
}

// errNoConnection is for the last finish after a stop, which may find the
// connection closed; all other calls follow a connect.
var errNoConnection = fmt.Errorf("not connected: %w", net.ErrClosed)

func (s *server) connect(ctx context.Context) error {
	s.close()
	conn, err := db.ConnectUnnamed(ctx, s.opt.DSN, s.opt.ApplicationName, pgx.QueryExecModeExec)
	if err != nil {
		return err
	}
	s.conn, s.client = conn, pgq.New(conn)
	if !s.opt.Durable {
		s.client = s.client.Async()
	}
	if s.start.IsZero() {
		if err := s.first(ctx); err != nil {
			s.close()
			return err
		}
	}
	if s.opt.NoListen {
		return nil
	}
	if err := s.listen(ctx); err != nil {
		if db.IsRetryable(err) {
			s.close()
			return err
		}
		s.log.Debug("listen", log.Err, err)
	}
	return nil
}

// listen asks for notifications, unless there is a pooler in between. That
// would leave the LISTEN behind in a session that serves others next, and not
// let the notifications through. It gives its clients other process ids than
// those of the server.
func (s *server) listen(ctx context.Context) error {
	var pid uint32
	if err := s.conn.QueryRow(ctx, "select pg_backend_pid()").Scan(&pid); err != nil {
		return err
	}
	if pid != s.conn.PgConn().PID() {
		s.log.Debug("connected through a pooler, polling")
		return nil
	}
	_, err := s.conn.Exec(ctx, "listen "+pgq.Channel)
	s.listens = err == nil
	return err
}

// first does what one connection of a run has to do.
func (s *server) first(ctx context.Context) error {
	info, err := s.client.Inspect(ctx)
	if err != nil {
		return err
	}
	r := s.opt.Reader
	s.maxCount = info.UpTo && r.Subconsumer == ""
	if r.Subconsumer != "" && !info.Coop {
		return errors.New("pgq_coop is not installed in this database")
	}
	switch {
	case !s.opt.Register:
	case r.Subconsumer != "":
		_, err = s.client.RegisterSub(ctx, r.Queue, r.Consumer, r.Subconsumer)
	default:
		_, err = s.client.Register(ctx, r.Queue, r.Consumer)
	}
	if err != nil {
		return err
	}
	s.start, err = s.client.Now(ctx)
	return err
}

func (s *server) close() {
	if s.conn == nil {
		return
	}
	// In the middle of a batch the connection is closed already.
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = s.conn.Close(ctx) // nothing is left to lose
	s.conn, s.client, s.listens, s.notified = nil, nil, false, false
}

func (s *server) turn(ctx context.Context, f *pgq.Finish, next *pgq.Limits) (bool, *pgq.Batch, error) {
	if s.conn == nil {
		return false, nil, errNoConnection
	}
	if next == nil {
		return s.client.Turn(ctx, f, nil, pgq.Limits{})
	}
	return s.client.Turn(ctx, f, &s.opt.Reader, *next)
}

func (s *server) isOpen(ctx context.Context, batch int64) (bool, error) {
	if s.conn == nil {
		return false, errNoConnection
	}
	info, err := s.client.BatchInfo(ctx, batch)
	return info != nil, err
}

func (s *server) before(ctx context.Context) error {
	if s.conn == nil {
		return errNoConnection
	}
	return s.opt.BeforeTurn(ctx, s.client)
}

// orderBy is how every query of a batch ends. Clients cut it off, which is a
// part of the contract of batch_event_sql.
const orderBy = " order by 1"

func (s *server) read(ctx context.Context, sql string, sorted bool, fn func(*event.Event) error) error {
	if !sorted {
		sql = strings.TrimSuffix(sql, orderBy)
	}
	w := &decoder{fn: fn}
	if _, err := s.conn.PgConn().CopyTo(ctx, w, "copy ("+sql+") to stdout (format binary)"); err != nil {
		return err
	}
	return w.d.Close()
}

// decoder is the writer that CopyTo writes to.
type decoder struct {
	d  event.Decoder
	fn func(*event.Event) error
}

func (w *decoder) Write(p []byte) (int, error) { return len(p), w.d.Write(p, w.fn) }

func (s *server) wait(ctx context.Context, after int64, d time.Duration) error {
	if !s.listens {
		sleep(ctx, d)
		return nil
	}
	wctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	for {
		n, err := s.conn.WaitForNotification(wctx)
		if err != nil {
			if wctx.Err() != nil && !s.conn.IsClosed() {
				return nil
			}
			return err
		}
		queue, tick, ok := parseNotification(n.Payload)
		if n.Channel == pgq.Channel && ok && queue == s.opt.Queue {
			s.notified = true
			if tick > after {
				return nil
			}
		}
	}
}

// parseNotification splits QUEUE:TICK_ID. The name may hold colons.
func parseNotification(payload string) (queue string, tick int64, ok bool) {
	i := strings.LastIndexByte(payload, ':')
	if i < 0 {
		return "", 0, false
	}
	tick, err := strconv.ParseInt(payload[i+1:], 10, 64)
	return payload[:i], tick, err == nil
}

func (s *server) upTo() bool { return s.maxCount }

func (s *server) proven() bool { return s.notified }

func (s *server) covered(ctx context.Context) (bool, error) {
	t, err := s.client.LastTick(ctx, s.opt.Queue)
	// The time of a tick is the start of its transaction, which is before its
	// snapshot: later than start, it sees all that start saw.
	return err == nil && t.Time.After(s.start), err
}

func (s *server) force(ctx context.Context) error {
	_, err := s.client.ForceTick(ctx, s.opt.Queue)
	return err
}

func (s *server) unregister(ctx context.Context) error {
	if s.conn == nil || s.conn.IsClosed() { // a stop cut off what it was doing
		if err := s.connect(ctx); err != nil {
			return err
		}
	}
	r := s.opt.Reader
	_, err := s.client.UnregisterSub(ctx, r.Queue, r.Consumer, r.Subconsumer, false)
	return err
}

func (s *server) keepAlive(ctx context.Context) (stop func()) {
	if s.opt.Subconsumer == "" || s.opt.DeadInterval == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() {
		var conn *pgx.Conn
		defer func() {
			if conn != nil {
				_ = conn.Close(context.WithoutCancel(ctx)) // best effort
			}
		}()
		for sleep(ctx, s.opt.DeadInterval/3) {
			var err error
			if conn == nil || conn.IsClosed() {
				conn, err = db.ConnectUnnamed(ctx, s.opt.DSN, s.opt.ApplicationName, pgx.QueryExecModeExec)
			}
			if err == nil {
				err = pgq.New(conn).Touch(ctx, s.opt.Reader)
			}
			if err != nil && ctx.Err() == nil {
				s.log.Warn("keep the batch alive", log.Err, err)
			}
		}
	})
	return func() {
		cancel()
		wg.Wait()
	}
}
