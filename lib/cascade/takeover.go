package cascade

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"skytools/lib/db"
	"skytools/lib/pgq"
)

// Takeover gives the place of a node to another one.
type Takeover struct {
	Old  string // node that is replaced
	Node string // the taker; "" is the local node
	// All moves the other subscribers of Old to the taker, too.
	All bool
	// DeadRoot and DeadBranch mean that Old does not answer, and will not.
	DeadRoot, DeadBranch bool
	// Cancel takes back what a takeover of the root has left that was killed
	// before the taker was promoted: Old takes writes again.
	Cancel bool
	// Wait bounds each wait for a worker, and for lag to shrink, while writes
	// are possible; 0 is DefaultWait.
	Wait time.Duration
	// Outage is how long writes may stay disabled before the takeover is taken
	// back; 0 is DefaultOutage.
	Outage time.Duration
}

// DefaultOutage is how long a planned takeover tries while nobody can write.
const DefaultOutage = 10 * time.Second

// Plan checks the takeover and plans it. A plan without steps means that it has
// happened already.
func (o Takeover) Plan(ctx context.Context, c Config) (*Plan, error) {
	if o.DeadRoot && o.DeadBranch {
		return nil, errors.New("a node is either a dead root or a dead branch")
	}
	if o.DeadRoot || o.DeadBranch {
		c.Dead = append(slices.Clone(c.Dead), o.Old)
	}
	set, err := LoadSet(ctx, c)
	if err != nil {
		return nil, err
	}
	if o.Node == "" {
		o.Node = set.Local
	}
	if o.Outage <= 0 {
		o.Outage = DefaultOutage
	}
	old := set.Node(o.Old)
	switch {
	case old == nil:
		return nil, fmt.Errorf("unknown node: %s", o.Old)
	case o.Old == o.Node:
		return nil, fmt.Errorf("node %s cannot take over from itself", o.Old)
	}
	taker, err := set.living(o.Node)
	if err != nil {
		return nil, err
	}
	if taker.Info.Type == pgq.LeafNode {
		return nil, fmt.Errorf("node %s is a leaf, which can have no subscribers", taker.Name)
	}
	t := &takeover{Takeover: o, hands: newHands(c, set, o.Wait), old: old, taker: taker, plan: &Plan{}}
	t.plan.Close = t.close
	switch {
	case o.DeadRoot:
		err = t.planDeadRoot(ctx)
	case o.DeadBranch:
		err = t.planDeadBranch()
	case !old.Alive():
		_, err = set.living(old.Name)
		err = &deadError{err, old.Name}
	case o.Cancel:
		err = t.planCancel(ctx)
	case old.Info.Type == pgq.RootNode || taker.Info.Type == pgq.RootNode && old.Info.Provider == taker.Name:
		err = t.planRoot(ctx)
	default:
		err = t.planBranch()
	}
	if err != nil {
		t.close()
		return nil, err
	}
	return t.plan, nil
}

// deadError is the answer where the old node does not answer.
type deadError struct {
	error
	node string
}

func (e *deadError) Unwrap() error { return e.error }

// Hint tells what to do.
func (e *deadError) Hint() string {
	return fmt.Sprintf("If node %s is lost, say so with --dead-root or --dead-branch.", e.node)
}

// cameBackError is the answer where the old node is a root that was lost, and
// came back.
type cameBackError struct{ old, taker string }

func (e *cameBackError) Error() string {
	return fmt.Sprintf("node %s was taken for dead, and the set went on with %s as its root", e.old, e.taker)
}

// Hint tells what to do.
func (e *cameBackError) Hint() string {
	return fmt.Sprintf("Run resurrect at node %s to make it a branch again.", e.old)
}

// takeover is one that is being planned or run.
type takeover struct {
	Takeover
	*hands
	old, taker *Node
	plan       *Plan
	parts      []part

	tick     int64     // the last one of the old root
	deadline time.Time // of the outage
	tried    bool      // the taker may have been promoted
}

// part is a queue that merges into the one that is taken over, with its worker
// in the database of the old root.
type part struct{ queue, worker string }

func (t *takeover) step(s ...Step) { t.plan.Steps = append(t.plan.Steps, s...) }

// left is how much of the outage is left.
func (t *takeover) left() time.Duration { return max(time.Second, time.Until(t.deadline)) }

// planRoot plans the planned takeover from a living root, in the order of the
// contract. DESIGN.md argues that there are never two roots that take writes.
func (t *takeover) planRoot(ctx context.Context) error {
	queue := t.c.Queue
	t.plan.Title = fmt.Sprintf("node %s takes over from root %s of queue %s", t.taker.Name, t.old.Name, queue)
	promoted := t.taker.Info.Type == pgq.RootNode
	if promoted && t.old.Info.Type == pgq.BranchNode && !t.old.consumer(t.old.Info.Worker).Paused && t.allMoved() {
		return nil // all has happened
	}
	if err := t.checkRoots(promoted); err != nil {
		return err
	}
	if err := t.findParts(ctx); err != nil {
		return err
	}
	t.plan.Open = func(ctx context.Context) error {
		names := []string{t.old.Name, t.taker.Name}
		slices.Sort(names)
		return t.lock(ctx, names...)
	}
	if t.All && !promoted {
		t.moveSubscribers()
	}
	former := t.taker.Info.Provider
	if !promoted {
		if t.taker.consumer(t.taker.Info.Worker).Paused {
			t.step(t.resume(t.taker.Name, queue, t.taker.Info.Worker, "let its worker go on, so that it can catch up"))
		}
		for _, p := range t.parts {
			t.step(t.pausePart(p), t.equalParts(p))
		}
		for _, name := range t.set.pathTo(t.taker.Name, t.old.Name) {
			if name != t.old.Name {
				t.step(t.answering(t.set.Node(name)))
			}
		}
		t.step(
			t.pause(t.old.Name, queue, t.old.Info.Worker, "pause its worker, and wait until it stands"),
			t.closeUp(), t.disable(), t.lastTick(), t.catchUp(),
			t.pause(t.taker.Name, queue, t.taker.Info.Worker, "pause its worker, and wait until it stands"),
		)
	}
	t.step(t.promote())
	for _, n := range t.set.Nodes {
		if n.Name != t.taker.Name && (n.Name == former || n.Alive() && n.subscriber(t.taker.Name) != nil) {
			t.step(t.unsubscribeTaker(n))
		}
	}
	t.step(t.resume(t.taker.Name, queue, t.taker.Info.Worker, "let its worker go on, as that of the root"),
		t.demote(),
		t.resume(t.old.Name, queue, t.old.Info.Worker, fmt.Sprintf("let its worker go on, which reads from %s now", t.taker.Name)))
	t.resumeParts()
	if t.All && promoted {
		t.moveSubscribers()
	}
	return nil
}

func listOrNone(l []string) string {
	if len(l) == 0 {
		return "no queues"
	}
	return strings.Join(l, ", ")
}

// allMoved tells whether --all has nothing left to do.
func (t *takeover) allMoved() bool {
	return !t.All || len(t.otherSubscribers()) == 0
}

func (t *takeover) otherSubscribers() []*Node {
	var l []*Node
	for _, n := range t.set.Below(t.old.Name) {
		if n != t.taker {
			l = append(l, n)
		}
	}
	return l
}

// moveSubscribers moves the other subscribers of the old node to the taker.
func (t *takeover) moveSubscribers() {
	for _, n := range t.otherSubscribers() {
		if err := t.set.checkMove(n.Name, n.Info.Worker, t.taker.Name); err != nil {
			t.plan.Notes = append(t.plan.Notes, fmt.Sprintf("node %s stays where it is: %v", n.Name, err))
			continue
		}
		t.step(t.move(n, n.Info.Worker, t.taker.Name)...)
	}
	for _, n := range t.set.Nodes {
		if !n.Alive() && n != t.old && t.set.providerOf(n.Name) == t.old.Name {
			t.plan.Notes = append(t.plan.Notes, fmt.Sprintf("node %s is away and stays a subscriber of %s: change its provider when it is back", n.Name, t.old.Name))
		}
	}
}

// checkRoots refuses a set with a root that is neither of the two nodes.
func (t *takeover) checkRoots(promoted bool) error {
	for _, n := range t.set.Nodes {
		if n.Alive() && n.Info.Type == pgq.RootNode && n != t.old && n != t.taker {
			return fmt.Errorf("node %s is a root, too", n.Name)
		}
	}
	if _, found := t.taker.Readers[t.old.Name+gravestone]; promoted && found {
		return &cameBackError{t.old.Name, t.taker.Name}
	}
	if promoted {
		return nil
	}
	path := t.set.pathTo(t.taker.Name, t.old.Name)
	if path == nil {
		return fmt.Errorf("node %s does not read from %s, not even through others", t.taker.Name, t.old.Name)
	}
	// Ticks and events come to the taker by these workers: all have to be there.
	for _, name := range path[:len(path)-1] {
		n, err := t.set.living(name)
		if err != nil {
			return err
		}
		if w := n.consumer(n.Info.Worker); w.Error != nil {
			return fmt.Errorf("the worker of node %s has an error: %s", name, *w.Error)
		} else if w.Paused && n != t.taker {
			return fmt.Errorf("the worker of node %s is paused", name)
		}
	}
	if t.old.Top == nil {
		return fmt.Errorf("queue %s has no ticks at node %s", t.c.Queue, t.old.Name)
	}
	return nil
}

// findParts asks for the queues that merge into this one, and for their workers
// in the database of the old root.
func (t *takeover) findParts(ctx context.Context) error {
	if !slices.Equal(t.old.Info.TargetFor, t.taker.Info.TargetFor) {
		return fmt.Errorf("inconsistent targets: into the queue at %s merge %s, at %s %s", t.old.Name, listOrNone(t.old.Info.TargetFor),
			t.taker.Name, listOrNone(t.taker.Info.TargetFor))
	}
	for _, queue := range t.old.Info.TargetFor {
		err := t.at(ctx, t.old.Name, func(ctx context.Context, client *pgq.Client) error {
			i, err := client.NodeInfo(ctx, queue)
			if err == nil && i == nil {
				err = ErrNoNode
			}
			if err == nil {
				t.parts = append(t.parts, part{queue, i.Worker})
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *takeover) resumeParts() {
	for _, p := range t.parts {
		t.step(t.resume(t.old.Name, p.queue, p.worker, fmt.Sprintf("let the worker of %s go on", p.queue)))
	}
}

// pausePart pauses the worker that merges a part queue into this one.
func (t *takeover) pausePart(p part) Step {
	return t.pause(t.old.Name, p.queue, p.worker, fmt.Sprintf("pause the worker that merges %s, and wait until it stands", p.queue))
}

// equalParts waits until the taker knows of a part queue what the old root has
// merged: it goes on from there.
func (t *takeover) equalParts(p part) Step {
	return Step{
		Node: t.taker.Name, Text: fmt.Sprintf("wait until it has all of %s that was merged", p.queue),
		Done: t.isPromoted,
		Do: func(ctx context.Context) error {
			old, err := t.state(ctx, t.old.Name, p.queue, p.worker)
			if err != nil {
				return err
			}
			var at int64
			return refused(t.until(ctx, t.wait, t.taker.Name, func() error {
				return fmt.Errorf("node %s has %s up to tick %d, but %s has merged it up to tick %d", t.taker.Name, p.queue, at, t.old.Name, old.CompletedTick)
			}, func(ctx context.Context, client *pgq.Client) (bool, error) {
				s, err := client.WorkerState(ctx, p.queue)
				if err == nil {
					at = s.CompletedTick
				}
				return err == nil && at == old.CompletedTick, err
			}))
		},
	}
}

// answering waits until a worker has seen its state once more: without workers
// between the two nodes the last tick would not get to the taker.
func (t *takeover) answering(n *Node) Step {
	return Step{
		Node: n.Name, Text: "see that its worker is running",
		Do: func(ctx context.Context) error {
			err := t.at(ctx, n.Name, func(ctx context.Context, client *pgq.Client) error {
				return client.SetConsumerUpToDate(ctx, t.c.Queue, n.Info.Worker, false)
			})
			if err != nil {
				return refused(err)
			}
			t.wake(ctx, n.Name, t.c.Queue)
			return refused(t.accepted(ctx, t.wait, n.Name, t.c.Queue, n.Info.Worker, false))
		},
	}
}

// What may be left to do when writes are disabled.
const (
	maxFresh  = 20_000          // events without a tick
	longWrite = 2 * time.Second // age of a transaction that has written
)

// closeUp waits until the taker has nearly all, so that writes are disabled
// for a moment only.
func (t *takeover) closeUp() Step {
	return Step{
		Node: t.taker.Name, Text: fmt.Sprintf("wait until it is within a tick or two of %s", t.old.Name),
		Done: t.isPromoted,
		Do: func(ctx context.Context) error {
			var at, behind, fresh int64
			var writer, trouble string
			return refused(t.until(ctx, t.wait, t.taker.Name, func() error {
				switch {
				case writer != "":
					return fmt.Errorf("%s has written to the queue and keeps its transaction open: it would make all writers wait", writer)
				case behind > 2:
					return fmt.Errorf("node %s is at tick %d, %d ticks behind %s, after %s%s", t.taker.Name, at, behind, t.old.Name, t.wait, trouble)
				}
				return fmt.Errorf("about %d events of %s have no tick after %s: is the ticker running?", fresh, t.old.Name, t.wait)
			}, func(ctx context.Context, client *pgq.Client) (bool, error) {
				s, err := client.WorkerState(ctx, t.c.Queue)
				if err != nil {
					return false, err
				}
				if trouble = ""; s.Error != nil {
					trouble = "; its worker has an error: " + *s.Error
				}
				at = reached(s)
				err = t.at(ctx, t.old.Name, func(ctx context.Context, client *pgq.Client) error {
					top, err := topOf(ctx, client, t.c.Queue)
					if err != nil {
						return err
					}
					behind = top - at
					waiting, err := client.QueueInfo(ctx, t.c.Queue)
					if err != nil {
						return err
					}
					fresh = 0
					if len(waiting) > 0 {
						fresh = deref(waiting[0].NewEvents)
					}
					writer, err = client.LongWriter(ctx, t.c.Queue, longWrite)
					return err
				})
				return err == nil && behind <= 2 && fresh <= maxFresh && writer == "", err
			}))
		},
	}
}

// reached returns the tick up to which the taker's queue is complete: its worker
// commits the events first, and makes the tick then.
func (t *takeover) reached(ctx context.Context, client *pgq.Client) (int64, error) {
	s, err := client.WorkerState(ctx, t.c.Queue)
	if err != nil {
		return 0, err
	}
	return reached(s), nil
}

func reached(s *pgq.WorkerState) int64 { return min(s.CompletedTick, deref(s.LocalTop)) }

// isPromoted tells whether the taker is the root.
func (t *takeover) isPromoted(ctx context.Context) (bool, error) {
	i, err := t.info(ctx, t.taker.Name)
	return err == nil && i.Type == pgq.RootNode, err
}

// disabled tells whether the old root takes no writes.
func (t *takeover) disabled(ctx context.Context) (there bool, err error) {
	err = t.at(ctx, t.old.Name, func(ctx context.Context, client *pgq.Client) (err error) {
		there, err = client.WritesDisabled(ctx, t.c.Queue)
		return err
	})
	return there, err
}

// disable is the first step of the demotion. From here on nobody can write.
func (t *takeover) disable() Step {
	return Step{
		Node: t.old.Name, Text: "demote, step 1: disable writes; the outage begins", Adopt: true,
		Done: func(ctx context.Context) (bool, error) {
			t.deadline = time.Now().Add(t.Outage)
			return t.disabled(ctx)
		},
		Do: func(ctx context.Context) error {
			return t.at(ctx, t.old.Name, func(ctx context.Context, client *pgq.Client) error {
				_, err := client.DemoteRoot(ctx, t.c.Queue, 1, t.taker.Name)
				return err
			})
		},
		Undo: t.enable,
	}
}

// enable lets the old root take writes again. While it does, the taker's row is
// locked, so that a promotion that is under way, even one that a killed
// administrator left, has ended before the look at it, and none begins.
func (t *takeover) enable(ctx context.Context) error {
	enable := func(ctx context.Context, taker *pgq.Client) error {
		if taker != nil {
			if err := taker.LockNode(ctx, t.c.Queue); err != nil {
				return err
			}
			i, err := taker.NodeInfo(ctx, t.c.Queue)
			if err != nil {
				return err
			}
			if i != nil && i.Type == pgq.RootNode {
				return fmt.Errorf("node %s is the root: run the takeover again to finish it", t.taker.Name)
			}
		}
		return t.tx(ctx, t.old.Name, func(ctx context.Context, client *pgq.Client) error {
			if err := client.LockNode(ctx, t.c.Queue); err != nil {
				return err
			}
			disabled, err := client.WritesDisabled(ctx, t.c.Queue)
			if err != nil || !disabled {
				return err
			}
			// The contract has no function that takes back the demotion of a root;
			// but once it is complete, a promotion does.
			if _, err := client.DemoteRoot(ctx, t.c.Queue, 3, t.taker.Name); err != nil {
				return err
			}
			return client.PromoteBranch(ctx, t.c.Queue)
		})
	}
	err := t.tx(ctx, t.taker.Name, enable)
	if err == nil || t.tried {
		return err
	}
	if _, cerr := t.conn(ctx, t.taker.Name); cerr != nil {
		// Without the taker: this run, which has the lock of the old root, has
		// not tried to promote it.
		return enable(ctx, nil)
	}
	return t.tx(ctx, t.taker.Name, enable)
}

// lastTick is the second step of the demotion: it waits for writers that have
// begun, and makes a tick after all events.
func (t *takeover) lastTick() Step {
	return Step{
		Node: t.old.Name, Text: "demote, step 2: wait for the writers under way, and make the last tick",
		Done: t.isPromoted,
		Do: func(ctx context.Context) error {
			limit := min(t.left(), t.c.timeout()) * 8 / 10
			err := t.tx(ctx, t.old.Name, func(ctx context.Context, client *pgq.Client) (err error) {
				if err := client.LimitLocks(ctx, limit); err != nil {
					return err
				}
				t.tick, err = client.DemoteRoot(ctx, t.c.Queue, 2, t.taker.Name)
				return err
			})
			if db.Code(err) == lockNotAvailable {
				return fmt.Errorf("a transaction has written to the queue and does not end within %s: %w", limit.Round(time.Millisecond), err)
			}
			return err
		},
	}
}

const lockNotAvailable = "55P03"

// catchUp waits until the taker has the last tick.
func (t *takeover) catchUp() Step {
	return Step{
		Node: t.taker.Name, Text: "wait until it has the last tick",
		Done: t.isPromoted,
		Do: func(ctx context.Context) error {
			var at int64
			return refused(t.until(ctx, t.left(), t.taker.Name, func() error {
				return fmt.Errorf("node %s is at tick %d and has not got to the last tick %d in time", t.taker.Name, at, t.tick)
			}, func(ctx context.Context, client *pgq.Client) (bool, error) {
				var err error
				at, err = t.reached(ctx, client)
				return err == nil && at >= t.tick, err
			}))
		},
	}
}

// promote makes the taker the root, and the old root its subscriber at the last
// tick in the same transaction: so the tick is held from the first moment on.
// The taker's row is locked first, as enable does: while the old root is seen to
// take no writes, nobody enables them.
func (t *takeover) promote() Step {
	return Step{
		Node: t.taker.Name, Final: true,
		Text: fmt.Sprintf("promote to root; the outage ends; %s becomes its subscriber at the last tick", t.old.Name),
		Done: t.hasReplaced,
		Do: func(ctx context.Context) error {
			t.tried = true
			return t.tx(ctx, t.taker.Name, t.exchange)
		},
		Said: func() string {
			return fmt.Sprintf("writes were disabled for %s", time.Since(t.deadline.Add(-t.Outage)).Round(time.Millisecond))
		},
	}
}

// hasReplaced tells whether the taker is the root and keeps the place of the old
// one as its subscriber.
func (t *takeover) hasReplaced(ctx context.Context) (there bool, err error) {
	err = t.at(ctx, t.taker.Name, func(ctx context.Context, client *pgq.Client) error {
		i, err := client.NodeInfo(ctx, t.c.Queue)
		if err != nil || i == nil || i.Type != pgq.RootNode {
			return err
		}
		l, err := client.NodeSubscribers(ctx, t.c.Queue)
		there = slices.ContainsFunc(l, func(s pgq.Subscriber) bool { return s.Node == t.old.Name })
		return err
	})
	return there, err
}

// exchange does what promote does, in a transaction of the taker.
func (t *takeover) exchange(ctx context.Context, taker *pgq.Client) error {
	if err := taker.LockNode(ctx, t.c.Queue); err != nil {
		return err
	}
	i, err := taker.NodeInfo(ctx, t.c.Queue)
	if err != nil {
		return err
	}
	var last int64
	err = t.at(ctx, t.old.Name, func(ctx context.Context, old *pgq.Client) error {
		disabled, err := old.WritesDisabled(ctx, t.c.Queue)
		if err == nil && !disabled {
			err = fmt.Errorf("node %s takes writes again", t.old.Name)
		}
		if err == nil {
			last, err = topOf(ctx, old, t.c.Queue)
		}
		return err
	})
	if err != nil {
		return err
	}
	if i.Type != pgq.RootNode {
		at, err := t.reached(ctx, taker)
		if err != nil {
			return err
		}
		if at != last {
			return fmt.Errorf("node %s is at tick %d, and the last tick of %s is %d", t.taker.Name, at, t.old.Name, last)
		}
		if err := t.knowLocation(ctx, taker, t.old.Name); err != nil {
			return err
		}
		if err := taker.PromoteBranch(ctx, t.c.Queue); err != nil {
			return err
		}
	}
	_, err = taker.RegisterSubscriber(ctx, t.c.Queue, t.old.Name, t.old.Info.Worker, &last)
	return err
}

// unsubscribeTaker ends what the taker has at its former provider.
func (t *takeover) unsubscribeTaker(from *Node) Step {
	s := t.unsubscribe(t.taker, t.taker.Info.Worker, from, t.taker.Name)
	s.Text = fmt.Sprintf("remove its subscriber %s, which is the root now", t.taker.Name)
	return s
}

// demote is the last step of the demotion: the old root becomes a branch below
// the taker.
func (t *takeover) demote() Step {
	return Step{
		Node: t.old.Name, Text: fmt.Sprintf("demote, step 3: become a branch below %s", t.taker.Name),
		Done: func(ctx context.Context) (bool, error) {
			i, err := t.info(ctx, t.old.Name)
			return err == nil && i.Type == pgq.BranchNode, err
		},
		Do: func(ctx context.Context) error {
			return t.at(ctx, t.old.Name, func(ctx context.Context, client *pgq.Client) error {
				known, err := client.NodeLocations(ctx, t.c.Queue)
				if err != nil {
					return err
				}
				if !slices.ContainsFunc(known, func(l pgq.Location) bool { return l.Node == t.taker.Name }) {
					if err := client.RegisterLocation(ctx, t.c.Queue, pgq.Location{Node: t.taker.Name, ConnString: t.taker.ConnString}); err != nil {
						return err
					}
				}
				_, err = client.DemoteRoot(ctx, t.c.Queue, 3, t.taker.Name)
				return err
			})
		},
	}
}

// planCancel plans the way back of a takeover that was killed.
func (t *takeover) planCancel(ctx context.Context) error {
	queue := t.c.Queue
	t.plan.Title = fmt.Sprintf("take back the takeover of node %s from root %s of queue %s", t.taker.Name, t.old.Name, queue)
	if t.taker.Info.Type == pgq.RootNode {
		return fmt.Errorf("node %s is the root already: only forward is safe, run the takeover without cancelling", t.taker.Name)
	}
	if t.old.Info.Type != pgq.RootNode {
		return fmt.Errorf("node %s is no root", t.old.Name)
	}
	if err := t.checkRoots(true); err != nil {
		return err
	}
	if err := t.findParts(ctx); err != nil {
		return err
	}
	t.tried = true // by the one that was killed, for all that is known
	t.plan.Open = func(ctx context.Context) error {
		names := []string{t.old.Name, t.taker.Name}
		slices.Sort(names)
		return t.lock(ctx, names...)
	}
	t.step(Step{
		Node: t.old.Name, Text: "take back the demotion: enable writes",
		Done: func(ctx context.Context) (bool, error) {
			disabled, err := t.disabled(ctx)
			return err == nil && !disabled, err
		},
		Do: t.enable,
	}, t.resume(t.old.Name, queue, t.old.Info.Worker, "let its worker go on"),
		t.resume(t.taker.Name, queue, t.taker.Info.Worker, "let its worker go on"))
	t.resumeParts()
	return nil
}

// planBranch plans the exchange of a node that is not the root.
func (t *takeover) planBranch() error {
	t.plan.Title = fmt.Sprintf("node %s takes over from node %s of queue %s", t.taker.Name, t.old.Name, t.c.Queue)
	t.plan.Open = func(ctx context.Context) error { return t.lock(ctx, t.old.Name) }
	if t.taker.Info.Provider == t.old.Name {
		above := t.old.Info.Provider
		if err := t.set.checkMove(t.taker.Name, t.taker.Info.Worker, above); err != nil {
			return err
		}
		t.step(t.move(t.taker, t.taker.Info.Worker, above)...)
	} else if path := t.set.pathTo(t.taker.Name, t.old.Name); path != nil {
		return fmt.Errorf("node %s reads from %s through others (%s): change its provider first", t.taker.Name, t.old.Name, strings.Join(path, " < "))
	}
	if t.All {
		t.moveSubscribers()
	}
	if t.old.Info.Provider != t.taker.Name || len(t.set.left(t.old, t.old.consumer(t.old.Info.Worker), t.taker.Name)) > 0 {
		t.step(t.move(t.old, t.old.Info.Worker, t.taker.Name)...)
	}
	return nil
}
