package grammar

import "strings"

// Ready tells whether what was typed can be run after what a splitter holds: no
// statement is open at its end, or it ends with a command.
func (s *Splitter) Ready(text string) bool {
	if s.Empty() && Alone(text) {
		return true
	}
	command := false
	dry := s.follow(text, func(p Piece) { command = p.Command })
	// A command is the last thing on its line, but more lines may follow.
	return dry.Empty() || command
}

// After returns what the input waits for when text was typed too.
func (s *Splitter) After(text string) byte {
	dry := s.follow(text, func(Piece) {})
	return dry.State()
}

// follow cuts the text like a splitter that goes on from this one.
func (s *Splitter) follow(text string, see func(Piece)) *Splitter {
	dry := &Splitter{Lexer: Lexer{Escapes: s.Escapes}}
	none := func(Piece) error { return nil }
	if s.Buffer() != "" {
		_ = dry.Feed(s.Buffer(), none)
	}
	for line := range strings.Lines(text + "\n") {
		_ = dry.Feed(line, func(p Piece) error { see(p); return nil })
	}
	return dry
}
