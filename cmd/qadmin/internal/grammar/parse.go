package grammar

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Match is a parsed statement.
type Match struct {
	Statement *Statement
	Args      []Arg
}

// Has tells whether the keyword was given.
func (m *Match) Has(keyword string) bool {
	for _, a := range m.Args {
		if a.Slot == "" && a.Label == keyword {
			return true
		}
	}
	return false
}

// Arg returns what was given under a label; the last one wins.
func (m *Match) Arg(label string) (Arg, bool) {
	for i := len(m.Args) - 1; i >= 0; i-- {
		if a := m.Args[i]; a.Slot != "" && a.Label == label {
			return a, true
		}
	}
	return Arg{}, false
}

// Value is the value of Arg, "" if there is none.
func (m *Match) Value(label string) string {
	a, _ := m.Arg(label)
	return a.Token.Value
}

// Values returns the slots in their order, each with its label.
func (m *Match) Values() []Arg {
	var list []Arg
	for _, a := range m.Args {
		if a.Slot != "" {
			list = append(list, a)
		}
	}
	return list
}

// sqlVerbs begin statements of the server too. What follows decides.
var sqlVerbs = map[string]bool{"show": true, "create": true, "alter": true, "drop": true, "explain": true}

// ours tells by the tokens that a run has taken whether a statement that does
// not fit is ours all the same.
func ours(tokens []Token, taken int) bool {
	if taken == 0 {
		return false
	}
	return taken > 1 || !sqlVerbs[tokens[0].Value]
}

// Parse parses one statement. Both results are nil for one that is the
// server's.
func Parse(text string, escapes bool) (*Match, error) {
	if !begins(text, escapes) {
		return nil, nil
	}
	tokens, open := Tokens(text, escapes)
	r := theMachine.run()
	for i, t := range tokens {
		if !r.take(t) {
			if !ours(tokens, i) {
				return nil, nil
			}
			return nil, &SyntaxError{Text: text, Pos: t.Start, Near: t.Text, Expected: r.expected(nil)}
		}
	}
	if open {
		last := tokens[len(tokens)-1]
		return nil, &SyntaxError{Text: text, Pos: last.Start, Near: last.Text, Unclosed: true}
	}
	if st, args, ok := r.accepted(); ok {
		return &Match{st, args.slice()}, nil
	}
	if !ours(tokens, len(tokens)) {
		return nil, nil
	}
	return nil, &SyntaxError{Text: text, Pos: len(strings.TrimRight(text, "; \t\r\n\v\f")), Expected: r.expected(nil)}
}

// begins tells whether the first word of a text is one of ours. It looks no
// further, since SQL may be long.
func begins(text string, escapes bool) bool {
	l := Lexer{Escapes: escapes}
	for text != "" {
		kind, n := l.Next(text)
		switch kind {
		case Blank, Comment:
			text = text[n:]
		case Word:
			return firstWords[strings.ToLower(text[:n])]
		default:
			return false
		}
	}
	return false
}

// FirstWord returns the first word of a text in lower case, "" if it begins
// otherwise.
func FirstWord(text string, escapes bool) string {
	l := Lexer{Escapes: escapes}
	for text != "" {
		kind, n := l.Next(text)
		switch kind {
		case Blank, Comment:
			text = text[n:]
		case Word:
			return strings.ToLower(text[:n])
		default:
			return ""
		}
	}
	return ""
}

// Alone tells whether a line is a statement that needs no semicolon when it
// stands alone: exit, quit and help.
func Alone(line string) bool {
	tokens, open := Tokens(line, false)
	if open || len(tokens) == 0 || tokens[0].Kind != Word || strings.Contains(line, ";") {
		return false
	}
	switch tokens[0].Value {
	case "exit", "quit":
		return len(tokens) == 1
	case "help":
		return true
	}
	return false
}

// SyntaxError tells where a statement of ours does not fit, and what was
// expected there.
type SyntaxError struct {
	Text     string
	Pos      int    // in bytes
	Near     string // "" at the end
	Expected []string
	Unclosed bool
}

func (e *SyntaxError) Error() string {
	switch {
	case e.Unclosed:
		return "the quote is not closed"
	case e.Near == "":
		return "the statement is not complete"
	}
	return fmt.Sprintf("syntax error at %q", e.Near)
}

// Hint says what was expected.
func (e *SyntaxError) Hint() string {
	if len(e.Expected) == 0 {
		return ""
	}
	return "Expected here: " + strings.Join(e.Expected, ", ") + "."
}

// Where returns the line with a caret under the place.
func (e *SyntaxError) Where() string { return Caret(e.Text, e.Pos) }

// Caret shows the line of a text in which a byte lies, and a caret under it.
func Caret(text string, pos int) string {
	pos = min(pos, len(text))
	number := 1 + strings.Count(text[:pos], "\n")
	begin := strings.LastIndexByte(text[:pos], '\n') + 1
	line := text[begin:]
	if n := strings.IndexByte(line, '\n'); n >= 0 {
		line = line[:n]
	}
	before := text[begin:pos]
	// Of a long line only what is around the place is shown.
	const around = 60
	if n := utf8.RuneCountInString(before); n > around {
		cut := before
		for range n - around {
			_, size := utf8.DecodeRuneInString(cut)
			cut = cut[size:]
		}
		line = "..." + line[len(before)-len(cut):]
		before = "..." + cut
	}
	if rest := line[len(before):]; utf8.RuneCountInString(rest) > around {
		line = before + string([]rune(rest)[:around]) + "..."
	}
	clean := func(s string) string { return strings.NewReplacer("\t", " ", "\r", "").Replace(s) }
	lead := fmt.Sprintf("LINE %d: ", number)
	return lead + clean(line) + "\n" + strings.Repeat(" ", len(lead)+utf8.RuneCountInString(clean(before))) + "^"
}
