// Package db connects to PostgreSQL and answers questions about its errors.
// It knows no table and no function of any schema.
package db

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// DB is what a query needs: a connection, a pool or a transaction.
type DB interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
}

// Connect opens one connection. dsn is a libpq connection string or URL; PG*
// variables, service and pass files give what it leaves out. applicationName
// is used when neither names one.
func Connect(ctx context.Context, dsn, applicationName string) (*pgx.Conn, error) {
	cfg, err := ParseConfig(dsn, applicationName)
	if err != nil {
		return nil, err
	}
	return Open(ctx, cfg)
}

// Open opens a connection by what ParseConfig or ParseUnnamed gave.
func Open(ctx context.Context, cfg *pgx.ConnConfig) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil && cfg.Password == "" && isAuthentication(err) {
		if path := sharedPassfile(); path != "" {
			err = fmt.Errorf("%w (password file %s is ignored because others have access to it: run chmod 0600 on it)", err, path)
		}
	}
	return conn, err
}

// ParseConfig parses dsn as Connect does. The connection speaks UTF-8 whatever
// dsn says, since all text in Go does; only the bytes of an SQL_ASCII database,
// which the server cannot convert and would refuse, come as they are.
func ParseConfig(dsn, applicationName string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	if err := forgetShared(dsn, cfg); err != nil {
		return nil, err
	}
	if err := adaptLibpq(cfg); err != nil {
		return nil, &ParseError{err}
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = applicationName
	}
	cfg.RuntimeParams["client_encoding"] = "UTF8"
	cfg.AfterConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		if conn.ParameterStatus("server_encoding") != "SQL_ASCII" {
			return nil
		}
		return conn.Exec(ctx, "set client_encoding = sql_ascii").Close()
	}
	return cfg, nil
}

// ParseError is a mistake in a connection string that pgx does not find.
type ParseError struct{ Err error }

func (e *ParseError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *ParseError) Unwrap() error { return e.Err }

// ConnectUnnamed is Connect with what ParseUnnamed gives: every program that
// may meet a pooler, or stay connected for long, uses it.
func ConnectUnnamed(ctx context.Context, dsn, applicationName string, mode pgx.QueryExecMode) (*pgx.Conn, error) {
	cfg, err := ParseUnnamed(dsn, applicationName, mode)
	if err != nil {
		return nil, err
	}
	return Open(ctx, cfg)
}

// ParseUnnamed is ParseConfig for a connection that, unless dsn has a
// default_query_exec_mode, prepares no statements by name. So it works behind a
// pooler in transaction mode, and goes on when the functions it calls are
// replaced. mode is exec, or cache_describe where the types of parameters are
// not known beforehand.
func ParseUnnamed(dsn, applicationName string, mode pgx.QueryExecMode) (*pgx.ConnConfig, error) {
	cfg, err := ParseConfig(dsn, applicationName)
	if err != nil {
		return nil, err
	}
	// pgx's parser keeps the parameter to itself, pgconn's passes it through.
	if raw, err := pgconn.ParseConfig(dsn); err == nil && raw.RuntimeParams["default_query_exec_mode"] == "" {
		cfg.DefaultQueryExecMode = mode
	}
	return cfg, nil
}

// Code returns the SQLSTATE of a server error in err's chain, or "".
func Code(err error) string {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return pe.Code
	}
	return ""
}

// IsRetryable tells whether the same work may succeed later, on a new
// connection: the connection broke, the server is away, full or shutting down
// (classes 08, 53, 57P), or the transaction lost a conflict (class 40).
func IsRetryable(err error) bool {
	if err == nil {
		return false
	}
	if code := Code(err); code != "" {
		for _, class := range []string{"08", "53", "57P", "40"} {
			if strings.HasPrefix(code, class) {
				return true
			}
		}
		return false
	}
	return IsConnectionLoss(err)
}

// IsConnectionLoss tells whether err came from the way to the server and not
// from the server itself.
func IsConnectionLoss(err error) bool {
	if Code(err) != "" {
		return false
	}
	var oe *net.OpError
	var de *net.DNSError
	var ce *pgconn.ConnectError
	return errors.As(err, &oe) || errors.As(err, &de) || errors.As(err, &ce) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrUnexpectedEOF) ||
		pgconn.SafeToRetry(err) || pgconn.Timeout(err)
}

// IsUndefinedObject tells whether a schema, table, function or column does
// not exist.
func IsUndefinedObject(err error) bool {
	return slices.Contains([]string{"3F000", "42P01", "42883", "42703", "42704"}, Code(err))
}

// IsPermission tells whether the role lacks a right.
func IsPermission(err error) bool { return Code(err) == "42501" }
