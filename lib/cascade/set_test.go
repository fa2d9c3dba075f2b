package cascade

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"skytools/lib/pgq"
	"skytools/lib/testpg"
)

// TestSetOrder: a server sorts names by its language, a set does not.
func TestSetOrder(t *testing.T) {
	t.Parallel()
	names := []string{"a", "a b", "a-b", "ab", "B", "Ba", "_c", "ä", "z"}
	local := &Node{Info: &pgq.NodeInfo{Name: "B"}}
	for _, name := range names {
		local.Locations = append(local.Locations, pgq.Location{Node: name, ConnString: "host=" + name, Dead: name == "z"})
	}
	s := newSet(Config{Queue: queue, Dead: []string{"ab"}}, local)
	for _, name := range names {
		switch n := s.Node(name); {
		case n == nil:
			t.Errorf("node %q is not found", name)
		case n.Name != name || n.ConnString != "host="+name || n.Dead != (name == "z" || name == "ab"):
			t.Errorf("node %q is %+v", name, n)
		}
	}
	if n := s.Node("c"); n != nil {
		t.Errorf("got %+v", n)
	}
	if s.LocalNode() != local {
		t.Errorf("local node is %+v", s.LocalNode())
	}
}

// TestBlackHoles: two of five nodes take no connection or give no answer, one is
// refused; the others are seen, and it takes no longer than it may.
func TestBlackHoles(t *testing.T) {
	t.Parallel()
	c := newCascade(t, "a", "b<a")
	away := map[string]string{"mute": muteServer(t), "hole": blackHole(t), "gone": "host=" + t.TempDir()}
	for name, dsn := range away {
		c.at("a", func(ctx context.Context, client *pgq.Client) error {
			if err := client.RegisterLocation(ctx, queue, pgq.Location{Node: name, ConnString: dsn}); err != nil {
				return err
			}
			_, err := client.RegisterSubscriber(ctx, queue, name, name+"_w", nil)
			return err
		})
	}
	// Without limits of its own LoadSet would end with the error of this context.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conf := c.config("a")
	conf.Timeout = 500 * time.Millisecond
	s, err := LoadSet(ctx, conf)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, n := range s.Nodes {
		switch {
		case n.Alive():
			got[n.Name] = n.Info.Type
		case errors.Is(n.Err, os.ErrNotExist):
			got[n.Name] = "no socket"
		default:
			got[n.Name] = fmt.Sprint(n.Err)
		}
		if sub := s.LocalNode().subscriber(n.Name); away[n.Name] != "" {
			if _, found := s.LocalNode().Readers[sub.Worker]; !found {
				t.Errorf("since when %s is away is not known", n.Name)
			}
		}
	}
	st := s.Status()
	for name := range away {
		if n := st.Find(name); n == nil || n.Type != "down" || n.Failure == "" || n.Provider != "a" || n.SilentSeconds == nil {
			t.Errorf("status of %s is %+v", name, n)
		}
	}
	want := map[string]string{"a": "root", "b": "branch", "mute": "no connection within 500ms", "hole": "no connection within 500ms", "gone": "no socket"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// muteServer takes connections and says nothing.
func muteServer(t *testing.T) (dsn string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return tcpDSN(l.Addr())
}

func tcpDSN(a net.Addr) string {
	return fmt.Sprintf("host=127.0.0.1 port=%d user=postgres dbname=postgres sslmode=disable", a.(*net.TCPAddr).Port)
}

// blackHole is an address from which nothing comes back: a listener whose queue
// is full, so that the kernel drops what else comes.
func blackHole(t *testing.T) (dsn string) {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err == nil {
		t.Cleanup(func() { syscall.Close(fd) })
		err = syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})
	}
	if err == nil {
		err = syscall.Listen(fd, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		t.Fatal(err)
	}
	addr := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: sa.(*syscall.SockaddrInet4).Port}
	for range 10 {
		conn, err := net.DialTimeout("tcp", addr.String(), 200*time.Millisecond)
		if err != nil {
			return tcpDSN(addr)
		}
		t.Cleanup(func() { conn.Close() })
	}
	t.Fatal("the queue of the listener does not get full")
	return ""
}

// TestNoSet: what is missing in the local database is said.
func TestNoSet(t *testing.T) {
	t.Parallel()
	dsn := testpg.Shared(t).NewDB(t)
	if _, err := LoadSet(t.Context(), Config{Queue: queue, DSN: dsn}); !errors.Is(err, ErrNotInstalled) {
		t.Errorf("got %v", err)
	}
	c := newCascade(t, "a")
	conf := c.config("a")
	conf.Queue = "other"
	if _, err := LoadSet(t.Context(), conf); !errors.Is(err, ErrNoNode) {
		t.Errorf("got %v", err)
	}
	conf.DSN = "host=" + t.TempDir()
	if _, err := LoadSet(t.Context(), conf); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("got %v", err)
	}
}

// TestRemoteExtra: the parameters are for other nodes, not for the local one.
func TestRemoteExtra(t *testing.T) {
	t.Parallel()
	c := newCascade(t, "a", "b<a")
	conf := c.config("a")
	conf.RemoteExtra = "user=nobody_has_this_name"
	s, err := LoadSet(t.Context(), conf)
	if err != nil {
		t.Fatal(err)
	}
	alive := slices.DeleteFunc(slices.Clone(s.Nodes), func(n *Node) bool { return !n.Alive() })
	if len(alive) != 1 || alive[0].Name != "a" || !strings.Contains(s.Node("b").Err.Error(), "nobody_has_this_name") {
		t.Errorf("got %+v", s.Nodes)
	}
}
