package soak

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"skytools/lib/testpg"
)

// TestKill kills programs, single server processes and whole servers at random
// moments under load. Every event that was committed must come at least once to
// a command and exactly once to a tracked target, and none that was not.
func TestKill(t *testing.T) {
	t.Parallel()
	seed := seed(t)
	w := newWorld(t, seed)
	for _, victim := range []struct {
		name string
		kill func(*testing.T)
		less int64 // kills only one in so many
		away bool  // a server is, for a moment
	}{
		{name: "pgq-consume --exec", kill: w.killer(w.exec), less: 1},
		{name: "pgq-consume --into", kill: w.killer(w.into), less: 1},
		{name: "pgqd", kill: w.killer(w.ticker), less: 1},
		{name: "backend", kill: w.killBackend, less: 1, away: true},
		{name: "postmaster", kill: w.killPostmaster, less: 10, away: true},
	} {
		kills := number(t, "SOAK_KILLS", pick[int64](6, 200))
		kills = (kills + victim.less - 1) / victim.less
		ok := t.Run(victim.name, func(t *testing.T) {
			w.t = t
			start := time.Now()
			w.during(func() {
				pos := w.positions()
				for range kills {
					pos = w.progress(pos)
					<-time.After(time.Duration(w.rnd.IntN(150)) * time.Millisecond)
					victim.kill(t)
				}
				w.progress(pos)
			})
			t.Logf("%d kills in %v", kills, time.Since(start).Round(time.Second))
			for _, p := range w.programs() {
				for _, end := range p.ended() {
					if victim.away {
						t.Logf("%s ended: %s", filepath.Base(p.path), end)
					} else {
						t.Errorf("%s ended: %s", filepath.Base(p.path), end)
					}
				}
			}
		})
		if !ok {
			break
		}
	}
	w.t = t
}

func (w *world) killer(p *program) func(*testing.T) {
	return func(t *testing.T) {
		t.Helper()
		testpg.Wait(t, 10*time.Second, "a process to kill", p.kill)
	}
}

func (w *world) anyServer() (*testpg.Cluster, string) {
	if w.rnd.IntN(2) == 0 {
		return w.source, w.from
	}
	return w.target, w.to
}

// killBackend kills a process of a server, after which the postmaster starts
// all anew. Before that it terminates a backend as an administrator does.
func (w *world) killBackend(t *testing.T) {
	t.Helper()
	_, dsn := w.anyServer()
	w.ask(dsn, fmt.Sprintf(`select pg_terminate_backend(pid)::text from pg_stat_activity
		where backend_type = 'client backend' and pid <> pg_backend_pid() order by pid offset %d limit 1`, w.rnd.IntN(4)))
	<-time.After(time.Duration(w.rnd.IntN(100)) * time.Millisecond)
	c, _ := w.anyServer()
	testpg.Wait(t, 10*time.Second, "a process to kill", func() bool {
		pids := children(c.PID())
		return len(pids) > 0 && syscall.Kill(pids[w.rnd.IntN(len(pids))], syscall.SIGKILL) == nil
	})
}

func (w *world) killPostmaster(t *testing.T) {
	t.Helper()
	c, _ := w.anyServer()
	c.Kill(t)
	c.Start(t)
}

// children returns the process ids whose parent is pid.
func children(pid int) []int {
	var pids []int
	files, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		// pid (name) state ppid: the name may hold anything
		fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:])
		if len(fields) > 1 && string(fields[1]) == strconv.Itoa(pid) {
			if child, err := strconv.Atoi(filepath.Base(filepath.Dir(f))); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}
