package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"skytools/lib/cascade"
	"skytools/lib/cli"
	"skytools/lib/install"
)

// create makes the local database a node: create-root, create-branch and
// create-leaf.
func create(ctx context.Context, e *env) error {
	s, v := &e.Settings, &e.Verbs
	arg := func(i int, otherwise string) string {
		if i < len(e.args) {
			return e.args[i]
		}
		return otherwise
	}
	c := cascade.Create{
		Type: strings.TrimPrefix(e.verb.name, "create-"), Name: arg(0, s.NodeName), ConnString: arg(1, s.PublicLocation),
		Worker: s.Consumer, Combined: v.Merge, NoCheck: v.NoCheck, Install: installMissing,
	}
	switch {
	case c.Name == "":
		return cli.Usagef("%s needs the node's name: as an argument, or as node_name", e.verb.name)
	case c.ConnString == "":
		return cli.Usagef("%s needs the node's public connect string: as an argument, or as public_node_location", e.verb.name)
	case c.Worker == "":
		return cli.Usagef("%s needs the name of the node's worker: job_name, or --worker", e.verb.name)
	}
	if c.Type != "root" {
		if c.Provider = firstOf(v.Provider, s.ProviderLocation); c.Provider == "" {
			return cli.Usagef("%s needs --provider=CONNSTR, or initial_provider_location", e.verb.name)
		}
	} else if v.Provider != "" {
		return cli.Usagef("a root has no provider")
	}
	if v.SyncWatermark != "" {
		for name := range strings.SplitSeq(v.SyncWatermark, ",") {
			c.SyncWatermark = append(c.SyncWatermark, strings.TrimSpace(name))
		}
	}
	if !strings.Contains(c.ConnString, "host=") && !strings.Contains(c.ConnString, "service=") && !strings.Contains(c.ConnString, "://") {
		fmt.Fprintln(e.stderr, "No host= in public connect string, bad idea")
	}
	return e.carryOut(ctx, c)
}

// installMissing puts what a node needs into a database.
func installMissing(ctx context.Context, conn *pgx.Conn) error {
	for _, name := range []string{"pgq", "pgq_node"} {
		var there bool
		if err := conn.QueryRow(ctx, "select to_regnamespace($1) is not null", name).Scan(&there); err != nil {
			return err
		}
		if there {
			continue
		}
		if _, err := install.Install(ctx, conn, name, install.Options{}); err != nil {
			return fmt.Errorf("install %s: %w", name, err)
		}
	}
	return nil
}
