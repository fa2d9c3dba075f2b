package console

import (
	"context"
	"slices"
	"strings"

	"skytools/cmd/qadmin/internal/grammar"
	"skytools/cmd/qadmin/internal/output"
	"skytools/cmd/qadmin/internal/term"
	"skytools/lib/quote"
)

// most is how many candidates are shown; more help nobody.
const most = 300

// candidates completes the word before pos in text, which goes on what the
// buffer holds.
func (s *Session) candidates(ctx context.Context, buffer, text string, pos int) (start int, list []term.Candidate) {
	if on, err := boolVar(s.Vars["COMPLETION"]); err == nil && !on && s.Vars["COMPLETION"] != "" {
		return pos, nil
	}
	begin := strings.LastIndexByte(text[:pos], '\n') + 1
	if line := text[begin:pos]; strings.HasPrefix(strings.TrimLeft(line, " \t"), `\`) {
		start, list = s.commandCandidates(ctx, line)
		start += begin
	} else {
		c := grammar.Complete(buffer+text, len(buffer)+pos, s.escapes(), s.have)
		if start = c.Start - len(buffer); start < 0 {
			return pos, nil
		}
		list = s.statementCandidates(ctx, c, buffer+text[:pos])
	}
	if len(list) > most {
		list = list[:most]
	}
	return start, list
}

// commandCandidates completes a command with a backslash.
func (s *Session) commandCandidates(ctx context.Context, line string) (start int, list []term.Candidate) {
	indent := len(line) - len(strings.TrimLeft(line, " \t"))
	space := strings.IndexAny(line[indent:], " \t")
	if space < 0 {
		word := line[indent+1:]
		for _, c := range grammar.Commands {
			if strings.HasPrefix(c.Name, word) {
				list = append(list, term.Candidate{Text: `\` + c.Name, Note: c.Help})
			}
		}
		return indent, list
	}
	c := grammar.FindCommand(line[indent+1 : indent+space])
	start = strings.LastIndexAny(line, " \t") + 1
	if c == nil {
		return start, nil
	}
	word := line[start:]
	args := len(strings.Fields(line[indent+space : start]))
	var values []string
	switch {
	case c.Slot == grammar.File:
		start = len(line) - len(strings.TrimLeft(line[indent+space:], " \t"))
		for _, name := range s.fileNames(line[start:]) {
			list = append(list, term.Candidate{Text: name, More: strings.HasSuffix(name, "/")})
		}
		return start, list
	case c.Name == "pset" && args == 1:
		values = map[string][]string{"format": grammar.Formats, "expanded": {"on", "off", "auto"}, "pager": {"on", "off", "always"},
			"linestyle": {"ascii", "unicode"}, "interval": {"text", "seconds"}, "tuples_only": {"on", "off"}, "footer": {"on", "off"},
			"border": {"0", "1", "2"}}[strings.Fields(line[indent+space : start])[0]]
	case c.Name == "pset" && args == 0:
		values = output.OptionNames
	case (c.Name == "set" || c.Name == "unset") && args == 0:
		values = s.variableNames()
	case c.Name == "set" && args == 1:
		values = variableValues[strings.Fields(line[indent+space : start])[0]]
	case args == 0 && c.Vals != nil:
		values = c.Vals
	case args == 0 && c.Slot != "":
		values, _ = s.slotNames(ctx, c.Slot, nil, word)
	case c.Name == "c" && args < 4:
		values, _ = s.slotNames(ctx, []grammar.Slot{grammar.Database, grammar.User, grammar.Host, grammar.Port}[args], nil, word)
	}
	for _, v := range values {
		if strings.HasPrefix(v, word) {
			list = append(list, term.Candidate{Text: argumentText(v)})
		}
	}
	return start, list
}

// argumentText quotes an argument of a command if it needs that.
func argumentText(v string) string {
	if strings.ContainsAny(v, " \t'\"\\:") {
		return "'" + strings.NewReplacer(`\`, `\\`, "'", "''").Replace(v) + "'"
	}
	return v
}

// variableValues are the values of the variables that the console knows.
var variableValues = map[string][]string{
	"AUTOCOMMIT":     {"on", "off"},
	"COMPLETION":     {"on", "off"},
	"ECHO":           {"queries", "none"},
	"ECHO_HIDDEN":    {"on", "off"},
	"FETCH_COUNT":    {"1000"},
	"HISTCONTROL":    {"ignoredups", "ignorespace", "ignoreboth", "none"},
	"HISTFILE":       nil,
	"HISTSIZE":       {"5000", "-1"},
	"ON_DESTRUCTIVE": {"ask", "yes"},
	"ON_ERROR_STOP":  {"on", "off"},
	"QUIET":          {"on", "off"},
	"VERBOSITY":      {"default", "verbose", "terse"},
}

func (s *Session) variableNames() []string {
	var list []string
	for n := range variableValues {
		list = append(list, n)
	}
	for n := range s.Vars {
		if !contains(list, n) {
			list = append(list, n)
		}
	}
	slices.Sort(list)
	return list
}

// statementCandidates completes a statement of ours or SQL.
func (s *Session) statementCandidates(ctx context.Context, c grammar.Completion, before string) (list []term.Candidate) {
	for _, k := range c.Keywords {
		switch {
		case k == ",":
			continue // a blank and a comma would need no help
		case k == "=":
			list = append(list, term.Candidate{Text: "=", More: true})
		default:
			list = append(list, s.keyword(k, c))
		}
	}
	for _, slot := range c.Slots {
		list = append(list, s.slotCandidates(ctx, slot, c)...)
	}
	if c.SQL {
		list = append(list, s.sqlCandidates(ctx, c, before)...)
	}
	if c.End && c.Prefix == "" && c.Quote == 0 && len(list) == 0 {
		list = append(list, term.Candidate{Text: ";", More: true})
	}
	return list
}

// settings are keywords after which a value comes, with what is said of them.
var settings = map[string]string{
	"idle_period":     "'1 minute'",
	"max_lag":         "'3 seconds'",
	"max_count":       "500",
	"paused":          "0",
	"rotation_period": "'2 hours'",
	"external_ticker": "0",
}

// keyword is a keyword with what follows it in any case.
func (s *Session) keyword(k string, c grammar.Completion) term.Candidate {
	if v, ok := settings[k]; ok {
		return term.Candidate{Text: k + "=", Note: "for example " + v, More: true}
	}
	if first := len(c.Args) == 0; first {
		return term.Candidate{Text: k, Note: firstWordHelp(k)}
	}
	if contains([]string{"dbname", "host", "port", "user", "password", "service", "queue", "node"}, k) && c.Args[0].Label == "connect" {
		return term.Candidate{Text: k + "=", More: true}
	}
	return term.Candidate{Text: k}
}

// firstWordHelp tells what a statement does, or of several that begin with the
// word how they go on.
func firstWordHelp(word string) string {
	help, n := "", 0
	var rest []string
	for _, st := range grammar.Statements {
		if first, more, _ := strings.Cut(st.Name, " "); first == word && !st.Later {
			help = st.Help
			rest = append(rest, more)
			n++
		}
	}
	if n > 1 {
		return strings.Join(rest, ", ")
	}
	return help
}

func (s *Session) slotCandidates(ctx context.Context, slot grammar.Slot, c grammar.Completion) (list []term.Candidate) {
	if slot == grammar.File {
		for _, name := range s.fileNames(c.Prefix) {
			list = append(list, term.Candidate{Text: "'" + strings.ReplaceAll(name, "'", "''") + map[bool]string{false: "'"}[strings.HasSuffix(name, "/")],
				More: strings.HasSuffix(name, "/")})
		}
		return list
	}
	if n := len(c.Args); slot == grammar.Text && n >= 2 && c.Args[n-1].Label == "=" && c.Prefix == "" && c.Quote == 0 {
		if v, ok := settings[c.Args[n-2].Label]; ok {
			return []term.Candidate{{Text: v, Note: "for example"}}
		}
	}
	values, ready := s.slotNames(ctx, slot, c.Args, c.Prefix)
	for _, v := range values {
		text := v
		switch {
		case c.Quote == '\'':
			text = quote.Literal(v)
		case c.Quote == '"' && !ready:
			text = `"` + strings.ReplaceAll(v, `"`, `""`) + `"`
		case !ready:
			text = quote.Ident(v)
		}
		fits := strings.HasPrefix(v, c.Prefix)
		if c.Quote == 0 {
			// What was typed is folded, and the name may get quotes.
			fits = hasFold(text, c.Prefix) || hasFold(v, c.Prefix)
		}
		if fits {
			list = append(list, term.Candidate{Text: text})
		}
	}
	return list
}

func hasFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

var sqlKeywords = strings.Fields(`select from where group by order having limit offset insert into values update set delete join left right inner on
	using and or not in exists between like is null as distinct union all case when then else end with returning create table index view function
	drop alter truncate begin commit rollback savepoint release vacuum analyze explain copy grant revoke lock listen notify reset show asc desc
	cascade schema sequence trigger temporary unique primary key references default check execute call do count(*)`)

const columnQuery = `select pg_catalog.quote_ident(a.attname)
  from pg_catalog.pg_attribute a
 where a.attrelid = pg_catalog.to_regclass($1) and a.attnum > 0 and not a.attisdropped
 order by a.attnum`

// sqlCandidates completes SQL as far as that goes without a parser: keywords,
// tables after the words that tables follow, else columns of the tables named.
func (s *Session) sqlCandidates(ctx context.Context, c grammar.Completion, before string) (list []term.Candidate) {
	if c.Quote == '\'' {
		return nil
	}
	tokens, _ := grammar.Tokens(before, s.escapes())
	if n := len(tokens); n > 0 && c.Prefix != "" {
		tokens = tokens[:n-1]
	}
	add := func(text string) {
		bare := strings.TrimPrefix(text, `"`)
		if c.Quote == 0 && hasFold(text, c.Prefix) || text != bare && hasFold(bare, c.Prefix) {
			list = append(list, term.Candidate{Text: text})
		}
	}
	tableFollows := func(word string) bool {
		return contains([]string{"from", "join", "into", "update", "table", "only", "truncate", "analyze", "vacuum"}, word)
	}
	last := ""
	if n := len(tokens); n > 0 {
		last = tokens[n-1].Value
	}
	if tableFollows(last) {
		for _, t := range s.look(ctx, relationQuery("r', 'p', 'v', 'm', 'f"), strings.ToLower(c.Prefix)) {
			add(t)
		}
		return list
	}
	if last != "" {
		for i, t := range tokens {
			if i > 0 && tableFollows(tokens[i-1].Value) && t.Kind != grammar.Symbol {
				for _, col := range s.look(ctx, columnQuery, t.Text) {
					add(col)
				}
			}
		}
	}
	for _, k := range sqlKeywords {
		if c.Prefix != "" && !contains(c.Keywords, k) {
			add(k)
		}
	}
	return list
}
