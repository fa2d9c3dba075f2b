package consumer

import (
	"sync"
	"time"

	"skytools/lib/pgq"
)

// retries collects what a sink wants to see again.
type retries struct {
	mu    sync.Mutex
	list  []pgq.Retry
	all   bool
	after time.Duration
}

// Retry makes one event come again, to this consumer only, in a later batch,
// not before the time has passed. It is stored with the finish of the batch
// and takes memory until then.
func (b *Batch) Retry(eventID int64, after time.Duration) {
	b.retries.mu.Lock()
	defer b.retries.mu.Unlock()
	b.retries.list = append(b.retries.list, pgq.Retry{EventID: eventID, After: after})
}

// RetryAll makes every event of the batch come again.
func (b *Batch) RetryAll(after time.Duration) {
	b.retries.mu.Lock()
	defer b.retries.mu.Unlock()
	b.retries.all, b.retries.after = true, after
}

// finish returns how to end the batch.
func (r *retries) finish(b *pgq.Batch) pgq.Finish {
	r.mu.Lock()
	defer r.mu.Unlock()
	return pgq.Finish{Batch: b, Retries: r.list, RetryAll: r.all, RetryAfter: r.after}
}
