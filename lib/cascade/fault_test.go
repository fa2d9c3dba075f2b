package cascade

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"skytools/lib/testpg"
)

// changeAt is change with an act when a step is done whose text begins so.
func (c *cascade) changeAt(ctx context.Context, o planner, local, step string, outcome Outcome, act func()) error {
	c.t.Helper()
	p, err := o.Plan(ctx, c.config(local))
	if err != nil {
		return err
	}
	return p.Run(ctx, func(p Progress) {
		if p.Outcome == outcome && strings.HasPrefix(p.Step.Text, step) {
			act()
		}
		if p.Outcome != StepStarted {
			c.t.Logf("%2d/%d %s: %s (%s) %v", p.Number, p.Of, p.Step, p.Outcome, p.Duration.Round(time.Millisecond), p.Err)
		}
	})
}

// A planned takeover that fails before the taker is promoted is taken back, and
// writers go on at the old root.
func TestTakeoverTakenBack(t *testing.T) {
	t.Parallel()
	c := newCascadeOn(t, mixed, "a", "b<a", "c<a")
	c.run(c.names...)
	stop := c.watchRoots()
	const whole = "a+b+c b<a c<a"
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	tx, err := testpg.Connect(t, c.dsn["a"]).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	interrupted, interrupt := context.WithCancelCause(t.Context())
	o := Takeover{Old: "a", Node: "b", Wait: 2 * time.Second, Outage: 500 * time.Millisecond}
	for _, tt := range []struct {
		name, step string
		outcome    Outcome
		ctx        context.Context
		act        func()
		after      func()
		want       string
	}{
		{"the taker stands still", "see that", StepStarted, ctx, func() { c.stop("b") }, func() { c.run("b") }, "has not answered"},
		{"the taker stops", "wait until it is within", StepDone, ctx, func() { c.stop("b") }, func() { c.run("b") }, "has not got to the last tick"},
		{"the worker of the taker stops", "wait until it has the last", StepDone, ctx, func() { c.stop("b") }, func() { c.run("b") }, "has not answered"},
		{"a writer does not end", "wait until it is within", StepDone, ctx, func() {
			if _, err := tx.Exec(t.Context(), `select pgq.insert_event('q', 'I', 'slow', 'public.none', null, null, null)`); err != nil {
				t.Error(err)
			}
		}, func() {
			if _, err := tx.Exec(t.Context(), `select pgq.insert_event('q', 'I', 'slow', 'public.none', null, null, null)`); err != nil {
				t.Error(err)
			}
			if err := tx.Commit(t.Context()); err != nil {
				t.Error(err)
			}
		}, "a transaction has written to the queue and does not end within"},
		{"interrupted", "wait until it has the last", StepStarted, interrupted, func() { interrupt(errors.New("got interrupt")) }, func() {}, "got interrupt"},
		{"the taker is lost", "demote, step 2", StepDone, ctx, func() { c.kill("b") }, func() { c.revive("b") }, "wait until it has the last tick"},
		{"the taker is lost at the end", "promote", StepStarted, ctx, func() { c.kill("b") }, func() { c.revive("b") }, "promote to root"},
	} {
		err := c.changeAt(tt.ctx, o, "a", tt.step, tt.outcome, tt.act)
		var pe *PlanError
		if !errors.As(err, &pe) || !strings.Contains(err.Error(), tt.want) {
			t.Fatalf("%s: got %v, want ... %s", tt.name, err, tt.want)
		}
		lost := tt.name == "the taker is lost at the end"
		if pe.Forward || len(pe.NotUndone) > 0 && !lost {
			t.Errorf("%s: %v, %s", tt.name, err, pe.Hint())
		}
		c.insert("a", 1) // writes are possible, whatever else is not
		tt.after()
		if lost {
			// Its worker could not be told to go on.
			c.mustChange(Takeover{Old: "a", Node: "b", Cancel: true}, "a")
		}
		c.insert("a", 1)
		c.wantShape(whole)
	}
	stop()
	c.equalQueues("a", "b", "c")
}

// TestKilledProcess is not a test of its own: TestTakeoverKilledProcess runs and
// kills it.
func TestKilledProcess(t *testing.T) {
	dsn := os.Getenv("CASCADE_TEST_DSN")
	if dsn == "" {
		return
	}
	o := Takeover{Old: os.Getenv("CASCADE_TEST_OLD"), Node: os.Getenv("CASCADE_TEST_TAKER")}
	p, err := o.Plan(t.Context(), Config{Queue: queue, DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(t.Context(), func(p Progress) { fmt.Printf("step %d %s\n", p.Number, p.Outcome) }); err != nil {
		t.Fatal(err)
	}
}

// The process of a planned takeover is killed at random moments under writers,
// and the next one finishes or takes back what it left.
func TestTakeoverKilledProcess(t *testing.T) {
	t.Parallel()
	kills := 4
	if soak {
		kills = 200
	}
	if n := os.Getenv("SOAK_KILLS"); n != "" {
		var err error
		if kills, err = strconv.Atoi(n); err != nil {
			t.Fatal(err)
		}
	}
	seed := uint64(time.Now().UnixNano() % 1e9)
	if s := os.Getenv("SOAK_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("SOAK_SEED=%d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	c := newCascadeOn(t, mixed, "a", "b<a", "c<a")
	c.run(c.names...)
	stop := c.watchRoots()
	w := c.write(2, 200)
	old, taker := "a", "b"
	steps, _ := c.steps(Takeover{Old: old, Node: taker})
	for i := range kills {
		step := 1 + rnd.IntN(steps)
		delay := time.Duration(rnd.Int64N(int64(30 * time.Millisecond)))
		c.killProcess(old, taker, step, delay)
		before := w.written.Load()
		o := Takeover{Old: old, Node: taker}
		back := o
		back.Cancel = true
		if rnd.IntN(2) == 0 && c.change(back, "c") == nil {
			t.Logf("kill %d, in step %d after %s: taken back", i+1, step, delay)
		} else {
			c.mustChange(o, "c")
			t.Logf("kill %d, in step %d after %s: finished", i+1, step, delay)
			old, taker = taker, old
		}
		if got := c.root(); got != old {
			t.Fatalf("the root is %q, want %s", got, old)
		}
		testpg.Wait(t, 10*time.Second, "writers go on", func() bool { return w.written.Load() > before })
	}
	total := w.stop()
	stop()
	c.equalQueues(old, c.names...)
	if got := len(c.events("a")); int64(got) != total {
		t.Errorf("%d events, and %d were committed", got, total)
	}
	if s := c.shape(); strings.Contains(s, "paused") {
		t.Errorf("a worker is paused still: %s", s)
	}
}

// killProcess runs a takeover in a process of its own, which it kills a moment
// after a step has begun.
func (c *cascade) killProcess(old, taker string, step int, after time.Duration) {
	c.t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKilledProcess$")
	cmd.Env = append(os.Environ(), "CASCADE_TEST_DSN="+c.dsn["c"], "CASCADE_TEST_OLD="+old, "CASCADE_TEST_TAKER="+taker)
	out, err := cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	seen := false
	for s := bufio.NewScanner(out); s.Scan() && !seen; {
		seen = s.Text() == fmt.Sprintf("step %d started", step)
	}
	time.Sleep(after) // a random moment, which nothing tells
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if !seen {
		c.t.Fatalf("step %d was not seen", step)
	}
}
