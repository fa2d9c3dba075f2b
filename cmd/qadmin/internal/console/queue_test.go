package console

import (
	"fmt"
	"strings"
	"testing"

	"skytools/lib/testpg"
)

// queues makes queues and consumers on each.
func queues(t testing.TB, dsn string, from, to, consumers int) {
	t.Helper()
	conn := testpg.Connect(t, dsn)
	for i := from; i < to; i++ {
		_, err := conn.Exec(t.Context(), `select pgq.create_queue($1), (select count(pgq.register_consumer($1, 'consumer ' || c)) from generate_series(1, $2) c)`,
			fmt.Sprintf("queue %d", i), consumers)
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestShowQueueGrows demands that show queue takes time in proportion to the
// number of queues: by pages that are looked at, which no load of the machine
// changes.
func TestShowQueueGrows(t *testing.T) {
	t.Parallel()
	dsn := testpg.Shared(t).NewDB(t, testpg.Extensions("pgq"))
	query := "explain (analyze, buffers, timing off, costs off) " + strings.NewReplacer("$1::text", "null::text", "$1", "null::text").Replace(file("queue"))
	pages := func() (n int) {
		conn := testpg.Connect(t, dsn)
		for range 2 { // the first fills the session's caches
			rows, err := conn.Query(t.Context(), query)
			if err != nil {
				t.Fatal(err)
			}
			n = 0
			for rows.Next() {
				var line string
				if err := rows.Scan(&line); err != nil {
					t.Fatal(err)
				}
				if n == 0 { // of the topmost node: of all of them
					_, _ = fmt.Sscanf(strings.TrimSpace(line), "Buffers: shared hit=%d", &n)
				}
			}
			if err := rows.Err(); err != nil {
				t.Fatal(err)
			}
		}
		return n
	}
	queues(t, dsn, 0, 8, 5)
	few := pages()
	queues(t, dsn, 8, 32, 5)
	testpg.Exec(t, dsn, "vacuum analyze")
	if many := pages(); few == 0 || many > 4*few {
		t.Errorf("8 queues take %d pages, 32 queues %d", few, many)
	}
}

// BenchmarkShowQueue is for 1000 queues with 5 consumers each: the query, in a
// new session each time as a script has it. Making the queues takes a minute.
func BenchmarkShowQueue(b *testing.B) {
	dsn := testpg.Shared(b).NewDB(b, testpg.Extensions("pgq"))
	queues(b, dsn, 0, 1000, 5)
	testpg.Exec(b, dsn, "vacuum analyze")
	for b.Loop() {
		var out strings.Builder
		s := New(Config{Target: ParseTarget(dsn, nil)}, strings.NewReader(""), &out, &out)
		code := s.RunAll(b.Context(), []Source{{Text: "show queues\n"}}, false)
		if err := s.Close(); err != nil || code != ExitOK || strings.Count(out.String(), "queue ") < 1000 {
			b.Fatalf("code %d, error %v", code, err)
		}
	}
}
