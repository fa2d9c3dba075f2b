package soak

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"skytools/lib/db"
	"skytools/lib/testpg"
)

// world is a database with a queue, its ticker and producers, and two
// consumers: one hands each batch to a command, which keeps a ledger, the other
// applies events in the database of another server.
//
// What a producer's transaction puts into the queue it also writes into the
// table truth, so that one question answers what was committed.
type world struct {
	t              *testing.T
	rnd            *rand.Rand
	source, target *testpg.Cluster
	from, to       string // connection strings of the two databases
	ledger         string // directory with a file for each run of the command
	ticker         *program
	exec, into     *program

	mu     sync.Mutex
	acked  map[string]bool // the commit was acknowledged
	undone map[string]bool // rolled back for sure
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	w := &world{
		t: t, rnd: random(seed, 0),
		source: testpg.Start(t), target: testpg.Start(t),
		ledger: t.TempDir(),
	}
	w.from = w.source.NewDB(t, testpg.Name("source"), testpg.Extensions("pgq"))
	w.to = w.target.NewDB(t, testpg.Name("target"), testpg.Extensions("pgq_ext"))
	testpg.Exec(t, w.from, `create table truth (data text);
		select pgq.create_queue('q'), pgq.register_consumer('q', 'exec'), pgq.register_consumer('q', 'into');
		select pgq.set_queue_config('q', 'ticker_max_lag', '50 milliseconds'),
		       pgq.set_queue_config('q', 'rotation_period', '2 seconds')`)
	testpg.Exec(t, w.to, "create table applied (id bigint, data text)")

	w.ticker = &program{path: binary(t, "pgqd"), args: []string{"--db=" + w.from,
		"--ticker-period=0.1", "--check-period=1", "--retry-period=1", "--maint-period=1"}}
	// both take their time, so that many a kill meets them at work
	consume := binary(t, "pgq-consume")
	w.exec = &program{path: consume, args: []string{"-d", w.from, "-q", "q", "-c", "exec", "--quiet",
		"--exec", `cat >"$LEDGER/$PGQ_BATCH_ID.$$"; sleep 0.03`}, env: []string{"LEDGER=" + w.ledger}}
	w.into = &program{path: consume, args: []string{"-d", w.from, "-q", "q", "-c", "into", "--quiet",
		"--into", w.to, "--sql", "insert into applied select $ev_id::bigint, $ev_data from pg_sleep(0.0005)"}}

	// Cleanups run backwards: before this one's end no server goes.
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, p := range w.programs() {
		wg.Go(func() { p.run(ctx) })
	}
	t.Cleanup(func() { cancel(); wg.Wait() })
	return w
}

func (w *world) programs() []*program { return []*program{w.ticker, w.exec, w.into} }

// produce puts events in until ctx is done, and then returns.
func (w *world) produce(ctx context.Context, rnd *rand.Rand, name string) {
	serial := 0
	var conn *pgx.Conn
	defer func() {
		if conn != nil {
			conn.Close(context.WithoutCancel(ctx))
		}
	}()
	pace := time.NewTicker(20 * time.Millisecond)
	defer pace.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-pace.C:
		}
		if conn == nil || conn.IsClosed() {
			var err error
			if conn, err = db.Connect(context.WithoutCancel(ctx), w.from, "soak-producer"); err != nil {
				conn = nil
				continue // the server is away
			}
		}
		// an end of the test does not interrupt it, a dead server does
		w.transaction(context.WithoutCancel(ctx), conn, rnd, func() string {
			serial++
			return fmt.Sprintf("%s.%d", name, serial)
		})
	}
}

// transaction puts some events in. An error closes the connection, if the
// server's end has not already.
func (w *world) transaction(ctx context.Context, conn *pgx.Conn, rnd *rand.Rand, next func() string) {
	var kept, back []string
	put := func(list *[]string) error {
		data := next()
		*list = append(*list, data)
		var b pgx.Batch
		b.Queue("select pgq.insert_event('q', 'soak', $1)", data)
		b.Queue("insert into truth values ($1)", data)
		return conn.SendBatch(ctx, &b).Close()
	}
	exec := func(sql string) error { _, err := conn.Exec(ctx, sql); return err }
	commit := rnd.IntN(100) < 80
	err := func() error {
		if err := exec("begin"); err != nil {
			return err
		}
		for range 1 + rnd.IntN(4) {
			if err := put(&kept); err != nil {
				return err
			}
		}
		if rnd.IntN(10) == 0 {
			if err := exec("savepoint s"); err != nil {
				return err
			}
			if err := put(&back); err != nil {
				return err
			}
			if err := exec("rollback to s"); err != nil {
				return err
			}
		}
		if rnd.IntN(50) == 0 {
			// stays open over some ticks
			<-time.After(time.Duration(rnd.IntN(300)) * time.Millisecond)
			if err := put(&kept); err != nil {
				return err
			}
		}
		if !commit {
			if rnd.IntN(4) == 0 {
				return conn.Close(ctx)
			}
			return exec("rollback")
		}
		return exec("commit")
	}()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, data := range back {
		w.undone[data] = true
	}
	for _, data := range kept {
		switch {
		case !commit:
			w.undone[data] = true
		case err == nil:
			w.acked[data] = true
		}
	}
	if err != nil {
		conn.Close(ctx)
	}
}

// during runs producers while f is at work, and then checks that all arrived
// that was to, and nothing else.
func (w *world) during(f func()) {
	w.t.Helper()
	w.acked, w.undone = map[string]bool{}, map[string]bool{}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for i := range 4 {
		rnd := rand.New(rand.NewPCG(w.rnd.Uint64(), uint64(i)))
		wg.Go(func() { w.produce(ctx, rnd, fmt.Sprintf("p%d.%d", rnd.IntN(1e6), i)) })
	}
	defer func() { cancel(); wg.Wait() }() // also when f ends the test
	f()
	cancel()
	wg.Wait()
	w.check()
}

// ask asks a database, which may be away, until it answers.
func (w *world) ask(dsn, sql string) []string {
	w.t.Helper()
	var list []string
	testpg.Wait(w.t, time.Minute, "an answer to "+sql, func() bool {
		w.revive()
		conn, err := db.Connect(w.t.Context(), dsn, "soak-check")
		if err != nil {
			return false
		}
		defer conn.Close(context.Background())
		rows, err := conn.Query(w.t.Context(), sql)
		if err != nil {
			return false
		}
		list, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err == nil
	})
	return list
}

// revive starts a server anew that has ended: so does a postmaster whose
// startup process was killed.
func (w *world) revive() {
	w.t.Helper()
	w.source.Start(w.t)
	w.target.Start(w.t)
}

// positions tells where the consumers stand.
func (w *world) positions() []string {
	return w.ask(w.from, "select consumer_name || ' ' || last_tick from pgq.get_consumer_info('q') order by 1")
}

// progress waits until both consumers are further than before.
func (w *world) progress(before []string) []string {
	w.t.Helper()
	var now []string
	testpg.Wait(w.t, time.Minute, fmt.Sprintf("progress of both consumers from %v", before), func() bool {
		now = w.positions()
		for i := range before {
			if now[i] == before[i] {
				return false
			}
		}
		return true
	})
	return now
}

// check waits until the consumers have all, and compares.
func (w *world) check() {
	w.t.Helper()
	truth := map[string]bool{}
	for _, data := range w.ask(w.from, "select data from truth") {
		truth[data] = true
	}
	for data := range w.acked {
		if !truth[data] {
			w.t.Fatalf("the acknowledged transaction of %s is lost: the server is not durable", data)
		}
	}
	for data := range w.undone {
		if truth[data] {
			w.t.Fatalf("the transaction of %s was rolled back, and is there", data)
		}
	}
	// all events have got their tick when a consumer has passed one that was
	// made after them
	var ledger map[string]int
	var applied []string
	testpg.Wait(w.t, time.Minute, fmt.Sprintf("%d events to arrive", len(truth)), func() bool {
		applied = w.ask(w.to, "select data from applied")
		ledger = w.readLedger()
		return len(applied) >= len(truth) && len(ledger) >= len(truth)
	})
	seen := map[string]int{}
	for _, data := range applied {
		seen[data]++
	}
	for data, n := range seen {
		if n > 1 {
			w.t.Errorf("%s was applied %d times", data, n)
		}
		if !truth[data] {
			w.t.Errorf("%s was applied, but was never committed (rolled back: %v)", data, w.undone[data])
		}
	}
	again := 0
	for data, n := range ledger {
		if !truth[data] {
			w.t.Errorf("%s is in the ledger, but was never committed (rolled back: %v)", data, w.undone[data])
		}
		if n > 1 {
			again++
		}
	}
	for data := range truth {
		if seen[data] == 0 {
			w.t.Errorf("%s was never applied", data)
		}
		if ledger[data] == 0 {
			w.t.Errorf("%s is not in the ledger", data)
		}
	}
	w.t.Logf("%d events committed, %d of them acknowledged, %d rolled back; %d came more than once to the command",
		len(truth), len(w.acked), len(w.undone), again)
	w.ask(w.from, "truncate truth")
	w.ask(w.to, "truncate applied")
	files, _ := filepath.Glob(filepath.Join(w.ledger, "*"))
	for _, f := range files {
		os.Remove(f)
	}
}

// readLedger tells how often each event is in the ledger. The last line of a
// file may be torn: its writer was killed.
func (w *world) readLedger() map[string]int {
	w.t.Helper()
	times := map[string]int{}
	files, err := filepath.Glob(filepath.Join(w.ledger, "*"))
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			w.t.Fatal(err)
		}
		for line := range bytes.Lines(b) {
			if !bytes.HasSuffix(line, []byte("\n")) {
				break
			}
			var e struct {
				Data string `json:"ev_data"`
			}
			if err := json.Unmarshal(line, &e); err != nil {
				w.t.Fatalf("%s: %q: %v", f, line, err)
			}
			times[e.Data]++
		}
	}
	return times
}
