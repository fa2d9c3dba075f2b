package main

import (
	"fmt"
	"strconv"
	"time"
)

// seconds is the value of a flag that takes a time span: a number of seconds
// (2, 0.5) or a number with units (500ms, 1m30s).
type seconds time.Duration

func (s seconds) duration() time.Duration { return time.Duration(s) }

// UnmarshalFlag implements flags.Unmarshaler.
func (s *seconds) UnmarshalFlag(text string) error {
	d, err := parseSeconds(text)
	if err == nil {
		*s = seconds(d)
	}
	return err
}

// maxSeconds keeps the spans within what time.Duration and the server's
// interval can hold.
const maxSeconds = 100 * 365 * 24 * 3600

func parseSeconds(text string) (time.Duration, error) {
	var d time.Duration
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		// NaN fails the comparison too.
		if !(n >= 0 && n <= maxSeconds) {
			return 0, fmt.Errorf("time span %q is out of range", text)
		}
		d = time.Duration(n * float64(time.Second))
	} else if d, err = time.ParseDuration(text); err != nil {
		return 0, fmt.Errorf("bad time span %q: use seconds (2, 0.5) or units (500ms, 1m30s)", text)
	}
	if d < 0 || d > maxSeconds*time.Second {
		return 0, fmt.Errorf("time span %q is out of range", text)
	}
	return d, nil
}
