package metrics

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
)

func TestServer(t *testing.T) {
	t.Parallel()
	var health atomic.Value
	health.Store("")
	logger := slog.New(slog.DiscardHandler)
	s, err := Listen("127.0.0.1:0", NewRegistry("prog", "1.2"), func() error {
		if s := health.Load().(string); s != "" {
			return errors.New(s)
		}
		return nil
	}, logger)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()

	get := func(path string) (int, string) {
		t.Helper()
		res, err := http.Get("http://" + s.Addr().String() + path)
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
	if code, body := get("/metrics"); code != 200 || !strings.Contains(body, "# HELP prog_info Always 1") ||
		!strings.Contains(body, `prog_info{version="1.2"} 1`) || !strings.Contains(body, "process_cpu_seconds_total") {
		t.Errorf("got %d, %s", code, body)
	}
	if code, body := get("/healthz"); code != 200 || body != "ok\n" {
		t.Errorf("got %d, %q", code, body)
	}
	health.Store("no tick for 1m")
	if code, body := get("/healthz"); code != 503 || body != "no tick for 1m\n" {
		t.Errorf("got %d, %q", code, body)
	}
	if code, _ := get("/"); code != 404 {
		t.Errorf("got %d for an unknown page", code)
	}
	if _, err := Listen(s.Addr().String(), NewRegistry("prog", "1"), nil, logger); err == nil {
		t.Error("the address is in use")
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
