package extension_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"skytools/extension"
	"skytools/lib/testpg"
)

// treeCluster starts a server that has our files and not upstream's.
func treeCluster(t *testing.T, opts ...testpg.Option) (*testpg.Cluster, testpg.ServerTree) {
	t.Helper()
	tree := testpg.Tree(t)
	return testpg.Start(t, append(opts, testpg.Bin(tree.Bin))...), tree
}

// TestInstallcheck runs make installcheck, that is pg_regress and
// pg_isolation_regress, for each extension against a server of its own, since
// roles and transaction ids belong to the whole server. Both flavours must give
// the same output, but for the few specs of isolation_schedule_FLAVOUR.
//
// To take over new output: copy the file that the failure names from results/
// of a run by hand, make -C extension installcheck EXT=NAME.
func TestInstallcheck(t *testing.T) {
	t.Parallel()
	t.Run("c", func(t *testing.T) {
		t.Parallel()
		installcheck(t, testpg.Tree(t), extension.C)
	})
	t.Run("plpgsql", func(t *testing.T) {
		t.Parallel()
		installcheck(t, testpg.PLTree(t), extension.PLSQL)
	})
}

func installcheck(t *testing.T, tree testpg.ServerTree, flavour extension.Flavour) {
	for _, name := range extension.Names() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// autovacuum may hold a lock for which maintenance does not wait
			c := testpg.Start(t, testpg.Bin(tree.Bin), testpg.Conf("autovacuum", "off"))
			out := t.TempDir()
			cmd := exec.Command("make", "--no-print-directory", "installcheck", "EXT="+name,
				"FLAVOUR="+string(flavour), "PG_CONFIG="+tree.PGConfig, "BUILDDIR="+out)
			for _, kv := range os.Environ() {
				if !strings.HasPrefix(kv, "PG") && !strings.HasPrefix(kv, "MAKE") && !strings.HasPrefix(kv, "MFLAGS=") {
					cmd.Env = append(cmd.Env, kv)
				}
			}
			cmd.Env = append(cmd.Env, "PGHOST="+c.SocketDir(), "PGPORT="+strconv.Itoa(c.Port()), "PGUSER=postgres")
			var text bytes.Buffer
			cmd.Stdout, cmd.Stderr = &text, &text
			err := cmd.Run()
			t.Logf("%s", text.Bytes())
			if err != nil {
				t.Errorf("make installcheck: %v", err)
			}
			if err == nil && text.Len() == 0 {
				t.Skip("no tests")
			}
			diffs, _ := filepath.Glob(filepath.Join(out, "*", name, "*", "regression.diffs"))
			more, _ := filepath.Glob(filepath.Join(out, "*", name, "regression.diffs"))
			for _, d := range append(more, diffs...) {
				b, err := os.ReadFile(d)
				t.Errorf("%s (error %v):\n%s", d, err, b)
			}
		})
	}
}

// TestExpected demands that a test has one expected output, behind which no
// flavour can hide, and that each test is in a schedule.
func TestExpected(t *testing.T) {
	t.Parallel()
	outputs, err := filepath.Glob("*/expected/*_[0-9].out")
	if err != nil || len(outputs) > 0 {
		t.Errorf("alternative outputs %v, error %v; want none: differences by design go into specs of isolation_schedule_FLAVOUR", outputs, err)
	}
	scheduled := map[string]bool{}
	for kind, glob := range map[string]string{"sql": "*/schedule", "spec": "*/isolation_schedule*"} {
		schedules, _ := filepath.Glob(glob)
		for _, s := range schedules {
			text, err := os.ReadFile(s)
			if err != nil {
				t.Fatal(err)
			}
			for line := range strings.Lines(string(text)) {
				if names, ok := strings.CutPrefix(line, "test:"); ok {
					for _, name := range strings.Fields(names) {
						scheduled[filepath.Dir(s)+"/"+name+"."+kind] = true
					}
				}
			}
		}
	}
	sql, _ := filepath.Glob("*/sql/*.sql")
	specs, _ := filepath.Glob("*/specs/*.spec")
	for _, f := range append(sql, specs...) {
		ext, kind := filepath.Dir(filepath.Dir(f)), strings.TrimPrefix(filepath.Ext(f), ".")
		schedule := map[string]string{"sql": "schedule", "spec": "isolation_schedule"}[kind]
		if _, err := os.Stat(filepath.Join(ext, schedule)); err == nil && !scheduled[ext+"/"+filepath.Base(f)] {
			t.Errorf("%s is in no schedule", f)
		}
	}
}

// TestPlpgsqlCheck demands that plpgsql_check finds nothing in our functions.
func TestPlpgsqlCheck(t *testing.T) {
	t.Parallel()
	c, _ := treeCluster(t)
	dsn := c.NewDB(t)
	if !testpg.Value[bool](t, dsn, "select exists (select from pg_available_extensions where name = 'plpgsql_check')") {
		testpg.Unavailable(t, "no plpgsql_check: install postgresql-N-plpgsql-check")
	}
	testpg.Exec(t, dsn, "create extension plpgsql_check")
	for _, name := range extension.Names() {
		testpg.Exec(t, dsn, "create extension "+name)
	}
	// pgq.maint_operations looks into these when they are there.
	testpg.Exec(t, dsn, `
		create schema londiste; create table londiste.seq_info (queue_name text, local boolean)`)
	// A trigger function can be checked only for a table. Those that belong to
	// none of our own get this one.
	testpg.Exec(t, dsn, "create table sample (id integer primary key, data text)")
	const functions = `
		with f as (
		    select p.oid, p.prorettype = 'trigger'::regtype as is_trigger
		      from pg_proc p join pg_language l on l.oid = p.prolang
		     where p.pronamespace::regnamespace::text = any ($1) and l.lanname = 'plpgsql'
		), target as (
		    select f.oid, coalesce(t.tgrelid::regclass, 'sample'::regclass) as rel
		      from f left join pg_trigger t on t.tgfoid = f.oid
		     where f.is_trigger
		    union all
		    select f.oid, 0::oid::regclass from f where not f.is_trigger
		)
		select coalesce(string_agg(format('%s line %s: %s: %s %s', target.oid::regprocedure, c.lineno, c.level, c.message, c.query),
		                           E'\n' order by target.oid::regprocedure::text, c.lineno), '')
		  from target, plpgsql_check_function_tb(target.oid, target.rel,
		       -- By position: the name of the last one differs between versions.
		       /* fatal_errors */ false, /* other_warnings */ true, /* performance_warnings */ false,
		       /* extra_warnings */ true, /* security_warnings */ false, /* compatibility_warnings */ false,
		       /* oldtable */ null, /* newtable */ null, /* anyelement */ 'sample') c
		       -- the checker does not see through return query execute
		 where c.message not like 'OUT variable % is maybe unmodified'
		       -- nor that the literal in text[] := '{}' has no type
		   and (c.detail is null or c.detail not like 'cast "text" value to "text[]"%')`
	if found := testpg.Value[string](t, dsn, functions, extension.Names()); found != "" {
		t.Errorf("plpgsql_check says:\n%s", found)
	}
}

// TestComments demands a comment on each function, table and view, so that
// \df+ and \d+ explain them.
func TestComments(t *testing.T) {
	t.Parallel()
	dsn := testpg.Shared(t).NewDB(t, testpg.Extensions(extension.Names()...))
	const bare = `
		select coalesce(string_agg(what, E'\n' order by what), '')
		  from (select oid::regprocedure::text as what from pg_proc
		         where pronamespace::regnamespace::text = any ($1) and obj_description(oid, 'pg_proc') is null
		        union all
		        select oid::regclass::text from pg_class
		         where relnamespace::regnamespace::text = any ($1) and relkind in ('r', 'v', 'p')
		           and obj_description(oid, 'pg_class') is null
		        union all
		        select nspname from pg_namespace
		         where nspname = any ($1) and obj_description(oid, 'pg_namespace') is null) x`
	if got := testpg.Value[string](t, dsn, bare, extension.Names()); got != "" {
		t.Errorf("without comment:\n%s", got)
	}
}
