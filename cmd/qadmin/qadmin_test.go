package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"reflect"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"skytools/extension"
	"skytools/lib/cli"
	"skytools/lib/scripttest"
	"skytools/lib/testpg"
)

func TestScripts(t *testing.T) {
	t.Parallel()
	scripttest.Run(t, scripttest.Params{Tools: []string{"qadmin"}})
}

func TestSplit(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       [][]word
	}{
		{"empty", "", nil},
		{"only ends", " ; ;; ", nil},
		{"fold and quotes", `Install "My""Ext" 'it''s';show`,
			[][]word{{{"install", false}, {`My"Ext`, true}, {"it's", true}}, {{"show", false}}}},
		{"semicolon in quotes", "a ';' b", [][]word{{{"a", false}, {";", true}, {"b", false}}}},
		{"empty name", `a ""`, [][]word{{{"a", false}, {"", true}}}},
		{"white space", "\ta\r\n b ", [][]word{{{"a", false}, {"b", false}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := split(tt.text)
			if err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("got %+v, error %v, want %+v", got, err, tt.want)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add("install pgq using plpgsql; show rotation 'q'")
	f.Add(`show rotation "a""b"`)
	f.Fuzz(func(t *testing.T, text string) {
		st, err := parse(text)
		if err == nil && len(st) == 0 {
			t.Error("no statement and no error")
		}
	})
}

// runArgs runs the program in this process.
func runArgs(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, errOut bytes.Buffer
	code = run(ctx, args, strings.NewReader(""), &out, &errOut)
	return code, out.String(), errOut.String()
}

func TestErrors(t *testing.T) {
	t.Parallel()
	const hint = "HINT: " + knownStatements + "\n"
	tests := []struct {
		name   string
		args   []string
		code   int
		stderr string
	}{
		{"nothing to do", nil, 1, "qadmin: error: no statement given\nHINT: Give one with -c, for example: qadmin -c 'install pgq'.\n"},
		{"unknown flag", []string{"-x"}, 1, "qadmin: error: unknown option -x\nHINT: Try: qadmin --help.\n"},
		{"many arguments", []string{"a", "b"}, 1, "qadmin: error: too many arguments: [\"b\"]\nHINT: Try: qadmin --help.\n"},
		{"two databases", []string{"-d", "a", "b"}, 1, "qadmin: error: the database is given twice: \"a\" and \"b\"\n"},
		{"url and port", []string{"-p", "1", "postgres:///x"}, 1, "qadmin: error: -h, -p and -U do not go with a URL: name host, port and user in it\n"},
		{"unknown statement", []string{"-c", "Instal pgq"}, 3, "qadmin: error: unknown statement: instal pgq\n" + hint},
		{"quoted keyword", []string{"-c", `"install" pgq`}, 3, "qadmin: error: unknown statement: install pgq\n" + hint},
		{"empty", []string{"-c", " ; "}, 3, "qadmin: error: empty statement\n" + hint},
		{"incomplete", []string{"-c", "install"}, 3, "qadmin: error: extension expected after: install\n"},
		{"too much", []string{"-c", "install pgq now"}, 3, "qadmin: error: unexpected \"now\" in: install pgq now\n"},
		{"contradiction", []string{"-c", "install pgq show sql dry run"}, 3, "qadmin: error: show sql and dry run exclude each other: install pgq show sql dry run\n"},
		{"open quote", []string{"-c", "show rotation 'q"}, 3, "qadmin: error: the quote is not closed: 'q\n"},
		{"unknown show", []string{"-c", "show me"}, 3, "qadmin: error: unknown thing to show: me\n" + hint},
		{"second one is wrong", []string{"-c", "install pgq", "-c", "oops"}, 3, "qadmin: error: unknown statement: oops\n" + hint},
		{"show sql of unknown extension", []string{"-c", "install nosuch using plpgsql show sql"}, 3, "qadmin: error: unknown extension \"nosuch\": choose from " + strings.Join(extension.Names(), ", ") + "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			code, stdout, stderr := runArgs(t.Context(), tt.args...)
			if code != tt.code || stdout != "" {
				t.Errorf("code %d, want %d; stdout %q", code, tt.code, stdout)
			}
			if diff := cmp.Diff(tt.stderr, stderr); diff != "" {
				t.Errorf("stderr (-want +got):\n%s", diff)
			}
		})
	}
}

func TestConnection(t *testing.T) {
	t.Parallel()
	c := testpg.Shared(t)
	db := testpg.Value[string](t, c.NewDB(t), "select current_database()")
	ok := []string{"-h", c.SocketDir(), "-p", "5432", "-U", "postgres", "-c", "install pgq dry run"}
	for _, extra := range [][]string{{"-d", db}, {db}, {"dbname='" + db + "'"}, {"-d", "dbname=" + db + " user=postgres"}} {
		if code, _, stderr := runArgs(t.Context(), append(ok, extra...)...); code != 0 {
			t.Errorf("%q: code %d, %s", extra, code, stderr)
		}
	}
	if code, _, stderr := runArgs(t.Context(), append(ok, "user=nobody' dbname=x")...); code != 2 {
		t.Errorf("broken string: code %d, want 2; %s", code, stderr)
	}
	code, _, stderr := runArgs(t.Context(), "-d", "host="+t.TempDir(), "-c", "install pgq")
	if code != 2 || !strings.HasPrefix(stderr, "qadmin: error: failed to connect") || strings.Count(stderr, "\n") != 1 {
		t.Errorf("no server: code %d, want 2; %s", code, stderr)
	}
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	dsn := testpg.Shared(t).NewDB(t)
	for sig, want := range map[syscall.Signal]int{syscall.SIGINT: 130, syscall.SIGTERM: 143} {
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(cli.ErrSignal{Signal: sig})
		if code, _, _ := runArgs(ctx, "-d", dsn, "-c", "install pgq"); code != want {
			t.Errorf("%s: code %d, want %d", sig, code, want)
		}
	}
}

// full is a stdout that takes nothing.
type full struct{}

func (full) Write([]byte) (int, error) {
	return 0, &os.PathError{Op: "write", Path: "/dev/full", Err: errors.New("no space left on device")}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--help"}, {"--version"}, {"-c", "install pgq using plpgsql show sql"}} {
		if code := run(t.Context(), args, nil, full{}, new(bytes.Buffer)); code != 1 {
			t.Errorf("%q: code %d, want 1", args, code)
		}
	}
}

// TestManPage demands that help and man page tell the flags and statements
// that there are.
func TestManPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../man/qadmin.1")
	if err != nil {
		t.Fatal(err)
	}
	typ := reflect.TypeFor[options]()
	for i := range typ.NumField() {
		tag := typ.Field(i).Tag
		if s := tag.Get("short"); s != "" {
			if !regexp.MustCompile(`(?m)^\.It Fl ` + s + `\b`).Match(page) {
				t.Errorf("the man page has no -%s", s)
			}
			if !strings.Contains(help, "-"+s+", --"+tag.Get("long")) {
				t.Errorf("the help has no -%s", s)
			}
		}
		if l := tag.Get("long"); !strings.Contains(string(page), "Fl -"+l) || !strings.Contains(help, "--"+l) {
			t.Errorf("man page or help has no --%s", l)
		}
	}
	for verb := range verbs {
		if !strings.Contains(string(page), ".It Ic "+verb) || !strings.Contains(help, "\n  "+verb+" ") {
			t.Errorf("man page or help has no statement %s", verb)
		}
	}
	for _, name := range extension.Names() {
		if !strings.Contains(help, name) {
			t.Errorf("help does not know extension %s", name)
		}
	}
}
