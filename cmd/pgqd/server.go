package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"skytools/lib/cli"
	"skytools/lib/daemon"
	"skytools/lib/log"
	"skytools/lib/metrics"
	"skytools/lib/ticker"
)

// A server is the daemon at work: it decides which databases are served, and
// lets each of them run by itself.
type server struct {
	lg      *logging
	logger  *slog.Logger
	load    func() (*options, error) // reads the configuration again
	health  daemon.Health
	metrics *metrics.Server
	reloads reloadCount
	ready   sync.Once

	// The fields below belong to the main loop, except that others may read
	// dbs under mu.
	mu     sync.Mutex
	dbs    map[string]*served
	opts   *options
	dialer *ticker.Dialer
	gone   totals // counts of databases that are no longer served
	told   totals // what the last statistics line summed up
	wg     sync.WaitGroup
	find   finder
}

// A served database runs until cancel is called.
type served struct {
	*ticker.Database
	cancel context.CancelFunc
	done   chan struct{}
}

// reloadCount counts for the metrics.
type reloadCount struct{ good, bad atomic.Int64 }

// totals are the figures of the statistics line.
type totals struct{ ticks, maint, retry int64 }

func (t totals) plus(s *ticker.Stats) totals {
	return totals{t.ticks + s.Passes.Load(), t.maint + s.MaintRounds.Load(), t.retry + s.RetriedEvents.Load()}
}

func newServer(o *options, lg *logging, load func() (*options, error)) (*server, error) {
	s := &server{lg: lg, logger: lg.logger, load: load, opts: o, dbs: map[string]*served{}}
	var err error
	if s.dialer, err = o.dialer(s.logger); err != nil {
		return nil, err
	}
	if addr := o.Settings.MetricsListen; addr != "" {
		reg := metrics.NewRegistry(program, cli.Version(program))
		reg.MustRegister(&collector{s})
		if s.metrics, err = metrics.Listen(addr, reg, s.checkHealth, s.logger); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// stopLimit is how long databases may take to stop. Their statements are
// cancelled, so they need it only if a server does not answer.
const stopLimit = 10 * time.Second

// run works until ctx ends.
func (s *server) run(ctx context.Context, hangups <-chan struct{}) error {
	s.logger.Info("starting pgqd", "version", strings.TrimPrefix(cli.Version(program), program+" "))
	s.warn(s.opts.warnings)
	g, ctx := errgroup.WithContext(ctx)
	if s.metrics != nil {
		s.logger.Info("serving metrics", "address", s.metrics.Addr())
		g.Go(func() error { return s.metrics.Run(ctx) })
	}
	g.Go(func() error {
		s.loop(ctx, hangups)
		return nil
	})
	err := g.Wait()
	s.logger.Info("stopped")
	return err
}

func (s *server) warn(warnings []string) {
	for _, w := range warnings {
		s.logger.Warn("dubious configuration", "at", w)
	}
}

// loop is the main loop. It never waits for a database.
func (s *server) loop(ctx context.Context, hangups <-chan struct{}) {
	beat := s.health.Part("main loop")
	defer beat.Done()
	stats := time.NewTimer(s.opts.Settings.StatsPeriod.Duration())
	defer stats.Stop()
	look := lookPeriod()
	status := time.NewTicker(look)
	defer status.Stop()
	shown := ""
	s.find.results = make(chan found, 1)
	s.find.timer = time.NewTimer(0)
	defer s.find.timer.Stop()
	s.serve(ctx)
	for {
		beat.Within(look + time.Minute)
		select {
		case <-ctx.Done():
			s.stop(ctx)
			return
		case <-hangups:
			s.reload(ctx)
		case <-s.find.timer.C:
			s.findDatabases(ctx)
		case f := <-s.find.results:
			s.foundDatabases(ctx, f)
		case <-stats.C:
			s.statistics()
			stats.Reset(s.opts.Settings.StatsPeriod.Duration())
		case <-status.C:
			if err := s.health.Feed(); err != nil {
				s.logger.Error("watchdog is not fed", log.Err, err)
			}
			if text := s.statusText(); text != shown {
				shown = text
				daemon.Status(text)
			}
		}
	}
}

// lookPeriod is how often the main loop feeds the watchdog and looks whether
// the status has changed.
func lookPeriod() time.Duration {
	const usual = 2 * time.Second
	if w := daemon.WatchdogInterval(); w > 0 {
		return min(usual, w/2)
	}
	return usual
}

// serve makes the served databases those of the configuration. With a list
// they are known, else somebody has to look.
func (s *server) serve(ctx context.Context) {
	names := s.opts.databases(s.dialer)
	s.find.auto = names == nil
	if s.find.auto {
		s.logger.Info("auto-detecting databases")
		s.find.timer.Reset(0)
		return
	}
	s.find.timer.Stop()
	s.setDatabases(ctx, names)
}

// setDatabases starts and stops databases until exactly these are served.
func (s *server) setDatabases(ctx context.Context, names []string) {
	for name := range s.dbs {
		if !slices.Contains(names, name) {
			s.drop(name)
		}
	}
	for _, name := range names {
		if s.dbs[name] == nil {
			s.add(ctx, name)
		}
	}
}

func (s *server) add(ctx context.Context, name string) {
	ctx, cancel := context.WithCancel(ctx)
	db := &served{cancel: cancel, done: make(chan struct{}), Database: ticker.New(ticker.Config{
		Name: name, Dialer: s.dialer, Settings: s.opts.ticker(), Logger: s.logger, Listed: !s.find.auto,
		Beat: func(loop string) ticker.Beat { return s.health.Part(loop) },
	})}
	s.mu.Lock()
	s.dbs[name] = db
	s.mu.Unlock()
	s.wg.Go(func() {
		defer close(db.done)
		_ = db.Run(ctx) // says nothing but that it was stopped
	})
	s.wg.Go(func() {
		select {
		case <-db.Tried():
			s.isReady()
		case <-db.done:
		}
	})
}

// drop stops a database; it does not wait until it has stopped.
func (s *server) drop(name string) {
	db := s.dbs[name]
	s.logger.Info("unregister database", log.DB, name)
	s.mu.Lock()
	delete(s.dbs, name)
	s.mu.Unlock()
	s.gone = s.gone.plus(&db.Stats)
	db.cancel()
}

// stop stops all databases and waits for them.
func (s *server) stop(ctx context.Context) {
	s.logger.Info("shutting down", "cause", context.Cause(ctx))
	daemon.Stopping("shutting down")
	ended := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-time.After(stopLimit):
		s.logger.Warn("some databases did not stop in time, leaving them")
	}
}

// isReady tells the service manager, and a caller that waits for the
// background process, that a first connection was tried.
func (s *server) isReady() {
	s.ready.Do(func() {
		daemon.Ready(s.statusText())
		if err := daemon.Release(); err != nil {
			s.logger.Error("cannot leave the terminal", log.Err, err)
		}
	})
}

// reload reads the configuration again. A broken one changes nothing.
func (s *server) reload(ctx context.Context) {
	daemon.Reloading()
	defer func() { daemon.Ready(s.statusText()) }()
	s.logger.Info("got SIGHUP, reading the configuration again")
	o, dialer, err := s.reread()
	if err != nil {
		s.reloads.bad.Add(1)
		s.logger.Error("configuration is broken, keeping the old one", log.Err, err)
		s.lg.reopen(string(s.opts.Settings.Logfile))
		return
	}
	s.reloads.good.Add(1)
	s.lg.reopen(string(o.Settings.Logfile))
	s.warn(o.warnings)
	s.warn(needRestart(s.opts, o))

	_, before := s.opts.connString()
	_, after := o.connString()
	s.mu.Lock()
	s.opts = o
	s.mu.Unlock()
	if before != after { // the databases of another server, or another user's
		s.dialer = dialer
		s.setDatabases(ctx, nil)
	}
	for _, db := range s.dbs {
		db.Update(o.ticker())
		db.Wake()
	}
	s.serve(ctx)
}

func (s *server) reread() (*options, *ticker.Dialer, error) {
	o, err := s.load()
	if err != nil {
		return nil, nil, err
	}
	d, err := o.dialer(s.logger)
	return o, d, err
}

// needRestart names the settings that differ but are only read at the start.
func needRestart(old, now *options) (warnings []string) {
	atStart := []string{"pidfile", "syslog", "syslog_ident", "syslog_facility", "log_format", "metrics_listen"}
	if (old.Settings.Logfile == "") != (now.Settings.Logfile == "") {
		atStart = append(atStart, "logfile")
	}
	was := map[string]string{}
	for _, s := range old.config.Settings() {
		was[s.Key] = s.Value
	}
	for _, s := range now.config.Settings() {
		if slices.Contains(atStart, s.Key) && was[s.Key] != s.Value {
			warnings = append(warnings, fmt.Sprintf("%s: %s takes effect at the next start", s.Origin, s.Key))
		}
	}
	return warnings
}

// statistics logs the line that upstream's users know.
func (s *server) statistics() {
	sum := s.gone
	for _, db := range s.dbs {
		sum = sum.plus(&db.Stats)
	}
	s.logger.Info(fmt.Sprintf("{ticks: %d, maint: %d, retry: %d}",
		sum.ticks-s.told.ticks, sum.maint-s.told.maint, sum.retry-s.told.retry))
	s.told = sum
}

// statuses returns how the databases are doing, in the order of their names.
func (s *server) statuses() (all []ticker.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.dbs)) {
		all = append(all, s.dbs[name].Status())
	}
	return all
}

// statusText sums up for systemctl status.
func (s *server) statusText() string {
	ticking, names := 0, map[ticker.State][]string{}
	for _, st := range s.statuses() {
		if st.State == ticker.Ticking {
			ticking++
		} else {
			names[st.State] = append(names[st.State], st.Name)
		}
		if len(st.BadQueues) > 0 {
			names["bad queues in"] = append(names["bad queues in"], st.Name)
		}
	}
	text := fmt.Sprintf("ticking %d databases", ticking)
	if ticking == 1 {
		text = "ticking 1 database"
	}
	for _, state := range append(slices.Clone(ticker.States), "bad queues in") {
		const show = 5
		list := names[state]
		switch {
		case len(list) > show:
			text += fmt.Sprintf("; %s: %d", state, len(list))
		case len(list) > 0:
			text += fmt.Sprintf("; %s: %s", state, strings.Join(list, ", "))
		}
	}
	return text
}

// checkHealth tells what is wrong with the daemon: a loop that is stuck, or no
// young tick anywhere although there are databases to tick. One database that
// is away among others is for the metrics to tell.
func (s *server) checkHealth() error {
	if err := s.health.Check(); err != nil {
		return err
	}
	s.mu.Lock()
	period := s.opts.Settings.TickerPeriod.Duration()
	s.mu.Unlock()
	oldest := time.Now().Add(-max(10*time.Second, 3*period))
	var bad []string
	for _, st := range s.statuses() {
		switch st.State {
		case ticker.Ticking, ticker.Failing, ticker.Away, ticker.Starting:
			if st.LastPass.After(oldest) {
				return nil
			}
			bad = append(bad, fmt.Sprintf("%s: %s", st.Name, st.State))
		}
	}
	if bad == nil {
		return nil
	}
	return errors.New("no database is ticked: " + strings.Join(bad, ", "))
}
