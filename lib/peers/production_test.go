package peers

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"skytools/lib/testpg"
)

// production makes events in random transactions, and knows which of them were
// committed.
type production struct {
	t     *testing.T
	dsn   string
	total int64 // committed events at the end
	// triggers makes half of the events by row triggers instead of insert_event.
	triggers bool

	made  atomic.Int64
	mu    sync.Mutex
	again map[int64]bool // committed ids; whether the event is to be put back once
}

const producers = 4

// tables have a trigger each, so that one row is one event.
const tables = `
	create table t_logu (id bigint primary key, data text);
	create table t_json (id bigint primary key, data text);
	create table t_sql (id bigint primary key, data text);
	create trigger t after insert or update or delete on t_logu for each row execute function pgq.logutriga('q', 'ev_extra4=''x''');
	create trigger t after insert or update or delete on t_json for each row execute function pgq.jsontriga('q');
	create trigger t after insert or update or delete on t_sql for each row execute function pgq.sqltriga('q')`

// run makes all events.
func (p *production) run(rnd *rand.Rand) {
	p.t.Helper()
	p.again = map[int64]bool{}
	var wg sync.WaitGroup
	for i := range producers {
		rnd := rand.New(rand.NewPCG(rnd.Uint64(), uint64(i)))
		wg.Go(func() {
			if err := p.produce(rnd, i); err != nil {
				p.t.Errorf("producer %d: %v", i, err)
			}
		})
	}
	wg.Wait()
}

func (p *production) produce(rnd *rand.Rand, n int) error {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, p.dsn)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	for row := n << 32; p.made.Load() < p.total; {
		mine := map[int64]bool{}
		tx, err := conn.Begin(ctx)
		if err != nil {
			return err
		}
		for range 1 + rnd.IntN(max(20, int(p.total/500))) {
			row++
			if rnd.IntN(20) == 0 {
				sub, err := tx.Begin(ctx)
				if err != nil {
					return err
				}
				if err := p.event(ctx, sub, rnd, row, map[int64]bool{}); err != nil {
					return err
				}
				if err := sub.Rollback(ctx); err != nil {
					return err
				}
			}
			if err := p.event(ctx, tx, rnd, row, mine); err != nil {
				return err
			}
		}
		if rnd.IntN(50) == 0 { // stays open over some ticks
			<-time.After(time.Duration(rnd.IntN(500)) * time.Millisecond)
		}
		if rnd.IntN(10) == 0 {
			if err := tx.Rollback(ctx); err != nil {
				return err
			}
			continue
		}
		if err := tx.Commit(ctx); err != nil {
			return err
		}
		p.mu.Lock()
		for id, again := range mine {
			p.again[id] = again
		}
		p.mu.Unlock()
		p.made.Add(int64(len(mine)))
	}
	return nil
}

// event makes one event, or one for each thing that it does to a row, and adds
// the ids to made.
func (p *production) event(ctx context.Context, tx pgx.Tx, rnd *rand.Rand, row int, made map[int64]bool) error {
	var id int64
	if !p.triggers || rnd.IntN(2) == 0 {
		kind := "once"
		again := rnd.IntN(10) == 0
		if again {
			kind = "again"
		}
		err := tx.QueryRow(ctx, `select pgq.insert_event('q', $1, $2)`, kind, fmt.Sprint(row)).Scan(&id)
		made[id] = again
		return err
	}
	table := []string{"t_logu", "t_json", "t_sql"}[rnd.IntN(3)]
	for _, sql := range []string{"insert into %s values (%d, 'one')", "update %s set data = 'two' where id = %d", "delete from %s where id = %d"}[:1+rnd.IntN(3)] {
		if _, err := tx.Exec(ctx, fmt.Sprintf(sql, table, row)); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `select currval(queue_event_seq) from pgq.queue where queue_name = 'q'`).Scan(&id); err != nil {
			return err
		}
		made[id] = false
	}
	return nil
}

// mark makes one more event, behind all others.
func (p *production) mark() {
	p.t.Helper()
	id := testpg.Value[int64](p.t, p.dsn, `select pgq.insert_event('q', 'end', 'end')`)
	p.again[id] = false
}

// delivery is one event as a consumer got it.
type delivery struct {
	ID    int64
	Retry int
}

// want is what a consumer has to get.
func (p *production) want(retries bool) map[delivery]int {
	want := map[delivery]int{}
	for id, again := range p.again {
		want[delivery{id, 0}] = 1
		if again && retries {
			want[delivery{id, 1}] = 1
		}
	}
	return want
}
