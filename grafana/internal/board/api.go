package board

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/heatmap"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// api is rate, errors and duration of the backend's requests, and what its process uses to answer them.
func api() page {
	return page{
		uid: APIUID, title: "API",
		about: "Rate, errors and duration of the backend's requests by route, its health checks, and what its process uses.",
		since: "1h", choices: []string{"job", "instance", "route"},
		rows: []section{
			{"At a glance", apiFigures()},
			{"Rate and errors", []cog.Builder[dashboard.Panel]{
				requestRate(),
				responses(),
				failedRequests(),
				bars(chart(frame{"Failed requests by route", "Requests that were answered with a server error, per point of the chart.", units.Short, 12})).
					WithTarget(over(`sum by (route, code) (round(increase(http_requests_total{code=~"5..",`+ofRequest+`}[$__rate_interval]))) > 0`, "{{code}} {{route}}")),
			}},
			{"Duration", []cog.Builder[dashboard.Panel]{
				latencyHeatmap(),
				latency(),
				limit(chart(frame{"Latency by route", fmt.Sprintf("Time within which 95%% of the requests to each route were answered. HighLatency fires when it is above %d s for all of them together, for 5 minutes.", MaxLatency), units.Seconds, 12}),
					from(MaxLatency, red)).
					WithTarget(over(quantileBy("route", 0.95, "http_request_duration_seconds", ofRequest), "{{route}}")),
				chart(frame{"Time spent by route", "Seconds of answering in each second: where the time goes. Many fast requests may weigh more than few slow ones.", units.Short, 12}).
					WithTarget(over(`sum by (route) (rate(http_request_duration_seconds_sum{`+ofRequest+`}[$__rate_interval]))`, "{{route}}")),
			}},
			{"Size and concurrency", []cog.Builder[dashboard.Panel]{
				chart(frame{"In flight", "Requests that each replica is serving. Growing without end means that something hangs.", units.Short, 8}).
					WithTarget(over(`sum by (instance) (http_requests_in_flight{`+ofJob+`})`, "{{instance}}")),
				chart(frame{"Size of responses", "Half and 95% of the responses were smaller.", units.BytesIEC, 8}).
					OverrideByName("p50", fixed(skyBlue)).
					OverrideByName("p95", fixed(blue)).
					WithTarget(over(quantile(0.5, "http_response_size_bytes", ofRequest), "p50")).
					WithTarget(over(quantile(0.95, "http_response_size_bytes", ofRequest), "p95").RefId("B")),
				chart(frame{"Sent by route", "Bytes of responses per second.", units.BytesPerSecondSI, 8}).
					WithTarget(over(`sum by (route) (rate(http_response_size_bytes_sum{`+ofRequest+`}[$__rate_interval]))`, "{{route}}")),
			}},
			{"Health checks", []cog.Builder[dashboard.Panel]{
				healthTimeline(),
				chart(frame{"Time of the checks", "How long each health check takes, mean.", units.Seconds, 12}).
					WithTarget(over(`sum by (check) (rate(health_check_duration_seconds_sum{`+ofJob+`}[$__rate_interval]))
/
(sum by (check) (rate(health_check_duration_seconds_count{`+ofJob+`}[$__rate_interval])) > 0)`, "{{check}}")),
			}},
			{"Process", process()},
		},
	}
}

func apiFigures() []cog.Builder[dashboard.Panel] {
	return []cog.Builder[dashboard.Panel]{
		backend(),
		figure(frame{"Requests", "Requests per second, mean of the time range.", units.RequestsPerSecond, 4}, base(blue)).
			Decimals(2).
			WithTarget(now(`sum(rate(http_requests_total{` + ofRequest + `}[$__range]))`)),
		figure(frame{"Failed requests", "Share of the requests of the last 5 minutes that were answered with a server error, as HighErrorRate sees it.", units.PercentUnit, 4},
			base(green), from(MaxFailedShare, red)).
			Decimals(2).
			WithTarget(now(`max(job:http_requests_failed:increase5m{job=~"$job"} / (job:http_requests:increase5m{job=~"$job"} > 0))`)),
		figure(frame{"Latency", "Time within which 95% of the requests of the last 5 minutes were answered, as HighLatency sees it.", units.Seconds, 4},
			base(green), from(MaxLatency, red)).
			Decimals(2).
			WithTarget(now(`max(job:http_request_duration_seconds:p95_rate5m{job=~"$job"})`)),
		figure(frame{"In flight", "Requests that are being served now.", units.Short, 4}, base(blue)).
			WithTarget(now(`sum(http_requests_in_flight{` + ofJob + `})`)),
		figure(frame{"Replicas", "How many replicas Prometheus reaches.", units.Short, 4},
			base(red), from(1, green)).
			WithTarget(now(`sum(up{` + ofJob + `})`)),
	}
}

// process is what the backend's process uses, and what Go does in it.
func process() []cog.Builder[dashboard.Panel] {
	return []cog.Builder[dashboard.Panel]{
		byReplica("CPU", "What each replica uses; 100% is one processor.", units.PercentUnit, `rate(process_cpu_seconds_total{`+ofJob+`}[$__rate_interval])`),
		byReplica("Resident memory", "What each replica holds, as the kernel sees it.", units.BytesIEC, `process_resident_memory_bytes{`+ofJob+`}`),
		byReplica("Heap", "What Go has allocated for objects. A saw tooth is well; teeth that climb are a leak.", units.BytesIEC, `go_memstats_heap_alloc_bytes{`+ofJob+`}`),
		byReplica("Goroutines", "How many there are. Growing without end means that they leak, or wait for something.", units.Short, `go_goroutines{`+ofJob+`}`),
		byReplica("Allocations", "Bytes that are allocated per second: what makes work for the garbage collector.", units.BytesPerSecondSI, `rate(go_memstats_alloc_bytes_total{`+ofJob+`}[$__rate_interval])`),
		byReplica("Pauses for garbage collection", "Share of the time in which all of the process stood still.", units.PercentUnit, `rate(go_gc_duration_seconds_sum{`+ofJob+`}[$__rate_interval])`),
		limit(byReplica("File descriptors", fmt.Sprintf("Share of the files and connections that the process may open. FileDescriptorsRunningOut fires above %g%%.", MaxOpenFiles*100), units.PercentUnit, `process_open_fds{`+ofJob+`} / process_max_fds{`+ofJob+`}`),
			from(MaxOpenFiles, red)).Max(1),
		stacked(chart(frame{"Log lines", "Log lines per second by level.", units.CountsPerSecond, 6})).
			OverrideByName("error", fixed(red)).OverrideByName("warn", fixed(orange)).OverrideByName("info", fixed(blue)).OverrideByName("debug", fixed(grey)).
			WithTarget(over(`sum by (level) (rate(log_lines_total{`+ofJob+`}[$__rate_interval]))`, "{{level}}")),
	}
}

func byReplica(title, about, unit, expr string) *timeseries.PanelBuilder {
	return chart(frame{title, about, unit, 6}).WithTarget(over(`max by (instance) (`+expr+`)`, "{{instance}}"))
}

// latencyHeatmap shows how many requests took how long: from the native histogram, or where there is none, from the buckets.
func latencyHeatmap() *heatmap.PanelBuilder {
	f := frame{"How many took how long", "Each cell is a duration at a moment, the brighter the more requests. Two bands are two kinds of requests, which no mean shows.", units.Seconds, 12}
	return heatmap.NewPanelBuilder().
		Title(f.title).Description(f.about).Unit(f.unit).Span(f.width).Height(chartHeight).
		Datasource(source()).NoValue(noData).
		Calculate(false).
		Color(heatmap.NewHeatmapColorOptionsBuilder().Mode(heatmap.HeatmapColorModeScheme).Scheme("Cividis").Scale(heatmap.HeatmapColorScaleExponential).Exponent(0.5).Steps(64)).
		YAxis(heatmap.NewYAxisConfigBuilder().Unit(f.unit).AxisPlacement(common.AxisPlacementLeft)).
		CellGap(1).
		ExemplarsColor(purple).
		ShowLegend().
		WithTarget(over(`sum(rate(http_request_duration_seconds{`+ofRequest+`}[$__rate_interval]))`, "{{le}}").Format(prometheus.PromQueryFormatHeatmap)).
		WithTarget(over(`sum by (le) (rate(http_request_duration_seconds_bucket{`+ofRequest+`}[$__rate_interval]))
unless on ()
sum(rate(http_request_duration_seconds{`+ofRequest+`}[$__rate_interval]))`, "{{le}}").Format(prometheus.PromQueryFormatHeatmap).RefId("B"))
}
