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
	testpg.Exec(t, dsn, "create table copy (data text)")

	for _, tt := range []struct {
		name   string
		events int64
		args   []string
	}{
		{"stdout", events, nil},
		{"exec", events / 3, []string{"--exec", "cat >/dev/null"}},
		{"into", events / 10, []string{"--into", dsn, "--sql", "insert into copy values ($ev_data)"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			testpg.Exec(t, dsn, "select pgq.create_queue($1), pgq.register_consumer($1, 'c')", tt.name)
			table := testpg.Value[string](t, dsn, "select pgq.current_event_table($1)", tt.name)
			testpg.Exec(t, dsn, "insert into "+table+` (ev_time, ev_type, ev_data)
				select now(), 'soak', repeat('some data ', 10) || n from generate_series(1, $1::bigint) n`, tt.events)
			testpg.Exec(t, dsn, "select pgq.ticker($1)", tt.name)

			cmd := exec.Command(consume, append([]string{"-d", dsn, "-q", tt.name, "-c", "c", "--until-empty"}, tt.args...)...)
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
			if want := fmt.Sprintf("%d events in 1 batch,", tt.events); !strings.Contains(stderr.String(), want) {
				t.Errorf("the summary does not tell of %s: %s", want, stderr.String())
			}
			if n := testpg.Value[int64](t, dsn, "select pending_events from pgq.get_consumer_info($1)", tt.name); n != 0 {
				t.Errorf("%d events are left", n)
			}
			testpg.Exec(t, dsn, "select pgq.drop_queue($1, true)", tt.name) // for its space
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
