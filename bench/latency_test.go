package bench

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"skytools/lib/testpg"
)

// From the acknowledged commit of an event to its line on a consumer's stdout.
func TestLatency(t *testing.T) {
	for _, rate := range []int{200, 1000} {
		t.Run(fmt.Sprint(rate), func(t *testing.T) {
			name := fmt.Sprintf("commit to stdout at %d events/s", rate)
			ours := latency(t, rate, ourSide)
			peerText, ratioText, note := "-", "-", "defaults, ticker_max_lag 0"
			if _, err := os.Stat(peerPgqd); err == nil && rate == 200 {
				peer := latency(t, rate, debianSide)
				peerText = "p50 " + ms(quantile(peer, 0.5)) + ", p99 " + ms(quantile(peer, 0.99))
				ratioText = ratio(float64(quantile(peer, 0.99)) / float64(quantile(ours, 0.99)))
				note += "; peer: Debian's pgqd and python3-pgq at their fastest settings"
			}
			report(t, row{
				name: name,
				ours: "p50 " + ms(quantile(ours, 0.5)) + ", p99 " + ms(quantile(ours, 0.99)),
				peer: peerText, ratio: ratioText, note: note,
			})
		})
	}
}

// A side starts a ticker and a consumer, whose lines it writes to out: a line
// holds the event's number behind the word n.
type side func(t *testing.T, c *testpg.Cluster, dbname string) (out io.Reader)

func ourSide(t *testing.T, c *testpg.Cluster, dbname string) io.Reader {
	dsn := c.DSN(dbname)
	start(t, exec.Command(ourPgqd, "--base-connstr", baseConnstr(dsn, dbname), "--database-list", dbname))
	cmd := exec.Command(ourConsume, "-d", dsn, "-q", "q", "-c", "c", "--quiet")
	return stdout(t, cmd)
}

// debianSide runs upstream's ticker and a consumer of python3-pgq, tuned as far
// as their settings go.
func debianSide(t *testing.T, c *testpg.Cluster, dbname string) io.Reader {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	dsn := c.DSN(dbname)
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	ini := write("pgqd.ini", fmt.Sprintf("[pgqd]\nbase_connstr = %s\ndatabase_list = %s\nticker_period = 0.05\nsyslog = 0\n",
		baseConnstr(dsn, dbname), dbname))
	start(t, exec.Command(peerPgqd, ini))
	script := write("consumer.py", `
import sys, pgq
class C(pgq.Consumer):
    def process_event(self, db, ev):
        sys.stdout.write(ev.data + "\n")
        sys.stdout.flush()
C('reader', 'src_db', sys.argv[1:]).start()
`)
	conf := write("consumer.ini", fmt.Sprintf("[reader]\njob_name = c\nqueue_name = q\nsrc_db = %s\nloop_delay = 0.05\npidfile =\n", dsn))
	return stdout(t, exec.Command(peerPython, script, conf))
}

// baseConnstr is the part of dsn that pgqd completes with a database name.
func baseConnstr(dsn, dbname string) string {
	var keep []string
	for _, f := range strings.Fields(dsn) {
		if !strings.HasPrefix(f, "dbname=") {
			keep = append(keep, f)
		}
	}
	return strings.Join(keep, " ")
}

func stdout(t *testing.T, cmd *exec.Cmd) io.Reader {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	start(t, cmd)
	return out
}

// latency inserts events at the given rate for ten seconds, after a second of
// warm-up, and gives each one's time from commit to line.
func latency(t *testing.T, rate int, side side) []time.Duration {
	t.Helper()
	c := testpg.Start(t)
	const dbname = "latency"
	dsn := c.NewDB(t, testpg.Name(dbname), testpg.Extensions("pgq", "pgq_node"))
	testpg.Exec(t, dsn, `select pgq.create_queue('q'), pgq.register_consumer('q', 'c'),
		pgq.set_queue_config('q', 'ticker_max_lag', '0')`)
	out := side(t, c, dbname)

	warm, total := rate, rate*11
	committed := make([]time.Time, total)
	seen := make([]time.Time, total)
	var lock sync.Mutex
	done := make(chan struct{})
	go func() {
		defer close(done)
		lines := bufio.NewScanner(out)
		for got := 0; got < total && lines.Scan(); got++ {
			now := time.Now()
			_, rest, _ := strings.Cut(lines.Text(), "n=")
			n, err := strconv.Atoi(rest[:strings.IndexAny(rest+".", ".")])
			if err != nil || n >= total {
				t.Errorf("unexpected line %q", lines.Text())
				return
			}
			lock.Lock()
			seen[n] = now
			lock.Unlock()
		}
	}()

	conn := testpg.Connect(t, dsn)
	ticker := time.NewTicker(time.Second / time.Duration(rate))
	defer ticker.Stop()
	for n := range total {
		<-ticker.C
		if _, err := conn.Exec(context.Background(), "select pgq.insert_event('q', 'n', $1)", fmt.Sprintf("n=%d.", n)); err != nil {
			t.Fatal(err)
		}
		committed[n] = time.Now()
	}
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatal("not all events arrived within a minute")
	}
	lock.Lock()
	defer lock.Unlock()
	var took []time.Duration
	for n := warm; n < total; n++ {
		took = append(took, max(0, seen[n].Sub(committed[n])))
	}
	return took
}
