// Package scripttest runs end-to-end scripts: txtar files for testscript, with
// verbs for servers, SQL and background programs. Tests only.
//
//	func TestScripts(t *testing.T) { scripttest.Run(t, scripttest.Params{Tools: []string{"pgqd"}}) }
//
// Verbs beyond testscript's own:
//
//	db NAME [EXTENSION...]    make a database with these extensions of ours;
//	                          $NAME is its DSN, $NAME_DB its name; the first
//	                          one is also PGDATABASE
//	sql [-d DSN] QUERY        run SQL; stdout has its rows, columns joined by |
//	sql [-d DSN] -f FILE
//	await [-d DSN] QUERY [WANT]
//	                          poll until the query's output is WANT (t)
//	awaitfile FILE REGEXP     poll until the file matches
//	code N PROGRAM [ARG...]   like exec, demands exit code N
//	bg NAME PROGRAM [ARG...]  start a program; NAME.out and NAME.err take its
//	                          output
//	signal NAME SIGNAL        send TERM, INT, HUP, KILL, STOP, CONT, USR1, USR2
//	exited NAME [CODE]        wait for its end, demand the code (0)
//	pg start [PARAM=VALUE...] the script's own cluster instead of the shared one
//	pg stop|start|restart|kill
//	pg set PARAM=VALUE...     change postgresql.conf and reload
//
// PGHOST, PGPORT and PGUSER point to the server. Tools are found in PATH. No
// verb sleeps; each poll ends in failure after a minute.
package scripttest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/rogpeppe/go-internal/testscript"

	"skytools/lib/golden"
	"skytools/lib/testpg"
)

// timeout bounds each wait of a script.
const timeout = time.Minute

// Params say what Run runs.
type Params struct {
	Dir   string   // scripts, testdata/script by default
	Tools []string // our programs that the scripts run
	Setup func(env *testscript.Env) error
}

// Run runs each script as a parallel subtest. With -update, files in a script
// that a cmp finds different are rewritten.
func Run(t *testing.T, p Params) {
	t.Helper()
	if p.Dir == "" {
		p.Dir = filepath.Join("testdata", "script")
	}
	shared := testpg.Shared(t)
	path := shared.BinDir() + string(os.PathListSeparator) + os.Getenv("PATH")
	for _, tool := range p.Tools {
		dir := filepath.Dir(Tool(t, tool))
		if !strings.HasPrefix(path, dir) {
			path = dir + string(os.PathListSeparator) + path
		}
	}
	testscript.Run(t, testscript.Params{
		Dir:           p.Dir,
		UpdateScripts: golden.Update(),
		Setup: func(env *testscript.Env) error {
			s := &script{t: t, pg: shared, bg: map[string]*background{}}
			env.Values[scriptKey{}] = s
			env.Setenv("PATH", path)
			env.Setenv("PGUSER", "postgres")
			env.Setenv("PGHOST", shared.SocketDir())
			env.Setenv("PGPORT", strconv.Itoa(shared.Port()))
			// What a tool under -cover writes.
			env.Setenv("GOCOVERDIR", os.Getenv("GOCOVERDIR"))
			if p.Setup != nil {
				return p.Setup(env)
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"await":     verb(await),
			"awaitfile": verb(awaitFile),
			"bg":        verb(startBackground),
			"code":      verb(code),
			"db":        verb(newDB),
			"exited":    verb(exited),
			"pg":        verb(pg),
			"signal":    verb(signal),
			"sql":       sql,
		},
	})
}

type scriptKey struct{}

// script is the state of one running script.
type script struct {
	t       *testing.T
	pg      *testpg.Cluster
	private bool // pg is the script's own
	dbs     int
	bg      map[string]*background
}

func state(ts *testscript.TestScript) *script { return ts.Value(scriptKey{}).(*script) }

// verb makes a command of testscript from one that cannot be negated.
func verb(f func(ts *testscript.TestScript, s *script, args []string)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg {
			ts.Fatalf("this verb cannot be negated")
		}
		f(ts, state(ts), args)
	}
}

// scriptTB lets testpg report to a script and end with it.
type scriptTB struct {
	testing.TB
	ts *testscript.TestScript
}

func (s scriptTB) Helper()                      {}
func (s scriptTB) Fatal(args ...any)            { s.ts.Fatalf("%s", fmt.Sprint(args...)) }
func (s scriptTB) Fatalf(f string, args ...any) { s.ts.Fatalf(f, args...) }
func (s scriptTB) Logf(f string, args ...any)   { s.ts.Logf(f, args...) }
func (s scriptTB) Cleanup(f func())             { s.ts.Defer(f) }
func (s scriptTB) Context() context.Context     { return context.Background() }
func tb(ts *testscript.TestScript) testing.TB   { return scriptTB{state(ts).t, ts} }

func newDB(ts *testscript.TestScript, s *script, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: db NAME [EXTENSION...]")
	}
	dsn := s.pg.NewDB(tb(ts), testpg.Extensions(args[1:]...))
	cfg, err := pgconn.ParseConfig(dsn)
	ts.Check(err)
	ts.Setenv(args[0], dsn)
	ts.Setenv(args[0]+"_DB", cfg.Database)
	if s.dbs++; s.dbs == 1 {
		ts.Setenv("PGDATABASE", cfg.Database)
	}
}

// query runs SQL and returns rows as lines, for the database of the DSN or
// else the first one of the script.
func query(ts *testscript.TestScript, dsn, sql string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if dsn == "" {
		db := ts.Getenv("PGDATABASE")
		if db == "" {
			db = "postgres"
		}
		dsn = state(ts).pg.DSN(db)
	}
	conn, err := pgconn.Connect(ctx, dsn)
	if err != nil {
		return "", err
	}
	defer conn.Close(ctx)
	results, err := conn.Exec(ctx, sql).ReadAll()
	var b strings.Builder
	for _, r := range results {
		for _, row := range r.Rows {
			b.Write(bytes.Join(row, []byte("|")))
			b.WriteByte('\n')
		}
	}
	return b.String(), err
}

// dsnFlag cuts -d DSN off.
func dsnFlag(args []string) (string, []string) {
	if len(args) > 1 && args[0] == "-d" {
		return args[1], args[2:]
	}
	return "", args
}

func sql(ts *testscript.TestScript, neg bool, args []string) {
	dsn, args := dsnFlag(args)
	if len(args) == 2 && args[0] == "-f" {
		args = []string{ts.ReadFile(args[1])}
	}
	if len(args) != 1 {
		ts.Fatalf("usage: sql [-d DSN] QUERY | -f FILE")
	}
	out, err := query(ts, dsn, args[0])
	fmt.Fprint(ts.Stdout(), out)
	if err != nil {
		fmt.Fprintln(ts.Stderr(), err)
	}
	if neg == (err == nil) {
		ts.Fatalf("error: %v", err)
	}
}

// poll calls cond until it is true, or fails the script.
func poll(ts *testscript.TestScript, what string, cond func() (bool, string)) {
	deadline := time.Now().Add(timeout)
	for {
		ok, got := cond()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("waited for %s; last was: %s", what, got)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func await(ts *testscript.TestScript, _ *script, args []string) {
	dsn, args := dsnFlag(args)
	want := "t"
	switch len(args) {
	case 1:
	case 2:
		want = args[1]
	default:
		ts.Fatalf("usage: await [-d DSN] QUERY [WANT]")
	}
	poll(ts, want+" from "+args[0], func() (bool, string) {
		got, err := query(ts, dsn, args[0])
		if err != nil {
			return false, err.Error() // the server may be on its way
		}
		got = strings.TrimSuffix(got, "\n")
		return got == want, got
	})
}

func awaitFile(ts *testscript.TestScript, s *script, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: awaitfile FILE REGEXP")
	}
	re, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	poll(ts, args[1]+" in "+args[0], func() (bool, string) {
		b, err := os.ReadFile(ts.MkAbs(args[0]))
		if err != nil {
			return false, err.Error()
		}
		return re.Match(b), string(b)
	})
}

// command makes a command with the directory and environment of the script,
// which testscript tells only to the programs that it runs.
func command(ts *testscript.TestScript, args []string) *exec.Cmd {
	file := filepath.Join(ts.Getenv("TMPDIR"), ".environment")
	ts.Check(ts.Exec("sh", "-c", `env -0 >"$1"`, "sh", file))
	env, err := os.ReadFile(file)
	ts.Check(err)
	program := args[0]
	if !strings.Contains(program, "/") {
		for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
			if fi, err := os.Stat(filepath.Join(dir, program)); err == nil && fi.Mode()&0o111 != 0 {
				program = filepath.Join(dir, program)
				break
			}
		}
	}
	cmd := exec.Command(program, args[1:]...)
	cmd.Dir = ts.MkAbs(".")
	cmd.Env = strings.Split(strings.TrimSuffix(string(env), "\x00"), "\x00")
	return cmd
}

func code(ts *testscript.TestScript, _ *script, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: code N PROGRAM [ARG...]")
	}
	cmd := command(ts, args[1:])
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	ts.Check(cmd.Start())
	timer := time.AfterFunc(timeout, func() { cmd.Process.Kill() })
	defer timer.Stop()
	checkCode(ts, args[1], cmd.Wait(), args[0])
}

func checkCode(ts *testscript.TestScript, name string, err error, want string) {
	got := "0"
	var ee *exec.ExitError
	if errors.As(err, &ee) {
		got = strconv.Itoa(ee.ExitCode())
		if st, ok := ee.Sys().(syscall.WaitStatus); ok && st.Signaled() {
			got = st.Signal().String()
		}
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s ended with %s, want %s", name, got, want)
	}
}

// background is a program that bg started.
type background struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when err is set
	err  error
}

func startBackground(ts *testscript.TestScript, s *script, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: bg NAME PROGRAM [ARG...]")
	}
	name := args[0]
	if b := s.bg[name]; b != nil {
		select {
		case <-b.done:
		default:
			ts.Fatalf("%s is already running", name)
		}
	}
	cmd := command(ts, args[1:])
	for _, out := range []struct {
		suffix string
		set    func(f *os.File)
	}{{".out", func(f *os.File) { cmd.Stdout = f }}, {".err", func(f *os.File) { cmd.Stderr = f }}} {
		f, err := os.OpenFile(ts.MkAbs(name+out.suffix), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
		ts.Check(err)
		defer f.Close()
		out.set(f)
	}
	errFile := ts.MkAbs(name + ".err")
	ts.Check(cmd.Start())
	b := &background{cmd: cmd, done: make(chan struct{})}
	s.bg[name] = b
	go func() { b.err = cmd.Wait(); close(b.done) }()
	ts.Defer(func() {
		cmd.Process.Kill()
		<-b.done
		if s.t.Failed() {
			text, _ := os.ReadFile(errFile)
			ts.Logf("stderr of %s:\n%s", name, text)
		}
	})
}

func (s *script) background(ts *testscript.TestScript, name string) *background {
	b := s.bg[name]
	if b == nil {
		ts.Fatalf("no program %s was started by bg", name)
	}
	return b
}

var signals = map[string]syscall.Signal{
	"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL,
	"STOP": syscall.SIGSTOP, "CONT": syscall.SIGCONT, "USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
}

func signal(ts *testscript.TestScript, s *script, args []string) {
	if len(args) != 2 || signals[args[1]] == 0 {
		ts.Fatalf("usage: signal NAME TERM|INT|HUP|KILL|STOP|CONT|USR1|USR2")
	}
	ts.Check(s.background(ts, args[0]).cmd.Process.Signal(signals[args[1]]))
}

func exited(ts *testscript.TestScript, s *script, args []string) {
	want := "0"
	switch len(args) {
	case 1:
	case 2:
		want = args[1]
	default:
		ts.Fatalf("usage: exited NAME [CODE]")
	}
	b := s.background(ts, args[0])
	select {
	case <-b.done:
		checkCode(ts, args[0], b.err, want)
	case <-time.After(timeout):
		ts.Fatalf("%s is still running after %s", args[0], timeout)
	}
}

func pg(ts *testscript.TestScript, s *script, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: pg start|stop|restart|kill|set [PARAM=VALUE...]")
	}
	t := tb(ts)
	if args[0] == "start" && !s.private {
		if s.dbs > 0 {
			ts.Fatalf("pg start must come before db")
		}
		var opts []testpg.Option
		for _, a := range args[1:] {
			name, value := setting(ts, a)
			opts = append(opts, testpg.Conf(name, value))
		}
		s.pg, s.private = testpg.Start(t, opts...), true
		ts.Setenv("PGHOST", s.pg.SocketDir())
		ts.Setenv("PGPORT", strconv.Itoa(s.pg.Port()))
		return
	}
	if !s.private {
		ts.Fatalf("pg %s: the shared cluster is not the script's: begin with pg start", args[0])
	}
	switch args[0] {
	case "start":
		s.pg.Start(t)
	case "stop":
		s.pg.Stop(t)
	case "restart":
		s.pg.Restart(t)
	case "kill":
		s.pg.Kill(t)
	case "set":
		for _, a := range args[1:] {
			name, value := setting(ts, a)
			s.pg.SetConf(t, name, value)
		}
	default:
		ts.Fatalf("unknown: pg %s", args[0])
	}
}

func setting(ts *testscript.TestScript, arg string) (name, value string) {
	name, value, ok := strings.Cut(arg, "=")
	if !ok {
		ts.Fatalf("PARAM=VALUE expected: %s", arg)
	}
	return name, value
}
