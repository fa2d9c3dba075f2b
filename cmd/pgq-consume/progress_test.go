package main

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestStatusLine(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	s := &statusLine{w: &b}
	s.show("one")
	fmt.Fprintln(s, "a message")
	s.show("two")
	s.show("three")
	s.end()
	s.end()
	want := clearLine + "one" + clearLine + "a message\n" + clearLine + "two" + clearLine + "three" + clearLine
	if b.String() != want {
		t.Errorf("got %q, want %q", b.String(), want)
	}
	var none *statusLine
	none.show("x")
	none.end()
}

func TestProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var c counters
		var got []string
		done := make(chan struct{})
		go func() {
			defer close(done)
			showProgress(ctx, &c, func(text string) { got = append(got, text) })
		}()
		time.Sleep(500 * time.Millisecond)
		c.events.Add(1500)
		c.batches.Add(3)
		time.Sleep(2 * time.Second)
		cancel()
		<-done
		want := []string{"1,500 events, 3 batches, 1,500 events/s", "1,500 events, 3 batches, 0 events/s"}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestSummary(t *testing.T) {
	t.Parallel()
	var c counters
	if got, want := summary(&c, 0), "pgq-consume: 0 events in 0 batches, 0.0 s, 0 events/s\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	c.events.Add(1)
	c.batches.Add(1)
	c.retries.Add(1)
	if got, want := summary(&c, 2*time.Second), "pgq-consume: 1 event in 1 batch, 1 to retry, 2.0 s, 0 events/s\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", -1000: "-1,000"} {
		if got := grouped(n); got != want {
			t.Errorf("grouped(%d) = %s, want %s", n, got, want)
		}
	}
}
