// Package testpg gives tests real PostgreSQL servers: private clusters in a
// temporary directory, reached through a unix socket, that are gone when the
// test process is gone, however it ended.
//
//	dsn := testpg.Shared(t).NewDB(t, testpg.Extensions("pgq"))
//
// Shared is the usual form: one cluster for a package, one database for a
// test. Start makes a cluster of the test's own, for tests that stop, crash or
// configure it. The server programs come from the pg_config that PG_CONFIG
// names, else the newest /usr/lib/postgresql/N/bin, else PATH. Where there is
// no server the test is skipped; where CI is set it fails.
//
// A root process runs the servers as "postgres" or else "nobody".
package testpg

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// startTimeout bounds start, stop and crash recovery of a server.
const startTimeout = 60 * time.Second

// Cluster is one PostgreSQL server with a data directory of its own.
type Cluster struct {
	bin  string // directory of the server's programs
	dir  string // holds data, log and the socket
	port int
	tcp  bool

	mu     sync.Mutex
	cmd    *exec.Cmd     // the postmaster, nil when stopped
	exited chan struct{} // closed when cmd has ended

	dbMu      sync.Mutex
	dbCount   int
	templates map[string]template // by list of extensions
}

type options struct {
	bin   string
	fsync bool
	tcp   bool
	conf  []string
}

// Option changes how Start makes a cluster.
type Option func(*options)

// Conf sets a parameter in postgresql.conf. The value is quoted here.
func Conf(name, value string) Option {
	return func(o *options) { o.conf = append(o.conf, name+" = "+quoteConf(value)) }
}

// Fsync turns fsync and full_page_writes on. They are off by default, which is
// safe for everything except a crash of the machine.
func Fsync() Option { return func(o *options) { o.fsync = true } }

// TCP makes the server listen on a free port of 127.0.0.1 too.
func TCP() Option { return func(o *options) { o.tcp = true } }

// Bin takes the server's programs from dir, for example Tree(t).Bin.
func Bin(dir string) Option { return func(o *options) { o.bin = dir } }

// Start makes and starts a cluster that ends with the test. When the test
// fails, the server's log is part of its output.
func Start(t testing.TB, opts ...Option) *Cluster {
	t.Helper()
	c, err := newCluster(findBin(t), opts)
	if err != nil {
		t.Fatalf("testpg: %v", err)
	}
	t.Cleanup(func() {
		c.logOnFailure(t, 0)
		c.destroy()
	})
	c.Start(t)
	return c
}

// shared is the cluster of Shared.
var shared struct {
	once sync.Once
	c    *Cluster
	err  error
}

// Shared returns a cluster that all tests of the process share. It is started
// by the first call and ends with the process. Tests must not stop it; they
// take databases of their own with NewDB.
func Shared(t testing.TB) *Cluster {
	t.Helper()
	bin := findBin(t)
	shared.once.Do(func() {
		shared.c, shared.err = newCluster(bin, nil)
		if shared.err == nil {
			shared.err = shared.c.start()
		}
	})
	if shared.err != nil {
		t.Fatalf("testpg: %v", shared.err)
	}
	c := shared.c
	from := c.logSize()
	t.Cleanup(func() { c.logOnFailure(t, from) })
	return c
}

func newCluster(bin string, opts []Option) (*Cluster, error) {
	o := options{bin: bin}
	for _, f := range opts {
		f(&o)
	}
	base, err := baseDir()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp(base, "c")
	if err != nil {
		return nil, err
	}
	if err := chown(dir); err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	c := &Cluster{bin: o.bin, dir: dir, port: 5432, tcp: o.tcp, templates: map[string]template{}}
	if o.tcp {
		if c.port, err = freePort(); err != nil {
			return nil, err
		}
	}
	tmpl, err := initdb(o.bin)
	if err != nil {
		return nil, err
	}
	if out, err := c.command("cp", "-a", tmpl, c.DataDir()).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("copy the initial cluster: %w\n%s", err, out)
	}
	return c, c.writeConf(o)
}

// writeConf appends the settings of tests to postgresql.conf. Commits stay
// synchronous: a crashed postmaster must not lose them.
func (c *Cluster) writeConf(o options) error {
	onOff := map[bool]string{true: "on", false: "off"}
	lines := []string{
		"",
		"listen_addresses = " + quoteConf(map[bool]string{true: "127.0.0.1", false: ""}[o.tcp]),
		"port = " + strconv.Itoa(c.port),
		"unix_socket_directories = " + quoteConf(c.dir),
		"fsync = " + onOff[o.fsync],
		"full_page_writes = " + onOff[o.fsync],
		"shared_buffers = 32MB",
		"jit = off",
		"log_checkpoints = off",
		"timezone = 'UTC'",
		"log_timezone = 'UTC'",
		"log_line_prefix = '%m [%p] %q%a@%d '",
		// A killed server leaves nothing behind in /dev/shm.
		"dynamic_shared_memory_type = mmap",
	}
	lines = append(lines, o.conf...)
	f, err := os.OpenFile(filepath.Join(c.DataDir(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(strings.Join(lines, "\n") + "\n"); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

// Start starts the server and waits until it takes connections, crash
// recovery included. It does nothing when the server runs.
func (c *Cluster) Start(t testing.TB) {
	t.Helper()
	if err := c.start(); err != nil {
		t.Fatalf("testpg: %v", err)
	}
}

func (c *Cluster) start() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd != nil {
		select {
		case <-c.exited: // it crashed meanwhile
		default:
			return nil
		}
	}
	// Backends of a killed postmaster hold its shared memory until they notice.
	if err := poll(startTimeout, func() bool { return len(c.processes()) == 0 }); err != nil {
		return fmt.Errorf("processes of the old server are still there: %v", c.processes())
	}
	from := c.logSize()
	log, err := os.OpenFile(c.LogFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := c.command(filepath.Join(c.bin, "postgres"), "-D", c.DataDir())
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr.Setsid = true // a terminal's ^C goes to the test alone
	if err := cmd.Start(); err != nil {
		return err
	}
	exited := make(chan struct{})
	go func() { cmd.Wait(); close(exited) }()
	c.cmd, c.exited = cmd, exited
	dead := false
	err = poll(startTimeout, func() bool {
		select {
		case <-exited:
			dead = true
			return true
		default:
			return c.ready(cmd.Process.Pid)
		}
	})
	if dead {
		return fmt.Errorf("the server did not start:\n%s", c.logTail(from))
	}
	if err != nil {
		return fmt.Errorf("the server is not ready: %w\n%s", err, c.logTail(from))
	}
	return nil
}

// ready tells whether postmaster.pid says that pid takes connections.
func (c *Cluster) ready(pid int) bool {
	lines := c.pidFile()
	if len(lines) < 8 || lines[0] != strconv.Itoa(pid) {
		return false
	}
	return slices.Contains([]string{"ready", "standby"}, strings.TrimSpace(lines[7]))
}

func (c *Cluster) pidFile() []string {
	b, err := os.ReadFile(filepath.Join(c.DataDir(), "postmaster.pid"))
	if err != nil {
		return nil
	}
	return strings.Split(string(b), "\n")
}

// Stop stops the server in fast mode. It does nothing when the server is down.
func (c *Cluster) Stop(t testing.TB) {
	t.Helper()
	if err := c.end(syscall.SIGINT); err != nil {
		t.Fatalf("testpg: %v", err)
	}
}

// Restart stops and starts the server.
func (c *Cluster) Restart(t testing.TB) {
	t.Helper()
	c.Stop(t)
	c.Start(t)
}

// Kill ends the postmaster by SIGKILL: the server crashes. Its backends notice
// soon after; Start waits for them and recovers.
func (c *Cluster) Kill(t testing.TB) {
	t.Helper()
	if err := c.end(syscall.SIGKILL); err != nil {
		t.Fatalf("testpg: %v", err)
	}
}

func (c *Cluster) end(sig syscall.Signal) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd == nil {
		return nil
	}
	c.cmd.Process.Signal(sig)
	select {
	case <-c.exited:
		c.cmd = nil
		return nil
	case <-time.After(startTimeout):
		return fmt.Errorf("the server did not end within %s after %s", startTimeout, sig)
	}
}

// destroy ends everything of the cluster and removes its files.
func (c *Cluster) destroy() {
	c.end(syscall.SIGQUIT)
	poll(startTimeout, func() bool { return len(c.processes()) == 0 })
	// Line 7 is there only after a crash: "key id" of a System V segment.
	if lines := c.pidFile(); len(lines) > 6 {
		if f := strings.Fields(lines[6]); len(f) == 2 {
			if id, err := strconv.Atoi(f[1]); err == nil {
				const ipcRmid = 0
				syscall.Syscall(syscall.SYS_SHMCTL, uintptr(id), ipcRmid, 0)
			}
		}
	}
	os.RemoveAll(c.dir)
}

// processes returns the pids that work in the data directory.
func (c *Cluster) processes() []int {
	var pids []int
	dirs, _ := filepath.Glob("/proc/[0-9]*/cwd")
	for _, d := range dirs {
		if target, err := os.Readlink(d); err == nil && target == c.DataDir() {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(d)))
			pids = append(pids, pid)
		}
	}
	return pids
}

// PID returns the postmaster's process id, 0 when the server is down.
func (c *Cluster) PID() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cmd == nil {
		return 0
	}
	return c.cmd.Process.Pid
}

// DataDir returns the data directory.
func (c *Cluster) DataDir() string { return filepath.Join(c.dir, "data") }

// LogFile returns the file that the server logs to.
func (c *Cluster) LogFile() string { return filepath.Join(c.dir, "log") }

// SocketDir returns the directory of the unix socket.
func (c *Cluster) SocketDir() string { return c.dir }

// Port returns the port, which is also part of the socket's name.
func (c *Cluster) Port() int { return c.port }

// BinDir returns the directory of the server's programs.
func (c *Cluster) BinDir() string { return c.bin }

// SetConf changes a parameter of postgresql.conf and reloads. Parameters that
// need a restart take effect at the next Restart.
func (c *Cluster) SetConf(t testing.TB, name, value string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(c.DataDir(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(f, "%s = %s\n", name, quoteConf(value))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if pid := c.PID(); pid != 0 {
		syscall.Kill(pid, syscall.SIGHUP)
	}
}

// Command returns a command that runs one of the server's programs, or any
// other one given by its path, as the user that runs the server.
func (c *Cluster) Command(program string, args ...string) *exec.Cmd {
	if !strings.Contains(program, "/") {
		program = filepath.Join(c.bin, program)
	}
	return c.command(program, args...)
}

func (c *Cluster) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	asServerUser(cmd)
	cmd.Dir = c.dir
	return cmd
}

// Psql runs psql on a database with unaligned output and stops at the first
// error. It returns what psql wrote to stdout, without the last line end.
func (c *Cluster) Psql(t testing.TB, db string, args ...string) string {
	t.Helper()
	args = append([]string{"-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-d", c.DSN(db)}, args...)
	cmd := exec.Command(filepath.Join(c.bin, "psql"), args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("psql %q: %v\n%s", args[7:], err, stderr.String())
	}
	return strings.TrimSuffix(string(out), "\n")
}

func (c *Cluster) logSize() int64 {
	fi, err := os.Stat(c.LogFile())
	if err != nil {
		return 0
	}
	return fi.Size()
}

// logTail returns the last lines of the log that stand behind an offset.
func (c *Cluster) logTail(from int64) string {
	const max = 100
	b, _ := os.ReadFile(c.LogFile())
	if from > int64(len(b)) {
		from = 0
	}
	lines := strings.Split(strings.TrimRight(string(b[from:]), "\n"), "\n")
	if n := len(lines); n > max {
		lines = append([]string{fmt.Sprintf("(%d lines before)", n-max)}, lines[n-max:]...)
	}
	return strings.Join(lines, "\n")
}

func (c *Cluster) logOnFailure(t testing.TB, from int64) {
	if t.Failed() {
		t.Logf("log of the server:\n%s", c.logTail(from))
	}
}

// freePort returns a port that was free a moment ago.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// poll calls cond until it is true or the time is over.
func poll(timeout time.Duration, cond func() bool) error {
	deadline := time.Now().Add(timeout)
	for !cond() {
		if time.Now().After(deadline) {
			return fmt.Errorf("not within %s", timeout)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return nil
}

// Wait polls cond until it is true and fails the test when that takes longer
// than timeout. what completes "waited for ...".
func Wait(t testing.TB, timeout time.Duration, what string, cond func() bool) {
	t.Helper()
	if err := poll(timeout, cond); err != nil {
		t.Fatalf("waited for %s: %v", what, err)
	}
}

func quoteConf(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
