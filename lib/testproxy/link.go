package testproxy

import (
	"sync"
	"testing"
	"time"
)

// Link is a proxy that stands for a network between two hosts, which a test
// makes worse and heals.
type Link struct {
	*Proxy

	mu    sync.Mutex
	open  chan struct{} // closed while the link is not blocked
	delay time.Duration
}

// NewLink starts a link to the server of dsn. It ends with the test.
func NewLink(t testing.TB, dsn string) *Link {
	t.Helper()
	l := &Link{open: make(chan struct{})}
	close(l.open)
	l.Proxy = New(t, dsn, l.pass)
	t.Cleanup(l.Heal) // before the proxy ends: nothing may wait then
	return l
}

// pass holds each message as long as the link's state demands.
func (l *Link) pass(m Message) Action {
	const copyData = 'd'
	l.mu.Lock()
	open, delay := l.open, l.delay
	l.mu.Unlock()
	if delay > 0 && m.Type != copyData {
		<-time.After(delay)
	}
	<-open
	return Pass
}

// Block lets nothing pass from now on: connections stay, new ones are taken and
// get no answer, as where a firewall drops packets.
func (l *Link) Block() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.open:
		l.open = make(chan struct{})
	default:
	}
}

// Delay holds each message for so long, in both directions, but the rows of a
// COPY only as a whole.
func (l *Link) Delay(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay = d
}

// Heal ends Block and Delay: what was held arrives.
func (l *Link) Heal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.delay = 0
	select {
	case <-l.open:
	default:
		close(l.open)
	}
}
