package control

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
)

// downtime collects watchdog_downtime_seconds_total at the moment of the scrape, so that a running outage counts.
type downtime struct{ m *Metrics }

// Describe implements prometheus.Collector.
func (d downtime) Describe(ch chan<- *prometheus.Desc) { ch <- d.m.downtime }

// Collect implements prometheus.Collector.
func (d downtime) Collect(ch chan<- prometheus.Metric) {
	d.m.mu.Lock()
	defer d.m.mu.Unlock()
	now := d.m.now()
	for target, s := range d.m.targets {
		total := s.down
		if !s.since.IsZero() {
			total += max(now.Sub(s.since), 0)
		}
		s.shown = max(s.shown, total)
		ch <- prometheus.MustNewConstMetric(d.m.downtime, prometheus.CounterValue, s.shown.Seconds(), target)
	}
}

// incidents collects watchdog_incident_info: at most one series for each target that there is.
type incidents struct {
	m     *Metrics
	brief func(target string) (journal.Brief, bool)
	info  *prometheus.Desc
}

// Incidents makes a collector of watchdog_incident_info, which notifications take their details from. brief returns a
// target's latest incident, and false where there is none that is still news.
func (m *Metrics) Incidents(brief func(target string) (journal.Brief, bool)) prometheus.Collector {
	return incidents{m, brief, prometheus.NewDesc("watchdog_incident_info",
		"The target's latest incident, until an hour after its end; the value is when it began, in Unix time.",
		[]string{"target", "incident", "cause", "exit_code", "last_log"}, nil)}
}

// Describe implements prometheus.Collector.
func (c incidents) Describe(ch chan<- *prometheus.Desc) { ch <- c.info }

// Collect implements prometheus.Collector.
func (c incidents) Collect(ch chan<- prometheus.Metric) {
	c.m.mu.Lock()
	defer c.m.mu.Unlock()
	for target := range c.m.targets {
		b, ok := c.brief(target)
		if !ok {
			continue
		}
		code := ""
		if b.ExitCode != nil {
			code = strconv.Itoa(*b.ExitCode)
		}
		ch <- prometheus.MustNewConstMetric(c.info, prometheus.GaugeValue, float64(b.StartedAt.UnixMilli())/1000,
			target, b.ID, string(b.Cause), code, b.LastLog)
	}
}
