package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jessevdk/go-flags"

	"skytools/lib/cli"
)

const program = "pgq-consume"

// options are the flags. A flag that takes a value can also be given as an
// environment variable PGQ_CONSUME_NAME, which suits a unit's EnvironmentFile.
// Without unquote:"false" go-flags would take a value in double quotes for a
// literal of Go.
type options struct {
	Source struct {
		DB           string `short:"d" long:"db" env:"PGQ_CONSUME_DB" unquote:"false"`
		Queue        string `short:"q" long:"queue" env:"PGQ_CONSUME_QUEUE" unquote:"false"`
		Consumer     string `short:"c" long:"consumer" env:"PGQ_CONSUME_CONSUMER" unquote:"false"`
		Register     bool   `long:"register"`
		RegisterOnly bool   `long:"register-only"`
		Unregister   bool   `long:"unregister"`
		From         string `long:"from" unquote:"false"`
		AtTick       *int64 `long:"at-tick"`
		Peek         bool   `long:"peek"`
	} `group:"x"`

	Selection struct {
		Types        []string     `long:"type" env:"PGQ_CONSUME_TYPE" env-delim:"," unquote:"false"`
		UntilEmpty   bool         `long:"until-empty"`
		MaxEvents    *int64       `long:"max-events" env:"PGQ_CONSUME_MAX_EVENTS"`
		MinCount     *int32       `long:"min-count" env:"PGQ_CONSUME_MIN_COUNT"`
		MinInterval  *cli.Seconds `long:"min-interval" env:"PGQ_CONSUME_MIN_INTERVAL"`
		MinLag       *cli.Seconds `long:"min-lag" env:"PGQ_CONSUME_MIN_LAG"`
		PollInterval cli.Seconds  `long:"poll-interval" env:"PGQ_CONSUME_POLL_INTERVAL" default:"1"`
	} `group:"x"`

	Output struct {
		Format string `long:"format" env:"PGQ_CONSUME_FORMAT" choice:"json" choice:"csv" choice:"raw" default:"json" unquote:"false"`
		Decode bool   `long:"decode"`
	} `group:"x"`

	Command struct {
		Exec        string      `long:"exec" env:"PGQ_CONSUME_EXEC" unquote:"false"`
		PerEvent    bool        `long:"per-event"`
		Ack         *int        `long:"ack" env:"PGQ_CONSUME_ACK"`
		RetryDelay  cli.Seconds `long:"retry-delay" env:"PGQ_CONSUME_RETRY_DELAY" default:"60"`
		StopTimeout cli.Seconds `long:"stop-timeout" env:"PGQ_CONSUME_STOP_TIMEOUT" default:"10"`
	} `group:"x"`

	Target struct {
		Into      string `long:"into" env:"PGQ_CONSUME_INTO" unquote:"false"`
		SQL       string `long:"sql" env:"PGQ_CONSUME_SQL" unquote:"false"`
		IntoQueue string `long:"into-queue" env:"PGQ_CONSUME_INTO_QUEUE" unquote:"false"`
	} `group:"x"`

	Coop struct {
		Workers      *int         `long:"workers" env:"PGQ_CONSUME_WORKERS"`
		Subconsumer  string       `long:"subconsumer" env:"PGQ_CONSUME_SUBCONSUMER" unquote:"false"`
		DeadInterval *cli.Seconds `long:"dead-interval" env:"PGQ_CONSUME_DEAD_INTERVAL"`
	} `group:"x"`

	General struct {
		Quiet     bool   `long:"quiet"`
		Verbose   bool   `short:"v" long:"verbose"`
		LogFormat string `long:"log-format" env:"PGQ_CONSUME_LOG_FORMAT" choice:"auto" choice:"text" choice:"json" choice:"journal" default:"auto" unquote:"false"`
		Metrics   string `long:"metrics-listen" env:"PGQ_CONSUME_METRICS_LISTEN" unquote:"false"`
		Version   bool   `short:"V" long:"version"`
		Help      bool   `short:"h" long:"help"`
	} `group:"x"`
}

// envPrefix begins the names of the environment variables of the options.
const envPrefix = "PGQ_CONSUME_"

func newParser(o *options) *flags.Parser {
	p := flags.NewNamedParser(program, flags.PassDoubleDash)
	p.Usage = "-d DSN -q QUEUE -c CONSUMER [OPTION]..."
	if _, err := p.AddGroup("Options", "", o); err != nil {
		panic(err) // a mistake in the tags above
	}
	return p
}

// parseOptions reads args and checks them. Every error is a cli.UsageError.
func parseOptions(args []string) (*options, error) {
	o := new(options)
	rest, err := newParser(o).ParseArgs(args)
	if err != nil {
		return nil, cli.FlagError(err)
	}
	if o.General.Help || o.General.Version {
		return o, nil
	}
	if len(rest) > 0 {
		return nil, cli.Usagef("unexpected argument %q", rest[0])
	}
	if err := o.validate(); err != nil {
		return nil, &cli.UsageError{Err: err}
	}
	return o, nil
}

// coop tells whether batches are shared with other subconsumers.
func (o *options) coop() bool { return o.Coop.Workers != nil || o.Coop.Subconsumer != "" }

// workers is the number of batch loops in this process.
func (o *options) workers() int {
	if o.Coop.Workers != nil {
		return *o.Coop.Workers
	}
	return 1
}

// target tells whether the events go to another database.
func (o *options) target() bool { return o.Target.Into != "" }

// validate finds what the parser cannot: values out of range and options that
// exclude or need each other.
func (o *options) validate() error {
	s := &o.Source
	switch {
	case s.Queue == "":
		return errors.New("option -q is missing: name the queue")
	case s.Consumer == "" && !s.Peek:
		return errors.New("option -c is missing: name the consumer")
	case s.AtTick != nil && *s.AtTick < 1:
		return fmt.Errorf("option --at-tick: %d is no tick", *s.AtTick)
	}
	for _, f := range []func() error{o.validateConflicts, o.validateNeeds, o.validateRanges} {
		if err := f(); err != nil {
			return err
		}
	}
	if s.AtTick != nil {
		s.From = strconv.FormatInt(*s.AtTick, 10)
	}
	if _, err := newTypeFilter(o.Selection.Types); err != nil {
		return fmt.Errorf("option --type: %w", err)
	}
	if o.Target.SQL != "" {
		if _, err := parseStatement(o.Target.SQL); err != nil {
			return fmt.Errorf("option --sql: %w", err)
		}
	}
	if o.Target.IntoQueue != "" {
		if _, err := parseQueueName(o.Target.IntoQueue); err != nil {
			return fmt.Errorf("option --into-queue: %w", err)
		}
	}
	return nil
}

// given lists the options that were used, as far as they matter for conflicts.
func (o *options) given() map[string]bool {
	return map[string]bool{
		"--register":      o.Source.Register,
		"--register-only": o.Source.RegisterOnly,
		"--unregister":    o.Source.Unregister,
		"--from":          o.Source.From != "",
		"--at-tick":       o.Source.AtTick != nil,
		"--peek":          o.Source.Peek,
		"--until-empty":   o.Selection.UntilEmpty,
		"--max-events":    o.Selection.MaxEvents != nil,
		"--min-count":     o.Selection.MinCount != nil,
		"--min-interval":  o.Selection.MinInterval != nil,
		"--min-lag":       o.Selection.MinLag != nil,
		"--decode":        o.Output.Decode,
		"--format":        o.Output.Format != "json",
		"--exec":          o.Command.Exec != "",
		"--per-event":     o.Command.PerEvent,
		"--ack":           o.Command.Ack != nil,
		"--into":          o.target(),
		"--sql":           o.Target.SQL != "",
		"--into-queue":    o.Target.IntoQueue != "",
		"--workers":       o.Coop.Workers != nil,
		"--subconsumer":   o.Coop.Subconsumer != "",
		"--dead-interval": o.Coop.DeadInterval != nil,
	}
}

// conflicts has pairs of an option and those it cannot be used with.
var conflicts = []struct {
	option string
	others []string
}{
	{"--register-only", []string{"--register", "--unregister"}},
	{"--unregister", []string{"--register", "--from", "--at-tick", "--workers"}},
	{"--at-tick", []string{"--from"}},
	{"--peek", []string{
		"--register", "--register-only", "--unregister", "--min-count", "--min-interval", "--min-lag",
		"--exec", "--ack", "--into", "--workers", "--subconsumer",
	}},
	{"--into", []string{"--exec", "--ack", "--format", "--decode"}},
	{"--sql", []string{"--into-queue"}},
	{"--per-event", []string{"--ack"}},
	// Each subconsumer would count for itself.
	{"--max-events", []string{"--workers"}},
}

func (o *options) validateConflicts() error {
	given := o.given()
	for _, c := range conflicts {
		for _, other := range c.others {
			if given[c.option] && given[other] {
				return fmt.Errorf("options %s and %s exclude each other", c.option, other)
			}
		}
	}
	return nil
}

func (o *options) validateNeeds() error {
	given := o.given()
	needs := []struct {
		option string
		others []string
	}{
		{"--per-event", []string{"--exec"}},
		{"--into", []string{"--sql", "--into-queue"}},
		{"--sql", []string{"--into"}},
		{"--into-queue", []string{"--into"}},
		{"--dead-interval", []string{"--workers", "--subconsumer"}},
	}
	for _, n := range needs {
		ok := !given[n.option]
		for _, other := range n.others {
			ok = ok || given[other]
		}
		if !ok {
			return fmt.Errorf("option %s needs %s", n.option, strings.Join(n.others, " or "))
		}
	}
	if o.coop() && given["--from"] && !o.Source.Register && !o.Source.RegisterOnly {
		return errors.New("option --from needs --register with --workers and --subconsumer: other subconsumers may be at work")
	}
	if given["--ack"] && !given["--exec"] && o.workers() > 1 {
		return errors.New("option --ack needs --exec with --workers: the answers of several workers cannot share a descriptor")
	}
	return nil
}

// maxWorkers keeps a slip of the finger from taking all connections.
const maxWorkers = 1000

func (o *options) validateRanges() error {
	check := func(option string, n *int64, lo, hi int64) error {
		if n != nil && (*n < lo || *n > hi) {
			return fmt.Errorf("option %s: %d is not between %d and %d", option, *n, lo, hi)
		}
		return nil
	}
	const huge = 1 << 62
	if err := check("--max-events", o.Selection.MaxEvents, 1, huge); err != nil {
		return err
	}
	if err := check("--min-count", widen(o.Selection.MinCount), 1, huge); err != nil {
		return err
	}
	if err := check("--workers", widen(o.Coop.Workers), 1, maxWorkers); err != nil {
		return err
	}
	if err := check("--ack", widen(o.Command.Ack), 0, 1<<20); err != nil {
		return err
	}
	if a := o.Command.Ack; a != nil {
		switch {
		case *a == 2:
			return errors.New("option --ack: descriptor 2 is for messages")
		case *a == 1 && o.Command.Exec == "":
			return errors.New("option --ack: descriptor 1 is where the events go")
		case *a == 0 && o.Command.Exec != "":
			return errors.New("option --ack: descriptor 0 of the command is where the events go")
		}
	}
	if o.Selection.PollInterval <= 0 {
		return errors.New("option --poll-interval must be more than 0")
	}
	return nil
}

func widen[T int | int32](n *T) *int64 {
	if n == nil {
		return nil
	}
	w := int64(*n)
	return &w
}

// subconsumers names the batch loops of this process, or is nil without
// --workers and --subconsumer. A restarted process has to find its own open
// batches again, and two hosts must not share one: hence the host's name.
func (o *options) subconsumers(hostname string) []string {
	if !o.coop() {
		return nil
	}
	if o.Coop.Workers == nil {
		return []string{o.Coop.Subconsumer}
	}
	base := o.Coop.Subconsumer
	if base == "" {
		base = hostname + "-"
	}
	names := make([]string, *o.Coop.Workers)
	for i := range names {
		names[i] = base + strconv.Itoa(i+1)
	}
	return names
}
