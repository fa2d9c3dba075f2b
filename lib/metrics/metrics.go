// Package metrics is the registry and the HTTP listener of a daemon: /metrics
// for Prometheus, and /healthz for whoever asks whether it does its work. What
// is measured is the daemon's own business.
package metrics

import (
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// NewRegistry returns a registry with the figures of the process and of the Go
// runtime, and info{version="..."} 1 under the program's name.
func NewRegistry(program, version string) *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name:        program + "_info",
			Help:        "Always 1; the label has the version of the program.",
			ConstLabels: prometheus.Labels{"version": version},
		}, func() float64 { return 1 }),
	)
	return r
}

// A Server answers on one address.
type Server struct {
	l      net.Listener
	srv    *http.Server
	logger *slog.Logger
}

// Listen binds addr, "host:port" or ":port", so that a bad address is an error
// at the start. health says what is wrong, or nil.
func Listen(addr string, g prometheus.Gatherer, health func() error, logger *slog.Logger) (*Server, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for metrics: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(g, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		if err := health(); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable)
			fmt.Fprintln(w, err)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	return &Server{
		l:      l,
		logger: logger,
		srv: &http.Server{
			Handler:           mux,
			ReadHeaderTimeout: 5 * time.Second,
			IdleTimeout:       2 * time.Minute,
			ErrorLog:          stdlog.New(errorLog{logger}, "", 0),
		},
	}, nil
}

// Addr is the address that was bound.
func (s *Server) Addr() net.Addr { return s.l.Addr() }

// Run answers until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { s.srv.Close() })
	defer stop()
	if err := s.srv.Serve(s.l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve metrics: %w", err)
	}
	return nil
}

// errorLog takes what the HTTP server has to say about its clients.
type errorLog struct{ logger *slog.Logger }

func (e errorLog) Write(b []byte) (int, error) {
	e.logger.Debug("metrics listener", "text", string(b))
	return len(b), nil
}
