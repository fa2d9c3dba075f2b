package ticker

import "time"

// hold is how long fast polling goes on after a tick. It spans the pauses of
// a queue that gets some tens of events a second.
const hold = 50 * time.Millisecond

// A pace gives the pauses between two looks at the queues: short ones while
// there are ticks to make, longer and longer ones after that.
type pace struct {
	min, max time.Duration
	cur      time.Duration
	until    time.Time // pauses stay short until then
}

// next returns the pause after a look that took the time from start to now,
// and found work or did not.
func (p *pace) next(worked bool, start, now time.Time) time.Duration {
	switch {
	case worked:
		p.cur, p.until = p.min, now.Add(hold)
	case now.Before(p.until):
		p.cur = p.min
	default:
		p.cur *= 2
	}
	p.cur = min(max(p.cur, p.min), max(p.max, p.min))
	// On a slow server or disk, looking must not become the load itself.
	return max(p.cur, min(now.Sub(start), p.max))
}
