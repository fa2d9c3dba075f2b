package install_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"skytools/extension"
	"skytools/lib/db"
	"skytools/lib/install"
	"skytools/lib/testpg"
)

var plOnly = install.Options{PLOnly: true}

func mustInstall(t *testing.T, dsn, name string, opts install.Options) install.Result {
	t.Helper()
	res, err := install.Install(t.Context(), testpg.Connect(t, dsn), name, opts)
	if err != nil {
		t.Fatalf("install %s: %v", name, err)
	}
	return res
}

// wantError checks message and hint.
func wantError(t *testing.T, err error, message, hint string) {
	t.Helper()
	if err == nil || err.Error() != message {
		t.Fatalf("got error  %v\nwant       %s", err, message)
	}
	var h interface{ Hint() string }
	got := ""
	if errors.As(err, &h) {
		got = h.Hint()
	}
	if got != hint {
		t.Errorf("got hint  %s\nwant      %s", got, hint)
	}
}

func TestPLOnly(t *testing.T) {
	t.Parallel()
	dsn := testpg.Shared(t).NewDB(t)
	for _, name := range extension.Names() {
		want := install.Result{Name: name, Version: extension.Version(name)}
		if got := mustInstall(t, dsn, name, plOnly); got != want {
			t.Errorf("first install gave %+v, want %+v", got, want)
		}
		want.Already = true
		if got := mustInstall(t, dsn, name, plOnly); got != want {
			t.Errorf("second install gave %+v, want %+v", got, want)
		}
		if got := testpg.Value[string](t, dsn, "select "+name+".version()"); got != want.Version {
			t.Errorf("%s.version() = %q, want %q", name, got, want.Version)
		}
	}
	if n := testpg.Value[int](t, dsn, "select count(*) from pg_extension where extname <> 'plpgsql'"); n != 0 {
		t.Errorf("%d extensions", n)
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	dsn := testpg.Shared(t).NewDB(t)
	res := mustInstall(t, dsn, "pgq", install.Options{PLOnly: true, DryRun: true})
	if res.Already {
		t.Error("dry run says that pgq is there")
	}
	if testpg.Value[bool](t, dsn, "select exists (select from pg_namespace where nspname = 'pgq')") {
		t.Error("the dry run left a schema")
	}
}

// TestRights installs as roles that lack something. Roles belong to the server,
// hence the cluster of its own.
func TestRights(t *testing.T) {
	t.Parallel()
	c := testpg.Start(t)
	testpg.Exec(t, c.DSN("postgres"), "create role bob login; create role alice login createrole; create role eve login")
	as := func(dsn, role string) string { return strings.Replace(dsn, "user=postgres", "user="+role, 1) }
	ctx := t.Context()

	plain := c.NewDB(t, testpg.Name("shop"))
	_, err := install.Install(ctx, testpg.Connect(t, as(plain, "bob")), "pgq", plOnly)
	const hint = `grant create on database "shop" to "bob"; create role pgq_reader; create role pgq_writer; create role pgq_admin in role pgq_reader, pgq_writer;`
	wantError(t, err, `role "bob" cannot install pgq: it lacks CREATE on database "shop"; and CREATEROLE, needed to make pgq_reader, pgq_writer, pgq_admin`,
		"Have an administrator run: "+hint)

	// An owner with CREATEROLE needs nothing else.
	owned := c.NewDB(t, testpg.Owner("alice"))
	for _, name := range extension.Names() {
		mustInstall(t, as(owned, "alice"), name, install.Options{})
	}
	if got := testpg.Value[int](t, as(owned, "alice"), "select pgq.create_queue('q')"); got != 1 {
		t.Errorf("create_queue = %d, want 1", got)
	}

	// An owner without CREATEROLE: the roles are there now.
	owned = c.NewDB(t, testpg.Owner("eve"))
	mustInstall(t, as(owned, "eve"), "pgq", install.Options{})
}

// TestHintCures runs what the hint says and then demands success.
func TestHintCures(t *testing.T) {
	t.Parallel()
	c := testpg.Start(t)
	testpg.Exec(t, c.DSN("postgres"), "create role bob login")
	dsn := c.NewDB(t)
	bob := strings.Replace(dsn, "user=postgres", "user=bob", 1)
	_, err := install.Install(t.Context(), testpg.Connect(t, bob), "pgq", plOnly)
	var h interface{ Hint() string }
	if !errors.As(err, &h) {
		t.Fatalf("error without hint: %v", err)
	}
	_, sql, _ := strings.Cut(h.Hint(), ": ")
	testpg.Exec(t, dsn, sql)
	mustInstall(t, bob, "pgq", plOnly)
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	const other = "Rename that schema or choose another database."
	tests := []struct {
		name, setup, ext, message, hint string
	}{
		{"unknown extension", "", "pgqq", `unknown extension "pgqq": choose from ` + strings.Join(extension.Names(), ", "), ""},
		{"something else", "create schema pgq; create table pgq.queue (a int)", "pgq",
			"schema pgq exists and holds something else", other},
		{"newer", "create schema pgq; create function pgq.version() returns text language sql as $$select '4.1'::text$$", "pgq",
			"pgq 4.1 is installed, which is newer than 4.0", ""},
		{"required one is missing", "", "pgq_coop",
			"pgq_coop requires pgq 4.0: it is not installed", "First run: install pgq."},
		{"required one is old", "create schema pgq; create function pgq.version() returns text language sql as $$select '3.5'::text$$", "pgq_coop",
			"pgq_coop requires pgq 4.0: installed is 3.5", "First run: install pgq."},
		{"required one tells no version", "create schema pgq; create function pgq.version() returns text language sql as $$select null::text$$", "pgq_coop",
			"pgq_coop requires pgq 4.0: installed is one that tells no version", "First run: install pgq."},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			dsn := testpg.Shared(t).NewDB(t)
			if tt.setup != "" {
				testpg.Exec(t, dsn, tt.setup)
			}
			_, err := install.Install(t.Context(), testpg.Connect(t, dsn), tt.ext, plOnly)
			var pe *pgconn.PgError
			if errors.As(err, &pe) && pe.Hint == tt.hint {
				tt.hint = "" // the server's own
			}
			wantError(t, err, tt.message, tt.hint)
		})
	}
}

// TestCreateExtension uses a server that has our files.
func TestCreateExtension(t *testing.T) {
	t.Parallel()
	tree := testpg.Tree(t)
	c := testpg.Start(t, testpg.Bin(tree.Bin))
	dsn := c.NewDB(t)
	for _, name := range extension.Names() {
		want := install.Result{Name: name, Version: extension.Version(name), Extension: true}
		if got := mustInstall(t, dsn, name, install.Options{}); got != want {
			t.Errorf("install gave %+v, want %+v", got, want)
		}
		want.Already = true
		if got := mustInstall(t, dsn, name, install.Options{}); got != want {
			t.Errorf("second install gave %+v, want %+v", got, want)
		}
	}

	// PL/pgSQL on demand, and then what requires it follows.
	dsn = c.NewDB(t)
	for _, opts := range []struct {
		ext  string
		opts install.Options
	}{{"pgq", plOnly}, {"pgq_coop", install.Options{}}} {
		if res := mustInstall(t, dsn, opts.ext, opts.opts); res.Extension {
			t.Errorf("%s became an extension", opts.ext)
		}
	}

	testpg.Exec(t, dsn, "create role bob login createrole")
	owned := c.NewDB(t, testpg.Owner("bob"))
	bob := strings.Replace(owned, "user=postgres", "user=bob", 1)
	_, err := install.Install(t.Context(), testpg.Connect(t, bob), "pgq", install.Options{})
	wantError(t, err, "create extension pgq needs a superuser", "Connect as a superuser, or run: install pgq using plpgsql.")

	testpg.Exec(t, owned, "create extension pgq; update pg_extension set extversion = '4.1' where extname = 'pgq'")
	_, err = install.Install(t.Context(), testpg.Connect(t, owned), "pgq", install.Options{})
	wantError(t, err, "pgq 4.1 is installed, which is newer than 4.0", "")
}

// TestShownSQL runs through psql what SQL shows, and demands the same objects
// as after Install.
func TestShownSQL(t *testing.T) {
	t.Parallel()
	c := testpg.Shared(t)
	c.NewDB(t, testpg.Name("shown"))
	installed := c.NewDB(t)
	for _, name := range extension.Names() {
		sql, err := install.SQL(t.Context(), nil, name, plOnly)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "x.sql")
		if err := os.WriteFile(file, []byte(sql), 0o644); err != nil {
			t.Fatal(err)
		}
		c.Psql(t, "shown", "-f", file)
		mustInstall(t, installed, name, plOnly)
		// Without PLOnly it is the same, where the server does not have our files.
		got, err := install.SQL(t.Context(), testpg.Connect(t, c.DSN("postgres")), name, install.Options{})
		if err != nil || got != sql {
			t.Errorf("%s: the script differs without PLOnly (error %v)", name, err)
		}
	}
	const objects = `select coalesce(string_agg(what, E'\n' order by what), '')
		from (select oid::regprocedure::text as what from pg_proc where pronamespace::regnamespace::text ~ '^pgq'
		      union all select oid::regclass::text from pg_class where relnamespace::regnamespace::text ~ '^pgq') x`
	a, b := testpg.Value[string](t, c.DSN("shown"), objects), testpg.Value[string](t, installed, objects)
	if a != b || a == "" {
		t.Errorf("objects differ:\n%s\n--- and\n%s", a, b)
	}
}

// TestConcurrent installs from many sessions at once, in one database and in
// several: one does it, the others find it done, and the roles are made once.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	c := testpg.Start(t)
	var dsns []string
	for range 3 {
		dsn := c.NewDB(t)
		dsns = append(dsns, dsn, dsn)
	}
	var wg sync.WaitGroup
	results := make([]string, len(dsns))
	for i, dsn := range dsns {
		wg.Go(func() {
			conn, err := db.Connect(context.Background(), dsn, "test")
			if err != nil {
				results[i] = err.Error()
				return
			}
			defer conn.Close(context.Background())
			res, err := install.Install(context.Background(), conn, "pgq", plOnly)
			results[i] = fmt.Sprintf("already %v, error %v", res.Already, err)
		})
	}
	wg.Wait()
	for i := 0; i < len(results); i += 2 {
		pair := []string{results[i], results[i+1]}
		slices.Sort(pair)
		if want := []string{"already false, error <nil>", "already true, error <nil>"}; !slices.Equal(pair, want) {
			t.Errorf("got %q, want %q", pair, want)
		}
	}
}
