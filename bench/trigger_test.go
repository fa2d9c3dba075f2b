package bench

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"skytools/lib/testpg"
)

// capturedTables are two tables alike, one of them with a trigger.
const capturedTables = `
	create table bare (id integer primary key, name text, price numeric, changed timestamptz, n integer) with (autovacuum_enabled = off);
	create table captured (like bare including all) with (autovacuum_enabled = off);
	create trigger capture after insert or update or delete on captured for each row execute function pgq.logutriga('q');`

// Statements of a hundred rows on a table with logutriga, against one without.
func TestTrigger(t *testing.T) {
	for _, tc := range []struct{ name, aim string }{
		{"C module", "0.40, better 0.50"},
		{"PL/pgSQL", "0.05"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var dsn string
			if tc.name == "C module" {
				dsn = moduleDB(t)
			} else {
				dsn = testpg.Start(t, testpg.Conf("shared_buffers", "256MB"), testpg.Conf("max_wal_size", "4GB")).
					NewDB(t, testpg.Extensions("pgq"))
				testpg.Exec(t, dsn, "select pgq.create_queue('q')")
			}
			testpg.Exec(t, dsn, capturedTables)
			conn := connect(t, dsn)
			const statements = 100
			insert := func(table string) func() {
				return func() {
					for i := range statements {
						repeat(t, conn, 1, "insert into "+table+` select $1 + g, 'some text of it', 12.50, now(), g
							from generate_series(1, 100) g`, i*100)
					}
				}
			}
			update := func(table string) func() {
				return func() {
					for i := range statements {
						repeat(t, conn, 1, "update "+table+" set n = n + 1 where id > $1 and id <= $1 + 100", i*100)
					}
				}
			}
			empty := func() {
				repeat(t, conn, 1, "truncate bare, captured, pgq.event_1_0")
			}
			for _, op := range []struct {
				name string
				run  func(table string) func()
			}{{"INSERT", insert}, {"UPDATE", update}} {
				var os, ps []time.Duration
				var rs []float64
				for i := range 12 {
					empty()
					if op.name == "UPDATE" {
						insert("captured")()
						insert("bare")()
					}
					a, b := timed(op.run("captured")), timed(op.run("bare"))
					if i > 0 {
						os, ps, rs = append(os, a), append(ps, b), append(rs, float64(b)/float64(a))
					}
				}
				report(t, row{
					name: fmt.Sprintf("logutriga (%s), 100 statements of %s of 100 rows", tc.name, op.name),
					ours: ms(median(os)), peer: ms(median(ps)), ratio: ratio(median(rs)), note: "peer: without a trigger; aim " + tc.aim,
				})
			}
		})
	}
}

func timed(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// pgbench's own load with logutriga on its four tables, against none.
func TestTriggerPgbench(t *testing.T) {
	c := testpg.Start(t, testpg.Bin(testpg.Tree(t).Bin), testpg.Conf("shared_buffers", "256MB"),
		testpg.Conf("max_wal_size", "4GB"), testpg.Fsync())
	dsns := map[bool]string{}
	for _, captured := range []bool{false, true} {
		dsn := c.NewDB(t)
		dsns[captured] = dsn
		run(t, filepath.Join(c.BinDir(), "pgbench"), "-i", "-q", "-s", "10", dsn)
		if captured {
			// pgbench_history has no key, which INSERT does not need
			testpg.Exec(t, dsn, `create extension pgq; select pgq.create_queue('q')`)
			for _, table := range []string{"accounts", "branches", "tellers", "history"} {
				testpg.Exec(t, dsn, fmt.Sprintf(`create trigger capture after insert or update or delete on pgbench_%s
					for each row execute function pgq.logutriga('q')`, table))
			}
		}
	}
	var tps, cpu [2][]float64 // bare, captured
	var tpsRatio, cpuRatio []float64
	for i := range 8 {
		var rate, used [2]float64
		for k, captured := range []bool{false, true} {
			testpg.Exec(t, dsns[captured], "vacuum pgbench_branches")
			testpg.Exec(t, dsns[captured], "truncate pgbench_history")
			before := serverCPU(t, c.PID())
			out, err := exec.Command(filepath.Join(c.BinDir(), "pgbench"), "-n", "-c", "4", "-j", "1", "-M", "prepared", "-T", "5",
				dsns[captured]).Output()
			_, after, ok := strings.Cut(string(out), "\ntps = ")
			if err != nil || !ok {
				t.Fatalf("pgbench: %v\n%s", err, out)
			}
			if rate[k], err = strconv.ParseFloat(strings.Fields(after)[0], 64); err != nil {
				t.Fatal(err)
			}
			used[k] = (serverCPU(t, c.PID()) - before) / (rate[k] * 5)
		}
		if i == 0 {
			continue
		}
		for k := range 2 {
			tps[k], cpu[k] = append(tps[k], rate[k]), append(cpu[k], used[k]*1e6)
		}
		tpsRatio, cpuRatio = append(tpsRatio, rate[1]/rate[0]), append(cpuRatio, used[0]/used[1])
	}
	report(t, row{
		name: "pgbench TPC-B with logutriga on its four tables, tps",
		ours: fmt.Sprintf("%.0f", median(tps[1])), peer: fmt.Sprintf("%.0f", median(tps[0])), ratio: ratio(median(tpsRatio)),
		note: "peer: without triggers, 4 clients, fsync on; aim 0.90",
	})
	report(t, row{
		name: "the same, CPU time of the server for a transaction",
		ours: fmt.Sprintf("%.0f µs", median(cpu[1])), peer: fmt.Sprintf("%.0f µs", median(cpu[0])), ratio: ratio(median(cpuRatio)),
		note: "aim 1.2 times, that is 0.83",
	})
}
