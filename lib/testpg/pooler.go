package testpg

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Pooled starts a pgbouncer in transaction mode before the cluster, which ends
// with the test, and returns dsn changed to go through it. Each transaction
// meets another session, of the superuser.
func (c *Cluster) Pooled(t testing.TB, dsn string) string {
	t.Helper()
	bouncer, err := exec.LookPath("pgbouncer")
	if err != nil {
		if bouncer, err = exec.LookPath("/usr/sbin/pgbouncer"); err != nil {
			Unavailable(t, "no pgbouncer")
		}
	}
	cfg, err := pgx.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	// It runs as the server's user, since it refuses to be root, and in a short
	// path.
	dir, err := os.MkdirTemp(tempDir(), "bouncer")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	ini := fmt.Sprintf("[databases]\n* = host=%s port=%d user=postgres\n[pgbouncer]\nlisten_port=6432\nunix_socket_dir=%s\nauth_type=any\npool_mode=transaction\nserver_round_robin=1\n",
		c.SocketDir(), c.Port(), dir)
	if err := os.WriteFile(filepath.Join(dir, "ini"), []byte(ini), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := chown(dir); err != nil {
		t.Fatal(err)
	}
	cmd := c.command(bouncer, filepath.Join(dir, "ini"))
	cmd.Dir = dir
	cmd.SysProcAttr.Setsid = true // a terminal's ^C goes to the test alone
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("pgbouncer:\n%s", &out)
		}
	})
	Wait(t, time.Minute, "pgbouncer", func() bool {
		_, err := os.Stat(filepath.Join(dir, ".s.PGSQL.6432"))
		return err == nil
	})
	return fmt.Sprintf("host=%s port=6432 user=postgres dbname=%s", dir, quoteDSN(cfg.Database))
}
