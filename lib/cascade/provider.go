package cascade

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"skytools/lib/pgq"
)

// ChangeProvider says who shall read from where.
type ChangeProvider struct {
	Node     string // "" is the local node
	Consumer string // "" is the worker of the node
	Provider string // node to read from
	// Wait bounds each wait for the consumer to answer, and for the new provider
	// to have what the consumer has; 0 is DefaultWait.
	Wait time.Duration
}

// Plan checks the change and plans it. A plan without steps means that all is
// so already.
func (o ChangeProvider) Plan(ctx context.Context, c Config) (*Plan, error) {
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
	if err := set.checkMove(o.Node, o.Consumer, o.Provider); err != nil {
		return nil, err
	}
	p := &Plan{Title: fmt.Sprintf("change the provider of %s at node %s of queue %s to %s", o.Consumer, o.Node, c.Queue, o.Provider)}
	consumer := n.consumer(o.Consumer)
	h := newHands(c, set, o.Wait)
	p.Close = h.close
	if consumer.Provider == o.Provider && len(set.left(n, consumer, o.Provider)) == 0 {
		return p, nil
	}
	p.Open = func(ctx context.Context) error { return h.lock(ctx, o.Node) }
	p.Steps = h.move(n, o.Consumer, o.Provider)
	if consumer.Paused {
		p.Notes = append(p.Notes, fmt.Sprintf("%s is paused now, and will go on after the change", o.Consumer))
	}
	return p, nil
}

// living returns a member that answered.
func (s *Set) living(name string) (*Node, error) {
	n := s.Node(name)
	switch {
	case n == nil:
		return nil, fmt.Errorf("unknown node: %s", name)
	case n.Dead:
		return nil, fmt.Errorf("node %s is tagged as dead", name)
	case n.Err != nil:
		return nil, fmt.Errorf("node %s does not answer: %w", name, n.Err)
	}
	return n, nil
}

func (n *Node) consumer(name string) *pgq.NodeConsumer {
	i := slices.IndexFunc(n.Consumers, func(c pgq.NodeConsumer) bool { return c.Consumer == name })
	if i < 0 {
		return nil
	}
	return &n.Consumers[i]
}

func (n *Node) subscriber(name string) *pgq.Subscriber {
	i := slices.IndexFunc(n.Subscribers, func(s pgq.Subscriber) bool { return s.Node == name })
	if i < 0 {
		return nil
	}
	return &n.Subscribers[i]
}

// checkMove tells why a consumer of a node cannot read from another node.
func (s *Set) checkMove(node, consumer, provider string) error {
	n, err := s.living(node)
	if err != nil {
		return err
	}
	p, err := s.living(provider)
	if err != nil {
		return err
	}
	c := n.consumer(consumer)
	worker := consumer == n.Info.Worker
	switch {
	case c == nil:
		return fmt.Errorf("unknown consumer: %s at node %s", consumer, node)
	case worker && n.Info.Type == pgq.RootNode:
		return fmt.Errorf("node %s is the root, which has no provider", node)
	case worker && node == provider:
		return fmt.Errorf("node %s cannot be its own provider", node)
	case p.Info.Type == pgq.LeafNode:
		return fmt.Errorf("node %s is a leaf, which cannot be a provider", provider)
	case c.Provider == provider:
		return nil
	}
	if worker {
		if path := s.pathTo(provider, node); path != nil {
			return fmt.Errorf("node %s reads from node %s itself: %s", provider, node, strings.Join(path, " < "))
		}
	}
	if other := s.readerOf(consumer, provider); other != nil && other != n {
		return fmt.Errorf("node %s has a consumer %s of node %s already: names must differ to share a provider", provider, consumer, other.Name)
	}
	return s.checkHistory(n, consumer, c.Provider, c.LastTick, maps.Values(p.Readers))
}

// pathTo returns the way from a node up to one above it, by what the nodes and
// their providers say, or nil if it is not above.
func (s *Set) pathTo(from, above string) []string {
	path := []string{from}
	for at := from; at != above; {
		up := s.providerOf(at)
		if up == "" || slices.Contains(path, up) {
			return nil
		}
		path = append(path, up)
		at = up
	}
	return path
}

// providerOf returns the provider of a node; of one that is away, what others
// say.
func (s *Set) providerOf(name string) string {
	n := s.Node(name)
	if n == nil {
		return ""
	}
	if n.Alive() {
		if n.Info.Provider == name {
			return ""
		}
		return n.Info.Provider
	}
	for _, p := range s.Nodes {
		if p.Alive() && p.subscriber(name) != nil {
			return p.Name
		}
	}
	return ""
}

// checkHistory refuses a consumer that has what the set has lost: its former
// root died, and the set went on from an earlier tick, the position of the
// gravestone at the new provider. The numbers of ticks after that were given
// again, to other events.
func (s *Set) checkHistory(n *Node, consumer, provider string, tick int64, newReaders iter.Seq[pgq.ConsumerInfo]) error {
	for r := range newReaders {
		dead, found := strings.CutSuffix(r.Consumer, gravestone)
		if !found || r.LastTick == nil || dead == n.Name || tick <= *r.LastTick || s.pathTo(provider, dead) == nil {
			continue
		}
		return fmt.Errorf("%s at node %s is at tick %d of the old root %s, but the set went on without that from tick %d: create the node anew",
			consumer, n.Name, tick, dead, *r.LastTick)
	}
	return nil
}

// stillCommon is checkHistory with what the new provider says now.
func (h *hands) stillCommon(ctx context.Context, newProvider *pgq.Client, n *Node, consumer string, tick int64) error {
	readers, err := newProvider.ConsumerInfo(ctx, h.c.Queue, "")
	if err != nil {
		return err
	}
	return h.set.checkHistory(n, consumer, n.consumer(consumer).Provider, tick, slices.Values(readers))
}

// gravestone ends the name of the consumer that keeps the position from which
// the set went on without a dead root.
const gravestone = ".gravestone"

// left returns the nodes, apart from its provider, at which a consumer of a node
// is registered still: an earlier change was cut off, or could not reach them.
func (s *Set) left(n *Node, c *pgq.NodeConsumer, provider string) []*Node {
	var l []*Node
	for _, p := range s.Nodes {
		switch {
		case !p.Alive() || p.Name == provider:
		case p.Name == c.Provider:
			l = append(l, p)
		case c.Consumer == n.Info.Worker:
			if p.subscriber(n.Name) != nil {
				l = append(l, p)
			}
		default:
			// a consumer of that name may be another node's, or a stranger's
			if _, found := p.Readers[c.Consumer]; found && c.Provider == provider && s.readerOf(c.Consumer, p.Name) == nil {
				l = append(l, p)
			}
		}
	}
	return l
}

// readerOf returns the node that has a consumer of that name at the provider.
func (s *Set) readerOf(consumer, provider string) *Node {
	for _, n := range s.Nodes {
		if n.Alive() {
			if c := n.consumer(consumer); c != nil && c.Provider == provider {
				return n
			}
		}
	}
	return nil
}

// move returns the steps after which a consumer of a node reads from another
// provider. They are made for the topology that is there when they are run,
// which earlier steps may have changed.
func (h *hands) move(n *Node, consumer, provider string) []Step {
	queue := h.c.Queue
	was := n.consumer(consumer).Provider // for the texts, and to find a provider again that was left
	var steps []Step
	moved := func(ctx context.Context) (bool, error) {
		s, err := h.state(ctx, n.Name, queue, consumer)
		return err == nil && s.Provider == provider, err
	}
	if was != provider {
		steps = append(steps, Step{
			Node: provider, Text: fmt.Sprintf("wait until it has what %s at %s has", consumer, n.Name),
			Done: moved,
			Do: func(ctx context.Context) error {
				s, err := h.state(ctx, n.Name, queue, consumer)
				if err != nil {
					return err
				}
				err = h.at(ctx, provider, func(ctx context.Context, client *pgq.Client) error {
					return h.stillCommon(ctx, client, n, consumer, s.CompletedTick)
				})
				if err == nil {
					err = h.hasTick(ctx, provider, s.CompletedTick)
				}
				return refused(err)
			},
		})
	}
	if was != provider || n.consumer(consumer).Paused {
		steps = append(steps, h.pause(n.Name, queue, consumer, fmt.Sprintf("pause %s, and wait until it stands", consumer)))
	}
	if was != provider {
		steps = append(steps, h.subscribe(n, consumer, provider, moved), Step{
			Node: n.Name, Text: fmt.Sprintf("make %s read from %s instead of %s", consumer, provider, was),
			Done: moved,
			Do: func(ctx context.Context) error {
				return h.at(ctx, n.Name, func(ctx context.Context, client *pgq.Client) error {
					return client.ChangeConsumerProvider(ctx, queue, consumer, provider)
				})
			},
			Undo: func(ctx context.Context) error {
				return h.at(ctx, n.Name, func(ctx context.Context, client *pgq.Client) error {
					return client.ChangeConsumerProvider(ctx, queue, consumer, was)
				})
			},
		})
	}
	if was != provider || n.consumer(consumer).Paused {
		steps = append(steps, h.resume(n.Name, queue, consumer, fmt.Sprintf("let %s go on", consumer)))
	}
	left := h.set.left(n, n.consumer(consumer), provider)
	if p := h.set.Node(was); was != provider && p != nil && !p.Dead && !slices.Contains(left, p) {
		left = append(left, p) // is away
	}
	for _, p := range left {
		steps = append(steps, h.unsubscribe(n, consumer, p, provider))
	}
	if len(steps) > 0 {
		steps[len(steps)-1].Keep = true
	}
	return steps
}

// refused marks any error as one that came before a change.
func refused(err error) error {
	if err == nil {
		return nil
	}
	return &refusal{err}
}

// hasTick waits until a node has a tick, and fails at once if it has it no more.
func (h *hands) hasTick(ctx context.Context, node string, tick int64) error {
	var top int64
	late := func() error {
		return fmt.Errorf("node %s is at tick %d and has not got to tick %d within %s", node, top, tick, h.wait)
	}
	return h.until(ctx, h.wait, node, late, func(ctx context.Context, client *pgq.Client) (bool, error) {
		var err error
		if top, err = topOf(ctx, client, h.c.Queue); err != nil || top < tick {
			return false, err
		}
		_, err = client.TickByID(ctx, h.c.Queue, tick)
		if errors.Is(err, pgq.ErrNoTick) {
			err = fmt.Errorf("node %s does not have tick %d any more", node, tick)
		}
		return err == nil, err
	})
}

// position returns the tick from which a paused consumer has to read on. The
// worker of a branch may have been killed after it had committed a batch and
// before it made the tick; it makes it up when it gets the same batch again.
func (h *hands) position(ctx context.Context, n *Node, consumer string) (tick int64, err error) {
	err = h.at(ctx, n.Name, func(ctx context.Context, client *pgq.Client) error {
		s, err := client.NodeConsumerState(ctx, h.c.Queue, consumer)
		if err != nil {
			return err
		}
		tick = s.CompletedTick
		if s.NodeType != pgq.BranchNode || consumer != n.Info.Worker {
			return nil
		}
		top, err := topOf(ctx, client, h.c.Queue)
		if err == nil && top != 0 && top < tick {
			tick = top
		}
		return err
	})
	return tick, err
}

// subscribe is the step that registers a paused consumer at its new provider,
// at the tick that it has reached.
func (h *hands) subscribe(n *Node, consumer, provider string, moved func(context.Context) (bool, error)) Step {
	queue := h.c.Queue
	worker := consumer == n.Info.Worker
	drop := func(ctx context.Context, client *pgq.Client) error {
		if !worker {
			_, err := client.Unregister(ctx, queue, consumer)
			return err
		}
		_, err := client.UnregisterSubscriber(ctx, queue, n.Name)
		return err
	}
	return Step{
		Node: provider, Text: fmt.Sprintf("register %s of %s at the tick that it has reached", consumer, n.Name),
		Done: moved,
		Do: func(ctx context.Context) error {
			tick, err := h.position(ctx, n, consumer)
			if err == nil {
				err = h.hasTick(ctx, provider, tick)
			}
			if err != nil {
				return refused(err)
			}
			return h.tx(ctx, provider, func(ctx context.Context, client *pgq.Client) error {
				// The consumer may have got further since it was looked at.
				if err := h.stillCommon(ctx, client, n, consumer, tick); err != nil {
					return err
				}
				if err := h.sameTick(ctx, n, provider, tick, client); err != nil {
					return err
				}
				if !worker {
					_, err := client.RegisterAt(ctx, queue, consumer, tick)
					return err
				}
				if err := h.knowLocation(ctx, client, n.Name); err != nil {
					return err
				}
				// A run that was killed may have registered it elsewhere.
				if _, err := client.UnregisterSubscriber(ctx, queue, n.Name); err != nil {
					return err
				}
				_, err := client.RegisterSubscriber(ctx, queue, n.Name, consumer, &tick)
				return err
			})
		},
		Undo: func(ctx context.Context) error { return h.at(ctx, provider, drop) },
	}
}

// knowLocation makes a member known to a node that does not know it, or takes
// it for dead. On the root it would become an event each time.
func (h *hands) knowLocation(ctx context.Context, client *pgq.Client, node string) error {
	known, err := client.NodeLocations(ctx, h.c.Queue)
	if err != nil {
		return err
	}
	want := pgq.Location{Node: node, ConnString: h.set.Node(node).ConnString}
	if slices.Contains(known, want) {
		return nil
	}
	return client.RegisterLocation(ctx, h.c.Queue, want)
}

// sameTick refuses to go on at a tick that is another one at the new provider:
// copies of a tick have the same time. The one with which a node begins is made
// when the node is, and has event sequence 1.
func (h *hands) sameTick(ctx context.Context, n *Node, provider string, tick int64, client *pgq.Client) error {
	if n.Info.Type != pgq.BranchNode {
		return nil
	}
	theirs, err := client.TickByID(ctx, h.c.Queue, tick)
	if err != nil {
		return err
	}
	return h.at(ctx, n.Name, func(ctx context.Context, client *pgq.Client) error {
		ours, err := client.TickByID(ctx, h.c.Queue, tick)
		switch {
		case errors.Is(err, pgq.ErrNoTick):
			return nil
		case err != nil || ours.EventSeq == 1 || ours.Time.Equal(theirs.Time):
			return err
		}
		return fmt.Errorf("tick %d of node %s (%s) is another than that of node %s (%s): their queues have gone different ways, create the node anew",
			tick, n.Name, ours.Time.Format(time.RFC3339Nano), provider, theirs.Time.Format(time.RFC3339Nano))
	})
}

// unsubscribe is the step that removes a consumer from a provider which it has
// left. If it fails, events pile up there, and no more.
func (h *hands) unsubscribe(n *Node, consumer string, from *Node, provider string) Step {
	queue := h.c.Queue
	worker := consumer == n.Info.Worker
	s := Step{Node: from.Name, Text: fmt.Sprintf("remove %s of %s, which reads from %s now", consumer, n.Name, provider)}
	later := fmt.Sprintf("when node %s is back, unregister %s of %s there, or it keeps events for it", from.Name, consumer, n.Name)
	if !from.Alive() {
		s.Do = func(context.Context) error { return warn(errors.New(later)) }
		return s
	}
	s.Done = func(ctx context.Context) (there bool, err error) {
		err = h.at(ctx, from.Name, func(ctx context.Context, client *pgq.Client) error {
			if worker {
				l, err := client.NodeSubscribers(ctx, queue)
				there = !slices.ContainsFunc(l, func(s pgq.Subscriber) bool { return s.Node == n.Name })
				return err
			}
			l, err := client.ConsumerInfo(ctx, queue, consumer)
			there = len(l) == 0
			return err
		})
		return err == nil && there, nil // Do meets the same error
	}
	s.Do = func(ctx context.Context) error {
		err := h.at(ctx, from.Name, func(ctx context.Context, client *pgq.Client) error {
			if worker {
				_, err := client.UnregisterSubscriber(ctx, queue, n.Name)
				return err
			}
			_, err := client.Unregister(ctx, queue, consumer)
			return err
		})
		if err != nil {
			err = fmt.Errorf("%w: %s", err, later)
		}
		return warn(err)
	}
	return s
}
