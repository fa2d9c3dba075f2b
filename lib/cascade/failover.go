package cascade

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"skytools/lib/pgq"
)

// silentWait is how long a failover waits for workers that read from what is
// lost: they may be lost, too, and nobody can write meanwhile.
const silentWait = 10 * time.Second

// planDeadRoot plans the takeover of a root that is lost. The set goes on from
// the most advanced branch that answers: what is further on is only at nodes
// that do not answer, and is found out about when they come back.
func (t *takeover) planDeadRoot(ctx context.Context) error {
	t.plan.Title = fmt.Sprintf("node %s takes over from the dead root %s of queue %s", t.taker.Name, t.old.Name, t.c.Queue)
	for _, n := range t.set.Nodes {
		if n.Alive() && n.Info.Type == pgq.RootNode && n != t.taker {
			return fmt.Errorf("the set has a living root: %s", n.Name)
		}
	}
	promoted := t.taker.Info.Type == pgq.RootNode
	if _, found := t.taker.Readers[t.old.Name+gravestone]; promoted && !found {
		return fmt.Errorf("node %s is the root, but did not take over from %s", t.taker.Name, t.old.Name)
	}
	if err := t.answers(ctx); err != nil {
		return err
	}
	t.plan.Open = func(ctx context.Context) error { return t.lock(ctx, t.taker.Name) }

	t.tagOldDead()
	orphans := t.orphans()
	if !promoted {
		best := t.mostAdvanced()
		if best.Top == nil {
			return fmt.Errorf("no node has a tick of queue %s", t.c.Queue)
		}
		t.step(t.hold(orphans), t.lostTick(best))
		if best != t.taker {
			if err := t.set.checkMove(t.taker.Name, t.taker.Info.Worker, best.Name); err != nil {
				return err
			}
			t.step(t.move(t.taker, t.taker.Info.Worker, best.Name)...)
			t.step(t.followUp(best))
		}
		t.step(t.pauseSoftly(t.taker))
	}
	t.step(t.raise())
	for _, n := range t.set.Nodes {
		if n.Alive() && n != t.taker && (n.subscriber(t.taker.Name) != nil || n == t.mostAdvanced()) {
			t.step(t.unsubscribeTaker(n))
		}
	}
	t.step(t.resume(t.taker.Name, t.c.Queue, t.taker.Info.Worker, "let its worker go on, as that of the root"))
	t.adopt(orphans)
	t.plan.Notes = append(t.plan.Notes, fmt.Sprintf("%s keeps all events from here on for node %s: when it is back, run resurrect there; if it never comes back, drop-node %s",
		t.taker.Name, t.old.Name, t.old.Name))
	return nil
}

// answers refuses to take a root for dead that answers as one.
func (t *takeover) answers(ctx context.Context) error {
	look := &Node{Name: t.old.Name, ConnString: t.old.ConnString}
	t.c.look(ctx, look)
	switch {
	case !look.Alive() || look.Info.Type != pgq.RootNode:
		return nil
	case t.taker.Info.Type == pgq.RootNode:
		return &cameBackError{t.old.Name, t.taker.Name}
	}
	return &aliveError{t.old.Name}
}

// aliveError is the answer where a root that is said to be dead answers.
type aliveError struct{ node string }

func (e *aliveError) Error() string {
	return fmt.Sprintf("node %s answers and is the root: it is not dead", e.node)
}

// Hint tells what to do.
func (e *aliveError) Hint() string {
	return "Run the takeover without --dead-root, which loses nothing, or stop the server of that node first."
}

// tagOldDead tells all nodes that answer.
func (t *takeover) tagOldDead() {
	for _, n := range t.set.Nodes {
		switch {
		case n == t.old:
		case n.Alive():
			t.step(t.tagDead(n.Name, t.old.Name))
		case n.Dead:
			t.plan.Notes = append(t.plan.Notes, fmt.Sprintf("node %s is tagged as dead and was not asked", n.Name))
		default:
			t.plan.Notes = append(t.plan.Notes, fmt.Sprintf("node %s does not answer (%v): when it is back, run change-provider for it; "+
				"that refuses if it has got further than the set has", n.Name, n.Err))
		}
	}
}

// orphans returns the living nodes whose provider is lost, or does not answer,
// without the taker.
func (t *takeover) orphans() []*Node {
	var l []*Node
	for _, n := range t.set.Nodes {
		if !n.Alive() || n == t.taker || n.Info.Type == pgq.RootNode {
			continue
		}
		p := t.set.Node(n.Info.Provider)
		switch {
		case n.Info.Provider == t.old.Name, t.DeadRoot && (p == nil || !p.Alive()),
			p == t.taker && n.Info.Paused: // an earlier run was killed
			l = append(l, n)
		}
	}
	return l
}

// mostAdvanced returns the living branch that is furthest on, the taker if it is
// among several.
func (t *takeover) mostAdvanced() *Node {
	best := t.taker
	for _, n := range t.set.Nodes {
		if n.Alive() && n.Info.Type == pgq.BranchNode && n.reached() > best.reached() {
			best = n
		}
	}
	return best
}

// reached returns the tick up to which a branch has the events.
func (n *Node) reached() int64 {
	at := deref(n.Info.LastTick)
	if n.Top != nil && n.Info.Type != pgq.RootNode {
		at = max(at, n.Top.ID)
	}
	return at
}

// names joins the names of nodes.
func names(nodes []*Node) string {
	var l []string
	for _, n := range nodes {
		l = append(l, n.Name)
	}
	return strings.Join(l, ", ")
}

// hold stops the workers that read from what is lost, all at the same time, so
// that nobody gets further while the furthest is looked for. Who does not answer
// is left alone: it is not running, or its machine is in trouble.
func (t *takeover) hold(orphans []*Node) Step {
	return Step{
		Text:  fmt.Sprintf("pause the workers of %s, so that nobody gets further meanwhile", listOrNone2(orphans)),
		Adopt: true,
		Do: func(ctx context.Context) error {
			silent := map[*Node]error{}
			deadline := time.Now().Add(min(t.wait, silentWait))
			left := func() time.Duration { return max(0, time.Until(deadline)) }
			for _, n := range orphans {
				silent[n] = t.settled(ctx, left(), n.Name, t.c.Queue, n.Info.Worker)
			}
			for _, n := range orphans {
				if err := t.setPaused(ctx, n.Name, t.c.Queue, n.Info.Worker, true); err != nil {
					silent[n] = fmt.Errorf("node %s: %w", n.Name, err)
				}
			}
			var errs []error
			for _, n := range orphans {
				if silent[n] == nil {
					silent[n] = t.accepted(ctx, left(), n.Name, t.c.Queue, n.Info.Worker, true)
				}
				errs = append(errs, silent[n])
			}
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			return warn(errors.Join(errs...))
		},
		Undo: func(ctx context.Context) error {
			var errs []error
			for _, n := range orphans {
				errs = append(errs, t.setPaused(ctx, n.Name, t.c.Queue, n.Info.Worker, false))
			}
			return errors.Join(errs...)
		},
	}
}

func listOrNone2(nodes []*Node) string {
	if len(nodes) == 0 {
		return "no other node"
	}
	return names(nodes)
}

// lostTick makes the tick that a worker was killed before it had made, and
// cannot make up, as its provider is lost: its events are there.
func (t *takeover) lostTick(n *Node) Step {
	return Step{
		Node: n.Name, Text: "make its last tick, if its worker was killed before it had",
		Do: func(ctx context.Context) error {
			return t.at(ctx, n.Name, func(ctx context.Context, client *pgq.Client) error {
				s, err := client.WorkerState(ctx, t.c.Queue)
				if err != nil || s.NodeType != pgq.BranchNode || s.CompletedTick <= deref(s.LocalTop) {
					return err
				}
				last, err := client.LastEvent(ctx, t.c.Queue)
				if err != nil {
					return err
				}
				now, err := client.Now(ctx)
				if err != nil {
					return err
				}
				return client.InsertTick(ctx, t.c.Queue, s.CompletedTick, now, last)
			})
		},
	}
}

// followUp waits until the taker has all that the most advanced node has.
func (t *takeover) followUp(best *Node) Step {
	return Step{
		Node: t.taker.Name, Text: fmt.Sprintf("wait until it has all that %s has, which is at tick %d", best.Name, best.reached()),
		Done: t.isPromoted,
		Do: func(ctx context.Context) error {
			var at, goal int64
			err := t.at(ctx, best.Name, func(ctx context.Context, client *pgq.Client) (err error) {
				goal, err = topOf(ctx, client, t.c.Queue)
				return err
			})
			if err != nil {
				return err
			}
			return t.until(ctx, t.wait, t.taker.Name, func() error {
				return fmt.Errorf("node %s is at tick %d and has not got to tick %d of %s within %s", t.taker.Name, at, goal, best.Name, t.wait)
			}, func(ctx context.Context, client *pgq.Client) (bool, error) {
				var err error
				at, err = t.reached(ctx, client)
				return err == nil && at >= goal, err
			})
		},
	}
}

// pauseSoftly pauses the taker's worker before it is promoted. If the worker
// does not run, the taker is promoted all the same: there is nothing more to
// read.
func (t *takeover) pauseSoftly(n *Node) Step {
	s := t.pause(n.Name, t.c.Queue, n.Info.Worker, "pause its worker")
	s.Do = func(ctx context.Context) error {
		if err := t.setPaused(ctx, n.Name, t.c.Queue, n.Info.Worker, true); err != nil {
			return err
		}
		return warn(t.accepted(ctx, min(t.wait, silentWait), n.Name, t.c.Queue, n.Info.Worker, true))
	}
	return s
}

// raise makes the taker the root, and keeps the place of the dead one.
func (t *takeover) raise() Step {
	return Step{
		Node: t.taker.Name, Final: true,
		Text: fmt.Sprintf("promote to root, and keep the tick from which the set goes on as consumer %s%s", t.old.Name, gravestone),
		Done: t.hasReplaced,
		Do: func(ctx context.Context) error {
			if err := t.answers(ctx); err != nil {
				return err
			}
			return t.tx(ctx, t.taker.Name, func(ctx context.Context, taker *pgq.Client) error {
				if err := taker.LockNode(ctx, t.c.Queue); err != nil {
					return err
				}
				if err := t.isFurthest(ctx, taker); err != nil {
					return err
				}
				if err := taker.PromoteBranch(ctx, t.c.Queue); err != nil {
					return err
				}
				// As an event this time, for nodes that did not answer.
				err := taker.RegisterLocation(ctx, t.c.Queue, pgq.Location{Node: t.old.Name, ConnString: t.old.ConnString, Dead: true})
				if err != nil {
					return err
				}
				_, err = taker.RegisterSubscriber(ctx, t.c.Queue, t.old.Name, t.old.Name+gravestone, &t.tick)
				return err
			})
		},
		Said: func() string { return fmt.Sprintf("the set goes on from tick %d", t.tick) },
	}
}

// isFurthest looks again whether no branch that answers is ahead of the taker,
// which would lose events, and notes where the taker is.
func (t *takeover) isFurthest(ctx context.Context, taker *pgq.Client) error {
	var err error
	if t.tick, err = t.reached(ctx, taker); err != nil {
		return err
	}
	s, err := taker.WorkerState(ctx, t.c.Queue)
	if err != nil {
		return err
	}
	// The position may be behind the queue, never before it.
	t.tick = max(t.tick, deref(s.LocalTop))
	if s.CompletedTick > t.tick {
		return fmt.Errorf("node %s has not made tick %d yet", t.taker.Name, s.CompletedTick)
	}
	for _, n := range t.set.Nodes {
		if !n.Alive() || n == t.taker || n.Info.Type != pgq.BranchNode {
			continue
		}
		s, err := t.state(ctx, n.Name, t.c.Queue, n.Info.Worker)
		if err != nil {
			return fmt.Errorf("node %s: %w", n.Name, err)
		}
		if s.CompletedTick > t.tick {
			return fmt.Errorf("node %s has got to tick %d meanwhile, and %s is at tick %d", n.Name, s.CompletedTick, t.taker.Name, t.tick)
		}
	}
	return nil
}

// adopt moves orphans below the taker, each by itself: one that fails does not
// keep the others. Plain consumers that read from the dead node go, too. Who has
// what no branch has, a leaf as a rule, is refused, and stays where it is.
func (t *takeover) adopt(orphans []*Node) {
	for _, n := range orphans {
		t.step(t.adoption(n, n.Info.Worker))
	}
	for _, n := range t.set.Nodes {
		if !n.Alive() {
			continue
		}
		for _, c := range n.Consumers {
			if c.Consumer != n.Info.Worker && c.Provider == t.old.Name {
				t.step(t.adoption(n, c.Consumer))
			}
		}
	}
}

func (t *takeover) adoption(n *Node, consumer string) Step {
	sub := &Plan{Steps: t.move(n, consumer, t.taker.Name)}
	return Step{
		Node: n.Name, Keep: true,
		Text: fmt.Sprintf("make %s read from %s: pause, register there, change, go on", consumer, t.taker.Name),
		Do: func(ctx context.Context) error {
			err := sub.Run(ctx, nil)
			if err != nil && ctx.Err() == nil {
				// An earlier step has paused it.
				if perr := t.setPaused(ctx, n.Name, t.c.Queue, consumer, false); perr != nil {
					err = errors.Join(err, perr)
				}
			}
			return warn(err)
		},
	}
}

// planDeadBranch plans the takeover of a lost node that is not the root.
func (t *takeover) planDeadBranch() error {
	t.plan.Title = fmt.Sprintf("node %s takes over from the dead node %s of queue %s", t.taker.Name, t.old.Name, t.c.Queue)
	root, err := t.set.Root()
	if err != nil {
		return err
	}
	above := t.set.Node(t.set.providerOf(t.old.Name))
	if above == nil || !above.Alive() {
		above = root
	}
	if above == nil {
		return fmt.Errorf("no node is known to be above %s, and no root answers", t.old.Name)
	}
	t.plan.Open = func(ctx context.Context) error { return t.lock(ctx, t.taker.Name) }
	t.tagOldDead()
	if t.taker.Info.Provider == t.old.Name {
		if err := t.set.checkMove(t.taker.Name, t.taker.Info.Worker, above.Name); err != nil {
			return err
		}
		t.step(t.move(t.taker, t.taker.Info.Worker, above.Name)...)
	}
	t.adopt(t.orphans())
	if above.subscriber(t.old.Name) != nil {
		t.plan.Notes = append(t.plan.Notes, fmt.Sprintf("%s keeps all events from here on for node %s: if it never comes back, drop-node %s",
			above.Name, t.old.Name, t.old.Name))
	}
	return nil
}
