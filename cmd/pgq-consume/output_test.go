package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"skytools/lib/event"
)

// TestPipeWriter reads with raw reads of PIPE_BUF, which see where each write
// ended as long as the pipe holds no more than one.
func TestPipeWriter(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	for i := range 3000 {
		fmt.Fprintf(&text, "%d %s\n", i, strings.Repeat("x", i%300))
	}
	text.WriteString(strings.Repeat("y", 3*atomicWrite) + "\n")
	text.WriteString("last\n")
	var writes []int
	n, err := writePieces(text.Bytes(), func(p []byte) (int, error) {
		writes = append(writes, len(p))
		if p[len(p)-1] != '\n' {
			t.Errorf("write of %d bytes does not end a line", len(p))
		}
		if len(p) > atomicWrite && bytes.IndexByte(p, '\n') < len(p)-1 {
			t.Errorf("write of %d bytes has more than one line", len(p))
		}
		return len(p), nil
	})
	if err != nil || n != text.Len() {
		t.Errorf("wrote %d of %d, %v", n, text.Len(), err)
	}
	if min := text.Len() / atomicWrite; len(writes) > 2*min {
		t.Errorf("%d writes for %d bytes", len(writes), text.Len())
	}
}

func TestOutputPipe(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	out, err := newOutput(w)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer w.Close()
		for i := range 1000 {
			fmt.Fprintf(out, "line %d\n", i)
		}
	}()
	sc := bufio.NewScanner(r)
	n := 0
	for ; sc.Scan(); n++ {
		if want := fmt.Sprintf("line %d", n); sc.Text() != want {
			t.Fatalf("got %q, want %q", sc.Text(), want)
		}
	}
	if n != 1000 {
		t.Errorf("got %d lines", n)
	}
}

func TestOutputEndsTornLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, before, want string
		flags              int
	}{
		{"torn", "a\nb", "a\nb\nnew\n", os.O_APPEND},
		{"whole", "a\nb\n", "a\nb\nnew\n", os.O_APPEND},
		{"empty", "", "new\n", os.O_APPEND},
		{"written over", "abcdefgh\nx", "new\nefgh\nx", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "out")
			if err := os.WriteFile(path, []byte(tt.before), 0o600); err != nil {
				t.Fatal(err)
			}
			f, err := os.OpenFile(path, os.O_WRONLY|tt.flags, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			out, err := newOutput(f)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := out.Write([]byte("new\n")); err != nil {
				t.Fatal(err)
			}
			if got, err := os.ReadFile(path); err != nil || string(got) != tt.want {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
}

func TestFormats(t *testing.T) {
	t.Parallel()
	full := event.Event{
		ID: 12, Time: 0, Txid: 345, Retry: 2, HasRetry: true, Type: []byte("I:id"), Data: []byte(`id=1&v=a"b`),
		Extra: [4][]byte{[]byte("public.t"), []byte(""), nil, []byte("x,y\nz")},
	}
	plain := event.Event{ID: 1, Txid: 2}
	tests := []struct {
		format string
		e      event.Event
		want   string
	}{
		{"csv", full, "12,2000-01-01T00:00:00.000000Z,345,2,I:id,\"id=1&v=a\"\"b\",public.t,\"\",,\"x,y\nz\"\n"},
		{"csv", plain, "1,2000-01-01T00:00:00.000000Z,2,,,,,,,\n"},
		{"raw", full, "id=1&v=a\"b\n"},
		{"raw", plain, "\n"},
		{"json", plain, `{"ev_id":1,"ev_time":"2000-01-01T00:00:00.000000Z","ev_txid":2,"ev_type":null,"ev_data":null}` + "\n"},
	}
	for _, tt := range tests {
		got, err := newFormat(tt.format, false)(nil, &tt.e)
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: got %q, %v, want %q", tt.format, got, err, tt.want)
		}
	}
}
