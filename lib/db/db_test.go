package db_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"skytools/lib/db"
	"skytools/lib/testpg"
)

func TestIsRetryable(t *testing.T) {
	t.Parallel()
	server := func(code string) error { return fmt.Errorf("query: %w", &pgconn.PgError{Code: code}) }
	_, refused := pgx.Connect(t.Context(), "host=/nonexistent user=u dbname=d")
	tests := []struct {
		name string
		err  error
		want bool
	}{
		{"nil", nil, false},
		{"starting up", server("57P03"), true},
		{"terminated", server("57P01"), true},
		{"too many connections", server("53300"), true},
		{"serialization", server("40001"), true},
		{"connection exception", server("08006"), true},
		{"raise", server("P0001"), false},
		{"password", server("28P01"), false},
		{"no socket", refused, true},
		{"reset", &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, true},
		{"end", fmt.Errorf("read: %w", io.ErrUnexpectedEOF), true},
		{"closed", net.ErrClosed, true},
		{"broken pipe of our own output", &os.PathError{Op: "write", Path: "/dev/stdout", Err: syscall.EPIPE}, false},
		{"full disk", &os.PathError{Op: "write", Path: "f", Err: syscall.ENOSPC}, false},
		{"any", errors.New("unexpected EOF"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := db.IsRetryable(tt.err); got != tt.want {
				t.Errorf("%v: got %v, want %v", tt.err, got, tt.want)
			}
		})
	}
}

// TestLostConnection: a backend that is terminated is a loss, whatever the
// driver makes of it.
func TestLostConnection(t *testing.T) {
	t.Parallel()
	dsn := testpg.Shared(t).NewDB(t)
	conn, err := db.Connect(t.Context(), dsn, "victim")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	testpg.Exec(t, dsn, "select pg_terminate_backend($1, 10000)", int32(conn.PgConn().PID()))
	for range 2 { // the second time it is known to be closed
		if _, err := conn.Exec(t.Context(), "select 1"); !db.IsRetryable(err) {
			t.Errorf("got %v", err)
		}
	}
}

func TestUndefinedAndPermission(t *testing.T) {
	t.Parallel()
	conn := testpg.Connect(t, testpg.Shared(t).NewDB(t))
	for _, sql := range []string{"select * from nope", "select nope()", "select nope.f()", "select x from (select 1) t"} {
		if _, err := conn.Exec(t.Context(), sql); !db.IsUndefinedObject(err) || db.IsPermission(err) {
			t.Errorf("%s: %v", sql, err)
		}
	}
	_, err := conn.Exec(t.Context(), "set role pg_monitor; create table public.t ()")
	if !db.IsPermission(err) || db.IsUndefinedObject(err) {
		t.Errorf("got %v", err)
	}
}

func TestConnect(t *testing.T) {
	t.Parallel()
	dsn := testpg.Shared(t).NewDB(t)
	for _, tt := range []struct{ dsn, want string }{
		{dsn, "tool UTF8"},
		{dsn + " application_name=mine client_encoding=latin1", "mine UTF8"},
	} {
		conn, err := db.Connect(t.Context(), tt.dsn, "tool")
		if err != nil {
			t.Fatal(err)
		}
		var got string
		err = conn.QueryRow(t.Context(), "select current_setting('application_name') || ' ' || current_setting('client_encoding')").Scan(&got)
		if err != nil || got != tt.want {
			t.Errorf("got %q, %v, want %q", got, err, tt.want)
		}
		conn.Close(t.Context())
	}
}

func TestConnectUnnamed(t *testing.T) {
	t.Parallel()
	dsn := testpg.Shared(t).NewDB(t)
	for _, tt := range []struct {
		dsn  string
		want pgx.QueryExecMode
	}{
		{dsn, pgx.QueryExecModeExec},
		{dsn + " default_query_exec_mode=simple_protocol", pgx.QueryExecModeSimpleProtocol},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		conn, err := db.ConnectUnnamed(ctx, tt.dsn, "tool", pgx.QueryExecModeExec)
		cancel()
		if err != nil {
			t.Fatal(err)
		}
		if got := conn.Config().DefaultQueryExecMode; got != tt.want {
			t.Errorf("got %v, want %v", got, tt.want)
		}
		conn.Close(t.Context())
	}
}
