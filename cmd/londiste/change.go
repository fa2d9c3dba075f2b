package main

import (
	"context"
	"strings"

	"skytools/lib/cascade"
	"skytools/lib/cli"
)

func pause(ctx context.Context, e *env) error {
	return e.carryOut(ctx, cascade.Pause{
		Node: e.Verbs.Node, Consumer: e.Verbs.Consumer, Resume: e.verb.name == "resume", Wait: e.Verbs.Wait.Duration(),
	})
}

func changeProvider(ctx context.Context, e *env) error {
	if e.Verbs.Provider == "" {
		return cli.Usagef("change-provider needs --provider=NODE")
	}
	return e.carryOut(ctx, cascade.ChangeProvider{
		Node: e.Verbs.Node, Consumer: e.Verbs.Consumer, Provider: e.Verbs.Provider, Wait: e.Verbs.Wait.Duration(),
	})
}

func takeover(ctx context.Context, e *env) error {
	if e.Verbs.DeadRoot && e.Verbs.DeadBranch {
		return cli.Usagef("--dead-root and --dead-branch exclude each other")
	}
	return e.carryOut(ctx, cascade.Takeover{
		Old: e.args[0], Node: e.Verbs.Node, All: e.Verbs.All, DeadRoot: e.Verbs.DeadRoot, DeadBranch: e.Verbs.DeadBranch,
		Cancel: e.Verbs.Cancel, Wait: e.Verbs.Wait.Duration(), Outage: e.Verbs.Outage.Duration(),
	})
}

func resurrect(ctx context.Context, e *env) error { return e.carryOut(ctx, cascade.Resurrect{}) }

func dropNode(ctx context.Context, e *env) error {
	return e.carryOut(ctx, cascade.Drop{Name: e.args[0]})
}

func tag(ctx context.Context, e *env) error {
	return e.carryOut(ctx, cascade.Tag{Nodes: e.args, Dead: strings.HasSuffix(e.verb.name, "dead")})
}
