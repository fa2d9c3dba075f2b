package console

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"skytools/cmd/qadmin/internal/grammar"
	"skytools/cmd/qadmin/internal/output"
	"skytools/lib/cli"
)

// command runs a command that begins with a backslash.
func (s *Session) command(ctx context.Context, in *input, text string) error {
	name, rest := cutCommand(text)
	c := grammar.FindCommand(name)
	if c == nil {
		if strings.HasPrefix(name, "d") {
			return cli.WithHint(fmt.Errorf(`unknown command \%s`, name), `For tables and the like use psql; \? lists what there is here.`)
		}
		return cli.WithHint(fmt.Errorf(`unknown command \%s`, name), `Run \? for the list of commands.`)
	}
	var args []string
	if c.Rest {
		if rest != "" {
			args = []string{rest}
		}
	} else {
		var err error
		if args, err = s.arguments(rest); err != nil {
			return err
		}
	}
	return commands[name](ctx, s, in, args)
}

// cutCommand splits a command into its name and what follows.
func cutCommand(text string) (name, rest string) {
	text = strings.TrimPrefix(text, `\`)
	n := 0
	for n < len(text) && (text[n] == '_' || text[n] >= '0' && text[n] <= '9' || text[n]|0x20 >= 'a' && text[n]|0x20 <= 'z') {
		n++
	}
	if n == 0 && text != "" {
		n = 1 // \! and \?
	}
	return text[:n], strings.TrimSpace(text[n:])
}

// arguments cuts the arguments of a command: words, strings in single quotes
// with escapes, and variables.
func (s *Session) arguments(text string) ([]string, error) {
	var args []string
	for text = strings.TrimLeft(text, " \t"); text != ""; text = strings.TrimLeft(text, " \t") {
		var b strings.Builder
		for text != "" && text[0] != ' ' && text[0] != '\t' {
			var l grammar.Lexer
			l.Escapes = true
			kind, n := l.Next(text)
			if l.Open() || kind == grammar.Comment || kind == grammar.Dollar {
				if kind == grammar.String || kind == grammar.Quoted {
					return nil, fmt.Errorf("the quote is not closed: %s", text)
				}
				n = 1
			}
			switch kind {
			case grammar.String, grammar.Quoted:
				tokens, _ := grammar.Tokens(text[:n], true)
				b.WriteString(tokens[0].Value)
			case grammar.Variable:
				b.WriteString(s.argument(text[:n]))
			default:
				b.WriteString(text[:n])
			}
			text = text[n:]
		}
		args = append(args, b.String())
	}
	return args, nil
}

// argument gives the value of a variable in an argument, or the text if there
// is no such variable.
func (s *Session) argument(ref string) string {
	if name, asks := strings.CutPrefix(ref, ":{?"); asks {
		_, ok := s.lookup(strings.TrimSuffix(name, "}"))
		return strconv.FormatBool(ok)
	}
	if v, ok := s.lookup(strings.Trim(ref[1:], `'"`)); ok {
		return v
	}
	return ref
}

type commandFunc func(ctx context.Context, s *Session, in *input, args []string) error

var commands map[string]commandFunc

func init() {
	commands = map[string]commandFunc{
		"?": func(_ context.Context, s *Session, _ *input, _ []string) error {
			_, err := io.WriteString(s.out, grammar.HelpCommands())
			return err
		},
		"h": func(ctx context.Context, s *Session, _ *input, args []string) error {
			return s.help(ctx, strings.TrimSuffix(first(args), ";"))
		},
		"q":          func(context.Context, *Session, *input, []string) error { return errQuit },
		"c":          connectCommand,
		"conninfo":   connInfo,
		"Q":          queueCommand,
		"dq":         shortcut("show queue"),
		"dc":         shortcut("show consumer"),
		"dn":         shortcut("show node"),
		"dx":         showExtensions,
		"x":          optionCommand("expanded"),
		"t":          optionCommand("tuples_only"),
		"f":          optionCommand("fieldsep"),
		"format":     optionCommand("format"),
		"a":          toggleAligned,
		"pset":       pset,
		"timing":     timing,
		"o":          outputCommand,
		"g":          goCommand(false),
		"gx":         goCommand(true),
		"gset":       setCommandResult,
		"gdesc":      describe,
		"if":         conditional("if"),
		"elif":       conditional("elif"),
		"else":       conditional("else"),
		"endif":      conditional("endif"),
		"watch":      watch,
		"p":          printBuffer,
		"e":          editCommand,
		"s":          historyCommand,
		"r":          resetBuffer,
		"i":          include(false),
		"ir":         include(true),
		"set":        setCommand,
		"unset":      unset,
		"echo":       echo(func(s *Session) io.Writer { return s.stdout }),
		"qecho":      echo(func(s *Session) io.Writer { return s.out }),
		"warn":       echo(func(s *Session) io.Writer { return s.stderr }),
		"!":          shell,
		"cd":         changeDir,
		"errverbose": errVerbose,
	}
}

func first(args []string) string {
	if len(args) == 0 {
		return ""
	}
	return args[0]
}

// shortcut runs a statement with a name, which is taken as it is written.
func shortcut(statement string) commandFunc {
	return func(ctx context.Context, s *Session, in *input, args []string) error {
		text := statement
		if name := first(args); name == "*" {
			text += " *"
		} else if name != "" {
			text += ` "` + strings.ReplaceAll(name, `"`, `""`) + `"`
		}
		return s.Execute(ctx, in, text)
	}
}

func optionCommand(name string) commandFunc {
	return func(_ context.Context, s *Session, _ *input, args []string) error {
		if len(args) == 0 && (name == "format" || name == "fieldsep") {
			s.message("%s is %q", name, s.Options.Get(name))
			return nil
		}
		return s.Options.Set(name, first(args), grammar.Formats)
	}
}

func toggleAligned(_ context.Context, s *Session, _ *input, _ []string) error {
	if s.Options.Format == "aligned" {
		s.Options.Format = "unaligned"
	} else {
		s.Options.Format = "aligned"
	}
	return nil
}

func pset(_ context.Context, s *Session, _ *input, args []string) error {
	switch len(args) {
	case 0:
		for _, name := range output.OptionNames {
			s.message("%-12s %q", name, s.Options.Get(name))
		}
		return nil
	case 1:
		return s.Options.Set(args[0], "", grammar.Formats)
	}
	return s.Options.Set(args[0], args[1], grammar.Formats)
}

func timing(_ context.Context, s *Session, _ *input, args []string) error {
	if len(args) == 0 {
		s.timing = !s.timing
		return nil
	}
	on, err := output.ParseBool("timing", args[0])
	if err == nil {
		s.timing = on
	}
	return err
}

func setCommand(_ context.Context, s *Session, _ *input, args []string) error {
	if len(args) == 0 {
		names := make([]string, 0, len(s.Vars))
		for n := range s.Vars {
			names = append(names, n)
		}
		slices.Sort(names)
		for _, n := range names {
			fmt.Fprintf(s.out, "%s = %s\n", n, s.Vars[n])
		}
		return nil
	}
	return s.SetVar(args[0], strings.Join(args[1:], ""))
}

func unset(_ context.Context, s *Session, _ *input, args []string) error {
	if len(args) != 1 {
		return errors.New(`\unset needs the name of a variable`)
	}
	delete(s.Vars, args[0])
	return nil
}

func echo(to func(*Session) io.Writer) commandFunc {
	return func(_ context.Context, s *Session, _ *input, args []string) error {
		end := "\n"
		if first(args) == "-n" {
			args, end = args[1:], ""
		}
		_, err := io.WriteString(to(s), strings.Join(args, " ")+end)
		return err
	}
}

func printBuffer(_ context.Context, s *Session, in *input, _ []string) error {
	text := strings.TrimRight(in.Buffer(), "\r\n")
	if in.Empty() {
		text = s.lastQuery
	}
	_, err := fmt.Fprintln(s.out, text)
	return err
}

func resetBuffer(_ context.Context, _ *Session, in *input, _ []string) error {
	in.Reset()
	return nil
}

func include(relative bool) commandFunc {
	return func(ctx context.Context, s *Session, in *input, args []string) error {
		if len(args) != 1 {
			return errors.New(`\i needs the name of a file`)
		}
		name := args[0]
		if relative && !filepath.IsAbs(name) && in.file != "" && in.file != "<stdin>" {
			name = filepath.Join(filepath.Dir(in.file), name)
		}
		return s.Include(ctx, name)
	}
}

// changeDir changes the directory of this session, not of the process.
func changeDir(_ context.Context, s *Session, _ *input, args []string) error {
	if s.Restricted {
		return errors.New(`\cd is not allowed with --restricted`)
	}
	dir := first(args)
	if dir == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return err
		}
		dir = home
	}
	dir = s.path(dir)
	if info, err := os.Stat(dir); err != nil {
		return err
	} else if !info.IsDir() {
		return fmt.Errorf("not a directory: %s", dir)
	}
	s.dir = dir
	return nil
}

func shell(ctx context.Context, s *Session, _ *input, args []string) error {
	if s.Restricted {
		return errors.New(`\! is not allowed with --restricted`)
	}
	if len(args) == 0 {
		return errors.New(`\! needs a command`)
	}
	cmd := s.shellCommand(ctx, args[0])
	if s.screen != nil {
		if err := s.flush(); err != nil {
			return err
		}
		return s.screen.Terminal.Run(cmd)
	}
	cmd.Stdout = s.stdout
	return cmd.Run()
}

func (s *Session) shellCommand(ctx context.Context, text string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", text)
	cmd.Dir, cmd.Stderr = s.dir, s.stderr
	return cmd
}

func outputCommand(ctx context.Context, s *Session, _ *input, args []string) error {
	return s.redirectTo(ctx, first(args))
}

// redirect sends results to stdout again.
func (s *Session) redirect() error {
	s.out = s.stdout
	if s.closeOut == nil {
		return nil
	}
	end := s.closeOut
	s.closeOut = nil
	return end()
}

// redirectTo sends results to a file, or into a command after a |.
func (s *Session) redirectTo(ctx context.Context, to string) error {
	if err := s.redirect(); err != nil || to == "" {
		return err
	}
	w, end, err := s.open(ctx, to)
	if err == nil {
		s.out, s.closeOut = w, end
	}
	return err
}

func (s *Session) open(ctx context.Context, to string) (io.Writer, func() error, error) {
	if text, ok := strings.CutPrefix(to, "|"); ok {
		if s.Restricted {
			return nil, nil, errors.New("commands are not allowed with --restricted")
		}
		cmd := s.shellCommand(ctx, text)
		cmd.Stdout = s.stdout
		pipe, err := cmd.StdinPipe()
		if err == nil {
			err = cmd.Start()
		}
		return pipe, func() error { pipe.Close(); return cmd.Wait() }, err
	}
	args, err := s.arguments(to)
	if err != nil {
		return nil, nil, err
	}
	f, err := os.Create(s.path(strings.Join(args, " ")))
	if err != nil {
		return nil, nil, err
	}
	return f, f.Close, nil
}

// buffered takes the buffer, or the last statement if it is empty.
func (s *Session) buffered(in *input) (string, error) {
	if p, ok := in.Take(); ok {
		s.lastQuery = p.Text
	}
	if s.lastQuery == "" {
		return "", errors.New("there is no statement to run")
	}
	return s.lastQuery, nil
}

func goCommand(expanded bool) commandFunc {
	return func(ctx context.Context, s *Session, in *input, args []string) (err error) {
		text, err := s.buffered(in)
		if err != nil {
			return err
		}
		if to := first(args); to != "" {
			w, end, err := s.open(ctx, to)
			if err != nil {
				return err
			}
			before := s.out
			s.out = w
			defer func() {
				s.out = before
				if cerr := end(); err == nil {
					err = cerr
				}
			}()
		}
		s.expand = expanded
		defer func() { s.expand = false }()
		return s.Execute(ctx, in, text)
	}
}

// reads are the first words of SQL that changes nothing, as far as that can be
// told by the first word.
var reads = map[string]bool{"select": true, "table": true, "values": true, "show": true, "with": true, "explain": true, "": true}

const (
	watchDefault = 2 * time.Second
	watchLeast   = 100 * time.Millisecond
)

// watch runs a statement again and again, until it fails or was run so often
// as c= says.
func watch(ctx context.Context, s *Session, in *input, args []string) error {
	wait, count := watchDefault, 0
	for _, a := range args {
		if n, ok := strings.CutPrefix(a, "c="); ok {
			c, err := strconv.Atoi(n)
			if err != nil || c < 1 {
				return fmt.Errorf("c= needs a number above 0, not %q", n)
			}
			count = c
			continue
		}
		sec, err := strconv.ParseFloat(strings.TrimPrefix(a, "i="), 64)
		if err != nil || time.Duration(sec*float64(time.Second)) < watchLeast {
			return fmt.Errorf("the interval of \\watch is at least 0.1 seconds, not %q", a)
		}
		wait = time.Duration(sec * float64(time.Second))
	}
	text, err := s.buffered(in)
	if err != nil {
		return err
	}
	if m, err := grammar.Parse(text, s.escapes()); err != nil {
		return err
	} else if m != nil && m.Statement.Writes || m == nil && !reads[grammar.FirstWord(text, s.escapes())] {
		if err := s.confirm(fmt.Sprintf("run %q again and again", text), true); err != nil {
			return err
		}
	}
	defer s.direct()()
	ctx, end, err := s.watchPager(ctx)
	if err != nil {
		return err
	}
	defer end()
	for n := 1; ; n++ {
		if !s.Options.Machine() {
			fmt.Fprintf(s.out, "%s (every %s)\n\n", time.Now().Format("Mon 02 Jan 2006 15:04:05 MST"), wait)
		}
		err := s.Execute(ctx, in, text)
		if errors.Is(context.Cause(ctx), errLeft) {
			return nil
		}
		if err != nil {
			return err
		}
		s.flushNotices(place{})
		if n == count {
			return nil
		}
		select {
		case <-ctx.Done():
			if err := context.Cause(ctx); !errors.Is(err, errLeft) {
				return err
			}
			return nil
		case <-time.After(wait):
		}
	}
}

// watched is the pager of \watch. One that takes no more was left.
type watched struct {
	io.Writer
	cancel context.CancelCauseFunc
}

func (w watched) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	if err != nil {
		w.cancel(errLeft)
	}
	return n, err
}

// watchPager sends what \watch shows through the pager that is for that, if
// there is one. The context ends with the pager.
func (s *Session) watchPager(ctx context.Context) (_ context.Context, end func(), err error) {
	if s.screen == nil || s.screen.Output == nil || s.closeOut != nil || s.Restricted {
		return ctx, func() {}, nil
	}
	command := s.screen.Getenv("QADMIN_WATCH_PAGER")
	if command == "" {
		command = s.screen.Getenv("PSQL_WATCH_PAGER")
	}
	if strings.TrimSpace(command) == "" {
		return ctx, func() {}, nil
	}
	cmd := s.shellCommand(context.WithoutCancel(ctx), command)
	cmd.Stdout = s.screen.Terminal.Out
	pipe, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return ctx, nil, err
	}
	before := s.out
	ctx, cancel := context.WithCancelCause(ctx)
	s.out = watched{pipe, cancel}
	done := make(chan struct{})
	go func() {
		_ = cmd.Wait() // how a pager ends says nothing about the result
		cancel(errLeft)
		close(done)
	}()
	return ctx, func() {
		s.out = before
		pipe.Close()
		<-done
		s.screen.Terminal.Restore()
	}, nil
}

func errVerbose(_ context.Context, s *Session, _ *input, _ []string) error {
	if s.lastError == nil {
		s.message("There is no previous error.")
		return nil
	}
	var b strings.Builder
	writeError(&b, s.lastError, "verbose")
	_, err := io.WriteString(s.stderr, b.String())
	return err
}
