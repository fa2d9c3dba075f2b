package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"skytools/lib/cascade"
)

// A collector shows the worker to Prometheus.
type collector struct{ w *worker }

func desc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(program+"_"+name, help, []string{"queue", "node"}, nil)
}

// figures are the metrics of a worker.
var figures = []struct {
	desc  *prometheus.Desc
	kind  prometheus.ValueType
	value func(cascade.WorkerStats) float64
}{
	{desc("batches_total", "Batches that the worker has finished."), prometheus.CounterValue, func(s cascade.WorkerStats) float64 { return float64(s.Batches) }},
	{desc("events_total", "Events that the worker has got."), prometheus.CounterValue, func(s cascade.WorkerStats) float64 { return float64(s.Events) }},
	{desc("event_bytes_total", "Payload of the events that the worker has got."), prometheus.CounterValue, func(s cascade.WorkerStats) float64 { return float64(s.Bytes) }},
	{desc("last_tick", "Tick that the worker has completed."), prometheus.GaugeValue, func(s cascade.WorkerStats) float64 { return float64(s.LastTick) }},
	{desc("lag_seconds", "Age of that tick when the worker had completed it."), prometheus.GaugeValue, func(s cascade.WorkerStats) float64 { return s.Lag.Seconds() }},
	{desc("provider_connected", "1 if the provider answers, else 0; 0 at the root."), prometheus.GaugeValue, func(s cascade.WorkerStats) float64 { return bit(s.Connected) }},
	{desc("paused", "1 if the worker is paused, else 0."), prometheus.GaugeValue, func(s cascade.WorkerStats) float64 { return bit(s.Paused) }},
	{desc("failing", "1 if the worker has an error, else 0."), prometheus.GaugeValue, func(s cascade.WorkerStats) float64 { return bit(s.Err != nil) }},
}

func bit(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// Describe is part of prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range figures {
		ch <- f.desc
	}
}

// Collect is part of prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	s := c.w.stats()
	for _, f := range figures {
		ch <- prometheus.MustNewConstMetric(f.desc, f.kind, f.value(s), c.w.Settings.Queue, s.Node)
	}
}
