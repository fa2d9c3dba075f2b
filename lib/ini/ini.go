// Package ini reads the ini dialect of Skytools' configuration files: that of
// Python's configparser, with %(name)s interpolation (or ${name} under
// config_format = 2), continuation lines and a DEFAULT section. Each value
// keeps the place where it stands. The package does not know which keys mean
// something, and does not convert values.
package ini

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"
)

// DefaultSection is the section whose keys every other section inherits.
const DefaultSection = "DEFAULT"

// A Mode says how strict the reader is.
type Mode int

const (
	// Strict accepts what configparser accepts.
	Strict Mode = iota
	// Lenient also accepts what pgqd's own reader has always accepted: a key
	// or a section that comes again (the last one counts), and a '%' or '$'
	// that begins no reference and then stands for itself.
	Lenient
)

// Pos is a place in a file.
type Pos struct {
	File string
	Line int
}

func (p Pos) String() string { return fmt.Sprintf("%s:%d", p.File, p.Line) }

// An Error is a mistake in a file.
type Error struct {
	Pos
	Msg string
}

func (e *Error) Error() string { return e.Pos.String() + ": " + e.Msg }

// An Entry is one key with its value as written: continuation lines are
// joined by newlines, references are not yet resolved.
type Entry struct {
	Key string // lower case
	Raw string
	Pos Pos
}

// A Section is a list of entries under one [name].
type Section struct {
	Name string
	Pos  Pos

	file    *File
	entries []Entry
	index   map[string]int
}

// A File is a parsed file.
type File struct {
	Name string
	// Repeated has the entries that a later one of the same key replaced;
	// only Lenient lets that happen.
	Repeated []Entry

	mode     Mode
	sections []*Section
	defaults *Section
	vars     map[string]string
}

// ReadFile parses the file at path.
func ReadFile(path string, mode Mode) (*File, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return parse(b, path, mode)
}

// Parse parses r; name is what positions call the file.
func Parse(r io.Reader, name string, mode Mode) (*File, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	return parse(b, name, mode)
}

func parse(b []byte, name string, mode Mode) (*File, error) {
	f := &File{Name: name, mode: mode, vars: map[string]string{}}
	f.defaults = f.newSection(DefaultSection, Pos{name, 0})

	var (
		sec    *Section
		seen   = map[string]bool{} // section + NUL + key: an inherited key is no repetition
		open   = -1                // index in sec of the entry that continuation lines go to
		indent int                 // of the last key or section line
	)
	fail := func(line int, format string, args ...any) error {
		return &Error{Pos{name, line}, fmt.Sprintf(format, args...)}
	}
	for i, line := range splitLines(b) {
		pos := Pos{name, i + 1}
		text := trim(line)
		if text == "" || text[0] == '#' || text[0] == ';' {
			// An empty line is part of a value that goes on after it, a comment is not.
			if text == "" && open >= 0 {
				sec.entries[open].Raw += "\n"
			}
			continue
		}
		ind := strings.Index(line, text)
		if open >= 0 && ind > indent {
			sec.entries[open].Raw += "\n" + text
			continue
		}
		indent = ind

		if header, ok := sectionHeader(text); ok {
			open = -1
			switch {
			case header == DefaultSection:
				sec = f.defaults
			case f.Section(header) == nil:
				sec = f.newSection(header, pos)
				f.sections = append(f.sections, sec)
			case mode == Lenient:
				sec = f.Section(header)
			default:
				return nil, fail(pos.Line, "section [%s] comes again, first in line %d", header, f.Section(header).Pos.Line)
			}
			continue
		}
		if sec == nil {
			return nil, fail(pos.Line, "no [section] before %q", text)
		}
		key, value, ok := splitEntry(text)
		if !ok {
			return nil, fail(pos.Line, "neither a section nor 'key = value': %q", text)
		}
		e := Entry{Key: key, Raw: value, Pos: pos}
		if seen[sec.Name+"\x00"+key] {
			old := sec.entries[sec.index[key]]
			if mode != Lenient {
				return nil, fail(pos.Line, "key %q comes again, first in line %d", key, old.Pos.Line)
			}
			f.Repeated = append(f.Repeated, old)
		}
		seen[sec.Name+"\x00"+key] = true
		open = sec.set(e)
	}
	for _, s := range append(f.sections, f.defaults) {
		for i := range s.entries {
			s.entries[i].Raw = strings.TrimRightFunc(s.entries[i].Raw, isSpace)
		}
	}
	return f, nil
}

// splitLines cuts at \n, \r\n and \r, as Python's text files do. A byte order
// mark is dropped.
func splitLines(b []byte) []string {
	b = bytes.TrimPrefix(b, []byte("\ufeff"))
	s := strings.ReplaceAll(string(b), "\r\n", "\n")
	return strings.Split(strings.ReplaceAll(s, "\r", "\n"), "\n")
}

// sectionHeader returns the name in "[name]". What follows the last bracket
// is ignored, as configparser does.
func sectionHeader(text string) (string, bool) {
	if text[0] != '[' {
		return "", false
	}
	end := strings.LastIndexByte(text, ']')
	if end < 2 {
		return "", false
	}
	return text[1:end], true
}

// splitEntry cuts at the first '=' or ':'.
func splitEntry(text string) (key, value string, ok bool) {
	i := strings.IndexAny(text, "=:")
	if i < 0 {
		return "", "", false
	}
	key = strings.ToLower(trim(text[:i]))
	return key, trim(text[i+1:]), key != ""
}

func trim(s string) string { return strings.TrimFunc(s, isSpace) }

// isSpace is Python's str.isspace for one rune.
func isSpace(r rune) bool { return unicode.IsSpace(r) || 0x1c <= r && r <= 0x1f }

func (f *File) newSection(name string, pos Pos) *Section {
	return &Section{Name: name, Pos: pos, file: f, index: map[string]int{}}
}

// set adds e, or replaces the entry of the same key, and returns its index.
func (s *Section) set(e Entry) int {
	if i, ok := s.index[e.Key]; ok {
		s.entries[i] = e
		return i
	}
	s.entries = append(s.entries, e)
	s.index[e.Key] = len(s.entries) - 1
	return len(s.entries) - 1
}

// SetVar gives a value for key that counts where neither the section nor
// DEFAULT has one (job_name, config_dir and the like). It is taken as it is.
func (f *File) SetVar(key, value string) {
	f.vars[strings.ToLower(key)] = value
}

// Section returns the section of that name, or nil. DEFAULT is not a section.
func (f *File) Section(name string) *Section {
	for _, s := range f.sections {
		if s.Name == name {
			return s
		}
	}
	return nil
}

// Sections returns the sections in the order of the file, without DEFAULT.
func (f *File) Sections() []*Section { return f.sections }

// Own returns the section's own entries in the order of the file.
func (s *Section) Own() []Entry { return s.entries }

// Entries returns the section's own entries in the order of the file, then
// those of DEFAULT that it does not replace.
func (s *Section) Entries() []Entry {
	es := append([]Entry(nil), s.entries...)
	for _, e := range s.file.defaults.entries {
		if _, ok := s.index[e.Key]; !ok {
			es = append(es, e)
		}
	}
	return es
}

// Lookup returns the entry of key, from the section or DEFAULT.
func (s *Section) Lookup(key string) (Entry, bool) {
	key = strings.ToLower(key)
	for _, sec := range []*Section{s, s.file.defaults} {
		if i, ok := sec.index[key]; ok {
			return sec.entries[i], true
		}
	}
	return Entry{}, false
}

// Get returns the value of key with its references resolved. ok is false when
// neither the section nor DEFAULT nor SetVar has the key.
func (s *Section) Get(key string) (value string, ok bool, err error) {
	st := basic
	if f, _ := s.Lookup("config_format"); f.Raw != "" {
		if n, err := strconv.Atoi(f.Raw); err == nil && n >= 2 {
			st = extended
		}
	}
	e, ok := s.raw(key, st)
	if !ok {
		return "", false, nil
	}
	x := expansion{style: st, left: maxReferences}
	value, err = x.expand(s, e, e.Raw, 1)
	return value, true, err
}

// A style is a way to write references: the mark, and the brackets.
type style struct {
	mark, open byte
	end        string
}

var (
	basic    = style{'%', '(', ")s"}
	extended = style{'$', '{', "}"}
)

// raw is Lookup with the variables of SetVar behind it. These are escaped,
// because no reference in them is meant as one.
func (s *Section) raw(key string, st style) (Entry, bool) {
	if e, ok := s.Lookup(key); ok {
		return e, true
	}
	key = strings.ToLower(key)
	v, ok := s.file.vars[key]
	mark := string(st.mark)
	return Entry{Key: key, Raw: strings.ReplaceAll(v, mark, mark+mark), Pos: Pos{s.file.Name, 0}}, ok
}

const (
	// maxDepth is configparser's limit of references inside references.
	maxDepth = 10
	// maxReferences in one value keeps a file of a few lines from growing
	// into gigabytes.
	maxReferences = 1000
)

// An expansion is the work on one value.
type expansion struct {
	style
	left int
}

// expand resolves the references in text, which is the value of e in s.
func (x *expansion) expand(s *Section, e Entry, text string, depth int) (string, error) {
	if !strings.Contains(text, string(x.mark)) {
		return text, nil
	}
	if depth > maxDepth || x.left == 0 {
		return "", &Error{e.Pos, fmt.Sprintf("value of %q refers to itself, or too deep", e.Key)}
	}
	var out strings.Builder
	for {
		i := strings.IndexByte(text, x.mark)
		if i < 0 {
			out.WriteString(text)
			return out.String(), nil
		}
		out.WriteString(text[:i])
		text = text[i:]
		if strings.HasPrefix(text[1:], string(x.mark)) {
			out.WriteByte(x.mark)
			text = text[2:]
			continue
		}
		name, rest, ok := x.reference(text)
		switch {
		case ok:
			v, err := x.resolve(s, e, name, depth)
			if err != nil {
				return "", err
			}
			out.WriteString(v)
			text = rest
		case s.file.mode == Lenient:
			out.WriteByte(x.mark)
			text = text[1:]
		default:
			return "", &Error{e.Pos, fmt.Sprintf("value of %q: %q begins no reference, write %c%c for a single %c",
				e.Key, firstWord(text), x.mark, x.mark, x.mark)}
		}
	}
}

// reference splits text, which begins with the mark, into the name of the
// reference and what follows it. A name holds no closing bracket.
func (st style) reference(text string) (name, rest string, ok bool) {
	if len(text) < 2 || text[1] != st.open {
		return "", "", false
	}
	text = text[2:]
	i := strings.IndexByte(text, st.end[0])
	if i < 1 || !strings.HasPrefix(text[i:], st.end) {
		return "", "", false
	}
	return text[:i], text[i+len(st.end):], true
}

// resolve gives the value behind the reference name in e of s: "key", or
// "section:key" in the extended style.
func (x *expansion) resolve(s *Section, e Entry, name string, depth int) (string, error) {
	x.left--
	sec, key := s, name
	if sn, k, ok := strings.Cut(name, ":"); ok && x.style == extended {
		if sec, key = s.file.Section(sn), k; sn == DefaultSection {
			sec = s.file.defaults
		}
		if sec == nil || strings.Contains(k, ":") {
			return "", &Error{e.Pos, fmt.Sprintf("value of %q refers to unknown section: %q", e.Key, name)}
		}
	}
	ref, ok := sec.raw(key, x.style)
	if !ok {
		return "", &Error{e.Pos, fmt.Sprintf("value of %q refers to unknown key %q", e.Key, name)}
	}
	return x.expand(sec, ref, ref.Raw, depth+1)
}

func firstWord(s string) string {
	if i := strings.IndexFunc(s, isSpace); i > 0 {
		return s[:i]
	}
	return s
}
