package extension_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skytools/extension"
	"skytools/lib/testpg"
)

// TestMakeJoinsTheSame demands that the script which make installs and the one
// that Go joins from the embedded files are equal, byte for byte.
func TestMakeJoinsTheSame(t *testing.T) {
	t.Parallel()
	dest := testpg.Tree(t)
	out, err := exec.Command(dest.PGConfig, "--sharedir").Output()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "extension")
	for _, name := range extension.Names() {
		t.Run(name, func(t *testing.T) {
			version := extension.Version(name)
			made, err := os.ReadFile(filepath.Join(dir, name+"--"+version+".sql"))
			if err != nil {
				t.Fatal(err)
			}
			joined, err := extension.ExtensionScript(name)
			if err != nil {
				t.Fatal(err)
			}
			if joined != string(made) {
				t.Errorf("make and Go differ (-make +go):\n%s", cmp.Diff(string(made), joined))
			}
			for _, file := range []string{name + ".control", name + "--unpackaged.sql"} {
				if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
					t.Error(err)
				}
			}
			if joined, err = extension.UpgradeScript(name); err != nil {
				t.Fatal(err)
			}
			way, err := extension.DowngradeScript(name)
			if err != nil {
				t.Fatal(err)
			}
			for _, old := range extension.DowngradeTo(name) {
				made, err := os.ReadFile(filepath.Join(dir, name+"--"+version+"--"+old+".sql"))
				if err != nil {
					t.Fatal(err)
				}
				if way != string(made) {
					t.Errorf("make and Go differ in the way back to %s (-make +go):\n%s", old, cmp.Diff(string(made), way))
				}
			}
			for _, old := range extension.UpgradeFrom(name) {
				made, err := os.ReadFile(filepath.Join(dir, name+"--"+old+"--"+version+".sql"))
				if err != nil {
					t.Fatal(err)
				}
				if joined != string(made) {
					t.Errorf("make and Go differ in the upgrade from %s (-make +go):\n%s", old, cmp.Diff(string(made), joined))
				}
			}
		})
	}
}

// TestNames also fixes the order: an extension comes after those it requires.
func TestNames(t *testing.T) {
	t.Parallel()
	names := extension.Names()
	for i, name := range names {
		if extension.Version(name) == "" {
			t.Errorf("%s has no version", name)
		}
		for _, r := range extension.Requires(name) {
			if j := slices.Index(names, r); j < 0 || j > i {
				t.Errorf("%s requires %s, which is not before it in %v", name, r, names)
			}
		}
	}
	if extension.Exists("plpgsql") || !extension.Exists("pgq") {
		t.Errorf("Exists is wrong for pgq or plpgsql; names are %v", names)
	}
}

var onlyOnce = regexp.MustCompile(`(?m)^create (function|procedure|view|trigger|schema|table|index|unique index|sequence|type) [^i].*`)

// TestListsAreComplete demands that each file with SQL is in a list, once, and
// ends with a line end, since the files are joined as they are.
func TestListsAreComplete(t *testing.T) {
	t.Parallel()
	for _, name := range extension.Names() {
		listed := map[string]bool{}
		for _, flavour := range []extension.Flavour{extension.C, extension.PLSQL} {
			files, err := extension.Script(name, flavour)
			if err != nil {
				t.Error(err)
				continue
			}
			if len(files) == 0 {
				t.Errorf("%s: the list of flavour %s is empty", name, flavour)
			}
			seen := map[string]bool{}
			for _, f := range files {
				if seen[f.Path] {
					t.Errorf("%s is twice in the list of flavour %s", f.Path, flavour)
				}
				seen[f.Path], listed[f.Path] = true, true
				if !strings.HasSuffix(f.Text, "\n") {
					t.Errorf("%s does not end with a line end", f.Path)
				}
				// an upgrade runs it over what is there
				if m := onlyOnce.FindString(f.Text); m != "" {
					t.Errorf("%s: %q fails where it exists: use or replace, if not exists", f.Path, m)
				}
				if strings.Contains(f.Text, "\r") {
					t.Errorf("%s has carriage returns", f.Path)
				}
			}
		}
		way, err := extension.Downgrade(name)
		if err != nil {
			t.Error(err)
		}
		for _, f := range way {
			if path.Base(path.Dir(f.Path)) == "downgrade" {
				listed[f.Path] = true
			}
		}
		all, err := fs.Glob(extension.Files, name+"/*/*.sql")
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range all {
			switch path.Base(path.Dir(p)) {
			case "sql", "upgrade":
			default:
				if !listed[p] {
					t.Errorf("%s is in no list", p)
				}
			}
		}
	}
}

func TestScriptUnknown(t *testing.T) {
	t.Parallel()
	if _, err := extension.Script("nosuch", extension.C); err == nil || err.Error() != `unknown extension "nosuch"` {
		t.Errorf("got error %v", err)
	}
}

// TestFlavoursDifferOnlyBelow demands that the two lists of an extension are
// the same but for the directories of the one flavour.
func TestFlavoursDifferOnlyBelow(t *testing.T) {
	t.Parallel()
	only := []string{"lowlevel", "triggers", "lowlevel_pl"}
	for _, name := range extension.Names() {
		lists := map[extension.Flavour][]string{}
		for _, flavour := range []extension.Flavour{extension.C, extension.PLSQL} {
			files, err := extension.Script(name, flavour)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range files {
				if !slices.Contains(only, path.Base(path.Dir(f.Path))) {
					lists[flavour] = append(lists[flavour], f.Path)
				}
			}
		}
		if diff := cmp.Diff(lists[extension.PLSQL], lists[extension.C]); diff != "" {
			t.Errorf("%s (-plpgsql +c):\n%s", name, diff)
		}
	}
}
