package main

import (
	"context"
	"fmt"
	"io"
	"syscall"

	"skytools/lib/cli"
	"skytools/lib/daemon"
	"skytools/lib/log"
)

// run is the program.
func run(ctx context.Context, args []string, _ io.Reader, stdout, stderr io.Writer) int {
	code, err := start(ctx, args, stdout, stderr)
	if err != nil {
		cli.PrintError(stderr, program, err)
		return cli.ExitCode(err)
	}
	return code
}

// start does what the switches ask for, by default the daemon's work.
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
	case s.Daemonize && !daemon.Detached():
		return daemon.Detach(ctx, args, stdout, stderr)
	}
	return cli.ExitOK, work(ctx, args, o, stderr)
}

// work is the daemon, in the foreground or already in the background.
func work(ctx context.Context, args []string, o *options, stderr io.Writer) error {
	// Before there is a pidfile: who finds it may send SIGHUP at once.
	hangups := daemon.Hangups(ctx)
	lg, err := openLogging(o, stderr, daemon.Detached())
	if err != nil {
		return err
	}
	defer lg.close()
	if path := string(o.Settings.Pidfile); path != "" {
		p, err := daemon.CreatePidfile(path)
		if err != nil {
			return err
		}
		defer func() {
			if err := p.Remove(); err != nil {
				lg.logger.Warn("cannot remove pidfile", log.Err, err)
			}
		}()
		if p.Stale != 0 {
			lg.logger.Info("stale pidfile, taking it over", "pid", p.Stale)
		}
	}
	d, err := newServer(o, lg, func() (*options, error) { return parseOptions(args, nil) })
	if err != nil {
		return err
	}
	return d.run(ctx, hangups)
}
