// Package output writes results of queries in the forms that qadmin knows. It
// writes row by row and holds no more than it needs for the widths of columns.
package output

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// Column is a column of a result.
type Column struct {
	Name string
	OID  uint32 // of its type, 0 for text
}

// Names makes columns of text.
func Names(names ...string) []Column {
	cols := make([]Column, len(names))
	for i, n := range names {
		cols[i].Name = n
	}
	return cols
}

// Options say how results look: what \pset sets.
type Options struct {
	Format     string // one of grammar.Formats
	Expanded   string // on, off, auto
	Null       string // of aligned, unaligned and markdown
	Border     int    // of aligned: 0 to 2
	Unicode    bool   // lines of aligned
	FieldSep   string // of unaligned
	TuplesOnly bool
	NoFooter   bool
	Seconds    bool   // JSON: an interval also as a number
	FetchCount int    // rows of aligned that are looked at for the widths
	Width      int    // of the screen, 0 if there is none
	Pager      string // on, off, always
	Terminal   bool   // what is written may reach a terminal as it is

	// Warn tells which values of a row are to be coloured, in what people read.
	// nil: none.
	Warn func(row []string) []bool
}

// Red makes a text red.
func Red(text string) string { return "\x1b[1;31m" + text + "\x1b[0m" }

func (o *Options) warned(row []string) []bool {
	if o.Warn == nil {
		return nil
	}
	return o.Warn(row)
}

// colored is a value, red if it is one of those that are warned of.
func colored(text string, warned []bool, i int) string {
	if i >= len(warned) || !warned[i] || text == "" {
		return text
	}
	return Red(text)
}

// Defaults are the options that a session starts with.
func Defaults() Options {
	return Options{Format: "aligned", Expanded: "off", FieldSep: "|", Pager: "on", FetchCount: 1000}
}

// Machine tells whether programs read the format: then nothing but data may be
// written there.
func (o *Options) Machine() bool {
	return slices.Contains([]string{"csv", "tsv", "json", "jsonl"}, o.Format)
}

// Table takes the rows of one result.
type Table interface {
	// Row writes a row; nil is NULL. The values are not kept.
	Row(values [][]byte) error
	// Close ends the result.
	Close() error
}

// New begins a result. The title is for formats that people read.
func New(w io.Writer, o Options, title string, cols []Column) Table {
	switch o.Format {
	case "csv":
		return newCSV(w, o, cols)
	case "tsv":
		return newTSV(w, o, cols)
	case "json", "jsonl":
		return newJSON(w, o, cols)
	case "markdown":
		return newMarkdown(w, o, title, cols)
	case "unaligned":
		return newUnaligned(w, o, title, cols)
	}
	if o.Expanded == "on" {
		return newExpanded(w, o, title, cols)
	}
	return newAligned(w, o, title, cols)
}

// Set changes an option, as \pset does. formats are the known ones. An empty
// value of a switch turns it over.
func (o *Options) Set(name, value string, formats []string) error {
	switch name {
	case "format":
		if !slices.Contains(formats, value) {
			return fmt.Errorf("unknown format %q: use %s", value, strings.Join(formats, ", "))
		}
		o.Format = value
	case "expanded", "x":
		switch value {
		case "":
			value = "on"
			if o.Expanded != "off" {
				value = "off"
			}
		case "auto":
		default:
			on, err := ParseBool(name, value)
			if err != nil {
				return err
			}
			value = map[bool]string{true: "on", false: "off"}[on]
		}
		o.Expanded = value
	case "null":
		o.Null = value
	case "fieldsep":
		o.FieldSep = value
	case "border":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 || n > 2 {
			return fmt.Errorf("border is 0, 1 or 2, not %q", value)
		}
		o.Border = n
	case "linestyle":
		if value != "ascii" && value != "unicode" {
			return fmt.Errorf("linestyle is ascii or unicode, not %q", value)
		}
		o.Unicode = value == "unicode"
	case "interval":
		if value != "text" && value != "seconds" {
			return fmt.Errorf("interval is text or seconds, not %q", value)
		}
		o.Seconds = value == "seconds"
	case "pager":
		if value == "" {
			value = map[string]string{"off": "on"}[o.Pager]
			if value == "" {
				value = "off"
			}
		}
		if value != "always" {
			on, err := ParseBool(name, value)
			if err != nil {
				return err
			}
			value = map[bool]string{true: "on", false: "off"}[on]
		}
		o.Pager = value
	case "tuples_only", "t":
		return setSwitch(&o.TuplesOnly, name, value, false)
	case "footer":
		return setSwitch(&o.NoFooter, name, value, true)
	default:
		return fmt.Errorf("unknown option of output: %s", name)
	}
	return nil
}

// setSwitch sets a switch; invert is for one that is kept as its opposite.
func setSwitch(p *bool, name, value string, invert bool) error {
	if value == "" {
		*p = !*p
		return nil
	}
	on, err := ParseBool(name, value)
	if err == nil {
		*p = on != invert
	}
	return err
}

// ParseBool reads on and off, and what else the server takes for them.
func ParseBool(name, value string) (bool, error) {
	switch strings.ToLower(value) {
	case "on", "true", "yes", "1":
		return true, nil
	case "off", "false", "no", "0":
		return false, nil
	}
	return false, fmt.Errorf("%s is on or off, not %q", name, value)
}

// Get returns an option as Set takes it.
func (o *Options) Get(name string) string {
	onOff := map[bool]string{true: "on", false: "off"}
	switch name {
	case "format":
		return o.Format
	case "expanded":
		return o.Expanded
	case "null":
		return o.Null
	case "fieldsep":
		return o.FieldSep
	case "border":
		return strconv.Itoa(o.Border)
	case "linestyle":
		return map[bool]string{true: "unicode", false: "ascii"}[o.Unicode]
	case "interval":
		return map[bool]string{true: "seconds", false: "text"}[o.Seconds]
	case "pager":
		return o.Pager
	case "tuples_only":
		return onOff[o.TuplesOnly]
	case "footer":
		return onOff[!o.NoFooter]
	}
	return ""
}

// OptionNames are the names that Set takes.
var OptionNames = []string{"border", "expanded", "fieldsep", "footer", "format", "interval", "linestyle", "null", "pager", "tuples_only"}

// footer is the line that counts the rows.
func footer(n int) string {
	if n == 1 {
		return "(1 row)\n"
	}
	return fmt.Sprintf("(%d rows)\n", n)
}
