package access

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"skytools/lib/db"
	"skytools/lib/testpg"
)

// TestServer shares one server with TLS and passwords.
func TestServer(t *testing.T) {
	t.Parallel()
	s := startServer(t)
	newDB(t, s.Cluster, "shop")
	newDB(t, s.Cluster, "store")
	login(t, s.DSN("shop"), "worker", "secret", "pgq_admin")
	tcp := fmt.Sprintf("host=localhost port=%d user=worker dbname=shop", s.Port())
	strict := tcp + " sslmode=verify-full sslrootcert=" + s.ca

	t.Run("TLS", func(t *testing.T) {
		t.Parallel()
		e := newEnv(t, "PGPASSWORD=secret")
		e.all(strict, "")
		e.all(fmt.Sprintf("postgres://worker@localhost:%d/shop?sslmode=verify-full&sslrootcert=%s", s.Port(), s.ca), "")
		e.all(tcp+" sslmode=require", "")
		other, _, _ := authority(t)
		wrong := filepath.Join(e.home, "other.pem")
		write(t, wrong, other)
		e.all(tcp+" sslmode=verify-full sslrootcert="+wrong, `certificate signed by unknown authority`)
		e.all(fmt.Sprintf("host=127.0.0.1 port=%d user=worker dbname=shop sslmode=verify-full sslrootcert=%s", s.Port(), s.ca),
			`cannot validate certificate for 127\.0\.0\.1`)
		// The address comes from elsewhere, and the name is still checked.
		e.all(strict+" hostaddr=127.0.0.1 keepalives_idle=60 tcp_user_timeout=30000 gssencmode=disable", "")
		e.all(strict+" host=db.example.com hostaddr=127.0.0.1", `certificate is valid for localhost, not db\.example\.com`)
		e.all(tcp+" sslmode=disable", `no pg_hba\.conf entry for host .* no encryption`)
	})

	t.Run("password", func(t *testing.T) {
		t.Parallel()
		// In the home directory, with a line for each database.
		e := newEnv(t)
		write(t, filepath.Join(e.home, ".pgpass"), []byte("localhost:*:shop:worker:secret\nlocalhost:*:*:worker:wrong\n"))
		e.all(strict, "")
		e.all(strict+" dbname=store", `password authentication failed for user .{1,2}worker`)
		// The daemon connects to several databases with one string.
		write(t, filepath.Join(e.home, ".pgpass"), []byte("localhost:*:shop:worker:secret\nlocalhost:*:store:worker:secret\n"))
		e.pgqd(`(?s)\[store\]: pgq version ok|\[store\].*pgq version ok`, "--base-connstr", strict, "--database-list", "store")

		// Elsewhere.
		file := filepath.Join(e.home, "elsewhere")
		write(t, file, []byte("*:*:*:*:secret\n"))
		e = newEnv(t, "PGPASSFILE="+file)
		e.all(strict, "")
		if err := os.Chmod(file, 0o644); err != nil {
			t.Fatal(err)
		}
		e.all(strict, `password authentication failed .*\(password file .*/elsewhere is ignored because others have access to it: run chmod 0600 on it\)`)
		newEnv(t).all(strict, `password authentication failed`)
		newEnv(t, "PGPASSWORD=wrong").all(strict, `password authentication failed`)
	})

	t.Run("service", func(t *testing.T) {
		t.Parallel()
		text := fmt.Appendf(nil, "[shop]\nhost=localhost\nport=%d\nuser=worker\ndbname=shop\nsslmode=verify-full\nsslrootcert=%s\n", s.Port(), s.ca)
		e := newEnv(t, "PGPASSWORD=secret")
		write(t, filepath.Join(e.home, ".pg_service.conf"), text)
		e.all("service=shop", "")
		file := filepath.Join(e.home, "services")
		write(t, file, text)
		e = newEnv(t, "PGPASSWORD=secret", "PGSERVICEFILE="+file, "PGSERVICE=shop")
		e.all("dbname=shop", "")
		e.pgqd("pgq version ok", "--database-list", "store")
		for _, argv := range [][]string{
			{"pgqd", "--db", "service=nosuch"},
			{"pgq-consume", "-d", "service=nosuch", "-q", "q", "--peek"},
			{"qadmin", "-d", "service=nosuch", "-c", "show rotation"},
		} {
			_, stderr, code := e.run(argv[0], argv[1:]...)
			if code == 0 {
				t.Errorf("%q: code 0, %s", argv, stderr)
			}
			contains(t, fmt.Sprint(argv), stderr, "nosuch")
		}
	})
}

// TestPooler: behind a pooler in transaction mode all programs work, and leave
// nothing behind in the sessions that others get next.
func TestPooler(t *testing.T) {
	t.Parallel()
	c := testpg.Shared(t)
	direct := newDB(t, c, "pooled")
	target := c.NewDB(t, testpg.Name("pooled_target"))
	through := c.Pooled(t, direct)
	into := db.WithDatabase(through, "pooled_target")
	e := newEnv(t)
	for _, statement := range []string{"install pgq using plpgsql", "install pgq_ext using plpgsql", "show rotation"} {
		if _, stderr, code := e.run("qadmin", "-d", into, "-c", statement); code != 0 {
			t.Fatalf("%s: code %d, %s", statement, code, stderr)
		}
	}
	testpg.Exec(t, target, `create table got (id bigint); select pgq.create_queue('copy')`)
	testpg.Exec(t, direct, `select pgq.register_consumer('q', 'mover'), pgq.set_queue_config('q', 'ticker_max_lag', '0'),
		pgq.set_queue_config('q', 'rotation_period', '0')`)

	e.background("pgqd", "--syslog", "0", "--db", through, "--maint-period", "0.1", "--retry-period", "0.1")
	e.background("pgq-consume", "-d", through, "-q", "q", "-c", "c", "--poll-interval", "0.05",
		"--into", into, "--sql", "insert into got values ($ev_id)")
	e.background("pgq-consume", "-d", through, "-q", "q", "-c", "mover", "--poll-interval", "0.05", "--into", into, "--into-queue", "copy")
	e.background("pgq-consume", "-d", through, "-q", "q", "-c", "shared", "--register", "--workers", "2", "--dead-interval", "1",
		"--poll-interval", "0.05", "--exec", "cat >/dev/null")
	rotated := testpg.Value[time.Time](t, direct, "select queue_switch_time from pgq.queue")
	const events = 20
	for n := range events {
		testpg.Exec(t, direct, `select pgq.insert_event('q', 'type', 'data')`)
		testpg.Wait(t, limit, "the event", func() bool { return testpg.Value[int](t, target, "select count(*) from got") >= n+2 })
	}
	testpg.Wait(t, limit, "the copies", func() bool {
		return testpg.Value[int](t, target, "select count(*) from pgq.event_template") >= events
	})
	testpg.Wait(t, limit, "a rotation", func() bool {
		return testpg.Value[time.Time](t, direct, "select queue_switch_time from pgq.queue").After(rotated)
	})
	if n := testpg.Value[int](t, target, "select count(*) - count(distinct id) from got"); n != 0 {
		t.Errorf("%d events were applied twice", n)
	}
	for range 20 { // each meets another session
		if left := testpg.Value[int](t, through+" default_query_exec_mode=simple_protocol", `select (select count(*) from pg_listening_channels())
			+ (select count(*) from pg_prepared_statements)`); left != 0 {
			t.Fatalf("%d LISTENs and prepared statements are left behind", left)
		}
	}
}
