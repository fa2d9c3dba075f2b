// Package cascade is about queues that live on several servers, the nodes of a
// set: what the set looks like, the worker of a node, and the changes that an
// administrator makes. A node's state is in the schema pgq_node of its
// database. The package knows no tables; lib/londiste does.
package cascade

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"skytools/lib/db"
	"skytools/lib/pgq"
)

// Config says how to get to a set.
type Config struct {
	Queue           string
	DSN             string // of the local node
	ApplicationName string
	// RemoteExtra is added to the connection strings of other nodes, URLs
	// included, and written as a connection string without being one.
	RemoteExtra string
	// Timeout is what each node has to answer a look at it, or to take a
	// connection; 0 is DefaultTimeout.
	Timeout time.Duration
	// Dead are nodes that are taken for dead, whatever the set says.
	Dead   []string
	Logger *slog.Logger
}

// DefaultTimeout is how long a look at one node may take.
const DefaultTimeout = 5 * time.Second

func (c *Config) timeout() time.Duration {
	if c.Timeout > 0 {
		return c.Timeout
	}
	return DefaultTimeout
}

// remote returns the connection string to another node.
func (c *Config) remote(connString string) string {
	return db.WithParameters(connString, c.RemoteExtra)
}

// connect opens a connection within the timeout.
func (c *Config) connect(ctx context.Context, dsn string) (*pgx.Conn, error) {
	late := fmt.Errorf("no connection within %s", c.timeout())
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout(), late)
	defer cancel()
	conn, err := db.ConnectUnnamed(ctx, dsn, c.ApplicationName, pgx.QueryExecModeExec)
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	// The dialer has a timer of its own for this deadline, which may come first.
	if deadline, _ := ctx.Deadline(); err != nil && !time.Now().Before(deadline) {
		return nil, late
	}
	return conn, err
}

// ErrNoNode is returned where a database has no node of the queue.
var ErrNoNode = errors.New("no node of this queue in the database")

// ErrNotInstalled is returned where a database can have no node.
var ErrNotInstalled = errors.New("pgq_node is not installed in the database")

// Set is a set as one look found it. The nodes were looked at one by one, all
// at the same time, so two of them may contradict each other in the middle of
// a change.
type Set struct {
	Queue string
	Local string  // name of the local node
	Nodes []*Node // members in the order of strings in Go, whatever the server's
}

// Node is a member of a set.
type Node struct {
	Name       string
	ConnString string
	Dead       bool // tagged so, or by Config.Dead: it was not looked at
	// Err tells why the node did not answer.
	Err error
	// Info is nil if the node is dead or did not answer; Consumers, Queue and Subscribers
	// come with it.
	Info        *pgq.NodeInfo
	Consumers   []pgq.NodeConsumer
	Subscribers []pgq.Subscriber
	Locations   []pgq.Location // the members that this node knows
	Top         *pgq.Tick      // newest tick of its queue; nil on a leaf
	// Readers are the consumers of its queue by name, those of nodes included.
	Readers map[string]pgq.ConsumerInfo
	Now     time.Time // the clock of its server
}

// Alive tells whether the node answered.
func (n *Node) Alive() bool { return n.Info != nil }

// LoadSet looks at all nodes that the local node knows, at the same time, and
// takes no longer than the timeout for a connection and once more for the
// answers. Only the local node has to answer.
func LoadSet(ctx context.Context, c Config) (*Set, error) {
	local := &Node{ConnString: c.DSN}
	c.look(ctx, local)
	if local.Err != nil {
		return nil, local.Err
	}
	s := newSet(c, local)
	var wg sync.WaitGroup
	for _, n := range s.Nodes {
		if n != local && !n.Dead {
			wg.Go(func() { c.look(ctx, n) })
		}
	}
	wg.Wait()
	return s, context.Cause(ctx)
}

// newSet returns the members that the local node knows. Of the others it knows
// no more than the name and the way there.
func newSet(c Config, local *Node) *Set {
	s := &Set{Queue: c.Queue, Local: local.Info.Name}
	for _, l := range local.Locations {
		n := &Node{}
		if l.Node == s.Local {
			n = local
		}
		n.Name, n.ConnString, n.Dead = l.Node, l.ConnString, l.Dead || slices.Contains(c.Dead, l.Node)
		s.Nodes = append(s.Nodes, n)
	}
	slices.SortFunc(s.Nodes, func(a, b *Node) int { return strings.Compare(a.Name, b.Name) })
	return s
}

// LoadNode looks at the local node alone.
func LoadNode(ctx context.Context, c Config) (*Node, error) {
	n := &Node{ConnString: c.DSN}
	c.look(ctx, n)
	return n, n.Err
}

// look fills in what the node tells of itself.
func (c *Config) look(ctx context.Context, n *Node) {
	dsn := n.ConnString
	if n.Name != "" {
		dsn = c.remote(dsn)
	}
	conn, err := c.connect(ctx, dsn)
	if err != nil {
		n.Err = err
		return
	}
	defer closeConn(conn)
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout(), fmt.Errorf("no answer within %s", c.timeout()))
	defer cancel()
	if err := n.read(ctx, pgq.New(conn), c.Queue); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		n.Err, n.Info = err, nil
	}
}

func (n *Node) read(ctx context.Context, client *pgq.Client, queue string) error {
	info, err := client.NodeInfo(ctx, queue)
	switch {
	case db.IsUndefinedObject(err):
		return ErrNotInstalled
	case err != nil:
		return err
	case info == nil:
		return ErrNoNode
	case n.Name != "" && info.Name != n.Name:
		return fmt.Errorf("the database of node %s has node %s", n.Name, info.Name)
	}
	if n.Consumers, err = client.NodeConsumers(ctx, queue); err != nil {
		return err
	}
	if n.Subscribers, err = client.NodeSubscribers(ctx, queue); err != nil {
		return err
	}
	if n.Locations, err = client.NodeLocations(ctx, queue); err != nil {
		return err
	}
	if n.Now, err = client.Now(ctx); err != nil {
		return err
	}
	if info.Type != pgq.LeafNode {
		if err := n.readQueue(ctx, client, queue); err != nil {
			return err
		}
	}
	n.Info = info
	return nil
}

func (n *Node) readQueue(ctx context.Context, client *pgq.Client, queue string) error {
	top, err := client.LastTick(ctx, queue)
	if err != nil && !errors.Is(err, pgq.ErrNoTick) {
		return err
	}
	if err == nil {
		n.Top = &top
	}
	readers, err := client.ConsumerInfo(ctx, queue, "")
	if err != nil {
		return err
	}
	n.Readers = make(map[string]pgq.ConsumerInfo, len(readers))
	for _, r := range readers {
		n.Readers[r.Consumer] = r
	}
	return nil
}

func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // nothing is left to lose
}

// Node returns a member, or nil.
func (s *Set) Node(name string) *Node {
	i, found := slices.BinarySearchFunc(s.Nodes, name, func(n *Node, name string) int { return strings.Compare(n.Name, name) })
	if !found {
		return nil
	}
	return s.Nodes[i]
}

// LocalNode returns the local node.
func (s *Set) LocalNode() *Node { return s.Node(s.Local) }

// Root returns the living root, or nil. Two living roots are an error: one of
// them was declared dead and came back.
func (s *Set) Root() (*Node, error) {
	var root *Node
	for _, n := range s.Nodes {
		switch {
		case !n.Alive() || n.Info.Type != pgq.RootNode:
		case root != nil:
			return nil, fmt.Errorf("nodes %s and %s of queue %s are both root", root.Name, n.Name, s.Queue)
		default:
			root = n
		}
	}
	return root, nil
}

// Below returns the living nodes that read from the node, by what they say
// themselves.
func (s *Set) Below(name string) []*Node {
	var l []*Node
	for _, n := range s.Nodes {
		if n.Alive() && n.Name != name && n.Info.Provider == name {
			l = append(l, n)
		}
	}
	return l
}
