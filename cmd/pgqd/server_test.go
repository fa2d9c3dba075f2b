package main

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"skytools/lib/cli"
	"skytools/lib/testpg"
)

const patience = time.Minute

// A running pgqd in this process.
type running struct {
	t      *testing.T
	stderr *lockedBuffer
	cancel context.CancelFunc
	code   chan int
}

func startPgqd(t *testing.T, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r := &running{t: t, stderr: &lockedBuffer{}, cancel: cancel, code: make(chan int, 1)}
	go func() { r.code <- run(ctx, args, nil, io.Discard, r.stderr) }()
	t.Cleanup(func() {
		r.stop()
		if t.Failed() {
			t.Logf("log:\n%s", r.stderr)
		}
	})
	return r
}

// stop ends it and demands that it ends well.
func (r *running) stop() {
	r.cancel()
	code, ok := <-r.code
	if !ok {
		return
	}
	close(r.code)
	if code != cli.ExitOK {
		r.t.Errorf("got exit code %d", code)
	}
}

// waitLog waits for a line of the log and returns what matched.
func (r *running) waitLog(expr string) []string {
	r.t.Helper()
	re := regexp.MustCompile(expr)
	var m []string
	testpg.Wait(r.t, patience, "the log line "+expr, func() bool {
		m = re.FindStringSubmatch(r.stderr.String())
		return m != nil
	})
	return m
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	dsn := testpg.Shared(t).NewDB(t, testpg.Extensions("pgq"))
	testpg.Exec(t, dsn, `select pgq.create_queue('my queue')`)
	name := testpg.Value[string](t, dsn, `select current_database()::text`)
	r := startPgqd(t, "--db", dsn, "--metrics-listen", "127.0.0.1:0", "--ticker-period", "50ms", "--maint-period", "50ms")
	url := "http://" + r.waitLog(`serving metrics address=(\S+)`)[1]
	get := func(path string) (int, string) {
		res, err := http.Get(url + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(b)
	}
	for _, want := range []string{
		`pgqd_databases{state="ticking"} 1`,
		`pgqd_databases{state="away"} 0`,
		`pgqd_database_ticking{db="` + name + `"} 1`,
		`pgqd_database_bad_queues{db="` + name + `"} 0`,
		`pgqd_passes_total{db="` + name + `"} [1-9]`,
		`pgqd_looks_total{db="` + name + `"} [1-9]`,
		`pgqd_ticks_total{db="` + name + `"} [1-9]`,
		`pgqd_maint_rounds_total{db="` + name + `"} [1-9]`,
		`pgqd_retried_events_total{db="` + name + `"} 0`,
		`pgqd_errors_total{db="` + name + `",loop="ticker"} 0`,
		`pgqd_last_pass_timestamp_seconds{db="` + name + `"} 1\.`,
		`pgqd_queue_last_tick{db="` + name + `",queue="my queue"} [1-9]`,
		`pgqd_queue_last_tick_timestamp_seconds{db="` + name + `",queue="my queue"} 1\.`,
		`pgqd_config_reloads_total{result="ok"} 0`,
		`# HELP pgqd_ticks_total Ticks made.`,
	} {
		re := regexp.MustCompile(`(?m)^` + strings.NewReplacer("{", `\{`, "}", `\}`).Replace(want))
		testpg.Wait(t, patience, want, func() bool {
			code, body := get("/metrics")
			return code == 200 && re.MatchString(body)
		})
	}
	if code, body := get("/healthz"); code != 200 {
		t.Errorf("got %d, %s", code, body)
	}
}

// Nothing but databases that are away is not healthy; the reason is told.
func TestHealth(t *testing.T) {
	t.Parallel()
	r := startPgqd(t, "--base-connstr", "host="+t.TempDir(), "--database-list", "b,a", "--metrics-listen", "127.0.0.1:0", "-v")
	url := "http://" + r.waitLog(`serving metrics address=(\S+)`)[1]
	testpg.Wait(t, patience, "an unhealthy state", func() bool {
		res, err := http.Get(url + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		return err == nil && res.StatusCode == 503 && string(b) == "no database is ticked: a: away, b: away\n"
	})
}

// The service manager hears when the daemon is ready, what it does, and that
// it moves.
func TestServiceManager(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	t.Setenv("WATCHDOG_USEC", "200000")
	c := testpg.Shared(t)
	good, none := c.NewDB(t, testpg.Extensions("pgq")), c.NewDB(t)
	name := func(dsn string) string {
		return testpg.Value[string](t, dsn, `select current_database()::text`)
	}
	r := startPgqd(t, "--base-connstr", c.DSN("postgres"), "--database-list", name(good)+","+name(none), "--ticker-period", "50ms")

	received := func(want string) {
		t.Helper()
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		buf := make([]byte, 1000)
		for {
			n, err := conn.Read(buf)
			if err != nil {
				t.Fatalf("waited for %q: %v", want, err)
			}
			if strings.HasPrefix(string(buf[:n]), want) {
				return
			}
		}
	}
	received("READY=1\nSTATUS=ticking ")
	received("WATCHDOG=1")
	received("STATUS=ticking 1 database; no pgq: " + name(none))
	received("WATCHDOG=1")
	r.cancel()
	received("STOPPING=1")
	r.stop()
}

func TestSyslogDecision(t *testing.T) {
	t.Parallel()
	var console bytes.Buffer
	for _, tt := range []struct {
		mode       syslogMode
		background bool
		want       bool
	}{
		{"auto", false, false}, {"auto", true, true}, {"1", false, true}, {"1", true, true}, {"0", true, false},
	} {
		if got := wantsSyslog(tt.mode, &console, false, tt.background); got != tt.want {
			t.Errorf("%s, background %v: got %v", tt.mode, tt.background, got)
		}
	}
}

// How a database is chosen by the connection string and the list.
func TestDatabases(t *testing.T) {
	t.Setenv("PGDATABASE", "")
	for _, tt := range []struct {
		args []string
		want string
	}{
		{nil, ""},
		{[]string{"--base-connstr", "dbname=x"}, ""},
		{[]string{"--db", "host=h"}, ""},
		{[]string{"--db", "dbname=x"}, "x"},
		{[]string{"--db", "postgresql://h/y"}, "y"},
		{[]string{"--db", "dbname=x", "--database-list", "a, b,,a"}, "a b"},
	} {
		o, err := parseOptions(tt.args, func(string) (string, bool) { return "", false })
		if err != nil {
			t.Fatal(err)
		}
		d, err := o.dialer(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(o.databases(d), " "); got != tt.want {
			t.Errorf("%v: got %q, want %q", tt.args, got, tt.want)
		}
	}
}
