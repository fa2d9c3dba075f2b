package cascade

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"skytools/lib/pgq"
	"skytools/lib/quote"
)

// Create makes the local database a node of a set.
type Create struct {
	Type       string // pgq.RootNode and the others
	Name       string
	ConnString string // by which the other nodes reach it
	Worker     string // consumer name of its worker
	Provider   string // connection string of the provider; not for the root
	// Combined is the queue of this database that a leaf writes its events to.
	Combined string
	// SyncWatermark are nodes whose watermark a branch waits for.
	SyncWatermark []string
	// NoCheck does without the check that ConnString leads to the local
	// database.
	NoCheck bool
	// Install puts pgq and pgq_node into the local database where they are
	// missing; nil leaves that as an error.
	Install func(ctx context.Context, conn *pgx.Conn) error
}

// Plan checks the new node and plans how it is made. A plan without steps means
// that there is one already, which Notes tell of.
func (o Create) Plan(ctx context.Context, c Config) (*Plan, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	b := &builder{o: o, c: c, h: newHands(c, &Set{Queue: c.Queue, Local: o.Name, Nodes: []*Node{{Name: o.Name, ConnString: o.ConnString}}}, 0)}
	p := &Plan{Title: fmt.Sprintf("make the database %s node %s of queue %s", o.Type, o.Name, c.Queue), Close: b.h.close}
	if err := b.plan(ctx, p); err != nil {
		b.h.close()
		return nil, err
	}
	return p, nil
}

func (o *Create) check() error {
	switch {
	case o.Name == "":
		return errors.New("the node needs a name")
	case o.ConnString == "":
		return errors.New("the node needs a connection string by which the other nodes reach it")
	case o.Worker == "":
		return errors.New("the node needs the name of its worker")
	case o.Type == pgq.RootNode && o.Provider != "":
		return errors.New("a root has no provider")
	case o.Type != pgq.RootNode && o.Provider == "":
		return fmt.Errorf("a %s needs a provider", o.Type)
	case o.Combined != "" && o.Type != pgq.LeafNode:
		return errors.New("only a leaf merges its queue into another one")
	case o.SyncWatermark != nil && o.Type != pgq.BranchNode:
		return errors.New("only a branch waits for the watermark of other nodes")
	}
	return nil
}

// builder makes the plan of a new node.
type builder struct {
	o Create
	c Config
	h *hands

	members   []pgq.Location
	provider  string
	watermark int64
	root      string
}

func (b *builder) plan(ctx context.Context, p *Plan) error {
	conn, err := b.h.conn(ctx, b.o.Name)
	if err != nil {
		return err
	}
	info, err := pgq.New(conn).Inspect(ctx)
	missing := errors.Is(err, pgq.ErrNotInstalled) || err == nil && !info.Node
	switch {
	case err != nil && !missing:
		return err
	case missing && b.o.Install == nil:
		return errors.New("pgq_node is not installed in this database")
	case missing:
		p.Steps = append(p.Steps, Step{Node: b.o.Name, Text: "install the extensions pgq and pgq_node", Keep: true,
			Do: func(ctx context.Context) error { return b.o.Install(ctx, conn) }})
	default:
		there, err := pgq.New(conn).NodeInfo(ctx, b.c.Queue)
		if err != nil {
			return err
		}
		if there != nil {
			p.Notes = append(p.Notes, fmt.Sprintf("Node is already initialized as %s", there.Type))
			if there.Type != b.o.Type || there.Name != b.o.Name {
				p.Notes = append(p.Notes, fmt.Sprintf("it has the name %s", there.Name))
			}
			return nil
		}
	}
	if !b.o.NoCheck {
		if err := b.sameDatabase(ctx, conn); err != nil {
			return err
		}
	}
	if b.o.Type == pgq.RootNode {
		p.Steps = append(p.Steps, b.localStep())
		return nil
	}
	return b.planBelow(ctx, p)
}

// sameDatabase demands that the connection string for others leads to the
// database of conn: a lock that one session holds, the other one does not get.
func (b *builder) sameDatabase(ctx context.Context, conn *pgx.Conn) error {
	other, err := b.c.connect(ctx, b.c.remote(b.o.ConnString))
	if err != nil {
		return fmt.Errorf("by the public connect string: %w", err)
	}
	defer closeConn(other)
	key := rand.Int64()
	var got bool
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", key); err != nil {
			return err
		}
		return other.QueryRow(ctx, "select pg_try_advisory_xact_lock($1)", key).Scan(&got)
	})
	if err == nil && got {
		//lint:ignore ST1005 the text of upstream's tool, which scripts look for
		err = errors.New("Public connect string points to different database than local connect string")
	}
	return err
}

// planBelow plans a branch or a leaf.
func (b *builder) planBelow(ctx context.Context, p *Plan) error {
	above := b.c
	above.DSN = b.c.remote(b.o.Provider)
	set, err := LoadSet(ctx, above)
	if err != nil {
		return fmt.Errorf("provider: %w", err)
	}
	root, err := set.Root()
	if err != nil {
		return err
	}
	if root == nil {
		return fmt.Errorf("no living root of queue %s is known to node %s", b.c.Queue, set.Local)
	}
	provider := set.LocalNode()
	if provider.Info.Type == pgq.LeafNode {
		return fmt.Errorf("node %s is a leaf, which cannot be a provider", provider.Name)
	}
	// A run that was killed has made the location known, and no node.
	if n := set.Node(b.o.Name); n != nil && (n.ConnString != b.o.ConnString || n.Alive()) {
		return fmt.Errorf("Node '%s' already exists", b.o.Name)
	}
	for _, n := range set.Nodes {
		if s := n.Subscribers; slices.ContainsFunc(s, func(s pgq.Subscriber) bool { return s.Worker == b.o.Worker && s.Node != b.o.Name }) {
			return fmt.Errorf("node %s has a subscriber whose worker is %s: choose another name", n.Name, b.o.Worker)
		}
	}
	b.provider, b.root = provider.Name, root.Name
	for _, l := range root.Locations {
		if l.Node != b.o.Name {
			b.members = append(b.members, l)
		}
	}
	if !slices.ContainsFunc(b.members, func(l pgq.Location) bool { return l.Node == b.provider }) {
		return fmt.Errorf("node %s is not known to the root %s", b.provider, b.root)
	}
	b.h.set.Nodes = append(b.h.set.Nodes, set.Nodes...)
	slices.SortFunc(b.h.set.Nodes, func(x, y *Node) int { return strings.Compare(x.Name, y.Name) })
	b.h.set.Nodes = slices.CompactFunc(b.h.set.Nodes, func(x, y *Node) bool { return x.Name == y.Name })

	p.Steps = append(p.Steps, b.locationStep(b.root))
	if b.provider != b.root {
		p.Steps = append(p.Steps, b.locationStep(b.provider))
	}
	p.Steps = append(p.Steps, b.subscribeStep(), b.localStep())
	return nil
}

func (b *builder) location() pgq.Location {
	return pgq.Location{Node: b.o.Name, ConnString: b.o.ConnString}
}

// locationStep makes the new node known at another one.
func (b *builder) locationStep(at string) Step {
	return Step{
		Node: at, Text: fmt.Sprintf("make node %s known", b.o.Name), Adopt: true,
		Done: func(ctx context.Context) (known bool, err error) {
			err = b.h.at(ctx, at, func(ctx context.Context, client *pgq.Client) error {
				l, err := client.NodeLocations(ctx, b.c.Queue)
				known = slices.Contains(l, b.location())
				return err
			})
			return known, err
		},
		Do: func(ctx context.Context) error {
			return b.h.at(ctx, at, func(ctx context.Context, client *pgq.Client) error {
				return client.RegisterLocation(ctx, b.c.Queue, b.location())
			})
		},
		Undo: func(ctx context.Context) error {
			return b.h.at(ctx, at, func(ctx context.Context, client *pgq.Client) error {
				return client.UnregisterLocation(ctx, b.c.Queue, b.o.Name)
			})
		},
	}
}

// subscribeStep keeps the provider's events for the new node.
func (b *builder) subscribeStep() Step {
	return Step{
		Node: b.provider, Text: fmt.Sprintf("make node %s a subscriber, with worker %s at the global watermark", b.o.Name, b.o.Worker), Adopt: true,
		Done: func(ctx context.Context) (there bool, err error) {
			err = b.h.at(ctx, b.provider, func(ctx context.Context, client *pgq.Client) error {
				l, err := client.NodeSubscribers(ctx, b.c.Queue)
				if err != nil {
					return err
				}
				i := slices.IndexFunc(l, func(s pgq.Subscriber) bool { return s.Node == b.o.Name })
				if i < 0 {
					return nil
				}
				if l[i].Worker != b.o.Worker {
					return fmt.Errorf("node %s is a subscriber already, with worker %s", b.o.Name, l[i].Worker)
				}
				there, b.watermark = true, deref(l[i].Watermark)
				return nil
			})
			return there, err
		},
		Do: func(ctx context.Context) error {
			return b.h.at(ctx, b.provider, func(ctx context.Context, client *pgq.Client) (err error) {
				b.watermark, err = client.RegisterSubscriber(ctx, b.c.Queue, b.o.Name, b.o.Worker, nil)
				return err
			})
		},
		Undo: func(ctx context.Context) error {
			return b.h.at(ctx, b.provider, func(ctx context.Context, client *pgq.Client) error {
				_, err := client.UnregisterSubscriber(ctx, b.c.Queue, b.o.Name)
				return err
			})
		},
		Said: func() string { return fmt.Sprintf("begins at tick %d", b.watermark) },
	}
}

// localStep makes the node itself, in one transaction.
func (b *builder) localStep() Step {
	return Step{
		Node: b.o.Name, Text: fmt.Sprintf("make the %s node", b.o.Type), Final: true,
		Done: func(ctx context.Context) (there bool, err error) {
			err = b.h.at(ctx, b.o.Name, func(ctx context.Context, client *pgq.Client) error {
				i, err := client.NodeInfo(ctx, b.c.Queue)
				there = i != nil && i.Name == b.o.Name && i.Type == b.o.Type
				return err
			})
			return there, err
		},
		Do: func(ctx context.Context) error {
			return b.h.tx(ctx, b.o.Name, func(ctx context.Context, client *pgq.Client) error {
				for _, l := range append(b.members, b.location()) {
					if err := client.RegisterLocation(ctx, b.c.Queue, l); err != nil {
						return err
					}
				}
				err := client.CreateNode(ctx, b.c.Queue, pgq.NewNode{
					Type: b.o.Type, Name: b.o.Name, Worker: b.o.Worker, Provider: b.provider,
					GlobalWatermark: b.watermark, CombinedQueue: b.o.Combined,
				})
				if err == nil && b.o.SyncWatermark != nil {
					attrs := quote.AppendPair(nil, []byte("sync_watermark"), []byte(strings.Join(b.o.SyncWatermark, ",")))
					err = client.SetNodeAttrs(ctx, b.c.Queue, string(attrs))
				}
				return err
			})
		},
	}
}
