package ticker

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestParseSnapshot(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"1:1:", "10:20:10,15,19", "9223372036854775806:9223372036854775807:"} {
		sn, err := parseSnapshot(s)
		if err != nil || sn.text() != s {
			t.Errorf("got %v, %v for %q", sn, err, s)
		}
	}
	for _, s := range []string{"", "1", "1:2", "a:2:", "1:b:", "1:2:c", "1:9:3,2", "1:2:,"} {
		if sn, err := parseSnapshot(s); err == nil {
			t.Errorf("got %v for %q, want an error", sn, s)
		}
	}
}

func (s snapshot) text() string {
	out := fmt.Sprintf("%d:%d:", s.xmin, s.xmax)
	for i, x := range s.xip {
		if i > 0 {
			out += ","
		}
		out += fmt.Sprint(x)
	}
	return out
}

func TestEndedSince(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, old, now string
		fence          int64
		want           bool
	}{
		{"nothing open", "10:10:", "10:10:", 10, false},
		{"still open", "5:10:5", "5:12:5,11", 10, false},
		{"ended", "5:10:5", "12:12:", 10, true},
		{"one of two ended", "5:10:5,7", "5:12:5", 10, true},
		{"open one is at the fence", "5:10:5", "12:12:", 5, false},
		{"id at xmax ended", "10:10:", "11:11:", 11, true},
		{"id at xmax still open", "10:10:", "10:12:10", 11, false},
		{"id at xmax not known to have ended", "10:10:", "10:10:", 15, false},
		{"later traffic", "10:10:", "90:95:", 10, false},
		{"later traffic around an open one", "7:10:7", "7:95:7,93", 10, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			old, err := parseSnapshot(tt.old)
			if err != nil {
				t.Fatal(err)
			}
			now, err := parseSnapshot(tt.now)
			if err != nil {
				t.Fatal(err)
			}
			if got := endedSince(old, now, tt.fence); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// A server is what the watch sees of PostgreSQL: transaction ids, snapshots,
// an event sequence and ticks of one queue. A tick by tick_if goes through its
// steps one by one, so that anything can happen between them.
type server struct {
	nextID int64
	open   []int64 // in ascending order
	top    int64   // highest id that has ended
	seq    int64
	events []modelEvent
	ticks  []modelTick
	due    bool
	calls  int // ticks made by tick_if
	step   int // of the running tick_if, 0: none
	run    struct {
		poll      queueState
		seq, txid int64
		snap      snapshot
	}
	w *watch
}

type modelEvent struct {
	txid      int64
	committed bool
}

type modelTick struct {
	seq  int64
	snap snapshot
}

func newServer() *server {
	s := &server{nextID: 100, top: 99, due: true, w: newWatch()}
	s.tick()
	return s
}

func (s *server) begin() int64 {
	id := s.nextID
	s.nextID++
	s.open = append(s.open, id)
	return id
}

func (s *server) end(id int64, commit bool) {
	s.open = slices.DeleteFunc(s.open, func(x int64) bool { return x == id })
	s.top = max(s.top, id)
	for i := range s.events {
		if s.events[i].txid == id {
			s.events[i].committed = commit
		}
	}
}

func (s *server) insert(id int64) {
	s.seq++
	s.events = append(s.events, modelEvent{txid: id})
}

func (s *server) snapshot() snapshot {
	sn := snapshot{xmin: s.top + 1, xmax: s.top + 1}
	for _, x := range s.open {
		if x < sn.xmax {
			sn.xip = append(sn.xip, x)
		}
	}
	if len(sn.xip) > 0 {
		sn.xmin = sn.xip[0]
	}
	return sn
}

// tick is a tick by somebody else, at once.
func (s *server) tick() {
	id := s.begin()
	s.ticks = append(s.ticks, modelTick{max(s.seq, 1), s.snapshot()})
	s.end(id, true)
}

func (s *server) state() queueState {
	last := s.ticks[len(s.ticks)-1]
	return queueState{
		queue: "q", eventSeq: s.seq, tickID: int64(len(s.ticks)), tickSeq: last.seq,
		tickSnap: last.snap, due: s.due, now: s.snapshot(),
	}
}

// advance polls, or takes the running tick_if one step further. It reports
// whether a tick is running or was made.
func (s *server) advance() bool {
	switch s.step {
	case 0:
		q := s.state()
		if !s.w.wants(&q) || !q.due {
			return false
		}
		s.run.poll = q
	case 1:
		s.run.seq = max(s.seq, 1)
	case 2:
		s.run.txid = s.begin()
	case 3:
		s.run.snap = s.snapshot()
	case 4:
		if s.run.poll.tickID == int64(len(s.ticks)) {
			s.ticks = append(s.ticks, modelTick{s.run.seq, s.run.snap})
			s.calls++
			s.end(s.run.txid, true)
			s.w.ticked(&s.run.poll, int64(len(s.ticks)), s.run.txid)
		} else {
			s.end(s.run.txid, true)
		}
		s.step = 0
		return true
	}
	s.step++
	return true
}

func (s *server) finish() {
	for s.step > 0 {
		s.advance()
	}
}

// settle polls until the watch has nothing to do, and returns the ticks made.
func (s *server) settle(t *rapid.T) int {
	before := s.calls
	for range 1000 {
		if !s.advance() {
			return s.calls - before
		}
	}
	t.Fatal("the ticks do not end")
	return 0
}

func (s *server) uncovered() int {
	last := s.ticks[len(s.ticks)-1].snap
	n := 0
	for _, e := range s.events {
		if e.committed && !last.ended(e.txid) {
			n++
		}
	}
	return n
}

// Whatever happens in which order: once the settings allow ticks, every
// committed event is covered within bounded polls; then, without new events,
// no tick is made, however long transactions stay open and however much other
// traffic there is.
func TestWatchCoversEveryEvent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := newServer()
		var writers []int64 // open transactions that may put events in
		pick := func(t *rapid.T) int64 {
			if len(writers) == 0 {
				t.Skip("no open transaction")
			}
			return rapid.SampledFrom(writers).Draw(t, "txid")
		}
		end := func(t *rapid.T, commit bool) {
			id := pick(t)
			writers = slices.DeleteFunc(writers, func(x int64) bool { return x == id })
			s.end(id, commit)
		}
		t.Repeat(map[string]func(*rapid.T){
			"begin":  func(t *rapid.T) { writers = append(writers, s.begin()) },
			"insert": func(t *rapid.T) { s.insert(pick(t)) },
			"autocommit": func(t *rapid.T) {
				id := s.begin()
				s.insert(id)
				s.end(id, true)
			},
			"commit":   func(t *rapid.T) { end(t, true) },
			"rollback": func(t *rapid.T) { end(t, false) },
			"traffic":  func(t *rapid.T) { s.end(s.begin(), true) },
			"tick by somebody else": func(t *rapid.T) {
				if s.step == 0 || s.step == 1 { // later steps hold the queue's lock
					s.tick()
				}
			},
			"due":     func(t *rapid.T) { s.due = rapid.Bool().Draw(t, "due") },
			"advance": func(t *rapid.T) { s.advance() },
			"poll":    func(t *rapid.T) { s.finish(); s.advance() },
		})
		s.due = true
		s.finish()
		s.settle(t)
		if n := s.uncovered(); n > 0 {
			t.Fatalf("%d events are not covered with transactions open", n)
		}

		// Now they end one by one, amid other traffic.
		open := len(s.open)
		ticks := 0
		for _, id := range slices.Clone(s.open) {
			s.end(s.begin(), true)
			s.end(id, true)
			ticks += s.settle(t)
			if n := s.uncovered(); n > 0 {
				t.Fatalf("%d events are not covered after the end of %d", n, id)
			}
		}
		if ticks > open {
			t.Fatalf("%d ticks for the end of %d transactions", ticks, open)
		}
		holder := s.begin()
		for range 20 {
			s.end(s.begin(), true)
			if n := s.settle(t); n > 0 {
				t.Fatalf("%d ticks of an idle queue", n)
			}
		}
		s.end(holder, true)
		if n := s.settle(t); n > 0 {
			t.Fatalf("%d ticks for a transaction that came later", n)
		}
	})
}

// The first event of a queue leaves last_value at 1; only 0 before it tells.
func TestWatchSeesTheFirstEvent(t *testing.T) {
	t.Parallel()
	s := newServer()
	for s.advance() {
	}
	s.calls = 0
	id := s.begin()
	s.insert(id)
	s.end(id, true)
	for s.advance() {
	}
	if s.calls != 1 || s.uncovered() != 0 {
		t.Errorf("got %d ticks, %d events not covered", s.calls, s.uncovered())
	}
}

// An autocommitted event costs one tick, an event of a transaction that is
// open at the tick costs a second one.
func TestWatchMakesNoSpareTicks(t *testing.T) {
	t.Parallel()
	s := newServer()
	settle := func() int {
		s.calls = 0
		for s.advance() {
		}
		return s.calls
	}
	settle()
	for range 5 {
		id := s.begin()
		s.insert(id)
		s.end(id, true)
		if n := settle(); n != 1 {
			t.Errorf("got %d ticks for an event, want 1", n)
		}
	}
	id := s.begin()
	s.insert(id)
	if n := settle(); n != 1 {
		t.Errorf("got %d ticks for an open event, want 1", n)
	}
	s.end(id, true)
	if n := settle(); n != 1 {
		t.Errorf("got %d ticks for its commit, want 1", n)
	}
}

// A queue that was dropped and made again starts anew.
func TestWatchForgets(t *testing.T) {
	t.Parallel()
	w := newWatch()
	a := queueState{queue: "a", eventSeq: 5, tickID: 9, tickSeq: 5}
	b := queueState{queue: "b", tickID: 1}
	w.ticked(&a, 9, 50)
	w.ticked(&b, 1, 51)
	if w.wants(&a) || w.wants(&b) {
		t.Error("nothing is new")
	}
	again := queueState{queue: "a", eventSeq: 5, tickID: 1, tickSeq: 1}
	if !w.wants(&again) {
		t.Error("an older tick is another queue of that name")
	}
	w.forget([]queueState{b})
	if len(w.queues) != 1 || !w.wants(&a) {
		t.Errorf("got %v", w.queues)
	}
}
