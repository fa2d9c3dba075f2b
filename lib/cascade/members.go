package cascade

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"skytools/lib/pgq"
)

// Pause asks a cascaded consumer to stop between two batches, or to go on.
type Pause struct {
	Node     string // "" is the local node
	Consumer string // "" is the worker of the node
	Resume   bool
	// Wait bounds the wait for the answer; 0 is DefaultWait.
	Wait time.Duration
}

// Plan plans it. A plan without steps means that it is so already.
func (o Pause) Plan(ctx context.Context, c Config) (*Plan, error) {
	set, err := LoadSet(ctx, c)
	if err != nil {
		return nil, err
	}
	if o.Node == "" {
		o.Node = set.Local
	}
	n, err := set.living(o.Node)
	if err != nil {
		return nil, err
	}
	if o.Consumer == "" {
		o.Consumer = n.Info.Worker
	}
	consumer := n.consumer(o.Consumer)
	if consumer == nil {
		return nil, fmt.Errorf("unknown consumer: %s at node %s", o.Consumer, o.Node)
	}
	verb := "pause"
	if o.Resume {
		verb = "resume"
	}
	h := newHands(c, set, o.Wait)
	p := &Plan{Title: fmt.Sprintf("%s %s at node %s of queue %s", verb, o.Consumer, o.Node, c.Queue), Close: h.close}
	if consumer.Paused == !o.Resume && consumer.UpToDate {
		return p, nil
	}
	step := h.pause
	if o.Resume {
		step = h.resume
	}
	p.Steps = []Step{step(o.Node, c.Queue, o.Consumer, verb+" "+o.Consumer)}
	return p, nil
}

// Tag makes members known as dead, which nobody waits for, or as alive.
type Tag struct {
	Nodes []string
	Dead  bool
}

// Plan plans it at all nodes that live.
func (o Tag) Plan(ctx context.Context, c Config) (*Plan, error) {
	set, err := LoadSet(ctx, c)
	if err != nil {
		return nil, err
	}
	word := "alive"
	if o.Dead {
		word = "dead"
	}
	for _, name := range o.Nodes {
		switch n := set.Node(name); {
		case n == nil:
			return nil, fmt.Errorf("unknown node: %s", name)
		case o.Dead && name == set.Local:
			return nil, fmt.Errorf("node %s is the local one", name)
		}
	}
	h := newHands(c, set, 0)
	p := &Plan{Title: fmt.Sprintf("tag %s of queue %s as %s", strings.Join(o.Nodes, ", "), c.Queue, word), Close: h.close}
	for _, n := range set.Nodes {
		if slices.Contains(o.Nodes, n.Name) && (o.Dead || !n.Alive()) {
			continue
		}
		if !n.Alive() {
			p.Notes = append(p.Notes, fmt.Sprintf("node %s is not reached: tag it there when it is back", n.Name))
			continue
		}
		for _, name := range o.Nodes {
			p.Steps = append(p.Steps, Step{
				Node: n.Name, Text: fmt.Sprintf("tag node %s as %s", name, word),
				Do: func(ctx context.Context) error {
					return h.at(ctx, n.Name, func(ctx context.Context, client *pgq.Client) error {
						return client.RegisterLocation(ctx, c.Queue, pgq.Location{Node: name, Dead: o.Dead})
					})
				},
			})
		}
	}
	return p, nil
}

// Relocate makes a node known under another connection string.
type Relocate struct{ Node, ConnString string }

// Plan plans it at the root, which tells all nodes.
func (o Relocate) Plan(ctx context.Context, c Config) (*Plan, error) {
	set, err := LoadSet(ctx, c)
	if err != nil {
		return nil, err
	}
	n := set.Node(o.Node)
	if n == nil {
		return nil, fmt.Errorf("unknown node: %s", o.Node)
	}
	root, err := set.Root()
	if err != nil {
		return nil, err
	}
	if root == nil {
		return nil, errors.New("no living root, which would tell the others")
	}
	there := &Node{Name: o.Node, ConnString: o.ConnString}
	c.look(ctx, there)
	if there.Err != nil {
		return nil, fmt.Errorf("by the new location: %w", there.Err)
	}
	h := newHands(c, set, 0)
	p := &Plan{Title: fmt.Sprintf("change the location of node %s of queue %s", o.Node, c.Queue), Close: h.close}
	if n.ConnString == o.ConnString {
		return p, nil
	}
	p.Steps = []Step{{
		Node: root.Name, Text: fmt.Sprintf("make the new location of node %s known, and tell all nodes", o.Node),
		Do: func(ctx context.Context) error {
			return h.at(ctx, root.Name, func(ctx context.Context, client *pgq.Client) error {
				return client.RegisterLocation(ctx, c.Queue, pgq.Location{Node: o.Node, ConnString: o.ConnString, Dead: n.Dead})
			})
		},
	}}
	return p, nil
}

// Drop removes a node from a set, with the queue in its database.
type Drop struct{ Name string }

// Plan checks that nobody reads from the node, and plans it.
func (o Drop) Plan(ctx context.Context, c Config) (*Plan, error) {
	set, err := LoadSet(ctx, c)
	if err != nil {
		return nil, err
	}
	n := set.Node(o.Name)
	if n == nil {
		return nil, fmt.Errorf("unknown node: %s", o.Name)
	}
	if below := set.Below(o.Name); below != nil {
		return nil, fmt.Errorf("node still has subscribers: %s", names(below))
	}
	for _, s := range n.Subscribers {
		if sub := set.Node(s.Node); sub != nil && !sub.Dead {
			return nil, fmt.Errorf("node still has subscribers: %s, which does not answer; tag it as dead if it will not come back", s.Node)
		}
	}
	root, err := set.Root()
	if err != nil {
		return nil, err
	}
	h := newHands(c, set, 0)
	p := &Plan{Title: fmt.Sprintf("drop node %s of queue %s", o.Name, c.Queue), Close: h.close}
	drop := func(at, text string) Step {
		return Step{Node: at, Text: text, Do: func(ctx context.Context) error {
			return h.at(ctx, at, func(ctx context.Context, client *pgq.Client) error { return client.DropNode(ctx, c.Queue, o.Name) })
		}}
	}
	if root == nil {
		p.Notes = append(p.Notes, "the root is not reached: the nodes that are not reached either will not hear of it")
	}
	// The root first: what it says goes down to all.
	if root != nil && root != n {
		p.Steps = append(p.Steps, drop(root.Name, fmt.Sprintf("forget node %s, and tell all nodes", o.Name)))
	}
	if n.Alive() {
		p.Steps = append(p.Steps, drop(o.Name, "drop the node and its queue"))
	} else {
		p.Notes = append(p.Notes, fmt.Sprintf("node %s is not reached: its database keeps what it has; run drop-node there if it comes back", o.Name))
	}
	for _, other := range set.Nodes {
		switch {
		case other == n || other == root:
		case other.Alive():
			p.Steps = append(p.Steps, drop(other.Name, fmt.Sprintf("forget node %s", o.Name)))
		case root == nil:
			p.Notes = append(p.Notes, fmt.Sprintf("node %s is not reached", other.Name))
		}
	}
	return p, nil
}

// waitPoll is how often WaitFor looks.
const waitPoll = 200 * time.Millisecond

// ErrIsRoot is returned by WaitFor at the root, which has nothing to wait for.
var ErrIsRoot = errors.New("current node is root, no need to wait")

// WaitFor waits until the local node has got more than what a node above it had
// when it was asked: the root, or the provider.
func WaitFor(ctx context.Context, c Config, root bool) (tick int64, err error) {
	set, err := LoadSet(ctx, c)
	if err != nil {
		return 0, err
	}
	local := set.LocalNode()
	if local.Info.Type == pgq.RootNode {
		return 0, ErrIsRoot
	}
	above := set.Node(local.Info.Provider)
	if root {
		if above, err = set.Root(); err != nil {
			return 0, err
		}
		if above == nil {
			return 0, errors.New("no living root")
		}
	}
	if above == nil {
		return 0, fmt.Errorf("unknown node: %s", local.Info.Provider)
	}
	if _, err := set.living(above.Name); err != nil {
		return 0, err
	}
	if above.Top == nil {
		return 0, fmt.Errorf("node %s has no tick", above.Name)
	}
	h := newHands(c, set, 0)
	defer h.close()
	for {
		i, err := h.info(ctx, set.Local)
		if err != nil {
			return 0, err
		}
		if deref(i.LastTick) > above.Top.ID {
			return *i.LastTick, nil
		}
		select {
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-time.After(waitPoll):
		}
	}
}
