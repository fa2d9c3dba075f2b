package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/hinshun/vt10x"
	"golang.org/x/term"

	"skytools/lib/scripttest"
	"skytools/lib/testpg"
)

const patience = 30 * time.Second

// person is the program on a terminal of its own.
type person struct {
	t      *testing.T
	cmd    *exec.Cmd
	pty    *os.File
	screen vt10x.Terminal
	home   string
	done   chan error

	mu  sync.Mutex
	raw bytes.Buffer
}

type setting func(*person)

func env(list ...string) setting {
	return func(p *person) { p.cmd.Env = append(p.cmd.Env, list...) }
}

func home(dir string) setting {
	return func(p *person) { p.home = dir }
}

func args(list ...string) setting {
	return func(p *person) { p.cmd.Args = append(p.cmd.Args, list...) }
}

const (
	columns = 100
	lines   = 24
)

// sit starts the program on a terminal.
func sit(t *testing.T, dsn string, with ...setting) *person {
	t.Helper()
	p := &person{t: t, cmd: exec.Command(scripttest.Tool(t, "qadmin"), "-d", dsn), home: t.TempDir(), done: make(chan error, 1)}
	p.cmd.Env = []string{"TERM=xterm", "LANG=C.UTF-8", "PATH=" + os.Getenv("PATH"), "GOCOVERDIR=" + os.Getenv("GOCOVERDIR")}
	for _, f := range with {
		f(p)
	}
	p.cmd.Env = append(p.cmd.Env, "HOME="+p.home)
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	p.pty = master
	if err := pty.Setsize(master, &pty.Winsize{Rows: lines, Cols: columns}); err != nil {
		t.Fatal(err)
	}
	if p.cmd.Stdin == nil {
		p.cmd.Stdin = slave
	}
	if p.cmd.Stdout == nil {
		p.cmd.Stdout = slave
	}
	p.cmd.Stderr = slave
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 2}
	p.screen = vt10x.New(vt10x.WithWriter(master), vt10x.WithSize(columns, lines))
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	slave.Close()
	read := make(chan struct{})
	go func() {
		defer close(read)
		buf := make([]byte, 4096)
		for {
			n, err := master.Read(buf)
			if err != nil {
				return
			}
			p.mu.Lock()
			p.raw.Write(buf[:n])
			p.mu.Unlock()
			_, _ = p.screen.Write(buf[:n])
		}
	}()
	go func() { p.done <- p.cmd.Wait() }()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		master.Close()
		<-read
	})
	return p
}

// sees waits until the screen shows all of the texts.
func (p *person) sees(texts ...string) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		shown := p.shown()
		missing := ""
		for _, text := range texts {
			if !strings.Contains(shown, strings.TrimRight(text, " ")) {
				missing = text
			}
		}
		if missing == "" {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("the screen does not show %q:\n%s", missing, shown)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// until waits for a condition on what the screen shows.
func (p *person) until(what string, cond func(shown string) bool) {
	p.t.Helper()
	deadline := time.Now().Add(patience)
	for !cond(p.shown()) {
		if time.Now().After(deadline) {
			p.t.Fatalf("the screen does not show %s:\n%s", what, p.shown())
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (p *person) shown() string {
	var b strings.Builder
	for _, l := range strings.Split(p.screen.String(), "\n") {
		b.WriteString(strings.TrimRight(l, " ") + "\n")
	}
	return b.String()
}

// last is the line where the cursor is.
func (p *person) last() string {
	list := strings.Split(strings.TrimRight(p.shown(), "\n"), "\n")
	return list[len(list)-1]
}

func (p *person) types(keys string) {
	p.t.Helper()
	if _, err := p.pty.WriteString(keys); err != nil {
		p.t.Fatal(err)
	}
}

// prompt waits for an empty prompt of that form on the last line.
func (p *person) prompt(text string) {
	p.t.Helper()
	p.until("the prompt "+text, func(string) bool { return p.last() == strings.TrimRight(text, " ") })
}

// runs types a statement at the prompt and waits for the next prompt.
func (p *person) runs(statement, prompt string, shows ...string) {
	p.t.Helper()
	p.types("\x0c") // a clean screen, so that what is seen is new
	p.prompt(prompt)
	p.types(statement + "\r")
	p.sees(append(shows, statement)...)
	p.prompt(prompt)
}

func (p *person) ends(code int) {
	p.t.Helper()
	select {
	case err := <-p.done:
		p.done <- err
		got := 0
		var ee *exec.ExitError
		if errors.As(err, &ee) {
			got = ee.ExitCode()
		}
		if got != code {
			p.t.Errorf("exit code is %d, want %d:\n%s", got, code, p.shown())
		}
	case <-time.After(patience):
		p.t.Fatalf("the program does not end:\n%s", p.shown())
	}
}

func (p *person) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.raw.String()
}

// shop is a database with some queues.
func shop(t *testing.T) string {
	t.Helper()
	dsn := testpg.Shared(t).NewDB(t, testpg.Name("shop_"+strings.ToLower(strings.ReplaceAll(t.Name(), "/", "_"))), testpg.Extensions("pgq"))
	testpg.Exec(t, dsn, `select pgq.create_queue('jobs'), pgq.create_queue('Mail Out'), pgq.register_consumer('jobs', 'worker')`)
	return dsn
}

// at is the prompt in a database.
func at(t *testing.T, dsn, mark string) string {
	t.Helper()
	return "(noqueue)@" + testpg.Value[string](t, dsn, "select current_database()::text") + mark + "> "
}

func TestTerminalCompletion(t *testing.T) {
	t.Parallel()
	dsn := shop(t)
	testpg.Exec(t, dsn, `create table "Größe" (id int, "Länge" int); create table plain (first_column int, second_column int)`)
	p := sit(t, dsn)
	prompt := at(t, dsn, "")
	p.sees("qadmin ", "server ", "pgq 4.", "Type help")
	p.prompt(prompt)
	file := filepath.Join(t.TempDir(), "some file.sql")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ typed, want string }{
		{"unreg\t", "unregister"},
		{"unregister\tc\t", "unregister consumer"},
		{"show queue j\t", "show queue jobs"},
		{"show queue M\t", `show queue "Mail Out"`},
		{"show queue \"M\t", `show queue "Mail Out"`},
		{"drop queue 'M\t", `drop queue 'Mail Out'`},
		{"unregister consumer w\t", "unregister consumer worker"},
		{"alter queue jobs set max_l\t\t", "alter queue jobs set max_lag='3 seconds'"},
		{"connect queue=j\t", "connect queue=jobs"},
		{"select 1; show queue j\t", "select 1; show queue jobs"},
		{"select\r'a', \"b\" from pla\t", "from plain"},
		{"select * from \"Grö\t", `select * from "Größe"`},
		{"select * from plain where sec\t", "where second_column"},
		{`\tim` + "\t", `\timing`},
		{`\pset format mark` + "\t", `\pset format markdown`},
		{`\i ` + filepath.Dir(file) + "/so\t", `\i ` + file},
		{`\set ON_D` + "\task", `\set ON_DESTRUCTIVE ask`},
	} {
		p.types(tt.typed)
		p.until(tt.want, func(shown string) bool { return strings.HasSuffix(p.last(), tt.want) })
		p.types("\x03")
		p.prompt(prompt)
	}
	// Several candidates are listed.
	p.types("alter queue jobs set \t")
	p.sees("idle_period=", "rotation_period=", "for example '3 seconds'")
	p.types("\x03")
	p.prompt(prompt)
	// In a failed transaction names are looked up by the other connection.
	p.types("begin;\r")
	p.prompt(at(t, dsn, "*"))
	p.types("selct;\r")
	p.prompt(at(t, dsn, "!"))
	p.types("show queue j\t")
	p.until("a name", func(string) bool { return strings.HasSuffix(p.last(), "show queue jobs") })
	p.types("\x03")
	p.prompt(at(t, dsn, "!"))
	p.types("rollback;\r")
	p.prompt(prompt)
	p.types(`\set COMPLETION off` + "\r")
	p.prompt(prompt)
	p.types("unreg\tx")
	p.until("no completion", func(string) bool { return strings.HasSuffix(p.last(), "unregx") })
	p.types("\x03")
	p.prompt(prompt)
	p.types("\x04")
	p.ends(0)
}

func TestTerminalHistory(t *testing.T) {
	t.Parallel()
	dsn := shop(t)
	prompt := at(t, dsn, "")
	dir := t.TempDir()
	file := filepath.Join(dir, ".qadmin_history")
	// As an older console left it.
	if err := os.WriteFile(file, []byte("#1400000000\nshow version;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, b := sit(t, dsn, home(dir)), sit(t, dsn, home(dir))
	a.prompt(prompt)
	b.prompt(prompt)
	a.types("select 'from',\r'a' as a_column;\r")
	a.sees("a_column", "(1 row)")
	a.prompt(prompt)
	b.types("select 'from b' as b_column;\r")
	b.sees("(1 row)")
	b.prompt(prompt)
	b.types("connect password=hidden;\r")
	b.sees("CONNECT")
	a.types("\x10") // up
	a.sees("'a' as a_column;")
	if err := a.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	b.types("exit\r")
	b.ends(0)
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := "#1400000000\nshow version;\nselect 'from',\x01'a' as a_column;\nselect 'from b' as b_column;\nexit\n"; string(got) != want {
		t.Errorf("history is %q, want %q", got, want)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the history is %v, error %v", info.Mode(), err)
	}
	c := sit(t, dsn, home(dir))
	c.prompt(prompt)
	c.types("\x12a_col")
	c.sees("'a' as a_column;")
	c.types("\r")
	c.until("the statement in the line", func(s string) bool { return !strings.Contains(s, "inc-search") })
	c.types("\r")
	c.sees("(1 row)")
	c.prompt(prompt)
	c.types(`\s` + "\r")
	c.sees("show version;\nselect 'from',\n'a' as a_column;\nselect 'from b'")
	c.types("\x04")
	c.ends(0)
}

func TestTerminalCancel(t *testing.T) {
	t.Parallel()
	dsn := shop(t)
	prompt := at(t, dsn, "")
	p := sit(t, dsn)
	p.prompt(prompt)
	const running = `select pid from pg_stat_activity where state = $1 and query = 'select pg_sleep(600);' and datname = current_database()`
	p.types("select pg_sleep(600);\r")
	testpg.Wait(t, patience, "the query runs", func() bool {
		return testpg.Value[bool](t, dsn, "select exists ("+running+")", "active")
	})
	pid := testpg.Value[int](t, dsn, running, "active")
	p.types("\x03")
	p.sees("ERROR: canceling statement due to user request")
	p.prompt(prompt)
	if got := testpg.Value[int](t, dsn, running, "idle"); got != pid {
		t.Errorf("the session is %d, was %d", got, pid)
	}
	p.runs("select 'still' || 'here' as x;", prompt, "stillhere")
	p.types("select 1 \\watch\r")
	p.until("two rounds", func(s string) bool { return strings.Count(s, "(every 2s)") >= 2 })
	p.types("\x03")
	p.sees("Cancelled.")
	p.prompt(prompt)
	// At the prompt it empties the buffer, however many lines it has.
	p.types("select 'never',\r")
	p.sees("(noqueue)->")
	p.types("'run")
	p.sees("'run")
	p.types("\x03")
	p.prompt(prompt)
	p.types("\x04")
	p.ends(0)
}

// TestTerminalRestored ends the program in the middle of a line.
func TestTerminalRestored(t *testing.T) {
	t.Parallel()
	dsn := shop(t)
	p := sit(t, dsn)
	before, err := pty.GetsizeFull(p.pty)
	if err != nil || before.Cols != columns {
		t.Fatal(before, err)
	}
	p.prompt(at(t, dsn, ""))
	raw, err := term.GetState(int(p.pty.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	p.types("sel")
	p.sees("sel")
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.ends(128 + int(syscall.SIGTERM))
	after, err := term.GetState(int(p.pty.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	if reflect.DeepEqual(raw, after) {
		t.Error("the terminal is in raw mode still")
	}
}

func TestTerminalPager(t *testing.T) {
	t.Parallel()
	dsn := shop(t)
	prompt := at(t, dsn, "")
	p := sit(t, dsn, env("QADMIN_PAGER=tail -n 4 | sed 's/^/paged /'"))
	p.prompt(prompt)
	p.runs("select 'short' as x;", prompt, "\nshort")
	p.runs("select * from generate_series(1, 40);", prompt, "paged 40\n", "paged (40 rows)")
	p.types("select repeat('x', 5000) as wide;\r")
	p.sees("paged (1 row)")
	p.prompt(prompt)
	p.types("\x0cselect * from generate_series(1, 40) \\watch c=1\r")
	p.sees("\n40\n(40 rows)")
	p.prompt(prompt)
	p.runs(`\format csv`, prompt)
	p.types("select * from generate_series(1, 41);\r")
	p.sees("\n41\n")
	p.prompt(prompt)
	p.runs(`\pset pager always`, prompt)
	p.runs("select * from generate_series(1, 42);", prompt, "paged 42\n")
	p.runs(`\pset pager off`, prompt)
	p.types("select * from generate_series(1, 43);\r")
	p.sees("\n43\n")
	p.prompt(prompt)
	p.types("\x04")
	p.ends(0)

	// \watch has a pager of its own, and ends with it.
	w := sit(t, dsn, env("QADMIN_WATCH_PAGER=grep --line-buffered -m 2 round"))
	w.prompt(prompt)
	w.types("select 'round ' || 1 as x \\watch 0.1\r")
	w.until("two rounds", func(s string) bool { return strings.Count(s, "\nround 1") == 2 })
	w.prompt(prompt)
	w.runs("select 2 as x;", prompt, "(1 row)")

	// One that ends early is no error, and stops the query.
	q := sit(t, dsn, env("PAGER=head -n 1"))
	q.prompt(prompt)
	q.types("select generate_series(1, 1000000000) as endless;\r")
	q.sees("\nendless\n")
	q.prompt(prompt)
	q.runs("select 1 as x;", prompt, "(1 row)")
	if strings.Contains(q.output(), "ERROR") {
		t.Errorf("an error is shown:\n%s", q.shown())
	}
}

// TestTerminalKinds is what a session looks like by what is a terminal.
func TestTerminalKinds(t *testing.T) {
	t.Parallel()
	dsn := shop(t)
	prompt := at(t, dsn, "")
	t.Run("dumb", func(t *testing.T) {
		t.Parallel()
		p := sit(t, dsn, env("TERM=dumb"))
		p.prompt(prompt)
		p.types("select 'a\n")
		p.sees("(noqueue)'> ")
		p.types("b' as x;\n")
		p.sees("(1 row)")
		p.types("\x03")
		p.until("a new prompt", func(s string) bool { return strings.HasSuffix(p.last(), "> ^C") || strings.Contains(s, "^C\n") })
		p.prompt(prompt)
		p.types("top every 1 count 1;\n")
		p.sees("Consumers:", "worker")
		p.types("\x04")
		p.ends(0)
		if strings.Contains(p.output(), "\x1b") {
			t.Errorf("escape sequences are sent: %q", p.output())
		}
	})
	t.Run("stdout is a file", func(t *testing.T) {
		t.Parallel()
		out, err := os.Create(filepath.Join(t.TempDir(), "out"))
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		p := sit(t, dsn, func(p *person) { p.cmd.Stdout = out })
		p.prompt(prompt)
		p.types("select 'data' as x;\n\x04")
		p.ends(0)
		got, err := os.ReadFile(out.Name())
		if err != nil || !strings.HasPrefix(string(got), "x") || strings.Contains(string(got), ">") || strings.Contains(string(got), "\x1b") {
			t.Errorf("the file has %q, error %v", got, err)
		}
	})
	t.Run("stdin is a file", func(t *testing.T) {
		t.Parallel()
		p := sit(t, dsn, func(p *person) { p.cmd.Stdin = strings.NewReader("select 'data' as x;\n") })
		p.sees("\ndata\n")
		p.ends(0)
		if strings.Contains(p.output(), "@") || strings.Contains(p.output(), "\x1b") {
			t.Errorf("a prompt or banner is shown: %q", p.output())
		}
	})
	t.Run("quiet", func(t *testing.T) {
		t.Parallel()
		p := sit(t, dsn, args("-q", "-Q", "jobs", "--no-history"))
		p.prompt(strings.Replace(prompt, "(noqueue)", "jobs", 1))
		p.types("exit\r")
		p.ends(0)
		if strings.Contains(p.output(), "server") {
			t.Errorf("a banner is shown:\n%s", p.output())
		}
		if list, err := os.ReadDir(p.home); err != nil || len(list) > 0 {
			t.Errorf("the home has %v, error %v", list, err)
		}
	})
	t.Run("history that cannot be kept", func(t *testing.T) {
		t.Parallel()
		p := sit(t, dsn, env("QADMIN_HISTORY=/nonexistent/history"))
		p.prompt(prompt)
		p.runs("select 1 as x;", prompt, "(1 row)")
		p.runs("select 2 as x;", prompt, "(1 row)")
		p.types("\x10\x10")
		p.until("what was typed", func(string) bool { return strings.HasSuffix(p.last(), "select 1 as x;") })
		if n := strings.Count(p.output(), "WARNING: the history is not kept: "); n != 1 {
			t.Errorf("there are %d warnings:\n%s", n, p.shown())
		}
	})
	t.Run("editor", func(t *testing.T) {
		t.Parallel()
		p := sit(t, dsn, env("EDITOR=sed -i s/one/two/"))
		p.prompt(prompt)
		p.runs("select 'one' as x;", prompt, "\none\n")
		p.types("\\e\r")
		p.sees("\nselect 'two' as x;\n", "\ntwo\n")
		p.prompt(prompt)
		p.types("\x10")
		p.until("what was edited", func(string) bool { return strings.HasSuffix(p.last(), "select 'two' as x;") })
		q := sit(t, dsn, env("EDITOR=false"))
		q.prompt(prompt)
		q.types("\\e\r")
		q.sees("ERROR: the editor failed: exit status 1")
		q.prompt(prompt)
	})
	t.Run("start-up file", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, ".qadminrc"), []byte("\\format csv\nconnect queue=jobs;\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		p := sit(t, dsn, home(dir))
		own := strings.Replace(prompt, "(noqueue)", "jobs", 1)
		p.prompt(own)
		p.runs("select 1 as x, 2 as y;", own, "\nx,y\n1,2\n")
		q := sit(t, dsn, home(dir), args("-X"))
		q.prompt(prompt)
	})
	t.Run("password", func(t *testing.T) {
		t.Parallel()
		p := sit(t, dsn, args("-W"))
		p.sees("Password: ")
		p.types("not to be seen\r")
		p.prompt(prompt)
		if strings.Contains(p.output(), "seen") {
			t.Errorf("the password is echoed: %q", p.output())
		}
		q := sit(t, dsn, args("-W"))
		q.sees("Password: ")
		q.types("\x03")
		q.ends(2)
	})
	t.Run("confirmation", func(t *testing.T) {
		t.Parallel()
		p := sit(t, dsn)
		p.prompt(prompt)
		p.types("drop queue \"Mail Out\";\r")
		p.sees("? [y/N] ")
		p.types("n\r")
		p.sees("not confirmed")
		p.prompt(prompt)
		if !testpg.Value[bool](t, dsn, "select exists (select from pgq.queue where queue_name = 'Mail Out')") {
			t.Error("the queue is gone")
		}
	})
}

func TestTerminalTop(t *testing.T) {
	t.Parallel()
	dsn := shop(t)
	prompt := at(t, dsn, "")
	p := sit(t, dsn)
	p.prompt(prompt)
	p.types("top every 0.2;\r")
	p.sees("QUEUE", "TICK AGE", "Mail Out", "CONSUMER", "worker", "q quit")
	p.until("some history", func(s string) bool { return strings.Contains(s, "▁▁▁") || strings.Contains(s, "██") })
	p.screen.Resize(60, 12)
	if err := pty.Setsize(p.pty, &pty.Winsize{Rows: 12, Cols: 60}); err != nil {
		t.Fatal(err)
	}
	p.until("a smaller screen", func(s string) bool {
		list := strings.Split(strings.TrimRight(s, "\n"), "\n")
		return len(list) == 12 && strings.HasPrefix(list[11], "q quit") && strings.Contains(s, "worker")
	})
	p.types("s")
	p.sees("by tick age")
	p.types("\x1b[D")
	p.sees("by lag")
	p.types("\x1b[B\r")
	p.sees("CONSUMER of")
	testpg.Exec(t, dsn, "select pgq.create_queue('newer')")
	p.sees("newer")
	p.types("q")
	p.prompt(prompt)
	p.types("select 1 as x;\r")
	p.sees("(1 row)")
	p.types("\x04")
	p.ends(0)
}

// TestTerminalColor demands colours where something is wrong, and none where
// they are not wanted or would reach a file.
func TestTerminalColor(t *testing.T) {
	t.Parallel()
	dsn := shop(t)
	prompt := at(t, dsn, "")
	testpg.Exec(t, dsn, "update pgq.queue set queue_ticker_paused = true where queue_name = 'jobs'")
	testpg.Exec(t, dsn, `update pgq.queue set queue_switch_time = now() + interval '1 hour' where queue_name = 'jobs'`)
	const red = "\x1b[1;31m"
	p := sit(t, dsn)
	p.prompt(prompt)
	p.runs("\\pset expanded on", prompt)
	p.runs("show queue jobs;", prompt, "consumer worker, ")
	p.runs("show consumer worker;", prompt, "blocks_rotation | t")
	p.runs("selct;", prompt, "syntax error")
	for _, want := range []string{red + "t\x1b[0m", red + "blocked\x1b[0m", red + "consumer worker, ", red + "ERROR:\x1b[0m syntax"} {
		if !strings.Contains(p.output(), want) {
			t.Errorf("no %q is written", want)
		}
	}
	file := filepath.Join(t.TempDir(), "out")
	p.runs("\\o "+file, prompt)
	p.runs("show queue jobs;", prompt)
	p.types("\x04")
	p.ends(0)
	if got, err := os.ReadFile(file); err != nil || !strings.Contains(string(got), "consumer worker") || strings.Contains(string(got), "\x1b") {
		t.Errorf("the file has %q, error %v", got, err)
	}
	for _, s := range []setting{env("NO_COLOR=1"), args("--color=never"), env("PG_COLOR=never")} {
		q := sit(t, dsn, s)
		q.prompt(prompt)
		q.runs("\\pset expanded on", prompt)
		q.runs("show queue jobs;", prompt, "consumer worker, ")
		q.runs("selct;", prompt, "syntax error")
		if strings.Contains(q.output(), red) {
			t.Error("there is colour where none is wanted")
		}
	}
	code, stdout, stderr := runArgs(t.Context(), "-d", dsn, "-c", "show queue jobs", "-c", "selct")
	if code != 3 || strings.Contains(stdout+stderr, "\x1b") {
		t.Errorf("code %d, output off a terminal is %q, %q", code, stdout, stderr)
	}
	if _, stdout, stderr = runArgs(t.Context(), "-d", dsn, "--color=always", "-c", "show queue jobs", "-c", "selct"); !strings.Contains(stdout, red) ||
		!strings.HasPrefix(stderr, "qadmin: "+red+"ERROR:") {
		t.Errorf("colours that are wanted are not there: %q, %q", stdout, stderr)
	}
}

func TestTerminalRestart(t *testing.T) {
	t.Parallel()
	c := testpg.Start(t)
	dsn := c.DSN("postgres")
	p := sit(t, dsn)
	p.prompt("(noqueue)@postgres> ")
	c.Restart(t)
	p.runs("select 'back' || 'again' as x;", "(noqueue)@postgres> ", "The connection was lost; connecting again.", "backagain")
	// What was to be part of a transaction is not run without it.
	p.types("begin;\r")
	p.prompt("(noqueue)@postgres*> ")
	c.Restart(t)
	p.types("select 'not' || 'alone' as x;\r")
	p.sees("nothing was run")
	p.prompt("(noqueue)@postgres> ")
	if strings.Contains(p.output(), "notalone") {
		t.Error("the statement was run outside of its transaction")
	}
}

// TestTerminalNewcomer does what somebody wants who knows nothing but help and
// the Tab key.
func TestTerminalNewcomer(t *testing.T) {
	t.Parallel()
	dsn := testpg.Shared(t).NewDB(t, testpg.Name("newcomer"))
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "events.txt"), []byte("first\nsecond\nthird\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const prompt = "(noqueue)@newcomer> "
	p := sit(t, dsn)
	p.prompt(prompt)
	// task types the beginning, completes, and runs it.
	task := func(what, typed, line string, shows ...string) {
		t.Helper()
		p.types(typed)
		p.until(what+": "+line, func(string) bool { return strings.HasSuffix(p.last(), line) })
		p.types("\r")
		p.sees(shows...)
		p.prompt(prompt)
	}
	task("install", "inst\tpgq;", "install pgq;", "INSTALL")
	task("what is there", "help create;", "help create;", "create queue QUEUE", "Create a queue.")
	task("create a queue", "cre\tqueue jobs;", "create queue jobs;", "CREATE")
	task("see how latency is set", "help alter;", "help alter;", "For low latency: alter queue")
	task("low latency", "alt\tq\tj\tse\tmax_l\t'100 ms';", "alter queue jobs set max_lag='100 ms';", "ALTER")
	task("register", "reg\tconsumer w on j\t;", "register consumer w on jobs ;", "REGISTER")
	p.types(`\cd ` + dir + "\r")
	p.prompt(prompt)
	task("load events", "prod\tj\tfrom 'ev\tformat r\t;", "produce jobs from 'events.txt' format raw ;", "PRODUCE 3")
	task("find a stuck event", "expl\tevent 1 on j\t;", "explain event 1 on jobs ;", "waits for a tick")
	task("tick", "tick queue j\tf\t;", "tick queue jobs force ;", "TICK")
	task("why a consumer lags", "show consumer w\t;", "show consumer w ;", "lag", "(1 row)")
	task("who blocks rotation", "show rot\t;", "show rotation ;", "jobs")
	task("undo a setting", "alter queue jobs set max_lag=\t;", "set max_lag='3 seconds' ;", "ALTER")
	p.types("top every 0.2;\r")
	p.sees("LAG OVER TIME", "jobs")
	p.types("q")
	p.prompt(prompt)
	p.types("\x0cdrop queue j\t;\r")
	p.sees("? [y/N]")
	p.types("y\r")
	p.sees("HINT: Run first: unregister consumer * from jobs; or: drop queue jobs force.")
	p.prompt(prompt)
	p.types("drop queue j\tf\t;\r")
	p.sees("and 1 consumers? [y/N]")
	p.types("y\r")
	p.sees("DROP\n")
	p.prompt(prompt)
}
