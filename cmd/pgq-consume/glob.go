package main

import (
	"fmt"
	"regexp"
	"strings"
)

// typeFilter matches ev_type against the patterns of --type. Its answers are
// remembered: a queue has few types and many events.
type typeFilter struct {
	globs []*regexp.Regexp
	known map[string]bool
}

// maxKnownTypes bounds the memory of a filter on a queue whose types never
// repeat.
const maxKnownTypes = 4096

// newTypeFilter compiles globs; no globs let everything through.
func newTypeFilter(globs []string) (*typeFilter, error) {
	f := &typeFilter{known: make(map[string]bool)}
	for _, g := range globs {
		re, err := compileGlob(g)
		if err != nil {
			return nil, err
		}
		f.globs = append(f.globs, re)
	}
	return f, nil
}

// match tells whether an event of type t passes. An event without a type has
// the empty one.
func (f *typeFilter) match(t []byte) bool {
	if len(f.globs) == 0 {
		return true
	}
	ok, seen := f.known[string(t)]
	if seen {
		return ok
	}
	for _, re := range f.globs {
		if re.Match(t) {
			ok = true
			break
		}
	}
	if len(f.known) < maxKnownTypes {
		f.known[string(t)] = ok
	}
	return ok
}

// compileGlob turns a shell pattern into a regular expression: * and ? match
// any text, a newline and a slash too, [a-z] and [!a-z] a set, and a backslash
// takes the special meaning from what follows.
func compileGlob(glob string) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	rs := []rune(glob)
	for i := 0; i < len(rs); i++ {
		switch c := rs[i]; c {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteByte('.')
		case '\\':
			if i++; i == len(rs) {
				return nil, fmt.Errorf("pattern %q ends with a backslash", glob)
			}
			b.WriteString(regexp.QuoteMeta(string(rs[i])))
		case '[':
			end, err := globSet(&b, rs[i+1:])
			if err != nil {
				return nil, fmt.Errorf("pattern %q: %w", glob, err)
			}
			i += end
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	b.WriteString(`\z`)
	re, err := regexp.Compile(b.String())
	if err != nil {
		return nil, fmt.Errorf("pattern %q: %w", glob, err)
	}
	return re, nil
}

// globSet writes the set whose text follows a "[" and returns how many runes
// of it were used, the closing "]" included. A "]" that comes first is a
// member.
func globSet(b *strings.Builder, rs []rune) (int, error) {
	b.WriteByte('[')
	i := 0
	if i < len(rs) && (rs[i] == '!' || rs[i] == '^') {
		b.WriteByte('^')
		i++
	}
	for first := true; i < len(rs); i, first = i+1, false {
		switch c := rs[i]; {
		case c == ']' && !first:
			b.WriteByte(']')
			return i + 1, nil
		case c == '-':
			b.WriteByte('-')
		case c == '\\' && i+1 < len(rs):
			i++
			b.WriteString(escapeSetMember(rs[i]))
		default:
			b.WriteString(escapeSetMember(c))
		}
	}
	return 0, fmt.Errorf("missing ]")
}

func escapeSetMember(c rune) string {
	if strings.ContainsRune(`\]^[-&`, c) {
		return `\` + string(c)
	}
	return string(c)
}
