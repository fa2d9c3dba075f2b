package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"skytools/cmd/qadmin/internal/console"
	"skytools/cmd/qadmin/internal/grammar"
	"skytools/cmd/qadmin/internal/output"
	"skytools/lib/cli"
)

// options are the flags. Without unquote:"false" go-flags would take a value
// in double quotes for a literal of Go.
type options struct {
	DB    string `short:"d" long:"db" unquote:"false"`
	Host  string `short:"h" long:"host" unquote:"false"`
	Port  string `short:"p" long:"port" unquote:"false"`
	User  string `short:"U" long:"user" unquote:"false"`
	Queue string `short:"Q" long:"queue" unquote:"false"`

	// In their order: both add to sources.
	Command func(string) `short:"c" long:"command" unquote:"false"`
	File    func(string) `short:"f" long:"file" unquote:"false"`
	sources []console.Source

	NoRc         bool     `short:"X" long:"no-rc"`
	Rc           bool     `long:"rc"`
	Single       bool     `short:"1" long:"single-transaction"`
	Variables    []string `short:"v" long:"set" unquote:"false"`
	Yes          bool     `long:"yes"`
	ReadOnly     bool     `long:"read-only"`
	Restricted   bool     `long:"restricted"`
	IgnoreErrors bool     `long:"ignore-errors"`
	NoPassword   bool     `short:"w" long:"no-password"`
	Password     bool     `short:"W" long:"password"`
	ShowSecrets  bool     `long:"show-secrets"`

	Quiet      bool   `short:"q" long:"quiet"`
	Echo       bool   `short:"e" long:"echo-queries"`
	EchoHidden bool   `short:"E" long:"echo-hidden"`
	Output     string `short:"o" long:"output" unquote:"false"`
	Log        string `short:"L" long:"log-file" unquote:"false"`
	Tuples     bool   `short:"t" long:"tuples-only"`
	Unaligned  bool   `short:"A" long:"no-align"`
	FieldSep   string `short:"F" long:"field-separator" default:"|" unquote:"false"`
	CSV        bool   `long:"csv"`
	JSON       bool   `long:"json"`
	Expanded   bool   `short:"x" long:"expanded"`
	Color      string `long:"color" choice:"auto" choice:"always" choice:"never" default:"auto"`

	NoHistory bool `long:"no-history"`

	Help    bool `long:"help"`
	Version bool `long:"version"`
}

// newOptions makes options whose functions collect the sources.
func newOptions() *options {
	o := &options{}
	o.Command = func(text string) { o.sources = append(o.sources, console.Source{Text: text + "\n"}) }
	o.File = func(name string) { o.sources = append(o.sources, console.Source{File: name}) }
	return o
}

// target puts the parts of the connection string together. Where both name the
// same thing, the string of -d wins, as in psql.
func (o *options) target(rest []string) (console.Target, error) {
	db := o.DB
	switch {
	case len(rest) > 1:
		return console.Target{}, cli.WithHint(fmt.Errorf("too many arguments: %q", rest[1:]), "Try: qadmin --help.")
	case len(rest) == 1 && db != "":
		return console.Target{}, fmt.Errorf("the database is given twice: %q and %q", db, rest[0])
	case len(rest) == 1:
		db = rest[0]
	}
	parts := map[string]string{}
	for key, v := range map[string]string{"host": o.Host, "port": o.Port, "user": o.User} {
		if v != "" {
			parts[key] = v
		}
	}
	if console.IsURL(db) && len(parts) > 0 {
		return console.Target{}, errors.New("-h, -p and -U do not go with a URL: name host, port and user in it")
	}
	return console.ParseTarget(db, parts), nil
}

// config is what the session starts with.
func (o *options) config(rest []string) (console.Config, error) {
	c := console.Config{
		Queue:        o.Queue,
		Options:      output.Defaults(),
		Vars:         map[string]string{},
		Quiet:        o.Quiet,
		ReadOnly:     o.ReadOnly,
		Restricted:   o.Restricted,
		Yes:          o.Yes,
		IgnoreErrors: o.IgnoreErrors,
		NoPassword:   o.NoPassword,
		AskPassword:  o.Password,
		ShowSecrets:  o.ShowSecrets,
	}
	var err error
	if c.Target, err = o.target(rest); err != nil {
		return c, err
	}
	switch {
	case o.CSV && o.JSON, (o.CSV || o.JSON) && o.Unaligned, o.NoPassword && o.Password, o.Rc && o.NoRc:
		return c, errors.New("options that exclude each other: --csv, --json and -A; -w and -W; -X and --rc")
	}
	set := func(name, value string) {
		if err == nil {
			err = c.Options.Set(name, value, grammar.Formats)
		}
	}
	set("fieldsep", o.FieldSep)
	for format, on := range map[string]bool{"csv": o.CSV, "json": o.JSON, "unaligned": o.Unaligned} {
		if on {
			set("format", format)
		}
	}
	if o.Tuples {
		set("tuples_only", "on")
	}
	if o.Expanded {
		set("expanded", "on")
	}
	return c, err
}

// color tells whether what is written to stdout may be coloured.
func (o *options) color(stdout io.Writer, getenv func(string) string) bool {
	want := o.Color
	if v := getenv("PG_COLOR"); want == "auto" && v != "" {
		want = v
	}
	switch want {
	case "always":
		return true
	case "auto":
		return cli.IsTerminal(stdout) && getenv("TERM") != "dumb" && getenv("NO_COLOR") == ""
	}
	return false
}

// setVariables sets what -v, -e and -E say.
func (o *options) setVariables(s *console.Session) error {
	list := o.Variables
	if o.Echo {
		list = append(list, "ECHO=queries")
	}
	if o.EchoHidden {
		list = append(list, "ECHO_HIDDEN=on")
	}
	for _, v := range list {
		name, value, _ := strings.Cut(v, "=")
		if err := s.SetVar(name, value); err != nil {
			return err
		}
	}
	return nil
}

// work gives the sources in their order. Start-up files come first, in a
// script only when they are asked for: what it does must not depend on who
// runs it.
func (o *options) work(getenv func(string) string) []console.Source {
	list := o.sources
	if len(list) == 0 {
		list = []console.Source{{File: "-"}}
	}
	if !o.Rc {
		return list
	}
	return append(startFiles(getenv), list...)
}

// startFiles are the files that are read first, if they are there.
func startFiles(getenv func(string) string) []console.Source {
	own := getenv("QADMINRC")
	if own == "" {
		own = getenv("HOME") + "/.qadminrc"
	}
	return []console.Source{{File: "/etc/skytools/qadminrc", Rc: true}, {File: own, Rc: true}}
}
