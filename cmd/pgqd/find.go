package main

import (
	"context"
	_ "embed"
	"time"

	"github.com/jackc/pgx/v5"

	"skytools/lib/db"
	"skytools/lib/log"
	"skytools/lib/ticker"
)

//go:embed databases.sql
var databasesSQL string

// A finder looks now and then which databases there are.
type finder struct {
	auto    bool
	busy    bool
	again   bool // somebody asked while it was busy
	timer   *time.Timer
	results chan found
	failing string          // what was logged last, by class
	denied  map[string]bool // databases that were said to be out of reach
}

// found is what a look brought.
type found struct {
	dialer *ticker.Dialer
	names  []string
	denied []string // no right to connect
	err    error
}

// findLimit bounds a look.
const findLimit = 30 * time.Second

// findDatabases looks for databases, without waiting for the outcome.
func (s *server) findDatabases(ctx context.Context) {
	f := &s.find
	if !f.auto {
		return
	}
	if f.busy {
		f.again = true
		return
	}
	f.busy = true
	dialer, initial := s.dialer, s.opts.Settings.InitialDatabase
	part := s.health.Part("detection of databases")
	part.Within(findLimit + time.Minute)
	s.wg.Go(func() {
		defer part.Done()
		r := listDatabases(ctx, dialer, initial)
		r.dialer = dialer
		s.find.results <- r
	})
}

func listDatabases(ctx context.Context, d *ticker.Dialer, initial string) (r found) {
	ctx, cancel := context.WithTimeout(ctx, findLimit)
	defer cancel()
	conn, err := d.Connect(ctx, initial)
	if err != nil {
		r.err = err
		return r
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rows, err := conn.Query(ctx, databasesSQL)
	if err != nil {
		r.err = err
		return r
	}
	type row struct {
		Name string
		May  bool
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil {
		r.err = err
		return r
	}
	for _, x := range list {
		if x.May {
			r.names = append(r.names, x.Name)
		} else {
			r.denied = append(r.denied, x.Name)
		}
	}
	return r
}

// foundDatabases takes the outcome of a look.
func (s *server) foundDatabases(ctx context.Context, r found) {
	f := &s.find
	f.busy = false
	if !f.auto { // a reload brought a list in the meantime
		return
	}
	if f.again || r.dialer != s.dialer {
		f.again = false
		f.timer.Reset(0)
		return
	}
	f.timer.Reset(s.opts.Settings.CheckPeriod.Duration())
	defer s.isReady()
	if r.err != nil {
		if ctx.Err() != nil {
			return
		}
		class := db.Code(r.err)
		if class == "" {
			class = "connection"
		}
		if f.failing != class {
			f.failing = class
			s.logger.Warn("cannot list the databases, trying again", log.DB, s.opts.Settings.InitialDatabase, log.Err, r.err)
		}
		f.timer.Reset(min(s.opts.Settings.CheckPeriod.Duration(), findRetry))
		return
	}
	if f.failing != "" {
		f.failing = ""
		s.logger.Info("databases can be listed again", log.DB, s.opts.Settings.InitialDatabase)
		for _, db := range s.dbs { // the server is back
			db.Wake()
		}
	}
	denied := map[string]bool{}
	for _, name := range r.denied {
		denied[name] = true
		if !f.denied[name] {
			s.logger.Info("no right to connect, ignoring this database", log.DB, name)
		}
	}
	f.denied = denied
	s.setDatabases(ctx, r.names)
}

// findRetry is the pause after a look that failed.
const findRetry = 10 * time.Second
