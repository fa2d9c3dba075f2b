package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/jessevdk/go-flags"

	"skytools/lib/ini"
)

// Config fills the options of a program from its layers: flags, then
// environment, then ini file, then defaults. An option takes part in all of
// them when its struct field has an `ini:"key"` tag beside those of go-flags;
// its variable is the prefix and the key in upper case. A field tagged
// `secret:"connstr"` is shown with its passwords masked.
type Config struct {
	// Section of the ini file.
	Section string
	// EnvPrefix of the environment variables, with its underscore.
	EnvPrefix string
	// Mode of the ini reader.
	Mode ini.Mode
	// Known are further keys of the section that are no mistake.
	Known []string
	// OtherSections says that sections besides Section are no mistake.
	OtherSections bool
	// Vars are what references in the file may use besides its keys.
	Vars map[string]string
	// LookupEnv is os.LookupEnv unless set.
	LookupEnv func(string) (string, bool)

	settings []Setting
}

// A Setting is the effective value of one option.
type Setting struct {
	Key    string
	Value  string // passwords masked
	Origin string // "flag", "environment X", "file:line" or "default"
}

// Load parses args into the options of parser and then applies the ini file
// that path names, if any; path is called when the flags are parsed, with the
// arguments that are left. Load returns warnings about what the file has and
// nobody knows. Errors of its own are UsageErrors.
func (c *Config) Load(parser *flags.Parser, args []string, path func(rest []string) (string, error)) (warnings []string, err error) {
	rest, err := parser.ParseArgs(args)
	if err != nil {
		return nil, FlagError(err)
	}
	file, err := path(rest)
	if err != nil {
		return nil, err
	}
	var sec *ini.Section
	if file != "" {
		f, err := c.read(file)
		if err != nil {
			return nil, err
		}
		sec = f.Section(c.Section)
		warnings = c.unknown(f, c.keys(parser))
	}
	c.settings = nil
	for _, o := range c.options(parser) {
		s, err := c.apply(o, sec)
		if err != nil {
			return nil, err
		}
		c.settings = append(c.settings, s)
	}
	return warnings, nil
}

// read reads the ini file and demands the section.
func (c *Config) read(path string) (*ini.File, error) {
	f, err := ini.ReadFile(path, c.Mode)
	var pe *os.PathError
	switch {
	case errors.As(err, &pe):
		return nil, Usagef("read configuration %s: %w", path, pe.Err)
	case err != nil:
		return nil, &UsageError{err}
	}
	for k, v := range c.Vars {
		f.SetVar(k, v)
	}
	if f.Section(c.Section) == nil {
		return nil, Usagef("%s: no section [%s]", path, c.Section)
	}
	return f, nil
}

// unknown warns about keys and sections that nobody reads.
func (c *Config) unknown(f *ini.File, known map[string]bool) (warnings []string) {
	for _, e := range f.Repeated {
		warnings = append(warnings, fmt.Sprintf("%s: key %q comes again later, this one does not count", e.Pos, e.Key))
	}
	for _, s := range f.Sections() {
		if s.Name != c.Section {
			if !c.OtherSections {
				warnings = append(warnings, fmt.Sprintf("%s: unknown section [%s]", s.Pos, s.Name))
			}
			continue
		}
		for _, e := range s.Own() {
			if !known[e.Key] {
				warnings = append(warnings, fmt.Sprintf("%s: unknown key %q", e.Pos, e.Key))
			}
		}
	}
	return warnings
}

// apply gives o the value of the highest layer that has one.
func (c *Config) apply(o *flags.Option, sec *ini.Section) (Setting, error) {
	key := iniKey(o)
	s := Setting{Key: key, Origin: "default"}
	set := func(origin, value string) error {
		s.Origin = origin
		if err := o.Set(&value); err != nil {
			return Usagef("%s: bad value %q for %s: %s", origin, value, key, valueReason(err))
		}
		return nil
	}
	err := func() error {
		if o.IsSet() && !o.IsSetDefault() {
			s.Origin = "flag"
			return nil
		}
		lookup := c.LookupEnv
		if lookup == nil {
			lookup = os.LookupEnv
		}
		if name := c.envName(key); name != "" {
			if v, ok := lookup(name); ok {
				return set("environment "+name, v)
			}
		}
		if sec == nil {
			return nil
		}
		v, ok, err := sec.Get(key)
		if err != nil {
			return &UsageError{err}
		}
		if e, inFile := sec.Lookup(key); ok && inFile {
			return set(e.Pos.String(), v)
		}
		return nil
	}()
	s.Value = fmt.Sprint(o.Value())
	if o.Field().Tag.Get("secret") == "connstr" {
		s.Value = MaskConnString(s.Value)
	}
	return s, err
}

func (c *Config) envName(key string) string {
	if c.EnvPrefix == "" {
		return ""
	}
	return c.EnvPrefix + strings.ToUpper(key)
}

// Settings returns the effective values of the last Load, in the order of the
// options.
func (c *Config) Settings() []Setting { return c.settings }

// Bad is the error for a value that was read well but cannot be used.
func (c *Config) Bad(key, reason string) error {
	for _, s := range c.settings {
		if s.Key != key {
			continue
		}
		if s.Origin == "flag" {
			return Usagef("option --%s: %s", strings.ReplaceAll(key, "_", "-"), reason)
		}
		return Usagef("%s: bad value %q for %s: %s", s.Origin, s.Value, key, reason)
	}
	return Usagef("%s: %s", key, reason)
}

// Show writes the settings as an ini file, with the origin of each before it.
func (c *Config) Show(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "[%s]\n", c.Section)
	for _, s := range c.settings {
		fmt.Fprintf(&b, "\n# %s\n%s = %s\n", s.Origin, s.Key, escapeValue(s.Value))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// escapeValue writes a value as an ini file has it.
func escapeValue(v string) string {
	return strings.ReplaceAll(strings.ReplaceAll(v, "%", "%%"), "\n", "\n  ")
}

// Keys returns the ini keys of the options, in their order.
func (c *Config) Keys(parser *flags.Parser) (keys []string) {
	for _, o := range c.options(parser) {
		keys = append(keys, iniKey(o))
	}
	return keys
}

func (c *Config) keys(parser *flags.Parser) map[string]bool {
	m := map[string]bool{"config_format": true}
	for _, k := range append(c.Keys(parser), c.Known...) {
		m[k] = true
	}
	return m
}

// options returns those options of parser that have an ini key.
func (c *Config) options(parser *flags.Parser) (os []*flags.Option) {
	var walk func(g *flags.Group)
	walk = func(g *flags.Group) {
		for _, o := range g.Options() {
			if iniKey(o) != "" {
				os = append(os, o)
			}
		}
		for _, sub := range g.Groups() {
			walk(sub)
		}
	}
	walk(parser.Group)
	return os
}

func iniKey(o *flags.Option) string { return o.Field().Tag.Get("ini") }

// valueReason says why a value was refused, without go-flags' wrapping.
func valueReason(err error) string {
	var fe *flags.Error
	if !errors.As(err, &fe) {
		return reason(err.Error())
	}
	if m := choice.FindStringSubmatch(fe.Message); m != nil {
		return "use " + m[3]
	}
	return FlagError(err).Error()
}

// FileVars are the variables that Skytools' files may refer to.
func FileVars(path, service string) map[string]string {
	abs, err := filepath.Abs(path)
	if err != nil {
		abs = path
	}
	host, _ := os.Hostname()
	base := filepath.Base(abs)
	return map[string]string{
		"job_name":     strings.TrimSuffix(base, filepath.Ext(base)),
		"service_name": service,
		"host_name":    host,
		"config_dir":   filepath.Dir(abs),
		"config_file":  abs,
	}
}
