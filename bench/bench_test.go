package bench

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Programs of ours, built by make; peers of Debian's packages.
var (
	ourPgqd    = tool("pgqd")
	ourConsume = tool("pgq-consume")
)

const (
	peerPgqd   = "/usr/bin/pgqd"
	peerPython = "/usr/bin/python3"
)

func tool(name string) string {
	path, err := filepath.Abs(filepath.Join("..", "bin", name))
	if err != nil {
		panic(err)
	}
	return path
}

// A row of RESULTS.md. Ratio is better when larger: ours per peer of a rate,
// peer per ours of a time.
type row struct {
	name, ours, peer, ratio, note string
}

var (
	mu   sync.Mutex
	rows []row
)

func report(t testing.TB, r row) {
	mu.Lock()
	defer mu.Unlock()
	rows = append(rows, r)
	t.Logf("%s: ours %s  peer %s  ratio %s  %s", r.name, r.ours, r.peer, r.ratio, r.note)
}

func TestMain(m *testing.M) {
	if os.Getenv("BENCH") == "" {
		fmt.Println("bench: comparisons run with BENCH=1 (make bench)")
		os.Exit(0)
	}
	code := m.Run()
	if err := writeResults("RESULTS.md"); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		code = 1
	}
	os.Exit(code)
}

func writeResults(path string) error {
	if len(rows) == 0 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "# Results of `make bench`\n\n%s, %d processors, %s, %s.\n", cpuModel(), runtime.NumCPU(), serverVersion(), runtime.Version())
	b.WriteString("Medians of pairs that ran in turn on one machine; a ratio over 1 means that ours is better.\n\n")
	b.WriteString("| what | ours | peer | ratio | |\n|---|---|---|---|---|\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.name, r.ours, r.peer, r.ratio, r.note)
	}
	return os.WriteFile(path, []byte(b.String()), 0o644)
}

func cpuModel() string {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err == nil {
		for line := range strings.Lines(string(data)) {
			if k, v, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(k) == "model name" {
				return strings.TrimSpace(v)
			}
		}
	}
	return runtime.GOARCH
}

func serverVersion() string {
	config := os.Getenv("PG_CONFIG")
	if config == "" {
		config = "pg_config"
	}
	out, err := exec.Command(config, "--version").Output()
	if err != nil {
		return "PostgreSQL"
	}
	return strings.TrimSpace(string(out))
}

func median[T int64 | float64 | time.Duration](xs []T) T {
	s := slices.Sorted(slices.Values(xs))
	return s[len(s)/2]
}

func quantile(xs []time.Duration, q float64) time.Duration {
	s := slices.Sorted(slices.Values(xs))
	return s[min(len(s)-1, int(float64(len(s))*q))]
}

// pairs runs ours and peer in turn, n times after one warm-up, and gives the
// median times and the median of the ratios peer/ours.
func pairs(t *testing.T, n int, ours, peer func()) (o, p time.Duration, ratio float64) {
	t.Helper()
	var os, ps []time.Duration
	var rs []float64
	for i := range n + 1 {
		start := time.Now()
		ours()
		a := time.Since(start)
		start = time.Now()
		peer()
		b := time.Since(start)
		if i == 0 {
			continue
		}
		os, ps, rs = append(os, a), append(ps, b), append(rs, float64(b)/float64(a))
	}
	return median(os), median(ps), median(rs)
}

// run runs a command to its end with stdout thrown away.
func run(t *testing.T, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	var stderr strings.Builder
	cmd.Stdout, cmd.Stderr = null, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %q: %v\n%s", name, args, err, stderr.String())
	}
}

// start starts a command that runs until the test ends; its stderr goes to a
// file that is shown when the test fails.
func start(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	logfile, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = logfile
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		stop := context.AfterFunc(ctx, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		stop()
		if t.Failed() {
			text, _ := os.ReadFile(logfile.Name())
			t.Logf("%s:\n%s", filepath.Base(cmd.Path), text)
		}
		_ = logfile.Close()
	})
}

// needPeer skips, with a word in RESULTS.md, when a peer is not installed.
func needPeer(t *testing.T, what, path string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		report(t, row{name: what, ours: "-", peer: "-", ratio: "-", note: "not run: no " + path})
		t.Skipf("%s is not installed", path)
	}
}

func ms(d time.Duration) string { return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000) }

func ratio(r float64) string { return fmt.Sprintf("%.2f", r) }
