package docker

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

const (
	freshFor    = 3 * time.Second        // scrapes within that time share one look
	usableFor   = 30 * time.Second       // figures that old are shown rather than that a scrape waits
	waitFor     = 250 * time.Millisecond // that long a scrape waits even so
	lookTimeout = 5 * time.Second        // a container that answers later has no figures this time
	measurers   = 64                     // looks at once; they cost the engine little, but it answers only once a second
)

// Collector exports the figures of the targets under the names of cAdvisor, summed over interfaces and devices. It asks
// the engine once per scrape and container. A container that is gone has no series; one that does not run has no usage.
//
// Older engines (20.10) make a one-shot look wait for up to a second. So that a scrape does not, it shows what the one
// before it has brought when that is recent; newer engines answer in time.
type Collector struct {
	d *Driver

	mu      sync.Mutex
	at      time.Time     // of the last look that has ended
	looking chan struct{} // closed at the end of the look under way, nil without one
}

// figures is what one scrape tells of one target.
type figures struct {
	info    observe.Info
	ooms    int
	running bool
}

// NewCollector makes a Collector for the targets of a driver.
func NewCollector(d *Driver) *Collector { return &Collector{d: d} }

var containerLabels = []string{"name", "image", "compose_project", "compose_service"}

func desc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, containerLabels, nil)
}

var (
	descCPU      = desc("container_cpu_usage_seconds_total", "Processor time that the container has used.")
	descPeriods  = desc("container_cpu_cfs_periods_total", "Periods of the CPU quota in which the container wanted to run.")
	descThrottle = desc("container_cpu_cfs_throttled_periods_total", "Those of the periods in which it had used up its CPU quota and had to wait.")
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
	for _, d := range []*prometheus.Desc{descCPU, descPeriods, descThrottle, descMemory, descLimit, descReceived, descSent, descRead, descWritten, descStart, descOOM} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	c.refresh()
	for _, f := range c.d.reg.figures() {
		send := func(d *prometheus.Desc, t prometheus.ValueType, v float64) {
			ch <- prometheus.MustNewConstMetric(d, t, v, f.info.Name, f.info.Image, f.info.Project, f.info.Service)
		}
		send(descLimit, prometheus.GaugeValue, float64(f.info.MemoryLimit))
		send(descOOM, prometheus.CounterValue, float64(f.ooms))
		if !f.running {
			continue
		}
		send(descStart, prometheus.GaugeValue, float64(f.info.StartedAt.UnixMilli())/1e3)
		s, ok := c.d.samples.latest(f.info.ContainerID)
		if !ok || s.usage.At.Before(f.info.StartedAt) || time.Since(s.usage.At) > usableFor+freshFor {
			continue
		}
		send(descCPU, prometheus.CounterValue, s.usage.CPUSeconds)
		if s.periods > 0 {
			send(descPeriods, prometheus.CounterValue, float64(s.periods))
			send(descThrottle, prometheus.CounterValue, float64(s.throttled))
		}
		send(descMemory, prometheus.GaugeValue, float64(s.usage.MemoryBytes))
		send(descReceived, prometheus.CounterValue, float64(s.received))
		send(descSent, prometheus.CounterValue, float64(s.sent))
		send(descRead, prometheus.CounterValue, float64(s.read))
		send(descWritten, prometheus.CounterValue, float64(s.written))
	}
}

// refresh has the targets measured, unless that was done just now, and waits for it as long as is worth it.
func (c *Collector) refresh() {
	c.mu.Lock()
	age := time.Since(c.at)
	if age < freshFor {
		c.mu.Unlock()
		return
	}
	if c.looking == nil {
		c.looking = make(chan struct{})
		go c.look(c.looking)
	}
	done, wait := c.looking, lookTimeout
	c.mu.Unlock()
	if age < usableFor {
		wait = waitFor
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}

// look measures, within lookTimeout.
func (c *Collector) look(done chan struct{}) {
	c.d.measureAll()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.looking = time.Now(), nil
	close(done)
}

// measureAll measures all targets that run.
func (d *Driver) measureAll() {
	ctx, cancel := context.WithTimeout(context.Background(), lookTimeout)
	defer cancel()
	list := d.reg.figures()
	d.samples.retain(list)
	cli, err := d.client()
	if err != nil {
		return
	}
	slots := make(chan struct{}, measurers)
	var wg sync.WaitGroup
	for _, f := range list {
		if !f.running {
			continue
		}
		wg.Go(func() {
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				return
			}
			defer func() { <-slots }()
			_, _ = d.measure(ctx, cli, f.info.ContainerID) // one that cannot be measured has no figures
		})
	}
	wg.Wait()
}

// figures lists the targets that have been looked at.
func (r *registry) figures() (list []figures) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.owners {
		if e.info != nil {
			running := e.look.status == supervise.StatusRunning || e.look.status == supervise.StatusPaused
			list = append(list, figures{info: *e.info, ooms: e.ooms, running: running})
		}
	}
	return list
}
