package cascade

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"skytools/lib/pgq"
)

// Resurrect makes a root that was lost, and came back, a branch of the set that
// went on without it. It runs at the local node. What only this node has is
// written to a file and deleted.
type Resurrect struct {
	// DumpFile takes the events that only this node has; "" is LostEvents. It
	// must not exist.
	DumpFile string
}

// LostEvents is the usual name of Resurrect.DumpFile.
const LostEvents = "resurrect-lost-events.json"

// Plan checks the node and plans its return. A plan without steps means that it
// has returned.
func (o Resurrect) Plan(ctx context.Context, c Config) (*Plan, error) {
	if o.DumpFile == "" {
		o.DumpFile = LostEvents
	}
	set, err := LoadSet(ctx, c)
	if err != nil {
		return nil, err
	}
	r := &resurrection{hands: newHands(c, set, 0), file: o.DumpFile, node: set.LocalNode()}
	p := &Plan{Title: fmt.Sprintf("make the failed root %s of queue %s a branch again", set.Local, c.Queue), Close: r.close}
	if r.node.Info.Type == pgq.LeafNode {
		return nil, fmt.Errorf("node %s is a leaf, which has no events of its own", set.Local)
	}
	swapped, err := r.locate()
	if err != nil {
		return nil, err
	}
	disabled, err := r.isDisabled(ctx)
	if err != nil {
		return nil, err
	}
	if _, err := os.Lstat(r.file); err == nil && !disabled {
		return nil, fmt.Errorf("file %s exists", r.file)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	p.Open = func(ctx context.Context) error { return r.lock(ctx, r.node.Name, r.provider.Name) }
	if swapped && !r.node.Info.Paused {
		p.Steps = r.tail(true)
		return p, nil
	}
	if !swapped {
		p.Steps = append(p.Steps, r.stand(), r.demote(1), r.demote(2), r.demote(3), r.dump(), r.dropReaders(), r.forget(), r.swap())
	}
	p.Steps = append(p.Steps, r.tail(false)...)
	for _, n := range set.Below(r.node.Name) {
		p.Notes = append(p.Notes, fmt.Sprintf("node %s reads from %s still, and will stop with an error: change its provider", n.Name, r.node.Name))
	}
	p.Notes = append(p.Notes, fmt.Sprintf("the worker stays paused: see what is in %s, and make what else the database has of it right, then resume", r.file))
	return p, nil
}

// resurrection is one that is planned or run.
type resurrection struct {
	*hands
	file     string
	node     *Node // the local one
	provider *Node // keeps the gravestone
	tick     int64 // from which the set went on

	events, ofUsers int64 // that are lost
	readers         []string
}

// locate finds the node that keeps the tick from which the set went on.
func (r *resurrection) locate() (swapped bool, err error) {
	name := r.node.Name + gravestone
	for _, n := range r.set.Nodes {
		if !n.Alive() || n == r.node {
			continue
		}
		if c, found := n.Readers[name]; found && c.LastTick != nil {
			if r.provider != nil {
				return false, fmt.Errorf("nodes %s and %s both have a consumer %s", r.provider.Name, n.Name, name)
			}
			r.provider, r.tick = n, *c.LastTick
		}
	}
	if r.provider != nil {
		if path := r.set.pathTo(r.provider.Name, r.node.Name); path != nil {
			return false, fmt.Errorf("node %s, which has the gravestone, reads from this node: %s", r.provider.Name, strings.Join(path, " < "))
		}
		return false, nil
	}
	if p := r.set.Node(r.node.Info.Provider); r.node.Info.Type == pgq.BranchNode && p != nil && p.Alive() {
		if s := p.subscriber(r.node.Name); s != nil && s.Worker == r.node.Info.Worker {
			r.provider, r.tick = p, deref(r.node.Info.LastTick)
			return true, nil
		}
	}
	return false, fmt.Errorf("no node that answers has a consumer %s, so it is not known from where the set went on without node %s", name, r.node.Name)
}

func (r *resurrection) isDisabled(ctx context.Context) (disabled bool, err error) {
	err = r.at(ctx, r.node.Name, func(ctx context.Context, client *pgq.Client) (err error) {
		disabled, err = client.WritesDisabled(ctx, r.c.Queue)
		return err
	})
	return disabled, err
}

// stand pauses the worker, running or not.
func (r *resurrection) stand() Step {
	return Step{
		Node: r.node.Name, Text: "pause its worker, for good",
		Done: func(ctx context.Context) (bool, error) {
			s, err := r.state(ctx, r.node.Name, r.c.Queue, r.node.Info.Worker)
			return err == nil && s.Paused, err
		},
		Do: func(ctx context.Context) error {
			return r.setPaused(ctx, r.node.Name, r.c.Queue, r.node.Info.Worker, true)
		},
	}
}

// demote is a step of the demotion. None is taken back: the set has a root.
func (r *resurrection) demote(step int) Step {
	text := map[int]string{
		1: "demote, step 1: disable writes",
		2: "demote, step 2: wait for the writers under way, and make the last tick",
		3: fmt.Sprintf("demote, step 3: become a branch below %s", r.provider.Name),
	}
	return Step{
		Node: r.node.Name, Text: text[step],
		Done: func(ctx context.Context) (bool, error) {
			if step == 1 {
				return r.isDisabled(ctx)
			}
			i, err := r.info(ctx, r.node.Name)
			return err == nil && i.Type == pgq.BranchNode, err
		},
		Do: func(ctx context.Context) error {
			return r.at(ctx, r.node.Name, func(ctx context.Context, client *pgq.Client) error {
				_, err := client.DemoteRoot(ctx, r.c.Queue, step, r.provider.Name)
				return err
			})
		},
	}
}

// forgotten tells whether nothing is after the tick from which the set went on.
// The demotion has made a tick after it.
func (r *resurrection) forgotten(ctx context.Context) (there bool, err error) {
	err = r.at(ctx, r.node.Name, func(ctx context.Context, client *pgq.Client) error {
		top, err := topOf(ctx, client, r.c.Queue)
		there = top == r.tick
		return err
	})
	return there, err
}

// lostEvent is an event in the file.
type lostEvent struct {
	ID       int64   `json:"ev_id"`
	Type     *string `json:"ev_type"`
	Data     *string `json:"ev_data"`
	Extra1   *string `json:"ev_extra1"`
	Extra2   *string `json:"ev_extra2"`
	Extra3   *string `json:"ev_extra3"`
	Extra4   *string `json:"ev_extra4"`
	Time     string  `json:"ev_time"`
	Txid     int64   `json:"ev_txid"`
	Retry    *int32  `json:"ev_retry"`
	Tick     int64   `json:"tick_id"`
	PrevTick int64   `json:"prev_tick_id"`
}

// dump writes what only this node has to the file, which is there whole or not
// at all, and on the disk before anything is deleted.
func (r *resurrection) dump() Step {
	return Step{
		Node: r.node.Name, Text: fmt.Sprintf("write the events after tick %d, which no other node has, to %s", r.tick, r.file),
		Done: r.forgotten,
		Do: func(ctx context.Context) error {
			known, err := r.inFile()
			if err != nil {
				return err
			}
			if known != nil {
				// An earlier run has written it; is all in it?
				return r.eachLost(ctx, func(e *pgq.LostEvent) error {
					if !known[e.ID] {
						return fmt.Errorf("file %s exists, and event %d is not in it: it is of another time, move it away", r.file, e.ID)
					}
					return nil
				})
			}
			return r.write(ctx)
		},
		Said: func() string {
			return fmt.Sprintf("%d events, %d of them of users", r.events, r.ofUsers)
		},
	}
}

// eachLost hands each event that only this node has to f, and counts them.
func (r *resurrection) eachLost(ctx context.Context, f func(*pgq.LostEvent) error) error {
	r.events, r.ofUsers = 0, 0
	return r.long(ctx, r.node.Name, func(ctx context.Context, client *pgq.Client) error {
		return client.EventsAfter(ctx, r.c.Queue, r.tick, func(e *pgq.LostEvent) error {
			r.events++
			if !strings.HasPrefix(deref(e.Type), "pgq.") {
				r.ofUsers++
			}
			return f(e)
		})
	})
}

// inFile returns the ids of the events in the file, nil if there is no file.
func (r *resurrection) inFile() (map[int64]bool, error) {
	f, err := os.Open(r.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	dec := json.NewDecoder(bufio.NewReader(f))
	ids := map[int64]bool{}
	if _, err = dec.Token(); err == nil {
		for dec.More() {
			var e lostEvent
			if err = dec.Decode(&e); err != nil {
				break
			}
			ids[e.ID] = true
		}
	}
	if err != nil {
		return nil, fmt.Errorf("file %s exists, and is none of lost events: %w", r.file, err)
	}
	return ids, nil
}

// write writes the file under another name first, and gives it its own by a
// link, which fails if there is one.
func (r *resurrection) write(ctx context.Context) (err error) {
	temp := r.file + ".tmp"
	f, err := os.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	defer os.Remove(temp)
	defer f.Close()
	w := bufio.NewWriter(f)
	before := "[\n"
	err = r.eachLost(ctx, func(e *pgq.LostEvent) error {
		line, err := json.Marshal(lostEvent{
			ID: e.ID, Type: e.Type, Data: e.Data, Extra1: e.Extra[0], Extra2: e.Extra[1], Extra3: e.Extra[2], Extra4: e.Extra[3],
			Time: e.Time.UTC().Format("2006-01-02T15:04:05.000000-07:00"), Txid: e.Txid, Retry: e.Retry, Tick: e.Tick, PrevTick: e.PrevTick,
		})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s%s", before, line)
		before = ",\n"
		return err
	})
	if err != nil {
		return err
	}
	if before == "[\n" {
		before = "["
	} else {
		before = "\n"
	}
	fmt.Fprintf(w, "%s]\n", before)
	if err := w.Flush(); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := os.Link(temp, r.file); err != nil {
		return err
	}
	return syncDir(filepath.Dir(r.file))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// dropReaders removes what has a position after the tick, or may have: nodes
// read from others now, and consumers would not know that events went.
func (r *resurrection) dropReaders() Step {
	return Step{
		Node: r.node.Name, Text: "remove its subscribers and consumers",
		Do: func(ctx context.Context) error {
			return r.long(ctx, r.node.Name, func(ctx context.Context, client *pgq.Client) error {
				r.readers = nil
				subscribers, err := client.NodeSubscribers(ctx, r.c.Queue)
				if err != nil {
					return err
				}
				for _, s := range subscribers {
					if _, err := client.UnregisterSubscriber(ctx, r.c.Queue, s.Node); err != nil {
						return err
					}
					r.readers = append(r.readers, "node "+s.Node)
				}
				consumers, err := client.ConsumerInfo(ctx, r.c.Queue, "")
				if err != nil {
					return err
				}
				for _, c := range consumers {
					if strings.HasPrefix(c.Consumer, ".") {
						continue
					}
					if _, err := client.Unregister(ctx, r.c.Queue, c.Consumer); err != nil {
						return err
					}
					r.readers = append(r.readers, fmt.Sprintf("%s at tick %d", c.Consumer, deref(c.LastTick)))
				}
				return nil
			})
		},
		Said: func() string {
			if len(r.readers) == 0 {
				return ""
			}
			return "removed " + strings.Join(r.readers, ", ")
		},
	}
}

// forget deletes what was dumped, and puts the worker to the tick from which the
// set went on.
func (r *resurrection) forget() Step {
	return Step{
		Node: r.node.Name, Text: fmt.Sprintf("delete the events and ticks after tick %d, and set the worker there", r.tick),
		Done: r.forgotten,
		Do: func(ctx context.Context) error {
			return r.long(ctx, r.node.Name, func(ctx context.Context, client *pgq.Client) error {
				n, err := client.DeleteAfter(ctx, r.c.Queue, r.tick)
				if err != nil {
					return err
				}
				if n != r.events {
					return fmt.Errorf("%d events are after tick %d, but %d were written to %s", n, r.tick, r.events, r.file)
				}
				return client.SetConsumerCompleted(ctx, r.c.Queue, r.node.Info.Worker, r.tick)
			})
		},
	}
}

// swap makes the node a subscriber with its worker in the place of the
// gravestone.
func (r *resurrection) swap() Step {
	return Step{
		Node: r.provider.Name, Text: fmt.Sprintf("register %s of %s at tick %d in the place of %s%s", r.node.Info.Worker, r.node.Name, r.tick, r.node.Name, gravestone),
		Done: func(ctx context.Context) (there bool, err error) {
			err = r.at(ctx, r.provider.Name, func(ctx context.Context, client *pgq.Client) error {
				l, err := client.NodeSubscribers(ctx, r.c.Queue)
				there = slices.ContainsFunc(l, func(s pgq.Subscriber) bool { return s.Node == r.node.Name && s.Worker == r.node.Info.Worker })
				return err
			})
			return there, err
		},
		Do: func(ctx context.Context) error {
			return r.tx(ctx, r.provider.Name, func(ctx context.Context, client *pgq.Client) error {
				if _, err := client.UnregisterSubscriber(ctx, r.c.Queue, r.node.Name); err != nil {
					return err
				}
				_, err := client.RegisterSubscriber(ctx, r.c.Queue, r.node.Name, r.node.Info.Worker, &r.tick)
				return err
			})
		},
	}
}

// tail makes the set know the node again, and the node the set. onlyDead leaves
// out what has been done if the worker runs.
func (r *resurrection) tail(onlyDead bool) []Step {
	var steps []Step
	if !onlyDead {
		steps = append(steps, Step{
			Node: r.node.Name, Text: fmt.Sprintf("take over the members and the global watermark from %s", r.provider.Name),
			Do: func(ctx context.Context) error {
				var members []pgq.Location
				var mark int64
				err := r.at(ctx, r.provider.Name, func(ctx context.Context, client *pgq.Client) error {
					i, err := client.NodeInfo(ctx, r.c.Queue)
					if err != nil || i == nil {
						return err
					}
					mark = min(deref(i.GlobalWatermark), r.tick)
					members, err = client.NodeLocations(ctx, r.c.Queue)
					return err
				})
				if err != nil {
					return err
				}
				return r.tx(ctx, r.node.Name, func(ctx context.Context, client *pgq.Client) error {
					for _, l := range members {
						if l.Node == r.node.Name {
							l.Dead = false
						}
						if err := client.RegisterLocation(ctx, r.c.Queue, l); err != nil {
							return err
						}
					}
					return client.SetGlobalWatermark(ctx, r.c.Queue, &mark)
				})
			},
		})
	}
	for _, n := range r.set.Nodes {
		if n.Alive() && n != r.node && slices.ContainsFunc(n.Locations, func(l pgq.Location) bool { return l.Node == r.node.Name && l.Dead }) {
			steps = append(steps, Step{
				Node: n.Name, Text: fmt.Sprintf("tag node %s as alive", r.node.Name),
				Do: func(ctx context.Context) error {
					return r.at(ctx, n.Name, func(ctx context.Context, client *pgq.Client) error {
						return client.RegisterLocation(ctx, r.c.Queue, pgq.Location{Node: r.node.Name, ConnString: r.node.ConnString})
					})
				},
			})
		}
	}
	return steps
}
