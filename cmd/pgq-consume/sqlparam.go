package main

import (
	"fmt"
	"strconv"
	"strings"
)

// statement is a --sql text whose $ev_... placeholders became parameters.
type statement struct {
	sql string
	// args has the value that each parameter stands for. Every placeholder has
	// a parameter of its own: the server then infers a type for each, as it
	// would for a quoted literal in the same place, even if one name is used
	// as text here and as jsonb there.
	args []field
}

// parseStatement replaces the placeholders of text. A $ inside of a string, a
// quoted or a plain identifier, a comment or a dollar-quoted string is none.
func parseStatement(text string) (*statement, error) {
	st := new(statement)
	var out strings.Builder
	for i := 0; i < len(text); {
		n := skipOpaque(text[i:])
		if n == 0 && text[i] == '$' {
			name := text[i+1 : i+1+identLen(text[i+1:])]
			f, ok := fieldByName[name]
			switch {
			case name == "":
				return nil, fmt.Errorf("no name after $ at character %d: placeholders are %s", i+1, fieldList("$%s"))
			case !ok:
				return nil, fmt.Errorf("unknown placeholder $%s: use one of %s", name, fieldList("$%s"))
			}
			st.args = append(st.args, f)
			out.WriteByte('$')
			out.WriteString(strconv.Itoa(len(st.args)))
			// A digit right behind would become part of the number.
			out.WriteByte(' ')
			i += 1 + len(name)
			continue
		}
		n = max(n, 1)
		out.WriteString(text[i : i+n])
		i += n
	}
	st.sql = strings.TrimSpace(out.String())
	if st.sql == "" {
		return nil, fmt.Errorf("the statement is empty")
	}
	return st, nil
}

// skipOpaque gives the length of the token at the start of s in which a $ has
// no meaning for us, or 0 if there is none. A token that does not end goes to
// the end of s: the server will say what is wrong.
func skipOpaque(s string) int {
	switch c := s[0]; {
	case (c == 'e' || c == 'E') && len(s) > 1 && s[1] == '\'':
		return 1 + quotedLen(s[1:], '\'', true)
	case c == '\'' || c == '"':
		return quotedLen(s, c, false)
	case strings.HasPrefix(s, "--"):
		if n := strings.IndexByte(s, '\n'); n >= 0 {
			return n
		}
		return len(s)
	case strings.HasPrefix(s, "/*"):
		return blockCommentLen(s)
	case c == '$':
		return dollarQuoteLen(s)
	case isIdentStart(c):
		// An identifier may hold a $ anywhere but at its start.
		n := 1
		for n < len(s) && (isIdentStart(s[n]) || isDigit(s[n]) || s[n] == '$') {
			n++
		}
		return n
	}
	return 0
}

// quotedLen measures a string or identifier that begins with quote.
func quotedLen(s string, quote byte, backslash bool) int {
	for i := 1; i < len(s); i++ {
		switch {
		case s[i] == '\\' && backslash:
			i++
		case s[i] == quote && i+1 < len(s) && s[i+1] == quote:
			i++
		case s[i] == quote:
			return i + 1
		}
	}
	return len(s)
}

// blockCommentLen measures a /* comment */, which may hold others.
func blockCommentLen(s string) int {
	depth := 0
	for i := 0; i < len(s)-1; {
		switch s[i : i+2] {
		case "/*":
			depth++
			i += 2
		case "*/":
			i += 2
			if depth--; depth == 0 {
				return i
			}
		default:
			i++
		}
	}
	return len(s)
}

// dollarQuoteLen measures a $tag$text$tag$, and is 0 if s begins with another
// use of the dollar.
func dollarQuoteLen(s string) int {
	n := 1 + identLen(s[1:])
	if n >= len(s) || s[n] != '$' {
		return 0
	}
	tag := s[:n+1]
	if end := strings.Index(s[len(tag):], tag); end >= 0 {
		return len(tag) + end + len(tag)
	}
	return len(s)
}

// identLen measures an identifier without dollars at the start of s.
func identLen(s string) int {
	if s == "" || !isIdentStart(s[0]) {
		return 0
	}
	n := 1
	for n < len(s) && (isIdentStart(s[n]) || isDigit(s[n])) {
		n++
	}
	return n
}

func isIdentStart(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c >= 0x80
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
