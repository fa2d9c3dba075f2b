package console

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"skytools/cmd/qadmin/internal/grammar"
	"skytools/cmd/qadmin/internal/output"
)

// condition is an \if that no \endif has ended.
type condition struct {
	outer bool         // what is around it is run
	done  bool         // a branch was run, or is
	live  bool         // the branch at hand is run
	last  bool         // \else was seen
	mark  grammar.Mark // the buffer where the branch at hand begins, if it is not run
}

// skips tells whether what is read is not to be run.
func (in *input) skips() bool {
	n := len(in.conditions)
	return n > 0 && !in.conditions[n-1].live
}

// conditional makes one of \if, \elif, \else and \endif, which are run in what
// is skipped too.
func conditional(name string) commandFunc {
	return func(_ context.Context, _ *Session, in *input, args []string) error {
		return in.conditional(name, first(args))
	}
}

func isConditional(text string) bool {
	name, _ := cutCommand(text)
	return name == "if" || name == "elif" || name == "else" || name == "endif"
}

func (in *input) conditional(name, rest string) (err error) {
	n := len(in.conditions)
	if name == "if" {
		c := &condition{outer: !in.skips()}
		in.conditions = append(in.conditions, c)
		if c.outer {
			c.live, err = in.holds(rest)
		}
		c.done = c.live
		c.mark = in.Mark()
		in.branch()
		return err
	}
	if n == 0 {
		return fmt.Errorf(`\%s without \if`, name)
	}
	c := in.conditions[n-1]
	if c.last && name != "endif" {
		return fmt.Errorf(`\%s after \else`, name)
	}
	// What the branch that was not run has put into the buffer goes.
	if !c.live {
		in.Rewind(c.mark)
	}
	c.mark = in.Mark()
	switch name {
	case "elif":
		c.live = false
		if c.outer && !c.done {
			c.live, err = in.holds(rest)
		}
	case "else":
		c.last = true
		c.live = c.outer && !c.done
	case "endif":
		in.conditions = in.conditions[:n-1]
	}
	c.done = c.done || c.live
	in.branch()
	return err
}

// branch makes variables stand for their values only in what is run.
func (in *input) branch() {
	in.Lookup = in.session.lookup
	if in.skips() {
		in.Lookup = nil
	}
}

// holds reads the expression of \if: a boolean, which may come of a variable.
// What is none is an error and false.
func (in *input) holds(text string) (bool, error) {
	args, err := in.session.arguments(text)
	if err != nil {
		return false, err
	}
	return output.ParseBool(`the expression of \if`, strings.Join(args, " "))
}

// autoBegin begins a transaction if AUTOCOMMIT is off and none is open.
func (s *Session) autoBegin(ctx context.Context) error {
	if on, err := boolVar(s.Vars["AUTOCOMMIT"]); s.Vars["AUTOCOMMIT"] == "" || err != nil || on || s.inTransaction() {
		return nil
	}
	return s.execute(ctx, "begin")
}

// alone are the first words of SQL that begins or ends a transaction itself or
// cannot be part of one, each with what may follow; nothing means anything.
var alone = map[string][]string{
	"abort": nil, "begin": nil, "start": nil, "commit": nil, "end": nil, "rollback": nil, "vacuum": nil,
	"cluster":    {""},
	"prepare":    {"transaction"},
	"create":     {"database", "tablespace", "index concurrently", "unique index concurrently"},
	"drop":       {"database", "tablespace", "index concurrently"},
	"alter":      {"system"},
	"reindex":    {"database", "system", "schema", "index concurrently", "table concurrently"},
	"discard":    {"all"},
	"checkpoint": {""},
}

// standsAlone tells whether SQL is not to be put into a transaction.
func standsAlone(text string, escapes bool) bool {
	tokens, _ := grammar.Tokens(text, escapes)
	if len(tokens) == 0 {
		return true
	}
	var words []string
	for _, t := range tokens[1:min(len(tokens), 4)] {
		words = append(words, t.Value)
	}
	follow, ok := alone[tokens[0].Value]
	if !ok || follow == nil {
		return ok
	}
	rest := strings.Join(words, " ")
	for _, f := range follow {
		if rest == f || f != "" && strings.HasPrefix(rest+" ", f+" ") {
			return true
		}
	}
	return false
}

// collected is a result that is kept and not written.
type collected struct {
	names []string
	rows  [][]*string
}

// Row keeps two rows at most: who asks wants one.
func (c *collected) Row(values [][]byte) error {
	if len(c.rows) == 2 {
		return nil
	}
	row := make([]*string, len(values))
	for i, v := range values {
		if v != nil {
			text := string(v)
			row[i] = &text
		}
	}
	c.rows = append(c.rows, row)
	return nil
}

func (c *collected) Close() error { return nil }

// setCommandResult is \gset [PREFIX]: it runs the buffer and puts the columns
// of the only row into variables.
func setCommandResult(ctx context.Context, s *Session, in *input, args []string) error {
	if len(args) > 1 {
		return errors.New(`too many arguments of \gset`)
	}
	text, err := s.buffered(in)
	if err != nil {
		return err
	}
	s.collect = &collected{}
	defer func() { s.collect = nil }()
	if err := s.Execute(ctx, in, text); err != nil {
		return err
	}
	switch len(s.collect.rows) {
	case 0:
		return errors.New(`no rows returned for \gset`)
	case 2:
		return errors.New(`more than one row returned for \gset`)
	}
	for i, column := range s.collect.names {
		name := first(args) + column
		if _, ours := variableValues[name]; ours {
			return fmt.Errorf(`\gset does not set %s, which changes what qadmin does`, name)
		}
		if v := s.collect.rows[0][i]; v == nil {
			delete(s.Vars, name)
		} else if err := s.SetVar(name, *v); err != nil {
			return err
		}
	}
	return nil
}

// describe is \gdesc: the columns that the buffer would give.
func describe(ctx context.Context, s *Session, in *input, _ []string) error {
	text, err := s.buffered(in)
	if err != nil {
		return err
	}
	if m, err := grammar.Parse(text, s.escapes()); err != nil {
		return err
	} else if m != nil {
		return fmt.Errorf(`\gdesc is for SQL, and %s is none`, m.Statement.Name)
	}
	conn, err := s.connection(ctx)
	if err != nil {
		return err
	}
	desc, err := conn.PgConn().Prepare(ctx, "", text, nil)
	if err != nil {
		return s.withText(err, text)
	}
	if len(desc.Fields) == 0 {
		s.message("The command has no result, or the result has no columns.")
		return nil
	}
	var list []record
	for _, f := range desc.Fields {
		kind, err := s.value(ctx, "select pg_catalog.format_type($1, $2)", f.DataTypeOID, f.TypeModifier)
		if err != nil {
			return err
		}
		list = append(list, record{[]byte(f.Name), []byte(kind)})
	}
	return s.showRows("", []string{"column", "type"}, list)
}
