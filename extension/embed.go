// Package extension holds the SQL of the extensions, embedded from the files
// that the Makefile beside it installs, so that programs can apply it through
// a connection where nobody can put files on the server.
//
// An extension is a directory with NAME.control and one list of files for each
// flavour: install.sql for the one with the C module, install_pl.sql for the
// one in PL/pgSQL alone. An extension without C has only one of them, which
// then serves both flavours. A list holds only comments and "\ir FILE" lines,
// so that psql understands it too. What only CREATE EXTENSION may do is in
// config_dump.sql, which is no part of a list.
package extension

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Files holds the control files, the lists and all SQL, with paths relative to
// the directory extension.
//
//go:embed */*.* */*/*.sql
var Files embed.FS

// Flavour is one of the two forms in which the same extension can be built.
type Flavour string

// The flavours.
const (
	C     Flavour = "c"       // with the C module, for CREATE EXTENSION only
	PLSQL Flavour = "plpgsql" // nothing but SQL and PL/pgSQL
)

// File is one file of a script.
type File struct {
	Path string // relative to the directory extension
	Text string
}

// Names returns the extensions, each one after those it requires.
func Names() []string {
	controls, _ := fs.Glob(Files, "*/*.control")
	var names []string
	var add func(name string)
	add = func(name string) {
		if slices.Contains(names, name) {
			return
		}
		for _, r := range Requires(name) {
			add(r)
		}
		names = append(names, name)
	}
	for _, c := range controls {
		add(strings.TrimSuffix(path.Base(c), ".control"))
	}
	return names
}

// Exists tells whether there is an extension of that name.
func Exists(name string) bool { return slices.Contains(Names(), name) }

// Version returns the default version of an extension.
func Version(name string) string { return control(name, "default_version") }

// Requires returns the extensions that an extension needs.
func Requires(name string) []string {
	return strings.FieldsFunc(control(name, "requires"), func(r rune) bool { return r == ',' || r == ' ' })
}

// control returns a parameter of the control file, "" when it is not there.
func control(name, key string) string {
	b, err := Files.ReadFile(path.Join(name, name+".control"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		k, v, ok := strings.Cut(line, "=")
		if ok && strings.TrimSpace(k) == key {
			return strings.Trim(strings.TrimSpace(v), "'")
		}
	}
	return ""
}

// Script returns the files of a flavour in their order.
func Script(name string, flavour Flavour) ([]File, error) {
	list, err := listFile(name, flavour)
	if err != nil {
		return nil, err
	}
	b, err := Files.ReadFile(list)
	if err != nil {
		return nil, err
	}
	var files []File
	n := 0
	for line := range strings.Lines(string(b)) {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "--") {
			continue
		}
		rel, ok := strings.CutPrefix(line, `\ir `)
		if !ok {
			return nil, fmt.Errorf(`%s:%d: only comments and \ir lines are allowed: %s`, list, n, line)
		}
		p := path.Join(name, strings.TrimSpace(rel))
		text, err := Files.ReadFile(p)
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", list, n, err)
		}
		files = append(files, File{p, string(text)})
	}
	return files, nil
}

// listFile returns the path of a flavour's list.
func listFile(name string, flavour Flavour) (string, error) {
	if !Exists(name) {
		return "", fmt.Errorf("unknown extension %q", name)
	}
	lists := []string{"install.sql", "install_pl.sql"}
	if flavour == PLSQL {
		slices.Reverse(lists)
	}
	for _, l := range lists {
		p := path.Join(name, l)
		if _, err := fs.Stat(Files, p); err == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("extension %s has no list of files", name)
}

// ExtensionScript returns the text of NAME--VERSION.sql as the Makefile makes
// it: the files of the C flavour, then what only CREATE EXTENSION may do.
func ExtensionScript(name string) (string, error) {
	files, err := Script(name, C)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "\\echo Use \"CREATE EXTENSION %s\" to load this file. \\quit\n", name)
	for _, f := range files {
		b.WriteString(f.Text)
	}
	if tail, err := Files.ReadFile(path.Join(name, "config_dump.sql")); err == nil {
		b.Write(tail)
	}
	return b.String(), nil
}
