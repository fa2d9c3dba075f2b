package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"skytools/lib/cli"
)

// maxAnswer bounds the length of an answer line.
const maxAnswer = 64 << 10

// answers reads what --ack says about each event and keeps the books on those
// of the batch in hand. The reading goes on in a goroutine of its own, so that
// the far end may answer while it is still being written to.
type answers struct {
	mu      sync.Mutex
	open    map[int64]int // events that were sent and not answered
	retries []retryAnswer
	err     error         // the first bad answer, or the end of the answers
	changed chan struct{} // closed and replaced whenever the above changes
}

// retryAnswer is a "retry ID SECONDS".
type retryAnswer struct {
	id    int64
	delay time.Duration
}

// errAnswersEnd tells that the descriptor was closed at the far end.
var errAnswersEnd = errors.New("the answers of --ack ended before every event had one")

func newAnswers(r io.Reader) *answers {
	a := &answers{open: make(map[int64]int), changed: make(chan struct{})}
	go a.read(r)
	return a
}

func (a *answers) read(r io.Reader) {
	sc := bufio.NewScanner(r)
	sc.Buffer(nil, maxAnswer)
	var err error
	for err == nil && sc.Scan() {
		err = a.answer(sc.Text())
	}
	switch {
	case err != nil:
	case sc.Err() != nil:
		err = fmt.Errorf("read answers: %w", sc.Err())
	default:
		err = errAnswersEnd
	}
	a.fail(err)
	// The far end shall not get stuck in an answer and stop reading.
	_, _ = io.Copy(io.Discard, r)
}

func (a *answers) fail(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.err = err
	a.notify()
}

// notify wakes wait. a.mu is held.
func (a *answers) notify() {
	close(a.changed)
	a.changed = make(chan struct{})
}

// answer takes one line.
func (a *answers) answer(line string) error {
	id, r, err := parseAnswer(line)
	if err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.open[id] == 0 {
		return fmt.Errorf("answer %q: event %d is not waiting for an answer", line, id)
	}
	if a.open[id]--; a.open[id] == 0 {
		delete(a.open, id)
	}
	if r != nil {
		a.retries = append(a.retries, *r)
	}
	if len(a.open) == 0 {
		a.notify()
	}
	return nil
}

// parseAnswer reads "ok ID", "retry ID SECONDS" or "dead ID REASON". The last
// needs dead letters, which this version does not have; to do anything else
// with the event would not be what was asked for.
func parseAnswer(line string) (id int64, retry *retryAnswer, err error) {
	bad := func(why string) (int64, *retryAnswer, error) {
		return 0, nil, fmt.Errorf("answer %q: %s", shorten(line), why)
	}
	w := strings.Fields(line)
	if len(w) == 0 || w[0] != "ok" && w[0] != "retry" && w[0] != "dead" {
		return bad("want ok ID, retry ID SECONDS or dead ID REASON")
	}
	if len(w) < 2 {
		return bad("the event's id is missing")
	}
	if id, err = strconv.ParseInt(w[1], 10, 64); err != nil {
		return bad("the event's id is not a number")
	}
	switch {
	case w[0] == "dead":
		_, _, err := bad("dead letters are not supported by this version")
		return 0, nil, cli.WithHint(err, "Answer retry ID SECONDS to see the event again later, or ok ID to give it up.")
	case w[0] == "ok" && len(w) == 2:
		return id, nil, nil
	case w[0] == "retry" && len(w) == 3:
		n, err := strconv.ParseInt(w[2], 10, 32)
		if err != nil || n < 0 {
			return bad("SECONDS is not a whole number from 0 on")
		}
		return id, &retryAnswer{id, time.Duration(n) * time.Second}, nil
	case w[0] == "retry" && len(w) == 2:
		return bad("SECONDS is missing")
	}
	return bad("too many words")
}

// shorten keeps a message readable when the far end writes something else.
func shorten(s string) string {
	const limit = 80
	if r := []rune(s); len(r) > limit {
		return string(r[:limit]) + "..."
	}
	return s
}

// begin forgets the retries of a batch that was given up: it comes again, and
// is answered again. Events of it that are still open stay so, because their
// answers are still to come.
func (a *answers) begin() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.retries = nil
}

// expect notes that event id is about to be sent.
func (a *answers) expect(id int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.open[id]++
}

// failed returns the error that ended the answers, or nil.
func (a *answers) failed() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}

// wait returns the retries of the batch when every event of it was answered.
func (a *answers) wait(ctx context.Context) ([]retryAnswer, error) {
	for {
		a.mu.Lock()
		open, err, changed := len(a.open), a.err, a.changed
		a.mu.Unlock()
		switch {
		case err != nil && (err != errAnswersEnd || open > 0):
			return nil, err
		case open == 0:
			a.mu.Lock()
			defer a.mu.Unlock()
			r := a.retries
			a.retries = nil
			return r, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}
