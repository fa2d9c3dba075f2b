package console

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"skytools/cmd/qadmin/internal/output"
)

// record is a row as text; nil is NULL.
type record [][]byte

func (r record) text(i int) string { return string(r[i]) }

// query begins a query of our own, on an unnamed statement, so that it works
// behind a pooler. Arguments are text or nil.
func (s *Session) query(ctx context.Context, sql string, args ...any) (*pgconn.ResultReader, error) {
	conn, err := s.connection(ctx)
	if err != nil {
		return nil, err
	}
	s.echoHidden(sql, args)
	params := make([][]byte, len(args))
	for i, a := range args {
		switch v := a.(type) {
		case nil:
		case string:
			params[i] = []byte(v)
		default:
			params[i] = fmt.Append(nil, v)
		}
	}
	return conn.PgConn().ExecParams(ctx, sql, params, nil, nil, nil), nil
}

func hiddenArgs(args []any) string {
	if len(args) == 0 {
		return "query"
	}
	var list []string
	for i, a := range args {
		if a == nil {
			a = "NULL"
		}
		list = append(list, fmt.Sprintf("$%d = %v", i+1, a))
	}
	return "query with " + strings.Join(list, ", ")
}

// rows runs a query with a small result.
func (s *Session) rows(ctx context.Context, sql string, args ...any) ([]record, error) {
	rr, err := s.query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	res := rr.Read()
	if res.Err != nil {
		return nil, roleHint(res.Err)
	}
	list := make([]record, len(res.Rows))
	for i, r := range res.Rows {
		list[i] = r
	}
	return list, nil
}

// value runs a query and returns the first value, "" for NULL and no row.
func (s *Session) value(ctx context.Context, sql string, args ...any) (string, error) {
	rows, err := s.rows(ctx, sql, args...)
	if err != nil || len(rows) == 0 {
		return "", err
	}
	return rows[0].text(0), nil
}

// yes runs a query that gives true or false.
func (s *Session) yes(ctx context.Context, sql string, args ...any) (bool, error) {
	v, err := s.value(ctx, sql, args...)
	return v == "t", err
}

// table begins a result.
func (s *Session) table(title string, cols []output.Column) output.Table {
	o := s.Options
	if c := s.collect; c != nil {
		c.names, c.rows = nil, nil // of several results the last one counts
		for _, col := range cols {
			c.names = append(c.names, col.Name)
		}
		return c
	}
	if s.expand {
		o.Expanded = "on"
	}
	if s.Color && s.closeOut == nil {
		o.Warn = s.warn
	}
	return output.New(s.out, o, title, cols)
}

// show runs a query and writes its result, of which no more than one row is
// held. A limit below zero is none; where more rows come than the limit allows,
// the rest is left out and the message says so.
func (s *Session) show(ctx context.Context, title string, limit int, sql string, args ...any) error {
	rr, err := s.query(ctx, sql, args...)
	if err != nil {
		return err
	}
	n, err := s.write(rr, title, limit)
	if err != nil {
		return roleHint(err)
	}
	if limit >= 0 && n > limit {
		s.message("There are more rows than the limit of %d; limit all shows all of them.", limit)
	}
	return nil
}

// write writes a result and returns how many rows came.
func (s *Session) write(rr *pgconn.ResultReader, title string, limit int) (n int, err error) {
	var t output.Table
	begin := func() {
		var cols []output.Column
		for _, f := range rr.FieldDescriptions() {
			cols = append(cols, output.Column{Name: f.Name, OID: f.DataTypeOID})
		}
		t = s.table(title, cols)
	}
	for rr.NextRow() {
		if t == nil {
			begin()
		}
		if n++; limit >= 0 && n > limit {
			continue
		}
		// After a failure the rest must be read all the same.
		if err == nil {
			err = t.Row(rr.Values())
		}
	}
	fields := rr.FieldDescriptions()
	if _, serr := rr.Close(); serr != nil {
		if t != nil && err == nil {
			_ = t.Close() // what came is shown, the error counts
		}
		return n, serr
	}
	if t == nil && fields != nil {
		begin()
	}
	if t != nil && err == nil {
		err = t.Close()
	}
	return n, err
}

// showRows writes rows that are there already.
func (s *Session) showRows(title string, names []string, rows []record) error {
	t := s.table(title, output.Names(names...))
	for _, r := range rows {
		if err := t.Row(r); err != nil {
			return err
		}
	}
	return t.Close()
}
