// Package testproxy is a proxy in front of a PostgreSQL server for tests. It
// sees each message of the protocol and breaks connections wherever a test
// wants. It understands no message beyond its type and length.
package testproxy

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"skytools/lib/db"
)

// Action is what happens to a message.
type Action int

// The actions of a Hook.
const (
	Pass      Action = iota
	CutBefore        // the message does not arrive, and the connection ends
	CutAfter         // the message arrives, then the connection ends
)

// Message is one message of the protocol.
type Message struct {
	Conn       int  // 1 for the first connection
	FromServer bool // else from the client
	Type       byte // 0 for the first message of a client
}

// Hook decides over each message. It may be called from several goroutines.
type Hook func(Message) Action

// Proxy passes connections on to a server until it is killed.
type Proxy struct {
	dsn     string
	network string
	server  string
	l       net.Listener
	hook    Hook

	mu    sync.Mutex
	conns map[net.Conn]bool
	count int
	dead  bool
	wg    sync.WaitGroup
}

// New starts a proxy before the server of dsn, on a unix socket of its own. It
// ends with the test. hook may be nil.
func New(t testing.TB, dsn string, hook Hook) *Proxy {
	t.Helper()
	cfg, err := db.ParseConfig(dsn, "testproxy")
	if err != nil {
		t.Fatalf("testproxy: %v", err)
	}
	dir, err := os.MkdirTemp("", "px") // short: a socket's path has a limit
	if err != nil {
		t.Fatalf("testproxy: %v", err)
	}
	const port = 5432
	l, err := net.Listen("unix", filepath.Join(dir, fmt.Sprintf(".s.PGSQL.%d", port)))
	if err != nil {
		t.Fatalf("testproxy: %v", err)
	}
	if hook == nil {
		hook = func(Message) Action { return Pass }
	}
	p := &Proxy{
		dsn:     fmt.Sprintf("%s host=%s port=%d", dsn, dir, port),
		network: "unix",
		server:  filepath.Join(cfg.Host, fmt.Sprintf(".s.PGSQL.%d", cfg.Port)),
		l:       l,
		hook:    hook,
		conns:   make(map[net.Conn]bool),
	}
	if !filepath.IsAbs(cfg.Host) {
		p.network, p.server = "tcp", net.JoinHostPort(cfg.Host, fmt.Sprint(cfg.Port))
	}
	p.wg.Go(p.accept)
	t.Cleanup(func() {
		p.Kill()
		os.RemoveAll(dir)
	})
	return p
}

// DSN is the connection string of the proxy.
func (p *Proxy) DSN() string { return p.dsn }

// Cut ends all connections. New ones are taken.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

// Kill ends all connections and refuses new ones from then on.
func (p *Proxy) Kill() {
	p.mu.Lock()
	p.dead = true
	p.mu.Unlock()
	p.l.Close()
	p.Cut()
	p.wg.Wait()
}

func (p *Proxy) accept() {
	for {
		client, err := p.l.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial(p.network, p.server)
		if err != nil {
			client.Close()
			continue
		}
		p.mu.Lock()
		p.count++
		n := p.count
		if p.dead {
			client.Close()
			server.Close()
		}
		p.conns[client], p.conns[server] = true, true
		p.mu.Unlock()
		end := sync.OnceFunc(func() {
			client.Close()
			server.Close()
			p.mu.Lock()
			defer p.mu.Unlock()
			delete(p.conns, client)
			delete(p.conns, server)
		})
		p.wg.Go(func() {
			defer end()
			if p.message(server, client, 0, Message{Conn: n}) == nil {
				p.copy(server, client, Message{Conn: n})
			}
		})
		p.wg.Go(func() {
			defer end()
			p.copy(client, server, Message{Conn: n, FromServer: true})
		})
	}
}

// copy passes messages with a type byte on.
func (p *Proxy) copy(dst io.Writer, src io.Reader, m Message) {
	for p.message(dst, src, 1, m) == nil {
	}
}

// message passes one message on; head is 1 if it begins with its type.
func (p *Proxy) message(dst io.Writer, src io.Reader, head int, m Message) error {
	buf := make([]byte, head+4)
	if _, err := io.ReadFull(src, buf); err != nil {
		return err
	}
	if head == 1 {
		m.Type = buf[0]
	}
	size := int(binary.BigEndian.Uint32(buf[head:]))
	buf = append(buf, make([]byte, max(size-4, 0))...)
	if _, err := io.ReadFull(src, buf[head+4:]); err != nil {
		return err
	}
	action := p.hook(m)
	if action == CutBefore {
		return io.EOF
	}
	if _, err := dst.Write(buf); err != nil {
		return err
	}
	if action == CutAfter {
		return io.EOF
	}
	return nil
}
