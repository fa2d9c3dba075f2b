package ini

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// oracle is what testdata/oracle.py prints for one case.
type oracle struct {
	Error    bool
	Sections map[string]map[string]struct {
		Raw   string
		Value *string
	}
}

// ours brings what this package makes of text into the oracle's form.
func ours(text string) oracle {
	f, err := Parse(strings.NewReader(text), "case", Strict)
	if err != nil {
		return oracle{Error: true}
	}
	f.SetVar("job_name", "job")
	o := oracle{Sections: map[string]map[string]struct {
		Raw   string
		Value *string
	}{}}
	for _, s := range f.Sections() {
		keys := map[string]struct {
			Raw   string
			Value *string
		}{}
		o.Sections[s.Name] = keys
		for _, e := range append(s.Entries(), Entry{Key: "job_name", Raw: "job"}) {
			var value *string
			if v, _, err := s.Get(e.Key); err == nil {
				value = &v
			}
			keys[e.Key] = struct {
				Raw   string
				Value *string
			}{e.Raw, value}
		}
	}
	return o
}

func readCases(t testing.TB) []string {
	t.Helper()
	b, err := os.ReadFile("testdata/cases.txt")
	if err != nil {
		t.Fatal(err)
	}
	cases := strings.Split(string(b), "----\n")
	for i, c := range cases {
		cases[i] = strings.ReplaceAll(c, `\r`, "\r")
	}
	return cases
}

// The committed table was made by configparser.
func TestLikeConfigparser(t *testing.T) {
	t.Parallel()
	golden, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	compareWithOracle(t, readCases(t), golden)
}

// Where there is a Python, it is asked anew, so that the table cannot go stale.
func TestLikeConfigparserLive(t *testing.T) {
	t.Parallel()
	py, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here; TestLikeConfigparser has its answers")
	}
	out, err := exec.Command(py, "testdata/oracle.py", "testdata/cases.txt").Output()
	if err != nil {
		t.Fatal(err)
	}
	compareWithOracle(t, readCases(t), out)
}

// Random files of the characters that matter, one Python process for all.
func TestRandomLikeConfigparser(t *testing.T) {
	t.Parallel()
	py, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 here; TestLikeConfigparser has its answers")
	}
	words := []string{
		"[s]", "[t]", "[DEFAULT]", "[", "]", "=", ":", "a", "b", "A", "ab", " ", "  ", "\t", "\n", "\n", "\n", "\n ", "\n\n",
		"#", ";", "%", "%%", "%(a)s", "%(b)s", "%(job_name)s", "${a}", "${t:a}", "$", "$$", "a = 1\n", "b: x\n", "config_format=2\n", "\u00e9",
	}
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(uint64(seed), 0))
	cases := make([]string, 3000)
	for i := range cases {
		b := strings.Builder{}
		b.WriteString("[s]\n")
		for range rnd.IntN(25) {
			b.WriteString(words[rnd.IntN(len(words))])
		}
		cases[i] = b.String() + "\n"
	}
	path := filepath.Join(t.TempDir(), "cases.txt")
	if err := os.WriteFile(path, []byte(strings.Join(cases, "----\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(py, "testdata/oracle.py", path).Output()
	if err != nil {
		t.Fatal(err)
	}
	compareWithOracle(t, cases, out)
}

func compareWithOracle(t *testing.T, cases []string, answers []byte) {
	t.Helper()
	var want []oracle
	if err := json.Unmarshal(answers, &want); err != nil {
		t.Fatal(err)
	}
	if len(want) != len(cases) {
		t.Fatalf("got %d answers for %d cases", len(want), len(cases))
	}
	for i, c := range cases {
		if diff := cmp.Diff(want[i], ours(c)); diff != "" {
			t.Errorf("case %d:\n%s\n(-configparser +ours):\n%s", i, c, diff)
		}
	}
}

func TestErrorsNameTheirPlace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, text, want string }{
		{"no section", "\na = 1\n", `x.ini:2: no [section] before "a = 1"`},
		{"no value", "[s]\nfoo\n", `x.ini:2: neither a section nor 'key = value': "foo"`},
		{"key twice", "[s]\na=1\nb=1\nA=2\n", `x.ini:4: key "a" comes again, first in line 2`},
		{"section twice", "[s]\n[t]\n[s]\n", `x.ini:3: section [s] comes again, first in line 1`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(strings.NewReader(tt.text), "x.ini", Strict)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestReferenceErrors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, value, want string }{
		{"unknown", "%(zz)s", `x.ini:3: value of "a" refers to unknown key "zz"`},
		{"itself", "%(a)s", `x.ini:3: value of "a" refers to itself, or too deep`},
		{"lone", "50% off", `x.ini:3: value of "a": "%" begins no reference, write %% for a single %`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, err := Parse(strings.NewReader("[s]\n\na = "+tt.value), "x.ini", Strict)
			if err != nil {
				t.Fatal(err)
			}
			if _, _, err = f.Section("s").Get("a"); err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestLenient(t *testing.T) {
	t.Parallel()
	f, err := Parse(strings.NewReader("[s]\na = 1\nurl = host=%2Ftmp pct=%% 5%\n[t]\n[s]\na = 2\n"), "x.ini", Lenient)
	if err != nil {
		t.Fatal(err)
	}
	s := f.Section("s")
	for key, want := range map[string]string{"a": "2", "url": "host=%2Ftmp pct=% 5%"} {
		if got, ok, err := s.Get(key); got != want || !ok || err != nil {
			t.Errorf("%s: got %q, %v, %v, want %q", key, got, ok, err, want)
		}
	}
	if want := []Entry{{"a", "1", Pos{"x.ini", 2}}}; !cmp.Equal(f.Repeated, want) {
		t.Errorf("got repeated %v, want %v", f.Repeated, want)
	}
}

func TestVarsAreBehindDefault(t *testing.T) {
	t.Parallel()
	f, err := Parse(strings.NewReader("[DEFAULT]\nb = file\n[s]\nc = %(a)s %(b)s\n"), "x.ini", Strict)
	if err != nil {
		t.Fatal(err)
	}
	f.SetVar("a", "100%(x)s")
	f.SetVar("b", "var")
	got, _, err := f.Section("s").Get("c")
	if want := "100%(x)s file"; got != want || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if _, ok := f.Section("s").Lookup("a"); ok {
		t.Error("a variable is no entry of the file")
	}
}

func TestReadFile(t *testing.T) {
	t.Parallel()
	if _, err := ReadFile("testdata/none.ini", Strict); !os.IsNotExist(err) {
		t.Errorf("got %v, want not exist", err)
	}
	if _, err := ReadFile("testdata/cases.txt", Lenient); err == nil {
		t.Error("the separators of the cases must be a syntax error")
	}
}

// Whatever the input, reading ends, positions lie inside the file, and a
// strict success is a lenient success with the same values.
func FuzzParse(f *testing.F) {
	for _, c := range readCases(f) {
		f.Add([]byte(c))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		lines := bytes.Count(b, []byte("\n")) + bytes.Count(b, []byte("\r")) + 1
		strict, err := Parse(bytes.NewReader(b), "f", Strict)
		if err != nil {
			if e, ok := err.(*Error); !ok || e.Line < 1 || e.Line > lines || strings.Contains(e.Msg, "\n") {
				t.Fatalf("bad error %#v for %d lines", err, lines)
			}
		}
		lenient, lerr := Parse(bytes.NewReader(b), "f", Lenient)
		if err == nil && lerr != nil {
			t.Fatalf("strict accepts what lenient does not: %v", lerr)
		}
		if lerr != nil {
			return
		}
		for _, s := range lenient.Sections() {
			for _, e := range s.Entries() {
				if e.Key == "" || e.Pos.Line < 1 || e.Pos.Line > lines {
					t.Fatalf("bad entry %#v", e)
				}
				got, ok, _ := s.Get(e.Key)
				if !ok {
					t.Fatalf("entry %q is not found", e.Key)
				}
				if err != nil {
					continue
				}
				if want, _, verr := strict.Section(s.Name).Get(e.Key); verr == nil && got != want {
					t.Fatalf("%s: lenient %q, strict %q", e.Key, got, want)
				}
			}
		}
	})
}
