package main

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"os"

	"github.com/jessevdk/go-flags"

	"skytools/cmd/qadmin/internal/console"
	"skytools/cmd/qadmin/internal/term"
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
	// With what stands on the command line a terminal is only for questions.
	terminal := term.New(stdin, stdout, stderr, os.Getenv)
	if len(opts.sources) > 0 {
		terminal = nil
	}
	config.Interactive = terminal != nil
	config.Ask = term.Asker(ctx)
	config.Options.Terminal = cli.IsTerminal(stdout)
	// A file beside the screen gets no colours unless they are wanted always.
	beside := opts.Color != "always" && opts.Log != ""
	config.Color = opts.color(stdout, os.Getenv) && !beside && (opts.Output == "" || opts.Color == "always")
	config.ErrorColor = opts.color(stderr, os.Getenv) && !beside
	screen := &console.Screen{Terminal: terminal, Getenv: os.Getenv, Color: opts.color(stdout, os.Getenv), History: &term.History{}}
	if terminal != nil && terminal.Out != nil {
		screen.Output = term.NewOutput(terminal, term.Pager(os.LookupEnv, "QADMIN_PAGER", "PAGER"))
		stdout, stderr = screen.Output, screen.Output.Before(stderr)
	}
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
	var code int
	if terminal != nil {
		if !opts.NoHistory {
			screen.History.Path = historyFile(os.Getenv)
		}
		var start []console.Source
		if !opts.NoRc {
			start = startFiles(os.Getenv)
		}
		code = s.Interact(ctx, screen, start)
	} else {
		code = s.RunAll(ctx, opts.work(os.Getenv), opts.Single)
	}
	if err := s.Close(); err != nil && code == console.ExitOK {
		return fail(stderr, err)
	}
	return code
}

// historyFile is where the history is kept.
func historyFile(getenv func(string) string) string {
	if name := getenv("QADMIN_HISTORY"); name != "" {
		return name
	}
	if home := getenv("HOME"); home != "" {
		return home + "/.qadmin_history"
	}
	return ""
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
