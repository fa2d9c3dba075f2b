package console

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"skytools/cmd/qadmin/internal/grammar"
	"skytools/extension"
	"skytools/lib/cli"
)

func connectStatement(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	over := map[string]string{}
	var queue, node *string
	for _, a := range m.Values() {
		v := a.Token.Value
		switch a.Label {
		case "queue":
			queue = &v
		case "node":
			node = &v
		default:
			over[a.Label] = v
		}
	}
	switch {
	case node != nil && len(over) > 0:
		return errors.New("node= does not go with parts of a connection string")
	case node != nil:
		target, err := s.nodeTarget(ctx, *node, queue)
		if err != nil {
			return err
		}
		if err := s.connectTo(ctx, target); err != nil {
			return err
		}
	case len(over) > 0:
		target := s.Target
		if over["service"] != "" {
			target = Target{}
		}
		if err := s.connectTo(ctx, target.With(over)); err != nil {
			return err
		}
	}
	if queue != nil {
		if err := s.useQueue(ctx, *queue); err != nil {
			return err
		}
	} else {
		s.checkQueue(ctx)
	}
	return s.tag("CONNECT")
}

// nodeTarget finds out where a node of a queue is.
func (s *Session) nodeTarget(ctx context.Context, node string, queue *string) (Target, error) {
	name := s.Queue
	if queue != nil {
		name = *queue
	}
	if name == "" {
		return Target{}, cli.WithHint(errors.New("no queue specified"), "A node belongs to a queue: connect node=NODE queue=QUEUE.")
	}
	have, err := s.Installed(ctx)
	if err != nil {
		return Target{}, err
	}
	if lack := have.Lacks(&grammar.Statement{Needs: "pgq_node"}); lack != "" {
		return Target{}, fmt.Errorf("connect node= %s", lack)
	}
	loc, err := s.value(ctx, "select node_location from pgq_node.get_queue_locations($1) where node_name = $2", name, node)
	if err == nil && loc == "" {
		err = fmt.Errorf("node not found: %s", node)
	}
	return Target{Base: loc}, err
}

// connectTo replaces the connection by one to another place. If that fails the
// old one stays.
func (s *Session) connectTo(ctx context.Context, t Target) error {
	conn, err := s.dial(ctx, &t)
	if err != nil {
		return err
	}
	s.drop()
	s.conn, s.Target = conn, t
	versions, err := s.versions(ctx)
	if err != nil {
		return err
	}
	if !s.Quiet {
		s.message("%s %s, server %s, pgq %s", program, versions[0].text(1), versions[1].text(1), versions[2].text(1))
	}
	return nil
}

// useQueue chooses the default queue.
func (s *Session) useQueue(ctx context.Context, name string) error {
	exists, err := s.queueExists(ctx, name)
	if err != nil {
		return err
	}
	if !exists {
		return fmt.Errorf("queue not found: %s", name)
	}
	s.Queue = name
	return nil
}

func (s *Session) queueExists(ctx context.Context, name string) (bool, error) {
	return s.yes(ctx, "select exists (select from pgq.queue where queue_name = $1)", name)
}

// checkQueue warns if the database does not have the default queue.
func (s *Session) checkQueue(ctx context.Context) {
	if s.Queue == "" {
		return
	}
	have, err := s.Installed(ctx)
	exists := false
	if _, pgq := have["pgq"]; err == nil && pgq {
		exists, err = s.queueExists(ctx, s.Queue)
	}
	if err == nil && !exists {
		s.message("WARNING: this database has no queue %q, which is the default one", s.Queue)
	}
}

// connectCommand is \c [DB|URI|- [USER [HOST [PORT]]]].
func connectCommand(ctx context.Context, s *Session, _ *input, args []string) error {
	if len(args) > 4 {
		return errors.New(`too many arguments of \c`)
	}
	over := map[string]string{}
	target := s.Target
	for i, key := range []string{"dbname", "user", "host", "port"} {
		if i < len(args) && args[i] != "-" && args[i] != "" {
			over[key] = args[i]
		}
	}
	if db := over["dbname"]; IsURL(db) || strings.Contains(db, "=") {
		target = Target{Base: db}
		delete(over, "dbname")
	}
	if err := s.connectTo(ctx, target.With(over)); err != nil {
		return err
	}
	s.checkQueue(ctx)
	return nil
}

func connInfo(ctx context.Context, s *Session, _ *input, _ []string) error {
	conn, err := s.connection(ctx)
	if err != nil {
		return err
	}
	c := conn.Config()
	at := fmt.Sprintf("on host %q", c.Host)
	if strings.HasPrefix(c.Host, "/") {
		at = fmt.Sprintf("by the socket in %q", c.Host)
	}
	_, err = fmt.Fprintf(s.out, "You are connected to database %q as user %q %s at port %d.\n", c.Database, c.User, at, c.Port)
	return err
}

// queueCommand is \Q [QUEUE].
func queueCommand(ctx context.Context, s *Session, _ *input, args []string) error {
	if len(args) > 0 {
		return s.useQueue(ctx, args[0])
	}
	text := "There is no default queue."
	if s.Queue != "" {
		text = fmt.Sprintf("The default queue is %q.", s.Queue)
	}
	_, err := fmt.Fprintln(s.out, text)
	return err
}

// versions lists qadmin, the server and what is installed.
func (s *Session) versions(ctx context.Context) ([]record, error) {
	have, err := s.Installed(ctx)
	if err != nil {
		return nil, err
	}
	of := func(name string) string {
		v, ok := have[name]
		switch {
		case !ok:
			return "<none>"
		case v == "":
			return "unknown"
		}
		return v
	}
	_, own, _ := strings.Cut(cli.Version(program), " ")
	own, _, _ = strings.Cut(own, " ")
	list := []record{
		{[]byte(program), []byte(own)},
		{[]byte("server"), []byte(s.conn.PgConn().ParameterStatus("server_version"))},
		{[]byte("pgq"), []byte(of("pgq"))},
	}
	for _, name := range []string{"pgq_coop", "pgq_ext", "pgq_node", "londiste"} {
		if _, ok := have[name]; ok {
			list = append(list, record{[]byte(name), []byte(of(name))})
		}
	}
	return list, nil
}

func showVersion(ctx context.Context, s *Session, _ *input, _ *grammar.Match) error {
	list, err := s.versions(ctx)
	if err != nil {
		return err
	}
	if s.Options.Format != "aligned" {
		return s.showRows("", []string{"program", "version"}, list)
	}
	for _, r := range list {
		if _, err := fmt.Fprintf(s.out, "%-10s %s\n", r.text(0), r.text(1)); err != nil {
			return err
		}
	}
	return nil
}

// showExtensions is \dx: of our extensions, what is installed, what the server
// has, and what this program brings along.
func showExtensions(ctx context.Context, s *Session, _ *input, _ []string) error {
	have, err := s.Installed(ctx)
	if err != nil {
		return err
	}
	rows, err := s.rows(ctx, `select n.name, e.extname is not null, a.default_version
  from pg_catalog.unnest(array['pgq', 'pgq_coop', 'pgq_ext', 'pgq_node', 'londiste']) with ordinality n (name, place)
  left join pg_catalog.pg_extension e on e.extname = n.name
  left join pg_catalog.pg_available_extensions a on a.name = n.name
 order by n.place`)
	if err != nil {
		return err
	}
	var list []record
	for _, r := range rows {
		name := r.text(0)
		var installed, as, ours []byte
		if v, ok := have[name]; ok {
			installed, as = []byte(v), []byte("schema")
			if r.text(1) == "t" {
				as = []byte("extension")
			}
		}
		if extension.Exists(name) {
			ours = []byte(extension.Version(name))
		}
		list = append(list, record{r[0], installed, as, r[2], ours})
	}
	return s.showRows("Extensions:", []string{"name", "installed", "as", "on_server", "in_qadmin"}, list)
}
