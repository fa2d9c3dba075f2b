package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"skytools/lib/cli"
	"skytools/lib/consumer"
	"skytools/lib/event"
	"skytools/lib/pgq"
)

// queueTarget inserts the events into one queue of the target, or into several
// by the template of their name.
type queueTarget struct {
	name  queueName
	types *typeFilter
	count *counters
	bulk  bool // the target has what pgq.Client.InsertBulk needs; asked at the first insert
	asked bool

	groups map[string][]pgq.NewEvent
	// order has the queues as they came up, so that a run is repeatable.
	order  []string
	events int
	bytes  int
	text   []byte
}

func (t *queueTarget) Begin(context.Context, pgx.Tx, *consumer.Batch) error {
	t.reset()
	return nil
}

func (t *queueTarget) reset() {
	t.groups = make(map[string][]pgq.NewEvent)
	t.order, t.events, t.bytes = t.order[:0], 0, 0
}

func (t *queueTarget) Event(ctx context.Context, tx pgx.Tx, e *event.Event) error {
	if !t.types.match(e.Type) {
		return nil
	}
	var err error
	if t.text, err = t.name.append(t.text[:0], e); err != nil {
		return err
	}
	group, known := t.groups[string(t.text)]
	queue := string(t.text)
	if !known {
		t.order = append(t.order, queue)
	}
	t.groups[queue] = append(group, pgq.NewEvent{
		Type: text(e.Type), Data: text(e.Data),
		Extra1: text(e.Extra[0]), Extra2: text(e.Extra[1]), Extra3: text(e.Extra[2]), Extra4: text(e.Extra[3]),
	})
	t.count.events.Add(1)
	t.events++
	t.bytes += e.Size()
	if t.events < groupEvents && t.bytes < groupBytes {
		return nil
	}
	return t.send(ctx, tx)
}

func (t *queueTarget) End(ctx context.Context, tx pgx.Tx) error { return t.send(ctx, tx) }

func (t *queueTarget) send(ctx context.Context, tx pgx.Tx) error {
	defer t.reset()
	client := pgq.New(tx)
	for _, queue := range t.order {
		if err := t.insert(ctx, client, queue, t.groups[queue]); err != nil {
			t.asked = false // the target may be of another version when it is back
			return queueError(queue, err)
		}
	}
	return nil
}

func (t *queueTarget) insert(ctx context.Context, client *pgq.Client, queue string, events []pgq.NewEvent) error {
	if !t.asked {
		info, err := client.Inspect(ctx)
		if err != nil {
			return err
		}
		t.bulk, t.asked = info.Bulk, true
	}
	if t.bulk {
		return client.InsertBulk(ctx, queue, events)
	}
	_, err := client.InsertEvents(ctx, queue, events)
	return err
}

// queueError explains what the server says about the target queue.
func queueError(queue string, err error) error {
	switch {
	case pgq.IsUnknownQueue(err):
		return unknownTarget(queue)
	case pgq.IsInsertRefused(err):
		return fmt.Errorf("queue %q in the target database takes no events: %w", queue, err)
	}
	return err
}

func unknownTarget(queue string) error {
	return cli.WithHint(fmt.Errorf("unknown queue %q in the target database", queue),
		"Create it there with pgq.create_queue.")
}

// text copies a column; nil is null.
func text(v []byte) *string {
	if v == nil {
		return nil
	}
	s := string(v)
	return &s
}
