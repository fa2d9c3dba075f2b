package soak

import (
	"strings"
	"testing"
	"time"
)

// story is a small history that is right: two batches of one consumer.
type story struct {
	written  []written
	undone   []string
	batches  []batch
	contents [][]read
	again    [][]read // second reads, nil if there is none
	ends     []int64  // finished batches, in order
	retries  []retryRequest
	left     alive
}

func rightStory() story {
	tick1, tick2, tick3 := snapshot{100, 100, nil}, snapshot{101, 103, []int64{101}}, snapshot{103, 103, nil}
	return story{
		written: []written{{txid: 100, data: "a"}, {txid: 101, data: "b"}, {txid: 102, data: "c"}},
		undone:  []string{"u"},
		batches: []batch{
			{id: 1, queue: 1, sub: 10, prev: 1, cur: 2, from: tick1, to: tick2},
			{id: 2, queue: 1, sub: 10, prev: 2, cur: 3, from: tick2, to: tick3},
		},
		contents: [][]read{
			{{1, 100, 0, "a"}, {3, 102, 0, "c"}},
			{{1, 101, 1, "a"}, {2, 101, 0, "b"}},
		},
		again:   [][]read{{{1, 100, 0, "a"}, {3, 102, 0, "c"}}, nil},
		ends:    []int64{1, 2},
		retries: []retryRequest{{batch: 1, id: 1, count: 1}},
		left:    alive{sub: 10, pos: 3},
	}
}

func (s story) faults() []string {
	h := newHistory()
	h.registered("registered", 1, 1, 10, 1)
	for _, w := range s.written {
		w.start = time.Now()
		h.committed(1, w)
	}
	for _, data := range s.undone {
		h.rolledBack(data)
	}
	for _, r := range s.retries {
		h.retried(r)
	}
	ended := 0
	for i, b := range s.batches {
		h.handedOut(b, int64(10*i+10), time.Now())
		h.contents(b.id, s.contents[i])
		if s.again[i] != nil {
			h.contents(b.id, s.again[i])
		}
		if ended < len(s.ends) {
			h.finished(s.ends[ended], int64(10*i+15))
			ended++
		}
	}
	h.check([]alive{s.left})
	return h.faults
}

// TestCheck makes sure that the model notices what is wrong.
func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(*story)
		want   string
	}{
		{"right", func(s *story) {}, ""},
		{"event lost", func(s *story) { s.contents[0], s.again[0] = s.contents[0][:1], nil }, "never got c"},
		{"event of a transaction that was open at the tick", func(s *story) { s.contents[0][0] = read{1, 101, 0, "b"} }, "not between the ticks"},
		{"event twice", func(s *story) { s.contents[1] = append(s.contents[1], read{3, 102, 0, "c"}) }, "got c 2 times"},
		{"event that was rolled back", func(s *story) { s.contents[1] = append(s.contents[1], read{4, 101, 0, "u"}) }, "was rolled back"},
		{"event of no known transaction", func(s *story) { s.written = s.written[:2] }, "batch 1: queue 1"},
		{"wrong order", func(s *story) { s.contents[0][0], s.contents[0][1] = s.contents[0][1], s.contents[0][0] }, "comes after"},
		{"other contents the second time", func(s *story) { s.again[0] = s.contents[0][:1] }, "changed between two reads"},
		{"gap between batches", func(s *story) { s.batches[1].prev = 1 }, "but the position was 2"},
		{"batch id shared", func(s *story) { s.batches[1].id, s.ends = 1, s.ends[:1] }, "and also"},
		{"finished twice", func(s *story) { s.ends = []int64{1, 1} }, "finished twice"},
		{"opened while another is open", func(s *story) { s.ends = nil }, "was opened while"},
		{"retry that nobody asked for", func(s *story) { s.retries = nil }, "without having asked"},
		{"retry that never came", func(s *story) { s.contents[1] = s.contents[1][1:] }, "asked for 1 events again, got 0"},
		{"retry that changed", func(s *story) { s.contents[1][0].data = "x" }, "when retried"},
		{"tick that sees less than the one before", func(s *story) { s.batches[1].to = snapshot{100, 103, []int64{100}} }, "does not see all"},
		{"position moved by itself", func(s *story) { s.left.pos = 2 }, "position is 2, want 3"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := rightStory()
			tt.change(&s)
			faults := strings.Join(s.faults(), "\n")
			if tt.want == "" && faults != "" || !strings.Contains(faults, tt.want) {
				t.Errorf("got  %s\nwant %s", faults, tt.want)
			}
		})
	}
}
