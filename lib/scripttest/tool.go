package scripttest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// tools are built once for a test process.
var tools struct {
	sync.Mutex
	built map[string]func() (string, error)
}

// Tool builds the program cmd/NAME and returns its path. With GOCOVERDIR set
// it is built with -cover, and writes its counters there.
func Tool(t testing.TB, name string) string {
	t.Helper()
	tools.Lock()
	build := tools.built[name]
	if build == nil {
		build = sync.OnceValues(func() (string, error) { return buildTool(name) })
		if tools.built == nil {
			tools.built = map[string]func() (string, error){}
		}
		tools.built[name] = build
	}
	tools.Unlock()
	path, err := build()
	if err != nil {
		t.Fatalf("scripttest: build %s: %v", name, err)
	}
	return path
}

// buildTool builds into the module's build directory, where go build finds a
// program of an earlier run that is still right.
func buildTool(name string) (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", err
	}
	root := filepath.Dir(strings.TrimSpace(string(out)))
	dir, args := "test", []string{"build"}
	if os.Getenv("GOCOVERDIR") != "" {
		dir, args = "test-cover", append(args, "-cover", "-coverpkg=./...")
	}
	dir = filepath.Join(root, "build", dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	// Packages are tested in parallel.
	lock, err := os.OpenFile(filepath.Join(dir, ".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	cmd := exec.Command("go", append(args, "-o", path, "./cmd/"+name)...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
}
