package main

import (
	"fmt"
	"strings"

	"skytools/lib/event"
)

// queueName is the name of --into-queue: text with {ev_...} in it, which each
// event fills with its own. Without any, all events go to one queue.
type queueName struct {
	parts []namePart
}

// namePart is text, or the column f if text is empty.
type namePart struct {
	text string
	f    field
}

// parseQueueName reads a template. A {column} may be any of the columns that
// are text.
func parseQueueName(s string) (queueName, error) {
	var q queueName
	for s != "" {
		text, rest, found := strings.Cut(s, "{")
		if text != "" {
			if strings.Contains(text, "}") {
				return q, fmt.Errorf("a } without its { in %q", text)
			}
			q.parts = append(q.parts, namePart{text: text})
		}
		if !found {
			break
		}
		name, after, closed := strings.Cut(rest, "}")
		if !closed {
			return q, fmt.Errorf("missing } after {%s", rest)
		}
		f, ok := fieldByName[name]
		if !ok || f < fieldType {
			return q, fmt.Errorf("unknown placeholder {%s}: use one of {ev_type}, {ev_data}, {ev_extra1}, {ev_extra2}, {ev_extra3}, {ev_extra4}", name)
		}
		q.parts = append(q.parts, namePart{f: f})
		s = after
	}
	return q, nil
}

// fixed returns the name if it is the same for all events.
func (q queueName) fixed() (string, bool) {
	if len(q.parts) == 1 && q.parts[0].text != "" {
		return q.parts[0].text, true
	}
	return "", false
}

// append appends the queue's name for e. A column that is null or empty gives
// no name.
func (q queueName) append(dst []byte, e *event.Event) ([]byte, error) {
	for _, p := range q.parts {
		if p.text != "" {
			dst = append(dst, p.text...)
			continue
		}
		v := p.f.text(e)
		if len(v) == 0 {
			return nil, fmt.Errorf("event %d: %s is empty and cannot name a queue", e.ID, fieldNames[p.f])
		}
		dst = append(dst, v...)
	}
	return dst, nil
}
