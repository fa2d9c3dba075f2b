package console

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"

	"skytools/cmd/qadmin/internal/grammar"
	"skytools/extension"
	"skytools/lib/install"
)

func installStatement(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	name := m.Value("extension")
	opts := install.Options{PLOnly: m.Has("plpgsql"), DryRun: m.Has("run")}
	show := m.Has("sql")
	if show && opts.DryRun {
		return errors.New("show sql and dry run exclude each other")
	}
	// What the PL/pgSQL form is depends on no server.
	var conn *pgx.Conn
	var err error
	if !show || !opts.PLOnly {
		if conn, err = s.connection(ctx); err != nil {
			return err
		}
	}
	if show {
		sql, err := install.SQL(ctx, conn, name, opts)
		if err != nil {
			return err
		}
		_, err = io.WriteString(s.out, sql)
		return err
	}
	if err := s.install(ctx, conn, name, opts); err != nil || opts.DryRun {
		return err
	}
	return s.tag("INSTALL")
}

func (s *Session) install(ctx context.Context, conn *pgx.Conn, name string, opts install.Options) error {
	s.have = nil
	res, err := install.Install(ctx, conn, name, opts)
	if err != nil {
		return err
	}
	what := "in PL/pgSQL"
	if res.Extension {
		what = "as an extension"
	}
	switch {
	case res.Already:
		s.message("%s %s is already installed %s", res.Name, res.Version, what)
	case opts.DryRun:
		s.message("%s %s would be installed %s; dry run, nothing is changed", res.Name, res.Version, what)
	default:
		s.message("%s %s is installed %s", res.Name, res.Version, what)
	}
	return nil
}

// upgradeStatement brings what is installed to the versions of this program.
func upgradeStatement(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	conn, err := s.connection(ctx)
	if err != nil {
		return err
	}
	have, err := s.Installed(ctx)
	if err != nil {
		return err
	}
	names := extension.Names()
	if a, ok := m.Arg("extension"); ok {
		names = []string{a.Token.Value}
		if _, ok := have[names[0]]; !ok {
			return fmt.Errorf("%s is not installed in this database", names[0])
		}
	}
	done := 0
	for _, name := range names {
		if _, ok := have[name]; !ok {
			continue
		}
		if err := s.install(ctx, conn, name, install.Options{PLOnly: m.Has("plpgsql"), DryRun: m.Has("run")}); err != nil {
			return err
		}
		done++
	}
	if done == 0 {
		return errors.New("nothing is installed in this database")
	}
	if m.Has("run") {
		return nil
	}
	return s.tag("UPGRADE")
}
