package main

import (
	"errors"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"skytools/lib/consumer"
)

// metricPrefix begins the names of our metrics.
const metricPrefix = "pgq_consume"

func desc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(metricPrefix+"_"+name, help, []string{"queue", "consumer"}, nil)
}

var (
	descEvents    = desc("events_total", "Events passed on, those of open and repeated batches included.")
	descBatches   = desc("batches_total", "Batches finished.")
	descRetries   = desc("retries_total", "Events that were put back to be retried.")
	descBytes     = desc("read_bytes_total", "Bytes of payload read from the queue.")
	descWorkers   = desc("workers", "Batch loops in this process.")
	descConnected = desc("connected_workers", "Batch loops that have their connection to the queue.")
	descTick      = desc("last_tick", "Id of the newest tick up to which a batch was finished.")
	descTickTime  = desc("last_tick_timestamp_seconds", "When that tick was made, in Unix time.")
	descLag       = desc("lag_seconds", "Age of a batch's tick when the batch was finished, of the last one.")
)

// collector gives the figures of a run to Prometheus.
type collector struct {
	queue, consumer string
	count           *counters

	mu    sync.Mutex
	loops []*consumer.Consumer
}

// add makes a batch loop known.
func (c *collector) add(l *consumer.Consumer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.loops = append(c.loops, l)
}

// stats adds up what the batch loops count. The tick is that of the newest.
func (c *collector) stats() (total consumer.Stats, loops, connected int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range c.loops {
		s := l.Stats()
		total.Bytes += s.Bytes
		if s.Connected {
			connected++
		}
		if s.LastTick > total.LastTick {
			total.LastTick, total.Lag = s.LastTick, s.Lag
		}
	}
	return total, len(c.loops), connected
}

// health tells what keeps the run from its work.
func (c *collector) health() error {
	if _, loops, connected := c.stats(); connected < loops {
		return errors.New("not connected to the database of the queue")
	}
	return nil
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		descEvents, descBatches, descRetries, descBytes, descWorkers, descConnected, descTick, descTickTime, descLag,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	send := func(d *prometheus.Desc, t prometheus.ValueType, v float64) {
		ch <- prometheus.MustNewConstMetric(d, t, v, c.queue, c.consumer)
	}
	s, loops, connected := c.stats()
	send(descEvents, prometheus.CounterValue, float64(c.count.events.Load()))
	send(descBatches, prometheus.CounterValue, float64(c.count.batches.Load()))
	send(descRetries, prometheus.CounterValue, float64(c.count.retries.Load()))
	send(descBytes, prometheus.CounterValue, float64(s.Bytes))
	send(descWorkers, prometheus.GaugeValue, float64(loops))
	send(descConnected, prometheus.GaugeValue, float64(connected))
	if s.LastTick == 0 {
		return // nothing was finished yet
	}
	send(descTick, prometheus.GaugeValue, float64(s.LastTick))
	send(descTickTime, prometheus.GaugeValue, float64(c.count.tickTime.Load())/1e6)
	send(descLag, prometheus.GaugeValue, s.Lag.Seconds())
}
