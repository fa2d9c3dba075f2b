// Package golden compares output with files in testdata. Tests only.
//
//	go test ./... -update
//
// rewrites the files instead.
package golden

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden files and scripts with what the tests got")

// Update tells whether the run rewrites files.
func Update() bool { return *update }

// Mask replaces what differs from run to run.
type Mask struct {
	re  *regexp.Regexp
	new string
}

// NewMask returns a mask that replaces what matches the expression.
func NewMask(expr, replacement string) Mask { return Mask{regexp.MustCompile(expr), replacement} }

// Masks for what servers and logs show.
var (
	// Time masks 2006-01-02 15:04:05.000000+00 and its RFC 3339 form.
	Time = NewMask(`\b\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d(:?\d\d)?| UTC)?`, "TIME")
	// Interval masks 00:00:01.234567, days included.
	Interval = NewMask(`\b(\d+ days? )?\d\d:\d\d:\d\d(\.\d+)?\b`, "INTERVAL")
	// LSN masks 0/1A2B3C4D.
	LSN = NewMask(`\b[0-9A-F]{1,8}/[0-9A-F]{1,8}\b`, "LSN")
	// OID masks numbers of at least five digits, as objects of users have.
	OID = NewMask(`\b[1-9]\d{4,9}\b`, "OID")
)

// Check compares got, masked, with testdata/NAME.golden.
func Check(t testing.TB, name, got string, masks ...Mask) {
	t.Helper()
	for _, m := range masks {
		got = m.re.ReplaceAllString(got, m.new)
	}
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; run the test with -update to make it", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", file, diff)
	}
}
