package testpg

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
)

var errNoServer = errors.New("no PostgreSQL server found: install postgresql or set PG_CONFIG")

// serverBin finds the directory of the server's programs once.
var serverBin = sync.OnceValues(func() (string, error) {
	if pc := os.Getenv("PG_CONFIG"); pc != "" {
		out, err := exec.Command(pc, "--bindir").Output()
		if err != nil {
			return "", fmt.Errorf("PG_CONFIG=%s: %w", pc, err)
		}
		return strings.TrimSpace(string(out)), nil
	}
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin")
	major := func(dir string) int {
		n, _ := strconv.Atoi(filepath.Base(filepath.Dir(dir)))
		return n
	}
	sort.Slice(dirs, func(i, j int) bool { return major(dirs[i]) > major(dirs[j]) })
	for _, d := range dirs {
		if _, err := os.Stat(filepath.Join(d, "initdb")); err == nil {
			return d, nil
		}
	}
	if p, err := exec.LookPath("initdb"); err == nil {
		// A wrapper or link in PATH would not find its share directory.
		if p, err = filepath.EvalSymlinks(p); err == nil {
			return filepath.Dir(p), nil
		}
	}
	return "", errNoServer
})

// findBin skips the test where there is no server; CI must have one.
func findBin(t testing.TB) string {
	t.Helper()
	bin, err := serverBin()
	switch {
	case err == nil:
		return bin
	case errors.Is(err, errNoServer):
		Unavailable(t, err.Error())
	default:
		t.Fatalf("testpg: %v", err)
	}
	return ""
}

// Unavailable skips the test because of something that the machine lacks. CI
// installs everything, so there it is a failure.
func Unavailable(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf("CI must have what the test needs: %s", reason)
	}
	t.Skip(reason)
}

// serverUser is who runs the servers of a root process.
var serverUser = sync.OnceValues(func() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("root cannot run PostgreSQL, and there is neither a user postgres nor nobody")
})

// asServerUser makes cmd run as the server's user with a clean environment:
// no PG* variable of the developer reaches it.
func asServerUser(cmd *exec.Cmd) {
	cred, _ := serverUser()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: cred}
	for _, kv := range os.Environ() {
		if strings.HasPrefix(kv, "PG") || strings.HasPrefix(kv, "LC_") || strings.HasPrefix(kv, "LANG") ||
			cred != nil && strings.HasPrefix(kv, "HOME=") {
			continue
		}
		cmd.Env = append(cmd.Env, kv)
	}
	cmd.Env = append(cmd.Env, "LC_ALL=C.UTF-8")
	if cred != nil {
		cmd.Env = append(cmd.Env, "HOME=/nonexistent")
	}
}

// chown gives a file to the server's user.
func chown(path string) error {
	cred, err := serverUser()
	if err != nil || cred == nil {
		return err
	}
	return os.Chown(path, int(cred.Uid), int(cred.Gid))
}

// tempDir is the system's, unless a socket's path in it would be too long.
func tempDir() string {
	if d := os.TempDir(); len(d) < 50 {
		return d
	}
	return "/tmp"
}

// watchdog stops all servers below a directory and removes it as soon as its
// stdin is closed, which the kernel does however the test process ends.
const watchdog = `
trap '' INT TERM HUP
cat >/dev/null
for try in 1 2 3; do
    for f in "$1"/c*/data/postmaster.pid; do
        [ -f "$f" ] || continue
        read -r pid <"$f"
        [ "$(readlink "/proc/$pid/cwd")" = "${f%/postmaster.pid}" ] || continue
        kill -s QUIT "$pid"
        while kill -0 "$pid" 2>/dev/null; do sleep 0.1; done
    done
    rm -rf "$1" && break
    sleep 1
done
`

// baseDir makes the directory of the process's clusters, with its watchdog.
var baseDir = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp(tempDir(), "pgt")
	if err != nil {
		return "", err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return "", err
	}
	// The descriptor of the writing end stays open as long as the process
	// lives; an os.File would close it when it is collected.
	var pipe [2]int
	if err := syscall.Pipe2(pipe[:], syscall.O_CLOEXEC); err != nil {
		return "", err
	}
	r := os.NewFile(uintptr(pipe[0]), "watchdog")
	defer r.Close()
	cmd := exec.Command("/bin/sh", "-c", watchdog, "testpg-watchdog", dir)
	cmd.Stdin = r
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return "", err
	}
	return dir, nil
})

// cacheDir returns a directory that later test processes find again.
func cacheDir() (string, error) {
	dir := filepath.Join(tempDir(), fmt.Sprintf("skytools-testpg-%d", os.Geteuid()))
	if err := os.Mkdir(dir, 0o755); err != nil && !os.IsExist(err) {
		return "", err
	}
	fi, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	// /tmp is everybody's: programs are run from here, so nobody else may write.
	if st, ok := fi.Sys().(*syscall.Stat_t); !ok || !fi.IsDir() || int(st.Uid) != os.Geteuid() || fi.Mode().Perm()&0o022 != 0 {
		return "", fmt.Errorf("%s is not a directory of our own", dir)
	}
	return dir, nil
}

// cached returns the cache's entry of that name. build makes a missing one at
// the path it gets; only one process builds at a time.
func cached(name string, build func(path string) error) (string, error) {
	dir, err := cacheDir()
	if err != nil {
		return "", err
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", err
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err == nil {
		return path, touch(path)
	}
	tmp := path + ".new"
	if err := os.RemoveAll(tmp); err != nil {
		return "", err
	}
	if err := build(tmp); err != nil {
		os.RemoveAll(tmp)
		return "", err
	}
	return path, os.Rename(tmp, path)
}

// initdb returns a data directory to copy for new clusters.
func initdb(bin string) (string, error) {
	if _, err := serverUser(); err != nil {
		return "", err
	}
	program := filepath.Join(bin, "initdb")
	fi, err := os.Stat(filepath.Join(bin, "postgres"))
	if err != nil {
		return "", err
	}
	key := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", program, fi.Size(), fi.ModTime().UnixNano()))
	return cached(fmt.Sprintf("initdb-%x", key[:8]), func(path string) error {
		if err := os.Mkdir(path, 0o700); err != nil {
			return err
		}
		if err := chown(path); err != nil {
			return err
		}
		cmd := exec.Command(program, "-D", path, "-U", "postgres", "-A", "trust",
			"-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
		asServerUser(cmd)
		cmd.Dir = "/"
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("initdb: %w\n%s", err, out)
		}
		return nil
	})
}
