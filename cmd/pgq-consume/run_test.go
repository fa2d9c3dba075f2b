package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"skytools/lib/cli"
	"skytools/lib/scripttest"
	"skytools/lib/testpg"
)

// newQueue makes a database with an empty queue q that consumer c reads.
func newQueue(t *testing.T) (dsn string) {
	t.Helper()
	dsn = testpg.Shared(t).NewDB(t, testpg.Extensions("pgq"))
	testpg.Exec(t, dsn, "select pgq.create_queue('q'), pgq.register_consumer('q', 'c')")
	return dsn
}

// tick makes what was committed a batch.
func tick(t *testing.T, dsn string) {
	t.Helper()
	testpg.Exec(t, dsn, "select pgq.force_tick('q'), pgq.ticker('q')")
}

// TestMetrics runs in this process: several runs may.
func TestMetrics(t *testing.T) {
	t.Parallel()
	dsn := newQueue(t)
	testpg.Exec(t, dsn, "select count(pgq.insert_event('q', 't', 'data')) from generate_series(1, 5)")
	tick(t, dsn)
	ctx, cancel := context.WithCancelCause(t.Context())
	logR, logW := io.Pipe()
	outR, outW := io.Pipe()
	code := make(chan int)
	go func() {
		code <- run(ctx, []string{"-d", dsn, "-q", "q", "-c", "c", "--metrics-listen", "127.0.0.1:0"}, nil, outW, logW)
		logW.Close()
	}()
	lines := bufio.NewScanner(logR)
	if !lines.Scan() {
		t.Fatal("no log")
	}
	m := regexp.MustCompile(`address=(\S+)`).FindStringSubmatch(lines.Text())
	if m == nil {
		t.Fatalf("no address in %q", lines.Text())
	}
	go io.Copy(io.Discard, logR)
	events := bufio.NewScanner(outR)
	for range 5 {
		if !events.Scan() {
			t.Fatal("events are missing")
		}
	}
	get := func(path string) (int, string) {
		resp, err := http.Get("http://" + m[1] + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(b)
	}
	testpg.Wait(t, 30*time.Second, "the batch in the metrics", func() bool {
		_, text := get("/metrics")
		return strings.Contains(text, `pgq_consume_batches_total{consumer="c",queue="q"} 1`)
	})
	_, text := get("/metrics")
	for _, want := range []string{
		`pgq_consume_events_total{consumer="c",queue="q"} 5`,
		`pgq_consume_read_bytes_total{consumer="c",queue="q"} 25`,
		`pgq_consume_connected_workers{consumer="c",queue="q"} 1`,
		`pgq_consume_last_tick{consumer="c",queue="q"} 2`,
		"pgq_consume_info{",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
	if code, text := get("/healthz"); code != http.StatusOK {
		t.Errorf("healthz: %d %s", code, text)
	}
	cancel(cli.ErrSignal{Signal: syscall.SIGTERM})
	if got := <-code; got != cli.ExitOK {
		t.Errorf("exit code %d", got)
	}
}

func TestMetricsAddress(t *testing.T) {
	t.Parallel()
	dsn := newQueue(t)
	var stderr strings.Builder
	code := run(t.Context(), []string{"-d", dsn, "-q", "q", "-c", "c", "--metrics-listen", "nowhere"}, nil, io.Discard, &stderr)
	if code != cli.ExitFailure || !strings.HasPrefix(stderr.String(), "pgq-consume: error: listen for metrics: ") {
		t.Errorf("code %d, %s", code, stderr.String())
	}
}

func TestNotify(t *testing.T) {
	t.Parallel()
	dsn := newQueue(t)
	socket := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(scripttest.Tool(t, program), "-d", dsn, "-q", "q", "-c", "c")
	cmd.Env = append(os.Environ(), "NOTIFY_SOCKET="+socket, "WATCHDOG_USEC=200000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	expect := func(want string) {
		t.Helper()
		for buf := make([]byte, 4096); ; {
			n, err := conn.Read(buf)
			if err != nil {
				t.Fatalf("waiting for %s: %v", want, err)
			}
			if strings.Contains(string(buf[:n]), want) {
				return
			}
		}
	}
	expect("READY=1\nSTATUS=consuming q/c")
	expect("STATUS=0 events, 0 batches, 0 events/s")
	expect("WATCHDOG=1")
	expect("WATCHDOG=1")
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	expect("STOPPING=1")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}

// TestLostConnection ends the server under a run: it connects again, and what
// was not finished comes again.
func TestLostConnection(t *testing.T) {
	t.Parallel()
	dsn := newQueue(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	outR, outW := io.Pipe()
	code := make(chan int)
	var stderr strings.Builder
	go func() {
		code <- run(ctx, []string{"-d", dsn, "-q", "q", "-c", "c", "--format", "raw", "--poll-interval", "50ms"}, nil, outW, &stderr)
	}()
	lines := bufio.NewScanner(outR)
	for _, data := range []string{"before", "after"} {
		testpg.Exec(t, dsn, "select pgq.insert_event('q', 't', $1)", data)
		tick(t, dsn)
		for lines.Scan() && lines.Text() != data {
		}
		if lines.Text() != data {
			t.Fatalf("no %s, %v", data, lines.Err())
		}
		testpg.Exec(t, dsn, `select pg_terminate_backend(pid) from pg_stat_activity
			where application_name = 'pgq-consume' and datname = current_database()`)
	}
	cancel(cli.ErrSignal{Signal: syscall.SIGTERM})
	go io.Copy(io.Discard, outR)
	if got := <-code; got != cli.ExitOK {
		t.Errorf("exit code %d", got)
	}
	if !strings.Contains(stderr.String(), "connection lost") || !strings.Contains(stderr.String(), "connected again") {
		t.Errorf("log:\n%s", stderr.String())
	}
}

// TestUpstream runs against upstream's schema, which has no notifications and
// no batches by size.
func TestUpstream(t *testing.T) {
	t.Parallel()
	dsn := testpg.Shared(t).NewDB(t)
	conn := testpg.Connect(t, dsn)
	if _, err := conn.Exec(t.Context(), "create extension pgq"); err != nil {
		testpg.Unavailable(t, "upstream's pgq is not installed: "+err.Error())
	}
	testpg.Exec(t, dsn, "select pgq.create_queue('q')")
	consume := func(args ...string) string {
		t.Helper()
		var stdout, stderr strings.Builder
		args = append([]string{"-d", dsn, "-q", "q", "-c", "c", "--until-empty", "--format", "raw"}, args...)
		if code := run(t.Context(), args, nil, &stdout, &stderr); code != cli.ExitOK {
			t.Fatalf("%v: code %d\n%s", args, code, stderr.String())
		}
		return stdout.String()
	}
	if got := consume("--register"); got != "" {
		t.Errorf("got %q", got)
	}
	for range 3 {
		testpg.Exec(t, dsn, "select pgq.insert_event('q', 't', 'one'), pgq.insert_event('q', 'u', 'two')")
		tick(t, dsn)
	}
	if got, want := consume("--peek", "--from", "1", "--until-empty"), strings.Repeat("one\ntwo\n", 3); got != want {
		t.Errorf("peek: got %q, want %q", got, want)
	}
	var stderr strings.Builder
	if code := run(t.Context(), []string{"-d", dsn, "-q", "q", "-c", "c", "--workers", "2"}, nil, io.Discard, &stderr); code != cli.ExitFailure ||
		!strings.Contains(stderr.String(), "pgq_coop is not installed in database") {
		t.Errorf("workers: code %d, %s", code, stderr.String())
	}
	if got, want := consume("--type", "t"), strings.Repeat("one\n", 3); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	testpg.Exec(t, dsn, "select pgq.insert_event('q', 't', 'again')")
	tick(t, dsn)
	consume("--per-event", "--retry-delay", "0", "--exec", "exit 75")
	testpg.Exec(t, dsn, "select pgq.maint_retry_events()")
	tick(t, dsn)
	if got, want := consume(), "again\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	consume("--unregister")
}
