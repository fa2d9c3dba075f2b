package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"skytools/lib/cascade"
	"skytools/lib/cli"
	"skytools/lib/daemon"
	"skytools/lib/log"
	"skytools/lib/metrics"
)

// A worker is the daemon: the worker of a node, begun anew at each reload.
type worker struct {
	*env
	health daemon.Health

	mu      sync.Mutex
	current *cascade.Worker
	past    cascade.WorkerStats // totals of those before the last reload
	told    cascade.WorkerStats // what the last statistics line summed up
	toldAt  time.Time
}

func work(ctx context.Context, e *env) error {
	w := &worker{env: e, toldAt: time.Now()}
	e.logger.Info("starting londiste worker", log.Queue, e.Settings.Queue, "version", cli.Version(program))
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	if addr := e.Settings.MetricsListen; addr != "" {
		reg := metrics.NewRegistry(program, cli.Version(program))
		reg.MustRegister(&collector{w})
		m, err := metrics.Listen(addr, reg, w.checkHealth, e.logger)
		if err != nil {
			return err
		}
		e.logger.Info("serving metrics", "address", m.Addr())
		wg.Go(func() {
			if err := m.Run(ctx); err != nil {
				cancel(err)
			}
		})
	}
	wg.Go(func() { w.watch(ctx) })
	err := w.loop(ctx)
	daemon.Stopping("")
	e.logger.Info("stopped")
	return err
}

// loop runs a worker after the other, a new one for each configuration.
func (w *worker) loop(ctx context.Context) error {
	ready := sync.OnceFunc(func() {
		daemon.Ready("starting")
		if err := daemon.Release(); err != nil {
			w.logger.Error("cannot leave the terminal", log.Err, err)
		}
	})
	beat := w.health.Part("worker") // one for all: nobody keeps the promises of a part that is left behind
	defer beat.Done()
	for {
		// Its consumer's name is the node's own: job_name may be another one.
		cw := cascade.NewWorker(cascade.WorkerConfig{
			Config: w.set, LoopDelay: w.Settings.LoopDelay.Duration(), ExceptionSleep: w.Settings.ExceptionSleep.Duration(),
			LocalWatermark: w.Settings.LocalWatermark.Duration(), GlobalWatermark: w.Settings.GlobalWatermark.Duration(),
			Beat: beat,
		})
		w.mu.Lock()
		w.current = cw
		w.mu.Unlock()
		running, stop := context.WithCancelCause(ctx)
		ended := make(chan error, 1)
		go func() { ended <- cw.Run(running) }()
		ready()
		again, err := w.wait(ended, stop)
		w.mu.Lock()
		w.past, w.current = plus(w.past, cw.Stats()), nil
		w.mu.Unlock()
		if !again {
			return err
		}
		daemon.Ready("reloaded")
	}
}

// errReload is why a worker ends at a reload.
var errReload = errors.New("reload")

// wait waits for the end of a worker, which it tells to end when there is a new
// configuration.
func (w *worker) wait(ended chan error, stop context.CancelCauseFunc) (again bool, err error) {
	for {
		select {
		case err := <-ended:
			stop(nil)
			if errors.Is(err, errReload) {
				return true, nil
			}
			return false, err
		case <-w.hangups:
			if w.reload() {
				stop(errReload)
			} else {
				daemon.Ready("keeping the old configuration")
			}
		}
	}
}

// reload reads the configuration again. A broken one changes nothing.
func (w *worker) reload() bool {
	daemon.Reloading()
	w.logger.Info("got SIGHUP, reading the configuration again")
	if w.file != nil {
		if err := w.file.Reopen(string(w.Settings.Logfile)); err != nil {
			w.logger.Warn("cannot reopen logfile, going on in the old one", log.Err, err)
		}
	}
	o, err := parseOptions(w.argv, nil)
	if err == nil {
		err = o.ready()
	}
	if err != nil {
		w.logger.Error("configuration is broken, keeping the old one", log.Err, err)
		return false
	}
	for _, warning := range o.warnings {
		w.logger.Warn("dubious configuration", "at", warning)
	}
	w.mu.Lock()
	w.options, w.set = o, o.set(w.logger)
	w.mu.Unlock()
	return true
}

// plus adds the totals of two workers; all else is the second one's.
func plus(a, b cascade.WorkerStats) cascade.WorkerStats {
	b.Batches += a.Batches
	b.Events += a.Events
	b.Bytes += a.Bytes
	return b
}

func (w *worker) stats() cascade.WorkerStats {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.current == nil {
		return w.past
	}
	return plus(w.past, w.current.Stats())
}

// watch feeds the watchdog, and tells how things are: the service manager
// always, the log when there was work, and now and then when there was none.
func (w *worker) watch(ctx context.Context) {
	look := 2 * time.Second
	if d := daemon.WatchdogInterval(); d > 0 {
		look = min(look, d/2)
	}
	tick := time.NewTicker(look)
	defer tick.Stop()
	shown := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := w.health.Feed(); err != nil {
			w.logger.Error("watchdog is not fed", log.Err, err)
		}
		s := w.stats()
		if text := statusText(s); text != shown {
			shown = text
			daemon.Status(text)
		}
		w.statistics(s)
	}
}

// statsPeriod is how often a busy worker tells its figures.
const statsPeriod = 30 * time.Second

func (w *worker) statistics(s cascade.WorkerStats) {
	since := time.Since(w.toldAt)
	w.mu.Lock()
	idle := w.Settings.KeepaliveStats.Duration()
	w.mu.Unlock()
	if s.Batches > w.told.Batches {
		idle = statsPeriod
	}
	if since < idle {
		return
	}
	w.logger.Info("worker", log.Node, s.Node, "role", string(s.Role), "provider", s.Provider, log.Tick, s.LastTick,
		"batches", s.Batches-w.told.Batches, log.Events, s.Events-w.told.Events, "lag", s.Lag.Round(time.Millisecond), log.Duration, since.Round(time.Second))
	w.told, w.toldAt = s, time.Now()
}

func statusText(s cascade.WorkerStats) string {
	text := fmt.Sprintf("node %s, %s", s.Node, s.Role)
	switch {
	case s.Role == cascade.Idle:
		return "waiting for the node"
	case s.Err != nil:
		return text + ": " + s.Err.Error()
	case s.Paused:
		return text + ", paused"
	case s.Provider != "":
		text += ", reads from " + s.Provider
		if !s.Connected {
			text += ", which does not answer"
		}
	}
	return text
}

// checkHealth tells what is wrong with the worker.
func (w *worker) checkHealth() error {
	if err := w.health.Check(); err != nil {
		return err
	}
	return w.stats().Err
}
