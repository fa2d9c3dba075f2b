package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// statusLine shows the progress on one line of a terminal and rewrites it.
// Other output to the same terminal goes through it too, so that the line is
// cleared before and does not get into the text. A nil statusLine shows nothing.
type statusLine struct {
	mu    sync.Mutex
	w     io.Writer
	shown bool
}

// clearLine returns to the start of the line and erases it.
const clearLine = "\r\x1b[K"

// Write implements io.Writer for the log.
func (s *statusLine) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
	return s.w.Write(p)
}

func (s *statusLine) clear() {
	if s.shown {
		io.WriteString(s.w, clearLine)
		s.shown = false
	}
}

func (s *statusLine) show(text string) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	fmt.Fprint(s.w, clearLine, text)
	s.shown = true
}

// end removes the line.
func (s *statusLine) end() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clear()
}

// progressInterval is how often the progress is shown anew.
const progressInterval = time.Second

// showProgress tells show what has been done, until ctx ends.
func showProgress(ctx context.Context, c *counters, show func(text string)) {
	t := time.NewTicker(progressInterval)
	defer t.Stop()
	var last int64
	at := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-t.C:
			n := c.events.Load()
			rate := float64(n-last) / now.Sub(at).Seconds()
			last, at = n, now
			show(fmt.Sprintf("%s events, %s batches, %s events/s",
				grouped(n), grouped(c.batches.Load()), grouped(int64(rate+0.5))))
		}
	}
}

// summary is the line at the end.
func summary(c *counters, d time.Duration) string {
	n := c.events.Load()
	text := fmt.Sprintf("%s: %s in %s", program, plural(n, "event"), plural(c.batches.Load(), "batch"))
	if r := c.retries.Load(); r > 0 {
		text += fmt.Sprintf(", %d to retry", r)
	}
	if tick := c.tick.Load(); tick > 0 {
		text += fmt.Sprintf(", up to tick %d", tick)
	}
	return text + fmt.Sprintf(", %.1f s, %.0f events/s\n", d.Seconds(), float64(n)/max(d.Seconds(), 1e-3))
}

func plural(n int64, word string) string {
	switch {
	case n == 1:
		return "1 " + word
	case word == "batch":
		return fmt.Sprintf("%d batches", n)
	}
	return fmt.Sprintf("%d %ss", n, word)
}

// grouped writes n with a comma after each thousand.
func grouped(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
