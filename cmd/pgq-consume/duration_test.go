package main

import (
	"testing"
	"time"
)

func TestParseSeconds(t *testing.T) {
	t.Parallel()
	good := map[string]time.Duration{
		"0": 0, "2": 2 * time.Second, "0.5": 500 * time.Millisecond, "1m30s": 90 * time.Second, "500ms": 500 * time.Millisecond,
	}
	for text, want := range good {
		if got, err := parseSeconds(text); err != nil || got != want {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "-1", "-5s", "1e30", "NaN", "Inf", "5 minutes", "99999999h"} {
		if got, err := parseSeconds(text); err == nil {
			t.Errorf("%q gives %v", text, got)
		}
	}
}
