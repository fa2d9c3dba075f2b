package ticker

import (
	"maps"
	"slices"
)

// queueState is one row of pgq.ticker_state().
type queueState struct {
	queue    string
	eventSeq int64    // last id taken from the event sequence, 0: none ever
	tickID   int64    // newest tick
	tickSeq  int64    // its event sequence; 1 may also mean that no id was taken yet
	tickSnap snapshot // its snapshot
	due      bool     // the queue's settings allow a tick now, if there is something new
	now      snapshot // of the poll itself
}

// A watch decides, from one poll of pgq.ticker_state() to the next, which
// queues want a tick: those where an event may have been committed that no
// tick covers.
//
// It remembers of each queue only the last tick that it made itself, by
// pgq.tick_if(): the event sequence that this tick read, and a fence, the
// transaction id of the tick. What makes that enough:
//
//   - An event's transaction has its id before the event takes its own from
//     the sequence, and tick_if reads the sequence before it gets its
//     transaction id. So events up to the remembered sequence belong to
//     transactions below the fence.
//   - The newest tick, whoever made it, covers the transactions that have
//     ended in its snapshot. So of those events only the ones of transactions
//     that are below the fence and open in that snapshot are not covered; as
//     soon as one of these ends, the queue wants a tick.
//   - Later events move the sequence.
//
// Hence a long transaction that stays open causes no tick, nor does traffic
// that came after the fence, and without new events the number of ticks is at
// most the number of transactions that were open at the last one.
type watch struct {
	queues map[string]*mark
}

// A mark is what a watch remembers of its last tick of a queue.
type mark struct {
	tickID int64
	seq    int64
	fence  int64
}

func newWatch() *watch { return &watch{queues: map[string]*mark{}} }

// wants tells whether the queue wants a tick. A queue that the watch has not
// ticked yet always does, nothing being known of what came before; so does one
// that was dropped and made again.
func (w *watch) wants(q *queueState) bool {
	m := w.queues[q.queue]
	if m == nil || q.tickID < m.tickID {
		return true
	}
	if m.tickID == q.tickID && q.tickSeq > 1 {
		// The tick read the sequence a little later than the poll before it.
		m.seq = max(m.seq, q.tickSeq)
	}
	return q.eventSeq != m.seq || endedSince(q.tickSnap, q.now, m.fence)
}

// ticked records the tick that tick_if made because of the poll q: its id, and
// its transaction's.
func (w *watch) ticked(q *queueState, tickID, txid int64) {
	w.queues[q.queue] = &mark{tickID: tickID, seq: q.eventSeq, fence: txid}
}

// forget drops what is remembered of queues that the poll no longer has.
func (w *watch) forget(rows []queueState) {
	if len(w.queues) <= len(rows) {
		return
	}
	maps.DeleteFunc(w.queues, func(name string, _ *mark) bool {
		return !slices.ContainsFunc(rows, func(q queueState) bool { return q.queue == name })
	})
}
