package peers

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"skytools/lib/scripttest"
	"skytools/lib/testpg"
)

// chapter returns a chapter of the README.
func chapter(t *testing.T, title string) string {
	t.Helper()
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, found := strings.Cut(string(b), "\n## "+title+"\n")
	if !found {
		t.Fatalf("README.md has no chapter %q", title)
	}
	text, _, _ := strings.Cut(after, "\n## ")
	return text
}

// TestMoveOver does what the README tells, word by word, while events flow:
// there, and back to upstream's package.
func TestMoveOver(t *testing.T) {
	t.Parallel()
	text := chapter(t, "Move over from upstream PgQ")
	need(t, theirTicker)
	statements := regexp.MustCompile(`(?m)^ {4,}(alter extension (\w+) update.*?;)`).FindAllStringSubmatch(text, -1)
	commands := regexp.MustCompile("`qadmin (-d dbname=shop -c '([^']*)')`").FindAllStringSubmatch(text, -1)
	back := 0
	for back < len(statements) && !strings.Contains(statements[back][1], " to ") {
		back++
	}
	if back < 2 || len(statements) < back+3 || len(commands) != 1 {
		t.Fatalf("found %q and %q in the chapter", statements, commands)
	}

	// Upstream's package: its control file too.
	tree := testpg.UpstreamTree(t)
	system, err := filepath.Rel(tree.Root, tree.PGConfig)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("/"+system, "--sharedir").Output()
	if err != nil {
		t.Fatal(err)
	}
	theirs := filepath.Join(strings.TrimSpace(string(out)), "extension", "pgq.control")
	need(t, theirs)
	root := t.TempDir()
	for dir := root; dir != os.TempDir(); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	run(t, "cp", "-a", filepath.Join(tree.Root, "usr"), root)
	control := filepath.Join(root, theirs)
	ours := readFile(t, control)

	w := &world{t: t, dir: t.TempDir(), rough: true}
	w.cluster = testpg.Start(t, testpg.Bin(filepath.Join(root, filepath.Dir(system))))
	install := func(content string) {
		t.Helper()
		if err := os.WriteFile(control, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	install(readFile(t, theirs))
	w.from = w.cluster.NewDB(t)
	shop := w.cluster.NewDB(t, testpg.Name("shop"))
	for _, dsn := range []string{w.from, shop} {
		testpg.Exec(t, dsn, "create extension pgq")
		if v := testpg.Value[string](t, dsn, "select pgq.version()"); !strings.HasPrefix(v, "3.") {
			t.Fatalf("began with version %s", v)
		}
	}
	w.to = testpg.Shared(t).NewDB(t, testpg.Extensions("pgq_ext"))
	version := func(dsn, want string) {
		t.Helper()
		if got := testpg.Value[string](t, dsn, "select pgq.version()"); got != want {
			t.Errorf("got version %s, want %s", got, want)
		}
	}
	alter := func(list [][]string) {
		t.Helper()
		for _, s := range list {
			if testpg.Value[bool](t, w.from, "select exists (select 1 from pg_extension where extname = $1)", s[2]) {
				testpg.Exec(t, w.from, s[1])
			}
		}
	}
	ticker := w.ticker("theirs")
	ticker.start()
	w.acts = []func(){
		func() { install(ours) }, // step 1
		func() { // step 2
			alter(statements[:back])
			version(w.from, "4.0")
			c := exec.Command(scripttest.Tool(t, "qadmin"), strings.Fields(commands[0][1])[:2]...)
			c.Args = append(c.Args, "-c", commands[0][2])
			c.Env = append(os.Environ(), "PGHOST="+w.cluster.SocketDir(), fmt.Sprintf("PGPORT=%d", w.cluster.Port()), "PGUSER=postgres")
			if out, err := c.CombinedOutput(); err != nil {
				t.Errorf("%q: %v\n%s", c.Args, err, out)
			}
			version(shop, "4.0")
		},
		func() { // step 3
			ticker.stop()
			ticker.argv[0] = scripttest.Tool(t, "pgqd")
			ticker.start()
		},
		func() { // the way back
			alter(statements[back:])
			version(w.from, "3.4.2")
		},
		func() {
			ticker.stop()
			install(readFile(t, theirs))
			testpg.Exec(t, w.from, "alter extension pgq update")
			version(w.from, "3.5")
			ticker.argv[0] = theirTicker
			ticker.start()
		},
	}
	seed := uint64(number(t, "SOAK_SEED", time.Now().UnixNano()%1e9))
	t.Logf("SOAK_SEED=%d", seed)
	w.play(rand.New(rand.NewPCG(seed, 0)), nil, []kind{pySerial, ourInto, pyPlain, ourPlain}, true, true)
	ticker.stop()
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
