package main

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"skytools/lib/testpg"
)

// TestUpstream runs the statements against upstream's schema, and demands that
// what it lacks is said.
func TestUpstream(t *testing.T) {
	t.Parallel()
	dsn := testpg.Shared(t).NewDB(t)
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	if _, err := conn.Exec(t.Context(), "create extension pgq version '3.5'"); err != nil {
		testpg.Unavailable(t, "upstream's pgq is not installed: "+err.Error())
	}
	script := `create queue "Q x" with max_lag='1 s';
alter queue * set max_count=5;
register consumer c on "Q x";
connect queue="Q x";
produce "Q x" format raw;
one
two
\.
explain event 1;
tick queue "Q x" force;
select pgq.next_batch('Q x', 'c');
show batch c;
explain event 2;
show event 2;
show events "Q x";
show tick;
show queue;
show consumer;
show status;
show retry;
show triggers;
show locks;
show version;
doctor;
unregister consumer c;
drop queue "Q x";
`
	var out, stderr strings.Builder
	if code := run(t.Context(), []string{"-d", dsn, "-A", "-q"}, strings.NewReader(script), &out, &stderr); code != 0 {
		t.Fatalf("code %d, %s\n%s", code, stderr.String(), out.String())
	}
	for _, want := range []string{"consumer|c|waits for a tick|1|", "consumer|c|in its open batch|1|", "|||two|", "queue_name|tables|max_count|max_lag|", "pgq|3.5", "Nothing is wrong."} {
		if !strings.Contains(out.String()+stderr.String(), want) {
			t.Errorf("no %q in\n%s%s", want, out.String(), stderr.String())
		}
	}
	code, _, errText := runArgs(t.Context(), "-d", dsn, "-c", "show rotation")
	if code != 3 || !strings.HasPrefix(errText, "qadmin: ERROR: show rotation needs pgq 4.0\n") {
		t.Errorf("code %d, %s", code, errText)
	}
	if _, help, _ := runArgs(t.Context(), "-d", dsn, "-c", "select 1", "-c", "help"); !strings.Contains(help, "  show rotation            needs pgq 4.0\n") {
		t.Errorf("help does not say what is missing:\n%s", help)
	}

	// The server has no files of ours, so that it has to be made a schema.
	code, _, errText = runArgs(t.Context(), "-d", dsn, "-c", "upgrade")
	if code != 3 || !strings.Contains(errText, "install pgq using plpgsql.") {
		t.Errorf("upgrade: code %d, %s", code, errText)
	}
	for _, statement := range []string{"upgrade using plpgsql dry run", "upgrade using plpgsql", "show rotation", "upgrade"} {
		code, _, errText = runArgs(t.Context(), "-d", dsn, "-c", statement)
		if code != 0 {
			t.Errorf("%s: code %d, %s", statement, code, errText)
		}
	}
	if !strings.Contains(errText, "pgq 4.0 is already installed in PL/pgSQL") {
		t.Errorf("the last upgrade says %s", errText)
	}
}

// TestLong runs a script of many lines and a statement of more than a megabyte.
func TestLong(t *testing.T) {
	t.Parallel()
	dsn := testpg.Shared(t).NewDB(t)
	var script strings.Builder
	for i := range 10_000 {
		if i%100 == 0 {
			fmt.Fprintf(&script, "select %d\n  as n;\n", i)
		} else {
			script.WriteString("-- nothing\n")
		}
	}
	fmt.Fprintf(&script, "select length('%s');\n", strings.Repeat("x", 1<<20))
	fmt.Fprintf(&script, "do $$ begin\n%s end $$;\n", strings.Repeat("  null;\n", 100_000))
	var out, stderr strings.Builder
	code := run(t.Context(), []string{"-d", dsn, "-At", "-q"}, strings.NewReader(script.String()), &out, &stderr)
	if lines := strings.Count(out.String(), "\n"); code != 0 || lines != 101 || !strings.HasSuffix(out.String(), "\n1048576\n") {
		t.Errorf("code %d, %d lines, %s", code, lines, stderr.String())
	}
}
