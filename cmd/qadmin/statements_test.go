package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"skytools/cmd/qadmin/internal/grammar"
	"skytools/lib/golden"
	"skytools/lib/quote"
	"skytools/lib/testpg"
)

// pieces cuts a script into its statements and commands.
func pieces(t *testing.T, text string) []grammar.Piece {
	t.Helper()
	var list []grammar.Piece
	var in grammar.Splitter
	for line := range strings.Lines(text) {
		if err := in.Feed(line, func(p grammar.Piece) error { list = append(list, p); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// TestGolden runs a script of each statement in the table of the grammar, and
// compares all that it says. A statement without a script is a failure.
func TestGolden(t *testing.T) {
	t.Parallel()
	masks := []golden.Mask{
		golden.NewMask(`(?m)^... \d\d ... \d{4} .*\(every`, "NOW (every"),
		golden.NewMask(`(?m)^CONTEXT: .*\n(PL/pgSQL .*\n)*`, ""), // it has numbers of lines
		golden.Time, golden.Interval,
		golden.NewMask(`\b\d+:\d+:[\d,]*`, "SNAPSHOT"),
		golden.NewMask(`(by transaction|process) \d+`, "$1 N"),
		golden.NewMask(`\b\d+\.\d+(\.\d+)?( \(Debian[^)]*\))?`, "R"), // rates and versions
		golden.NewMask(`database=t\d+`, "database=DB"),
		golden.NewMask(`(?m)^t\d+[|]R`, "DB|R"),
		golden.NewMask(`\b\d{4,}\b`, "N"),
		golden.NewMask(`\((\d+m)?\d+(\.\d+)?(µs|ms|s)\)`, "(TIME)"),
		golden.NewMask(`Lag: \w+`, "Lag: TIME"),
		golden.NewMask(`[|]\d{3}([|\n])`, "|N$1"), // a transaction's id in a young cluster
	}
	for _, st := range grammar.Statements {
		if st.Later {
			continue
		}
		t.Run(st.Name, func(t *testing.T) {
			t.Parallel()
			name := strings.ReplaceAll(st.Name, " ", "_")
			script, err := os.ReadFile(filepath.Join("testdata", "golden", name+".sql"))
			if err != nil {
				t.Fatalf("no script shows what the statement gives: %v", err)
			}
			runs := slices.ContainsFunc(pieces(t, string(script)), func(p grammar.Piece) bool {
				m, _ := grammar.Parse(p.Text, false)
				return m != nil && m.Statement.Name == st.Name
			})
			if !runs {
				t.Errorf("%s.sql does not run the statement", name)
			}
			extensions := []string{"pgq"}
			if st.Needs != "" && st.Needs != "pgq" {
				extensions = append(extensions, st.Needs)
			}
			dsn := testpg.Shared(t).NewDB(t, testpg.Extensions(extensions...))
			var out strings.Builder
			code := run(t.Context(), []string{"-d", dsn, "-e", "-A", "-v", "ON_ERROR_STOP=off", "-f", "-"}, strings.NewReader(string(script)), &out, &out)
			golden.Check(t, filepath.Join("golden", name), fmt.Sprintf("%sexit code %d\n", out.String(), code), masks...)
		})
	}
}

// hostile are names that break what is not quoted with care.
var hostile = []string{
	`a "b" 'c' ; -- d`,
	`/* c */ \x :v`,
	"Ünïcode 日本語 🙂",
	"select",
	"queue",
	"*",
	"$1",
	`%s\`,
	"a.b",
	" blanks at both ends ",
	strings.Repeat("x", 63),
	strings.Repeat("ü", 31) + "x", // 63 bytes
}

// TestHostileNames runs each statement that takes a name with each of them.
func TestHostileNames(t *testing.T) {
	t.Parallel()
	// What is in braces becomes the name, as an identifier or as a constant.
	script := []string{
		`create queue {} with max_lag='1 s'`,
		`create queue {} if not exists`,
		`alter queue {} set max_count=5`,
		`register consumer {} on {}`,
		`register consumer "donor" on {}`,
		`register consumer "other" on {} copy {}`,
		`connect queue={}`,
		`register subconsumer {} for {} on {}`,
		`produce {} from {file} format raw`,
		`tick queue {} force`,
		`select pgq.next_batch({'}, {'})`,
		`show batch {}`,
		`show queue {}`,
		`show consumer {}`,
		`show consumer {} on {}`,
		`show events {}`,
		`show event 1 on {}`,
		`explain event 1 on {}`,
		`show rotation {}`,
		`show tick {}`,
		`show retry {}`,
		`create table {t} (i int); create trigger feed after insert on {t} for each row execute function pgq.logutriga({'})`,
		`show triggers {}`,
		`show table {t}`,
		`drop table {t}`,
		`create sequence {t}`,
		`show sequence {t}`,
		`insert into pgq_node.node_location values ({'}, {'}, {dsn})`,
		`show node {}`,
		`show node {} on {}`,
		`connect node={} queue={}`,
		`unregister subconsumer {} for {} from {} close`,
		`unregister consumer {} from {}`,
		`drop queue {} force`,
		`create root node {} location {dsn} worker {} on {}`,
		`create branch node {} location {dsn} provider {dsn} on {}`,
		`create leaf node {} location {dsn} provider {dsn} merge {} on {}`,
		`show cascade {}`,
		`show subscribers {}`,
		`alter node {} tag alive on {}`,
		`pause node {} consumer {} on {} dry run`,
		`resume node {} consumer {} on {} dry run`,
		`drop node {} on {}`,
	}
	// The others show the name that is asked for.
	silent := map[string]bool{"explain event": true, "show tick": true, "show retry": true, "show event": true, "show events": true, "show batch": true, "show subscribers": true}
	fill := func(statement, name, file, dsn string) string {
		ident := `"` + strings.ReplaceAll(name, `"`, `""`) + `"`
		return strings.NewReplacer("{file}", quote.Literal(file), "{dsn}", quote.Literal(dsn), "{t}", "public."+ident, "{'}", quote.Literal(name), "{}", ident).
			Replace(statement)
	}
	for _, name := range hostile {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := testpg.Shared(t).NewDB(t, testpg.Extensions("pgq", "pgq_coop", "pgq_node"))
			dir, file := t.TempDir(), strings.ReplaceAll(name, "/", "|")
			if err := os.WriteFile(filepath.Join(dir, file), []byte("an event\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			text := "\\cd '" + dir + "'\n"
			for i, statement := range script {
				text += fmt.Sprintf("\\echo @%d\n%s;\n", i, fill(statement, name, file, dsn))
			}
			var out, stderr strings.Builder
			if code := run(t.Context(), []string{"-d", dsn, "-A", "-t", "-f", "-"}, strings.NewReader(text), &out, &stderr); code != 0 {
				t.Fatalf("code %d\n%s\n%s", code, out.String(), stderr.String())
			}
			parts := strings.Split("\n"+out.String(), "\n@")[1:]
			for i, statement := range script {
				m, _ := grammar.Parse(fill(statement, "x", "f", ""), false)
				if m == nil || !strings.HasPrefix(m.Statement.Name, "show ") || silent[m.Statement.Name] {
					continue
				}
				if shown := strings.ReplaceAll(parts[i], `""`, `"`); !strings.Contains(shown, name) {
					t.Errorf("%s shows no %q:\n%s", statement, name, parts[i])
				}
			}
		})
	}
	covered := map[string]bool{}
	for _, statement := range script {
		if m, _ := grammar.Parse(fill(statement, "x", "f", ""), false); m != nil {
			for _, a := range m.Values() {
				covered[m.Statement.Name+" "+string(a.Slot)] = true
			}
		}
	}
	names := []grammar.Slot{grammar.Queue, grammar.Consumer, grammar.Subconsumer, grammar.Node, grammar.Table, grammar.Sequence, grammar.File}
	for _, st := range grammar.Statements {
		for _, w := range strings.FieldsFunc(st.Syntax, func(r rune) bool { return strings.ContainsRune(" :=", r) }) {
			if slot := grammar.Slot(w); slices.Contains(names, slot) && !st.Later && !covered[st.Name+" "+w] {
				t.Errorf("%s: no hostile name as %s", st.Name, slot)
			}
		}
	}
}
