package ticker

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	t.Parallel()
	now := time.Now()
	p := pace{min: 2 * time.Millisecond, max: time.Second}
	next := func(worked bool, took time.Duration) time.Duration {
		d := p.next(worked, now, now.Add(took))
		now = now.Add(took + d)
		return d
	}
	if d := next(true, 0); d != p.min {
		t.Errorf("got %v after work", d)
	}
	var idle time.Duration
	for next(false, 0) == p.min {
		idle += p.min
	}
	if idle < hold/2 || idle > 2*hold {
		t.Errorf("pauses stay short for %v, want about %v", idle, hold)
	}
	for range 20 {
		next(false, 0)
	}
	if d := next(false, 0); d != p.max {
		t.Errorf("got %v when idle, want %v", d, p.max)
	}
	if d := next(true, 30*time.Millisecond); d != 30*time.Millisecond {
		t.Errorf("got %v after a slow look, want as much", d)
	}
	if d := next(true, time.Minute); d != p.max {
		t.Errorf("got %v after a very slow look, want %v", d, p.max)
	}
	p.max = time.Millisecond // ticker_period below fast_period
	if d := next(false, 0); d != p.min {
		t.Errorf("got %v, want %v", d, p.min)
	}
}

// Events that come a few times a second wait for a fraction of the time
// between them; when they cease the pauses grow to the longest.
func TestPaceKeepsARhythm(t *testing.T) {
	t.Parallel()
	for _, gap := range []time.Duration{5 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, time.Second, 3 * time.Second} {
		p := pace{min: 2 * time.Millisecond, max: time.Second}
		now := time.Now()
		event := now
		looks := 0
		var wait time.Duration
		for i := range 60 {
			event = event.Add(gap)
			for now.Before(event) {
				now = now.Add(p.next(false, now, now))
				looks++
			}
			if i >= 30 {
				wait = max(wait, now.Sub(event))
			}
			now = now.Add(p.next(true, now, now))
		}
		if limit := max(gap/(perGap-2), p.min); wait > limit {
			t.Errorf("an event every %v waits for up to %v, want %v", gap, wait, limit)
		}
		if perEvent := looks / 60; perEvent > 60 {
			t.Errorf("an event every %v costs %d looks", gap, perEvent)
		}
		for range 100 {
			now = now.Add(p.next(false, now, now))
		}
		if d := p.next(false, now, now); d != p.max {
			t.Errorf("every %v: got %v when idle, want %v", gap, d, p.max)
		}
	}
}

func TestOnGrid(t *testing.T) {
	t.Parallel()
	const period = time.Second
	for _, after := range []time.Duration{0, 1, 300 * time.Millisecond, 700 * time.Millisecond, 999 * time.Millisecond, 5 * time.Second} {
		now := gridStart.Add(after)
		next := onGrid(now, period)
		if pause := next.Sub(now); pause < period/2 || pause > 3*period/2 || next.Sub(gridStart)%period != 0 {
			t.Errorf("at %v: next pass after %v, at %v", after, pause, next.Sub(gridStart))
		}
	}
}

func TestAtoi(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int64{
		"": 0, "0": 0, "12": 12, " \n7 more": 7, "-3": -3, "+4": 4, "--5": 0, "none": 0, "(200,Ok)": 0, "3.9": 3, "t": 0, "99999999999999999999": 1,
	} {
		if got := atoi(in); got != want {
			t.Errorf("%q: got %d, want %d", in, got, want)
		}
	}
}

func TestQuoteName(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"pgq.ticker": `"pgq"."ticker"`, "f": `"public"."f"`, "S.a.b": `"S"."a.b"`, `x"y`: `"public"."x""y"`,
	} {
		if got := quoteName(in); got != want {
			t.Errorf("%q: got %s, want %s", in, got, want)
		}
	}
}
