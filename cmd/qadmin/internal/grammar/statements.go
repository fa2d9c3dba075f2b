package grammar

import "strings"

// Statement is a line of the table from which the parser, completion, help and
// the test of the man page are made.
type Statement struct {
	Name   string // its leading keywords; unique
	Syntax string // see node
	Needs  string // the extension that it needs, "" for none
	Since  string // version of the extension, "" for any
	Help   string // one line
	Doc    string // what else is to be said, for "help NAME"
	Writes bool   // it is refused by --read-only
	OwnTx  bool   // it makes transactions and cannot run inside one
	Later  bool   // it is known but not made yet
}

// rules are parts of syntax that several statements share.
var rules = map[string]string{
	"params": "<param> { , <param> }",
	"param":  "idle_period=TEXT | max_lag=TEXT | max_count=TEXT | paused=TEXT | rotation_period=TEXT | external_ticker=TEXT",
}

// Statements is the table. Where two fit, the first one is meant.
var Statements = []*Statement{
	{
		Name: "connect", Syntax: "connect { dbname=DATABASE | host=HOST | port=PORT | user=USER | password=TEXT | service=SERVICE | queue=QUEUE | node=NODE }",
		Help: "connect to another database, or choose the default queue",
		Doc:  "What is not given stays as it is. With node= the database is that of a node of the queue; queue= alone keeps the connection.",
	},
	{
		Name: "install", Syntax: "install EXTENSION { using plpgsql | show sql | dry run }", Writes: true, OwnTx: true,
		Help: "install pgq, pgq_coop, pgq_ext or pgq_node",
		Doc: "By CREATE EXTENSION where the server has our files, else, and with 'using plpgsql', by the PL/pgSQL form. " +
			"'show sql' prints what would be run, 'dry run' does it and rolls back.",
	},
	{
		Name: "upgrade", Syntax: "upgrade [ EXTENSION ] { using plpgsql | dry run }", Writes: true, OwnTx: true,
		Help: "bring what is installed to the version of this program",
		Doc: "Queues, consumers and their open batches stay as they are. Without a name it is for all that is installed. " +
			"'using plpgsql' and 'dry run' are as for install.",
	},
	{
		Name: "create queue", Syntax: "create queue queue:NAME { with <params> | if not exists }", Needs: "pgq", Writes: true,
		Help: "create a queue",
		Doc:  "The settings are those of 'alter queue'.",
	},
	{
		Name: "alter queue", Syntax: "alter queue ( QUEUE | * ) set <params>", Needs: "pgq", Writes: true,
		Help: "change settings of a queue or of all",
		Doc: "max_lag is the longest time between two ticks while there are events, and so the bound of latency; max_count makes a tick after so many events; " +
			"idle_period is the time between ticks without events; rotation_period is how long an event table is written to; " +
			"paused stops the ticker for this queue; external_ticker is for copies of queues. " +
			"For low latency: alter queue QUEUE set max_lag='100 ms', max_count=100. 'show queue' shows the values in use.",
	},
	{
		Name: "drop queue", Syntax: "drop queue QUEUE [ force ]", Needs: "pgq", Writes: true,
		Help: "drop a queue with its events",
		Doc:  "While consumers are registered it is an error; 'force' unregisters them first.",
	},
	{
		Name: "register consumer", Syntax: "register consumer consumer:NAME { on QUEUE | copy donor:CONSUMER | at tick:NUM }", Needs: "pgq", Writes: true,
		Help: "register a consumer",
		Doc: "Without 'on' it is for the default queue. It begins at the newest tick, where another consumer stands (copy), " +
			"or at a tick (at), which moves one that is registered already.",
	},
	{
		Name: "register subconsumer", Syntax: "register subconsumer subconsumer:SUBCONSUMER { on QUEUE | for CONSUMER }", Needs: "pgq_coop", Writes: true,
		Help: "register a subconsumer that shares a consumer's batches",
		Doc:  "The consumer is registered too if it is not yet.",
	},
	{
		Name: "unregister consumer", Syntax: "unregister consumer ( CONSUMER | * ) [ from QUEUE ]", Needs: "pgq", Writes: true,
		Help: "remove a consumer, or all of a queue",
		Doc:  "Its position is lost. * asks, and in a script needs --yes.",
	},
	{
		Name: "unregister subconsumer", Syntax: "unregister subconsumer ( SUBCONSUMER | * ) for CONSUMER [ from QUEUE ] [ close [ batch ] ]",
		Needs: "pgq_coop", Writes: true,
		Help: "remove a subconsumer, or all of a consumer",
		Doc:  "One with an open batch is an error, unless 'close' is given: then the events of that batch are lost. * asks, and in a script needs --yes.",
	},
	{
		Name: "create root node", Syntax: "create root node node:NAME location location:TEXT { worker worker:NAME | on QUEUE | nocheck | dry run }",
		Needs: "pgq_node", Writes: true, OwnTx: true,
		Help: "make this database the root of a replicated queue",
		Doc: "location is the connection string by which other nodes reach it; that it leads here is checked unless nocheck is given. " +
			"The worker's consumer name is the node's if none is given. Run the worker as: londiste ... worker.",
	},
	{
		Name:   "create branch node",
		Syntax: "create branch node node:NAME location location:TEXT provider provider:TEXT { worker worker:NAME | sync_watermark sync:TEXT | on QUEUE | nocheck | dry run }",
		Needs:  "pgq_node", Writes: true, OwnTx: true,
		Help: "make this database a branch, a full copy from which others may read",
		Doc:  "provider is the connection string of the node that it reads from.",
	},
	{
		Name:   "create leaf node",
		Syntax: "create leaf node node:NAME location location:TEXT provider provider:TEXT { worker worker:NAME | merge merge:QUEUE | on QUEUE | nocheck | dry run }",
		Needs:  "pgq_node", Writes: true, OwnTx: true,
		Help: "make this database a leaf, which only reads",
		Doc:  "With merge, its events go into another queue of this database.",
	},
	{
		Name: "alter node", Syntax: "alter node NODE ( provider provider:NODE | location location:TEXT | takeover old:NODE { all | dead root | dead branch | cancel } | tag ( dead | alive ) ) " +
			"{ on QUEUE | dry run }",
		Needs: "pgq_node", Writes: true, OwnTx: true,
		Help: "change where a node reads from or is reached, let it take the place of another node, or tag it",
		Doc: "Everything goes on while events flow. takeover: of a root, writes there are refused until the taker has all and is the root. " +
			"The plan is shown first, step by step, and a console asks; 'dry run' only shows it.",
	},
	{
		Name: "pause node", Syntax: "pause node NODE { consumer CONSUMER | on QUEUE | dry run }", Needs: "pgq_node", Writes: true, OwnTx: true,
		Help: "stop the worker of a node, or another cascaded consumer of it, between two batches",
	},
	{
		Name: "resume node", Syntax: "resume node NODE { consumer CONSUMER | on QUEUE | dry run }", Needs: "pgq_node", Writes: true, OwnTx: true,
		Help: "let it go on",
	},
	{
		Name: "drop node", Syntax: "drop node NODE { on QUEUE | dry run }", Needs: "pgq_node", Writes: true, OwnTx: true,
		Help: "remove a node from which nobody reads, with its queue",
	},
	{
		Name: "show queue", Syntax: "show queue [ QUEUE | * ]", Needs: "pgq",
		Help: "settings and state of queues: age of the newest tick, rate, bytes, rotation and who holds it up",
		Doc: "ticker_lag is the age of the newest tick, ev_new the number of events after it, bytes the size of the event tables. " +
			"rotation tells whether old event tables can be emptied, blocker who keeps them; 'show rotation' has the details.",
	},
	{Name: "show queues", Syntax: "show queues", Needs: "pgq", Help: "the same for all queues"},
	{
		Name: "show consumer", Syntax: "show consumer [ ( CONSUMER | * ) [ on ( QUEUE | * ) ] ]", Needs: "pgq",
		Help: "position and lag of consumers, in time, events and bytes",
		Doc: "lag is the age of the tick where a consumer stands, last_seen the time since it opened or finished a batch, pending_events and " +
			"pending_bytes (an estimate) what it has yet to read. A consumer whose last_seen grows is not running or is at work on its current_batch.",
	},
	{Name: "show consumers", Syntax: "show consumers", Needs: "pgq", Help: "the same for all consumers"},
	{
		Name: "show batch", Syntax: "show batch ( BATCH | CONSUMER ) [ limit ( NUM | all ) ]", Needs: "pgq",
		Help: "events of an open batch, by its id or by the consumer on the default queue",
		Doc:  "No more than 1000 unless a limit is given.",
	},
	{
		Name: "show event", Syntax: "show event event:NUM [ on QUEUE ]", Needs: "pgq",
		Help: "one event, from the event tables and the retry queue",
		Doc: "There is no index on ids: it is looked for from the transactions on that can have made it, by the ticks, and then everywhere; " +
			"before large tables are looked through it says so.",
	},
	{
		Name: "show events", Syntax: "show events QUEUE [ limit ( NUM | all ) ]", Needs: "pgq",
		Help: "the newest events of a queue",
		Doc:  "No more than 100 unless a limit is given.",
	},
	{
		Name: "show rotation", Syntax: "show rotation [ QUEUE ]", Needs: "pgq", Since: "4.0",
		Help: "event tables, and who keeps the old ones from being truncated",
	},
	{
		Name: "show tick", Syntax: "show tick [ QUEUE ] [ limit ( NUM | all ) ]", Needs: "pgq",
		Help: "the newest ticks of a queue, of the default queue if none is named",
		Doc:  "No more than 20 unless a limit is given.",
	},
	{Name: "show status", Syntax: "show status", Needs: "pgq", Help: "the whole database at a glance"},
	{Name: "show retry", Syntax: "show retry [ QUEUE ]", Needs: "pgq", Help: "events that wait to be tried again, by queue and consumer"},
	{Name: "show triggers", Syntax: "show triggers [ QUEUE ]", Needs: "pgq", Help: "triggers that put rows into queues"},
	{Name: "show locks", Syntax: "show locks", Needs: "pgq", Help: "who holds or waits for locks on tables of PgQ"},
	{Name: "show node", Syntax: "show node [ ( NODE | * ) [ on ( QUEUE | * ) ] ]", Needs: "pgq_node", Help: "nodes of replicated queues and where they are"},
	{Name: "show nodes", Syntax: "show nodes", Needs: "pgq_node", Help: "the same for all nodes"},
	{
		Name: "show cascade", Syntax: "show cascade [ QUEUE ]", Needs: "pgq_node",
		Help: "the nodes of a replicated queue as a tree, with lag and errors",
		Doc:  "All nodes are looked at, at the same time; those that do not answer are shown with the reason. With \\pset format json: as londiste status --json.",
	},
	{
		Name: "show subscribers", Syntax: "show subscribers [ QUEUE ]", Needs: "pgq_node",
		Help: "nodes that read from the local one, and how far they are",
	},
	{Name: "show table", Syntax: "show table TABLE", Help: "a table as the statements that make it"},
	{Name: "show sequence", Syntax: "show sequence SEQUENCE", Help: "a sequence as the statements that make it"},
	{Name: "show version", Syntax: "show version", Help: "versions of qadmin, the server and the extensions"},
	{Name: "show help", Syntax: "show help", Help: "this list"},
	{
		Name: "explain event", Syntax: "explain event event:NUM [ on QUEUE ]", Needs: "pgq",
		Help: "why an event is not visible yet, which tick makes it so, and who holds it back",
		Doc:  "For each consumer it tells whether the event is done, in the open batch, or waits; for an event that is not there, which open transactions may hold it.",
	},
	{
		Name: "tick queue", Syntax: "tick queue ( QUEUE | * ) [ force ]", Needs: "pgq", Writes: true,
		Help: "make the tick that is due, or with 'force' one at once",
	},
	{
		Name: "produce", Syntax: "produce QUEUE { from ( stdin | FILE ) | format ( jsonl | csv | raw ) | type TEXT | batch NUM }", Needs: "pgq", Writes: true,
		Help: "load events from a file or stdin",
		Doc: "jsonl, which is the default: one object a line, with ev_type, ev_data, ev_extra1 .. ev_extra4, as pgq-consume writes them. csv: a header " +
			"with these names, an empty field is NULL. raw: each line is the data of an event. 'type' is for events that have none. " +
			"All is one transaction, or one for each N events with 'batch'. In a script on stdin the data ends with a line \\.",
	},
	{
		Name: "doctor", Syntax: "doctor [ fix ]", Needs: "pgq", OwnTx: true,
		Help: "look for damage, and with 'fix' repair it",
		Doc: "It finds ticks ahead of the server's transaction ids after a restore, sequences behind, a missing rotation step, consumers without ticks, " +
			"triggers on queues that are gone, missing grants, and queues that no ticker serves.",
	},
	{
		Name: "top", Syntax: "top { every seconds:NUM | count count:NUM }", Needs: "pgq",
		Help: "live view of queues and consumers",
		Doc: "Keys: q ends it, s chooses by what it is sorted, r turns the order over, arrows choose a queue, enter shows its consumers only. " +
			"Without a terminal it shows the tables of show queue and show consumer again and again; count bounds how often.",
	},
	{
		Name: "help", Syntax: "help { TOPIC }",
		Help: "this list, or all about the statements that begin with a word",
	},
	{Name: "exit", Syntax: "exit", Help: "leave qadmin"},
	{Name: "quit", Syntax: "quit", Help: "leave qadmin"},

	{Name: "londiste", Syntax: "londiste { ANY }", Needs: "londiste", Writes: true, Later: true},
}

var (
	theMachine = mustMachine()
	firstWords = wordsThatBegin()
)

// mustMachine panics when the table is wrong; the first test sees it.
func mustMachine() *machine {
	m, err := newMachine(Statements, rules)
	if err != nil {
		panic(err)
	}
	return m
}

func wordsThatBegin() map[string]bool {
	words := map[string]bool{}
	for _, th := range theMachine.run().threads {
		words[theMachine.insts[th.at].word] = true
	}
	return words
}

// Usage is the syntax as help shows it.
func (s *Statement) Usage() string {
	text := s.Syntax
	for range 2 {
		for name, rule := range rules {
			text = strings.ReplaceAll(text, "<"+name+">", paramUsage(name, rule))
		}
	}
	var b strings.Builder
	for i, w := range strings.Fields(text) {
		if label, _, ok := strings.Cut(w, ":"); ok {
			w = strings.ToUpper(label)
		}
		if i > 0 && w != "," {
			b.WriteByte(' ')
		}
		b.WriteString(w)
	}
	return strings.NewReplacer(" {,", " [,", "[ ", "[", " ]", "]", "( ", "(", " )", ")", "{ ", "[", " }", "]...", " | ", "|").Replace(b.String())
}

// paramUsage shortens what would fill a line.
func paramUsage(name, rule string) string {
	if name == "param" {
		return "PARAM=VALUE"
	}
	return rule
}
