// Package grammar is the language of qadmin: a lexer that cuts input as psql
// does, one table of statements, and a machine over that table which parses,
// tells what is expected at a place, and completes. It knows no database.
package grammar

import (
	"slices"
	"strings"
)

// Kind is the kind of a piece of text.
type Kind uint8

// The kinds.
const (
	Blank     Kind = iota // white space
	Comment               // -- or /* */
	Word                  // identifier or keyword without quotes
	Quoted                // "identifier"
	String                // 'constant', with E and the like in front
	Dollar                // $tag$constant$tag$
	Number                // begins with a digit
	Symbol                // any other character
	End                   // ;
	Backslash             // begins a command of the console
	Variable              // :name, :'name' or :"name"
)

type mode uint8

const (
	plain mode = iota
	inString
	inEscapes // a string in which backslashes escape
	inQuoted
	inDollar
	inComment
)

// Lexer cuts SQL into pieces. It may be given the text in chunks that end at
// line ends, and so never looks at a character twice, however long a statement
// is.
type Lexer struct {
	Escapes bool // backslashes escape in '...' too: standard_conforming_strings is off

	mode   mode
	depth  int    // of nested comments
	tag    string // of a dollar quote
	parens int
	begins int       // of BEGIN ATOMIC ... END in the body of a function
	words  []string  // the first ones of the statement
	joins  joinState // whether a quote now goes on an E'' string
}

// joinState tells what lies behind a closed E-string: after white space with
// a line end, a quote goes on with the same string.
type joinState uint8

const (
	joinNo joinState = iota
	joinClosed
	joinLine
)

// Next returns the kind and length of the first piece of s, which is not empty.
// A piece that is still open at the end of s goes on in the next chunk.
func (l *Lexer) Next(s string) (Kind, int) {
	switch l.mode {
	case inString, inEscapes:
		return String, l.stringEnd(s, 0)
	case inQuoted:
		return Quoted, l.quotedEnd(s, 0)
	case inDollar:
		return Dollar, l.dollarEnd(s, 0)
	case inComment:
		return Comment, l.commentEnd(s, 0)
	}
	c := s[0]
	if isSpace(c) {
		n := 1
		for n < len(s) && isSpace(s[n]) {
			n++
		}
		if l.joins == joinClosed && strings.Contains(s[:n], "\n") {
			l.joins = joinLine
		}
		return Blank, n
	}
	join := l.joins == joinLine
	l.joins = joinNo
	switch {
	case strings.HasPrefix(s, "--"):
		if n := strings.IndexByte(s, '\n'); n >= 0 {
			return Comment, n
		}
		return Comment, len(s)
	case strings.HasPrefix(s, "/*"):
		l.mode, l.depth = inComment, 1
		return Comment, l.commentEnd(s, 2)
	case c == '\'':
		l.mode = inString
		if l.Escapes || join {
			l.mode = inEscapes
		}
		return String, l.stringEnd(s, 1)
	case c == '"':
		l.mode = inQuoted
		return Quoted, l.quotedEnd(s, 1)
	case c == '$':
		return l.dollar(s)
	case c == ':':
		return colon(s)
	case c == ';':
		return End, 1
	case c == '\\':
		return Backslash, 1
	case isDigit(c):
		return Number, numberEnd(s)
	case isWordStart(c):
		return l.word(s)
	case c == '(':
		l.parens++
	case c == ')' && l.parens > 0:
		l.parens--
	}
	return Symbol, 1
}

// Ends tells whether a semicolon here ends the statement.
func (l *Lexer) Ends() bool { return l.parens == 0 && l.begins == 0 }

// Open tells whether a piece is not closed yet.
func (l *Lexer) Open() bool { return l.mode != plain }

// State is the character that a continuation prompt shows: what the input is
// inside of.
func (l *Lexer) State() byte {
	switch l.mode {
	case inString, inEscapes:
		return '\''
	case inQuoted:
		return '"'
	case inDollar:
		return '$'
	case inComment:
		return '*'
	}
	if l.parens > 0 {
		return '('
	}
	return '-'
}

// Restart forgets all but the settings, for the next statement.
func (l *Lexer) Restart() { *l = Lexer{Escapes: l.Escapes} }

func (l *Lexer) stringEnd(s string, i int) int {
	for i < len(s) {
		switch c := s[i]; {
		case c == '\\' && l.mode == inEscapes:
			i += 2
		case c != '\'':
			i++
		case i+1 < len(s) && s[i+1] == '\'':
			i += 2
		default:
			if l.mode == inEscapes {
				l.joins = joinClosed
			}
			l.mode = plain
			return i + 1
		}
	}
	return len(s)
}

func (l *Lexer) quotedEnd(s string, i int) int {
	for i < len(s) {
		n := strings.IndexByte(s[i:], '"')
		if n < 0 {
			return len(s)
		}
		i += n + 1
		if i == len(s) || s[i] != '"' {
			l.mode = plain
			return i
		}
		i++
	}
	return len(s)
}

// dollar is called at a $: a quote begins, or it is a parameter or a symbol.
func (l *Lexer) dollar(s string) (Kind, int) {
	n := 1
	if n < len(s) && isWordStart(s[n]) {
		for n < len(s) && s[n] != '$' && isWordPart(s[n]) {
			n++
		}
	}
	if n == len(s) || s[n] != '$' {
		return Symbol, 1
	}
	l.mode, l.tag = inDollar, s[:n+1]
	return Dollar, l.dollarEnd(s, n+1)
}

func (l *Lexer) dollarEnd(s string, i int) int {
	n := strings.Index(s[i:], l.tag)
	if n < 0 {
		return len(s)
	}
	l.mode = plain
	return i + n + len(l.tag)
}

func (l *Lexer) commentEnd(s string, i int) int {
	for i < len(s) {
		switch {
		case strings.HasPrefix(s[i:], "/*"):
			l.depth++
			i += 2
		case strings.HasPrefix(s[i:], "*/"):
			l.depth--
			i += 2
			if l.depth == 0 {
				l.mode = plain
				return i
			}
		default:
			i++
		}
	}
	return len(s)
}

// word is called at a letter: a word, or a string with a letter in front.
func (l *Lexer) word(s string) (Kind, int) {
	n := 1
	for n < len(s) && isWordPart(s[n]) {
		n++
	}
	if n == 1 && len(s) > 1 && s[1] == '\'' {
		switch s[0] {
		case 'e', 'E':
			l.mode = inEscapes
			return String, l.stringEnd(s, 2)
		case 'n', 'N', 'b', 'B', 'x', 'X':
			l.mode = inString
			return String, l.stringEnd(s, 2)
		}
	}
	l.count(s[:n])
	return Word, n
}

// count follows BEGIN and END in the body of a function in the form of the SQL
// standard, whose semicolons do not end the statement.
func (l *Lexer) count(w string) {
	if len(l.words) < 4 {
		l.words = append(l.words, strings.ToLower(w))
	}
	w2 := l.words
	if len(w2) > 3 && w2[1] == "or" && w2[2] == "replace" {
		w2 = w2[2:]
	}
	if l.words[0] != "create" || len(w2) < 2 || !slices.Contains([]string{"function", "procedure"}, w2[1]) || l.parens > 0 {
		return
	}
	switch strings.ToLower(w) {
	case "begin":
		l.begins++
	case "case":
		if l.begins > 0 {
			l.begins++
		}
	case "end":
		l.begins = max(0, l.begins-1)
	}
}

// colon is called at a colon: a variable, or an operator.
func colon(s string) (Kind, int) {
	if len(s) < 2 {
		return Symbol, 1
	}
	switch c := s[1]; {
	case c == ':' || c == '=':
		return Symbol, 2
	case c == '\'' || c == '"':
		n := 2
		for n < len(s) && isNamePart(s[n]) {
			n++
		}
		if n > 2 && n < len(s) && s[n] == c {
			return Variable, n + 1
		}
	case isNamePart(c):
		n := 2
		for n < len(s) && isNamePart(s[n]) {
			n++
		}
		return Variable, n
	case strings.HasPrefix(s, ":{?"):
		n := 3
		for n < len(s) && isNamePart(s[n]) {
			n++
		}
		if n > 3 && n < len(s) && s[n] == '}' {
			return Variable, n + 1
		}
	}
	return Symbol, 1
}

func numberEnd(s string) int {
	n := 1
	for n < len(s) && (isNamePart(s[n]) || s[n] == '.' && n+1 < len(s) && isDigit(s[n+1])) {
		n++
	}
	return n
}

func isSpace(c byte) bool     { return c == ' ' || '\t' <= c && c <= '\r' }
func isDigit(c byte) bool     { return '0' <= c && c <= '9' }
func isWordStart(c byte) bool { return c == '_' || c >= 0x80 || 'a' <= c|0x20 && c|0x20 <= 'z' }
func isNamePart(c byte) bool  { return isWordStart(c) || isDigit(c) }
func isWordPart(c byte) bool  { return isNamePart(c) || c == '$' }
