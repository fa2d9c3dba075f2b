package output

import (
	"bufio"
	"bytes"
	"io"
	"strconv"
	"strings"
)

func itoa(n int) string { return strconv.Itoa(n) }

// separated writes a line for each row: csv, tsv, unaligned and markdown are
// that, each with its own way to write a value.
type separated struct {
	w                 *bufio.Writer
	left, sep, right  string
	value             func(v []byte) string
	rows              int
	footer, emptyLine bool
}

func (s *separated) header(cols []Column) {
	row := make([][]byte, len(cols))
	for i, c := range cols {
		row[i] = []byte(c.Name)
	}
	s.line(row)
}

func (s *separated) line(values [][]byte) {
	s.w.WriteString(s.left)
	for i, v := range values {
		if i > 0 {
			s.w.WriteString(s.sep)
		}
		s.w.WriteString(s.value(v))
	}
	s.w.WriteString(s.right + "\n")
}

func (s *separated) Row(values [][]byte) error {
	s.rows++
	s.line(values)
	if s.rows%1000 == 0 {
		return s.w.Flush()
	}
	return nil
}

func (s *separated) Close() error {
	if s.footer {
		s.w.WriteString(footer(s.rows))
	}
	if s.emptyLine {
		s.w.WriteByte('\n')
	}
	return s.w.Flush()
}

// newCSV writes RFC 4180, but with plain line ends. An empty string is quoted,
// NULL is not.
func newCSV(w io.Writer, o Options, cols []Column) Table {
	s := &separated{w: bufio.NewWriter(w), sep: ",", value: func(v []byte) string {
		switch {
		case v == nil:
			return ""
		case len(v) == 0 || bytes.ContainsAny(v, ",\"\r\n") || string(v) == `\.`:
			return `"` + strings.ReplaceAll(string(v), `"`, `""`) + `"`
		}
		return string(v)
	}}
	if !o.TuplesOnly {
		s.header(cols)
	}
	return s
}

var tsvEscapes = strings.NewReplacer(`\`, `\\`, "\t", `\t`, "\n", `\n`, "\r", `\r`)

// newTSV writes what COPY reads: escapes with backslashes, and \N for NULL.
func newTSV(w io.Writer, o Options, cols []Column) Table {
	s := &separated{w: bufio.NewWriter(w), sep: "\t", value: func(v []byte) string {
		if v == nil {
			return `\N`
		}
		return tsvEscapes.Replace(string(v))
	}}
	if !o.TuplesOnly {
		s.header(cols)
	}
	return s
}

func newUnaligned(w io.Writer, o Options, title string, cols []Column) Table {
	s := &separated{w: bufio.NewWriter(w), sep: o.FieldSep, footer: !o.TuplesOnly && !o.NoFooter, value: func(v []byte) string {
		switch {
		case v == nil:
			return o.Null
		case o.Terminal:
			return Clean(string(v))
		}
		return string(v)
	}}
	if !o.TuplesOnly {
		if title != "" {
			s.w.WriteString(Clean(title) + "\n")
		}
		s.header(cols)
	}
	return s
}

var markdownEscapes = strings.NewReplacer("|", `\|`, "\n", "<br>", "<", "&lt;", "&", "&amp;")

func newMarkdown(w io.Writer, o Options, title string, cols []Column) Table {
	s := &separated{w: bufio.NewWriter(w), left: "| ", sep: " | ", right: " |", emptyLine: !o.TuplesOnly, value: func(v []byte) string {
		if v == nil {
			return o.Null
		}
		return markdownEscapes.Replace(Clean(string(v)))
	}}
	if !o.TuplesOnly {
		if title != "" {
			s.w.WriteString("**" + markdownEscapes.Replace(Clean(title)) + "**\n\n")
		}
		s.header(cols)
		s.w.WriteString("|" + strings.Repeat(" --- |", len(cols)) + "\n")
	}
	return s
}
