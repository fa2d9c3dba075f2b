package output

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skytools/lib/golden"
)

var formats = []string{"aligned", "unaligned", "csv", "tsv", "json", "jsonl", "markdown"}

var cols = []Column{{"id", oidInt8}, {"ok", oidBool}, {"text", 25}, {"at", oidTimestamptz}, {"lag", oidInterval}, {"num", oidNumeric}, {"doc", oidJSONB}, {"text", 25}}

func row(values ...any) [][]byte {
	r := make([][]byte, len(values))
	for i, v := range values {
		if s, ok := v.(string); ok {
			r[i] = []byte(s)
		}
	}
	return r
}

var sample = [][][]byte{
	row("9007199254740993", "t", "plain", "2026-11-25 03:15:08.123456+00", "1 day 02:03:04.5", "1.50", `{"a": [1, 2]}`, "x"),
	row("-1", "f", "", "infinity", "-00:00:01", "NaN", "null", "two\nlines"),
	row(nil, nil, nil, nil, nil, nil, nil, nil),
	row("3", "t", "日本語 👩‍👩‍👧 é", "2026-11-25 03:15:08+05:30", "1 mon", "0", `"s"`, `a,"b"|c\d`+"\te"),
	row("4", "t", "\x1b[31mred\x07\u202e", "2026-11-25 03:15:08+00", "00:00:00", "1", "[]", "\xff<&>\r"),
}

func write(o Options, title string, rows [][][]byte) string {
	var b bytes.Buffer
	t := New(&b, o, title, cols)
	for _, r := range rows {
		if err := t.Row(r); err != nil {
			return err.Error()
		}
	}
	if err := t.Close(); err != nil {
		return err.Error()
	}
	return b.String()
}

// TestFormats compares each form with the picture of it in testdata.
func TestFormats(t *testing.T) {
	t.Parallel()
	variants := map[string]func(o *Options){
		"":         func(*Options) {},
		"bare":     func(o *Options) { o.TuplesOnly, o.Null = true, "∅" },
		"border1":  func(o *Options) { o.Border = 1 },
		"box":      func(o *Options) { o.Border, o.Unicode = 2, true },
		"expanded": func(o *Options) { o.Expanded = "on" },
		"seconds":  func(o *Options) { o.Seconds, o.NoFooter = true, true },
	}
	only := map[string][]string{"border1": {"aligned"}, "box": {"aligned"}, "expanded": {"aligned"}, "seconds": {"jsonl"}}
	for variant, set := range variants {
		list := formats
		if l := only[variant]; l != nil {
			list = l
		}
		for _, f := range list {
			o := Defaults()
			o.Format = f
			set(&o)
			t.Run(f+variant, func(t *testing.T) {
				got := write(o, "A \"title\":", sample) + "== no rows ==\n" + write(o, "", nil)
				golden.Check(t, strings.Trim(f+"-"+variant, "-"), got)
			})
		}
	}
}

// TestWidths: the widths come from the first rows, and auto turns what does
// not fit.
func TestWidths(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	o := Defaults()
	o.FetchCount = 1
	tab := New(&b, o, "", Names("a", "b"))
	for _, v := range []string{"1", strings.Repeat("x", 15)} {
		if err := tab.Row(row(v, "y")); err != nil {
			t.Fatal(err)
		}
		if v == "1" && b.Len() == 0 {
			t.Error("nothing was written after the first rows")
		}
	}
	if err := tab.Close(); err != nil {
		t.Fatal(err)
	}
	want := "a           b\n----------  ----------\n1           y\n" + strings.Repeat("x", 15) + "  y\n(2 rows)\n\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	o = Defaults()
	o.Expanded = "auto"
	for width, turned := range map[int]bool{0: false, 40: true, 1000: false} {
		o.Width = width
		if got := strings.Contains(write(o, "", sample), "RECORD"); got != turned {
			t.Errorf("width %d: expanded is %v", width, got)
		}
	}
}

func TestSet(t *testing.T) {
	t.Parallel()
	o := Defaults()
	for _, tt := range []struct{ name, value, want string }{
		{"format", "csv", "csv"}, {"expanded", "", "on"}, {"expanded", "", "off"}, {"expanded", "auto", "auto"}, {"expanded", "0", "off"},
		{"border", "2", "2"}, {"tuples_only", "", "on"}, {"footer", "off", "off"}, {"null", "-", "-"}, {"linestyle", "unicode", "unicode"},
		{"interval", "seconds", "seconds"}, {"fieldsep", ";", ";"},
	} {
		if err := o.Set(tt.name, tt.value, formats); err != nil || o.Get(tt.name) != tt.want {
			t.Errorf("%s %s: got %s, error %v", tt.name, tt.value, o.Get(tt.name), err)
		}
	}
	for _, bad := range [][2]string{{"format", "html"}, {"border", "9"}, {"expanded", "x"}, {"linestyle", "x"}, {"interval", "x"}, {"footer", "x"}, {"nosuch", "1"}} {
		if err := o.Set(bad[0], bad[1], formats); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
	for _, name := range OptionNames {
		if name != "null" && o.Get(name) == "" {
			t.Errorf("%s has no value", name)
		}
	}
}

// full is a file that takes nothing.
type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestFull(t *testing.T) {
	t.Parallel()
	for _, f := range formats {
		o := Defaults()
		o.Format = f
		tab := New(full{}, o, "", Names("a"))
		err := tab.Row(row("x"))
		if err == nil {
			err = tab.Close()
		}
		if !errors.Is(err, errFull) {
			t.Errorf("%s: got %v", f, err)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("a\x1b[0m\tb\x9c\u202e")
	f.Fuzz(func(t *testing.T, s string) {
		for _, r := range Clean(s) {
			if r != '\n' && (r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0) {
				t.Errorf("%q keeps %q", s, r)
			}
		}
	})
}

func BenchmarkAligned(b *testing.B) {
	for b.Loop() {
		t := New(io.Discard, Defaults(), "", cols)
		for range 1000 {
			_ = t.Row(sample[0])
		}
		_ = t.Close()
	}
}
