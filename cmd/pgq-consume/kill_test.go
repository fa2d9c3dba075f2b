package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"skytools/lib/scripttest"
	"skytools/lib/testpg"
)

// TestKill kills the program at random moments and demands that every event
// arrives, in lines that can be read, and in another database exactly once.
// Kills of servers and by the hundred are elsewhere.
func TestKill(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args func(dir, target string) []string
		// arrived returns how many different events came, and how many in all.
		arrived func(t *testing.T, dir, target string) (different, all int)
		once    bool
	}{
		{
			name: "stdout",
			args: func(string, string) []string { return nil },
			arrived: func(t *testing.T, dir, _ string) (int, int) {
				return countLines(t, filepath.Join(dir, "stdout"), true)
			},
		},
		{
			name: "exec",
			args: func(dir, _ string) []string { return []string{"--exec", "exec cat >>" + dir + "/ledger"} },
			arrived: func(t *testing.T, dir, _ string) (int, int) {
				return countLines(t, filepath.Join(dir, "ledger"), false)
			},
		},
		{
			name: "into",
			args: func(_, target string) []string {
				return []string{"--into", target, "--sql", "insert into taken values ($ev_id)"}
			},
			arrived: func(t *testing.T, _, target string) (int, int) {
				return int(testpg.Value[int64](t, target, "select count(distinct id) from taken")),
					int(testpg.Value[int64](t, target, "select count(*) from taken"))
			},
			once: true,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			const kills, events = 12, 500
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			rnd := rand.New(rand.NewPCG(seed, 0))
			c := testpg.Shared(t)
			source := c.NewDB(t, testpg.Extensions("pgq"))
			target := c.NewDB(t, testpg.Extensions("pgq_ext"))
			testpg.Exec(t, source, "select pgq.create_queue('q'), pgq.register_consumer('q', 'c')")
			testpg.Exec(t, target, "create table taken (id bigint)")
			dir := t.TempDir()
			start := func(args ...string) *exec.Cmd {
				t.Helper()
				cmd := exec.Command(scripttest.Tool(t, program), append(args, "-d", source, "-q", "q", "-c", "c", "--quiet")...)
				cmd.Args = append(cmd.Args, tt.args(dir, target)...)
				out, err := os.OpenFile(filepath.Join(dir, "stdout"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
				if err != nil {
					t.Fatal(err)
				}
				defer out.Close()
				cmd.Stdout, cmd.Stderr = out, os.Stderr
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				return cmd
			}
			for range kills {
				testpg.Exec(t, source, fmt.Sprintf(`select count(pgq.insert_event('q', 't', repeat('x', i * 37 %% 900)))
					from generate_series(1, %d) i`, events))
				testpg.Exec(t, source, "select pgq.force_tick('q'), pgq.ticker('q')")
				cmd := start()
				kill := time.AfterFunc(time.Duration(rnd.IntN(120))*time.Millisecond, func() { cmd.Process.Kill() })
				_ = cmd.Wait() // it was killed
				kill.Stop()
			}
			if err := start("--until-empty").Wait(); err != nil {
				t.Fatal(err)
			}
			different, all := tt.arrived(t, dir, target)
			t.Logf("%d events, %d arrivals", different, all)
			if different != kills*events || tt.once && all != different {
				t.Errorf("%d different events arrived, %d in all, want %d", different, all, kills*events)
			}
		})
	}
}

// countLines reads JSON lines and returns how many different events they have,
// and how many in all. A line that was torn by a kill counts as none.
func countLines(t *testing.T, path string, torn bool) (different, all int) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	seen := map[int64]bool{}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		var e struct {
			ID int64 `json:"ev_id"`
		}
		switch err := json.Unmarshal(sc.Bytes(), &e); {
		case err == nil:
			seen[e.ID] = true
			all++
		case !torn:
			t.Errorf("%s has a torn line: %s", path, sc.Bytes())
		}
	}
	return len(seen), all
}
