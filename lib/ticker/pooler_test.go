package ticker

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"skytools/lib/testpg"
)

// Behind a pooler in transaction mode every statement may meet another
// session.
func TestPooler(t *testing.T) {
	t.Parallel()
	bouncer, err := exec.LookPath("pgbouncer")
	if err != nil {
		if bouncer, err = exec.LookPath("/usr/sbin/pgbouncer"); err != nil {
			t.Skip("no pgbouncer")
		}
	}
	c := testpg.Shared(t)
	dsn := ours(t)
	testpg.Exec(t, dsn, `do $$ begin
		execute format('alter database %I set default_transaction_isolation to ''repeatable read''', current_database());
	end $$`)
	name := testpg.Value[string](t, dsn, `select current_database()::text`)

	// It runs as the server's user, in a short path: it refuses to be root.
	dir, err := os.MkdirTemp("", "bouncer")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	fi, err := os.Stat(c.DataDir())
	if err != nil {
		t.Fatal(err)
	}
	owner := fi.Sys().(*syscall.Stat_t)
	files := map[string]string{
		"users": "\"postgres\" \"\"\n",
		"ini": fmt.Sprintf("[databases]\n* = host=%s port=%d\n[pgbouncer]\nlisten_port=6432\nunix_socket_dir=%s\nauth_type=trust\nauth_file=%s\npool_mode=transaction\nserver_round_robin=1\n",
			c.SocketDir(), c.Port(), dir, filepath.Join(dir, "users")),
	}
	for f, text := range files {
		if err := os.WriteFile(filepath.Join(dir, f), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command(bouncer, filepath.Join(dir, "ini"))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if os.Getuid() == 0 {
		if err := os.Chown(dir, int(owner.Uid), int(owner.Gid)); err != nil {
			t.Fatal(err)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: owner.Uid, Gid: owner.Gid}}
	}
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

	through := fmt.Sprintf("host=%s port=6432 user=postgres dbname=%s", dir, name)
	a, b := watchDB(t, through, quick), watchDB(t, through, quick)
	a.wait("ticks", func() bool { a.Wake(); return a.Status().State == Ticking })
	b.wait("ticks", func() bool { b.Wake(); return b.Status().State == Ticking })
	for range 10 {
		testpg.Exec(t, dsn, `select pgq.insert_event('q', 't', 'data')`)
		a.wait("a tick", func() bool { return covered(t, dsn) })
	}
	testpg.Exec(t, dsn, `select pgq.set_queue_config('q', 'rotation_period', '0')`)
	rounds := a.Stats.MaintRounds.Load() + 3
	a.wait("maintenance", func() bool { return a.Stats.MaintRounds.Load() >= rounds })
	a.said("ERROR", 0)
	b.said("ERROR", 0)
}
