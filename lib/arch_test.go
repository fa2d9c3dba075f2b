package lib_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// layers says what a package may import of ours: the packages named here and
// whatever these may import. The order is bottom up. A new package gets a line,
// which is a decision about the architecture.
var layers = []struct {
	name string
	may  []string
}{
	{"extension", nil},
	{"lib/quote", nil},
	{"lib/ini", nil},
	{"lib/log", nil},
	{"lib/event", []string{"lib/quote"}},
	{"lib/db", []string{"lib/log"}},
	{"lib/daemon", []string{"lib/log"}},
	{"lib/metrics", []string{"lib/log"}},
	{"lib/cli", []string{"lib/ini", "lib/daemon", "lib/db"}},
	{"lib/install", []string{"lib/db", "extension"}},
	{"lib/pgq", []string{"lib/db", "lib/event", "lib/quote"}},
	{"lib/ticker", []string{"lib/pgq"}},
	{"lib/consumer", []string{"lib/pgq"}},
	{"lib/cascade", []string{"lib/consumer", "lib/quote"}},
	// Tests only.
	{"lib/golden", nil},
	{"lib/testpg", []string{"lib/install"}},
	{"lib/testproxy", []string{"lib/db"}},
	{"lib/scripttest", []string{"lib/golden", "lib/testpg"}},
	{"lib/soak", nil},
	{"lib/peers", nil},
	{"lib/access", nil},
	{"bench", nil},
}

// testOnly are the packages that only tests may import: what they link has no
// place in a program.
var testOnly = []string{"lib/golden", "lib/testpg", "lib/testproxy", "lib/scripttest"}

// outside says who may import a package that is not ours, and why. A path ends
// with a slash where it stands for all below it.
var outside = []struct {
	path, reason string
	may          []string
}{
	{"github.com/jessevdk/go-flags", "flags are the rim of a program", []string{"cmd/", "lib/cli"}},
	{"github.com/coreos/go-systemd/", "one place knows systemd", []string{"lib/daemon"}},
	{"github.com/mattn/go-isatty", "only the rim asks what a terminal is", []string{"lib/cli", "cmd/qadmin"}},
	{"golang.org/x/term", "only the rim asks what a terminal is", []string{"lib/cli", "cmd/"}},
	{"github.com/reeflective/", "one place edits lines", []string{"cmd/qadmin/"}},
	{"github.com/creack/pty", "one place edits lines", []string{"cmd/qadmin/"}},
	{"github.com/hinshun/vt10x", "tests only", nil},
	{"github.com/prometheus/", "packages count, and one place publishes", []string{"lib/metrics", "cmd/"}},
	{"github.com/jackc/pgx/", "what lies below lib/db knows no server",
		[]string{"lib/db", "lib/cli", "lib/install", "lib/pgq", "lib/ticker", "lib/consumer", "lib/cascade", "lib/testpg", "lib/scripttest", "cmd/"}},
	{"github.com/google/go-cmp/", "tests only", []string{"lib/golden"}},
	{"github.com/rogpeppe/go-internal/", "tests only", []string{"lib/scripttest"}},
	{"pgregory.net/rapid", "tests only", nil},
	{"os/signal", "a signal is for the process, not for a package", []string{"lib/cli", "lib/daemon"}},
	{"testing", "a program that links it has its flags", testOnly},
	{"log", "loggers are log/slog and are passed; net/http wants an old one", []string{"lib/metrics"}},
}

// processWide are the names of package os that only the rim may use.
var processWide = []string{"Exit", "Args"}

const module = "skytools/"

type goPackage struct {
	Dir, ImportPath                          string
	GoFiles                                  []string
	Imports, Deps, TestImports, XTestImports []string
}

// packages lists the packages of the module.
var packages = sync.OnceValues(func() ([]goPackage, error) {
	cmd := exec.Command("go", "list", "-json=Dir,ImportPath,GoFiles,Imports,Deps,TestImports,XTestImports", "./...")
	cmd.Dir = ".."
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var list []goPackage
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
})

func eachPackage(t *testing.T, f func(name string, p goPackage)) {
	t.Helper()
	list, err := packages()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range list {
		f(strings.TrimPrefix(p.ImportPath, module), p)
	}
}

// within tells whether a path is a package or, where the pattern ends with a
// slash, lies below it.
func within(path, pattern string) bool {
	return path == strings.TrimSuffix(pattern, "/") || strings.HasSuffix(pattern, "/") && strings.HasPrefix(path, pattern)
}

func TestLayers(t *testing.T) {
	t.Parallel()
	allowed := map[string][]string{}
	for _, l := range layers {
		all := slices.Clone(l.may)
		for _, m := range l.may {
			below, ok := allowed[m]
			if !ok {
				t.Fatalf("layers: %s may import %s, which is not listed before it", l.name, m)
			}
			all = append(all, below...)
		}
		allowed[l.name] = all
	}
	eachPackage(t, func(name string, p goPackage) {
		may, listed := allowed[name]
		inCmd := strings.HasPrefix(name, "cmd/")
		if !listed && !inCmd && name != "lib" {
			t.Errorf("package %s has no line in layers", name)
			return
		}
		for _, imp := range p.Imports {
			ours, ok := strings.CutPrefix(imp, module)
			if !ok {
				continue
			}
			switch {
			case strings.HasPrefix(ours, "cmd/") && !(inCmd && within(ours, strings.Join(strings.SplitN(name, "/", 3)[:2], "/")+"/")):
				t.Errorf("%s imports %s: commands share code through lib only", name, ours)
			case slices.Contains(testOnly, ours) && !slices.Contains(testOnly, name):
				t.Errorf("%s imports %s, which is for tests only", name, ours)
			case !inCmd && !slices.Contains(may, ours):
				t.Errorf("%s imports %s, which is not below it (see layers)", name, ours)
			}
		}
	})
}

func TestOutsideImports(t *testing.T) {
	t.Parallel()
	eachPackage(t, func(name string, p goPackage) {
		for _, rule := range outside {
			may := slices.ContainsFunc(rule.may, func(pattern string) bool { return within(name, pattern) })
			for _, imp := range p.Imports {
				if within(imp, rule.path) && !may {
					t.Errorf("%s imports %s: %s (allowed: %s)", name, imp, rule.reason, strings.Join(rule.may, ", "))
				}
			}
		}
	})
}

// TestNothingOfTestsIsLinked looks at all that a program links, by whatever
// way it came in.
func TestNothingOfTestsIsLinked(t *testing.T) {
	t.Parallel()
	eachPackage(t, func(name string, p goPackage) {
		if !strings.HasPrefix(name, "cmd/") {
			return
		}
		for _, dep := range p.Deps {
			if dep == "testing" || within(dep, "github.com/google/go-cmp/") || within(dep, "github.com/rogpeppe/go-internal/") {
				t.Errorf("%s links %s", name, dep)
			}
		}
	})
}

// TestProcessWide demands that what belongs to the whole process is used by
// the rim only, so that several runs of a program fit into one process.
func TestProcessWide(t *testing.T) {
	t.Parallel()
	eachPackage(t, func(name string, p goPackage) {
		if name == "lib/cli" || name == "lib/daemon" {
			return
		}
		for _, file := range p.GoFiles {
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, filepath.Join(p.Dir, file), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Error(err)
				continue
			}
			ast.Inspect(f, func(n ast.Node) bool {
				sel, ok := n.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				if id, ok := sel.X.(*ast.Ident); ok && id.Name == "os" && slices.Contains(processWide, sel.Sel.Name) {
					t.Errorf("%s: os.%s is for lib/cli and lib/daemon", fset.Position(sel.Pos()), sel.Sel.Name)
				}
				return true
			})
		}
	})
}

// TestDependencies demands that each module which we import, and each one that
// go.mod names as direct, has its reason in ARCHITECTURE.md, and that no other
// one is there.
func TestDependencies(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{} // true once it is seen in use
	for line := range strings.Lines(string(doc)) {
		// | module | for |, where a module's path begins with a domain.
		cells := strings.Split(line, "|")
		if len(cells) != 4 {
			continue
		}
		name := strings.Trim(cells[1], " `")
		if domain, _, ok := strings.Cut(name, "/"); ok && strings.Contains(strings.Trim(domain, "."), ".") {
			documented[name] = false
		}
	}
	use := func(module, who string) {
		if _, ok := documented[module]; !ok {
			t.Errorf("%s uses %s, which has no line under Dependencies in ARCHITECTURE.md", who, module)
		}
		documented[module] = true
	}
	var required []string
	for line := range strings.Lines(string(mod)) {
		f := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(f) >= 2 && strings.Contains(f[0], ".") && strings.HasPrefix(f[1], "v") {
			required = append(required, f[0])
			if !strings.Contains(line, "// indirect") {
				use(f[0], "go.mod")
			}
		}
	}
	eachPackage(t, func(name string, p goPackage) {
		for _, imp := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			for _, r := range required {
				if within(imp, r+"/") {
					use(r, name)
				}
			}
		}
	})
	for module, used := range documented {
		if !used {
			t.Errorf("ARCHITECTURE.md names %s, which nothing imports", module)
		}
	}
}
