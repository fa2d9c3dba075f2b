package ticker

import (
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgproto3"

	"skytools/lib/testpg"
)

// A proxy forwards to a server until it is told to freeze: then connections
// stay open, and nothing goes through any more, nor are new ones accepted.
type proxy struct {
	l      net.Listener
	mu     sync.Mutex
	frozen chan struct{} // closed while all is well
}

func startProxy(t *testing.T, target string) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	p := &proxy{l: l, frozen: make(chan struct{})}
	close(p.frozen)
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", target)
			if err != nil {
				in.Close()
				continue
			}
			go p.copy(out, in)
			go p.copy(in, out)
		}
	}()
	return p
}

func (p *proxy) copy(dst, src net.Conn) {
	defer dst.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := src.Read(buf)
		p.mu.Lock()
		ok := p.frozen
		p.mu.Unlock()
		<-ok
		if n > 0 {
			if _, err := dst.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *proxy) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.frozen = make(chan struct{})
}

func (p *proxy) thaw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.frozen)
}

func (p *proxy) addr() *net.TCPAddr { return p.l.Addr().(*net.TCPAddr) }

// A network that swallows everything is noticed by our own deadlines, and the
// other database does not notice it at all.
func TestBlackHole(t *testing.T) {
	t.Parallel()
	c := testpg.Start(t, testpg.TCP())
	direct := c.NewDB(t, testpg.Extensions("pgq"))
	testpg.Exec(t, direct, `select pgq.create_queue('q')`)
	name := testpg.Value[string](t, direct, `select current_database()::text`)
	p := startProxy(t, fmt.Sprintf("127.0.0.1:%d", c.Port()))
	through := fmt.Sprintf("host=127.0.0.1 port=%d user=postgres dbname=%s connect_timeout=1", p.addr().Port, name)

	short := func(d *Database) { d.limits.tick, d.limits.probe = 300*time.Millisecond, 300*time.Millisecond }
	db, other := watchDB(t, through, quick, short), watchDB(t, direct, quick)
	db.waitState(Ticking)
	other.waitState(Ticking)
	p.freeze()
	db.waitState(Failing) // no answer in time
	db.waitState(Away)    // nor a new connection
	other.waitPasses(10)
	if err := db.health.Check(); err != nil {
		t.Error(err)
	}
	p.thaw()
	db.wait("ticks", func() bool { db.Wake(); return db.Status().State == Ticking })
	other.said("WARNING", 0)
}

// A server that takes connections and says nothing.
func TestSilentServer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	db := watchDB(t, fmt.Sprintf("host=127.0.0.1 port=%d user=x dbname=x sslmode=disable connect_timeout=1", l.Addr().(*net.TCPAddr).Port), quick)
	db.waitState(Away)
	select {
	case <-db.Tried():
	default:
		t.Error("an attempt was made")
	}
}

func TestServerTooOld(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = oldServer(conn) }()
		}
	}()
	db := watchDB(t, fmt.Sprintf("host=127.0.0.1 port=%d user=x dbname=x sslmode=disable", l.Addr().(*net.TCPAddr).Port), quick)
	db.waitState(BadVersion)
	db.waitLog("server is too old, ignoring server=9.3.5 need=14")
}

// oldServer speaks for a server 9.3 that is asked what it is.
func oldServer(conn net.Conn) error {
	defer conn.Close()
	b := pgproto3.NewBackend(conn, conn)
	if _, err := b.ReceiveStartupMessage(); err != nil {
		return err
	}
	b.Send(&pgproto3.AuthenticationOk{})
	b.Send(&pgproto3.ParameterStatus{Name: "server_version", Value: "9.3.5"})
	b.Send(&pgproto3.BackendKeyData{SecretKey: make([]byte, 4)})
	b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	if err := b.Flush(); err != nil {
		return err
	}
	columns := []struct {
		value string
		oid   uint32
	}{{"90305", 23}, {"9.3.5", 25}, {"f", 16}, {"f", 16}, {"t", 16}, {"f", 16}}
	for {
		msg, err := b.Receive()
		if err != nil {
			return err
		}
		switch msg.(type) {
		case *pgproto3.Terminate:
			return io.EOF
		case *pgproto3.Sync:
			var row pgproto3.DataRow
			var desc pgproto3.RowDescription
			for _, c := range columns {
				row.Values = append(row.Values, []byte(c.value))
				desc.Fields = append(desc.Fields, pgproto3.FieldDescription{Name: []byte("x"), DataTypeOID: c.oid, TypeModifier: -1})
			}
			b.Send(&pgproto3.ParseComplete{})
			b.Send(&pgproto3.BindComplete{})
			b.Send(&desc)
			b.Send(&row)
			b.Send(&pgproto3.CommandComplete{CommandTag: []byte("SELECT 1")})
			b.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
			if err := b.Flush(); err != nil {
				return err
			}
		}
	}
}
