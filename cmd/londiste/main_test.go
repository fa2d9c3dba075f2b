package main

import (
	"testing"

	"skytools/lib/scripttest"
)

func TestScripts(t *testing.T) {
	t.Parallel()
	scripttest.Run(t, scripttest.Params{Tools: []string{program, "pgqd", "pgq-consume"}})
}
