package grammar

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pieces feeds text line by line.
func pieces(s *Splitter, text string) (list []Piece) {
	for line := range strings.Lines(text) {
		_ = s.Feed(line, func(p Piece) error { list = append(list, p); return nil })
	}
	if p, ok := s.Take(); ok {
		list = append(list, p)
	}
	return list
}

func TestSplit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		escapes    bool
		want       []string
	}{
		{"empty", "", false, nil},
		{"only ends and comments", " ; -- x;\n /* ; */ ;;\n", false, nil},
		{"two on a line", "select 1; select 2", false, []string{"select 1;", "select 2"}},
		{"as it was typed", "\n\n  select  1  -- one;\n , /* a;/*b;*/c */ 2 ;\n", false, []string{"select  1  -- one;\n , /* a;/*b;*/c */ 2 ;"}},
		{"comment in front", "-- first\nselect 1;", false, []string{"-- first\nselect 1;"}},
		{"strings", `select ';''', E'\';', $$;$$, $a$;$$;$a$, ";"";";x`, false, []string{`select ';''', E'\';', $$;$$, $a$;$$;$a$, ";"";";`, "x"}},
		{"string over lines", "select 'a;\nb'';';x", false, []string{"select 'a;\nb'';';", "x"}},
		{"continued escape string", "select E'a'\n '\\';';x", false, []string{"select E'a'\n '\\';';", "x"}},
		{"no continuation on one line", "select E'a' '\\';x", false, []string{"select E'a' '\\';", "x"}},
		{"backslash in a standard string", `select '\';x`, false, []string{`select '\';`, "x"}},
		{"without standard strings", `select '\';';x`, true, []string{`select '\';';`, "x"}},
		{"no quote in a word", "select a$b$;$b$;", false, []string{"select a$b$;", "$b$;"}},
		{"parameter", "select $1;$2", false, []string{"select $1;", "$2"}},
		{"parentheses", "create rule r as on insert to t do (a; b); c", false, []string{"create rule r as on insert to t do (a; b);", "c"}},
		{"body of a function", "create or replace function f() returns int begin atomic select case when true then 1 end; end; x", false,
			[]string{"create or replace function f() returns int begin atomic select case when true then 1 end; end;", "x"}},
		{"begin is a statement", "begin; end; x", false, []string{"begin;", "end;", "x"}},
		{"command", "select 1 \\gx\n\\echo a;b\nx", false, []string{`\gx`, `\echo a;b`, "select 1 \n\nx"}},
		{"joined", `select 1\; select 2; x`, false, []string{"select 1; select 2;", "x"}},
		{"no command in a string", "select '\\x';", false, []string{"select '\\x';"}},
		{"variables", `select :v, :'v', :"v", :w, x::v, ':v', y[1:2];`, false, []string{`select a/b;`, `c, 'a/b;c', "a/b;c", :w, x::v, ':v', y[1:2];`}},
		{"windows", "select 1;\r\nselect\r\n2;\r\n", false, []string{"select 1;", "select\r\n2;"}},
		{"open", "select 'x", false, []string{"select 'x"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &Splitter{Lookup: func(name string) (string, bool) { return "a/b;c", name == "v" }}
			s.Escapes = tt.escapes
			var got []string
			for _, p := range pieces(s, tt.text) {
				got = append(got, p.Text)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	var got []int
	for _, p := range pieces(&Splitter{}, "\n-- x\nselect\n1; select 2;\n\\q\n\n a") {
		got = append(got, p.Line)
	}
	if diff := cmp.Diff([]int{3, 4, 5, 7}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestState(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]byte{"select": '-', "select 'a": '\'', `select "a`: '"', "select (": '(', "/* a": '*', "$x$ a": '$', "select (1)": '-'} {
		s := &Splitter{}
		_ = s.Feed(text, func(Piece) error { return nil })
		if s.State() != want {
			t.Errorf("%s: got %c, want %c", text, s.State(), want)
		}
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	tokens, open := Tokens(`Show  public."T x".Y 'it''s' E'a\n\x41\u00e4' $q$$a$q$ 1.5 U"x"; more`, false)
	var got []string
	for _, tok := range tokens {
		got = append(got, tok.Value)
	}
	want := []string{"show", "public.T x.y", "it's", "a\nAä", "$a", "1.5", "u", "x"}
	if diff := cmp.Diff(want, got); diff != "" || open {
		t.Errorf("open %v (-want +got):\n%s", open, diff)
	}
}

// args writes what was parsed as label=value, keywords as they are.
func args(m *Match) string {
	var list []string
	for _, a := range m.Args {
		if a.Slot == "" {
			list = append(list, a.Label)
		} else {
			list = append(list, a.Label+"<"+a.Token.Value+">")
		}
	}
	return strings.Join(list, " ")
}

func TestParse(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, name, args string }{
		{"Create Queue Q1;", "create queue", "create queue queue<q1>"},
		{`create queue "My ""Queue" if not exists with max_lag='1 s', max_count = 5`, "create queue",
			`create queue queue<My "Queue> if not exists with max_lag = max_lag<1 s> , max_count = max_count<5>`},
		{"alter queue * set paused=1", "alter queue", "alter queue * set paused = paused<1>"},
		{"drop queue queue force", "drop queue", "drop queue queue<queue> force"},
		{"register consumer on on on", "register consumer", "register consumer consumer<on> on queue<on>"},
		{"register consumer c at 5 on q copy d on r", "register consumer", "register consumer consumer<c> at tick<5> on queue<q> copy donor<d> on queue<r>"},
		{"register subconsumer 1 for c", "register subconsumer", "register subconsumer subconsumer<1> for consumer<c>"},
		{"unregister subconsumer * for c from q close batch", "unregister subconsumer", "unregister subconsumer * for consumer<c> from queue<q> close batch"},
		{"show consumer * on q", "show consumer", "show consumer * on queue<q>"},
		{"show consumer;", "show consumer", "show consumer"},
		{"show batch 5", "show batch", "show batch batch<5>"},
		{"show batch c limit all", "show batch", "show batch consumer<c> limit all"},
		{"connect dbname='x y' port=5432 queue=q", "connect", "connect dbname = dbname<x y> port = port<5432> queue = queue<q>"},
		{"/* a */ exit -- b", "exit", "exit"},
		{"produce q format csv from 'a.csv' batch 10", "produce", "produce queue<q> format csv from file<a.csv> batch num<10>"},
		{"help create queue", "help", "help topic<create> topic<queue>"},
		{"show work_mem", "", ""},
		{"create table queue (a int)", "", ""},
		{"explain select 1", "", ""},
		{"drop table x", "", ""},
		{"show", "", ""},
		{"", "", ""},
		{"select 'create queue q'", "", ""},
		{`"show" queue`, "", ""},
	}
	for _, tt := range tests {
		t.Run(tt.text, func(t *testing.T) {
			m, err := Parse(tt.text, false)
			if err != nil {
				t.Fatal(err)
			}
			var name, got string
			if m != nil {
				name, got = m.Statement.Name, args(m)
			}
			if name != tt.name || got != tt.args {
				t.Errorf("got %s: %s\nwant %s: %s", name, got, tt.name, tt.args)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ text, want string }{
		{"show queue x y", "syntax error at \"y\"|LINE 1: show queue x y\n                     ^|Expected here: the end of the statement."},
		{"create\n\tqueue 5", "syntax error at \"5\"|LINE 2:  queue 5\n               ^|Expected here: QUEUE."},
		{"alter queue q set", "the statement is not complete|LINE 1: alter queue q set\n                         ^|" +
			"Expected here: idle_period, max_lag, max_count, paused, rotation_period, external_ticker."},
		{"register consumer c for x;", "syntax error at \"for\"|LINE 1: register consumer c for x;\n                            ^|" +
			"Expected here: on, copy, at, the end of the statement."},
		{"install 'x", "the quote is not closed|LINE 1: install 'x\n                ^|"},
		{"unregister all", "syntax error at \"all\"|LINE 1: unregister all\n                   ^|Expected here: consumer, subconsumer."},
	}
	for _, tt := range tests {
		_, err := Parse(tt.text, false)
		e, ok := err.(*SyntaxError)
		if !ok {
			t.Errorf("%s: got %v", tt.text, err)
			continue
		}
		if diff := cmp.Diff(tt.want, e.Error()+"|"+e.Where()+"|"+e.Hint()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.text, diff)
		}
	}
}

func TestComplete(t *testing.T) {
	t.Parallel()
	all := Installed(nil)
	tests := []struct {
		text string
		have Installed
		want string // prefix: keywords / slots
	}{
		{"cre", all, "cre: create / "},
		{"select 1; drop q", all, "q: queue / "},
		{"drop queue ", all, ":  / QUEUE"},
		{`drop queue "My q`, all, "My q:  / QUEUE"},
		{"drop queue q ", all, ": force / "},
		{"show consumer c on ", all, ": * / QUEUE"},
		{"show batch ", all, ":  / BATCH CONSUMER"},
		{"alter queue q set max", all, "max: max_count max_lag / "},
		{"alter queue q set max_lag=", all, ":  / TEXT"},
		{"alter queue q set max_lag='1 s', pau", all, "pau: paused / "},
		{"register s", Installed{"pgq": "4.0"}, "s:  / "},
		{"register s", all, "s: subconsumer / "},
		{"show ro", Installed{"pgq": "3.5"}, "sql"},
		{"select ", all, "sql"},
		{"create table ", all, "sql"},
		{"produce q from ", all, ": stdin / FILE"},
	}
	for _, tt := range tests {
		c := Complete(tt.text+" behind", len(tt.text), false, tt.have)
		got := "sql"
		if !c.SQL || c.Keywords != nil {
			var names []string
			for _, s := range c.Slots {
				names = append(names, string(s))
			}
			got = c.Prefix + ": " + strings.Join(c.Keywords, " ") + " / " + strings.Join(names, " ")
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.text, got, tt.want)
		}
	}
	c := Complete("show consumer x on q", 20, false, nil)
	if a := args(&Match{Args: c.Args}); a != "show consumer consumer<x> on" || c.Start != 19 {
		t.Errorf("got %s at %d", a, c.Start)
	}
}

// TestCompletionMeetsParser demands that a statement can be typed by taking
// one completion after the other.
func TestCompletionMeetsParser(t *testing.T) {
	t.Parallel()
	for _, st := range Statements {
		if st.Later {
			continue
		}
		text := ""
		for _, w := range strings.Fields(st.Name) {
			if c := Complete(text, len(text), false, nil); !slices.Contains(c.Keywords, w) {
				t.Errorf("%s: %q does not complete to %s", st.Name, text, w)
			}
			text += w + " "
		}
		if c := Complete(text, len(text), false, nil); len(c.Keywords) == 0 && len(c.Slots) == 0 && !c.End {
			t.Errorf("%s: nothing follows", st.Name)
		}
	}
}

func TestTable(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, st := range Statements {
		if names[st.Name] || st.Help == "" && !st.Later {
			t.Errorf("%s: not unique, or without help", st.Name)
		}
		names[st.Name] = true
	}
	for _, c := range Commands {
		if FindCommand(c.Name) != c || c.Help == "" {
			t.Errorf("\\%s: not unique, or without help", c.Name)
		}
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	text := Help(Installed{"pgq": "3.5"})
	for _, want := range []string{"\n  create queue QUEUE [with PARAM=VALUE [, PARAM=VALUE]...|if not exists]...\n", "\n  show rotation            needs pgq 4.0\n",
		"\n  register subconsumer     needs extension pgq_coop\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
	for line := range strings.Lines(text) {
		if len(line) > 151 {
			t.Errorf("a long line: %s", line)
		}
	}
	if got := HelpOn("rotation", nil); !strings.HasPrefix(got, "show rotation [QUEUE]\n    Event tables, and who") {
		t.Errorf("got %s", got)
	}
	if HelpOn("nosuch", nil) != "" {
		t.Error("help on nosuch")
	}
}

func TestAlone(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{"exit\n": true, " QUIT": true, "help queue": true, "exit 1": false, "select": false, "exit;": false, "": false} {
		if Alone(line) != want {
			t.Errorf("%q: want %v", line, want)
		}
	}
}

// TestLinear demands that time grows with the length and not its square: ten
// times the text in one go must not take a hundred times as long.
func TestLinear(t *testing.T) {
	t.Parallel()
	lines := strings.Repeat("select 'a', $$b$$ -- c\n", 100_000) + ";\n"
	one := "select '" + strings.Repeat("x", 2<<20) + "';\n"
	dollar := "do $a$" + strings.Repeat("line\n", 400_000) + "$a$;\n"
	ours := "alter queue q set " + strings.Repeat("max_count=1, ", 100_000) + "max_count=2;\n"
	start := time.Now()
	for _, text := range []string{lines, one, dollar, ours} {
		got := pieces(&Splitter{}, text)
		if len(got) != 1 || len(got[0].Text) < len(text)-1 {
			t.Errorf("got %d pieces", len(got))
			continue
		}
		if _, err := Parse(got[0].Text, false); err != nil {
			t.Error(err)
		}
	}
	// By the square it would be hours.
	if d := time.Since(start); d > time.Minute {
		t.Errorf("took %s", d)
	}
}

func FuzzSplit(f *testing.F) {
	f.Add("select 'a;b', $$c;$$, E'\\'' /* d /* e */ */ -- f\n; show queue \"x\"; \\g", false)
	f.Add("create function f() begin atomic; end; x", true)
	f.Add(":a :'b' :\"c\" $a$ $b$ ( ; ) ;", false)
	f.Fuzz(func(t *testing.T, text string, escapes bool) {
		s := &Splitter{}
		s.Escapes = escapes
		var all strings.Builder
		for _, p := range pieces(s, text) {
			all.WriteString(p.Text)
			if !p.Command {
				_, _ = Parse(p.Text, escapes)
			}
			Complete(p.Text, len(p.Text)/2, escapes, nil)
		}
		// Nothing is invented, and nothing but blanks, empty statements and comments
		// is lost before the first command.
		if before, _, cut := strings.Cut(text, `\`); !cut && !strings.Contains(text, ";") && all.Len() > 0 {
			if all.String() != strings.Trim(before, " \t\r\n\v\f") {
				t.Errorf("%q became %q", text, all.String())
			}
		}
	})
}

var manItem = regexp.MustCompile(`(?m)^\.It Ic (.*)$`)

// TestManPage demands that each statement and each command is in the man page
// as it is in the table.
func TestManPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../../man/qadmin.1")
	if err != nil {
		t.Fatal(err)
	}
	var items []string
	for _, m := range manItem.FindAllStringSubmatch(string(page), -1) {
		items = append(items, m[1])
	}
	for _, st := range Statements {
		if want := escape(st.Usage()); !st.Later && !slices.Contains(items, want) {
			t.Errorf("the man page has no\n.It Ic %s", want)
		}
	}
	for _, c := range Commands {
		if want := escape(strings.TrimSpace(`\` + c.Name + " " + c.Args)); !slices.Contains(items, want) {
			t.Errorf("the man page has no\n.It Ic %s", want)
		}
	}
}

// escape writes text as roff does.
func escape(s string) string { return strings.ReplaceAll(s, `\`, `\e`) }
