package testpg_test

import (
	"bufio"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"skytools/lib/testpg"
)

func TestShared(t *testing.T) {
	t.Parallel()
	c := testpg.Shared(t)
	if c != testpg.Shared(t) {
		t.Error("Shared gave two clusters")
	}
	a, b := c.NewDB(t), c.NewDB(t, testpg.Name("Odd 'name\\"))
	testpg.Exec(t, a, "create table x (i int); insert into x values (1), (2)")
	if got := testpg.Value[int](t, a, "select sum(i) from x where i > $1", 1); got != 2 {
		t.Errorf("sum = %d, want 2", got)
	}
	if got := testpg.Value[bool](t, b, "select to_regclass('x') is null"); !got {
		t.Error("a table of one database is seen in another one")
	}
	if got := testpg.Value[string](t, b, "select current_database()"); got != "Odd 'name\\" {
		t.Errorf("current_database = %q", got)
	}
	if got := c.Psql(t, "Odd 'name\\", "-c", "show server_encoding", "-c", "show lc_collate"); got != "UTF8\nC.UTF-8" {
		t.Errorf("psql gave %q", got)
	}
}

func TestStopStartKill(t *testing.T) {
	t.Parallel()
	c := testpg.Start(t, testpg.Conf("work_mem", "12345kB"), testpg.TCP(), testpg.Fsync())
	dsn := c.NewDB(t)
	for _, sql := range []string{"show work_mem", "show fsync"} {
		want := map[string]string{"show work_mem": "12345kB", "show fsync": "on"}[sql]
		if got := testpg.Value[string](t, dsn, sql); got != want {
			t.Errorf("%s = %q, want %q", sql, got, want)
		}
	}
	if got := testpg.Value[string](t, c.TCPDSN("postgres"), "select host(inet_server_addr())"); got != "127.0.0.1" {
		t.Errorf("server address %q", got)
	}
	testpg.Exec(t, dsn, "create table x as select 1 as i")
	pid := c.PID()
	c.Kill(t)
	if c.PID() != 0 || syscall.Kill(pid, 0) == nil {
		t.Fatal("the server lives after Kill")
	}
	c.Start(t)
	testpg.Exec(t, dsn, "insert into x values (2)")
	c.Restart(t)
	if got := testpg.Value[int](t, dsn, "select count(*) from x"); got != 2 {
		t.Errorf("%d rows, want 2", got)
	}
	c.SetConf(t, "work_mem", "2MB")
	testpg.Wait(t, 30*time.Second, "the new work_mem", func() bool {
		return testpg.Value[string](t, dsn, "show work_mem") == "2MB"
	})
	c.Stop(t)
	c.Stop(t) // twice does no harm
}

// TestWatchdog runs this test binary as a child that starts a server, kills it
// and demands that the server and its files go away.
func TestWatchdog(t *testing.T) {
	t.Parallel()
	if os.Getenv("TESTPG_CHILD") != "" {
		c := testpg.Shared(t)
		os.Stdout.WriteString("pid " + strconv.Itoa(c.PID()) + " " + c.SocketDir() + "\n")
		select {}
	}
	testpg.Shared(t) // skips where there is no server
	cmd := exec.Command(os.Args[0], "-test.run=^TestWatchdog$")
	cmd.Env = append(os.Environ(), "TESTPG_CHILD=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	pid, dir := 0, ""
	for s := bufio.NewScanner(out); s.Scan(); {
		if f := strings.Fields(s.Text()); len(f) == 3 && f[0] == "pid" {
			pid, _ = strconv.Atoi(f[1])
			dir = f[2]
			break
		}
	}
	cmd.Process.Kill()
	cmd.Wait()
	if pid == 0 {
		t.Fatal("the child started no server")
	}
	testpg.Wait(t, time.Minute, "the end of the server", func() bool {
		_, err := os.Stat(dir)
		return os.IsNotExist(err) && syscall.Kill(pid, 0) != nil
	})
}
