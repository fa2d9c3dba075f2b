package extension_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"skytools/lib/testpg"
)

// TestPgqNodeCalls calls the functions of schema pgq_node at random, in
// our schema and in upstream's, and demands the same answers to the letter, and
// the same tables, queues and events. On the way ours goes back to 3.5 and up
// again.
func TestPgqNodeCalls(t *testing.T) {
	t.Parallel()
	seeds, statements := uint64(2), 500
	if os.Getenv("SOAK") != "" {
		seeds, statements = 40, 3000
	}
	// without the context of errors, which shows upstream's statements
	c := upgradeCluster(t, testpg.Conf("log_error_verbosity", "terse"))
	// the roles belong to the server
	testpg.Exec(t, c.NewDB(t), "create extension pgq")
	for seed := range seeds {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			theirs, ours := newTalker(t, c.NewDB(t)), newTalker(t, c.NewDB(t))
			mustSay(t, theirs, "create extension pgq version '3.5'; create extension pgq_node version '3.5'")
			mustSay(t, ours, "create extension pgq; create extension pgq_node")
			r := &nodeCaller{caller{Rand: rand.New(rand.NewPCG(seed, 2))}}
			for n := range statements {
				switch n {
				case statements / 2:
					mustSay(t, ours, "alter extension pgq_node update to '3.5'")
				case statements * 3 / 4:
					mustSay(t, ours, "alter extension pgq_node update")
				}
				sql := r.statement()
				want, got := theirs.say(t, sql), ours.say(t, sql)
				got = asTable.Replace(got)
				if got != want {
					t.Fatalf("statement %d: %s\nours:\n%s\nupstream's:\n%s", n, sql, got, want)
				}
				const quick = "update pgq.queue set queue_ticker_max_lag = '0', queue_ticker_idle_period = '0' where queue_ticker_max_lag <> '0'"
				theirs.say(t, quick)
				ours.say(t, quick)
			}
		})
	}
}

// asTable is for the one text that tells of the view local_state: which table has
// a constraint.
var asTable = strings.NewReplacer(`"local_consumer"`, `"local_state"`, `"local_position"`, `"local_state"`)

// mustSay demands no rows, no warnings and no error.
func mustSay(t *testing.T, k *talker, sql string) {
	t.Helper()
	if answer := k.say(t, sql); answer != "" {
		t.Fatalf("%s: %s", sql, answer)
	}
}

// nodeCaller chooses calls of pgq_node.
type nodeCaller struct{ caller }

func (r *nodeCaller) queue() string {
	return r.of("'qa'", "'qa'", "'qa'", "'q b'", "'q b'", "'qc'", r.of("null", "'nosuch'", "'qa'"))
}

func (r *nodeCaller) node() string {
	return r.of("'n1'", "'n1'", "'n2'", "'n2'", "'n3'", "'n4'", r.of("null", "'nosuch'", "'n1'"))
}

func (r *nodeCaller) worker() string {
	return r.of("'w1'", "'w1'", "'w2'", "'w2'", "'w3'", r.of("null", "'nosuch'", "'w1'"))
}

func (r *nodeCaller) tick() string { return r.of(r.int(1, 5), r.int(1, 40), r.int(1, 40), "null") }

func (r *nodeCaller) bool() string { return r.of("true", "false", "true", "false", "null") }

func (r *nodeCaller) statement() string {
	call := func(function string, args ...string) func() string {
		return func() string {
			var list []string
			for _, a := range args {
				switch a {
				case "queue":
					a = r.queue()
				case "node":
					a = r.node()
				case "worker":
					a = r.worker()
				case "tick":
					a = r.tick()
				case "bool":
					a = r.bool()
				}
				list = append(list, a)
			}
			order := map[string]string{"get_queue_locations": " order by 1"}[function]
			return "select * from pgq_node." + function + "(" + strings.Join(list, ", ") + ")" + order
		}
	}
	calls := []struct {
		weight int
		sql    func() string
	}{
		{120, func() string {
			return call("register_location", "queue", "node", r.of("null", "'dbname=x'", "'dbname=y'", "'dbname=z'"), r.of("false", "false", "false", "true", r.bool()))()
		}},
		{15, call("unregister_location", "queue", "node")},
		{15, call("get_queue_locations", "queue")},
		{30, call("create_node", "queue", "'root'", "node", "worker", "null", "null", "null")},
		{30, call("create_node", "queue", "'branch'", "node", "worker", "node", "tick", "null")},
		{30, call("create_node", "queue", "'leaf'", "node", "worker", "node", "tick", "null")},
		{20, call("create_node", "queue", "'leaf'", "node", "worker", "node", "tick", "queue")},
		{20, func() string {
			return call("create_node", "queue", r.of("'root'", "'branch'", "'leaf'", "'bad'", "null"), "node", "worker", r.of("null", r.node()), "tick", r.of("null", r.queue()))()
		}},
		{12, call("drop_node", "queue", "node")},
		{8, call("is_root_node", "queue")},
		{8, call("is_leaf_node", "queue")},
		{8, func() string { return call("set_node_attrs", "queue", r.of("'a=b'", "''", "null"))() }},
		{12, func() string { return call("demote_root", "queue", r.int(0, 4), "node")() }},
		{12, func() string {
			q := r.queue()
			return fmt.Sprintf("select * from pgq_node.demote_root(%[1]s, 1, null); begin; select * from pgq_node.demote_root(%[1]s, 2, null); "+
				"show session_replication_role; commit; show session_replication_role; select * from pgq_node.demote_root(%[1]s, 3, %[2]s)", q, r.node())
		}},
		{25, call("promote_branch", "queue")},
		{60, call("get_node_info", "queue")},
		{60, call("get_worker_state", "queue")},
		{60, call("register_subscriber", "queue", "node", "worker", "tick")},
		{15, call("unregister_subscriber", "queue", "node")},
		{40, func() string {
			// NULL gets other answers of upstream's, none of which means anything
			return call("set_subscriber_watermark", r.of("'qa'", "'q b'", "'qc'"), r.of("'n1'", "'n2'", "'n3'", "'n4'"), "tick")()
		}},
		{30, call("get_subscriber_info", "queue")},
		{50, call("register_consumer", "queue", "worker", "node", "tick")},
		{12, call("unregister_consumer", "queue", "worker")},
		{30, call("get_consumer_info", "queue")},
		{60, call("get_consumer_state", "queue", "worker")},
		{40, call("change_consumer_provider", "queue", "worker", "node")},
		{30, call("set_consumer_uptodate", "queue", "worker", "bool")},
		{40, call("set_consumer_paused", "queue", "worker", "bool")},
		{60, call("set_consumer_completed", "queue", "worker", "tick")},
		{40, func() string { return call("set_consumer_error", "queue", "worker", r.of("'boo'", "''", "null"))() }},
		{50, call("set_global_watermark", "queue", "tick")},
		{30, call("set_partition_watermark", "queue", "queue", "tick")},
		{20, func() string {
			q := r.queue()
			return "update pgq.tick set tick_time = tick_time - interval '" + r.of("4 minutes", "6 minutes") + "'; select * from pgq_node.maint_watermark(" + q + ")"
		}},
		{3, func() string { return "select pgq_node.upgrade_schema()" }},
		{60, func() string { return "select pgq.insert_event(" + r.queue() + ", 't', 'd')" }},
		{80, func() string { return "select pgq.ticker(" + r.queue() + ")" }},
		{20, func() string {
			return "select pgq.ticker(" + r.queue() + ", " + r.int(1, 40) + ", now(), " + r.int(1, 500) + ")"
		}},
		{20, func() string { return "select pgq.register_consumer(" + r.queue() + ", " + r.worker() + ")" }},
		{20, func() string { return "select pgq.unregister_consumer(" + r.queue() + ", " + r.worker() + ")" }},
		{20, func() string {
			return "select pgq.finish_batch(b) from (select pgq.next_batch(" + r.queue() + ", " + r.worker() + ") as b offset 0) x where b is not null"
		}},
		{10, func() string {
			return "update pgq_node.local_state set last_tick_id = last_tick_id + 1, cur_error = 'by hand' where consumer_name = " + r.worker()
		}},
		{5, func() string { return "delete from pgq_node.local_state where consumer_name = " + r.worker() }},
		{40, func() string { return "select * from pgq_node.local_state order by 1, 2" }},
		{20, func() string {
			return "select * from pgq_node.node_info order by 1; select * from pgq_node.node_location order by 1, 2; select * from pgq_node.subscriber_info order by 1, 2"
		}},
		{20, func() string {
			return "select ev_id, ev_type, ev_data, ev_extra1, ev_extra2, ev_extra3, ev_extra4 from pgq.event_template order by 1, 4, 2"
		}},
		{20, func() string {
			return "select queue_name, queue_external_ticker, queue_disable_insert, pg_sequence_last_value(queue_tick_seq::regclass), " +
				"pg_sequence_last_value(queue_event_seq::regclass) from pgq.queue order by 1; " +
				"select queue_name, consumer_name, last_tick from pgq.get_consumer_info(); " +
				"select queue_name, tick_id, tick_event_seq from pgq.tick, pgq.queue where tick_queue = queue_id order by 1, 2; " +
				"select func_name, func_arg from pgq.maint_operations() where func_name ~ 'pgq_node' order by 2"
		}},
	}
	total := 0
	for _, c := range calls {
		total += c.weight
	}
	n := r.IntN(total)
	for _, c := range calls {
		if n -= c.weight; n < 0 {
			return c.sql()
		}
	}
	panic("unreachable")
}
