package board

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

const (
	hostMemory = `max(system_memory_usage_bytes{` + ofJob + `} / (system_memory_limit_bytes{` + ofJob + `} > 0))`
	diskShare  = `system_filesystem_usage_bytes{` + ofJob + `} / (system_filesystem_size_bytes{` + ofJob + `} > 0)`
)

// host is utilization, saturation and errors of what the machine has, as the backend's process sees it.
func host() page {
	return page{
		uid: HostUID, title: "Host",
		about: "Utilization, saturation and errors of processor, memory, disk and network of the machine, as the backend's process sees it.",
		since: "6h", choices: []string{"job", "instance", "target"},
		rows: []section{
			{"At a glance", hostFigures()},
			{"Processor", []cog.Builder[dashboard.Panel]{hostCPU(), loadAverage(12),
				limit(chart(frame{"Load for each processor", fmt.Sprintf("Saturation: processes that run or wait to, averaged over 15 minutes, for each processor. HostLoadHigh fires from %d on while the processors are not busy: then they wait for a disk.", MaxLoadPerCore), units.Short, 12}), from(MaxLoadPerCore, red)).
					WithTarget(over(`max(system_load15{`+ofJob+`} / system_cpu_cores{`+ofJob+`})`, "for each processor")),
				limit(chart(frame{"Stolen", fmt.Sprintf("Share of the processors that other virtual machines on the same hardware had while this one wanted them. HostCpuStolen fires from %g%% on.", MaxCPUSteal*100), units.PercentUnit, 12}), from(MaxCPUSteal, red)).
					WithTarget(over(`max(system_cpu_steal_ratio{`+ofJob+`})`, "stolen")),
			}},
			{"Memory", []cog.Builder[dashboard.Panel]{
				limit(chart(frame{"Memory used", fmt.Sprintf("Utilization: share of the machine's memory that is used, without what the kernel would give back at once. HostMemoryHigh fires from %g%% on.", MaxHostMemory*100), units.PercentUnit, 12}), from(MaxHostMemory, red)).
					Max(1).
					WithTarget(over(hostMemory, "used")),
				chart(frame{"Memory", "What is used, and what there is.", units.BytesIEC, 12}).
					OverrideByName("all of it", fixed(grey)).
					WithTarget(over(`max(system_memory_usage_bytes{`+ofJob+`})`, "used")).
					WithTarget(over(`max(system_memory_limit_bytes{`+ofJob+`})`, "all of it").RefId("B")),
				chart(frame{"Swapping", "Saturation: memory that is moved to disk, and that comes back. HostSwapping fires when both go on.", units.BytesPerSecondSI, 12}).
					WithTarget(over(`max(rate(system_swap_in_bytes_total{`+ofJob+`}[$__rate_interval]))`, "comes back")).
					WithTarget(over(`max(rate(system_swap_out_bytes_total{`+ofJob+`}[$__rate_interval]))`, "goes out").RefId("B")),
				bars(chart(frame{"Killed for want of memory", "Errors: how often the kernel killed in a container that had reached its limit, per point of the chart.", units.Short, 12})).
					Links(to(ContainersUID, "Containers")).
					WithTarget(over(`sum by (name) (round(increase(container_oom_events_total{`+ofContainer+`}[$__rate_interval])))`, "{{name}}")),
			}},
			{"Disk and network", []cog.Builder[dashboard.Panel]{
				diskUsed(),
				chart(frame{"Room left", "What can still be written to each file system.", units.BytesIEC, 12}).
					WithTarget(over(`min by (mountpoint) (system_filesystem_size_bytes{`+ofJob+`} - system_filesystem_usage_bytes{`+ofJob+`})`, "{{mountpoint}}")),
				limit(chart(frame{"Inodes used", fmt.Sprintf("Share of each file system's inodes that is used; each file takes one. HostInodesRunningOut fires from %g%% on. Empty for file systems that make them as needed.", MaxInodes*100), units.PercentUnit, 8}), from(MaxInodes, red)).
					Max(1).
					WithTarget(over(`max by (mountpoint) (system_filesystem_usage_inodes{`+ofJob+`} / system_filesystem_size_inodes{`+ofJob+`})`, "{{mountpoint}}")),
				chart(frame{"Network", "What the backend's containers receive and send.", units.BytesPerSecondSI, 8}).
					WithTarget(over(`sum(rate(system_network_receive_bytes_total{`+ofJob+`}[$__rate_interval]))`, "received")).
					WithTarget(over(`sum(rate(system_network_transmit_bytes_total{`+ofJob+`}[$__rate_interval]))`, "sent").RefId("B")),
				throughput("Written to disk", "What each container writes to disks.", "container_fs_writes_bytes_total").Span(8),
			}},
			{"Who uses it", []cog.Builder[dashboard.Panel]{
				stacked(containerCPU()).Links(to(ContainersUID, "Containers")),
				stacked(chart(frame{"Memory of the containers", "What each container holds, without what the kernel can take back at once.", units.BytesIEC, 12})).
					Links(to(ContainersUID, "Containers")).
					WithTarget(over(`max by (name) (container_memory_working_set_bytes{`+ofContainer+`})`, "{{name}}")),
			}},
		},
	}
}

func hostFigures() []cog.Builder[dashboard.Panel] {
	return []cog.Builder[dashboard.Panel]{
		figure(frame{"CPU", "Share of all processors that is busy now. HostCpuSaturated fires when it stays in the red for 15 minutes.", units.PercentUnit, 4},
			base(green), from(MaxHostCPU, red)).
			Decimals(0).
			WithTarget(now(`max(system_cpu_utilization_ratio{` + ofJob + `})`)),
		figure(frame{"Load", "Processes that run or wait to run, averaged over 5 minutes.", units.Short, 4}, base(blue)).
			Decimals(2).
			WithTarget(now(`max(system_load5{` + ofJob + `})`)),
		figure(frame{"Memory", "Share of the memory that is used. HostMemoryHigh fires when it stays in the red for 10 minutes.", units.PercentUnit, 4},
			base(green), from(MaxHostMemory, red)).
			Decimals(0).
			WithTarget(now(hostMemory)),
		figure(frame{"Fullest disk", "Share that is used of the file system that is the fullest. HostDiskAlmostFull fires in the red.", units.PercentUnit, 4},
			base(green), from(FillingDisk, orange), from(FullDisk, red)).
			Decimals(0).
			WithTarget(now(`max(` + diskShare + `)`)),
		figure(frame{"Disk full in", "When the first file system is full, if it goes on as in the time range. Nothing is shown while none grows.", units.Seconds, 4},
			base(red), from(86400, green)).
			Decimals(1).NoValue("not filling up").
			WithTarget(now(`min((system_filesystem_size_bytes{` + ofJob + `} - system_filesystem_usage_bytes{` + ofJob + `}) / (deriv(system_filesystem_usage_bytes{` + ofJob + `}[$__range]) > 0))`)),
		figure(frame{"Held targets", "Targets that the watchdog restarts one after the other, because many failed at once: the machine or its network is ill. TargetsHeld.", units.Short, 4},
			base(green), from(1, red)).
			WithTarget(now(`sum(watchdog_target_state{state="held",` + ofTarget + `}) or vector(0)`)),
	}
}

func hostCPU() *timeseries.PanelBuilder {
	return limit(chart(frame{"CPU", fmt.Sprintf("Utilization: share of all processors that is busy. HostCpuSaturated fires when the mean of 5 minutes stays above %g%%.", MaxHostCPU*100), units.PercentUnit, 12}),
		from(MaxHostCPU, red)).
		Max(1).
		OverrideByName("mean of 5 minutes", fixed(blue)).
		WithTarget(over(`max(system_cpu_utilization_ratio{`+ofJob+`})`, "now")).
		WithTarget(over(`host:system_cpu_utilization:avg5m`, "mean of 5 minutes").RefId("B"))
}
