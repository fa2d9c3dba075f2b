package bench

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"skytools/lib/testpg"
)

// What a ticker costs when nothing happens: 50 databases of 4 queues, client
// and server together, over a minute.
func TestIdle(t *testing.T) {
	const databases, queues = 50, 4
	const span = time.Minute
	needPeer(t, "idle ticker", peerPgqd)
	c := testpg.Start(t, testpg.Conf("max_connections", "300"))
	var names []string
	for i := range databases {
		name := fmt.Sprintf("idle%d", i)
		dsn := c.NewDB(t, testpg.Name(name), testpg.Extensions("pgq"))
		testpg.Exec(t, dsn, fmt.Sprintf("select pgq.create_queue('q' || i) from generate_series(1, %d) i", queues))
		// as after a long idle time, when ticks are ticker_idle_period apart
		testpg.Exec(t, dsn, "update pgq.tick set tick_time = tick_time - interval '10 minutes'")
		testpg.Exec(t, dsn, "select pgq.ticker()")
		names = append(names, name)
	}
	base := baseConnstr(c.DSN("postgres"), "postgres")
	ini := filepath.Join(t.TempDir(), "pgqd.ini")
	text := fmt.Sprintf("[pgqd]\nbase_connstr = %s\ndatabase_list = %s\nsyslog = 0\n", base, strings.Join(names, ","))
	if err := os.WriteFile(ini, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}

	measure := func(t *testing.T, program string) (client, server float64) {
		cmd := exec.Command(program, ini)
		start(t, cmd)
		// settled: all databases are connected and the first idle ticks are over
		wait := time.Now().Add(20 * time.Second)
		testpg.Wait(t, time.Minute, "idle ticker", func() bool { return time.Now().After(wait) })
		c0, s0 := cpu(t, cmd.Process.Pid), serverCPU(t, c.PID())
		end := time.Now().Add(span)
		testpg.Wait(t, 2*span, "end of the minute", func() bool { return time.Now().After(end) })
		return cpu(t, cmd.Process.Pid) - c0, serverCPU(t, c.PID()) - s0
	}
	var oc, os_, pc, ps float64
	t.Run("ours", func(t *testing.T) { oc, os_ = measure(t, ourPgqd) })
	t.Run("peer", func(t *testing.T) { pc, ps = measure(t, peerPgqd) })
	report(t, row{
		name:  "idle ticker, 50 databases of 4 queues, CPU a minute",
		ours:  fmt.Sprintf("%.2f + %.2f s", oc, os_),
		peer:  fmt.Sprintf("%.2f + %.2f s", pc, ps),
		ratio: ratio((pc + ps) / (oc + os_)),
		note:  "client + server; peer: Debian's pgqd",
	})
}

// cpu is the processor time of a process so far, in seconds.
func cpu(t *testing.T, pid int) float64 {
	t.Helper()
	_, self, err := procTimes(pid)
	if err != nil {
		t.Fatal(err)
	}
	return self
}

// serverCPU is that of a postmaster, of its children that ended and of those
// that run.
func serverCPU(t *testing.T, postmaster int) float64 {
	t.Helper()
	sum := 0.0
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil {
			continue
		}
		parent, self, err := procTimes(pid)
		if err == nil && (parent == postmaster || pid == postmaster) {
			sum += self
		}
	}
	return sum
}

// procTimes reads a process's parent and its processor time in seconds; a
// postmaster's includes that of the children that it has reaped.
func procTimes(pid int) (parent int, seconds float64, err error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, 0, err
	}
	_, rest, ok := strings.Cut(string(data), ") ")
	f := strings.Fields(rest)
	if !ok || len(f) < 15 {
		return 0, 0, fmt.Errorf("/proc/%d/stat: unexpected form", pid)
	}
	parent, _ = strconv.Atoi(f[1])
	ticks := 0.0
	for _, i := range []int{11, 12, 13, 14} { // utime stime cutime cstime
		v, _ := strconv.ParseFloat(f[i], 64)
		ticks += v
	}
	const perSecond = 100 // USER_HZ, fixed on Linux
	return parent, ticks / perSecond, nil
}
