// Package db connects to PostgreSQL and answers questions about its errors.
// It knows no table and no function of any schema.
package db

import (
	"context"
	"errors"
	"fmt"
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
	return pgx.ConnectConfig(ctx, cfg)
}

// ParseConfig parses dsn as Connect does.
func ParseConfig(dsn, applicationName string) (*pgx.ConnConfig, error) {
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = applicationName
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
	var ne net.Error
	var ce *pgconn.ConnectError
	return errors.As(err, &ne) || errors.As(err, &ce) && Code(err) == "" ||
		errors.Is(err, net.ErrClosed) || pgconn.SafeToRetry(err) || isEOF(err)
}

// IsUndefinedObject tells whether a schema, table, function or column does
// not exist.
func IsUndefinedObject(err error) bool {
	return slices.Contains([]string{"3F000", "42P01", "42883", "42703", "42704"}, Code(err))
}

// IsPermission tells whether the role lacks a right.
func IsPermission(err error) bool { return Code(err) == "42501" }

func isEOF(err error) bool {
	s := fmt.Sprint(err)
	return strings.Contains(s, "unexpected EOF") || strings.Contains(s, "conn closed")
}
