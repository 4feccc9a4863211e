package docker

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

const (
	freshFor      = 3 * time.Second // scrapes within that time share one look
	scrapeTimeout = 5 * time.Second // a container that answers later has no figures this time
	measurers     = 8               // looks at once
)

// Collector exports the figures of the targets under the names of cAdvisor, summed over interfaces and devices. It asks
// the engine once per scrape and container. A container that is gone has no series; one that does not run has no usage.
type Collector struct {
	d *Driver

	mu     sync.Mutex
	at     time.Time
	cached []figures
}

// figures is what one scrape tells of one target.
type figures struct {
	info    Info
	ooms    int
	running bool
	sample  *sample
}

// NewCollector makes a Collector for the targets of a driver.
func NewCollector(d *Driver) *Collector { return &Collector{d: d} }

var containerLabels = []string{"name", "image", "compose_project", "compose_service"}

func desc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, containerLabels, nil)
}

var (
	descCPU      = desc("container_cpu_usage_seconds_total", "Processor time that the container has used.")
	descMemory   = desc("container_memory_working_set_bytes", "Memory in use, less file pages that lie idle.")
	descLimit    = desc("container_spec_memory_limit_bytes", "Memory limit of the container, 0 for none.")
	descReceived = desc("container_network_receive_bytes_total", "Bytes received over all interfaces.")
	descSent     = desc("container_network_transmit_bytes_total", "Bytes sent over all interfaces.")
	descRead     = desc("container_fs_reads_bytes_total", "Bytes read from all devices.")
	descWritten  = desc("container_fs_writes_bytes_total", "Bytes written to all devices.")
	descStart    = desc("container_start_time_seconds", "When the container was last started, in seconds since 1970.")
	descOOM      = desc("container_oom_events_total", "Times that the kernel killed for want of memory in the container, as far as the watchdog saw.")
)

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descCPU, descMemory, descLimit, descReceived, descSent, descRead, descWritten, descStart, descOOM} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	for _, f := range c.figures() {
		send := func(d *prometheus.Desc, t prometheus.ValueType, v float64) {
			ch <- prometheus.MustNewConstMetric(d, t, v, f.info.Name, f.info.Image, f.info.Project, f.info.Service)
		}
		send(descLimit, prometheus.GaugeValue, float64(f.info.MemoryLimit))
		send(descOOM, prometheus.CounterValue, float64(f.ooms))
		if f.running {
			send(descStart, prometheus.GaugeValue, float64(f.info.StartedAt.UnixMilli())/1e3)
		}
		if s := f.sample; s != nil {
			send(descCPU, prometheus.CounterValue, s.usage.CPUSeconds)
			send(descMemory, prometheus.GaugeValue, float64(s.usage.MemoryBytes))
			send(descReceived, prometheus.CounterValue, float64(s.received))
			send(descSent, prometheus.CounterValue, float64(s.sent))
			send(descRead, prometheus.CounterValue, float64(s.read))
			send(descWritten, prometheus.CounterValue, float64(s.written))
		}
	}
}

// figures returns those of the last look, or looks again.
func (c *Collector) figures() []figures {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.at) < freshFor {
		return c.cached
	}
	c.cached, c.at = c.d.figures(), time.Now()
	return c.cached
}

// figures measures all targets that run.
func (d *Driver) figures() []figures {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	list, ids := d.reg.figures()
	d.samples.retain(ids)
	cli, err := d.client()
	if err != nil {
		return list
	}
	slots := make(chan struct{}, measurers)
	var wg sync.WaitGroup
	for i := range list {
		if !list[i].running {
			continue
		}
		wg.Go(func() {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			defer func() { <-slots }()
			if s, err := d.measure(ctx, cli, list[i].info.ContainerID); err == nil {
				list[i].sample = &s
			}
		})
	}
	wg.Wait()
	return list
}

// figures lists the targets that have been looked at, without their samples.
func (r *registry) figures() (list []figures, ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.owners {
		ids = append(ids, e.id)
		if e.info != nil {
			running := e.look.status == supervise.StatusRunning || e.look.status == supervise.StatusPaused
			list = append(list, figures{info: *e.info, ooms: e.ooms, running: running})
		}
	}
	return list, ids
}
