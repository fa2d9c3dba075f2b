package console

import (
	"context"
	"embed"
	"fmt"

	"skytools/cmd/qadmin/internal/grammar"
)

//go:embed sql/*.sql
var files embed.FS

// file returns a query of the directory sql.
func file(name string) string {
	b, err := files.ReadFile("sql/" + name + ".sql")
	if err != nil {
		panic(err) // a name that is not there is a bug of this program
	}
	return string(b)
}

// ofQueue is the argument and title of a statement that is about the queue it
// names, or about all.
func (s *Session) ofQueue(ctx context.Context, m *grammar.Match, what string) (title string, name any, err error) {
	a, ok := m.Arg("queue")
	if !ok {
		return what + ":", nil, nil
	}
	return fmt.Sprintf("%s of %q:", what, a.Token.Value), a.Token.Value, s.needQueue(ctx, a.Token.Value)
}

// queueShow makes a statement of a query with the name of a queue or NULL.
func queueShow(what, name string) handler {
	return func(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
		title, queue, err := s.ofQueue(ctx, m, what)
		if err != nil {
			return err
		}
		return s.show(ctx, title, -1, file(name), queue)
	}
}

var (
	showRotation = queueShow("Rotation", "rotation")
	showRetry    = queueShow("Retry events", "retry")
	showTriggers = queueShow("Triggers", "triggers")
)

func showLocks(ctx context.Context, s *Session, _ *input, _ *grammar.Match) error {
	return s.show(ctx, "Locks:", -1, file("locks"))
}

// showStatus shows one row, for a person one line for each value.
func showStatus(ctx context.Context, s *Session, _ *input, _ *grammar.Match) error {
	s.expand = true
	defer func() { s.expand = false }()
	return s.show(ctx, "Status:", -1, file("status"))
}

func showNode(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	var node, queue any
	if a, ok := m.Arg("node"); ok {
		node = a.Token.Value
	}
	if a, ok := m.Arg("queue"); ok {
		queue = a.Token.Value
	} else if !m.Has("on") && !m.Has("nodes") && s.Queue != "" {
		queue = s.Queue
	}
	// A location may hold a password.
	return s.show(ctx, "Nodes:", -1, `select queue_name, node_name,
       case when $3 then node_location else pg_catalog.regexp_replace(pg_catalog.regexp_replace(node_location, '(password\s*=\s*)(''([^''\\]|\\.)*''|\S+)', '\1***', 'gi'),
           '^(postgres(?:ql)?://[^:/@]*:)[^@/]*@', '\1***@') end as node_location, dead
  from pgq_node.node_location
 where ($1::text is null or node_name = $1)
   and ($2::text is null or queue_name = $2)
 order by queue_name, node_name`, node, queue, s.ShowSecrets)
}

// showDDL shows a table or a sequence as what makes it.
func showDDL(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	kind, kinds := "table", "rpf"
	a, ok := m.Arg("table")
	if !ok {
		kind, kinds = "sequence", "S"
		a, _ = m.Arg("sequence")
	}
	// What is not a string is a name as the server reads it.
	name := a.Token.Text
	if a.Token.Kind == grammar.String || a.Token.Kind == grammar.Dollar {
		name = a.Token.Value
	}
	oid, err := s.value(ctx, `select c.oid from pg_catalog.pg_class c where c.oid = pg_catalog.to_regclass($1)
   and pg_catalog.strpos($2, c.relkind::text) > 0`, name, kinds)
	if err != nil {
		return err
	}
	if oid == "" {
		return fmt.Errorf("%s not found: %s", kind, name)
	}
	if s.Options.Machine() {
		return s.show(ctx, "", -1, file(kind), oid)
	}
	const frame = "----------------------------------------------------------------"
	lines, err := s.names(ctx, file(kind), oid)
	if err != nil {
		return err
	}
	fmt.Fprintln(s.out, frame)
	for _, l := range lines {
		fmt.Fprintln(s.out, l)
	}
	_, err = fmt.Fprintln(s.out, frame)
	return err
}
