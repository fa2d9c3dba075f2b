package extension_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"skytools/extension"
	"skytools/lib/db"
	"skytools/lib/testpg"
)

// TestSlowCommit lets a producer come in the moment in which a rotation is
// committed, so that the new table is the current one, and no other session has
// been told of that table yet.
func TestSlowCommit(t *testing.T) {
	t.Parallel()
	c, tree := treeCluster(t)
	module := filepath.Join(c.SocketDir(), "slow_commit.so")
	include, err := exec.Command(tree.PGConfig, "--includedir-server").Output()
	if err != nil {
		t.Fatal(err)
	}
	cc := exec.Command("cc", "-shared", "-fPIC", "-I"+strings.TrimSpace(string(include)), "-o", module, "testdata/slow_commit.c")
	if out, err := cc.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cc, err, out)
	}
	for _, flavour := range []extension.Flavour{extension.C, extension.PLSQL} {
		for _, level := range []string{"read committed", "repeatable read"} {
			for _, sql := range []string{
				"select pgq.insert_event('q', 't', 'd')",
				"select pgq.insert_events('q', array['t'], array['d'])",
				"select pgq.current_event_table('q')",
			} {
				t.Run(fmt.Sprintf("%s, %s, %s", flavour, level, sql), func(t *testing.T) {
					t.Parallel()
					opts := []testpg.DBOption{testpg.Extensions("pgq")}
					if flavour == extension.C {
						opts = append(opts, testpg.CModule())
					}
					err := slowCommit(t, c.NewDB(t, opts...), module, level, sql)
					if flavour == extension.PLSQL && level == "repeatable read" && db.Code(err) == "40001" {
						return
					}
					if err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
}

// slowCommit returns the error of the producer's statement.
func slowCommit(t *testing.T, dsn, module, level, sql string) error {
	dir, err := os.MkdirTemp(filepath.Dir(module), "")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	exists := func(name string) func() bool {
		return func() bool { _, err := os.Stat(filepath.Join(dir, name)); return err == nil }
	}
	touch := func(name string) {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o644); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() { touch("unseen.go"); touch("untold.go") })

	// a consumer that reads nothing, so that each rotation takes a new table
	testpg.Exec(t, dsn, "select pgq.create_queue('q'), pgq.register_consumer('q', 'c')")
	rotate := []string{
		"select pgq.insert_event('q', 't', 'd')",
		"update pgq.queue set queue_switch_time = '2001-01-01'",
		"select pgq.maint_rotate_tables_step1('q')",
	}
	for range 2 {
		for _, sql := range append(rotate, "select pgq.maint_rotate_tables_step2()") {
			testpg.Exec(t, dsn, sql)
		}
	}
	producer := testpg.Connect(t, dsn)
	say := func(sql string) error {
		_, err := producer.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol)
		return err
	}
	if err := say("begin isolation level " + level + "; declare c cursor for select 1"); err != nil {
		t.Fatal(err)
	}

	rotated := make(chan error, 1)
	rotator := testpg.Connect(t, dsn)
	go func() {
		_, err := rotator.Exec(context.WithoutCancel(t.Context()), fmt.Sprintf("load '%s'; begin; %s; set slow_commit.dir = '%s'; commit",
			module, strings.Join(rotate, "; "), dir), pgx.QueryExecModeSimpleProtocol)
		rotated <- err
	}()
	testpg.Wait(t, time.Minute, "the rotation's commit", exists("unseen.reached"))
	// a lookup leaves a snapshot of the catalogs behind, without the new table
	if err := say("select to_regclass('pgq.event_1_3'), to_regclass('pgq.none')"); err != nil {
		t.Fatal(err)
	}
	touch("unseen.go")
	testpg.Wait(t, time.Minute, "the end of the commit", exists("untold.reached"))
	inserted := make(chan error, 1)
	go func() { inserted <- say(sql) }()
	watch := testpg.Connect(t, dsn)
	testpg.Wait(t, time.Minute, "the producer to wait or to end", func() bool {
		var ok bool
		err := watch.QueryRow(t.Context(), "select coalesce(wait_event_type = 'Lock', false) or state <> 'active' and query = $2 from pg_stat_activity where pid = $1",
			producer.PgConn().PID(), sql).Scan(&ok)
		return err == nil && ok
	})
	touch("untold.go")
	if err := <-rotated; err != nil {
		t.Fatal(err)
	}
	return <-inserted
}
