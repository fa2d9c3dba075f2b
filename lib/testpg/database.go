package testpg

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"skytools/lib/db"
	"skytools/lib/install"
)

// DSN returns a connection string of the superuser for a database, by way of
// the unix socket.
func (c *Cluster) DSN(dbname string) string {
	return fmt.Sprintf("host=%s port=%d user=postgres dbname=%s", quoteDSN(c.dir), c.port, quoteDSN(dbname))
}

// TCPDSN is DSN by way of TCP; the cluster must have the option TCP.
func (c *Cluster) TCPDSN(dbname string) string {
	if !c.tcp {
		panic("testpg: cluster without option TCP")
	}
	return fmt.Sprintf("host=127.0.0.1 port=%d user=postgres dbname=%s", c.port, quoteDSN(dbname))
}

// quoteDSN quotes a value as libpq wants it, where that is needed.
func quoteDSN(s string) string {
	if s != "" && !strings.ContainsAny(s, `' \`) {
		return s
	}
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// template is a database with extensions, or the reason why there is none.
type template struct {
	name string
	err  error
}

type dbOptions struct {
	name       string
	extensions []string
	module     bool
	owner      string
}

// DBOption changes how NewDB makes a database.
type DBOption func(*dbOptions)

// Name gives the database a name; without it NewDB chooses one.
func Name(name string) DBOption { return func(o *dbOptions) { o.name = name } }

// Owner makes an existing role the database's owner.
func Owner(role string) DBOption { return func(o *dbOptions) { o.owner = role } }

// Extensions installs these extensions of ours, in that order, in the PL/pgSQL
// flavour that needs no file on the server. It is done once for a cluster and
// then copied.
func Extensions(names ...string) DBOption {
	return func(o *dbOptions) { o.extensions = append(o.extensions, names...) }
}

// CModule makes Extensions use CREATE EXTENSION, and so the flavour with the C
// module. The cluster must have our files: Bin(Tree(t).Bin).
func CModule() DBOption { return func(o *dbOptions) { o.module = true } }

// NewDB makes a database that goes away with the test and returns its
// connection string.
func (c *Cluster) NewDB(t testing.TB, opts ...DBOption) string {
	t.Helper()
	var o dbOptions
	for _, f := range opts {
		f(&o)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	name, err := c.newDB(ctx, o)
	if err != nil {
		t.Fatalf("testpg: %v", err)
	}
	t.Cleanup(func() { c.dropDB(name) })
	return c.DSN(name)
}

func (c *Cluster) newDB(ctx context.Context, o dbOptions) (string, error) {
	c.dbMu.Lock()
	defer c.dbMu.Unlock()
	template, err := c.template(ctx, o.extensions, o.module)
	if err != nil {
		return "", err
	}
	if o.name == "" {
		c.dbCount++
		o.name = fmt.Sprintf("t%d", c.dbCount)
	}
	return o.name, c.createDB(ctx, o.name, template, o.owner)
}

// template returns the database to copy for one that has these extensions.
func (c *Cluster) template(ctx context.Context, extensions []string, module bool) (string, error) {
	if len(extensions) == 0 {
		return "template0", nil
	}
	key := fmt.Sprint(extensions, module)
	tmpl, ok := c.templates[key]
	if !ok {
		tmpl.name = fmt.Sprintf("template_%d", len(c.templates)+2)
		tmpl.err = c.makeTemplate(ctx, tmpl.name, extensions, module)
		c.templates[key] = tmpl
	}
	return tmpl.name, tmpl.err
}

func (c *Cluster) makeTemplate(ctx context.Context, name string, extensions []string, module bool) error {
	if err := c.createDB(ctx, name, "template0", ""); err != nil {
		return err
	}
	conn, err := db.Connect(ctx, c.DSN(name), "testpg")
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for _, e := range extensions {
		res, err := install.Install(ctx, conn, e, install.Options{PLOnly: !module})
		if err != nil {
			return fmt.Errorf("install %s: %w", e, err)
		}
		if module && !res.Extension {
			return fmt.Errorf("install %s: the server has no files of ours", e)
		}
	}
	return nil
}

func (c *Cluster) createDB(ctx context.Context, name, template, owner string) error {
	sql := "create database " + pgx.Identifier{name}.Sanitize() + " template " + pgx.Identifier{template}.Sanitize()
	if owner != "" {
		sql += " owner " + pgx.Identifier{owner}.Sanitize()
	}
	return c.admin(ctx, sql)
}

// admin runs one statement in database postgres.
func (c *Cluster) admin(ctx context.Context, sql string) error {
	conn, err := db.Connect(ctx, c.DSN("postgres"), "testpg")
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, sql)
	return err
}

// dropDB only saves disk space, so that its failure is no matter: the server
// may be down by then.
func (c *Cluster) dropDB(name string) {
	if c.PID() == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c.admin(ctx, "drop database if exists "+pgx.Identifier{name}.Sanitize()+" with (force)")
}

// Connect opens a connection that ends with the test.
func Connect(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := db.Connect(t.Context(), dsn, "test")
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

// Exec runs SQL on a connection of its own: several statements, or one with
// arguments.
func Exec(t testing.TB, dsn, sql string, args ...any) {
	t.Helper()
	conn, err := db.Connect(t.Context(), dsn, "test")
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// Value runs a query on a connection of its own and returns its one value.
func Value[T any](t testing.TB, dsn, sql string, args ...any) T {
	t.Helper()
	var v T
	conn, err := db.Connect(t.Context(), dsn, "test")
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}
