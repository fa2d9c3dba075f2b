package db

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// pgx takes a parameter of libpq that it does not know for one of the server,
// which then refuses the connection. Here those are done, or left out where
// they change nothing for us, or refused where leaving them out would be less
// safe than what was asked for.

// harmless are about what we never do.
var harmless = []string{"gsslib", "gssdelegation", "sslcompression", "requiressl", "load_balance_hosts", "sslkeylogfile", "scram_client_key", "scram_server_key"}

// refused would be promises that nobody keeps.
var refused = []string{"sslcrl", "sslcrldir", "requirepeer"}

// adaptLibpq does what libpq's own parameters ask for.
func adaptLibpq(cfg *pgx.ConnConfig) error {
	take := func(name string) string {
		v := cfg.RuntimeParams[name]
		delete(cfg.RuntimeParams, name)
		return v
	}
	for _, name := range harmless {
		take(name)
	}
	for _, name := range refused {
		if take(name) != "" {
			return fmt.Errorf("connection parameter %s is not supported", name)
		}
	}
	if mode := take("gssencmode"); mode == "require" {
		return fmt.Errorf("connection parameter gssencmode=%s is not supported", mode)
	}
	if name := take("fallback_application_name"); name != "" && cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = name
	}
	for param, set := range map[string]func(c *tls.Config, version uint16){
		"ssl_min_protocol_version": func(c *tls.Config, version uint16) { c.MinVersion = version },
		"ssl_max_protocol_version": func(c *tls.Config, version uint16) { c.MaxVersion = version },
	} {
		if err := setTLSVersion(cfg, param, take(param), set); err != nil {
			return err
		}
	}
	if addr := take("hostaddr"); addr != "" {
		if err := setHostaddr(cfg, addr); err != nil {
			return err
		}
	}
	return setDialer(cfg, take)
}

var tlsVersions = map[string]uint16{"tlsv1": tls.VersionTLS10, "tlsv1.1": tls.VersionTLS11, "tlsv1.2": tls.VersionTLS12, "tlsv1.3": tls.VersionTLS13}

func setTLSVersion(cfg *pgx.ConnConfig, param, text string, set func(*tls.Config, uint16)) error {
	if text == "" {
		return nil
	}
	version, ok := tlsVersions[strings.ToLower(text)]
	if !ok {
		return fmt.Errorf("bad value %q for connection parameter %s", text, param)
	}
	all := []*tls.Config{cfg.TLSConfig}
	for _, f := range cfg.Fallbacks {
		all = append(all, f.TLSConfig)
	}
	for _, c := range all {
		if c != nil {
			set(c, version)
		}
	}
	return nil
}

// setHostaddr makes host names only names, for certificates and password files,
// and connects to the addresses that belong to them in order.
func setHostaddr(cfg *pgx.ConnConfig, addrs string) error {
	hosts := []string{cfg.Host}
	for _, f := range cfg.Fallbacks { // each host comes once for each way to encrypt
		if hosts[len(hosts)-1] != f.Host {
			hosts = append(hosts, f.Host)
		}
	}
	list := strings.Split(addrs, ",")
	if len(list) != len(hosts) {
		return fmt.Errorf("connection parameter hostaddr has %d addresses for %d hosts", len(list), len(hosts))
	}
	of := map[string]string{}
	for i, h := range hosts {
		if strings.HasPrefix(h, "/") || strings.HasPrefix(h, "@") {
			return fmt.Errorf("connection parameter hostaddr needs host, with the name of the server")
		}
		of[h] = list[i]
	}
	lookup := cfg.LookupFunc
	cfg.LookupFunc = func(ctx context.Context, host string) ([]string, error) {
		if addr := of[host]; addr != "" {
			return []string{addr}, nil
		}
		return lookup(ctx, host)
	}
	return nil
}

// setDialer makes a dialer under whose connections a server that vanished
// without a word is noticed while we wait for it.
func setDialer(cfg *pgx.ConnConfig, take func(string) string) error {
	d := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3}}
	number := func(name string, set func(n int)) error {
		text := take(name)
		if text == "" {
			return nil
		}
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return fmt.Errorf("bad value %q for connection parameter %s", text, name)
		}
		if n > 0 || name == "keepalives" { // 0 is the default
			set(n)
		}
		return nil
	}
	for _, p := range []struct {
		name string
		set  func(n int)
	}{
		{"keepalives", func(n int) { d.KeepAliveConfig.Enable = n != 0 }},
		{"keepalives_idle", func(n int) { d.KeepAliveConfig.Idle = time.Duration(n) * time.Second }},
		{"keepalives_interval", func(n int) { d.KeepAliveConfig.Interval = time.Duration(n) * time.Second }},
		{"keepalives_count", func(n int) { d.KeepAliveConfig.Count = n }},
		{"tcp_user_timeout", func(n int) { d.Control = userTimeout(n) }},
	} {
		if err := number(p.name, p.set); err != nil {
			return err
		}
	}
	if !d.KeepAliveConfig.Enable {
		d.KeepAlive = -1 // or the default of Go would enable it
	}
	cfg.DialFunc = d.DialContext
	return nil
}

// userTimeout sets how many milliseconds sent data may stay unacknowledged.
func userTimeout(ms int) func(network, address string, c syscall.RawConn) error {
	const tcpUserTimeout = 18 // TCP_USER_TIMEOUT of Linux
	return func(network, _ string, c syscall.RawConn) (err error) {
		if runtime.GOOS != "linux" || !strings.HasPrefix(network, "tcp") {
			return nil
		}
		cerr := c.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, ms) })
		if err == nil {
			err = cerr
		}
		return err
	}
}
