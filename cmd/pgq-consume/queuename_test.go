package main

import (
	"strings"
	"testing"

	"skytools/lib/event"
)

func TestQueueName(t *testing.T) {
	t.Parallel()
	e := &event.Event{ID: 7, Type: []byte("order"), Extra: [4][]byte{[]byte("public.t"), nil, []byte("")}}
	tests := []struct {
		name, want, err string
		fixed           bool
	}{
		{"copy", "copy", "", true},
		{"{ev_type}", "order", "", false},
		{"q.{ev_type}.{ev_extra1}", "q.order.public.t", "", false},
		{"q_{ev_extra2}", "", "event 7: ev_extra2 is empty and cannot name a queue", false},
		{"q_{ev_extra3}", "", "event 7: ev_extra3 is empty and cannot name a queue", false},
	}
	for _, tt := range tests {
		q, err := parseQueueName(tt.name)
		if err != nil {
			t.Errorf("%q: %v", tt.name, err)
			continue
		}
		if _, fixed := q.fixed(); fixed != tt.fixed {
			t.Errorf("%q: fixed is %v", tt.name, fixed)
		}
		got, err := q.append(nil, e)
		if tt.err != "" {
			if err == nil || err.Error() != tt.err {
				t.Errorf("%q: got error %v, want %s", tt.name, err, tt.err)
			}
			continue
		}
		if err != nil || string(got) != tt.want {
			t.Errorf("%q: got %q, %v, want %q", tt.name, got, err, tt.want)
		}
	}
}

func TestQueueNameErrors(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, want string }{
		{"{ev_foo}", "unknown placeholder {ev_foo}"},
		{"{ev_id}", "unknown placeholder {ev_id}"},
		{"{}", "unknown placeholder {}"},
		{"a{ev_type", "missing } after {ev_type"},
		{"a}b", "a } without its {"},
	}
	for _, tt := range tests {
		if _, err := parseQueueName(tt.name); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%q: got %v, want %q", tt.name, err, tt.want)
		}
	}
}
