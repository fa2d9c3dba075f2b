package soak

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// snapshot is a txid_snapshot: what a tick sees.
type snapshot struct {
	xmin, xmax int64
	open       []int64
}

func parseSnapshot(s string) (snapshot, error) {
	var snap snapshot
	fail := func() (snapshot, error) { return snapshot{}, fmt.Errorf("not a snapshot: %q", s) }
	f := strings.Split(s, ":")
	if len(f) != 3 {
		return fail()
	}
	var err error
	if snap.xmin, err = strconv.ParseInt(f[0], 10, 64); err != nil {
		return fail()
	}
	if snap.xmax, err = strconv.ParseInt(f[1], 10, 64); err != nil {
		return fail()
	}
	for x := range strings.SplitSeq(f[2], ",") {
		if x == "" {
			continue
		}
		id, err := strconv.ParseInt(x, 10, 64)
		if err != nil {
			return fail()
		}
		snap.open = append(snap.open, id)
	}
	return snap, nil
}

// sees tells whether what the transaction did is visible.
func (s snapshot) sees(txid int64) bool {
	return txid < s.xmin || txid < s.xmax && !slices.Contains(s.open, txid)
}

// written is an event of a committed transaction.
type written struct {
	txid  int64
	data  string // unlike that of any other event
	start time.Time
}

// read is an event as a consumer got it.
type read struct {
	id, txid int64
	retry    int32
	data     string
}

// batch is what is known of a batch id.
type batch struct {
	id        int64
	queue     int32 // queue_id
	sub       int32 // sub_id: one registration of one consumer
	prev, cur int64
	from, to  snapshot

	opened   int64     // deed number of its opening
	finished bool      // finish_batch returned 1
	handed   time.Time // start of the latest call that returned it
	gone     time.Time // when it was known not to be open any more
	events   []read
	wasRead  bool
}

// deed is a change of a position. Its number was taken while the lock of the
// registration was held, so those of one registration are in true order.
type deed struct {
	n     int64
	kind  string // registered, moved, opened, finished
	queue int32
	tick  int64 // registered, moved
	batch *batch
	ack   time.Time // the change was committed before
}

// history collects what all sessions did and saw, and is checked at the end.
type history struct {
	mu       sync.Mutex
	events   map[int32][]written // by queue_id
	undone   map[string]bool     // data of events that were rolled back
	batches  map[int64]*batch
	deeds    map[int32][]deed // by sub_id
	finishes []deed
	retries  []retryRequest
	counts   map[string]int
	faults   []string
}

// retryRequest is a committed event_retry (one id) or batch_retry.
type retryRequest struct {
	batch int64
	id    int64 // 0: the whole batch
	count int   // how many events were put into the retry queue
}

func newHistory() *history {
	return &history{
		events:  map[int32][]written{},
		undone:  map[string]bool{},
		batches: map[int64]*batch{},
		deeds:   map[int32][]deed{},
		counts:  map[string]int{},
	}
}

func (h *history) count(what string, n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts[what] += n
}

func (h *history) fault(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faultLocked(format, args...)
}

func (h *history) faultLocked(format string, args ...any) {
	const enough = 50
	if len(h.faults) < enough {
		h.faults = append(h.faults, fmt.Sprintf(format, args...))
	}
}

func (h *history) failed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.faults) > 0
}

// committed notes the events of a transaction that was committed.
func (h *history) committed(queue int32, w written) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.events[queue] = append(h.events[queue], w)
	h.counts["events"]++
}

// rolledBack notes an event that must never be seen.
func (h *history) rolledBack(data string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.undone[data] = true
	h.counts["events rolled back"]++
}

// registered notes a committed registration, or the move of one.
func (h *history) registered(kind string, n int64, queue, sub int32, tick int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.deeds[sub] = append(h.deeds[sub], deed{n: n, kind: kind, queue: queue, tick: tick, ack: time.Now()})
	h.counts[kind]++
}

// handedOut notes a batch that a committed next_batch returned. start is when
// the call began, n a number taken after it.
func (h *history) handedOut(b batch, n int64, start time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.counts["batches handed out"]++
	old := h.batches[b.id]
	if old == nil {
		b.opened, b.handed = n, start
		h.batches[b.id] = &b
		return
	}
	if old.queue != b.queue || old.sub != b.sub || old.prev != b.prev || old.cur != b.cur {
		h.faultLocked("batch %d is queue %d, sub %d, ticks %d-%d and also queue %d, sub %d, ticks %d-%d",
			b.id, old.queue, old.sub, old.prev, old.cur, b.queue, b.sub, b.prev, b.cur)
	}
	// its opener took the lowest number: nobody saw it before the commit
	old.opened = min(old.opened, n)
	if start.After(old.handed) {
		old.handed = start
	}
}

// contents notes what was read of a batch that was still open afterwards.
func (h *history) contents(id int64, events []read) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := h.batches[id]
	if b == nil {
		h.faultLocked("batch %d was read but never handed out", id)
		return
	}
	h.counts["reads"]++
	for i, e := range events[min(1, len(events)):] {
		if before := events[i]; e.id < before.id || e.id == before.id && e.retry == 0 && before.retry == 0 {
			h.faultLocked("batch %d: event %d comes after event %d", id, e.id, before.id)
		}
	}
	// a retried event has the id of the first one, so their order is open
	slices.SortFunc(events, func(a, b read) int {
		return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.txid, b.txid))
	})
	if !b.wasRead {
		b.events, b.wasRead = events, true
		return
	}
	h.counts["batches read again"]++
	if !slices.Equal(b.events, events) {
		h.faultLocked("batch %d (queue %d, ticks %d-%d) changed between two reads:\n%v\n%v",
			id, b.queue, b.prev, b.cur, b.events, events)
	}
}

// finished notes a committed finish_batch that returned 1.
func (h *history) finished(id, n int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := h.batches[id]
	if b == nil {
		h.faultLocked("batch %d was finished but never handed out", id)
		return
	}
	if b.finished {
		h.faultLocked("batch %d was finished twice", id)
	}
	b.finished = true
	h.counts["batches finished"]++
	h.finishes = append(h.finishes, deed{n: n, kind: "finished", batch: b, ack: time.Now()})
}

func (h *history) retried(r retryRequest) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.retries = append(h.retries, r)
	h.counts["retries"] += r.count
}

// anyFinished returns the id of a batch that was finished, or an unknown one.
func (h *history) anyFinished(choose func(int) int) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.finishes) == 0 {
		return -1
	}
	return h.finishes[choose(len(h.finishes))].batch.id
}

// alive is a registration that exists at the end, after everything was
// consumed.
type alive struct {
	sub     int32
	pos     int64 // its position
	waiting int   // its rows in the retry queue
}

// check compares the whole history with the model.
func (h *history) check(left []alive) {
	h.mu.Lock()
	defer h.mu.Unlock()

	for _, b := range h.batches {
		h.deeds[b.sub] = append(h.deeds[b.sub], deed{n: b.opened, kind: "opened", batch: b})
	}
	for _, d := range h.finishes {
		h.deeds[d.batch.sub] = append(h.deeds[d.batch.sub], d)
	}
	moved := map[int32]bool{}
	for _, sub := range slices.Sorted(maps.Keys(h.deeds)) {
		moved[sub] = h.replay(sub)
	}
	h.checkTicks()
	h.checkContents()

	h.checkRetries()
	for _, a := range left {
		if moved[a.sub] {
			continue
		}
		h.checkDelivery(a)
	}
}

// replay follows the position of one registration through all its changes. It
// tells whether the registration was moved by hand.
func (h *history) replay(sub int32) (moved bool) {
	deeds := h.deeds[sub]
	slices.SortFunc(deeds, func(a, b deed) int { return int(a.n - b.n) })
	var pos int64
	var open *batch
	for i, d := range deeds {
		if (i == 0) != (d.kind == "registered") {
			h.faultLocked("sub %d: %s as its change number %d", sub, d.kind, i)
			return true
		}
		switch d.kind {
		case "registered", "moved":
			pos = d.tick
			moved = moved || d.kind == "moved"
			if open != nil {
				open.gone, open = d.ack, nil
			}
		case "opened":
			switch {
			case open != nil:
				h.faultLocked("sub %d: batch %d was opened while %d was open", sub, d.batch.id, open.id)
			case d.batch.prev != pos || d.batch.cur <= pos:
				h.faultLocked("sub %d: batch %d has ticks %d-%d, but the position was %d", sub, d.batch.id, d.batch.prev, d.batch.cur, pos)
			}
			open = d.batch
		case "finished":
			if open != d.batch {
				h.faultLocked("sub %d: batch %d was finished but not open", sub, d.batch.id)
			}
			d.batch.gone, open = d.ack, nil
			pos = d.batch.cur
		}
	}
	for _, b := range h.batches {
		if b.sub == sub && !b.gone.IsZero() && b.handed.After(b.gone) {
			h.faultLocked("sub %d: batch %d was handed out after it was gone", sub, b.id)
		}
	}
	return moved
}

// checkTicks demands that a later tick sees all that an earlier one sees.
func (h *history) checkTicks() {
	type tick struct {
		queue int32
		id    int64
	}
	ticks := map[tick]snapshot{}
	for _, b := range h.batches {
		ticks[tick{b.queue, b.prev}], ticks[tick{b.queue, b.cur}] = b.from, b.to
	}
	keys := slices.SortedFunc(maps.Keys(ticks), func(a, b tick) int {
		if a.queue != b.queue {
			return int(a.queue - b.queue)
		}
		return int(a.id - b.id)
	})
	for i, k := range keys {
		if i == 0 || keys[i-1].queue != k.queue {
			continue
		}
		s, later := ticks[keys[i-1]], ticks[k]
		ok := later.xmax >= s.xmax
		for _, x := range later.open {
			ok = ok && !s.sees(x)
		}
		if !ok {
			h.faultLocked("queue %d: tick %d (%v) does not see all that tick %d (%v) sees", k.queue, k.id, later, keys[i-1].id, s)
		}
	}
}

// expected returns what a batch must hold, retried events apart.
func (h *history) expected(b *batch) []string {
	events := h.events[b.queue]
	low := b.from.xmin
	i, _ := slices.BinarySearchFunc(events, low, func(w written, x int64) int { return int(w.txid - x) })
	var data []string
	for ; i < len(events) && events[i].txid < b.to.xmax; i++ {
		if w := events[i]; b.to.sees(w.txid) && !b.from.sees(w.txid) {
			data = append(data, w.data)
		}
	}
	slices.Sort(data)
	return data
}

// checkContents compares all that was read with the model.
func (h *history) checkContents() {
	for _, events := range h.events {
		slices.SortStableFunc(events, func(a, b written) int { return int(a.txid - b.txid) })
	}
	for _, b := range h.batches {
		if !b.wasRead {
			continue
		}
		var got []string
		for _, e := range b.events {
			if !b.to.sees(e.txid) || b.from.sees(e.txid) {
				h.faultLocked("batch %d: event %d of transaction %d is not between the ticks", b.id, e.id, e.txid)
			}
			if h.undone[e.data] {
				h.faultLocked("batch %d: event %d was rolled back: %s", b.id, e.id, e.data)
			}
			if e.retry == 0 {
				got = append(got, e.data)
			}
		}
		slices.Sort(got)
		if want := h.expected(b); !slices.Equal(got, want) {
			h.faultLocked("batch %d: queue %d, sub %d, ticks %d-%d, snapshots %v - %v\ngot  %d: %v\nwant %d: %v",
				b.id, b.queue, b.sub, b.prev, b.cur, b.from, b.to, len(got), got, len(want), want)
		}
		h.counts["events delivered"] += len(got)
	}
}

type owned struct {
	sub int32
	id  int64
}

// checkRetries demands that a retried event comes to its owner alone, and not
// more often than it was asked for.
func (h *history) checkRetries() {
	asked := map[owned]int{}
	for _, r := range h.retries {
		b := h.batches[r.batch]
		if b == nil {
			h.faultLocked("a retry in the unknown batch %d", r.batch)
			continue
		}
		if r.id != 0 {
			asked[owned{b.sub, r.id}]++
			continue
		}
		for _, e := range b.events {
			asked[owned{b.sub, e.id}]++
		}
	}
	original := map[[2]int64]string{} // data by queue and id
	for _, b := range h.batches {
		for _, e := range b.events {
			if e.retry == 0 {
				original[[2]int64{int64(b.queue), e.id}] = e.data
			}
		}
	}
	came := map[owned]int{}
	for _, b := range h.batches {
		for _, e := range b.events {
			if e.retry == 0 {
				continue
			}
			if data := original[[2]int64{int64(b.queue), e.id}]; data != e.data {
				h.faultLocked("batch %d: event %d was %q and is %q when retried", b.id, e.id, data, e.data)
			}
			o := owned{b.sub, e.id}
			if asked[o] == 0 {
				h.faultLocked("batch %d: sub %d got event %d again without having asked for it", b.id, b.sub, e.id)
			}
			if b.finished {
				came[o]++
			}
		}
	}
	moved := map[int32]bool{}
	for sub, deeds := range h.deeds {
		moved[sub] = slices.ContainsFunc(deeds, func(d deed) bool { return d.kind == "moved" })
	}
	for o, n := range came {
		if !moved[o.sub] && n > asked[o] {
			h.faultLocked("sub %d got event %d again %d times, having asked %d times", o.sub, o.id, n, asked[o])
		}
	}
}

// checkDelivery demands, without a look at any snapshot, that a registration
// that was never moved got all that began after it, each once, and all its
// retries.
func (h *history) checkDelivery(a alive) {
	deeds := h.deeds[a.sub]
	if len(deeds) == 0 {
		h.faultLocked("sub %d is registered at the end, but nobody registered it", a.sub)
		return
	}
	times := map[string]int{}
	retries := 0
	last := deeds[0].tick
	for _, d := range deeds {
		if d.kind != "finished" {
			continue
		}
		last = d.batch.cur
		if !d.batch.wasRead {
			return // finished by somebody who had not looked
		}
		for _, e := range d.batch.events {
			if e.retry == 0 {
				times[e.data]++
			} else {
				retries++
			}
		}
	}
	if last != a.pos {
		h.faultLocked("sub %d: position is %d, want %d", a.sub, a.pos, last)
	}
	for data, n := range times {
		if n > 1 {
			h.faultLocked("sub %d got %s %d times", a.sub, data, n)
		}
	}
	for _, w := range h.events[deeds[0].queue] {
		if w.start.After(deeds[0].ack) && times[w.data] == 0 {
			h.faultLocked("sub %d never got %s of transaction %d", a.sub, w.data, w.txid)
		}
	}
	asked := 0
	for _, r := range h.retries {
		if b := h.batches[r.batch]; b != nil && b.sub == a.sub {
			asked += r.count
		}
	}
	if retries+a.waiting != asked {
		h.faultLocked("sub %d asked for %d events again, got %d, and %d wait", a.sub, asked, retries, a.waiting)
	}
	h.counts["registrations followed to the end"]++
}

// report tells all faults and what was done.
func (h *history) report(t testing.TB) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, what := range slices.Sorted(maps.Keys(h.counts)) {
		t.Logf("%8d %s", h.counts[what], what)
	}
	for _, f := range h.faults {
		t.Error(f)
	}
}
