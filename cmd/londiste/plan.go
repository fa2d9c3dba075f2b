package main

import (
	"context"
	"fmt"
	"time"

	"skytools/lib/cascade"
	"skytools/lib/cli"
)

// planner is a change that can be planned.
type planner interface {
	Plan(ctx context.Context, c cascade.Config) (*cascade.Plan, error)
}

// carryOut plans a change and does it, or with --dry-run only shows it.
func (e *env) carryOut(ctx context.Context, change planner) error {
	p, err := change.Plan(ctx, e.set)
	if err != nil {
		return err
	}
	if e.Verbs.DryRun {
		if p.Close != nil {
			defer p.Close()
		}
		return p.Print(e.stdout)
	}
	for _, n := range p.Notes {
		fmt.Fprintln(e.stderr, n)
	}
	if len(p.Steps) == 0 {
		if p.Close != nil {
			p.Close()
		}
		if p.Notes == nil && !e.Switches.Quiet {
			fmt.Fprintln(e.stderr, "nothing to do: it is so already")
		}
		return nil
	}
	err = p.Run(ctx, e.progress)
	if hinted, ok := err.(interface{ Hint() string }); ok && hinted.Hint() != "" {
		return cli.WithHint(err, hinted.Hint())
	}
	return err
}

// progress tells of each step as it ends.
func (e *env) progress(p cascade.Progress) {
	if e.Switches.Quiet && p.Err == nil {
		return
	}
	line := fmt.Sprintf("%d/%d %s", p.Number, p.Of, p.Step)
	switch p.Outcome {
	case cascade.StepStarted:
		if !cli.IsTerminal(e.stderr) {
			return
		}
		fmt.Fprintf(e.stderr, "%s ...\n", line)
		return
	case cascade.StepDone:
		if p.Said != "" {
			line += ": " + p.Said
		}
	default:
		line += ": " + string(p.Outcome)
		if p.Err != nil {
			line += ": " + p.Err.Error()
		}
	}
	fmt.Fprintf(e.stderr, "%s (%s)\n", line, p.Duration.Round(time.Millisecond))
}
