package bench

import (
	"fmt"
	"testing"

	"skytools/lib/testpg"
)

// Reading a million events of 200 bytes: when they lie in one tick, against
// psql's COPY of the batch's own query; in a thousand ticks, against one COPY
// of the whole event table.
func TestRead(t *testing.T) {
	const events = 1_000_000
	for _, tc := range []struct {
		name  string
		ticks int
	}{
		{name: "one tick", ticks: 1},
		{name: "a thousand ticks", ticks: 1000},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := testpg.Start(t, testpg.Conf("shared_buffers", "1GB"), testpg.Conf("max_wal_size", "4GB"))
			dsn := c.NewDB(t, testpg.Extensions("pgq"))
			testpg.Exec(t, dsn, `select pgq.create_queue('q');
				select pgq.register_consumer('q', 'ours'), pgq.register_consumer('q', 'peer');
				create procedure fill(n int, each int) language plpgsql as $$
				begin
					for i in 1 .. n loop
						insert into pgq.event_1_0 (ev_time, ev_type, ev_data)
						select now(), 'insert', repeat('x', 150) from generate_series(1, each);
						commit;
						perform pgq.tick_if('q', (select max(tick_id) from pgq.tick));
						commit;
					end loop;
				end $$`)
			testpg.Exec(t, dsn, fmt.Sprintf("call fill(%d, %d)", tc.ticks, events/tc.ticks))
			testpg.Exec(t, dsn, "vacuum analyze pgq.event_1_0")
			first := testpg.Value[int64](t, dsn, "select min(tick_id) from pgq.tick")

			copySQL := "copy pgq.event_1_0 to stdout"
			peer := "psql COPY of the event table"
			if tc.ticks == 1 {
				batch := testpg.Value[int64](t, dsn, "select pgq.next_batch('q', 'peer')")
				copySQL = "copy (" + testpg.Value[string](t, dsn, "select pgq.batch_event_sql($1)", batch) + ") to stdout"
				peer = "psql COPY of batch_event_sql"
			}
			o, p, r := pairs(t, 5, func() {
				testpg.Exec(t, dsn, "select pgq.register_consumer_at('q', 'ours', $1)", first)
				run(t, ourConsume, "-d", dsn, "-q", "q", "-c", "ours", "--until-empty", "--quiet")
			}, func() {
				run(t, c.BinDir()+"/psql", "-XqAt", "-d", dsn, "-c", copySQL)
			})
			report(t, row{
				name: "read 1,000,000 events of 200 bytes in " + tc.name,
				ours: ms(o), peer: ms(p), ratio: ratio(r), note: "peer: " + peer,
			})
		})
	}
}
