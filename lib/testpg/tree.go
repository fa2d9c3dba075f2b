package testpg

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"skytools/extension"
)

// ServerTree is a relocated copy of the server's programs and files, in which
// our extensions are installed and upstream's are not. The system's own stays
// as it is.
type ServerTree struct {
	Root     string // what stands before the usual paths
	Bin      string // directory of the programs
	PGConfig string // its pg_config
}

type onceTree struct {
	once sync.Once
	t    ServerTree
	err  error
}

var (
	treesMu sync.Mutex
	trees   = map[string]*onceTree{} // by pg_config and flavour
)

// Tree returns the relocated server tree with the extensions of this working
// copy, built by make -C extension install, with the C module. Use it with Bin:
//
//	c := testpg.Start(t, testpg.Bin(testpg.Tree(t).Bin))
func Tree(t testing.TB) ServerTree {
	t.Helper()
	return tree(t, pgConfig(t), extension.C)
}

// PLTree is Tree without the C module.
func PLTree(t testing.TB) ServerTree {
	t.Helper()
	return tree(t, pgConfig(t), extension.PLSQL)
}

func pgConfig(t testing.TB) string { return filepath.Join(findBin(t), "pg_config") }

func tree(t testing.TB, pgConfig string, flavour extension.Flavour) ServerTree {
	t.Helper()
	needs := map[string]string{"--pgxs": ""}
	if flavour == extension.C {
		needs["--includedir-server"] = "postgres.h"
	}
	for option, file := range needs {
		out, err := exec.Command(pgConfig, option).Output()
		if err == nil {
			_, err = os.Stat(filepath.Join(strings.TrimSpace(string(out)), file))
		}
		if err != nil {
			Unavailable(t, "install the server's development package: "+err.Error())
		}
	}
	if _, err := exec.LookPath("make"); err != nil {
		Unavailable(t, err.Error())
	}
	treesMu.Lock()
	key := pgConfig + string(flavour)
	tree := trees[key]
	if tree == nil {
		tree = &onceTree{}
		trees[key] = tree
	}
	treesMu.Unlock()
	tree.once.Do(func() { tree.t, tree.err = buildTree(pgConfig, flavour) })
	if tree.err != nil {
		t.Fatalf("testpg: %v", tree.err)
	}
	return tree.t
}

// UpstreamTree is Tree with the scripts of upstream's extension pgq beside ours,
// so that a database can begin with upstream's schema: CREATE EXTENSION pgq
// VERSION '3.5'. The libraries are ours. Where upstream's package is missing the
// test is skipped; where CI is set it fails.
func UpstreamTree(t testing.TB) ServerTree {
	t.Helper()
	return upstreamTree(t, pgConfig(t))
}

// OldUpstreamTree is UpstreamTree of the server whose pg_config OLD_PG_CONFIG
// names, from which pg_upgrade is tested; by default it is the same server.
func OldUpstreamTree(t testing.TB) ServerTree {
	t.Helper()
	if old := os.Getenv("OLD_PG_CONFIG"); old != "" {
		return upstreamTree(t, old)
	}
	return UpstreamTree(t)
}

func upstreamTree(t testing.TB, pgConfig string) ServerTree {
	t.Helper()
	ours := tree(t, pgConfig, extension.C)
	const script = "pgq--3.5.sql"
	out, err := exec.Command(pgConfig, "--sharedir").Output()
	if err != nil {
		t.Fatalf("testpg: %v", err)
	}
	dir := filepath.Join(strings.TrimSpace(string(out)), "extension")
	if _, err := os.Stat(filepath.Join(dir, script)); err != nil {
		Unavailable(t, "upstream's pgq is not installed: "+err.Error())
	}
	if _, err := os.Stat(filepath.Join(dir, "pgq_node--3.5.sql")); err != nil {
		Unavailable(t, "upstream's pgq_node is not installed: "+err.Error())
	}
	root, err := cached(filepath.Base(ours.Root)+"-upstream", func(path string) error {
		// links, to which only new names are added
		if out, err := exec.Command("cp", "-al", ours.Root, path).CombinedOutput(); err != nil {
			return fmt.Errorf("copy %s: %w\n%s", ours.Root, err, out)
		}
		for _, script := range []string{script, "pgq--3.4.2--3.5.sql", "pgq_node--3.5.sql", "pgq_node--3.4--3.5.sql"} {
			b, err := os.ReadFile(filepath.Join(dir, script))
			if err == nil {
				err = os.WriteFile(filepath.Join(path, dir, script), b, 0o644)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("testpg: %v", err)
	}
	at := func(path string) string { return root + strings.TrimPrefix(path, ours.Root) }
	return ServerTree{Root: root, Bin: at(ours.Bin), PGConfig: at(ours.PGConfig)}
}

// treeAge is how long an unused tree stays in the cache.
const treeAge = 3 * time.Hour

func buildTree(pgConfig string, flavour extension.Flavour) (ServerTree, error) {
	src, err := extensionDir()
	if err != nil {
		return ServerTree{}, err
	}
	key := sha256.New()
	fmt.Fprintln(key, pgConfig, flavour)
	if fi, err := os.Stat(filepath.Join(filepath.Dir(pgConfig), "postgres")); err == nil {
		fmt.Fprintln(key, fi.Size(), fi.ModTime().UnixNano())
	}
	if err := hashDir(key, src); err != nil {
		return ServerTree{}, err
	}
	// Installed files matter as well: plpgsql_check may have come since.
	if err := hashNames(key, pgConfig); err != nil {
		return ServerTree{}, err
	}
	name := "tree-" + hex.EncodeToString(key.Sum(nil)[:8])
	root, err := cached(name, func(path string) error { return installTree(path, pgConfig, src, flavour) })
	if err != nil {
		return ServerTree{}, err
	}
	dropOldTrees(filepath.Dir(root), name)
	st := ServerTree{Root: root, PGConfig: filepath.Join(root, pgConfig)}
	st.Bin = filepath.Dir(st.PGConfig)
	return st, nil
}

// extensionDir finds the directory extension of the module.
func extensionDir() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOMOD: %w", err)
	}
	return filepath.Join(filepath.Dir(strings.TrimSpace(string(out))), "extension"), nil
}

// hashDir adds the names and contents of the source files below dir.
func hashDir(w interface{ Write([]byte) (int, error) }, dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch {
		case d.IsDir() && (d.Name() == "results" || d.Name() == "output_iso" || d.Name() == "expected" || d.Name() == "sql" || d.Name() == "specs"):
			return fs.SkipDir
		case !d.Type().IsRegular() || strings.HasSuffix(path, ".o") || strings.HasSuffix(path, ".so") || strings.HasSuffix(path, ".go"):
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, path)
		fmt.Fprintln(w, rel, len(b))
		_, err = w.Write(b)
		return err
	})
}

// hashNames adds the names of the extensions that the server has.
func hashNames(w interface{ Write([]byte) (int, error) }, pgConfig string) error {
	out, err := exec.Command(pgConfig, "--sharedir").Output()
	if err != nil {
		return err
	}
	names, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(out)), "extension", "*.control"))
	fmt.Fprintln(w, names)
	return err
}

// installTree copies the server to root and installs our extensions there.
// The server finds all its paths relative to its program, which therefore must
// be a real file and no link.
func installTree(root, pgConfig, src string, flavour extension.Flavour) error {
	get := func(flag string) (string, error) {
		out, err := exec.Command(pgConfig, flag).Output()
		return strings.TrimSpace(string(out)), err
	}
	for _, flag := range []string{"--bindir", "--pkglibdir", "--sharedir"} {
		dir, err := get(flag)
		if err != nil {
			return err
		}
		dst := filepath.Join(root, dir)
		if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
			return err
		}
		if out, err := exec.Command("cp", "-a", dir, dst).CombinedOutput(); err != nil {
			return fmt.Errorf("copy %s: %w\n%s", dir, err, out)
		}
	}
	// Headers, from the parent so that relative includes stay right.
	inc, err := get("--includedir-server")
	if err != nil {
		return err
	}
	inc = filepath.Dir(filepath.Dir(inc)) // .../postgresql/15/server
	if err := os.MkdirAll(filepath.Dir(filepath.Join(root, inc)), 0o755); err != nil {
		return err
	}
	if err := os.Symlink(inc, filepath.Join(root, inc)); err != nil {
		return err
	}
	// Whatever of upstream's is installed would hide a file that ours lacks.
	for _, pattern := range []string{"share/postgresql/*/extension/pgq*", "share/postgresql/*/extension/londiste*", "lib/postgresql/*/lib/pgq*"} {
		files, _ := filepath.Glob(filepath.Join(root, "usr", pattern))
		for _, f := range files {
			if err := os.Remove(f); err != nil {
				return err
			}
		}
	}
	cmd := exec.Command("make", "-C", src, "install", "FLAVOUR="+string(flavour),
		"PG_CONFIG="+filepath.Join(root, pgConfig), "BUILDDIR="+filepath.Join(root, "build"))
	// A make that runs the tests must not pass its variables to this one.
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "MAKE") && !strings.HasPrefix(kv, "MFLAGS=") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("make -C extension install: %w\n%s", err, out)
	}
	return nil
}

// dropOldTrees keeps the cache small while the extensions are being edited.
func dropOldTrees(dir, keep string) {
	trees, _ := filepath.Glob(filepath.Join(dir, "tree-*"))
	for _, t := range trees {
		fi, err := os.Stat(t)
		if err == nil && filepath.Base(t) != keep && filepath.Base(t) != keep+"-upstream" && time.Since(fi.ModTime()) > treeAge {
			os.RemoveAll(t)
		}
	}
}

// touch marks a cache entry as used.
func touch(path string) error {
	now := time.Now()
	return os.Chtimes(path, now, now)
}
