package main

import (
	"io"
	"os"
	"os/exec"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jessevdk/go-flags"
	"github.com/prometheus/client_golang/prometheus"

	"skytools/lib/cli"
)

const (
	manPage = "../../man/pgqd.8"
	iniPage = "../../man/pgqd.ini.5"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// found returns the distinct submatches of expr in text, sorted.
func foundIn(text, expr string) (all []string) {
	for _, m := range regexp.MustCompile(expr).FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// parserNames returns the long and short options, and the ini keys.
func parserNames(t *testing.T) (long, short, keys []string) {
	t.Helper()
	p := newParser(new(options))
	var walk func(g *flags.Group)
	walk = func(g *flags.Group) {
		for _, o := range g.Options() {
			long = append(long, o.LongName)
			if reflect.TypeOf(o.Value()).Kind() == reflect.String && o.Field().Tag.Get("unquote") != "false" {
				t.Errorf(`--%s has no unquote:"false"`, o.LongName)
			}
			if o.ShortName != 0 {
				short = append(short, string(o.ShortName))
			}
		}
		for _, sub := range g.Groups() {
			walk(sub)
		}
	}
	walk(p.Group)
	keys = new(cli.Config).Keys(p)
	slices.Sort(long)
	slices.Sort(short)
	slices.Sort(keys)
	return long, short, keys
}

func TestPagesAndHelpNameEachOption(t *testing.T) {
	t.Parallel()
	long, short, keys := parserNames(t)
	page := read(t, manPage)
	items := strings.Join(regexp.MustCompile(`(?m)^\.It Fl .*$`).FindAllString(page, -1), "\n")
	for _, tt := range []struct {
		name      string
		got, want []string
	}{
		{"pgqd.8, long", foundIn(items, `(?:Fl|,) -([a-z][a-z-]+)`), long},
		{"pgqd.8, short", foundIn(items, `Fl ([a-zA-Z])\b`), short},
		{"help, long", foundIn(help, `(?m)^ {2,6}(?:-[a-zA-Z], )?--([a-z-]+)`), long},
		{"help, short", foundIn(help, `(?m)^  -([a-zA-Z]),`), short},
		{"pgqd.ini.5", foundIn(read(t, iniPage), `(?m)^\.It Cm ([a-z]+_[a-z_]+|db|logfile|pidfile|syslog)$`), keys},
		{"sample", foundIn(sample, `(?m)^#?([a-z_]+) = `), slices.DeleteFunc(slices.Clone(keys), func(k string) bool {
			return k == "base_connstr" || k == "database_list" || k == "db" // without a default to show
		})},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s (-parser +text):\n%s", tt.name, diff)
		}
	}
}

// The defaults in the sample, the pages and the help are those of the parser.
func TestDefaultsInTexts(t *testing.T) {
	t.Parallel()
	o, err := parseOptions(nil, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	entries := map[string]string{}
	_, _, keys := parserNames(t)
	for _, e := range strings.Split(read(t, iniPage), "\n.It Cm ") {
		if key, text, _ := strings.Cut(e, "\n"); slices.Contains(keys, key) {
			entries[key] = text
		} else { // an entry inside of the last one
			entries["log_format"] += "\n" + e
		}
	}
	for _, s := range o.config.Settings() {
		m := regexp.MustCompile(`(?m)^Default: (\S+?)[.,;]?(?: |$)`).FindStringSubmatch(entries[s.Key])
		switch {
		case s.Key == "db": // described by what it replaces
		case m == nil:
			t.Errorf("no default of %s in the page", s.Key)
		case s.Value == "" && m[1] != "empty" || s.Value != "" && m[1] != s.Value:
			t.Errorf("%s: page says %q, parser %q", s.Key, m[1], s.Value)
		}
		if m := regexp.MustCompile(`(?m)^#?` + s.Key + ` = (.+)$`).FindStringSubmatch(sample); m != nil && s.Value != "" && m[1] != s.Value {
			t.Errorf("%s: sample says %q, parser %q", s.Key, m[1], s.Value)
		}
	}
}

func TestPageNamesEachMetric(t *testing.T) {
	t.Parallel()
	ch := make(chan *prometheus.Desc, 100)
	(&collector{}).Describe(ch)
	close(ch)
	want := []string{"pgqd_info"}
	for d := range ch {
		want = append(want, foundIn(d.String(), `fqName: "([a-z_]+)"`)...)
	}
	slices.Sort(want)
	got := foundIn(read(t, manPage), `\.(?:It )?Li (pgqd_[a-z_]+)`)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-collector +page):\n%s", diff)
	}
}

func TestPagesAreClean(t *testing.T) {
	t.Parallel()
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		t.Skip("no mandoc")
	}
	out, err := exec.Command(mandoc, "-Tlint", "-W", "warning", manPage, iniPage).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestHelpFits(t *testing.T) {
	t.Parallel()
	for line := range strings.Lines(help) {
		if len(line) > 81 {
			t.Errorf("longer than 80 characters: %s", line)
		}
	}
	if code := run(t.Context(), []string{"--help"}, nil, io.Discard, io.Discard); code != cli.ExitOK {
		t.Errorf("got code %d", code)
	}
}
