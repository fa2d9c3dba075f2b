package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"skytools/lib/cascade"
	"skytools/lib/cli"
	"skytools/lib/pgq"
)

// late colours a lag that somebody should look at.
func (e *env) late() func(string) string {
	if !cli.IsTerminal(e.stdout) || os.Getenv("NO_COLOR") != "" {
		return func(s string) string { return s }
	}
	return func(s string) string { return "\033[31m" + s + "\033[0m" }
}

func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

func status(ctx context.Context, e *env) error {
	set, err := cascade.LoadSet(ctx, e.set)
	if err != nil {
		return err
	}
	st := set.Status()
	if e.Verbs.JSON {
		return writeJSON(e.stdout, st)
	}
	var out strings.Builder
	for _, n := range set.Nodes {
		if f := st.Find(n.Name).Failure; f != "" {
			fmt.Fprintf(&out, "Node '%s' failure: %s\n", n.Name, f)
		}
	}
	lines := st.Lines
	if e.Verbs.Compact {
		lines = st.Compact
	}
	for _, l := range lines(e.late()) {
		out.WriteString(l + "\n")
	}
	_, err = io.WriteString(e.stdout, out.String())
	return err
}

// member is a row of members --json.
type member struct {
	Node     string `json:"node_name"`
	Dead     bool   `json:"dead"`
	Location string `json:"node_location"`
}

func members(ctx context.Context, e *env) error {
	n, err := cascade.LoadNode(ctx, e.set)
	if err != nil {
		return err
	}
	if e.Verbs.JSON {
		list := []member{}
		for _, l := range n.Locations {
			list = append(list, member{l.Node, l.Dead, cli.MaskConnString(l.ConnString)})
		}
		return writeJSON(e.stdout, list)
	}
	rows := [][]string{}
	for _, l := range n.Locations {
		dead := "False"
		if l.Dead {
			dead = "True"
		}
		rows = append(rows, []string{l.Node, dead, cli.MaskConnString(l.ConnString)})
	}
	return table(e.stdout, fmt.Sprintf("Member info on %s@%s:", n.Info.Name, e.Settings.Queue), []string{"node_name", "dead", "node_location"}, rows)
}

// table writes what upstream's tools write: at least 15 wide, the last column as
// it is, and nothing at all without rows.
func table(w io.Writer, title string, head []string, rows [][]string) error {
	if len(rows) == 0 {
		return nil
	}
	width := make([]int, len(head))
	for i, h := range head {
		width[i] = max(15, len(h))
		for _, r := range rows {
			width[i] = max(width[i], len(r[i]))
		}
	}
	dashes := make([]string, len(head))
	for i := range head {
		dashes[i] = strings.Repeat("-", width[i])
	}
	var out strings.Builder
	out.WriteString(title + "\n")
	for _, r := range append([][]string{head, dashes}, rows...) {
		for i, v := range r {
			if i == len(r)-1 {
				out.WriteString(v + "\n")
			} else {
				fmt.Fprintf(&out, "%-*s  ", width[i], v)
			}
		}
	}
	out.WriteString("\n\n")
	_, err := io.WriteString(w, out.String())
	return err
}

func nodeStatus(ctx context.Context, e *env) error {
	set, err := cascade.LoadSet(ctx, e.set)
	if err != nil {
		return err
	}
	n := set.LocalNode()
	st := set.Status().Find(set.Local)
	if e.Verbs.JSON {
		return writeJSON(e.stdout, st)
	}
	var out strings.Builder
	out.WriteString(st.Title() + "\n")
	fmt.Fprintf(&out, "    Provider: %s\n", firstOf(st.Provider, "--"))
	var subs []string
	for _, s := range n.Subscribers {
		subs = append(subs, s.Node)
	}
	fmt.Fprintf(&out, "    Subscribers: %s\n", strings.Join(subs, ", "))
	for _, note := range st.Notes(e.late()) {
		out.WriteString("    " + note + "\n")
	}
	_, err = io.WriteString(e.stdout, out.String())
	return err
}

// info is node-info --json.
type info struct {
	Node          string   `json:"node"`
	Type          string   `json:"type"`
	Queue         string   `json:"queue"`
	Status        []string `json:"status"`
	Provider      string   `json:"provider"`
	Local         string   `json:"local_location"`
	Public        string   `json:"public_location"`
	ProviderAt    string   `json:"provider_location"`
	CombinedQueue string   `json:"combined_queue"`
	CombinedType  string   `json:"combined_type"`
	Worker        string   `json:"worker"`
	Attrs         string   `json:"attrs"`
}

func nodeInfo(ctx context.Context, e *env) error {
	n, err := cascade.LoadNode(ctx, e.set)
	if err != nil {
		return err
	}
	i := info{
		Node: n.Info.Name, Type: n.Info.Type, Queue: e.Settings.Queue, Status: []string{}, Provider: n.Info.Provider,
		Local: cli.MaskConnString(e.Settings.DB), ProviderAt: cli.MaskConnString(n.Info.ProviderLocation),
		CombinedQueue: n.Info.CombinedQueue, CombinedType: n.Info.CombinedType, Worker: n.Info.Worker, Attrs: n.Info.Attrs,
	}
	for _, l := range n.Locations {
		if l.Node == i.Node {
			i.Public = cli.MaskConnString(l.ConnString)
			if l.Dead {
				i.Status = append(i.Status, "DEAD")
			}
		}
	}
	if n.Info.Paused {
		i.Status = append(i.Status, "PAUSED")
	}
	if !n.Info.UpToDate {
		i.Status = append(i.Status, "NON-UP-TO-DATE")
	}
	root := i.Type == pgq.RootNode
	if root {
		i.Provider, i.ProviderAt = "", ""
	}
	if e.Verbs.JSON {
		return writeJSON(e.stdout, i)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "Node: %s  Type: %s  Queue: %s\n", i.Node, i.Type, i.Queue)
	fmt.Fprintf(&out, "Status: %s\n", firstOf(strings.Join(i.Status, ", "), "OK"))
	fmt.Fprintf(&out, "Provider: %s\n", firstOf(i.Provider, "--"))
	if i.CombinedQueue != "" {
		fmt.Fprintf(&out, "Combined Queue: %s  (node type: %s)\n", i.CombinedQueue, firstOf(i.CombinedType, "none"))
	}
	fmt.Fprintf(&out, "Connect strings:\n  Local   : %s\n  Public  : %s\n", i.Local, i.Public)
	if !root {
		fmt.Fprintf(&out, "  Provider: %s\n", i.ProviderAt)
	}
	_, err = io.WriteString(e.stdout, out.String())
	return err
}

// wait is wait-root and wait-provider.
func wait(ctx context.Context, e *env) error {
	if d := e.Verbs.Wait.Duration(); d > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d, fmt.Errorf("no newer tick within %s", d))
		defer cancel()
	}
	tick, err := cascade.WaitFor(ctx, e.set, e.verb.name == "wait-root")
	if errors.Is(err, cascade.ErrIsRoot) {
		fmt.Fprintln(e.stderr, "Current node is root, no need to wait")
		return nil
	}
	if err == nil && !e.Switches.Quiet {
		fmt.Fprintf(e.stderr, "got tick %d\n", tick)
	}
	return err
}
