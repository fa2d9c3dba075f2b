package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jessevdk/go-flags"

	"skytools/lib/ini"
)

type testOptions struct {
	Period  Seconds `long:"period" ini:"period" default:"60" description:"a period"`
	Syslog  Switch  `long:"syslog" ini:"syslog" optional:"yes" optional-value:"1" default:"1"`
	Logfile Path    `long:"logfile" ini:"logfile"`
	Format  string  `long:"format" ini:"format" default:"a" choice:"a" choice:"b"`
	DB      string  `long:"db" ini:"db" secret:"connstr"`
	Count   int     `long:"count" ini:"count" default:"3"`
	Quiet   bool    `short:"q" long:"quiet"`
	Args    struct {
		File string
	} `positional-args:"yes"`
}

// load runs the layers over a file of the given text; no text, no file.
func load(t *testing.T, text string, env map[string]string, args ...string) (testOptions, *Config, []string, error) {
	t.Helper()
	var o testOptions
	if text != "" {
		path := filepath.Join(t.TempDir(), "x.ini")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	c := &Config{Section: "s", EnvPrefix: "X_", Vars: map[string]string{"job_name": "x"}, LookupEnv: func(k string) (string, bool) {
		v, ok := env[k]
		return v, ok
	}}
	warnings, err := c.Load(flags.NewParser(&o, flags.None), args, func([]string) (string, error) { return o.Args.File, nil })
	dir := ""
	if text != "" {
		dir = filepath.Dir(o.Args.File) + "/"
	}
	for i, w := range warnings {
		warnings[i] = strings.ReplaceAll(w, dir, "")
	}
	if err != nil {
		err = fmt.Errorf("%s (code %d)", strings.ReplaceAll(err.Error(), dir, ""), ExitCode(err))
	}
	for i := range c.settings {
		c.settings[i].Origin = strings.ReplaceAll(c.settings[i].Origin, dir, "")
	}
	return o, c, warnings, err
}

func TestLayers(t *testing.T) {
	t.Parallel()
	const text = "[s]\nperiod = 2\ncount = 20\nformat = b\nlogfile = /log/%(job_name)s\n"
	env := map[string]string{"X_COUNT": "30", "X_FORMAT": "a"}
	o, c, warnings, err := load(t, text, env, "--format", "b", "--db", "password=x host=h")
	if err != nil || warnings != nil {
		t.Fatal(err, warnings)
	}
	if o.Period.Duration() != 2*time.Second || o.Count != 30 || o.Format != "b" || o.Logfile != "/log/x" || !o.Syslog.On() {
		t.Errorf("got %+v", o)
	}
	var b bytes.Buffer
	if err := c.Show(&b); err != nil {
		t.Fatal(err)
	}
	want := `[s]

# x.ini:2
period = 2

# default
syslog = 1

# x.ini:5
logfile = /log/x

# flag
format = b

# flag
db = password=******** host=h

# environment X_COUNT
count = 30
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
	// What is shown can be read again.
	if _, err := ini.Parse(&b, "shown", ini.Strict); err != nil {
		t.Error(err)
	}
}

func TestBad(t *testing.T) {
	t.Parallel()
	_, c, _, err := load(t, "[s]\nperiod = 2\n", nil, "--logfile=/x")
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"period":  `x.ini:2: bad value "2" for period: too short`,
		"logfile": `option --logfile: too short`,
		"other":   `other: too short`,
	} {
		if got := c.Bad(key, "too short"); got.Error() != want || ExitCode(got) != ExitUsage {
			t.Errorf("got %v, want %s", got, want)
		}
	}
}

func TestWithoutFile(t *testing.T) {
	t.Parallel()
	o, c, _, err := load(t, "", nil, "--syslog=0", "--period", "1500ms")
	if err != nil || o.Syslog.On() || o.Period.Duration() != 1500*time.Millisecond || o.Count != 3 {
		t.Errorf("got %+v, %v", o, err)
	}
	if s := c.Settings()[0]; s != (Setting{"period", "1.5", "flag"}) {
		t.Errorf("got %+v", s)
	}
}

func TestBadConfig(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, text string
		env        map[string]string
		args       []string
		want       string
	}{
		{"value in file", "[s]\n\nperiod = abc\n", nil, nil,
			`x.ini:3: bad value "abc" for period: "abc" is not a number of seconds (code 2)`},
		{"number in file", "[s]\ncount = 1.5\n", nil, nil,
			`x.ini:2: bad value "1.5" for count: "1.5" is not a whole number (code 2)`},
		{"choice in file", "[s]\nformat = c\n", nil, nil,
			`x.ini:2: bad value "c" for format: use a or b (code 2)`},
		{"switch in environment", "", map[string]string{"X_SYSLOG": "maybe"}, nil,
			`environment X_SYSLOG: bad value "maybe" for syslog: "maybe" is neither 0 nor 1 (code 2)`},
		{"flag", "", nil, []string{"--period", "-1"},
			`option --period: "-1" is out of range (code 2)`},
		{"unknown flag", "", nil, []string{"--bogus"},
			`unknown option --bogus (code 2)`},
		{"no section", "[other]\n", nil, nil,
			`x.ini: no section [s] (code 2)`},
		{"syntax", "[s]\nfoo\n", nil, nil,
			`x.ini:2: neither a section nor 'key = value': "foo" (code 2)`},
		{"reference", "[s]\ndb = %(nowhere)s\n", nil, nil,
			`x.ini:2: value of "db" refers to unknown key "nowhere" (code 2)`},
		{"no file", "", nil, []string{"/nowhere/x.ini"},
			`read configuration /nowhere/x.ini: no such file or directory (code 2)`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, _, _, err := load(t, tt.text, tt.env, tt.args...)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestUnknownKeysWarn(t *testing.T) {
	t.Parallel()
	text := "[DEFAULT]\nmine = 1\n[s]\nconfig_format = 1\nticker_perod = 1\n\n[pgbouncer]\nx = 1\n"
	_, _, got, err := load(t, text, nil)
	want := []string{`x.ini:5: unknown key "ticker_perod"`, `x.ini:7: unknown section [pgbouncer]`}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

func TestSeconds(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]time.Duration{
		"0": 0, "1": time.Second, " 0.5 ": 500 * time.Millisecond, "2s": 2 * time.Second, "20ms": 20 * time.Millisecond,
		"1.5 min": 90 * time.Second, "7 us": 7 * time.Microsecond, "1h": time.Hour, "2d": 48 * time.Hour, "1e1": 10 * time.Second,
	} {
		var s Seconds
		if err := s.UnmarshalFlag(in); err != nil || s.Duration() != want {
			t.Errorf("%q: got %v, %v, want %v", in, s.Duration(), err, want)
		}
		var again Seconds
		if err := again.UnmarshalFlag(s.String()); err != nil || again != s {
			t.Errorf("%q: %q reads back as %v, %v", in, s, again, err)
		}
	}
	for _, in := range []string{"", "abc", "-1", "NaN", "Inf", "1x", "ms", "0x10", "1_000", "1e300"} {
		var s Seconds
		if err := s.UnmarshalFlag(in); err == nil {
			t.Errorf("%q: got %v, want an error", in, s)
		}
	}
}

func TestPath(t *testing.T) {
	t.Setenv("HOME", "/home/u")
	for in, want := range map[string]Path{"~/x": "/home/u/x", "~": "/home/u", "/~/x": "/~/x", "~other": "~other", "": ""} {
		var p Path
		if err := p.UnmarshalFlag(in); err != nil || p != want {
			t.Errorf("%q: got %q, %v, want %q", in, p, err, want)
		}
	}
}

func TestMaskConnString(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"host=h user=u":                     "host=h user=u",
		"host=h password=a&b user=u":        "host=h password=******** user=u",
		`password = 'it\'s me' host=h`:      `password = ******** host=h`,
		"PASSWORD=x sslpassword=y":          "PASSWORD=******** sslpassword=********",
		"passfile=/x":                       "passfile=/x",
		"postgresql://u:p@h/db":             "postgresql://u:********@h/db",
		"postgres://u:p@x@h:5432/?a=b":      "postgres://u:********@h:5432/?a=b",
		"postgresql://h/db?password=x&a=b":  "postgresql://h/db?password=********&a=b",
		"postgresql://u@h:5432/db?user=x@y": "postgresql://u@h:5432/db?user=x@y",
		`password=a\ b host=h`:              "password=******** host=h",
	} {
		if got := MaskConnString(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// No part of the password survives, however it is written.
func FuzzMaskConnString(f *testing.F) {
	f.Add("s3cret")
	f.Add(`a'b\c d`)
	f.Fuzz(func(t *testing.T, pw string) {
		if strings.ContainsAny(pw, "\x00") || len(pw) < 4 {
			return
		}
		quoted := "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(pw) + "'"
		got := MaskConnString("host=h password=" + quoted + " user=u")
		if got != "host=h password=******** user=u" {
			t.Errorf("got %q for %q", got, pw)
		}
	})
}

func TestFileVars(t *testing.T) {
	t.Parallel()
	v := FileVars("/etc/skytools/my.job.ini", "londiste")
	if v["job_name"] != "my.job" || v["config_dir"] != "/etc/skytools" || v["config_file"] != "/etc/skytools/my.job.ini" || v["service_name"] != "londiste" {
		t.Errorf("got %v", v)
	}
}
