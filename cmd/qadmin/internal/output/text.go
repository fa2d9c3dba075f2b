package output

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
)

// Width is the number of columns that a text takes on a screen.
func Width(s string) int {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return uniseg.StringWidth(s)
		}
	}
	return len(s)
}

// Clean makes text harmless for a terminal: control characters and bytes that
// are not UTF-8 are shown by their code. Line ends stay, tabs become blanks.
func Clean(s string) string {
	if isClean(s) {
		return s
	}
	var b strings.Builder
	column := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		part := s[i : i+size]
		i += size
		switch {
		case r == '\n':
			b.WriteByte('\n')
			column = 0
			continue
		case r == '\t':
			part = strings.Repeat(" ", 8-column%8)
		case r == '\r':
			part = `\r`
		case r == utf8.RuneError && size == 1:
			part = fmt.Sprintf(`\x%02X`, part[0])
		case r < 0x80 && unicode.IsControl(r):
			part = fmt.Sprintf(`\x%02X`, r)
		case unicode.IsControl(r) || isDirection(r):
			part = fmt.Sprintf(`\u%04X`, r)
		}
		b.WriteString(part)
		column += Width(part)
	}
	return b.String()
}

func isClean(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f {
			return false
		}
	}
	return true
}

// isDirection tells characters that change the order of what follows, with
// which data could look like something else.
func isDirection(r rune) bool {
	return 0x202a <= r && r <= 0x202e || 0x2066 <= r && r <= 0x2069
}

// valid replaces bytes that are not UTF-8 by their code.
func valid(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 {
			fmt.Fprintf(&b, `\x%02X`, s[i])
		} else {
			b.WriteString(s[i : i+size])
		}
		i += size
	}
	return b.String()
}
