package ticker

import "time"

const (
	// hold is how long the pauses stay short after a tick.
	hold = 50 * time.Millisecond
	// perGap is how many looks there are at least in the usual time between
	// two ticks, which is hence the part of it that an event may wait.
	perGap = 8
	// gapsLeft is after how many such times a queue counts as idle.
	gapsLeft = 4
)

// A pace gives the pauses between two looks at the queues: the shortest while
// ticks follow each other closely, then longer ones, but not so long as to
// miss the rhythm of what comes a few times a second. After that they grow up
// to the longest.
type pace struct {
	min, max time.Duration
	cur      time.Duration
	last     time.Time     // of the last tick
	gap      time.Duration // usual time between two ticks
}

// next returns the pause after a look that took the time from start to now,
// and made a tick or did not.
func (p *pace) next(ticked bool, start, now time.Time) time.Duration {
	idle := now.Sub(p.last)
	switch {
	case ticked:
		if !p.last.IsZero() {
			p.gap += (min(idle, perGap*p.max) - p.gap) / 4
		}
		p.cur, p.last = p.min, now
	case idle < hold:
		p.cur = p.min
	case idle < gapsLeft*p.gap:
		p.cur = min(2*p.cur, p.gap/perGap)
	default:
		p.cur *= 2
	}
	p.cur = min(max(p.cur, p.min), max(p.max, p.min))
	// On a slow server or disk, looking must not become the load itself.
	return max(p.cur, min(now.Sub(start), p.max))
}
