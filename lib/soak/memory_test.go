package soak

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"skytools/lib/testpg"
)

// TestMemory lets pgq-consume take a huge number of events that lie in one
// tick, within 64 MiB.
func TestMemory(t *testing.T) {
	t.Parallel()
	const limit = 64 << 20
	consume := binary(t, "pgq-consume")
	c := testpg.Start(t)
	events := number(t, "SOAK_EVENTS", pick[int64](300_000, 10_000_000))
	dsn := c.NewDB(t, testpg.Name("source"), testpg.Extensions("pgq", "pgq_ext"))
	testpg.Exec(t, dsn, `create table copy (data text);
		select pgq.create_queue('q'), pgq.register_consumer('q', 'stdout'),
		pgq.register_consumer('q', 'exec'), pgq.register_consumer('q', 'into')`)
	start := time.Now()
	table := testpg.Value[string](t, dsn, "select pgq.current_event_table('q')")
	testpg.Exec(t, dsn, "insert into "+table+` (ev_time, ev_type, ev_data)
		select now(), 'soak', repeat('some data ', 10) || n from generate_series(1, $1::bigint) n`, events)
	testpg.Exec(t, dsn, "select pgq.ticker('q')")
	if n := testpg.Value[int](t, dsn, "select count(*) from pgq.tick t, pgq.queue q where queue_name = 'q' and tick_queue = queue_id"); n != 2 {
		t.Fatalf("%d ticks, want 2", n)
	}
	t.Logf("%d events written in %v", events, time.Since(start).Round(time.Second))

	for _, tt := range []struct {
		consumer string
		args     []string
	}{
		{"stdout", nil},
		{"exec", []string{"--exec", "cat >/dev/null"}},
		{"into", []string{"--into", dsn, "--sql", "insert into copy values ($ev_data)"}},
	} {
		t.Run(tt.consumer, func(t *testing.T) {
			cmd := exec.Command(consume, append([]string{"-d", dsn, "-q", "q", "-c", tt.consumer, "--until-empty"}, tt.args...)...)
			var stderr tail
			cmd.Stderr = &stderr
			start := time.Now()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- cmd.Wait() }()
			var peak int64
			for running := true; running; {
				select {
				case err := <-ended:
					if err != nil {
						t.Fatalf("%v: %s", err, stderr.String())
					}
					running = false
				case <-t.Context().Done():
					cmd.Process.Kill()
				case <-time.After(20 * time.Millisecond):
					if n, err := peakMemory(cmd.Process.Pid); err == nil {
						peak = n
					}
				}
			}
			t.Logf("at most %d kB in %v; %s", peak>>10, time.Since(start).Round(time.Millisecond), strings.TrimSpace(stderr.String()))
			if peak == 0 || peak > limit {
				t.Errorf("took %d bytes of memory, want at most %d", peak, limit)
			}
			pending := testpg.Value[int64](t, dsn, "select pending_events from pgq.get_consumer_info('q', $1)", tt.consumer)
			if want := fmt.Sprintf("%d", events); pending != 0 || !strings.Contains(stderr.String(), want) {
				t.Errorf("%d events are left, and the summary does not tell of %s: %s", pending, want, stderr.String())
			}
		})
	}
}

// peakMemory returns the most memory that a process has had so far. Unlike the
// kernel's account of a child that has ended, it does not count the moment
// before the program was loaded, when the child was a copy of this process.
func peakMemory(pid int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("process %d has no VmHWM", pid)
}
