package daemon

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
)

// Health knows whether every part of a daemon still moves. Each part promises
// to report again within a time of its own choice; a part that waits for a
// slow server has a deadline there, and so keeps its promise while the server
// hangs. What breaks a promise is a fault of the program, and for that the
// watchdog exists.
type Health struct {
	mu    sync.Mutex
	parts map[*Part]struct{}
}

// A Part is one loop of the daemon.
type Part struct {
	h    *Health
	name string
	due  time.Time
}

// Part adds a part; it counts from its first promise on.
func (h *Health) Part(name string) *Part {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.parts == nil {
		h.parts = map[*Part]struct{}{}
	}
	p := &Part{h: h, name: name}
	h.parts[p] = struct{}{}
	return p
}

// Within promises the next call of Within, or Done, before d has passed. A nil
// Part promises nothing.
func (p *Part) Within(d time.Duration) {
	if p == nil {
		return
	}
	p.h.mu.Lock()
	defer p.h.mu.Unlock()
	p.due = time.Now().Add(d)
}

// Free takes the promise back: the part waits for something that may take any
// time and is not its fault.
func (p *Part) Free() {
	if p == nil {
		return
	}
	p.h.mu.Lock()
	defer p.h.mu.Unlock()
	p.due = time.Time{}
}

// Done takes the part away.
func (p *Part) Done() {
	if p == nil {
		return
	}
	p.h.mu.Lock()
	defer p.h.mu.Unlock()
	delete(p.h.parts, p)
}

// Check returns an error that names the parts which broke their promise.
func (h *Health) Check() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	var late []string
	for p := range h.parts {
		if !p.due.IsZero() && now.After(p.due) {
			late = append(late, fmt.Sprintf("%s (%v late)", p.name, now.Sub(p.due).Round(time.Second)))
		}
	}
	if late == nil {
		return nil
	}
	slices.Sort(late)
	return fmt.Errorf("stuck: %s", strings.Join(late, ", "))
}

// Feed feeds the service manager's watchdog, unless Check finds an error,
// which it returns.
func (h *Health) Feed() error {
	if err := h.Check(); err != nil {
		return err
	}
	notify(sd.SdNotifyWatchdog)
	return nil
}
