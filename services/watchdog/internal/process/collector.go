package process

import (
	"github.com/prometheus/client_golang/prometheus"
)

// Collector exports what the workers use under the names that the containers' figures have, so that the same dashboards
// show both. A figure counts all processes of a worker.
type Collector struct{ d *Driver }

// NewCollector makes a Collector for the workers of a driver.
func NewCollector(d *Driver) Collector { return Collector{d} }

func desc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, []string{"name", "image", "compose_project", "compose_service"}, nil)
}

var (
	descCPU    = desc("container_cpu_usage_seconds_total", "Processor time that the worker has used.")
	descMemory = desc("container_memory_working_set_bytes", "Resident memory of the worker.")
	descLimit  = desc("container_spec_memory_limit_bytes", "Memory limit of the worker, 0 for none.")
	descStart  = desc("container_start_time_seconds", "When the worker was last started, in seconds since 1970.")

	descOrphans = prometheus.NewDesc("watchdog_orphans_reaped_total",
		"Processes that had lost their parent, and that were collected at their end so that they left no zombies.", nil, nil)
)

// Describe implements prometheus.Collector.
func (c Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descCPU, descMemory, descLimit, descStart, descOrphans} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c Collector) Collect(ch chan<- prometheus.Metric) {
	ch <- prometheus.MustNewConstMetric(descOrphans, prometheus.CounterValue, float64(c.d.reap.orphans.Load()))
	for _, w := range c.d.workers {
		send := func(d *prometheus.Desc, t prometheus.ValueType, v float64) {
			ch <- prometheus.MustNewConstMetric(d, t, v, w.name, c.d.opts.Command[0], "", "")
		}
		send(descLimit, prometheus.GaugeValue, float64(c.d.opts.MaxMemory))
		r := w.now()
		if r == nil {
			continue
		}
		if _, _, over := r.over(); over {
			continue
		}
		send(descStart, prometheus.GaugeValue, float64(r.startedAt.UnixMilli())/1e3)
		if u := r.usage.Load(); u != nil {
			send(descCPU, prometheus.CounterValue, u.CPUSeconds)
			send(descMemory, prometheus.GaugeValue, float64(u.MemoryBytes))
		}
	}
}
