package consumer_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"skytools/lib/consumer"
	"skytools/lib/testpg"
)

// pooler starts pgbouncer in transaction mode before a database and returns
// the connection string through it. Each transaction meets another session.
func pooler(t *testing.T, c *testpg.Cluster, dsn string) string {
	t.Helper()
	bouncer, err := exec.LookPath("pgbouncer")
	if err != nil {
		if bouncer, err = exec.LookPath("/usr/sbin/pgbouncer"); err != nil {
			t.Skip("no pgbouncer")
		}
	}
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
	ini := fmt.Sprintf("[databases]\n* = host=%s port=%d user=postgres\n[pgbouncer]\nlisten_port=6432\nunix_socket_dir=%s\nauth_type=any\npool_mode=transaction\nserver_round_robin=1\n",
		c.SocketDir(), c.Port(), dir)
	if err := os.WriteFile(filepath.Join(dir, "ini"), []byte(ini), 0o644); err != nil {
		t.Fatal(err)
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
	name := testpg.Value[string](t, dsn, `select current_database()::text`)
	testpg.Wait(t, time.Minute, "pgbouncer", func() bool {
		_, err := os.Stat(filepath.Join(dir, ".s.PGSQL.6432"))
		return err == nil
	})
	return fmt.Sprintf("host=%s port=6432 user=postgres dbname=%s", dir, name)
}

// TestPooler: behind a pooler in transaction mode, at the source and at the
// target, notifications do not arrive and all the rest works.
func TestPooler(t *testing.T) {
	t.Parallel()
	c := testpg.Shared(t)
	q, l := newQueue(t, ours(t), "q"), newLedger(t)
	opt := q.options("c")
	opt.DSN, opt.Register, opt.UntilEmpty = pooler(t, c, q.dsn), true, false
	tr := consumer.NewTracked(consumer.TrackOptions{DSN: pooler(t, c, l.dsn), Piece: 2}, target{"r"})
	defer tr.Close()
	two := consumer.New(opt, tr)
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan error)
	go func() { done <- two.Run(ctx) }()
	testpg.Wait(t, time.Minute, "the connection", func() bool { return two.Stats().Connected })
	testpg.Exec(t, q.dsn, "select pgq.create_queue('other')") // the pool has more than one session
	var want []int64
	for range 5 {
		want = append(want, q.insert(5)...)
		q.tick()
		testpg.Wait(t, time.Minute, "the events", func() bool { return len(l.ids("r")) == len(want) })
	}
	cancel(stop)
	if err := <-done; err != stop {
		t.Errorf("got %v", err)
	}
	equal(t, "ledger", want, l.ids("r"))
}
