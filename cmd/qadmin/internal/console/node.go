package console

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"skytools/cmd/qadmin/internal/grammar"
	"skytools/lib/cascade"
	"skytools/lib/cli"
	"skytools/lib/db"
)

// A change of a set is lib/cascade's. The console finds out what is meant, shows
// the plan, and asks.
type planner interface {
	Plan(ctx context.Context, c cascade.Config) (*cascade.Plan, error)
}

// set is the way to the set of a queue, of which this database is a node.
func (s *Session) set(ctx context.Context, m *grammar.Match) (cascade.Config, error) {
	queue, err := s.queue(m)
	if err != nil {
		return cascade.Config{}, err
	}
	if _, err := s.connection(ctx); err != nil { // it may have to ask for a password
		return cascade.Config{}, err
	}
	return cascade.Config{Queue: queue, DSN: s.Target.DSN(), ApplicationName: "qadmin"}, nil
}

// change plans, shows, asks, and does it.
func (s *Session) change(ctx context.Context, m *grammar.Match, o planner) error {
	c, err := s.set(ctx, m)
	if err != nil {
		return err
	}
	p, err := o.Plan(ctx, c)
	if err != nil {
		return ofNode(err)
	}
	stop := func() {
		if p.Close != nil {
			p.Close()
		}
	}
	dry := m.Has("dry")
	if dry || s.Interactive {
		w := s.stderr
		if dry {
			w = s.out
		}
		if err := p.Print(w); err != nil || dry {
			stop()
			return err
		}
	} else {
		for _, n := range p.Notes {
			s.message("%s", n)
		}
	}
	tag := strings.ToUpper(m.Statement.Name)
	if len(p.Steps) == 0 {
		stop()
		return s.tag(tag)
	}
	if err := s.confirm(p.Title, false); err != nil {
		stop()
		return err
	}
	err = p.Run(ctx, func(p cascade.Progress) {
		if p.Outcome == cascade.StepStarted || s.Quiet && p.Err == nil {
			return
		}
		text := string(p.Outcome)
		if p.Said != "" {
			text = p.Said
		}
		if p.Err != nil {
			text += ": " + p.Err.Error()
		}
		s.message("%d/%d %s: %s (%s)", p.Number, p.Of, p.Step, text, p.Duration.Round(time.Millisecond))
	})
	if hinted, ok := err.(interface{ Hint() string }); ok && hinted.Hint() != "" {
		return cli.WithHint(ofNode(err), hinted.Hint())
	}
	if err != nil {
		return ofNode(err)
	}
	return s.tag(tag)
}

// ofNode keeps the loss of a connection to a node from being taken for that of
// the console's own.
func ofNode(err error) error {
	if db.IsConnectionLoss(err) {
		return errors.New(err.Error())
	}
	return err
}

func createNode(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	o := cascade.Create{
		Name: m.Value("node"), ConnString: m.Value("location"), Provider: m.Value("provider"), Worker: m.Value("worker"),
		Combined: m.Value("merge"), NoCheck: m.Has("nocheck"),
	}
	for _, kind := range []string{"root", "branch", "leaf"} {
		if m.Has(kind) {
			o.Type = kind
		}
	}
	if o.Worker == "" {
		o.Worker = o.Name
	}
	if v := m.Value("sync"); v != "" {
		o.SyncWatermark = strings.Split(v, ",")
	}
	return s.change(ctx, m, o)
}

func alterNode(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	node := m.Value("node")
	var o planner
	switch {
	case m.Has("takeover"):
		o = cascade.Takeover{
			Old: m.Value("old"), Node: node, All: m.Has("all"), Cancel: m.Has("cancel"),
			DeadRoot: m.Has("dead") && m.Has("root"), DeadBranch: m.Has("dead") && m.Has("branch"),
		}
	case m.Has("tag"):
		o = cascade.Tag{Nodes: []string{node}, Dead: m.Has("dead")}
	case m.Has("location"):
		o = cascade.Relocate{Node: node, ConnString: m.Value("location")}
	default:
		o = cascade.ChangeProvider{Node: node, Provider: m.Value("provider")}
	}
	return s.change(ctx, m, o)
}

func pauseNode(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	return s.change(ctx, m, cascade.Pause{Node: m.Value("node"), Consumer: m.Value("consumer"), Resume: m.Has("resume")})
}

func dropNode(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	return s.change(ctx, m, cascade.Drop{Name: m.Value("node")})
}

// showCascade draws the tree.
func showCascade(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	c, err := s.set(ctx, m)
	if err != nil {
		return err
	}
	set, err := cascade.LoadSet(ctx, c)
	if err != nil {
		return ofNode(err)
	}
	st := set.Status()
	if s.Options.Format == "json" {
		enc := json.NewEncoder(s.out)
		enc.SetEscapeHTML(false)
		return enc.Encode(st)
	}
	late := func(text string) string { return text }
	if s.Color && s.closeOut == nil && os.Getenv("NO_COLOR") == "" {
		late = func(text string) string { return "\033[31m" + text + "\033[0m" }
	}
	for _, l := range st.Lines(late) {
		if _, err := fmt.Fprintln(s.out, l); err != nil {
			return err
		}
	}
	return nil
}

func showSubscribers(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	queue, err := s.queue(m)
	if err != nil {
		return err
	}
	if err := s.needQueue(ctx, queue); err != nil {
		return err
	}
	return s.show(ctx, fmt.Sprintf("Subscribers of %q:", queue), -1, `select s.node_name, s.worker_name, c.last_tick as worker_tick, c.lag, c.last_seen, s.node_watermark
  from pgq_node.get_subscriber_info($1) s
  left join pgq.get_consumer_info($1, null) c on c.consumer_name = s.worker_name
 order by s.node_name`, queue)
}
