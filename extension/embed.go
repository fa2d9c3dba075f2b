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
//
// The same files, between those of upgrade and NAME/upgrade, upgrade whatever
// is there to the version that they make; NAME/upgrade_from.txt has the versions
// for which the server gets a script. NAME/downgrade.sql is the list of the way
// back to upstream's versions in NAME/downgrade_to.txt.
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
	return listed(name, list)
}

// listed returns the files of a list.
func listed(name, list string) ([]File, error) {
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
	files, err := extensionFiles(name)
	if err != nil {
		return "", err
	}
	return join(fmt.Sprintf("Use \"CREATE EXTENSION %s\" to load this file.", name), files), nil
}

// UpgradeFrom returns the versions from which an extension can be upgraded.
// One is "unpackaged": the schema without the extension.
func UpgradeFrom(name string) []string {
	b, _ := Files.ReadFile(path.Join(name, "upgrade_from.txt"))
	return strings.Fields(string(b))
}

// Upgrade returns the files that bring whatever is there, an extension too, to
// this version as a plain schema in PL/pgSQL. Where there is nothing they
// install it.
func Upgrade(name string) ([]File, error) {
	files, err := Script(name, PLSQL)
	if err != nil {
		return nil, err
	}
	return aroundUpgrade(name, files, "upgrade/detach.sql"), nil
}

// UpgradeScript returns the text of each NAME--OLD--VERSION.sql as the Makefile
// makes it.
func UpgradeScript(name string) (string, error) {
	files, err := extensionFiles(name)
	if err != nil {
		return "", err
	}
	return join(fmt.Sprintf("Use \"ALTER EXTENSION %s UPDATE\" to load this file.", name), aroundUpgrade(name, files)), nil
}

// DowngradeTo returns the versions to which there is a way back.
func DowngradeTo(name string) []string {
	b, _ := Files.ReadFile(path.Join(name, "downgrade_to.txt"))
	return strings.Fields(string(b))
}

// Downgrade returns the files of the way back.
func Downgrade(name string) ([]File, error) { return listed(name, path.Join(name, "downgrade.sql")) }

// DowngradeScript returns the text of each NAME--VERSION--OLD.sql as the
// Makefile makes it.
func DowngradeScript(name string) (string, error) {
	files, err := Downgrade(name)
	if err != nil {
		return "", err
	}
	return join(fmt.Sprintf("Use \"ALTER EXTENSION %s UPDATE TO\" to load this file.", name), files), nil
}

// aroundUpgrade puts the files of an upgrade around those of a list; first ones
// come at the beginning.
func aroundUpgrade(name string, list []File, first ...string) []File {
	var files []File
	add := func(paths ...string) {
		for _, p := range paths {
			if text, err := Files.ReadFile(p); err == nil {
				files = append(files, File{p, string(text)})
			}
		}
	}
	add(name + "/upgrade/names.sql")
	add(first...)
	add("upgrade/begin.sql")
	if _, err := fs.Stat(Files, name+"/upgrade/locks.sql"); err == nil {
		add(name+"/upgrade/locks.sql", "upgrade/lock.sql")
	}
	add(name + "/upgrade/before.sql")
	files = append(files, list...)
	add(name+"/upgrade/after.sql", "upgrade/end.sql")
	return files
}

// extensionFiles returns the C flavour and what only an extension's script may
// do.
func extensionFiles(name string) ([]File, error) {
	files, err := Script(name, C)
	if err != nil {
		return nil, err
	}
	dump := path.Join(name, "config_dump.sql")
	if text, err := Files.ReadFile(dump); err == nil {
		files = append(files, File{dump, string(text)})
	}
	return files, nil
}

// join makes a script that psql does not run.
func join(message string, files []File) string {
	var b strings.Builder
	fmt.Fprintf(&b, "\\echo %s \\quit\n", message)
	for _, f := range files {
		b.WriteString(f.Text)
	}
	return b.String()
}
