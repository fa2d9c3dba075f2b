package access

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"skytools/lib/testpg"
)

// TestRights: each program works as a role with the rights that its man page
// names, and does not when one of them is missing.
func TestRights(t *testing.T) {
	t.Parallel()
	c := testpg.Start(t)
	for _, tt := range []struct {
		name string
		// rights are grants to ROLE in database SOURCE; those that begin with
		// "target: " are in database TARGET.
		rights []string
		work   func(w *rightsWorld, t *testing.T) error
	}{
		{"pgqd", []string{
			"grant connect on database SOURCE to ROLE",
			"grant pgq_admin to ROLE",
		}, (*rightsWorld).tick},
		{"pgq-consume", []string{
			"grant connect on database SOURCE to ROLE",
			"grant pgq_reader to ROLE",
		}, (*rightsWorld).consume},
		{"pgq-consume --sql", []string{
			"grant connect on database SOURCE to ROLE",
			"grant pgq_reader to ROLE",
			"target: grant connect on database TARGET to ROLE",
			"target: grant pgq_writer to ROLE",
			"target: grant insert on got to ROLE",
		}, (*rightsWorld).apply},
		{"pgq-consume --into-queue", []string{
			"grant connect on database SOURCE to ROLE",
			"grant pgq_reader to ROLE",
			"target: grant connect on database TARGET to ROLE",
			"target: grant pgq_writer to ROLE",
		}, (*rightsWorld).copy},
		{"qadmin show", []string{
			"grant connect on database SOURCE to ROLE",
		}, (*rightsWorld).show},
		{"qadmin install", []string{
			"grant connect on database TARGET to ROLE",
			"target: grant create on database TARGET to ROLE",
		}, (*rightsWorld).install},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			name := strings.NewReplacer(" ", "_", "-", "_").Replace(tt.name)
			w := &rightsWorld{c: c, e: newEnv(t), source: "source_" + name, target: "target_" + name}
			newDB(t, c, w.source)
			c.NewDB(t, testpg.Name(w.target), testpg.Extensions("pgq", "pgq_ext"))
			testpg.Exec(t, c.DSN(w.target), "create table got (id bigint); select pgq.create_queue('copy')")
			testpg.Exec(t, c.DSN("postgres"), fmt.Sprintf("revoke connect on database %s, %s from public", w.source, w.target))
			// All but one of the rights, and then all of them.
			for missing := range len(tt.rights) + 1 {
				w.role = fmt.Sprintf("%s_%d", name, missing)
				testpg.Exec(t, c.DSN("postgres"), fmt.Sprintf("create role %s login", w.role))
				for i, right := range tt.rights {
					if i == missing {
						continue
					}
					dsn := c.DSN(w.source)
					if r, ok := strings.CutPrefix(right, "target: "); ok {
						dsn, right = c.DSN(w.target), r
					}
					testpg.Exec(t, dsn, strings.NewReplacer("ROLE", w.role, "SOURCE", w.source, "TARGET", w.target).Replace(right))
				}
				err := tt.work(w, t)
				switch {
				case missing == len(tt.rights):
					if err != nil {
						t.Errorf("with all rights: %v", err)
					}
				case err == nil:
					t.Errorf("it works without: %s", tt.rights[missing])
				case !strings.Contains(err.Error(), "permission denied") && !strings.Contains(err.Error(), " it lacks "):
					t.Errorf("without %s: the error does not tell that a right is missing: %v", tt.rights[missing], err)
				}
			}
		})
	}
}

// rightsWorld is what one role works with.
type rightsWorld struct {
	c                    *testpg.Cluster
	e                    *env
	role, source, target string
}

// as is the connection string of the role.
func (w *rightsWorld) as(database string) string { return w.c.DSN(database) + " user=" + w.role }

// do runs a program that is to succeed.
func (w *rightsWorld) do(program string, args ...string) error {
	stdout, stderr, code := w.e.run(program, args...)
	if code != 0 {
		return fmt.Errorf("%s %q: code %d: %s%s", program, args, code, stdout, stderr)
	}
	return nil
}

// tick runs pgqd until it has done all that there is to do.
func (w *rightsWorld) tick(t *testing.T) error {
	dsn := w.c.DSN(w.source)
	testpg.Exec(t, dsn, `select pgq.set_queue_config('q', 'rotation_period', '0'), pgq.set_queue_config('q', 'ticker_max_lag', '0')`)
	testpg.Exec(t, dsn, `select pgq.event_retry_raw('q', 'c', now(), null, now(), 1, 't', 'd', null, null, null, null)`)
	testpg.Exec(t, dsn, `select pgq.insert_event('q', 't', 'd')`)
	tick := testpg.Value[int64](t, dsn, `select max(tick_id) from pgq.tick`)
	rotated := testpg.Value[time.Time](t, dsn, `select queue_switch_time from pgq.queue`)
	log, stop := w.e.background("pgqd", "--syslog", "0", "--log-format", "text", "--db", w.as(w.source), "--maint-period", "0.1", "--retry-period", "0.1")
	defer stop()
	deadline := time.Now().Add(limit)
	for _, sql := range []string{
		fmt.Sprintf(`select max(tick_id) > %d from pgq.tick`, tick),
		`select count(*) = 0 from pgq.retry_queue`,
		fmt.Sprintf(`select queue_switch_time > '%s' from pgq.queue`, rotated.Format(time.RFC3339Nano)),
	} {
		testpg.Wait(t, limit+time.Second, sql, func() bool {
			return time.Now().After(deadline) || strings.Contains(log.String(), "permission denied") || testpg.Value[bool](t, dsn, sql)
		})
	}
	if strings.Contains(log.String(), "ERROR") || strings.Contains(log.String(), "WARNING") || time.Now().After(deadline) {
		return fmt.Errorf("pgqd: %s", log)
	}
	return nil
}

func (w *rightsWorld) consume(t *testing.T) error {
	base := []string{"-d", w.as(w.source), "-q", "q", "-c", "mine", "--quiet"}
	for _, args := range [][]string{
		{"--register-only"},
		{"--peek"},
		{"--until-empty", "--per-event", "--exec", "exit 75"},
		{"--until-empty"},
		{"--until-empty", "--workers", "2"},
		{"--unregister"},
	} {
		event(t, w.c.DSN(w.source))
		if err := w.do("pgq-consume", append(base, args...)...); err != nil {
			return err
		}
	}
	return nil
}

func (w *rightsWorld) apply(t *testing.T) error {
	err := w.do("pgq-consume", "-d", w.as(w.source), "-q", "q", "-c", "c", "--until-empty", "--into", w.as(w.target), "--sql", "insert into got values ($ev_id)")
	if n := testpg.Value[int](t, w.c.DSN(w.target), "select count(*) from got"); err == nil && n == 0 {
		t.Error("nothing was applied")
	}
	return err
}

func (w *rightsWorld) copy(t *testing.T) error {
	err := w.do("pgq-consume", "-d", w.as(w.source), "-q", "q", "-c", "c", "--until-empty", "--into", w.as(w.target), "--into-queue", "copy")
	if n := testpg.Value[int](t, w.c.DSN(w.target), "select count(*) from pgq.event_template"); err == nil && n == 0 {
		t.Error("nothing was copied")
	}
	return err
}

func (w *rightsWorld) show(*testing.T) error {
	return w.do("qadmin", "-d", w.as(w.source), "-c", "show rotation")
}

func (w *rightsWorld) install(t *testing.T) error {
	testpg.Exec(t, w.c.DSN(w.target), "drop schema if exists pgq cascade; drop schema if exists pgq_ext cascade")
	return w.do("qadmin", "-d", w.as(w.target), "-c", "install pgq using plpgsql", "-c", "install pgq_ext using plpgsql")
}
