// Package healthmetrics exports what a health.Checker knows to Prometheus:
//
//	health_status{status}                 1 for the status of the service, 0 for the others
//	health_check_status{check,status}     the same for each check
//	health_check_duration_seconds{check}  how long the runs of each check took
package healthmetrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/upkeephq/upkeep/services/kit/health"
)

// buckets reach from a look at a figure in memory to the usual timeout.
var buckets = []float64{.0001, .001, .01, .1, .5, 1, 5}

type collector struct {
	checker   *health.Checker
	status    *prometheus.Desc
	check     *prometheus.Desc
	durations *prometheus.HistogramVec
}

// Register exports a checker, before its Run.
func Register(registry prometheus.Registerer, checker *health.Checker) error {
	c := &collector{
		checker: checker,
		status: prometheus.NewDesc("health_status",
			"Status of the service: 1 for the one it has, 0 for the others.", []string{"status"}, nil),
		check: prometheus.NewDesc("health_check_status",
			"Status of a check: 1 for the one it has, 0 for the others.", []string{"check", "status"}, nil),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "health_check_duration_seconds",
			Help: "How long the runs of a check took.", Buckets: buckets,
		}, []string{"check"}),
	}
	for _, check := range checker.Report().Checks {
		c.durations.WithLabelValues(check.Name)
	}
	if err := checker.OnResult(func(r health.Result) {
		c.durations.WithLabelValues(r.Check).Observe(r.Duration.Seconds())
	}); err != nil {
		return err
	}
	return registry.Register(c)
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	out <- c.status
	out <- c.check
	c.durations.Describe(out)
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(out chan<- prometheus.Metric) {
	report := c.checker.Report()
	one := func(desc *prometheus.Desc, yes bool, labels ...string) {
		value := 0.0
		if yes {
			value = 1
		}
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for _, status := range health.Statuses {
		if status != health.Unknown { // the service always has a status
			one(c.status, report.Status == status, status.String())
		}
		for _, check := range report.Checks {
			one(c.check, check.Status == status, check.Name, status.String())
		}
	}
	c.durations.Collect(out)
}
