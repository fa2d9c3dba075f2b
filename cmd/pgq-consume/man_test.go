package main

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jessevdk/go-flags"
	"github.com/prometheus/client_golang/prometheus"

	"skytools/lib/scripttest"
	"skytools/lib/testpg"
)

const manPage = "../../man/pgq-consume.1"

// parserOptions lists the options of the parser in their order: "--queue", or
// "-q --queue".
func parserOptions(t *testing.T) []*flags.Option {
	t.Helper()
	var all []*flags.Option
	var walk func(g *flags.Group)
	walk = func(g *flags.Group) {
		all = append(all, g.Options()...)
		for _, sub := range g.Groups() {
			walk(sub)
		}
	}
	walk(newParser(new(options)).Group)
	if len(all) < 30 {
		t.Fatalf("only %d options found", len(all))
	}
	return all
}

func names(o *flags.Option) []string {
	n := []string{"--" + o.LongName}
	if o.ShortName != 0 {
		n = append(n, "-"+string(o.ShortName))
	}
	return n
}

// TestDocumentedOptions compares the parser with the man page and with --help.
func TestDocumentedOptions(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(manPage)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, o := range parserOptions(t) {
		want = append(want, names(o)...)
	}
	slices.Sort(want)

	var inPage []string
	item := regexp.MustCompile(`(?m)^\.It Fl .*$`)
	flag := regexp.MustCompile(`Fl (-?[a-zA-Z][a-z-]*)`)
	for _, line := range item.FindAllString(string(page), -1) {
		for _, m := range flag.FindAllStringSubmatch(line, -1) {
			inPage = append(inPage, "-"+m[1])
		}
	}
	slices.Sort(inPage)
	if !slices.Equal(inPage, want) {
		t.Errorf("man page has\n%v\nthe parser has\n%v", inPage, want)
	}

	var inHelp []string
	for _, m := range regexp.MustCompile(`(?m)^  (?:(-[a-zA-Z]), |    )(--[a-z-]+)`).FindAllStringSubmatch(help, -1) {
		inHelp = append(inHelp, m[2])
		if m[1] != "" {
			inHelp = append(inHelp, m[1])
		}
	}
	slices.Sort(inHelp)
	if !slices.Equal(inHelp, want) {
		t.Errorf("--help has\n%v\nthe parser has\n%v", inHelp, want)
	}
	for i, line := range strings.Split(help, "\n") {
		if len(line) > 80 {
			t.Errorf("line %d of --help has %d characters", i+1, len(line))
		}
	}
}

// TestOptionEnvironment demands the variable that the man page promises.
func TestOptionEnvironment(t *testing.T) {
	t.Parallel()
	for _, o := range parserOptions(t) {
		want := envPrefix + strings.ToUpper(strings.ReplaceAll(o.LongName, "-", "_"))
		if _, isSwitch := o.Value().(bool); isSwitch || o.LongName == "from" || o.LongName == "at-tick" {
			want = ""
		}
		if o.EnvDefaultKey != want {
			t.Errorf("--%s has %q, want %q", o.LongName, o.EnvDefaultKey, want)
		}
	}
}

func TestDocumentedMetrics(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(manPage)
	if err != nil {
		t.Fatal(err)
	}
	descs := make(chan *prometheus.Desc, 100)
	new(collector).Describe(descs)
	close(descs)
	for d := range descs {
		name := regexp.MustCompile(`fqName: "([^"]*)"`).FindStringSubmatch(d.String())[1]
		if !strings.Contains(string(page), name) {
			t.Errorf("%s is not in the man page", name)
		}
	}
}

// manExamples returns the commands of the EXAMPLES section.
func manExamples(t *testing.T) []string {
	t.Helper()
	f, err := os.Open(manPage)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var examples []string
	section, literal := "", false
	for sc := bufio.NewScanner(f); sc.Scan(); {
		line := sc.Text()
		switch {
		case strings.HasPrefix(line, ".Sh "):
			section = line[len(".Sh "):]
		case section != "EXAMPLES":
		case strings.HasPrefix(line, ".Bd"):
			examples, literal = append(examples, ""), true
		case line == ".Ed":
			literal = false
		case literal:
			examples[len(examples)-1] += strings.ReplaceAll(line, `\e`, `\`) + "\n"
		}
	}
	return examples
}

// TestScriptExamples runs the examples of the man page in its order.
func TestScriptExamples(t *testing.T) {
	t.Parallel()
	c := testpg.Shared(t)
	shop := c.NewDB(t, testpg.Name("shop"), testpg.Extensions("pgq", "pgq_coop"))
	archive := c.NewDB(t, testpg.Name("archive"), testpg.Extensions("pgq", "pgq_ext"))
	testpg.Exec(t, shop, `select pgq.create_queue('orders'), pgq.create_queue('changes')`)
	testpg.Exec(t, shop, `select pgq.insert_event('orders', 'order.' || t, i::text)
		from generate_series(1, 5) i, unnest('{new,paid}'::text[]) t`)
	testpg.Exec(t, shop, `select pgq.insert_event('changes', 'I:id', 'id=1', t, null, null, null) from unnest('{public.a,public.b}'::text[]) t`)
	testpg.Exec(t, shop, `select pgq.force_tick(queue_name), pgq.ticker(queue_name) from pgq.queue`)
	testpg.Exec(t, archive, `select pgq.create_queue('of_public.a'), pgq.create_queue('of_public.b')`)
	testpg.Exec(t, archive, `create table events (ev_id bigint, ev_time timestamptz, ev_txid bigint, ev_retry int, ev_type text,
		ev_data text, ev_extra1 text, ev_extra2 text, ev_extra3 text, ev_extra4 text);
		create table stock (type text, data text);
		create function take_order(text, text) returns void language sql as 'insert into stock values ($1, $2)'`)

	dir := t.TempDir()
	path := filepath.Dir(scripttest.Tool(t, program)) + ":" + c.BinDir() + ":" + os.Getenv("PATH")
	examples := manExamples(t)
	if len(examples) != 9 {
		t.Fatalf("%d examples", len(examples))
	}
	var out []string
	for _, example := range examples {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		cmd := exec.CommandContext(ctx, "sh", "-ec", example)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+path, "PGHOST="+c.SocketDir(), "PGPORT="+strconv.Itoa(c.Port()), "PGUSER=postgres")
		b, err := cmd.CombinedOutput()
		cancel()
		if err != nil {
			t.Errorf("%s%v\n%s", example, err, b)
		}
		out = append(out, string(b))
	}
	if n := strings.Count(out[1], `{"ev_id":`); n != 10 {
		t.Errorf("the peek shows %d events:\n%s", n, out[1])
	}
	checks := map[string]int64{
		`select count(*) from events`:      10,
		`select count(*) from stock`:       10,
		`select count(*) from pgq.event_1`: 1,
		`select count(*) from pgq.event_2`: 1,
	}
	for sql, want := range checks {
		if got := testpg.Value[int64](t, archive, sql); got != want {
			t.Errorf("%s: got %d, want %d", sql, got, want)
		}
	}
	shipping, err := os.ReadFile(filepath.Join(dir, "shipping"))
	if err != nil || string(shipping) != "ship 1\nship 2\nship 3\nship 4\nship 5\n" {
		t.Errorf("shipping: %q, %v", shipping, err)
	}
	if l, err := filepath.Glob(filepath.Join(dir, "orders-*.json.gz")); err != nil || len(l) == 0 {
		t.Errorf("files: %v, %v", l, err)
	}
}
