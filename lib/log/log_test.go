package log

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestLine(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	h, err := NewHandler(&b, FormatLine, LevelNoise)
	if err != nil {
		t.Fatal(err)
	}
	r := slog.NewRecord(time.Date(2026, 1, 31, 12, 0, 0, 123_456_789, time.UTC), slog.LevelInfo, "pgq version ok", 0)
	r.Add("version", "3.5", DB, "my\ndb", Err, fmt.Errorf("a \"b\""), slog.Group("g", "k", "", slog.Group("h", "x", 1)))
	if err := h.Handle(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf("2026-01-31 12:00:00.123 UTC [%d] LOG [my?db]: pgq version ok version=3.5 err=\"a \\\"b\\\"\" g.k=\"\" g.h.x=1\n", os.Getpid())
	if got := b.String(); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

func TestLineLevelsAndGroups(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	l, err := New(&b, FormatLine, slog.LevelDebug)
	if err != nil {
		t.Fatal(err)
	}
	l = l.With("a", 1).WithGroup("g").With("b", 2).WithGroup("")
	l.Error("e")
	l.Warn("w")
	l.Debug("d\ttab", "c", 3)
	l.Log(t.Context(), LevelNoise, "too much")
	re := regexp.MustCompile(`(?m)^\S+ \S+ \S+ \[\d+\] `)
	want := "ERROR e a=1 g.b=2\nWARNING w a=1 g.b=2\nDEBUG d?tab a=1 g.b=2 g.c=3\n"
	if got := re.ReplaceAllString(b.String(), ""); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ format, want string }{
		{FormatText, `level=WARN msg="m n" k=v`},
		{FormatJSON, `"level":"WARN","msg":"m n","k":"v"`},
		{FormatJournal, "<4>msg=\"m n\" k=v\n"},
		{FormatLine, "WARNING m n k=v\n"},
		{FormatAuto, `level=WARN msg="m n" k=v`},
	} {
		t.Run(tt.format, func(t *testing.T) {
			t.Parallel()
			var b bytes.Buffer
			l, err := New(&b, tt.format, slog.LevelInfo)
			if err != nil {
				t.Fatal(err)
			}
			l.Warn("m n", "k", "v")
			l.Debug("nothing")
			if got := b.String(); !strings.Contains(got, tt.want) || strings.Count(got, "\n") != 1 {
				t.Errorf("got %q, want %q in one line", got, tt.want)
			}
		})
	}
	if _, err := New(os.Stderr, "xml", slog.LevelInfo); err == nil {
		t.Error("an unknown format must be an error")
	}
}

// Only the very stream that JOURNAL_STREAM names is the journal.
func TestIsJournal(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "stream"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	st := fi.Sys().(*syscall.Stat_t)
	t.Setenv("JOURNAL_STREAM", fmt.Sprintf("%d:%d", st.Dev, st.Ino))
	if !IsJournal(f) {
		t.Error("the named stream is the journal")
	}
	if IsJournal(os.Stdin) || IsJournal(new(bytes.Buffer)) {
		t.Error("another stream is not")
	}
}

func TestFileReopen(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.log")
	f, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	write := func(s string) {
		t.Helper()
		if _, err := f.Write([]byte(s)); err != nil {
			t.Fatal(err)
		}
	}
	write("one\n")
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	write("two\n")
	if err := f.Reopen(path); err != nil {
		t.Fatal(err)
	}
	write("three\n")
	// When the new file cannot be opened, the old one goes on.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := f.Reopen(path); err == nil {
		t.Error("a directory is no logfile")
	}
	write("four\n")
	old, err := os.ReadFile(path + ".1")
	if err != nil || string(old) != "one\ntwo\n" {
		t.Errorf("got %q, %v in the moved file", old, err)
	}
}

func TestSyslogFacility(t *testing.T) {
	t.Parallel()
	if err := CheckFacility("local3"); err != nil {
		t.Error(err)
	}
	if err := CheckFacility("loca"); err == nil || err.Error() != `unknown syslog facility "loca"` {
		t.Errorf("got %v", err)
	}
	if _, _, err := NewSyslog("x", "loca", slog.LevelInfo); err == nil {
		t.Error("want an error")
	}
}
