package peers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5"

	"skytools/lib/scripttest"
	"skytools/lib/testpg"
)

const python = "/usr/bin/python3"

// consumer is one registered name with the processes that work under it.
type consumer struct {
	name    string
	procs   []*process
	retries bool // it puts events of type "again" back
	// lasting: it stores its position together with the effects, so that
	// events come exactly once however it ends.
	lasting bool
	ledger
}

// revive starts what has ended, as an init system would.
func (c *consumer) revive() {
	for _, p := range c.procs {
		select {
		case <-p.done:
			p.start()
		default:
		}
	}
}

// ledger is where a consumer keeps what it got.
type ledger interface {
	count() int // cheap
	read() map[delivery]int
}

// kind makes and registers a consumer.
type kind func(w *world) *consumer

// table is a ledger in table got of a database.
type table struct {
	w    *world
	conn *pgx.Conn
	name string
}

func (w *world) table(dsn, name string) *table { return &table{w, testpg.Connect(w.t, dsn), name} }

func (l *table) count() (n int) {
	l.w.t.Helper()
	if err := l.conn.QueryRow(l.w.t.Context(), `select count(*) from got where consumer = $1`, l.name).Scan(&n); err != nil {
		l.w.t.Fatal(err)
	}
	return n
}

func (l *table) read() map[delivery]int {
	l.w.t.Helper()
	rows, err := l.conn.Query(l.w.t.Context(), `select ev_id, coalesce(ev_retry, 0) from got where consumer = $1`, l.name)
	if err != nil {
		l.w.t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[delivery])
	if err != nil {
		l.w.t.Fatal(err)
	}
	got := map[delivery]int{}
	for _, d := range list {
		got[d]++
	}
	return got
}

// jsonFile is a ledger of JSON lines, which may be in the middle of one.
type jsonFile struct {
	w     *world
	path  string
	size  int64
	lines int
}

func (l *jsonFile) count() int {
	l.w.t.Helper()
	f, err := os.Open(l.path)
	if os.IsNotExist(err) {
		return 0
	}
	if err == nil {
		defer f.Close()
		var b []byte
		b, err = io.ReadAll(io.NewSectionReader(f, l.size, 1<<40))
		l.size += int64(len(b))
		l.lines += bytes.Count(b, []byte("\n"))
	}
	if err != nil {
		l.w.t.Fatal(err)
	}
	return l.lines
}

func (l *jsonFile) read() map[delivery]int {
	l.w.t.Helper()
	b, err := os.ReadFile(l.path)
	if err != nil {
		l.w.t.Fatal(err)
	}
	got := map[delivery]int{}
	for line := range bytes.Lines(b) {
		var e struct {
			ID    int64 `json:"ev_id"`
			Retry int   `json:"ev_retry"`
		}
		if err := json.Unmarshal(line, &e); err != nil {
			l.w.t.Fatalf("%s: %q: %v", l.path, line, err)
		}
		got[delivery{e.ID, e.Retry}]++
	}
	return got
}

// peer makes a consumer of a class of python3-pgq, with a process for each of
// subs, or one.
func peer(class string, lasting, retries bool, subs ...string) kind {
	return func(w *world) *consumer {
		name := "py_" + class
		c := &consumer{name: name, lasting: lasting, retries: retries}
		if len(subs) == 0 {
			subs = []string{""}
		}
		file := w.file(name + ".json")
		for _, sub := range subs {
			ini := w.file(name + sub + ".ini")
			text := fmt.Sprintf(`[peer]
job_name = %s
db = %s
dst_db = %s
queue_name = q
consumer_name = %s
subconsumer_name = %s
loop_delay = 0.2
exception_sleep = 1
ledger = %s
local_tracking_file = %s
`, name, w.from, w.to, name, sub, file, w.file(name+".tick"))
			if err := os.WriteFile(ini, []byte(text), 0o644); err != nil {
				w.t.Fatal(err)
			}
			program := []string{python, "testdata/consumer.py", class}
			run(w.t, append(program, "--register", ini)...)
			c.procs = append(c.procs, newProcess(w.t, name+sub, w.dir, append(program, ini)...))
		}
		switch class {
		case "local":
			c.ledger = &jsonFile{w: w, path: file}
		case "remote", "serial":
			c.ledger = w.table(w.to, name)
		default:
			c.ledger = w.table(w.from, name)
		}
		return c
	}
}

// ours makes a pgq-consume. LEDGER, SOURCE and TARGET in its options stand for
// a file of its own and for the two databases.
func ours(name string, c consumer, options ...string) kind {
	return func(w *world) *consumer {
		c := c
		c.name = "pgq_consume_" + name
		file := w.file(c.name + ".json")
		base := []string{scripttest.Tool(w.t, "pgq-consume"), "-d", w.from, "-q", "q", "-c", c.name}
		replace := strings.NewReplacer("LEDGER", file, "TARGET", w.to, "CONSUMER", c.name)
		argv := append(base, "--poll-interval", "0.1", "--quiet")
		for _, o := range options {
			argv = append(argv, replace.Replace(o))
		}
		registration := append(base, "--register-only", "--quiet")
		p := newProcess(w.t, c.name, w.dir, argv...)
		c.procs = []*process{p}
		c.ledger = &jsonFile{w: w, path: file}
		switch name {
		case "plain":
			p.out = file
		case "coop":
			p.out = file
			registration = append(registration, "--workers", "2")
		case "into":
			c.ledger = w.table(w.to, c.name)
		}
		run(w.t, registration...)
		return &c
	}
}

var (
	pyPlain  = peer("plain", true, true)
	pyCoop   = peer("coop", true, true, "s1", "s2")
	pyRemote = peer("remote", true, false)
	pySerial = peer("serial", true, false)
	pyLocal  = peer("local", false, false)

	ourPlain = ours("plain", consumer{})
	ourCoop  = ours("coop", consumer{}, "--workers", "2")
	ourExec  = ours("exec", consumer{}, "--exec", "cat >>LEDGER")
	ourAck   = ours("ack", consumer{retries: true}, "--ack", "1", "--exec", "exec "+python+" "+abs("testdata/answer.py")+" LEDGER")
	ourInto  = ours("into", consumer{lasting: true}, "--into", "TARGET",
		"--sql", "insert into got values ('CONSUMER', $ev_id, $ev_retry, $ev_data)")
)

func abs(path string) string {
	p, err := filepath.Abs(path)
	if err != nil {
		panic(err)
	}
	return p
}
