package board

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// memoryShare is what each container uses of the memory that it may, where it has a limit.
const memoryShare = `max by (name) (container_memory_working_set_bytes{` + ofContainer + `} / (container_spec_memory_limit_bytes{` + ofContainer + `} > 0))`

// containers is what each container that the watchdog looks after uses.
func containers() page {
	return page{
		uid: ContainersUID, title: "Containers",
		about: "What each container that the watchdog looks after uses of processor, memory, network and disk, and which one the kernel has killed.",
		since: "3h", choices: []string{"target"},
		rows: []section{
			{"At a glance", containerFigures()},
			{"Processor and memory", []cog.Builder[dashboard.Panel]{
				containerCPU(),
				limit(chart(frame{"Waits for its CPU limit", fmt.Sprintf("Share of the periods in which a container wanted to run and had used up its CPU limit. ContainerCpuThrottled fires from %g%% on.", MaxThrottled*100), units.PercentUnit, 12}), from(MaxThrottled, red)).
					Max(1).
					WithTarget(over(`sum by (name) (rate(container_cpu_cfs_throttled_periods_total{`+ofContainer+`}[$__rate_interval])) / sum by (name) (rate(container_cpu_cfs_periods_total{`+ofContainer+`}[$__rate_interval]))`, "{{name}}")),
				containerMemoryShare(),
				stacked(chart(frame{"Memory", "What each container holds, without what the kernel can take back at once.", units.BytesIEC, 12})).
					WithTarget(over(`max by (name) (container_memory_working_set_bytes{`+ofContainer+`})`, "{{name}}")),
				bars(chart(frame{"Killed for want of memory", "How often the kernel killed a process in a container that had reached its limit, per point of the chart. ContainerOomKilled fires at the first.", units.Short, 24})).
					WithTarget(over(`sum by (name) (round(increase(container_oom_events_total{`+ofContainer+`}[$__rate_interval])))`, "{{name}}")),
			}},
			{"Network and disk", []cog.Builder[dashboard.Panel]{
				throughput("Received", "What each container receives over its networks.", "container_network_receive_bytes_total"),
				throughput("Sent", "What each container sends over its networks.", "container_network_transmit_bytes_total"),
				throughput("Read from disk", "What each container reads from disks. What the kernel has in its cache is not counted.", "container_fs_reads_bytes_total"),
				throughput("Written to disk", "What each container writes to disks.", "container_fs_writes_bytes_total"),
			}},
			{"All of them", []cog.Builder[dashboard.Panel]{containerTable()}},
		},
	}
}

func containerFigures() []cog.Builder[dashboard.Panel] {
	return []cog.Builder[dashboard.Panel]{
		figure(frame{"Containers", "How many containers the watchdog measures.", units.Short, 4}, base(blue)).
			WithTarget(now(`count(count by (name) (container_start_time_seconds{` + ofContainer + `}))`)),
		figure(frame{"CPU", "What all of them used together, mean of the time range; 100% is one processor.", units.PercentUnit, 4}, base(blue)).
			Decimals(1).
			WithTarget(now(`sum(rate(container_cpu_usage_seconds_total{` + ofContainer + `}[$__range]))`)),
		figure(frame{"Memory", "What all of them hold together.", units.BytesIEC, 4}, base(blue)).
			Decimals(1).
			WithTarget(now(`sum(max by (name) (container_memory_working_set_bytes{` + ofContainer + `}))`)),
		figure(frame{"Nearest to its limit", "Share of its memory limit that the container uses which is nearest to it. ContainerMemoryNearLimit fires from the red on.", units.PercentUnit, 4},
			base(green), from(MaxContainerMemory, red)).
			Decimals(0).
			WithTarget(now(`max(` + memoryShare + `)`)),
		figure(frame{"Killed for want of memory", "How often the kernel killed in them in the time range.", units.Short, 4},
			base(green), from(1, red)).
			Decimals(0).
			WithTarget(now(`sum(round(increase(container_oom_events_total{` + ofContainer + `}[$__range])))`)),
		figure(frame{"Last start", "How long ago one of them was started.", units.Seconds, 4}, base(blue)).
			Decimals(1).
			WithTarget(now(`time() - max(container_start_time_seconds{` + ofContainer + `})`)),
	}
}

func containerCPU() *timeseries.PanelBuilder {
	return chart(frame{"CPU of the containers", "What each container that the watchdog looks after uses; 100% is one processor.", units.PercentUnit, 12}).
		WithTarget(over(`sum by (name) (rate(container_cpu_usage_seconds_total{`+ofContainer+`}[$__rate_interval]))`, "{{name}}"))
}

func containerMemoryShare() *timeseries.PanelBuilder {
	return limit(chart(frame{"Memory of the containers", "Share of its limit that each container uses, where it has one. ContainerMemoryNearLimit fires from the line on; at 100% the kernel ends it: reason oom.", units.PercentUnit, 12}),
		from(MaxContainerMemory, red)).
		Max(1).
		WithTarget(over(memoryShare, "{{name}}"))
}

func throughput(title, about, metric string) *timeseries.PanelBuilder {
	return chart(frame{title, about, units.BytesPerSecondSI, 12}).
		WithTarget(over(`sum by (name) (rate(`+metric+`{`+ofContainer+`}[$__rate_interval]))`, "{{name}}"))
}

// containerTable is a row per container; what flows is the mean of the time range.
func containerTable() *table.PanelBuilder {
	t := list(frame{"Containers", "Every container with what it uses. Processor, network and disk are means of the time range.", units.Short, 24}).
		WithTarget(row("A", `sum by (name) (rate(container_cpu_usage_seconds_total{`+ofContainer+`}[$__range]))`)).
		WithTarget(row("B", `max by (name) (container_memory_working_set_bytes{`+ofContainer+`})`)).
		WithTarget(row("C", memoryShare)).
		WithTarget(row("D", `sum by (name) (rate(container_network_receive_bytes_total{`+ofContainer+`}[$__range]) + rate(container_network_transmit_bytes_total{`+ofContainer+`}[$__range]))`)).
		WithTarget(row("E", `sum by (name) (rate(container_fs_reads_bytes_total{`+ofContainer+`}[$__range]) + rate(container_fs_writes_bytes_total{`+ofContainer+`}[$__range]))`)).
		WithTarget(row("F", `time() - max by (name) (container_start_time_seconds{`+ofContainer+`})`))
	return columns(t, "name", "Container", "Value #A", "CPU", "Value #B", "Memory", "Value #C", "Share of the limit", "Value #D", "Network", "Value #E", "Disk", "Value #F", "Running for").
		OverrideByName("CPU", column("unit", units.PercentUnit)).
		OverrideByName("Memory", column("unit", units.BytesIEC)).
		OverrideByName("Share of the limit", column("unit", units.PercentUnit)).
		OverrideByRegexp("/^(Network|Disk)$/", column("unit", units.BytesPerSecondSI)).
		OverrideByName("Running for", column("unit", units.Seconds))
}
