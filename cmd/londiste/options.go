package main

import (
	_ "embed"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jessevdk/go-flags"

	"skytools/lib/cascade"
	"skytools/lib/cli"
	"skytools/lib/ini"
	"skytools/lib/log"
)

const program = "londiste"

//go:embed help.txt
var help string

//go:embed sample.ini
var sample string

// options are the whole surface of londiste; help.txt and the man page explain
// them. What has an ini key can also be given in the environment.
type options struct {
	Settings struct {
		DB                 string      `long:"db" ini:"db" secret:"connstr" unquote:"false"`
		Queue              string      `long:"queue-name" ini:"queue_name" unquote:"false"`
		OldQueue           string      `long:"pgq-queue-name" ini:"pgq_queue_name" hidden:"yes" unquote:"false"`
		JobName            string      `long:"job-name" ini:"job_name" unquote:"false"`
		Consumer           string      `long:"consumer-name" ini:"consumer_name" unquote:"false"`
		OldConsumer        string      `long:"pgq-consumer-id" ini:"pgq_consumer_id" hidden:"yes" unquote:"false"`
		Logfile            cli.Path    `long:"logfile" ini:"logfile" unquote:"false"`
		Pidfile            cli.Path    `long:"pidfile" ini:"pidfile" unquote:"false"`
		LogFormat          string      `long:"log-format" ini:"log_format" default:"auto" choice:"auto" choice:"text" choice:"json" choice:"journal" unquote:"false"`
		MetricsListen      string      `long:"metrics-listen" ini:"metrics_listen" unquote:"false"`
		NodeName           string      `long:"node-name" ini:"node_name" unquote:"false"`
		PublicLocation     string      `long:"public-node-location" ini:"public_node_location" secret:"connstr" unquote:"false"`
		ProviderLocation   string      `long:"initial-provider-location" ini:"initial_provider_location" secret:"connstr" unquote:"false"`
		RemoteExtra        string      `long:"remote-extra-connstr" ini:"remote_extra_connstr" secret:"connstr" unquote:"false"`
		LoopDelay          cli.Seconds `long:"loop-delay" ini:"loop_delay" default:"1"`
		ExceptionSleep     cli.Seconds `long:"exception-sleep" ini:"exception_sleep" default:"20"`
		LocalWatermark     cli.Seconds `long:"local-wm-publish-period" ini:"local_wm_publish_period" default:"300"`
		GlobalWatermark    cli.Seconds `long:"global-wm-publish-period" ini:"global_wm_publish_period" default:"300"`
		NodeTimeout        cli.Seconds `long:"node-timeout" ini:"node_timeout" default:"5"`
		KeepaliveStats     cli.Seconds `long:"keepalive-stats" ini:"keepalive_stats" default:"300"`
		ConnectionLifetime cli.Seconds `long:"connection-lifetime" ini:"connection_lifetime" default:"1200" hidden:"yes"`
	} `group:"Settings"`
	Switches struct {
		Quiet       bool     `short:"q" long:"quiet"`
		Verbose     []bool   `short:"v" long:"verbose"`
		Daemonize   bool     `short:"d" long:"daemonize"`
		Daemon      bool     `long:"daemon" hidden:"yes"`
		Stop        bool     `short:"s" long:"stop"`
		Kill        bool     `short:"k" long:"kill"`
		Reload      bool     `short:"r" long:"reload"`
		CheckConfig bool     `long:"check-config"`
		ShowConfig  bool     `long:"show-config"`
		Ini         bool     `long:"ini"`
		Set         []string `long:"set" unquote:"false"`
		Version     bool     `short:"V" long:"version"`
		Help        bool     `short:"h" long:"help"`
	} `group:"Switches"`
	Verbs struct {
		Provider      string      `long:"provider" unquote:"false"`
		Merge         string      `long:"merge" unquote:"false"`
		SyncWatermark string      `long:"sync-watermark" unquote:"false"`
		NoCheck       bool        `long:"nocheck"`
		Node          string      `long:"node" unquote:"false"`
		Consumer      string      `long:"consumer" unquote:"false"`
		Worker        string      `long:"worker" unquote:"false"`
		Target        string      `long:"target" hidden:"yes" unquote:"false"`
		All           bool        `long:"all"`
		Dead          []string    `long:"dead" unquote:"false"`
		DeadRoot      bool        `long:"dead-root"`
		DeadBranch    bool        `long:"dead-branch"`
		Cancel        bool        `long:"cancel"`
		DryRun        bool        `long:"dry-run"`
		Wait          cli.Seconds `long:"wait" default:"0"`
		Outage        cli.Seconds `long:"outage" default:"10"`
		Compact       bool        `long:"compact"`
		JSON          bool        `long:"json"`
	} `group:"Verbs"`

	config   *cli.Config
	warnings []string
	verb     *verb
	args     []string // of the verb
	file     string   // the ini file, "" without one
}

// known are keys of upstream's files that mean nothing here, or nothing yet.
var known = []string{
	"exception_quiet", "exception_grace", "exception_reset", "parallel_copies", "threaded_copy_tables", "threaded_copy_pool_size",
	"local_only", "local_only_drop_execute", "register_only_tables", "register_skip_tables", "register_only_seqs", "register_skip_seqs",
	"handler_modules", "lock_timeout", "compare_sql", "compare_fmt", "pgq_lazy_fetch", "pgq_autocommit", "pgq_batch_collect_events",
	"pgq_batch_collect_interval", "pgq_keep_lag", "table_filter", "use_skylog", "skylog_locations", "log_size", "log_count",
	"logfmt_console", "logfmt_file", "logdatefmt_console", "logdatefmt_file", "logfmt_console_verbose", "logfmt_file_verbose",
	"shard_hash_func", "shard_info_sql", "obfuscator_map", "obfuscator_key", "config_format",
}

func newParser(o *options) *flags.Parser {
	p := flags.NewNamedParser(program, flags.PassDoubleDash)
	if _, err := p.AddGroup("Options", "", o); err != nil {
		panic(err) // a mistake in the tags
	}
	return p
}

// parseOptions fills the options from all layers. It may be called again, for a
// reload.
func parseOptions(args []string, lookupEnv func(string) (string, bool)) (*options, error) {
	o := new(options)
	o.config = &cli.Config{
		Section: program, EnvPrefix: "LONDISTE_", Mode: ini.Lenient, Known: known, OtherSections: true, LookupEnv: lookupEnv,
	}
	expanded, err := o.expandSet(args)
	if err != nil {
		return nil, err
	}
	o.warnings, err = o.config.Load(newParser(o), expanded, o.chooseFile)
	if err != nil {
		return nil, err
	}
	return o, o.validate()
}

// expandSet makes flags of --set KEY=VALUE, which overrides the file as they do.
// A key that means nothing is left out, as one in the file would be.
func (o *options) expandSet(args []string) (out []string, err error) {
	keys := o.config.Keys(newParser(o))
	for i := 0; i < len(args); i++ {
		a := args[i]
		if a == "--" {
			return append(out, args[i:]...), nil
		}
		value, is := strings.CutPrefix(a, "--set=")
		if a == "--set" {
			if i++; i == len(args) {
				return nil, cli.Usagef("--set needs KEY=VALUE")
			}
			value, is = args[i], true
		}
		if !is {
			out = append(out, a)
			continue
		}
		key, v, found := strings.Cut(value, "=")
		key = strings.ToLower(strings.TrimSpace(key))
		switch {
		case !found:
			return nil, cli.Usagef("--set %s: not of the form KEY=VALUE", value)
		case slices.Contains(keys, key):
			out = append(out, "--"+strings.ReplaceAll(key, "_", "-")+"="+strings.TrimSpace(v))
		case !slices.Contains(known, key):
			return nil, cli.Usagef("--set %s: unknown key %s", value, key)
		}
	}
	return out, nil
}

// chooseFile takes what is no option apart: the ini file, unless the first
// word is a verb, the verb, and its arguments.
func (o *options) chooseFile(rest []string) (string, error) {
	s := &o.Switches
	if s.Help || s.Version || s.Ini {
		return "", nil
	}
	if len(rest) > 0 && findVerb(rest[0]) == nil {
		o.file, rest = rest[0], rest[1:]
	}
	if len(rest) > 0 {
		if o.verb = findVerb(rest[0]); o.verb == nil {
			return "", cli.Usagef("Unknown command '%s', use --help for help", rest[0])
		}
		o.args = rest[1:]
	}
	if o.file != "" {
		o.config.Vars = cli.FileVars(o.file, program)
		if section, err := oldSection(o.file); err == nil && section != "" {
			o.config.Section = section
		}
	}
	return o.file, nil
}

// oldSection returns the section name of Skytools 3.0 if the file has only that
// one.
func oldSection(file string) (string, error) {
	f, err := ini.ReadFile(file, ini.Lenient)
	if err != nil || f.Section(program) != nil || f.Section("londiste3") == nil {
		return "", err
	}
	return "londiste3", nil
}

func (o *options) validate() error {
	s := &o.Settings
	if s.Queue == "" {
		s.Queue = s.OldQueue
	}
	if s.JobName == "" && o.file != "" {
		base := filepath.Base(o.file)
		s.JobName = strings.TrimSuffix(base, filepath.Ext(base))
	}
	s.Consumer = firstOf(o.Verbs.Worker, s.Consumer, s.OldConsumer, s.JobName)
	if o.Switches.Daemon {
		o.Switches.Daemonize = true
	}
	if o.Switches.Daemonize && s.Pidfile == "" {
		return cli.Usagef("Daemon needs pidfile")
	}
	for _, p := range []struct {
		key string
		d   cli.Seconds
	}{{"exception_sleep", s.ExceptionSleep}, {"local_wm_publish_period", s.LocalWatermark},
		{"global_wm_publish_period", s.GlobalWatermark}, {"node_timeout", s.NodeTimeout}} {
		if p.d.Duration() < time.Millisecond {
			return o.config.Bad(p.key, "must be at least 0.001")
		}
	}
	return nil
}

func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}

// ready tells what a verb that looks at a set lacks.
func (o *options) ready() error {
	switch {
	case o.Settings.DB == "" && o.file == "" && os.Getenv("PGDATABASE") == "" && os.Getenv("PGSERVICE") == "":
		return cli.Usagef("no database: give an ini file, or --db")
	case o.Settings.Queue == "":
		return cli.Usagef("no queue: set queue_name, or give --queue-name")
	}
	return nil
}

// set is the way to the set of the options.
func (o *options) set(logger *slog.Logger) cascade.Config {
	return cascade.Config{
		Queue: o.Settings.Queue, DSN: o.Settings.DB, ApplicationName: firstOf(o.Settings.JobName, program),
		RemoteExtra: o.Settings.RemoteExtra, Timeout: o.Settings.NodeTimeout.Duration(), Dead: o.Verbs.Dead, Logger: logger,
	}
}

func (o *options) level() slog.Level {
	switch len(o.Switches.Verbose) {
	case 0:
		return slog.LevelInfo
	case 1:
		return slog.LevelDebug
	}
	return log.LevelNoise
}

// pidfile is the file for this call: that of the worker, or of a change, of
// which there is one at a time.
func (o *options) pidfile() string {
	path := string(o.Settings.Pidfile)
	if path == "" || o.verb.looks {
		return ""
	}
	if !o.verb.works {
		path += ".admin"
	}
	return path
}

// arity tells what is wrong with the number of a verb's arguments.
func (o *options) arity() error {
	v, n := o.verb, len(o.args)
	switch {
	case n < v.min, v.max >= 0 && n > v.max:
		want := fmt.Sprint(v.min)
		if v.max != v.min {
			want = fmt.Sprintf("%d to %d", v.min, v.max)
			if v.max < 0 {
				want = fmt.Sprintf("at least %d", v.min)
			}
		}
		return cli.Usagef("command '%s' got %d args, but expects %s", v.name, n, want)
	}
	return nil
}
