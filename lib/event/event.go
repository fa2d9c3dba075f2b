// Package event holds the record of one queue event, decodes it from the rows
// of a COPY, and writes it as a line of JSON. It reads the payloads that row
// triggers make. It opens no connection and knows no queue.
package event

import (
	"bytes"
	"time"
)

// Event is one event as a batch delivers it. The texts are nil when they are
// NULL in the queue, and empty but not nil when they are empty there.
//
// A decoder fills the same Event again and again and lets its texts point into
// the buffer it reads from: they are valid only until the next event. Clone
// keeps one.
type Event struct {
	ID       int64
	Time     Timestamp
	Txid     int64
	Retry    int32 // how often it was retried; only if HasRetry
	HasRetry bool
	Type     []byte
	Data     []byte
	Extra    [4][]byte // ev_extra1 .. ev_extra4
}

// Clone returns a copy that shares no memory with e.
func (e *Event) Clone() *Event {
	c := *e
	c.Type = bytes.Clone(e.Type)
	c.Data = bytes.Clone(e.Data)
	for i := range c.Extra {
		c.Extra[i] = bytes.Clone(e.Extra[i])
	}
	return &c
}

// Size is the number of payload bytes, as progress and statistics count them.
func (e *Event) Size() int {
	n := len(e.Type) + len(e.Data)
	for i := range e.Extra {
		n += len(e.Extra[i])
	}
	return n
}

// Timestamp is a timestamptz as PostgreSQL keeps it: microseconds since
// 2000-01-01 00:00 UTC, the extremes standing for the two infinities.
type Timestamp int64

// The infinities of timestamptz.
const (
	Infinity         Timestamp = 1<<63 - 1
	NegativeInfinity Timestamp = -1 << 63
)

// epoch is 2000-01-01 UTC in Unix seconds.
const epoch = 946684800

// IsFinite tells whether t is a moment and not an infinity.
func (t Timestamp) IsFinite() bool { return t != Infinity && t != NegativeInfinity }

// Time returns t in UTC. An infinity gives the zero time.
func (t Timestamp) Time() time.Time {
	if !t.IsFinite() {
		return time.Time{}
	}
	sec, us := divmod(int64(t), 1e6)
	return time.Unix(epoch+sec, us*1000).UTC()
}

// TimestampOf returns the Timestamp of t, cut to microseconds.
func TimestampOf(t time.Time) Timestamp {
	return Timestamp((t.Unix()-epoch)*1e6 + int64(t.Nanosecond()/1000))
}

// divmod divides towards minus infinity, so that the rest is never negative.
func divmod(a, b int64) (q, r int64) {
	q, r = a/b, a%b
	if r < 0 {
		q, r = q-1, r+b
	}
	return q, r
}
