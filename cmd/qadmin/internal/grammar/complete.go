package grammar

import (
	"slices"
	"strings"
)

// Installed tells what a database has: the versions of the extensions by name.
// nil stands for a database that has everything.
type Installed map[string]string

// Lacks returns what the statement needs and the database has not, "" if it
// can be run.
func (h Installed) Lacks(st *Statement) string {
	if h == nil || st.Needs == "" {
		return ""
	}
	v, ok := h[st.Needs]
	switch {
	case !ok:
		return "needs extension " + st.Needs
	case st.Since != "" && older(v, st.Since):
		return "needs " + st.Needs + " " + st.Since
	}
	return ""
}

// older compares versions number by number. What tells no version is old.
func older(a, b string) bool {
	for a != "" || b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if len(x) != len(y) {
			return len(x) < len(y)
		}
		if x != y {
			return x < y
		}
	}
	return false
}

// Completion tells what can stand at a place.
type Completion struct {
	Start    int      // where the word at the place begins; it ends at the place
	Prefix   string   // the word so far, without quotes and folded
	Quote    byte     // the quote that it began with, 0 if none
	Keywords []string // that fit the prefix, in order
	Slots    []Slot   // names and values that fit
	Args     []Arg    // what comes before, by the preferred reading
	End      bool     // the statement may end here
	SQL      bool     // the statement is the server's
}

// Complete looks at the text up to pos, in which one statement may be begun
// after others. have limits it to what the database can do.
func Complete(text string, pos int, escapes bool, have Installed) Completion {
	text = text[:min(pos, len(text))]
	from := lastStatement(text, escapes)
	tokens, _ := Tokens(text[from:], escapes)
	c := Completion{Start: len(text)}
	if k := len(tokens) - 1; k >= 0 && touches(text[from:], tokens[k], escapes) {
		last := tokens[k]
		c.Start, c.Prefix = from+last.Start, last.Value
		if q := last.Text[0]; q == '\'' || q == '"' {
			c.Quote = q
		}
		tokens = tokens[:k]
	}
	r := theMachine.run()
	for i, t := range tokens {
		if !r.take(t) {
			c.SQL = !ours(tokens, i)
			return c
		}
	}
	c.SQL = len(tokens) == 1 && sqlVerbs[tokens[0].Value]
	for _, th := range r.threads {
		i := theMachine.insts[th.at]
		if !theMachine.leads(th.at, have) {
			continue
		}
		switch {
		case i.op == opAccept:
			c.End = true
		case i.op == opWord && c.Quote == 0:
			if strings.HasPrefix(i.word, strings.ToLower(c.Prefix)) && !slices.Contains(c.Keywords, i.word) {
				c.Keywords = append(c.Keywords, i.word)
			}
		case i.op == opSlot && !slices.Contains(c.Slots, i.slot):
			c.Slots = append(c.Slots, i.slot)
		}
		if c.Args == nil {
			c.Args = th.args.slice()
		}
	}
	slices.Sort(c.Keywords)
	return c
}

// lastStatement returns where the statement that the text ends in begins.
func lastStatement(text string, escapes bool) int {
	l := Lexer{Escapes: escapes}
	from := 0
	for pos := 0; pos < len(text); {
		kind, n := l.Next(text[pos:])
		pos += n
		if kind == End && l.Ends() {
			from = pos
			l.Restart()
		}
	}
	return from
}

// touches tells whether the place at the end of the text is in the token: the
// word that is being typed.
func touches(text string, t Token, escapes bool) bool {
	if t.End != len(text) || t.Kind == Symbol {
		return false
	}
	if t.Kind == String || t.Kind == Quoted || t.Kind == Dollar {
		_, open := Tokens(text, escapes)
		return open
	}
	return true
}

// leads tells whether an instruction leads to a statement that can be run.
func (m *machine) leads(at int, have Installed) bool {
	r := &run{m: m, threads: []thread{{at: at}}}
	for st := range r.reach() {
		if !st.Later && have.Lacks(st) == "" {
			return true
		}
	}
	return false
}

// expected lists in words what the threads wait for.
func (r *run) expected(have Installed) []string {
	var list []string
	end := false
	for _, th := range r.threads {
		var what string
		i := r.m.insts[th.at]
		if !r.m.leads(th.at, have) {
			continue
		}
		switch i.op {
		case opAccept:
			end = true
			continue
		case opWord:
			what = i.word
		default:
			what = strings.ToUpper(i.label)
		}
		if !slices.Contains(list, what) {
			list = append(list, what)
		}
	}
	if end {
		list = append(list, "the end of the statement")
	}
	return list
}
