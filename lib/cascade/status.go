package cascade

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"skytools/lib/pgq"
	"skytools/lib/quote"
)

// Status is a set for a person and for programs: its nodes as a tree.
type Status struct {
	Queue string        `json:"queue"`
	Local string        `json:"local_node"`
	Nodes []*NodeStatus `json:"nodes"` // those below nobody that is reached, the root first
}

// NodeStatus is one node with those that read from it.
type NodeStatus struct {
	Name     string `json:"node"`
	Type     string `json:"type"`    // root, branch, leaf; dead; or down: it did not answer
	Service  string `json:"service"` // of its connection string
	Provider string `json:"provider"`
	// Lag is the age of the tick that it has got to, by its provider's clock; of
	// the root the age of the newest tick.
	Lag        *time.Duration `json:"-"`
	LagSeconds *float64       `json:"lag_seconds"`
	Tick       *int64         `json:"tick"`
	Paused     bool           `json:"paused"`
	UpToDate   bool           `json:"uptodate"`
	Attrs      []string       `json:"attrs"`  // name=value
	Errors     []string       `json:"errors"` // CONSUMER: first line, of its consumers
	// Failure is why it did not answer.
	Failure string `json:"failure,omitempty"`
	// Silent is how long its provider has not heard of its worker.
	Silent        *time.Duration `json:"-"`
	SilentSeconds *float64       `json:"silent_seconds,omitempty"`

	Below []*NodeStatus `json:"subscribers"`
}

// service is the service that a connection string names, or "".
func service(connString string) string {
	for f := range strings.FieldsSeq(connString) {
		if v, ok := strings.CutPrefix(f, "service="); ok {
			return v
		}
	}
	return ""
}

// Status puts the nodes of the set into a tree.
func (s *Set) Status() *Status {
	st := &Status{Queue: s.Queue, Local: s.Local}
	all := map[string]*NodeStatus{}
	for _, n := range s.Nodes {
		all[n.Name] = s.nodeStatus(n)
	}
	for _, n := range s.Nodes {
		ns := all[n.Name]
		up := all[ns.Provider]
		if up == nil || up == ns || s.circle(n.Name) {
			st.Nodes = append(st.Nodes, ns)
		} else {
			up.Below = append(up.Below, ns)
		}
	}
	for _, ns := range all {
		slices.SortFunc(ns.Below, compareNodes)
	}
	slices.SortStableFunc(st.Nodes, func(a, b *NodeStatus) int {
		rank := func(n *NodeStatus) int {
			if n.Type == pgq.RootNode {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(rank(a), rank(b)), compareNodes(a, b))
	})
	return st
}

// Find returns a node of the tree, or nil.
func (s *Status) Find(name string) *NodeStatus {
	var find func(l []*NodeStatus) *NodeStatus
	find = func(l []*NodeStatus) *NodeStatus {
		for _, n := range l {
			if n.Name == name {
				return n
			}
			if b := find(n.Below); b != nil {
				return b
			}
		}
		return nil
	}
	return find(s.Nodes)
}

// circle tells whether a node reads from itself by way of others, as two looks
// in the middle of a change may tell it.
func (s *Set) circle(name string) bool {
	at := name
	for range s.Nodes {
		at = s.providerOf(at)
		switch at {
		case "":
			return false
		case name:
			return true
		}
	}
	return false
}

// compareNodes orders the branches of the tree: flat and small ones first.
func compareNodes(a, b *NodeStatus) int {
	return cmp.Or(cmp.Compare(a.depth(), b.depth()), cmp.Compare(a.size(), b.size()), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Name, b.Name))
}

func (n *NodeStatus) depth() int {
	d := 0
	for _, b := range n.Below {
		d = max(d, b.depth()+1)
	}
	return d
}

func (n *NodeStatus) size() int {
	size := 1
	for _, b := range n.Below {
		size += b.size()
	}
	return size
}

func (s *Set) nodeStatus(n *Node) *NodeStatus {
	ns := &NodeStatus{Name: n.Name, Service: service(n.ConnString), Provider: s.providerOf(n.Name), Attrs: []string{}, Errors: []string{}, Below: []*NodeStatus{}}
	if p := s.Node(ns.Provider); p != nil && p.Alive() && p != n {
		if sub := p.subscriber(n.Name); sub != nil {
			if r, ok := p.Readers[sub.Worker]; ok {
				ns.Lag, ns.Tick = r.Lag, r.LastTick
				if !n.Alive() {
					ns.Silent = &r.LastSeen
				}
			}
		}
	}
	switch {
	case n.Dead:
		ns.Type = "dead"
	case !n.Alive():
		ns.Type, ns.Failure = "down", firstLine(n.Err.Error())
	default:
		i := n.Info
		ns.Type, ns.Paused, ns.UpToDate, ns.Tick = i.Type, i.Paused, i.UpToDate, i.LastTick
		if i.Type == pgq.RootNode {
			ns.Provider, ns.Lag = "", nil
			if n.Top != nil {
				lag := n.Now.Sub(n.Top.Time)
				ns.Lag = &lag
			}
		}
		ns.Attrs = append(ns.Attrs, attrs(i.Attrs)...)
		for _, c := range n.Consumers {
			if c.Error != nil && *c.Error != "" {
				ns.Errors = append(ns.Errors, c.Consumer+": "+firstLine(*c.Error))
			}
		}
	}
	ns.LagSeconds, ns.SilentSeconds = seconds(ns.Lag), seconds(ns.Silent)
	return ns
}

func seconds(d *time.Duration) *float64 {
	if d == nil {
		return nil
	}
	s := d.Seconds()
	return &s
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// attrs decodes the attributes of a node; what cannot be is shown as it is.
func attrs(encoded string) (list []string) {
	for row := []byte(encoded); len(row) > 0; {
		name, value, rest, err := quote.CutPair(row)
		if err != nil {
			return append(list, string(row))
		}
		row = rest
		n, err1 := quote.AppendUnURL(nil, name)
		v, err2 := quote.AppendUnURL(nil, value)
		if err1 != nil || err2 != nil {
			n, v = name, value
		}
		list = append(list, fmt.Sprintf("%s=%s", n, v))
	}
	return list
}

// Notes are the lines that the tree shows for a node; late marks the lag.
func (n *NodeStatus) Notes(late func(string) string) (list []string) {
	if n.Type != "dead" && n.Type != "down" {
		lag := formatLag(n.Lag)
		if n.Lag != nil && *n.Lag > time.Minute {
			lag = late(lag)
		}
		line := "Lag: " + lag + ", Tick: "
		if n.Tick != nil {
			line += fmt.Sprint(*n.Tick)
		}
		if n.Paused {
			line += ", PAUSED"
		}
		if !n.UpToDate {
			line += ", NOT UPTODATE"
		}
		list = append(list, line)
	} else {
		if n.Failure != "" {
			list = append(list, "ERR: "+n.Failure)
		}
		if n.Silent != nil {
			list = append(list, "Last seen by "+n.Provider+": "+formatLag(n.Silent)+" ago")
		}
	}
	for _, a := range n.Attrs {
		list = append(list, "Attr: "+a)
	}
	for _, e := range n.Errors {
		list = append(list, "ERR: "+e)
	}
	return list
}

// Title is how the tree names a node.
func (n *NodeStatus) Title() string {
	if n.Service != "" {
		return fmt.Sprintf("%s (%s, %s)", n.Name, n.Type, n.Service)
	}
	return fmt.Sprintf("%s (%s)", n.Name, n.Type)
}

// formatLag gives 1d2h3m4s, without parts that are zero but for the seconds.
func formatLag(d *time.Duration) string {
	if d == nil || *d == 0 {
		return "(n/a)"
	}
	left := int64(max(*d, 0) / time.Second)
	text := ""
	for _, u := range []struct {
		name string
		size int64
	}{{"d", 86400}, {"h", 3600}, {"m", 60}} {
		if n := left / u.size; n > 0 {
			text += fmt.Sprintf("%d%s", n, u.name)
			left %= u.size
		}
	}
	return text + fmt.Sprintf("%ds", left)
}

// Lines draws the tree. late marks a lag over a minute.
func (s *Status) Lines(late func(string) string) (lines []string) {
	lines = []string{fmt.Sprintf("Queue: %s   Local node: %s", s.Queue, s.Local), ""}
	for _, n := range s.Nodes {
		lines = n.draw(lines, "", "", late)
	}
	return lines
}

// column is where the notes of the tree begin.
const column = 30

// draw appends a node: its title behind head, and what is below it behind
// indent.
func (n *NodeStatus) draw(lines []string, head, indent string, late func(string) string) []string {
	lines = append(lines, head+n.Title())
	bar := indent
	if len(n.Below) > 0 {
		bar += "  |"
	}
	for _, note := range n.Notes(late) {
		lines = append(lines, fmt.Sprintf("%-*s%s", column, bar, note))
	}
	for i, b := range n.Below {
		next := indent + "  |"
		if i == len(n.Below)-1 {
			next = indent + "   "
		}
		lines = b.draw(lines, indent+"  +--: ", next, late)
	}
	return lines
}

// Compact draws the tree with one line a node.
func (s *Status) Compact(late func(string) string) (lines []string) {
	lines = []string{fmt.Sprintf("Queue: %s   Local node: %s", s.Queue, s.Local), ""}
	var walk func(n *NodeStatus, level int)
	walk = func(n *NodeStatus, level int) {
		line := fmt.Sprintf("%-60s", strings.Repeat("   ", level)+n.Title())
		for _, note := range n.Notes(late) {
			line += fmt.Sprintf("%-29s ", note)
		}
		lines = append(lines, strings.TrimRight(line, " "))
		for _, b := range n.Below {
			walk(b, level+1)
		}
	}
	for _, n := range s.Nodes {
		walk(n, 0)
	}
	return lines
}
