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

const manPage = "../../man/londiste.1"

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// foundIn returns the distinct submatches of expr in text, sorted.
func foundIn(text, expr string) (all []string) {
	for _, m := range regexp.MustCompile(expr).FindAllStringSubmatch(text, -1) {
		all = append(all, m[1])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// optionNames returns the long and short options that are not hidden.
func optionNames(t *testing.T) (long, short []string) {
	t.Helper()
	var walk func(g *flags.Group)
	walk = func(g *flags.Group) {
		for _, o := range g.Options() {
			if kind := reflect.TypeOf(o.Value()).Kind(); kind == reflect.String && o.Field().Tag.Get("unquote") != "false" {
				t.Errorf(`--%s has no unquote:"false"`, o.LongName)
			}
			if o.Hidden {
				continue
			}
			long = append(long, o.LongName)
			if o.ShortName != 0 {
				short = append(short, string(o.ShortName))
			}
		}
		for _, sub := range g.Groups() {
			walk(sub)
		}
	}
	walk(newParser(new(options)).Group)
	slices.Sort(long)
	slices.Sort(short)
	return long, short
}

func TestPageAndHelpNameAll(t *testing.T) {
	t.Parallel()
	long, short := optionNames(t)
	page := read(t, manPage)
	items := strings.Join(regexp.MustCompile(`(?m)^\.It Fl .*$`).FindAllString(page, -1), "\n")
	commands := page[strings.Index(page, "\n.Sh COMMANDS"):strings.Index(page, "\n.Sh OPTIONS")]
	var names []string
	for _, v := range verbs {
		names = append(names, v.name)
		if !regexp.MustCompile(`(?m)(?:^  |, )` + v.name + `\b`).MatchString(help) {
			t.Errorf("the help does not name %s", v.name)
		}
	}
	slices.Sort(names)
	for _, tt := range []struct {
		name      string
		got, want []string
	}{
		{"page, long", foundIn(items, `(?:Fl|,) -([a-z][a-z-]+)`), long},
		{"page, short", foundIn(items, `Fl ([a-zA-Z])\b`), short},
		{"page, commands", foundIn(commands, `(?m)^\.It Cm ([a-z-]+)`), names},
		{"help, long", foundIn(help, `(?m)(?:^ {2,6}(?:-[a-zA-Z], )?|, )--([a-z-]+)`), long},
		{"help, short", foundIn(help, `(?m)^  -([a-zA-Z]),`), short},
	} {
		if diff := cmp.Diff(tt.want, tt.got); diff != "" {
			t.Errorf("%s (-program +text):\n%s", tt.name, diff)
		}
	}
}

// The defaults that the page and the help tell, and the keys of the sample, are
// those of the parser.
func TestDefaultsInTexts(t *testing.T) {
	t.Parallel()
	o, err := parseOptions(nil, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	entries := map[string]string{}
	for _, e := range strings.Split(read(t, manPage), "\n.It Fl -")[1:] {
		name, text, _ := strings.Cut(e, "\n")
		name, _, _ = strings.Cut(name, " ")
		entries[strings.ReplaceAll(name, "-", "_")] = text
	}
	known := map[string]bool{}
	for _, s := range o.config.Settings() {
		known[s.Key] = true
		if m := regexp.MustCompile(`\(default ([0-9.]+)\)`).FindStringSubmatch(entries[s.Key]); m != nil && m[1] != s.Value {
			t.Errorf("%s: page says %q, parser %q", s.Key, m[1], s.Value)
		}
		if m := regexp.MustCompile(`--` + strings.ReplaceAll(s.Key, "_", "-") + `=\S+[^-]*?\(default\s+([0-9.]+)\)`).FindStringSubmatch(help); m != nil && m[1] != s.Value {
			t.Errorf("%s: help says %q, parser %q", s.Key, m[1], s.Value)
		}
		if m := regexp.MustCompile(`(?m)^#?` + s.Key + ` = ([0-9.]+)$`).FindStringSubmatch(sample); m != nil && m[1] != s.Value {
			t.Errorf("%s: sample says %q, parser %q", s.Key, m[1], s.Value)
		}
	}
	for _, key := range foundIn(sample, `(?m)^#?([a-z_]+) = `) {
		if !known[key] {
			t.Errorf("sample has %s, which is no key", key)
		}
	}
}

func TestPageNamesEachMetric(t *testing.T) {
	t.Parallel()
	ch := make(chan *prometheus.Desc, 100)
	(&collector{}).Describe(ch)
	close(ch)
	want := []string{program + "_info"}
	for d := range ch {
		want = append(want, foundIn(d.String(), `fqName: "([a-z_]+)"`)...)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, foundIn(read(t, manPage), `\.It Li (londiste_[a-z_]+)`)); diff != "" {
		t.Errorf("(-collector +page):\n%s", diff)
	}
}

func TestPageIsClean(t *testing.T) {
	t.Parallel()
	mandoc, err := exec.LookPath("mandoc")
	if err != nil {
		t.Skip("no mandoc")
	}
	out, err := exec.Command(mandoc, "-Tlint", "-W", "warning", manPage).CombinedOutput()
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
