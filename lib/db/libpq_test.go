package db_test

import (
	"crypto/tls"
	"net"
	"syscall"
	"testing"

	"skytools/lib/db"
	"skytools/lib/testpg"
)

// TestLibpqParameters: what people have in their connection strings is no
// parameter of the server.
func TestLibpqParameters(t *testing.T) {
	t.Parallel()
	dsn := testpg.Shared(t).NewDB(t)
	conn, err := db.Connect(t.Context(), dsn+" fallback_application_name=mine gssencmode=prefer krbsrvname=postgres sslcompression=0 requiressl=0"+
		" load_balance_hosts=disable keepalives=1 keepalives_idle=60 keepalives_interval=0 tcp_user_timeout=5000 ssl_min_protocol_version=TLSv1.2", "tool")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var got string
	if err := conn.QueryRow(t.Context(), "select current_setting('application_name')").Scan(&got); err != nil || got != "mine" {
		t.Errorf("got application name %q, %v", got, err)
	}
	for _, tt := range []struct{ dsn, want string }{
		{"sslcrl=/x", "connection parameter sslcrl is not supported"},
		{"requirepeer=postgres", "connection parameter requirepeer is not supported"},
		{"gssencmode=require", "connection parameter gssencmode=require is not supported"},
		{"keepalives_idle=x", `bad value "x" for connection parameter keepalives_idle`},
		{"ssl_max_protocol_version=3", `bad value "3" for connection parameter ssl_max_protocol_version`},
		{"host=a,b hostaddr=127.0.0.1", "connection parameter hostaddr has 1 addresses for 2 hosts"},
		{"host=/tmp hostaddr=127.0.0.1", "connection parameter hostaddr needs host, with the name of the server"},
	} {
		if _, err := db.ParseConfig(tt.dsn, "tool"); err == nil || err.Error() != tt.want {
			t.Errorf("%s: got %v, want %s", tt.dsn, err, tt.want)
		}
	}

	cfg, err := db.ParseConfig("host=a,b hostaddr=127.0.0.1,127.0.0.2 sslmode=prefer ssl_min_protocol_version=TLSv1.3 ssl_max_protocol_version=tlsv1.3", "tool")
	if err != nil {
		t.Fatal(err)
	}
	if c := cfg.TLSConfig; c == nil || c.MinVersion != tls.VersionTLS13 || c.MaxVersion != tls.VersionTLS13 {
		t.Errorf("TLS %+v", c)
	}
	for host, want := range map[string]string{"a": "127.0.0.1", "b": "127.0.0.2"} {
		if got, err := cfg.LookupFunc(t.Context(), host); err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("address of %s: %v, %v", host, got, err)
		}
	}
}

// TestDialer asks the kernel what a connection has.
func TestDialer(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	const keepIdle, keepInterval, keepCount, userTimeout = 4, 5, 6, 18 // of IPPROTO_TCP on Linux
	for _, tt := range []struct {
		dsn  string
		want map[[2]int]int
	}{
		{"host=h", map[[2]int]int{
			{syscall.SOL_SOCKET, syscall.SO_KEEPALIVE}: 1, {syscall.IPPROTO_TCP, keepIdle}: 15, {syscall.IPPROTO_TCP, keepInterval}: 5,
			{syscall.IPPROTO_TCP, keepCount}: 3, {syscall.IPPROTO_TCP, userTimeout}: 0,
		}},
		{"host=h keepalives_idle=60 keepalives_interval=7 keepalives_count=9 tcp_user_timeout=4000", map[[2]int]int{
			{syscall.SOL_SOCKET, syscall.SO_KEEPALIVE}: 1, {syscall.IPPROTO_TCP, keepIdle}: 60, {syscall.IPPROTO_TCP, keepInterval}: 7,
			{syscall.IPPROTO_TCP, keepCount}: 9, {syscall.IPPROTO_TCP, userTimeout}: 4000,
		}},
		{"host=h keepalives=0", map[[2]int]int{{syscall.SOL_SOCKET, syscall.SO_KEEPALIVE}: 0}},
	} {
		cfg, err := db.ParseConfig(tt.dsn, "tool")
		if err != nil {
			t.Fatal(err)
		}
		conn, err := cfg.DialFunc(t.Context(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		raw, err := conn.(*net.TCPConn).SyscallConn()
		if err != nil {
			t.Fatal(err)
		}
		for opt, want := range tt.want {
			var got int
			cerr := raw.Control(func(fd uintptr) { got, err = syscall.GetsockoptInt(int(fd), opt[0], opt[1]) })
			if cerr != nil || err != nil || got != want {
				t.Errorf("%s: option %v is %d, want %d, %v, %v", tt.dsn, opt, got, want, cerr, err)
			}
		}
		conn.Close()
	}
}
