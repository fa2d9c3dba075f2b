package main

import (
	"context"
	"fmt"

	"skytools/lib/cli"
	"skytools/lib/db"
)

// showRotation is: show rotation [QUEUE].
type showRotation struct {
	queue *string // nil: all
}

func parseShow(p *parser) (statement, error) {
	if !p.accept("rotation") {
		what, err := p.name("rotation")
		if err != nil {
			return nil, err
		}
		return nil, cli.WithHint(fmt.Errorf("unknown thing to show: %s", what), knownStatements)
	}
	st := &showRotation{}
	if !p.end() {
		queue, err := p.name("queue")
		if err != nil {
			return nil, err
		}
		st.queue = &queue
	}
	return st, nil
}

func (st *showRotation) run(ctx context.Context, s *session) error {
	conn, err := s.connect(ctx)
	if err != nil {
		return err
	}
	var param []byte
	title := "Rotation:"
	if st.queue != nil {
		// The function gives no row for a queue that is not there.
		var exists bool
		err := conn.QueryRow(ctx, "select exists (select from pgq.queue where queue_name = $1)", *st.queue).Scan(&exists)
		if err == nil && !exists {
			return fmt.Errorf("queue not found: %s", *st.queue)
		}
		if err != nil {
			return explain(err)
		}
		param = []byte(*st.queue)
		title = fmt.Sprintf("Rotation of %q:", *st.queue)
	}
	res := conn.PgConn().ExecParams(ctx,
		"select * from pgq.get_rotation_info($1)", [][]byte{param}, nil, nil, nil).Read()
	if res.Err != nil {
		return explain(res.Err)
	}
	header := make([]string, len(res.FieldDescriptions))
	for i, f := range res.FieldDescriptions {
		header[i] = f.Name
	}
	rows := make([][]string, len(res.Rows))
	for i, r := range res.Rows {
		for _, v := range r {
			rows[i] = append(rows[i], string(v))
		}
	}
	return writeTable(s.stdout, title, header, rows)
}

// explain adds what to do when the function is not there.
func explain(err error) error {
	if db.IsUndefinedObject(err) {
		return cli.WithHint(fmt.Errorf("show rotation needs pgq 4.0: %w", err), "Run: install pgq.")
	}
	return err
}
