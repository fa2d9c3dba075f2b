package main

import (
	"context"
	"fmt"
	"io"

	"skytools/lib/install"

	"github.com/jackc/pgx/v5"
)

// installStatement is: install EXTENSION [using plpgsql] [show sql | dry run].
type installStatement struct {
	extension string
	opts      install.Options
	showSQL   bool
}

func parseInstall(p *parser) (statement, error) {
	name, err := p.name("extension")
	if err != nil {
		return nil, err
	}
	st := &installStatement{extension: name}
	for {
		switch {
		case p.accept("using", "plpgsql"):
			st.opts.PLOnly = true
		case p.accept("show", "sql"):
			st.showSQL = true
		case p.accept("dry", "run"):
			st.opts.DryRun = true
		case st.showSQL && st.opts.DryRun:
			return nil, fmt.Errorf("show sql and dry run exclude each other: %s", p.all())
		default:
			return st, nil
		}
	}
}

func (st *installStatement) run(ctx context.Context, s *session) error {
	var conn *pgx.Conn
	var err error
	// What the PL/pgSQL form is depends on no server.
	if !st.showSQL || !st.opts.PLOnly {
		if conn, err = s.connect(ctx); err != nil {
			return err
		}
	}
	if st.showSQL {
		sql, err := install.SQL(ctx, conn, st.extension, st.opts)
		if err != nil {
			return err
		}
		_, err = io.WriteString(s.stdout, sql)
		return err
	}
	res, err := install.Install(ctx, conn, st.extension, st.opts)
	if err != nil {
		return err
	}
	what := "in PL/pgSQL"
	if res.Extension {
		what = "as an extension"
	}
	switch {
	case res.Already:
		fmt.Fprintf(s.stderr, "%s %s is already installed %s\n", res.Name, res.Version, what)
	case st.opts.DryRun:
		fmt.Fprintf(s.stderr, "%s %s would be installed %s; dry run, nothing is changed\n", res.Name, res.Version, what)
		return nil
	default:
		fmt.Fprintf(s.stderr, "%s %s is installed %s\n", res.Name, res.Version, what)
	}
	_, err = fmt.Fprintln(s.stdout, "INSTALL")
	return err
}
