package golden_test

import (
	"testing"

	"skytools/lib/golden"
)

// recorder notes a failure instead of failing.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failed = true }

func TestCheck(t *testing.T) {
	t.Parallel()
	const got = "at 2026-01-02 03:04:05.6+00 and 2026-01-02T03:04:05Z\nlsn 0/1A2B3C oid 16384 lag 00:00:01.25\n"
	golden.Check(t, "masked", got, golden.Time, golden.LSN, golden.OID, golden.Interval)
	if golden.Update() {
		return
	}
	r := &recorder{TB: t}
	golden.Check(r, "masked", "something else\n")
	if !r.failed {
		t.Error("a difference was not seen")
	}
}
