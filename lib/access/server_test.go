package access

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"skytools/lib/scripttest"
	"skytools/lib/testpg"
)

// server is a cluster that takes roles other than postgres by password only,
// and by TCP with TLS only.
type server struct {
	*testpg.Cluster
	ca string // file of the authority that signed its certificate, for localhost
}

const hba = `
local   all postgres          trust
local   all all               scram-sha-256
hostssl all all 127.0.0.1/32  scram-sha-256
`

func startServer(t *testing.T) *server {
	t.Helper()
	c := testpg.Start(t, testpg.TCP(), testpg.Conf("password_encryption", "scram-sha-256"))
	s := &server{c, filepath.Join(t.TempDir(), "ca.pem")}
	ca, key, cert := authority(t)
	write(t, s.ca, ca)
	s.write(t, "server.key", key)
	s.write(t, "server.crt", cert)
	s.write(t, "pg_hba.conf", []byte(hba))
	c.SetConf(t, "ssl", "on")
	c.Restart(t)
	return s
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// write writes a file of the data directory.
func (s *server) write(t *testing.T, name string, text []byte) {
	t.Helper()
	path := filepath.Join(s.DataDir(), name)
	write(t, path, text)
	fi, err := os.Stat(s.DataDir())
	if err != nil {
		t.Fatal(err)
	}
	owner := fi.Sys().(*syscall.Stat_t)
	if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
		t.Fatal(err)
	}
}

// authority makes one, and a key and a certificate for localhost that it
// signed.
func authority(t *testing.T) (ca, key, cert []byte) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	root := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, root, root, &caKey.PublicKey, caKey)
	must(err)
	leafKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "server"}, DNSNames: []string{"localhost"},
		NotBefore: root.NotBefore, NotAfter: root.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	leafDER, err := x509.CreateCertificate(rand.Reader, leaf, root, &leafKey.PublicKey, caKey)
	must(err)
	keyDER, err := x509.MarshalECPrivateKey(leafKey)
	must(err)
	block := func(kind string, der []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
	}
	return block("CERTIFICATE", caDER), block("EC PRIVATE KEY", keyDER), block("CERTIFICATE", leafDER)
}

// newDB makes a database with queue q and one event in it, behind a consumer c.
func newDB(t *testing.T, c *testpg.Cluster, name string) (dsn string) {
	t.Helper()
	dsn = c.NewDB(t, testpg.Name(name), testpg.Extensions("pgq", "pgq_coop", "pgq_ext"))
	testpg.Exec(t, dsn, `select pgq.create_queue('q'), pgq.register_consumer('q', 'c')`)
	event(t, dsn)
	return dsn
}

// event puts an event into q that is in a batch.
func event(t *testing.T, dsn string) {
	t.Helper()
	testpg.Exec(t, dsn, `select pgq.insert_event('q', 'type', 'data')`)
	testpg.Exec(t, dsn, `select pgq.force_tick('q')`)
	testpg.Exec(t, dsn, `select pgq.ticker()`)
}

// env is what a program sees: nothing of this process's PG* variables.
type env struct {
	t    *testing.T
	home string
	vars []string
}

func newEnv(t *testing.T, vars ...string) *env { return &env{t, t.TempDir(), vars} }

func (e *env) command(program string, args ...string) *exec.Cmd {
	e.t.Helper()
	cmd := exec.Command(scripttest.Tool(e.t, program), args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + e.home, "GOCOVERDIR=" + os.Getenv("GOCOVERDIR")}, e.vars...)
	return cmd
}

// limit bounds a program that is to end by itself.
const limit = 2 * time.Minute

// run runs a program to its end.
func (e *env) run(program string, args ...string) (stdout, stderr string, code int) {
	e.t.Helper()
	cmd := e.command(program, args...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	timer := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Wait()
	var ee *exec.ExitError
	if err != nil && !errors.As(err, &ee) {
		e.t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// buffer takes what a program says while others look.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// background starts a program and returns what it says on stderr. It is
// stopped at the end of the test, or by the function.
func (e *env) background(program string, args ...string) (*buffer, func()) {
	e.t.Helper()
	cmd := e.command(program, args...)
	var log buffer
	cmd.Stderr = &log
	if err := cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	stop := sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		timer := time.AfterFunc(limit, func() { _ = cmd.Process.Kill() })
		defer timer.Stop()
		if err := cmd.Wait(); err != nil {
			e.t.Errorf("%s: %v\n%s", program, err, &log)
		}
	})
	e.t.Cleanup(stop)
	return &log, stop
}

// pgqd runs the daemon until it says what expr matches.
func (e *env) pgqd(expr string, args ...string) {
	e.t.Helper()
	log, stop := e.background("pgqd", append([]string{"--syslog", "0", "--log-format", "text"}, args...)...)
	re := regexp.MustCompile(expr)
	deadline := time.Now().Add(limit)
	testpg.Wait(e.t, limit+time.Second, expr+" from pgqd", func() bool {
		if time.Now().After(deadline) {
			e.t.Fatalf("pgqd %q never said %s:\n%s", args, expr, log)
		}
		return re.MatchString(log.String())
	})
	stop()
}

// all runs each program against the database of dsn and demands success, or
// that all of them say what expr matches.
func (e *env) all(dsn, expr string) {
	e.t.Helper()
	failure := expr != ""
	ok := expr
	if !failure {
		ok = `pgq version ok`
	}
	e.pgqd(ok, "--db", dsn)
	for _, argv := range [][]string{
		{"pgq-consume", "-d", dsn, "-q", "q", "-c", "c", "--peek", "--format", "raw", "--from", "1"},
		{"qadmin", "-d", dsn, "-c", "show rotation"},
	} {
		stdout, stderr, code := e.run(argv[0], argv[1:]...)
		switch {
		case !failure && (code != 0 || stdout == ""):
			e.t.Errorf("%q: code %d, stdout %q, stderr %s", argv, code, stdout, stderr)
		case failure && (code == 0 || !regexp.MustCompile(expr).MatchString(stderr)):
			e.t.Errorf("%q: code %d, stderr %s\nwant %s", argv, code, stderr, expr)
		case failure && strings.Count(stderr, "\n") > 2:
			e.t.Errorf("%q says more than a line and its hint:\n%s", argv, stderr)
		}
	}
}

// login makes a role that may do what the programs need, with a password.
func login(t *testing.T, dsn, role, password string, in ...string) {
	t.Helper()
	sql := fmt.Sprintf("create role %s login password '%s'", role, password)
	if in != nil {
		sql += " in role " + strings.Join(in, ", ")
	}
	testpg.Exec(t, dsn, sql)
}

func contains(t *testing.T, what, text, want string) {
	t.Helper()
	if !strings.Contains(text, want) {
		t.Errorf("%s: got %q, want %q in it", what, text, want)
	}
}
