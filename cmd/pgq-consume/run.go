package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"skytools/lib/cli"
	"skytools/lib/consumer"
	"skytools/lib/daemon"
	"skytools/lib/event"
	"skytools/lib/log"
	"skytools/lib/metrics"
	"skytools/lib/pgq"
)

//go:embed help.txt
var help string

// run is the program.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	o, err := parseOptions(args)
	switch {
	case err != nil:
		cli.PrintError(stderr, program, err)
		return cli.ExitCode(err)
	case o.General.Help:
		fmt.Fprint(stdout, help)
		return cli.ExitOK
	case o.General.Version:
		fmt.Fprintln(stdout, cli.Version(program))
		return cli.ExitOK
	}
	a := &app{o: o, stdin: stdin, stdout: stdout, stderr: stderr}
	if err := a.run(ctx); err != nil && !a.quietEnd(ctx, err) {
		cli.PrintError(stderr, program, err)
		return cli.ExitCode(err)
	}
	return cli.ExitOK
}

// app is one run.
type app struct {
	o              *options
	stdin          io.Reader
	stdout, stderr io.Writer
	logger         *slog.Logger
	count          counters
	types          *typeFilter
	format         consumer.Format
	line           *statusLine // nil without a terminal
	seen           *collector
	health         daemon.Health
}

// errEnough ends the loops when --max-events is reached at the end of a batch.
var errEnough = errors.New("enough events")

// quietEnd tells whether err is no failure: a signal told us to stop, or the
// reader of our stdout has seen enough. The batch in hand stays open.
func (a *app) quietEnd(ctx context.Context, err error) bool {
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return true
	}
	var out *outputError
	return a.o.Command.Ack == nil && errors.As(err, &out) && errors.Is(out, syscall.EPIPE)
}

func (a *app) run(ctx context.Context) error {
	var err error
	if a.types, err = newTypeFilter(a.o.Selection.Types); err != nil {
		return err
	}
	a.format = newFormat(a.o.Output.Format, a.o.Output.Decode)
	if cli.IsTerminal(a.stderr) && !cli.IsTerminal(a.stdout) && !a.o.General.Quiet {
		a.line = &statusLine{w: a.stderr}
		a.stderr = a.line
	}
	if a.logger, err = log.New(a.stderr, a.o.General.LogFormat, a.level()); err != nil {
		return err
	}
	subs, done, err := a.setUp(ctx)
	if err != nil || done {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return err
	}
	start := time.Now()
	if err := a.serve(ctx, subs); err != nil {
		return err
	}
	a.sumUp(time.Since(start))
	return nil
}

// sumUp ends a run that came to its end by itself.
func (a *app) sumUp(d time.Duration) {
	switch {
	case a.o.General.Quiet:
	case a.o.General.LogFormat == log.FormatJSON:
		a.logger.Info("finished", log.Events, a.count.events.Load(), "batches", a.count.batches.Load(),
			"retries", a.count.retries.Load(), log.Duration, d)
	default:
		fmt.Fprint(a.stderr, summary(&a.count, d))
	}
}

// serve consumes, and lets the outside look on: the terminal, the service
// manager, Prometheus.
func (a *app) serve(ctx context.Context, subs []string) error {
	name := a.o.Source.Queue + "/" + a.o.Source.Consumer
	a.seen = &collector{queue: a.o.Source.Queue, consumer: a.o.Source.Consumer, count: &a.count}
	side, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var g sync.WaitGroup
	defer g.Wait()
	defer cancel()
	if addr := a.o.General.Metrics; addr != "" {
		reg := metrics.NewRegistry(metricPrefix, cli.Version(program))
		reg.MustRegister(a.seen)
		srv, err := metrics.Listen(addr, reg, a.seen.health, a.logger)
		if err != nil {
			return err
		}
		a.logger.Info("serving metrics", "address", srv.Addr())
		g.Go(func() {
			if err := srv.Run(side); err != nil {
				a.logger.Error("metrics listener", log.Err, err)
			}
		})
	}
	daemon.Ready("consuming " + name)
	defer daemon.Stopping("stopping")
	if a.line != nil || os.Getenv("NOTIFY_SOCKET") != "" {
		g.Go(func() {
			defer a.line.end()
			showProgress(side, &a.count, func(text string) {
				a.line.show(name + ": " + text)
				daemon.Status(text)
			})
		})
	}
	if interval := daemon.WatchdogInterval(); interval > 0 {
		g.Go(func() { a.feed(side, interval/2) })
	}
	return a.consume(ctx, subs)
}

// feed feeds the service manager's watchdog while all workers move.
func (a *app) feed(ctx context.Context, period time.Duration) {
	t := time.NewTicker(period)
	defer t.Stop()
	for {
		if err := a.health.Feed(); err != nil {
			a.logger.Error("watchdog is not fed", log.Err, err)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
	}
}

func (a *app) level() slog.Level {
	switch {
	case a.o.General.Quiet:
		return slog.LevelWarn
	case a.o.General.Verbose:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// setUp does what comes before the batches, and is done then if that was all.
// It returns the names of the subconsumers to work as.
func (a *app) setUp(ctx context.Context) (subs []string, done bool, err error) {
	src, err := openSource(ctx, a.o)
	if err != nil {
		return nil, false, err
	}
	defer src.close()
	switch {
	case a.o.Source.Peek:
		return nil, true, a.peek(ctx, src)
	case a.o.Source.Unregister:
		text, err := src.unregister(ctx)
		a.tell(text)
		return nil, true, err
	}
	hostname := ""
	if a.o.coop() {
		if hostname, err = os.Hostname(); err != nil {
			return nil, false, err
		}
	}
	subs = a.o.subconsumers(hostname)
	text, err := src.position(ctx, subs)
	if err != nil {
		return nil, false, explainRight(err)
	}
	a.tell(text)
	if a.o.Source.RegisterOnly || !a.o.target() {
		return subs, a.o.Source.RegisterOnly, nil
	}
	return subs, false, checkTarget(ctx, a.o)
}

// tell shows what was done.
func (a *app) tell(text string) {
	if text != "" && !a.o.General.Quiet {
		fmt.Fprintf(a.stderr, "%s: %s\n", program, text)
	}
}

// peek writes events to stdout without any position.
func (a *app) peek(ctx context.Context, src *source) error {
	from, err := src.peekFrom(ctx)
	if err != nil {
		return err
	}
	out, err := newOutput(a.stdout)
	if err != nil {
		return err
	}
	defer out.close()
	lines := consumer.NewLines(out, a.format)
	if err := lines.Begin(ctx, new(consumer.Batch)); err != nil {
		return err
	}
	left := int64(math.MaxInt64)
	if a.o.Selection.MaxEvents != nil {
		left = *a.o.Selection.MaxEvents
	}
	err = consumer.Peek(ctx, consumer.PeekOptions{
		DSN: a.o.Source.DB, ApplicationName: program, Queue: a.o.Source.Queue, From: from,
	}, func(e *event.Event) error {
		switch {
		case !a.types.match(e.Type):
			return nil
		case left == 0:
			return consumer.ErrStop
		}
		left--
		return lines.Event(ctx, e)
	})
	if err != nil {
		lines.Abort()
		return err
	}
	return lines.End(ctx)
}

// consume runs the batch loops until they end.
func (a *app) consume(ctx context.Context, subs []string) error {
	if len(subs) == 0 {
		subs = []string{""}
	}
	out, err := newOutput(a.stdout)
	if err != nil {
		return err
	}
	defer out.close()
	grace := time.Duration(0)
	if a.o.Command.Exec != "" || a.o.Command.Ack != nil {
		grace = a.o.Command.StopTimeout.Duration()
	}
	stop := newStopper(ctx, grace)
	var g errgroup.Group
	for _, sub := range subs {
		w := stop.worker(ctx)
		g.Go(func() error {
			err := a.work(w, sub, out)
			if err != nil {
				stop.stop(err)
			}
			return err
		})
	}
	if err := g.Wait(); !errors.Is(err, errEnough) {
		return err
	}
	return nil
}

// merge is how many events are worth a batch while the consumer is behind.
const merge = 10000

// work runs one batch loop.
func (a *app) work(w *worker, sub string, out io.Writer) error {
	sink, closeSink, err := a.newSink(w, out)
	if err != nil {
		return err
	}
	part := a.health.Part("worker " + sub)
	defer part.Done()
	opt := consumer.Options{
		Beat: part,
		DSN:  a.o.Source.DB, ApplicationName: program,
		Reader:       pgq.Reader{Queue: a.o.Source.Queue, Consumer: a.o.Source.Consumer, Subconsumer: sub},
		PollInterval: a.o.Selection.PollInterval.Duration(),
		UntilEmpty:   a.o.Selection.UntilEmpty,
		Merge:        merge,
		// Names that came from the host's may never be used again: the host
		// may be a container.
		UnregisterSub: a.o.Coop.Workers != nil && a.o.Coop.Subconsumer == "",
		Logger:        a.logger,
		OnBatch: func(s consumer.Summary) {
			a.count.finished(s)
			if max := a.o.Selection.MaxEvents; max != nil && a.count.events.Load() >= *max {
				w.s.stop(errEnough)
			}
			w.end()
		},
	}
	if d := a.o.Coop.DeadInterval; d != nil {
		opt.Reader.DeadInterval = d.Duration()
	}
	if d := a.o.Selection.MinLag; d != nil {
		opt.Limits.MinLag = d.Duration()
	}
	if d := a.o.Selection.MinInterval; d != nil {
		opt.Limits.MinInterval = d.Duration()
	}
	if n := a.o.Selection.MinCount; n != nil {
		opt.Limits.MinCount = int(*n)
	}
	if opt.Limits.MinCount > 0 || opt.Limits.MinInterval > 0 {
		opt.Merge = 0
	}
	loop := consumer.New(opt, sink)
	a.seen.add(loop)
	err = a.explain(loop.Run(w.ctx))
	if cerr := closeSink(); err == nil {
		err = cerr
	}
	return err
}

// explain tells after a failure of the far end what becomes of the batch.
func (a *app) explain(err error) error {
	var se *consumer.SinkError
	var hint interface{ Hint() string }
	if errors.As(err, &se) && !errors.As(err, &hint) {
		return cli.WithHint(err, "The batch stays open and comes again with the next run.")
	}
	return err
}

// newSink returns the sink that the options ask for, and what to call at the
// end.
func (a *app) newSink(w *worker, out io.Writer) (consumer.Sink, func() error, error) {
	c := &a.o.Command
	spec := commandSpec{text: c.Exec, stdout: a.stdout, stderr: a.stderr}
	f := &filtered{types: a.types, count: &a.count, worker: w}
	noClose := func() error { return nil }
	switch {
	case a.o.target():
		t := a.newTarget()
		return t, func() error { t.Close(); return nil }, nil
	case c.Exec != "" && c.Ack != nil:
		spec.answersFD = *c.Ack
		s := newCoprocessSink(spec, a.format)
		f.Sink = s
		return f, func() error { return s.close(c.StopTimeout.Duration()) }, nil
	case c.PerEvent:
		f.Sink = &perEventSink{spec: spec, format: a.format, retryDelay: c.RetryDelay.Duration()}
	case c.Exec != "":
		f.Sink = &execSink{spec: spec, format: a.format, retryDelay: c.RetryDelay.Duration(), logger: a.logger}
	case c.Ack != nil:
		in, err := a.descriptor(*c.Ack)
		if err != nil {
			return nil, nil, err
		}
		f.Sink = newAckSink(out, in, a.format)
	default:
		f.Sink = consumer.NewLines(out, a.format)
		if max := a.o.Selection.MaxEvents; max != nil {
			f.max = *max
		}
	}
	return f, noClose, nil
}

// descriptor opens a descriptor that we were started with.
func (a *app) descriptor(fd int) (io.Reader, error) {
	if fd == 0 {
		return a.stdin, nil
	}
	f := os.NewFile(uintptr(fd), fmt.Sprintf("descriptor %d", fd))
	if _, err := f.Stat(); err != nil {
		return nil, cli.Usagef("option --ack: descriptor %d is not open", fd)
	}
	return f, nil
}

// newTarget returns the sink of --into. The options were checked before.
func (a *app) newTarget() *consumer.Tracked {
	opt := consumer.TrackOptions{DSN: a.o.Target.Into, ApplicationName: program, Logger: a.logger}
	if a.o.Target.SQL != "" {
		st, _ := parseStatement(a.o.Target.SQL)
		return consumer.NewTracked(opt, &sqlTarget{st: st, types: a.types, count: &a.count})
	}
	name, _ := parseQueueName(a.o.Target.IntoQueue)
	return consumer.NewTracked(opt, &queueTarget{name: name, types: a.types, count: &a.count})
}
