package ticker

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"

	"skytools/lib/db"
	"skytools/lib/log"
)

// A Dialer opens the connections to the databases of one server.
type Dialer struct {
	cfg    *pgx.ConnConfig
	parse  func(database string) (*pgx.ConnConfig, error)
	logger *slog.Logger
}

const (
	// connectTimeout counts where the connection string names none.
	connectTimeout = 15 * time.Second
	// cancelDelay is how long a statement that shall end may go on.
	cancelDelay = 500 * time.Millisecond
	// cancelGrace is how long a server may take to answer a cancel request
	// before the connection is given up.
	cancelGrace = 3 * time.Second
)

// NewDialer checks the connection string. What it says about a database is
// only used by Database.
func NewDialer(connString, applicationName string, logger *slog.Logger) (*Dialer, error) {
	cfg, err := parse(connString, applicationName)
	if err != nil {
		return nil, err
	}
	// What the string refers to is read again for each connection: the
	// password file may have a line for each database, and it and the
	// certificates change while the daemon runs.
	return &Dialer{cfg: cfg, logger: logger, parse: func(database string) (*pgx.ConnConfig, error) {
		return parse(db.WithDatabase(connString, database), applicationName)
	}}, nil
}

func parse(connString, applicationName string) (*pgx.ConnConfig, error) {
	cfg, err := db.ParseUnnamed(connString, applicationName, pgx.QueryExecModeExec)
	if err != nil {
		return nil, err
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = connectTimeout
	}
	// A statement that takes too long is cancelled at the server, where it
	// might otherwise wait for a lock long after we turned away. When we are
	// told to stop, it gets the time that statements usually take.
	cfg.BuildContextWatcherHandler = func(c *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.CancelRequestContextWatcherHandler{Conn: c, CancelRequestDelay: cancelDelay, DeadlineDelay: cancelGrace}
	}
	return cfg, nil
}

// Database returns the database that the connection string names, or "".
func (d *Dialer) Database() string { return d.cfg.Database }

// limit bounds an attempt to connect: each address has its own time.
func (d *Dialer) limit() time.Duration {
	return time.Duration(1+len(d.cfg.Fallbacks))*d.cfg.ConnectTimeout + cancelGrace
}

// Connect opens a connection to the database of that name.
func (d *Dialer) Connect(ctx context.Context, database string) (*pgx.Conn, error) {
	cfg, err := d.parse(database)
	if err != nil {
		return nil, err
	}
	logger := d.logger.With(log.DB, database)
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		logger.Debug("server notice", "severity", n.Severity, "text", n.Message)
	}
	if logger.Enabled(ctx, log.LevelNoise) {
		cfg.Tracer = tracer{logger}
	}
	return db.Open(ctx, cfg)
}

// A tracer logs each query at the level of noise.
type tracer struct{ logger *slog.Logger }

func (t tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	t.logger.Log(ctx, log.LevelNoise, "query", "sql", q.SQL)
	return ctx
}

func (t tracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// closeConn says goodbye to the server, briefly.
func closeConn(ctx context.Context, c *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cancelGrace)
	defer cancel()
	_ = c.Close(ctx)
}
