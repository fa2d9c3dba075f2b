package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseAnswer(t *testing.T) {
	t.Parallel()
	tests := []struct {
		line string
		id   int64
		want *retryAnswer
		err  string
	}{
		{line: "ok 5", id: 5},
		{line: " ok\t5 \r", id: 5},
		{line: "retry 5 10", id: 5, want: &retryAnswer{5, 10 * time.Second}},
		{line: "retry 5 0", id: 5, want: &retryAnswer{5, 0}},
		{line: "", err: "want ok ID"},
		{line: "OK 5", err: "want ok ID"},
		{line: "yes 5", err: "want ok ID"},
		{line: "ok", err: "id is missing"},
		{line: "ok five", err: "id is not a number"},
		{line: "ok 99999999999999999999", err: "id is not a number"},
		{line: "ok 5 6", err: "too many words"},
		{line: "retry 5", err: "SECONDS is missing"},
		{line: "retry 5 soon", err: "SECONDS is not a whole number"},
		{line: "retry 5 -1", err: "SECONDS is not a whole number"},
		{line: "retry 5 1.5", err: "SECONDS is not a whole number"},
		{line: "retry 5 1 2", err: "too many words"},
		{line: "dead 5 no such customer", err: "dead letters are not supported"},
		{line: strings.Repeat("x", 1000), err: "xxx...\": want ok"},
	}
	for _, tt := range tests {
		id, retry, err := parseAnswer(tt.line)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: got error %v, want %q", tt.line, err, tt.err)
			}
			continue
		}
		if err != nil || id != tt.id {
			t.Errorf("%q: got %d, %v", tt.line, id, err)
		}
		if d := cmp.Diff(tt.want, retry, cmp.AllowUnexported(retryAnswer{})); d != "" {
			t.Errorf("%q (-want +got):\n%s", tt.line, d)
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	a := newAnswers(r)
	a.begin()
	for id := int64(1); id <= 3; id++ {
		a.expect(id)
	}
	a.expect(3) // the same id may be in a batch twice
	go io.WriteString(w, "ok 3\nretry 1 7\nok 2\nok 3\n")
	got, err := a.wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []retryAnswer{{1, 7 * time.Second}}
	if d := cmp.Diff(want, got, cmp.AllowUnexported(retryAnswer{})); d != "" {
		t.Errorf("retries (-want +got):\n%s", d)
	}
	if got, err := a.wait(t.Context()); err != nil || len(got) > 0 {
		t.Errorf("second wait: %v, %v", got, err)
	}
}

func TestAnswersFail(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, text, want string }{
		{"malformed", "ok 1\nwhat\nok 2\n", `answer "what": want ok ID`},
		{"unknown event", "ok 9\n", `answer "ok 9": event 9 is not waiting for an answer`},
		{"twice", "ok 1\nok 1\n", `answer "ok 1": event 1 is not waiting for an answer`},
		{"end", "ok 1\n", "the answers of --ack ended before every event had one"},
		{"too long", strings.Repeat("x", 2*maxAnswer), "read answers: "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, w := io.Pipe()
			a := newAnswers(r)
			a.expect(1)
			a.expect(2)
			done := make(chan struct{})
			go func() {
				defer close(done)
				io.WriteString(w, tt.text) // must not get stuck after the bad line
				w.Close()
			}()
			_, err := a.wait(t.Context())
			if err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			<-done
		})
	}
}

func TestAnswersStop(t *testing.T) {
	t.Parallel()
	r, w := io.Pipe()
	defer w.Close()
	a := newAnswers(r)
	a.expect(1)
	cause := errors.New("stop it")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := a.wait(ctx); !errors.Is(err, cause) {
		t.Errorf("got %v", err)
	}
}
