package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"syscall"

	"skytools/lib/cascade"
	"skytools/lib/cli"
	"skytools/lib/daemon"
	"skytools/lib/log"
)

// A verb is what londiste can do.
type verb struct {
	name     string
	min, max int  // arguments; max -1 is any number
	looks    bool // changes nothing, and may run beside others
	works    bool // is a daemon
	run      func(ctx context.Context, e *env) error
}

// verbs is filled by init, since help shows it.
var verbs []*verb

func init() {
	verbs = []*verb{
		{name: "create-root", max: 2, run: create},
		{name: "create-branch", max: 2, run: create},
		{name: "create-leaf", max: 2, run: create},
		{name: "members", looks: true, run: members},
		{name: "status", looks: true, run: status},
		{name: "node-status", looks: true, run: nodeStatus},
		{name: "node-info", looks: true, run: nodeInfo},
		{name: "pause", run: pause},
		{name: "resume", run: pause},
		{name: "wait-root", looks: true, run: wait},
		{name: "wait-provider", looks: true, run: wait},
		{name: "change-provider", run: changeProvider},
		{name: "takeover", min: 1, max: 1, run: takeover},
		{name: "resurrect", run: resurrect},
		{name: "drop-node", min: 1, max: 1, run: dropNode},
		{name: "tag-dead", min: 1, max: -1, run: tag},
		{name: "tag-alive", min: 1, max: -1, run: tag},
		{name: "worker", works: true, run: work},
	}
}

func findVerb(name string) *verb {
	for _, v := range verbs {
		if v.name == name {
			return v
		}
	}
	return nil
}

// env is what a verb works with.
type env struct {
	*options
	argv           []string // of the program, for a reload
	set            cascade.Config
	logger         *slog.Logger
	file           *log.File // the log file, nil without one
	stdout, stderr io.Writer
	hangups        <-chan struct{}
}

// run is the program.
func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	code, err := start(ctx, args, stdout, stderr)
	if err != nil {
		cli.PrintError(stderr, program, err)
		return cli.ExitCode(err)
	}
	return code
}

func start(ctx context.Context, args []string, stdout, stderr io.Writer) (int, error) {
	o, err := parseOptions(args, nil)
	if err != nil {
		return 0, err
	}
	s := &o.Switches
	switch {
	case s.Help:
		_, err := io.WriteString(stdout, help)
		return cli.ExitOK, err
	case s.Version:
		fmt.Fprintln(stdout, cli.Version(program))
		return cli.ExitOK, nil
	case s.Ini:
		_, err := io.WriteString(stdout, sample)
		return cli.ExitOK, err
	case s.ShowConfig:
		return cli.ExitOK, o.config.Show(stdout)
	case s.CheckConfig:
		return cli.ExitOK, o.check(stderr)
	case s.Stop:
		return cli.ExitOK, cli.SignalOld(stderr, string(o.Settings.Pidfile), syscall.SIGINT)
	case s.Kill:
		return cli.ExitOK, cli.SignalOld(stderr, string(o.Settings.Pidfile), syscall.SIGTERM)
	case s.Reload:
		return cli.ExitOK, cli.SignalOld(stderr, string(o.Settings.Pidfile), syscall.SIGHUP)
	case o.verb == nil && o.file == "" && o.Settings.DB == "":
		return 0, cli.Usagef("need config file, use --help for help.")
	case o.verb == nil:
		return 0, cli.Usagef("need command")
	}
	if err := o.arity(); err != nil {
		return 0, err
	}
	if err := o.ready(); err != nil {
		return 0, err
	}
	if s.Daemonize && !o.verb.works {
		return 0, cli.Usagef("only the worker goes into the background")
	}
	if s.Daemonize && !daemon.Detached() {
		return daemon.Detach(ctx, args, stdout, stderr)
	}
	return cli.ExitOK, act(ctx, args, o, stdout, stderr)
}

// check tells whether the configuration is without doubt.
func (o *options) check(stderr io.Writer) error {
	if len(o.warnings) == 0 {
		return nil
	}
	for _, w := range o.warnings[1:] {
		fmt.Fprintf(stderr, "%s: error: %s\n", program, w)
	}
	return &cli.UsageError{Err: errors.New(o.warnings[0])}
}

// act runs the verb.
func act(ctx context.Context, args []string, o *options, stdout, stderr io.Writer) (err error) {
	e := &env{options: o, argv: args, stdout: stdout, stderr: stderr}
	if o.verb.works {
		// Before there is a pidfile: who finds it may send SIGHUP at once.
		e.hangups = daemon.Hangups(ctx)
	}
	if err := e.openLog(); err != nil {
		return err
	}
	if e.file != nil {
		defer e.file.Close()
	}
	e.set = o.set(e.logger)
	for _, w := range o.warnings {
		e.logger.Warn("dubious configuration", "at", w)
	}
	if path := o.pidfile(); path != "" {
		p, err := daemon.CreatePidfile(path)
		if err != nil {
			return err
		}
		defer func() {
			if err := p.Remove(); err != nil {
				e.logger.Warn("cannot remove pidfile", log.Err, err)
			}
		}()
		if p.Stale != 0 {
			e.logger.Info("stale pidfile, taking it over", "pid", p.Stale)
		}
	}
	err = o.verb.run(ctx, e)
	if sig := (cli.ErrSignal{}); o.verb.works && errors.As(err, &sig) {
		return nil
	}
	return err
}

// openLog opens the log: the console, and the log file if there is one.
func (e *env) openLog() error {
	level := e.level()
	if e.Switches.Quiet {
		level = slog.LevelWarn
	}
	var hs []slog.Handler
	handler := func(w io.Writer) error {
		f := e.Settings.LogFormat
		if f == log.FormatText || f == log.FormatAuto && !log.IsJournal(w) {
			f = log.FormatLine // the lines of pgqd
		}
		h, err := log.NewHandler(w, f, level)
		hs = append(hs, h)
		return err
	}
	if err := handler(e.stderr); err != nil {
		return err
	}
	if path := string(e.Settings.Logfile); path != "" {
		var err error
		if e.file, err = log.OpenFile(path); err != nil {
			return fmt.Errorf("open logfile: %w", err)
		}
		if err := handler(e.file); err != nil {
			return err
		}
	}
	e.logger = slog.New(slog.NewMultiHandler(hs...))
	return nil
}
