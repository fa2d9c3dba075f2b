package console

import (
	"context"

	"github.com/jackc/pgx/v5"

	"skytools/cmd/qadmin/internal/output"
)

// tracer shows the SQL that statements run through lib/pgq and lib/install, if
// ECHO_HIDDEN is on. What the console sends itself is shown by query.
type tracer struct{ s *Session }

func (t tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	t.s.echoHidden(data.SQL, data.Args)
	return ctx
}

func (tracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (s *Session) echoHidden(sql string, args []any) {
	if on, _ := output.ParseBool("", s.Vars["ECHO_HIDDEN"]); on {
		s.message("-- %s\n%s", hiddenArgs(args), sql)
	}
}
