package hostinfo

import "github.com/prometheus/client_golang/prometheus"

// Collector exports the latest snapshot as metrics named system_*. They are
// the host's, whatever limits this process has: several containers of one
// host say the same, and what a container uses of its own limits is told by
// the engine. The network is that of the container.
type Collector struct {
	sampler *Sampler

	cpu, cores, steal        *prometheus.Desc
	memoryUsage, memoryLimit *prometheus.Desc
	swapUsage, swapLimit     *prometheus.Desc
	swapIn, swapOut          *prometheus.Desc
	diskUsage, diskSize      *prometheus.Desc
	inodesUsage, inodesSize  *prometheus.Desc
	load1, load5, load15     *prometheus.Desc
	receive, transmit        *prometheus.Desc
}

// NewCollector makes the collector of a sampler.
func NewCollector(sampler *Sampler) *Collector {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &Collector{
		sampler:     sampler,
		cpu:         desc("system_cpu_utilization_ratio", "Share of the host's processors that was busy in the latest sampling interval."),
		cores:       desc("system_cpu_cores", "Logical processors of the host."),
		steal:       desc("system_cpu_steal_ratio", "Share of the host's processors that other virtual machines had while this one wanted them, in the latest sampling interval."),
		memoryUsage: desc("system_memory_usage_bytes", "Memory of the host in use, without what the kernel would give back at once."),
		memoryLimit: desc("system_memory_limit_bytes", "Memory of the host."),
		swapUsage:   desc("system_swap_usage_bytes", "Memory of the host that was moved to disk."),
		swapLimit:   desc("system_swap_limit_bytes", "Swap space of the host."),
		swapIn:      desc("system_swap_in_bytes_total", "Bytes brought back from swap since the host booted."),
		swapOut:     desc("system_swap_out_bytes_total", "Bytes moved to swap since the host booted."),
		diskUsage:   desc("system_filesystem_usage_bytes", "Space in use on a file system.", "mountpoint"),
		diskSize:    desc("system_filesystem_size_bytes", "Space on a file system, without what is reserved for root.", "mountpoint"),
		inodesUsage: desc("system_filesystem_usage_inodes", "Inodes in use on a file system.", "mountpoint"),
		inodesSize:  desc("system_filesystem_size_inodes", "Inodes of a file system; there is no series where they are made as needed.", "mountpoint"),
		load1:       desc("system_load1", "Processes of the host that run or wait to, averaged over 1 minute."),
		load5:       desc("system_load5", "Processes of the host that run or wait to, averaged over 5 minutes."),
		load15:      desc("system_load15", "Processes of the host that run or wait to, averaged over 15 minutes."),
		receive:     desc("system_network_receive_bytes_total", "Bytes received by all network interfaces but loopback."),
		transmit:    desc("system_network_transmit_bytes_total", "Bytes sent by all network interfaces but loopback."),
	}
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.cpu, c.cores, c.steal, c.memoryUsage, c.memoryLimit, c.swapUsage, c.swapLimit, c.swapIn, c.swapOut,
		c.diskUsage, c.diskSize, c.inodesUsage, c.inodesSize,
		c.load1, c.load5, c.load15, c.receive, c.transmit,
	} {
		out <- d
	}
}

// Collect implements prometheus.Collector. What is not known is left out: a
// missing series tells the truth, a zero does not.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	s := c.sampler.Latest()
	send := func(part string, d *prometheus.Desc, kind prometheus.ValueType, value float64, labels ...string) {
		if _, faulty := s.Faults[part]; !faulty {
			out <- prometheus.MustNewConstMetric(d, kind, value, labels...)
		}
	}
	gauge := func(part string, d *prometheus.Desc, value float64, labels ...string) {
		send(part, d, prometheus.GaugeValue, value, labels...)
	}
	counter := func(part string, d *prometheus.Desc, value float64) {
		send(part, d, prometheus.CounterValue, value)
	}
	if s.Host.CPU.Utilization.Known() {
		gauge("cpu", c.cpu, float64(s.Host.CPU.Utilization))
		gauge("cpu", c.steal, float64(s.Host.CPUSteal))
	}
	gauge("cores", c.cores, s.Host.CPU.Cores)
	gauge("memory", c.memoryUsage, float64(s.Host.Memory.Usage))
	gauge("memory", c.memoryLimit, float64(s.Host.Memory.Limit))
	gauge("swap", c.swapUsage, float64(s.Host.Swap.Usage))
	gauge("swap", c.swapLimit, float64(s.Host.Swap.Limit))
	counter("swap", c.swapIn, float64(s.Host.Swap.In))
	counter("swap", c.swapOut, float64(s.Host.Swap.Out))
	for _, f := range s.Host.Filesystems {
		gauge("", c.diskUsage, float64(f.Usage), f.Mountpoint)
		gauge("", c.diskSize, float64(f.Size), f.Mountpoint)
		if f.SizeInodes > 0 {
			gauge("", c.inodesUsage, float64(f.UsageInodes), f.Mountpoint)
			gauge("", c.inodesSize, float64(f.SizeInodes), f.Mountpoint)
		}
	}
	gauge("load", c.load1, s.Host.Load.Load1)
	gauge("load", c.load5, s.Host.Load.Load5)
	gauge("load", c.load15, s.Host.Load.Load15)
	counter("network", c.receive, float64(s.Network.Receive))
	counter("network", c.transmit, float64(s.Network.Transmit))
}
