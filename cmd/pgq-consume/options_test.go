package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skytools/lib/cli"
)

func TestOptionErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ args, want string }{
		{"", "option -q is missing: name the queue"},
		{"-q q", "option -c is missing: name the consumer"},
		{"-q q -c c x", `unexpected argument "x"`},
		{"-q q -c c --register --register-only", "options --register-only and --register exclude each other"},
		{"-q q -c c --unregister --from 5", "options --unregister and --from exclude each other"},
		{"-q q --peek --workers 2", "options --peek and --workers exclude each other"},
		{"-q q -c c --into x --sql y --exec z", "options --into and --exec exclude each other"},
		{"-q q -c c --into x --sql y --into-queue z", "options --sql and --into-queue exclude each other"},
		{"-q q -c c --into x --sql y --format csv", "options --into and --format exclude each other"},
		{"-q q -c c --per-event", "option --per-event needs --exec"},
		{"-q q -c c --per-event --exec x --ack 1", "options --per-event and --ack exclude each other"},
		{"-q q -c c --into x", "option --into needs --sql or --into-queue"},
		{"-q q -c c --sql x", "option --sql needs --into"},
		{"-q q -c c --into-queue x", "option --into-queue needs --into"},
		{"-q q -c c --dead-interval 5", "option --dead-interval needs --workers or --subconsumer"},
		{"-q q -c c --workers 2 --from 5", "option --from needs --register with --workers and --subconsumer: other subconsumers may be at work"},
		{"-q q -c c --workers 2 --max-events 5", "options --max-events and --workers exclude each other"},
		{"-q q -c c --workers 2 --ack 3", "option --ack needs --exec with --workers: the answers of several workers cannot share a descriptor"},
		{"-q q -c c --workers 0", "option --workers: 0 is not between 1 and 1000"},
		{"-q q -c c --max-events 0", "option --max-events: 0 is not between 1 and 4611686018427387904"},
		{"-q q -c c --min-count 0", "option --min-count: 0 is not between 1 and 4611686018427387904"},
		{"-q q -c c --ack 2", "option --ack: descriptor 2 is for messages"},
		{"-q q -c c --ack 1", "option --ack: descriptor 1 is where the events go"},
		{"-q q -c c --ack 0 --exec x", "option --ack: descriptor 0 of the command is where the events go"},
		{"-q q -c c --poll-interval 0", "option --poll-interval must be more than 0"},
		{"-q q -c c --type [", `option --type: pattern "[": missing ]`},
		{"-q q -c c --into x --sql $1", "option --sql: no name after $ at character 1: placeholders are " + fieldList("$%s")},
		{"-q q -c c --into x --into-queue {x", "option --into-queue: missing } after {x"},
	}
	for _, tt := range tests {
		_, err := parseOptions(strings.Fields(tt.args))
		if err == nil || err.Error() != tt.want || cli.ExitCode(err) != cli.ExitUsage {
			t.Errorf("%s:\ngot  %v\nwant %s", tt.args, err, tt.want)
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	good := []string{
		"-q q -c c", "-q q --peek", "-q q -c c --peek --from yesterday --max-events 5", "-q q -c c --ack 0",
		"-q q -c c --exec x --ack 1 --workers 2", "-q q -c c --workers 2 --register --from 5",
		"-q q -c c --unregister --subconsumer s", "-q q -c c --into x --into-queue y --workers 2",
	}
	for _, args := range good {
		if _, err := parseOptions(strings.Fields(args)); err != nil {
			t.Errorf("%s: %v", args, err)
		}
	}
	o, err := parseOptions(strings.Fields("-q q -c c --type a --type b --poll-interval 0.5 --retry-delay 5min"))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"a", "b"}, o.Selection.Types); d != "" {
		t.Error(d)
	}
	if p, r := o.Selection.PollInterval.Duration(), o.Command.RetryDelay.Duration(); p != 500*time.Millisecond || r != 5*time.Minute {
		t.Errorf("got %v, %v", p, r)
	}
}

// TestQuotes: a value is what the shell made of it, double quotes included.
func TestQuotes(t *testing.T) {
	t.Parallel()
	const quoted = `"a\tb"`
	o, err := parseOptions([]string{"-q", quoted, "-c", quoted, "--type", quoted, "--exec", quoted, "--db=" + quoted})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{o.Source.Queue, o.Source.Consumer, o.Selection.Types[0], o.Command.Exec, o.Source.DB}
	if d := cmp.Diff([]string{quoted, quoted, quoted, quoted, quoted}, got); d != "" {
		t.Error(d)
	}
	o, err = parseOptions([]string{"-q", "q", "-c", "c", "--into", "d", "--sql", `"x"`})
	if err != nil || o.Target.SQL != `"x"` {
		t.Errorf("got %q, %v", o.Target.SQL, err)
	}
	for _, o := range parserOptions(t) {
		switch o.Value().(type) {
		case string, []string:
			if o.Field().Tag.Get("unquote") != "false" {
				t.Errorf(`--%s has no unquote:"false"`, o.LongName)
			}
		}
	}
}

func TestSubconsumers(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args string
		want []string
	}{
		{"", nil},
		{"--subconsumer s", []string{"s"}},
		{"--workers 2", []string{"host-1", "host-2"}},
		{"--workers 2 --subconsumer s", []string{"s1", "s2"}},
		{"--workers 1", []string{"host-1"}},
	}
	for _, tt := range tests {
		o, err := parseOptions(strings.Fields("-q q -c c " + tt.args))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(tt.want, o.subconsumers("host")); d != "" {
			t.Errorf("%s (-want +got):\n%s", tt.args, d)
		}
	}
}

// FuzzParseOptions looks for a panic, and for an error that is no usage error.
func FuzzParseOptions(f *testing.F) {
	f.Add("-q q -c c --workers 2 --type [a-z]* --min-lag 5min")
	f.Add("-q q --peek --from=-1 --max-events=0x1")
	f.Add("-q q -c c --into d --sql $ev_id --into-queue {ev_type}")
	f.Fuzz(func(t *testing.T, args string) {
		if _, err := parseOptions(strings.Fields(args)); err != nil && cli.ExitCode(err) != cli.ExitUsage {
			t.Errorf("%q: %v", args, err)
		}
	})
}
