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

// runArgs runs the program in this process.
func runArgs(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, errOut bytes.Buffer
	code = run(ctx, args, strings.NewReader(""), &out, &errOut)
	return code, out.String(), errOut.String()
}

// TestErrors has what needs no server: usage, and statements that are wrong.
func TestErrors(t *testing.T) {
	t.Parallel()
	const usage = "HINT: Try: qadmin --help.\n"
	tests := []struct {
		name   string
		args   []string
		code   int
		stderr string
	}{
		{"unknown flag", []string{"-Z"}, 1, "qadmin: error: unknown option -Z\n" + usage},
		{"many arguments", []string{"a", "b"}, 1, "qadmin: error: too many arguments: [\"b\"]\n" + usage},
		{"two databases", []string{"-d", "a", "b"}, 1, "qadmin: error: the database is given twice: \"a\" and \"b\"\n"},
		{"url and port", []string{"-p", "1", "postgres:///x"}, 1, "qadmin: error: -h, -p and -U do not go with a URL: name host, port and user in it\n"},
		{"contradiction", []string{"--csv", "--json"}, 1, "qadmin: error: options that exclude each other: --csv, --json and -A; -w and -W; -X and --rc\n"},
		{"bad variable", []string{"-v", "ON_ERROR_STOP=maybe"}, 1, "qadmin: error: ON_ERROR_STOP is on or off, not \"maybe\"\n"},
		{"bad condition", []string{"-c", "\\if maybe\n\\endif"}, 3, "qadmin: ERROR: the expression of \\if is on or off, not \"maybe\"\n"},
		{"stray else", []string{"-c", `\else`}, 3, "qadmin: ERROR: \\else without \\if\n"},
		{"else twice", []string{"-c", "\\if on\n\\else\n\\else"}, 3, "qadmin: ERROR: \\else after \\else\n"},
		{"open condition", []string{"-c", `\if off`}, 3, "qadmin: ERROR: the input ends inside of \\if\n"},
		{"no file", []string{"-f", "/nonexistent"}, 1, "qadmin: ERROR: open /nonexistent: no such file or directory\n"},
		{"incomplete", []string{"-c", "install"}, 3, "qadmin: ERROR: the statement is not complete\nLINE 1: install\n               ^\nHINT: Expected here: EXTENSION.\n"},
		{"too much", []string{"-c", "install pgq now"}, 3, "qadmin: ERROR: syntax error at \"now\"\nLINE 1: install pgq now\n                    ^\n" +
			"HINT: Expected here: using, show, dry, the end of the statement.\n"},
		{"sql and dry run", []string{"-c", "install pgq show sql dry run"}, 3, "qadmin: ERROR: show sql and dry run exclude each other\n"},
		{"open quote", []string{"-c", "show rotation 'q"}, 3, "qadmin: ERROR: the quote is not closed\nLINE 1: show rotation 'q\n                      ^\n"},
		{"unknown command", []string{"-c", `\nosuch`}, 3, "qadmin: ERROR: unknown command \\nosuch\nHINT: Run \\? for the list of commands.\n"},
		{"command of psql", []string{"-c", `\dt`}, 3, "qadmin: ERROR: unknown command \\dt\nHINT: For tables and the like use psql; \\? lists what there is here.\n"},
		{"read-only", []string{"--read-only", "-c", "create queue q"}, 3, "qadmin: ERROR: create queue writes, and the session is read-only\n"},
		{"restricted", []string{"--restricted", "-c", `\! echo x`}, 3, "qadmin: ERROR: \\! is not allowed with --restricted\n"},
		{"no help", []string{"-c", "help nosuch"}, 3, "qadmin: ERROR: no help on \"nosuch\"\nHINT: Run help for the list of statements.\n"},
		{"show sql of unknown extension", []string{"-c", "install nosuch using plpgsql show sql"}, 3, "qadmin: ERROR: unknown extension \"nosuch\": choose from " + strings.Join(extension.Names(), ", ") + "\n"},
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
	if code != 2 || !strings.HasPrefix(stderr, "qadmin: ERROR: failed to connect") || strings.Count(stderr, "\n") != 1 {
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

// TestManPage demands that help and man page tell the flags that there are.
// What they say of statements is tested with the grammar.
func TestManPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../man/qadmin.1")
	if err != nil {
		t.Fatal(err)
	}
	typ := reflect.TypeFor[options]()
	for i := range typ.NumField() {
		tag := typ.Field(i).Tag
		if tag == "" {
			continue
		}
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
	for _, name := range extension.Names() {
		if !strings.Contains(help, name) {
			t.Errorf("help does not know extension %s", name)
		}
	}
}
