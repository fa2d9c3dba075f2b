package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"syscall"
	"time"

	"skytools/lib/consumer"
	"skytools/lib/event"
	"skytools/lib/log"
	"skytools/lib/pgq"
)

// execSink runs a command for each batch.
type execSink struct {
	spec       commandSpec
	format     consumer.Format
	retryDelay time.Duration
	logger     *slog.Logger

	batch   *consumer.Batch
	command *command // nil until the first event
	lines   *consumer.Lines
}

func (s *execSink) Begin(_ context.Context, b *consumer.Batch) error {
	s.batch, s.command = b, nil
	return nil
}

func (s *execSink) Event(ctx context.Context, e *event.Event) error {
	if s.command == nil {
		if err := s.start(ctx); err != nil {
			return err
		}
	}
	if err := s.lines.Event(ctx, e); err != nil {
		return s.writeFailed(ctx, err)
	}
	return nil
}

// start runs the command. A batch without events runs none.
func (s *execSink) start(ctx context.Context) error {
	var err error
	if s.command, err = s.spec.start(batchEnv(&s.batch.Batch)); err != nil {
		return err
	}
	s.lines = consumer.NewLines(pipeWriter{s.command.stdin}, s.format)
	return s.lines.Begin(ctx, s.batch)
}

func (s *execSink) End(ctx context.Context) error {
	if s.command == nil {
		return nil
	}
	if err := s.lines.End(ctx); err != nil {
		return s.writeFailed(ctx, err)
	}
	s.command.stdin.Close()
	code, err := s.command.wait(ctx)
	if err != nil {
		return err
	}
	return s.verdict(code)
}

// writeFailed is called when a write to the command gave err. If that tells of
// its end, how it ended is the better answer.
func (s *execSink) writeFailed(ctx context.Context, err error) error {
	if !errors.Is(err, syscall.EPIPE) {
		return err
	}
	s.command.stdin.Close()
	code, err := s.command.wait(ctx)
	if err != nil {
		return err
	}
	return s.verdict(code)
}

func (s *execSink) verdict(code int) error {
	switch code {
	case 0:
		return nil
	case tempFail:
		s.logger.Warn("command asked to try the batch again", log.Batch, s.batch.ID, "delay", s.retryDelay)
		return &consumer.Again{After: s.retryDelay}
	}
	return fmt.Errorf("command %q exited with code %d", s.spec.text, code)
}

func (s *execSink) Abort() {
	if s.command == nil {
		return
	}
	s.command.stop()
	s.lines.Abort()
	s.command = nil
}

// perEventSink runs a command for each event.
type perEventSink struct {
	spec       commandSpec
	format     consumer.Format
	retryDelay time.Duration

	batch *consumer.Batch
	env   []string
	line  []byte
}

func (s *perEventSink) Begin(_ context.Context, b *consumer.Batch) error {
	s.batch, s.env = b, batchEnv(&b.Batch)
	return nil
}

func (s *perEventSink) Event(ctx context.Context, e *event.Event) error {
	var err error
	if s.line, err = s.format(s.line[:0], e); err != nil {
		return err
	}
	c, err := s.spec.start(append(s.env[:len(s.env):len(s.env)], eventEnv(e)...))
	if err != nil {
		return err
	}
	written := make(chan error, 1)
	go func() {
		_, err := c.stdin.Write(s.line)
		c.stdin.Close()
		written <- err
	}()
	code, err := c.wait(ctx)
	werr := <-written
	switch {
	case err != nil:
		return fmt.Errorf("event %d: %w", e.ID, err)
	case werr != nil && !errors.Is(werr, syscall.EPIPE):
		return fmt.Errorf("event %d: %w", e.ID, werr)
	case code == 0:
		return nil
	case code == tempFail:
		s.batch.Retry(e.ID, s.retryDelay)
		return nil
	}
	return fmt.Errorf("event %d: command %q exited with code %d", e.ID, s.spec.text, code)
}

func (s *perEventSink) End(context.Context) error { return nil }

func (s *perEventSink) Abort() {}

// batchEnv is what a command learns of its batch.
func batchEnv(b *pgq.Batch) []string {
	env := []string{
		"PGQ_QUEUE=" + b.Queue,
		"PGQ_CONSUMER=" + b.Consumer,
		fmt.Sprintf("PGQ_BATCH_ID=%d", b.ID),
		fmt.Sprintf("PGQ_PREV_TICK_ID=%d", b.PrevTick),
		fmt.Sprintf("PGQ_TICK_ID=%d", b.Tick),
		"PGQ_TICK_TIME=" + b.TickTime.UTC().Format("2006-01-02T15:04:05.000000Z"),
	}
	if b.Subconsumer != "" {
		env = append(env, "PGQ_SUBCONSUMER="+b.Subconsumer)
	}
	return env
}

// maxEnv is the length from which on a value is left out of a command's
// environment: the kernel refuses 128 KiB.
const maxEnv = 64 << 10

// eventEnv is what a command learns of its event: PGQ_EV_ID and so on for all
// columns that are not null, except for ev_data, which is on its stdin.
func eventEnv(e *event.Event) []string {
	var env []string
	var v []byte
	for f := range numFields {
		if f == fieldData {
			continue
		}
		var ok bool
		if v, ok = f.append(v[:0], e); ok && len(v) <= maxEnv {
			env = append(env, "PGQ_"+strings.ToUpper(fieldNames[f])+"="+string(v))
		}
	}
	return env
}
