package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"skytools/lib/ticker"
)

// A collector shows the databases to Prometheus.
type collector struct{ s *server }

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(program+"_"+name, help, labels, nil)
}

var (
	dbStates = desc("databases", "Databases in each state.", "state")
	dbUp     = desc("database_ticking", "1 if the database is being ticked, else 0.", "db")
	badQueue = desc("database_bad_queues", "Queues that cannot be ticked while others of the database can.", "db")

	lastPass  = desc("last_pass_timestamp_seconds", "Time of the last successful pass over all queues.", "db")
	lastMaint = desc("last_maint_timestamp_seconds", "Time of the last complete maintenance round.", "db")
	lastRetry = desc("last_retry_timestamp_seconds", "Time of the last complete move of retried events.", "db")

	queueTick = desc("queue_last_tick", "Id of the newest tick.", "db", "queue")
	queueTime = desc("queue_last_tick_timestamp_seconds", "Time when pgqd first saw the newest tick.", "db", "queue")

	reloads = desc("config_reloads_total", "Reloads of the configuration.", "result")

	counters = []struct {
		desc   *prometheus.Desc
		labels []string // after db
		value  func(*ticker.Stats) int64
	}{
		{desc("passes_total", "Successful passes over all queues, one each ticker_period.", "db"), nil,
			func(s *ticker.Stats) int64 { return s.Passes.Load() }},
		{desc("ticks_total", "Ticks made.", "db"), nil,
			func(s *ticker.Stats) int64 { return s.Ticks.Load() }},
		{desc("looks_total", "Looks for new events.", "db"), nil,
			func(s *ticker.Stats) int64 { return s.Looks.Load() }},
		{desc("maint_rounds_total", "Complete maintenance rounds.", "db"), nil,
			func(s *ticker.Stats) int64 { return s.MaintRounds.Load() }},
		{desc("retried_events_total", "Events moved from the retry queue back into their queues.", "db"), nil,
			func(s *ticker.Stats) int64 { return s.RetriedEvents.Load() }},
		{errorsTotal, []string{"ticker"}, func(s *ticker.Stats) int64 { return s.TickErrors.Load() }},
		{errorsTotal, []string{"maint"}, func(s *ticker.Stats) int64 { return s.MaintErrors.Load() }},
		{errorsTotal, []string{"retry"}, func(s *ticker.Stats) int64 { return s.RetryErrors.Load() }},
	}
	errorsTotal = desc("errors_total", "Failures of a loop, those to connect included.", "db", "loop")
)

// Describe names the metrics that come whatever the databases do.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{dbStates, dbUp, badQueue, lastPass, lastMaint, lastRetry, queueTick, queueTime, reloads, errorsTotal} {
		ch <- d
	}
	for _, x := range counters {
		if x.desc != errorsTotal {
			ch <- x.desc
		}
	}
}

// Collect reads the figures.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	stamp := func(d *prometheus.Desc, t time.Time, labels ...string) {
		if !t.IsZero() {
			gauge(d, float64(t.UnixMilli())/1000, labels...)
		}
	}
	count := func(d *prometheus.Desc, v int64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	c.s.mu.Lock()
	for name, db := range c.s.dbs {
		for _, x := range counters {
			count(x.desc, x.value(&db.Stats), append([]string{name}, x.labels...)...)
		}
	}
	c.s.mu.Unlock()
	states := map[ticker.State]int{}
	for _, st := range c.s.statuses() {
		states[st.State]++
		up := 0.0
		if st.State == ticker.Ticking {
			up = 1
		}
		gauge(dbUp, up, st.Name)
		gauge(badQueue, float64(len(st.BadQueues)), st.Name)
		stamp(lastPass, st.LastPass, st.Name)
		stamp(lastMaint, st.LastMaint, st.Name)
		stamp(lastRetry, st.LastRetry, st.Name)
		for q, t := range st.Queues {
			gauge(queueTick, float64(t.Tick), st.Name, q)
			stamp(queueTime, t.Seen, st.Name, q)
		}
	}
	for _, s := range ticker.States {
		gauge(dbStates, float64(states[s]), string(s))
	}
	count(reloads, c.s.reloads.good.Load(), "ok")
	count(reloads, c.s.reloads.bad.Load(), "failed")
}
