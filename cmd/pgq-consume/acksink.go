package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"skytools/lib/consumer"
	"skytools/lib/event"
)

// ackSink sends events and waits for an answer to each of them: to a command
// that runs all the time, or to our own stdout.
type ackSink struct {
	spec   *commandSpec // nil: the own stdout
	format consumer.Format

	batch   *consumer.Batch
	command *command // once it was started
	replies *os.File // our end of the pipe of its answers
	answers *answers
	lines   *consumer.Lines
}

// newAckSink returns a sink over streams that exist already.
func newAckSink(out io.Writer, in io.Reader, format consumer.Format) *ackSink {
	return &ackSink{answers: newAnswers(in), lines: consumer.NewLines(out, format), format: format}
}

// newCoprocessSink returns a sink that starts the command with its first
// event.
func newCoprocessSink(spec commandSpec, format consumer.Format) *ackSink {
	return &ackSink{spec: &spec, format: format}
}

// start runs the command.
func (s *ackSink) start() error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer w.Close()
	s.spec.answers = w
	if s.command, err = s.spec.start(batchEnv(&s.batch.Batch)[:2]); err != nil {
		r.Close()
		return err
	}
	s.replies = r
	s.answers = newAnswers(r)
	s.lines = consumer.NewLines(pipeWriter{s.command.stdin}, s.format)
	return nil
}

func (s *ackSink) Begin(ctx context.Context, b *consumer.Batch) error {
	s.batch = b
	if s.lines == nil {
		if err := s.start(); err != nil {
			return err
		}
	}
	s.answers.begin()
	return s.lines.Begin(ctx, b)
}

func (s *ackSink) Event(ctx context.Context, e *event.Event) error {
	if err := s.answers.failed(); err != nil {
		return s.failed(err)
	}
	s.answers.expect(e.ID)
	if err := s.lines.Event(ctx, e); err != nil {
		return s.failed(err)
	}
	return nil
}

func (s *ackSink) End(ctx context.Context) error {
	if err := s.lines.End(ctx); err != nil {
		return s.failed(err)
	}
	retries, err := s.answers.wait(ctx)
	if err != nil {
		return s.failed(err)
	}
	for _, r := range retries {
		s.batch.Retry(r.id, r.delay)
	}
	return nil
}

// endTimeout is how long a command may take to end after it closed a pipe to
// us, so that the message can say how it ended.
const endTimeout = time.Second

// failed makes the error of a broken pipe, or of an end of the answers, tell
// what became of the command.
func (s *ackSink) failed(err error) error {
	gone := errors.Is(err, syscall.EPIPE) || errors.Is(err, errAnswersEnd)
	if !gone || s.command == nil {
		return err
	}
	select {
	case <-s.command.exited:
	case <-time.After(endTimeout):
		return fmt.Errorf("command %q: %w", s.spec.text, err)
	}
	code, cerr := s.command.exitCode()
	if cerr != nil {
		return cerr
	}
	return fmt.Errorf("command %q exited with code %d before it had answered for the whole batch", s.spec.text, code)
}

// Abort drops the batch. The command cannot be told that it will come again,
// so it has to go; another one is started for the next batch.
func (s *ackSink) Abort() {
	if s.command == nil {
		s.lines.Abort()
		return
	}
	s.command.stop()
	s.lines.Abort()
	s.replies.Close()
	s.command, s.lines = nil, nil
}

// close ends the command after the last batch: its input ends, and it has the
// grace time to end too.
func (s *ackSink) close(grace time.Duration) error {
	if s.command == nil {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(context.Background(), grace,
		fmt.Errorf("command %q did not end within %v of the end of its input", s.spec.text, grace))
	defer cancel()
	defer s.replies.Close()
	s.command.stdin.Close()
	code, err := s.command.wait(ctx)
	if err == nil && code != 0 {
		err = fmt.Errorf("command %q exited with code %d", s.spec.text, code)
	}
	return err
}
