package main

import (
	_ "embed"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/jessevdk/go-flags"

	"skytools/lib/cli"
	"skytools/lib/ini"
	"skytools/lib/log"
	"skytools/lib/ticker"
)

const program = "pgqd"

//go:embed help.txt
var help string

//go:embed sample.ini
var sample string

// options are the whole surface of pgqd; help.txt and the man page explain
// them. What has an ini key can also be given in the environment. Without
// unquote:"false" go-flags would take a value in double quotes for a literal of
// Go.
type options struct {
	Settings struct {
		Logfile         cli.Path    `long:"logfile" ini:"logfile" unquote:"false"`
		Pidfile         cli.Path    `long:"pidfile" ini:"pidfile" unquote:"false"`
		BaseConnstr     string      `long:"base-connstr" ini:"base_connstr" secret:"connstr" unquote:"false"`
		DB              string      `long:"db" ini:"db" secret:"connstr" unquote:"false"`
		InitialDatabase string      `long:"initial-database" ini:"initial_database" default:"template1" unquote:"false"`
		DatabaseList    string      `long:"database-list" ini:"database_list" unquote:"false"`
		Syslog          syslogMode  `long:"syslog" ini:"syslog" default:"auto" unquote:"false"`
		SyslogIdent     string      `long:"syslog-ident" ini:"syslog_ident" default:"pgqd" unquote:"false"`
		SyslogFacility  string      `long:"syslog-facility" ini:"syslog_facility" default:"daemon" unquote:"false"`
		LogFormat       string      `long:"log-format" ini:"log_format" default:"auto" choice:"auto" choice:"text" choice:"json" choice:"journal" unquote:"false"`
		MetricsListen   string      `long:"metrics-listen" ini:"metrics_listen" unquote:"false"`
		CheckPeriod     cli.Seconds `long:"check-period" ini:"check_period" default:"60"`
		RetryPeriod     cli.Seconds `long:"retry-period" ini:"retry_period" default:"30"`
		MaintPeriod     cli.Seconds `long:"maint-period" ini:"maint_period" default:"120"`
		TickerPeriod    cli.Seconds `long:"ticker-period" ini:"ticker_period" default:"1"`
		FastPeriod      cli.Seconds `long:"fast-period" ini:"fast_period" default:"0.002"`
		StatsPeriod     cli.Seconds `long:"stats-period" ini:"stats_period" default:"30"`
		ConnectionLife  cli.Seconds `long:"connection-lifetime" ini:"connection_lifetime" default:"3600"`
	} `group:"Settings"`
	Switches struct {
		Quiet       bool   `short:"q" long:"quiet"`
		Verbose     []bool `short:"v" long:"verbose"`
		Daemonize   bool   `short:"d" long:"daemonize"`
		Stop        bool   `short:"s" long:"stop"`
		Kill        bool   `short:"k" long:"kill"`
		Reload      bool   `short:"r" long:"reload"`
		CheckConfig bool   `long:"check-config"`
		ShowConfig  bool   `long:"show-config"`
		Ini         bool   `long:"ini"`
		Version     bool   `short:"V" long:"version"`
		Help        bool   `short:"h" long:"help"`
	} `group:"Switches"`
	Args struct {
		Config string `positional-arg-name:"config.ini"`
	} `positional-args:"yes"`

	config   *cli.Config
	warnings []string
}

// syslogMode is 0, 1 or auto.
type syslogMode string

func (m *syslogMode) UnmarshalFlag(v string) error {
	if strings.TrimSpace(v) == "auto" {
		*m = "auto"
		return nil
	}
	var s cli.Switch
	if err := s.UnmarshalFlag(v); err != nil {
		return fmt.Errorf("%q is neither 0, 1 nor auto", v)
	}
	*m = syslogMode(s)
	return nil
}

func newParser(o *options) *flags.Parser {
	p := flags.NewNamedParser(program, flags.PassDoubleDash)
	if _, err := p.AddGroup("Options", "", o); err != nil {
		panic(err) // a mistake in the tags
	}
	return p
}

// parseOptions fills the options from all layers. It may be called again, for
// a reload. With one of the switches that only print, the ini file is not
// read.
func parseOptions(args []string, lookupEnv func(string) (string, bool)) (*options, error) {
	o := new(options)
	o.config = &cli.Config{Section: program, EnvPrefix: "PGQD_", Mode: ini.Lenient, LookupEnv: lookupEnv}
	warnings, err := o.config.Load(newParser(o), args, func(rest []string) (string, error) {
		if len(rest) > 0 {
			return "", cli.Usagef("unexpected argument %q", rest[0])
		}
		if o.printsOnly() {
			return "", nil
		}
		o.config.Vars = cli.FileVars(o.Args.Config, program)
		return o.Args.Config, nil
	})
	if err != nil {
		return nil, err
	}
	o.warnings = warnings
	return o, o.validate()
}

func (o *options) printsOnly() bool {
	s := &o.Switches
	return s.Help || s.Version || s.Ini
}

func (o *options) validate() error {
	s := &o.Settings
	for _, p := range []struct {
		key string
		d   cli.Seconds
	}{
		{"check_period", s.CheckPeriod}, {"retry_period", s.RetryPeriod}, {"maint_period", s.MaintPeriod},
		{"ticker_period", s.TickerPeriod}, {"stats_period", s.StatsPeriod}, {"connection_lifetime", s.ConnectionLife},
	} {
		if p.d.Duration() < time.Millisecond {
			return o.config.Bad(p.key, "must be at least 0.001")
		}
	}
	if s.FastPeriod != 0 && s.FastPeriod.Duration() < 100*time.Microsecond {
		return o.config.Bad("fast_period", "must be 0, or at least 0.0001")
	}
	if err := log.CheckFacility(s.SyslogFacility); err != nil {
		return o.config.Bad("syslog_facility", err.Error())
	}
	if o.Switches.Daemonize && s.Pidfile == "" {
		return cli.Usagef("daemon needs pidfile configured")
	}
	if _, err := o.dialer(slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	return nil
}

// connString is the key and the value of the connection string in use.
func (o *options) connString() (key, value string) {
	if o.Settings.DB != "" {
		return "db", o.Settings.DB
	}
	return "base_connstr", o.Settings.BaseConnstr
}

func (o *options) dialer(logger *slog.Logger) (*ticker.Dialer, error) {
	key, value := o.connString()
	d, err := ticker.NewDialer(value, program, logger)
	if err != nil {
		return nil, o.config.Bad(key, err.Error())
	}
	return d, nil
}

// databases returns the listed databases, or none for all that there are.
func (o *options) databases(d *ticker.Dialer) (names []string) {
	for name := range strings.SplitSeq(o.Settings.DatabaseList, ",") {
		if name = strings.TrimSpace(name); name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	if names == nil && o.Settings.DB != "" && d.Database() != "" {
		names = []string{d.Database()}
	}
	return names
}

func (o *options) ticker() ticker.Settings {
	s := &o.Settings
	return ticker.Settings{
		Ticker: s.TickerPeriod.Duration(), Fast: s.FastPeriod.Duration(), Maint: s.MaintPeriod.Duration(),
		Retry: s.RetryPeriod.Duration(), Check: s.CheckPeriod.Duration(), ConnectAge: s.ConnectionLife.Duration(),
	}
}

// level is what -v asks for.
func (o *options) level() slog.Level {
	switch len(o.Switches.Verbose) {
	case 0:
		return slog.LevelInfo
	case 1:
		return slog.LevelDebug
	}
	return log.LevelNoise
}

// check tells whether the configuration is without doubt.
func (o *options) check(stderr io.Writer) error {
	if len(o.warnings) == 0 {
		return nil
	}
	for _, w := range o.warnings[1:] {
		fmt.Fprintf(stderr, "%s: error: %s\n", program, w)
	}
	return &cli.UsageError{Err: errors.New(o.warnings[0])}
}
