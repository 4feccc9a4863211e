package board

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

var scrapeStates = []state{{"down", "down", red}, {"up", "up", green}}

// machine is what the host and the backend's process use.
func machine() []cog.Builder[dashboard.Panel] {
	return []cog.Builder[dashboard.Panel]{
		chart(frame{"CPU", "Share of all processors of the machine that is busy, and what the backend's process uses of one.", units.PercentUnit, 8}).
			Links(to(HostUID, "Host")).
			WithTarget(over(`max(system_cpu_utilization_ratio{`+ofJob+`})`, "machine")).
			WithTarget(over(`sum by (job) (rate(process_cpu_seconds_total{`+ofJob+`}[$__rate_interval]))`, "{{job}}").RefId("B")),

		chart(frame{"Memory", "Memory of the machine in use and in all, and what the backend's process holds.", units.BytesIEC, 8}).
			Links(to(HostUID, "Host")).
			OverrideByName("machine, all of it", fixed(grey)).
			WithTarget(over(`max(system_memory_usage_bytes{`+ofJob+`})`, "machine")).
			WithTarget(over(`max(system_memory_limit_bytes{`+ofJob+`})`, "machine, all of it").RefId("B")).
			WithTarget(over(`sum by (job) (process_resident_memory_bytes{`+ofJob+`})`, "{{job}}").RefId("C")),

		diskUsed().Span(8).Links(to(HostUID, "Host")),
		containerCPU().Links(to(ContainersUID, "Containers")),
		containerMemoryShare().Links(to(ContainersUID, "Containers")),
		loadAverage(8),

		chart(frame{"Network", "What the backend's containers receive and send.", units.BytesPerSecondSI, 8}).
			WithTarget(over(`sum(rate(system_network_receive_bytes_total{`+ofJob+`}[$__rate_interval]))`, "received")).
			WithTarget(over(`sum(rate(system_network_transmit_bytes_total{`+ofJob+`}[$__rate_interval]))`, "sent").RefId("B")),

		chart(frame{"In flight", "Requests that are being served, and goroutines of the process. Both growing without end means that something hangs.", units.Short, 8}).
			WithTarget(over(`sum(http_requests_in_flight{`+ofJob+`})`, "requests")).
			WithTarget(over(`sum(go_goroutines{`+ofJob+`})`, "goroutines").RefId("B")),
	}
}

func diskUsed() *timeseries.PanelBuilder {
	return limit(chart(frame{"Disk", "Share of each file system that is in use, as seen from the backend's container: the disk that Docker uses. HostDiskFillingUp looks from the first line on, HostDiskAlmostFull fires at the second.", units.PercentUnit, 12}),
		from(FillingDisk, orange), from(FullDisk, red)).
		Max(1).
		WithTarget(over(`max by (mountpoint) (system_filesystem_usage_bytes{`+ofJob+`} / system_filesystem_size_bytes{`+ofJob+`})`, "{{mountpoint}}"))
}

func loadAverage(width uint32) *timeseries.PanelBuilder {
	return chart(frame{"Load", "Processes that run or wait to run, averaged over 1, 5 and 15 minutes. More than there are processors means waiting.", units.Short, width}).
		WithTarget(over(`max(system_load1{`+ofJob+`})`, "1 minute")).
		WithTarget(over(`max(system_load5{`+ofJob+`})`, "5 minutes").RefId("B")).
		WithTarget(over(`max(system_load15{`+ofJob+`})`, "15 minutes").RefId("C"))
}

// monitoring is whether the figures above can be trusted.
func monitoring() []cog.Builder[dashboard.Panel] {
	t := list(frame{"Versions", "What runs.", units.NoUnit, 8}).
		WithTarget(row("A", `count by (service, version, revision, goversion) (build_info)`))
	return []cog.Builder[dashboard.Panel]{
		whoIsTold().Height(chartHeight).Links(to(AlertsUID, "Alerts")),
		scrapes().Links(to(StackUID, "Stack")),
		columns(t, "service", "Service", "version", "Version", "revision", "Revision", "goversion", "Go", "Value", "Replicas"),
	}
}

func scrapes() *statetimeline.PanelBuilder {
	return timeline(frame{"Scrapes", "Whether Prometheus reaches what it reads, by job.", units.NoUnit, 12}, nil).
		Mappings(mappings(0, scrapeStates)).
		WithTarget(over(`max by (job) (up)`, "{{job}}"))
}
