package console

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"skytools/cmd/qadmin/internal/grammar"
	"skytools/lib/cli"
	"skytools/lib/pgq"
)

func registerConsumer(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	queue, err := s.queue(m)
	if err != nil {
		return err
	}
	consumer := m.Value("consumer")
	err = s.atomic(ctx, func(c *pgq.Client) error {
		tick, err := s.startTick(ctx, c, queue, m)
		if err != nil {
			return err
		}
		if tick >= 0 {
			_, err = c.RegisterAt(ctx, queue, consumer, tick)
			return err
		}
		created, err := c.Register(ctx, queue, consumer)
		if err == nil && !created {
			err = fmt.Errorf("consumer already registered: %s", consumer)
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.tag("REGISTER")
}

// startTick is the tick that a consumer is to begin at, -1 for the newest. Of
// at and copy the last one wins.
func (s *Session) startTick(ctx context.Context, c *pgq.Client, queue string, m *grammar.Match) (int64, error) {
	tick := int64(-1)
	for _, a := range m.Values() {
		switch a.Label {
		case "tick":
			n, err := strconv.ParseInt(a.Token.Value, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("not the number of a tick: %s", a.Token.Value)
			}
			tick = n
		case "donor":
			list, err := c.ConsumerInfo(ctx, queue, a.Token.Value)
			if err != nil {
				return 0, err
			}
			if len(list) == 0 {
				return 0, fmt.Errorf("no such consumer: %s", a.Token.Value)
			}
			from := list[0].NextTick
			if from == nil {
				from = list[0].LastTick
			}
			if from == nil {
				return 0, fmt.Errorf("consumer %s has no position", a.Token.Value)
			}
			tick = *from
		}
	}
	return tick, nil
}

// consumerOf gives the consumer that a subconsumer belongs to.
func consumerOf(m *grammar.Match) (string, error) {
	a, ok := m.Arg("consumer")
	if !ok {
		return "", cli.WithHint(fmt.Errorf("no consumer specified"), "Name the one that it shares batches of, with: for CONSUMER.")
	}
	return a.Token.Value, nil
}

func registerSubconsumer(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	queue, err := s.queue(m)
	if err != nil {
		return err
	}
	consumer, err := consumerOf(m)
	if err != nil {
		return err
	}
	sub := m.Value("subconsumer")
	err = s.atomic(ctx, func(c *pgq.Client) error {
		created, err := c.RegisterSub(ctx, queue, consumer, sub)
		if err == nil && !created {
			err = fmt.Errorf("subconsumer already registered: %s.%s", consumer, sub)
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.tag("REGISTER")
}

func unregisterConsumer(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	queue, err := s.queue(m)
	if err != nil {
		return err
	}
	all := m.Has("*")
	if all {
		if err := s.confirm(fmt.Sprintf("unregister all consumers of queue %q", queue), true); err != nil {
			return err
		}
	}
	err = s.atomic(ctx, func(c *pgq.Client) error {
		names := []string{m.Value("consumer")}
		if all {
			list, err := c.ConsumerInfo(ctx, queue, "")
			if err != nil {
				return err
			}
			names = nil
			for _, i := range list {
				names = append(names, i.Consumer)
			}
		}
		for _, name := range names {
			n, err := c.Unregister(ctx, queue, name)
			if err != nil {
				return err
			}
			// A subconsumer goes with its consumer, whose name comes first.
			if n == 0 && !all {
				return fmt.Errorf("no such consumer: %s", name)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.tag("UNREGISTER")
}

func unregisterSubconsumer(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	queue, err := s.queue(m)
	if err != nil {
		return err
	}
	consumer, err := consumerOf(m)
	if err != nil {
		return err
	}
	all := m.Has("*")
	if all {
		if err := s.confirm(fmt.Sprintf("unregister all subconsumers of %q from queue %q", consumer, queue), true); err != nil {
			return err
		}
	}
	err = s.atomic(ctx, func(c *pgq.Client) error {
		subs := []string{m.Value("subconsumer")}
		if all {
			list, err := c.ConsumerInfo(ctx, queue, "")
			if err != nil {
				return err
			}
			subs = nil
			for _, i := range list {
				// Names of consumers may hold dots too.
				if sub, ok := strings.CutPrefix(i.Consumer, consumer+"."); ok {
					subs = append(subs, sub)
				}
			}
		}
		for _, sub := range subs {
			removed, err := c.UnregisterSub(ctx, queue, consumer, sub, m.Has("close"))
			if err != nil {
				return err
			}
			if !removed && !all {
				return fmt.Errorf("no such subconsumer: %s.%s", consumer, sub)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.tag("UNREGISTER")
}

func showConsumer(ctx context.Context, s *Session, _ *input, m *grammar.Match) error {
	var queue, consumer any
	title := "Consumers"
	if a, ok := m.Arg("consumer"); ok {
		consumer = a.Token.Value
		title = fmt.Sprintf("Consumer %q", consumer)
	}
	if a, ok := m.Arg("queue"); ok {
		queue = a.Token.Value
	} else if !m.Has("on") && !m.Has("consumers") && s.Queue != "" {
		queue = s.Queue
	}
	if queue != nil {
		title += fmt.Sprintf(" on queue %q", queue)
		if err := s.needQueue(ctx, queue.(string)); err != nil {
			return err
		}
	}
	if consumer != nil {
		exists, err := s.yes(ctx, "select exists (select from pgq.get_consumer_info($1, $2))", queue, consumer)
		if err != nil {
			return err
		}
		if !exists {
			return fmt.Errorf("no such consumer: %s", consumer)
		}
	}
	s.warn = func(row []string) []bool {
		// who blocks rotation, and how far it is behind
		const lag, blocks = 2, 9
		warned := make([]bool, len(row))
		warned[lag], warned[blocks] = row[blocks] == "t", row[blocks] == "t"
		return warned
	}
	defer func() { s.warn = nil }()
	return s.show(ctx, title+":", -1, file("consumer"), queue, consumer)
}
