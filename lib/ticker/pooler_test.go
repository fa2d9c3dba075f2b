package ticker

import (
	"testing"

	"skytools/lib/testpg"
)

// Behind a pooler in transaction mode every statement may meet another
// session.
func TestPooler(t *testing.T) {
	t.Parallel()
	c := testpg.Shared(t)
	dsn := ours(t)
	testpg.Exec(t, dsn, `do $$ begin
		execute format('alter database %I set default_transaction_isolation to ''repeatable read''', current_database());
	end $$`)
	through := c.Pooled(t, dsn)
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
