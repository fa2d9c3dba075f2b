// Package install puts the extensions of package extension into a database
// through a connection: by CREATE EXTENSION where the server has our files,
// else by running the embedded PL/pgSQL flavour. Either way it is one
// transaction under an advisory lock.
//
// What is there already, of an older version or of the other flavour, is
// upgraded in place: an extension by ALTER EXTENSION, a schema that belongs to
// no extension by the embedded files, or by making an extension of it.
package install

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"skytools/extension"
)

// lockKey is the advisory lock of all installs in one database: "skytools" in
// ASCII.
const lockKey = 0x736b79746f6f6c73

// roles are made by the scripts where they are missing. They belong to the
// whole server.
var roles = []string{"pgq_reader", "pgq_writer", "pgq_admin"}

// Options say how to install.
type Options struct {
	PLOnly bool // never CREATE EXTENSION, always the PL/pgSQL flavour
	DryRun bool // roll back at the end
}

// Result tells what Install did.
type Result struct {
	Name      string
	Version   string
	Already   bool // that version was there before, and nothing was done
	Extension bool // it is an extension in the sense of the server
}

// Install installs one extension. What it requires must be there.
func Install(ctx context.Context, conn *pgx.Conn, name string, opts Options) (Result, error) {
	if err := checkName(name); err != nil {
		return Result{}, err
	}
	// Roles are made for the whole server while the lock is for one database:
	// installs in two databases can meet there. All is rolled back, so that
	// the loser only has to start again.
	for attempt := 1; ; attempt++ {
		res, err := installOnce(ctx, conn, name, opts)
		if err == nil || attempt == 3 || !isRoleRace(err) {
			return res, err
		}
	}
}

func checkName(name string) error {
	if extension.Exists(name) {
		return nil
	}
	return fmt.Errorf("unknown extension %q: choose from %s", name, strings.Join(extension.Names(), ", "))
}

// isRoleRace tells whether err can come from another session that made the
// same role.
func isRoleRace(err error) bool {
	var pe *pgconn.PgError
	if !errors.As(err, &pe) {
		return false
	}
	return pe.Code == "42710" || pe.Code == "23505" && pe.SchemaName == "pg_catalog" ||
		pe.Code == "XX000" && strings.HasPrefix(pe.Message, "tuple concurrently")
}

func installOnce(ctx context.Context, conn *pgx.Conn, name string, opts Options) (Result, error) {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return Result{}, err
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	if _, err := tx.Exec(ctx, lockSQL); err != nil {
		return Result{}, err
	}
	there, err := look(ctx, tx, name)
	if err != nil {
		return Result{}, err
	}
	res := Result{Name: name, Version: extension.Version(name), Extension: there.extension}
	how, err := plan(ctx, tx, name, there, opts)
	if err != nil {
		return Result{}, err
	}
	if how == nothing {
		res.Already = true
		return res, nil
	}
	if err := checkRequired(ctx, tx, name); err != nil {
		return Result{}, err
	}
	if res.Extension = how == byExtension; res.Extension {
		for _, sql := range there.extensionSQL(name) {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return res, err
			}
		}
	} else {
		if err := checkRights(ctx, tx, name); err != nil {
			return Result{}, err
		}
		if err := runScript(ctx, tx, name); err != nil {
			return res, err
		}
	}
	if opts.DryRun {
		return res, nil
	}
	return res, tx.Commit(ctx)
}

// way is how to get from what is there to what is wanted.
type way int

const (
	nothing     way = iota // it is there
	byExtension            // CREATE or ALTER EXTENSION
	byScript               // the embedded PL/pgSQL flavour
)

// plan decides what there is to do.
func plan(ctx context.Context, tx pgx.Tx, name string, there found, opts Options) (way, error) {
	want := extension.Version(name)
	if newer(there.version, want) {
		return nothing, fmt.Errorf("%s %s is installed, which is newer than %s", name, there.version, want)
	}
	if there.version == want && there.extension != opts.PLOnly {
		return nothing, nil
	}
	create, err := byCreateExtension(ctx, tx, name, opts)
	switch {
	case there.version == want && !there.extension && !create:
		return nothing, nil // it cannot become an extension, and need not
	case err != nil:
		return nothing, err
	case create:
		return byExtension, nil
	case there.extension && !opts.PLOnly:
		return nothing, withHint(fmt.Errorf("%s %s is an extension, and the server has no files of %s", name, there.version, want),
			fmt.Sprintf("Install the extensions' package on the server, or run: install %s using plpgsql.", name))
	case there.extension:
		return byScript, checkDetach(ctx, tx, name)
	}
	return byScript, nil
}

// checkDetach refuses to make a plain schema of what other extensions require.
func checkDetach(ctx context.Context, tx pgx.Tx, name string) error {
	var other *string
	err := tx.QueryRow(ctx, `
		select min(o.extname)
		  from pg_catalog.pg_extension e
		  join pg_catalog.pg_depend d on d.refclassid = 'pg_catalog.pg_extension'::regclass and d.refobjid = e.oid
		  join pg_catalog.pg_extension o on d.classid = 'pg_catalog.pg_extension'::regclass and d.objid = o.oid
		 where e.extname = $1`, name).Scan(&other)
	if err != nil || other == nil {
		return err
	}
	return withHint(fmt.Errorf("extension %s requires extension %s", *other, name),
		fmt.Sprintf("First run: install %s using plpgsql.", *other))
}

// hintError is an error with a way out, a full sentence that programs print as
// HINT.
type hintError struct {
	error
	hint string
}

func (e *hintError) Unwrap() error { return e.error }

// Hint returns the sentence.
func (e *hintError) Hint() string { return e.hint }

func withHint(err error, hint string) error { return &hintError{err, hint} }

// found is what a database has under an extension's name.
type found struct {
	schema    bool
	extension bool
	version   string // "" when the schema is there but does not tell
}

// look finds out what is there. It touches nothing but catalogs until it knows
// that there is a function to ask.
func look(ctx context.Context, tx pgx.Tx, name string) (found, error) {
	var f found
	var ext *string
	var fn bool
	err := tx.QueryRow(ctx, `
		select (select extversion from pg_catalog.pg_extension where extname = $1),
		       exists (select from pg_catalog.pg_namespace where nspname = $1),
		       exists (select from pg_catalog.pg_proc p
		                 join pg_catalog.pg_namespace n on n.oid = p.pronamespace
		                where n.nspname = $1 and p.proname = 'version' and p.pronargs = 0)`,
		name).Scan(&ext, &f.schema, &fn)
	if err != nil {
		return f, err
	}
	if ext != nil {
		f.extension, f.version = true, *ext
		return f, nil
	}
	if fn {
		// NULL in an unpackaged schema of upstream's.
		var v *string
		if err := tx.QueryRow(ctx, "select "+name+".version()").Scan(&v); err != nil {
			return f, err
		}
		if v != nil {
			f.version = *v
		}
	}
	return f, nil
}

// extensionSQL returns the commands that make an extension of this version of
// what is there.
func (f found) extensionSQL(name string) []string {
	update := fmt.Sprintf("alter extension %s update to '%s'", name, extension.Version(name))
	switch {
	case f.extension:
		return []string{update}
	case f.schema:
		// CREATE EXTENSION takes over nothing: first one without objects
		return []string{fmt.Sprintf("create extension %s version 'unpackaged'", name), update}
	}
	return []string{fmt.Sprintf("create extension %s version '%s'", name, extension.Version(name))}
}

// newer compares versions number by number.
func newer(a, b string) bool {
	as, bs := strings.Split(a, "."), strings.Split(b, ".")
	for i := range as {
		if i >= len(bs) {
			return true
		}
		x, _ := strconv.Atoi(as[i])
		y, _ := strconv.Atoi(bs[i])
		if x != y {
			return x > y
		}
	}
	return false
}

func checkRequired(ctx context.Context, tx pgx.Tx, name string) error {
	for _, r := range extension.Requires(name) {
		f, err := look(ctx, tx, r)
		if err != nil {
			return err
		}
		want := extension.Version(r)
		if f.version != want && !(f.version != "" && newer(f.version, want)) {
			has := "it is not installed"
			if f.version != "" {
				has = "installed is " + f.version
			} else if f.schema {
				has = "installed is one that tells no version"
			}
			return withHint(fmt.Errorf("%s requires %s %s: %s", name, r, want, has), "First run: install "+r+".")
		}
	}
	return nil
}

// byCreateExtension decides between the server's files and the embedded ones.
func byCreateExtension(ctx context.Context, tx pgx.Tx, name string, opts Options) (bool, error) {
	if opts.PLOnly {
		return false, nil
	}
	var needsSuper, isSuper bool
	err := tx.QueryRow(ctx, `
		select v.superuser and not v.trusted,
		       (select rolsuper from pg_catalog.pg_roles where rolname = current_user)
		  from pg_catalog.pg_available_extension_versions v
		 where v.name = $1 and v.version = $2`,
		name, extension.Version(name)).Scan(&needsSuper, &isSuper)
	if errors.Is(err, pgx.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// The server accepts only an extension as one that is required.
	for _, r := range extension.Requires(name) {
		if f, err := look(ctx, tx, r); err != nil || !f.extension {
			return false, err
		}
	}
	if needsSuper && !isSuper {
		return false, withHint(fmt.Errorf("create extension %s needs a superuser", name),
			fmt.Sprintf("Connect as a superuser, or run: install %s using plpgsql.", name))
	}
	return true, nil
}

// checkRights names every right that the script would miss.
func checkRights(ctx context.Context, tx pgx.Tx, name string) error {
	var role, dbname string
	var create, createrole bool
	var missing []string
	err := tx.QueryRow(ctx, `
		select current_user, current_database(),
		       pg_catalog.has_database_privilege(current_database(), 'CREATE'),
		       (select rolsuper or rolcreaterole from pg_catalog.pg_roles where rolname = current_user),
		       array(select r from unnest($1::text[]) with ordinality as u (r, n)
		              where r not in (select rolname from pg_catalog.pg_roles) order by n)`,
		roles).Scan(&role, &dbname, &create, &createrole, &missing)
	if err != nil {
		return err
	}
	var lacks, cure []string
	if !create {
		lacks = append(lacks, fmt.Sprintf("CREATE on database %q", dbname))
		cure = append(cure, fmt.Sprintf("grant create on database %s to %s;",
			pgx.Identifier{dbname}.Sanitize(), pgx.Identifier{role}.Sanitize()))
	}
	if len(missing) > 0 && !createrole {
		lacks = append(lacks, "CREATEROLE, needed to make "+strings.Join(missing, ", "))
		for _, r := range missing {
			if r == "pgq_admin" {
				r += " in role pgq_reader, pgq_writer"
			}
			cure = append(cure, "create role "+r+";")
		}
	}
	if len(lacks) == 0 {
		return nil
	}
	return withHint(fmt.Errorf("role %q cannot install %s: it lacks %s", role, name, strings.Join(lacks, "; and ")),
		"Have an administrator run: "+strings.Join(cure, " "))
}
