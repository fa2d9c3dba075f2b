package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/jessevdk/go-flags"

	"skytools/cmd/qadmin/internal/console"
	"skytools/lib/cli"
)

const program = "qadmin"

//go:embed help.txt
var help string

// run is the whole program.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	opts := newOptions()
	rest, err := flags.NewParser(opts, flags.PassDoubleDash).ParseArgs(args)
	switch {
	case err != nil:
		return fail(stderr, cli.WithHint(cli.FlagError(err), "Try: qadmin --help."))
	case opts.Help:
		return printed(io.WriteString(stdout, help))
	case opts.Version:
		return printed(fmt.Fprintln(stdout, cli.Version(program)))
	}
	config, err := opts.config(rest)
	if err != nil {
		return fail(stderr, err)
	}
	if len(opts.sources) == 0 && cli.IsTerminal(stdin) {
		return fail(stderr, cli.WithHint(errors.New("no statement given"), "Give one with -c, for example: qadmin -c 'show queue'."))
	}
	config.Ask = askTerminal()
	config.Options.Terminal = cli.IsTerminal(stdout)
	if opts.Log != "" {
		log, err := os.OpenFile(opts.Log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return fail(stderr, err)
		}
		defer log.Close()
		stdout, stderr = io.MultiWriter(stdout, log), io.MultiWriter(stderr, log)
	}
	if opts.Output != "" {
		f, err := os.Create(opts.Output)
		if err != nil {
			return fail(stderr, err)
		}
		defer f.Close()
		stdout = f
	}
	s := console.New(config, stdin, stdout, stderr)
	if err := opts.setVariables(s); err != nil {
		return fail(stderr, err)
	}
	code := s.RunAll(ctx, opts.work(os.Getenv), opts.Single)
	if err := s.Close(); err != nil && code == console.ExitOK {
		return fail(stderr, err)
	}
	return code
}

// printed gives the code after output that needs no connection.
func printed(_ int, err error) int {
	if err != nil {
		return console.ExitUsage
	}
	return console.ExitOK
}

func fail(stderr io.Writer, err error) int {
	cli.PrintError(stderr, program, err)
	return console.ExitUsage
}
