package grammar

import (
	"strconv"
	"strings"
)

// Token is a word of a statement.
type Token struct {
	Kind       Kind
	Text       string // as written
	Value      string // what it stands for: a folded name, the inside of quotes
	Start, End int    // where it is
}

// Tokens cuts a statement up to its end, a semicolon. A name with its schema,
// a."B", is one token. open tells that the last token is not closed.
func Tokens(text string, escapes bool) (tokens []Token, open bool) {
	l := Lexer{Escapes: escapes}
	joined := false // the last token ends with the dot of a qualified name
	for pos := 0; pos < len(text); {
		kind, n := l.Next(text[pos:])
		part := text[pos : pos+n]
		t := Token{kind, part, part, pos, pos + n}
		pos += n
		switch kind {
		case Blank, Comment:
			joined = false
			continue
		case End:
			return tokens, false
		case Word:
			t.Value = strings.ToLower(part)
		case Quoted:
			t.Value = unquote(part, '"')
		case String:
			t.Value = constant(part, escapes)
		case Dollar:
			tag := part[:strings.IndexByte(part[1:], '$')+2]
			t.Value = strings.TrimSuffix(part[len(tag):], tag)
		}
		if k := len(tokens) - 1; k >= 0 && tokens[k].End == t.Start {
			last := &tokens[k]
			name := t.Kind == Word || t.Kind == Quoted
			dot := t.Text == "." && (last.Kind == Word || last.Kind == Quoted)
			if dot || joined && name {
				last.Text += t.Text
				last.Value += t.Value
				last.End = t.End
				if t.Kind == Quoted {
					last.Kind = Quoted
				}
				joined = dot
				continue
			}
		}
		joined = false
		tokens = append(tokens, t)
	}
	return tokens, l.Open()
}

// unquote gives the inside of quotes, the last of which may be missing.
func unquote(s string, q byte) string {
	s = s[1:]
	if n := len(s); n > 0 && s[n-1] == q {
		s = s[:n-1]
	}
	return strings.ReplaceAll(s, string([]byte{q, q}), string(q))
}

// constant gives the value of a string constant.
func constant(s string, escapes bool) string {
	switch s[0] {
	case 'e', 'E':
		return unescape(unquote(s[1:], '\''))
	case '\'':
		if escapes {
			return unescape(unquote(s, '\''))
		}
		return unquote(s, '\'')
	}
	return unquote(s[1:], '\'')
}

// unescape resolves the backslashes of an E-string.
func unescape(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		switch c := s[i]; c {
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case 'r':
			b.WriteByte('\r')
		case 'b':
			b.WriteByte('\b')
		case 'f':
			b.WriteByte('\f')
		case 'x':
			i += numeric(&b, s[i+1:], 2, 16)
		case 'u':
			i += numeric(&b, s[i+1:], 4, 16)
		case 'U':
			i += numeric(&b, s[i+1:], 8, 16)
		case '0', '1', '2', '3', '4', '5', '6', '7':
			i += numeric(&b, s[i:], 3, 8) - 1
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}

// numeric writes the character whose code stands at the start of s, with at
// most digits digits, and returns how many there were.
func numeric(b *strings.Builder, s string, digits, base int) int {
	n := 0
	for n < digits && n < len(s) {
		if _, err := strconv.ParseUint(s[n:n+1], base, 8); err != nil {
			break
		}
		n++
	}
	code, err := strconv.ParseUint(s[:n], base, 32)
	switch {
	case err != nil:
	case digits <= 3:
		b.WriteByte(byte(code))
	default:
		b.WriteRune(rune(code))
	}
	return n
}
