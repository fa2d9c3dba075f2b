package grammar

import (
	"strconv"
	"strings"

	"skytools/lib/quote"
)

// Piece is what the input is cut into: a statement, or a command that begins
// with a backslash.
type Piece struct {
	Text    string // as it was written, but for variables
	Line    int    // where it begins
	Command bool
}

// Splitter collects lines and cuts them into pieces. A statement keeps its
// comments and blanks: the server gets it as it was typed.
type Splitter struct {
	Lexer
	// Lookup gives the value of a variable. nil: there are none.
	Lookup func(name string) (string, bool)

	buf   strings.Builder
	some  bool // the buffer has more than blanks and comments
	line  int  // number of the line at hand
	start int  // of the line where the buffer begins
}

// Feed takes one line with its line end and calls emit for each piece that it
// completes. Once emit fails the rest of the line is dropped.
func (s *Splitter) Feed(line string, emit func(Piece) error) error {
	s.line++
	return s.feed(line, s.Lookup, emit)
}

func (s *Splitter) feed(text string, lookup func(string) (string, bool), emit func(Piece) error) error {
	for text != "" {
		kind, n := s.Next(text)
		part := text[:n]
		switch {
		case kind == Backslash && strings.HasPrefix(text, `\;`):
			// a semicolon for the server, which ends nothing here
			s.add(";", true)
			text = text[2:]
			continue
		case kind == Backslash:
			err := emit(Piece{Text: strings.TrimRight(text, " \t\r\n"), Line: s.line, Command: true})
			s.add("\n", false) // what was typed before it and what comes are two words
			return err
		case kind == Variable && lookup != nil:
			if value, ok := variable(part, lookup); ok {
				// The value is lexed as what it stands for, but holds no variables.
				if err := s.feed(value, nil, emit); err != nil {
					return err
				}
				text = text[n:]
				continue
			}
			s.add(part, true)
		case kind == End && s.Ends():
			s.add(part, s.some)
			p, some := s.take()
			if some {
				if err := emit(p); err != nil {
					return err
				}
			}
		default:
			s.add(part, kind != Blank && kind != Comment)
		}
		text = text[n:]
	}
	return nil
}

// variable returns what is written for a variable.
func variable(ref string, lookup func(string) (string, bool)) (string, bool) {
	if name, asks := strings.CutPrefix(ref, ":{?"); asks {
		_, ok := lookup(strings.TrimSuffix(name, "}"))
		return strings.ToUpper(strconv.FormatBool(ok)), true
	}
	name := strings.Trim(ref[1:], `'"`)
	value, ok := lookup(name)
	switch {
	case !ok:
		return "", false
	case ref[1] == '\'':
		return quote.Literal(value), true
	case ref[1] == '"':
		return `"` + strings.ReplaceAll(value, `"`, `""`) + `"`, true
	}
	return value, true
}

// add appends to the buffer. Blanks in front of a statement are dropped.
func (s *Splitter) add(part string, some bool) {
	if s.buf.Len() == 0 {
		part = strings.TrimLeft(part, " \t\r\n\v\f")
		if part == "" {
			return
		}
		s.start = s.line
	}
	if some && !s.some {
		s.some = true
		s.start = s.line
	}
	s.buf.WriteString(part)
}

// Take returns the buffer as a statement, as if it had ended, and whether
// there is one.
func (s *Splitter) Take() (Piece, bool) { return s.take() }

func (s *Splitter) take() (Piece, bool) {
	p, some := Piece{Text: strings.TrimRight(s.buf.String(), " \t\r\n\v\f"), Line: s.start}, s.some
	s.Reset()
	return p, some
}

// Reset empties the buffer.
func (s *Splitter) Reset() {
	s.buf.Reset()
	s.some = false
	s.Restart()
}

// Mark is the state of the buffer at some time.
type Mark struct {
	text  string
	some  bool
	start int
	lexer Lexer
}

// Mark remembers the buffer.
func (s *Splitter) Mark() Mark {
	m := Mark{s.buf.String(), s.some, s.start, s.Lexer}
	m.lexer.words = append([]string(nil), s.words...)
	return m
}

// Rewind makes the buffer what it was.
func (s *Splitter) Rewind(m Mark) {
	s.buf.Reset()
	s.buf.WriteString(m.text)
	s.some, s.start, s.Lexer = m.some, m.start, m.lexer
}

// Buffer is what was typed of the statement at hand.
func (s *Splitter) Buffer() string { return s.buf.String() }

// Empty tells whether no statement has begun.
func (s *Splitter) Empty() bool { return !s.some && !s.Open() }

// LineNumber is the number of the line that was fed last.
func (s *Splitter) LineNumber() int { return s.line }

// SetLine makes n the number of the line fed last.
func (s *Splitter) SetLine(n int) { s.line = n }
