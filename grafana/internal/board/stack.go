package board

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// stack is whether Prometheus, Alertmanager and Grafana are well themselves.
func stack() page {
	versions := list(frame{"Versions", "What runs, where it says so.", units.NoUnit, 8}).
		WithTarget(row("A", `count by (job, version, revision, goversion) (build_info or prometheus_build_info or alertmanager_build_info)`))
	return page{
		uid: StackUID, title: "Stack",
		about: "Whether Prometheus, Alertmanager, Grafana and the watchdog are well themselves: whether the other dashboards, and the silence of alerts, can be trusted.",
		since: "3h",
		rows: []section{
			{"At a glance", stackFigures()},
			{"Services", []cog.Builder[dashboard.Panel]{
				scrapes().Span(16),
				columns(versions, "job", "Job", "version", "Version", "revision", "Revision", "goversion", "Go", "Value", "Instances"),
				byJob("CPU", "What each service uses; 100% is one processor.", units.PercentUnit, `rate(process_cpu_seconds_total[$__rate_interval])`),
				byJob("Memory", "What each service holds.", units.BytesIEC, `process_resident_memory_bytes`),
				limit(byJob("File descriptors", fmt.Sprintf("Share of the files and connections that each may open. FileDescriptorsRunningOut fires above %g%%.", MaxOpenFiles*100), units.PercentUnit, `process_open_fds / process_max_fds`),
					from(MaxOpenFiles, red)).Max(1),
				byJob("Goroutines", "How many each service runs. Growing without end means a leak.", units.Short, `go_goroutines`),
				byJob("Running for", "How long each service has been running. Where it falls to 0, it was started. ServiceRestarting fires when that happens again and again.", units.Seconds, `time() - process_start_time_seconds`),
				byJob("Network", "What each service receives and sends.", units.BytesPerSecondSI, `rate(process_network_receive_bytes_total[$__rate_interval]) + rate(process_network_transmit_bytes_total[$__rate_interval])`),
			}},
			{"Prometheus", prometheusPanels()},
			{"Alertmanager", []cog.Builder[dashboard.Panel]{
				chart(frame{"Alerts", "Alerts that Alertmanager has, by state.", units.Short, 8}).
					WithTarget(over(`max by (state) (alertmanager_alerts)`, "{{state}}")),
				failures("Failed notifications", "Notifications that did not arrive, by integration and reason, per point of the chart.").
					WithTarget(over(`sum by (integration, reason) (round(increase(alertmanager_notifications_failed_total[$__rate_interval]))) > 0`, "{{integration}}: {{reason}}")),
				chart(frame{"Silences", "How many silences there are, by state. One that is forgotten hides the next outage.", units.Short, 8}).
					WithTarget(over(`max by (state) (alertmanager_silences)`, "{{state}}")),
			}},
		},
	}
}

func stackFigures() []cog.Builder[dashboard.Panel] {
	reload := func(title, about, metric string) cog.Builder[dashboard.Panel] {
		return figure(frame{title, about, units.NoUnit, 4}, base(red), from(1, green)).
			Mappings(mappings(0, []state{{"refused", "REFUSED", red}, {"loaded", "loaded", green}})).
			WithTarget(now(`min(` + metric + `)`))
	}
	return []cog.Builder[dashboard.Panel]{
		figure(frame{"Unreachable", "How many of the services Prometheus cannot read.", units.Short, 4}, base(green), from(1, red)).
			WithTarget(now(`count(up == 0) or vector(0)`)),
		reload("Prometheus' configuration", "Whether the last configuration could be read. PrometheusConfigReloadFailed.", "prometheus_config_last_reload_successful"),
		reload("Alertmanager's configuration", "Whether the last configuration could be read. AlertmanagerConfigReloadFailed.", "alertmanager_config_last_reload_successful"),
		figure(frame{"Series", "How many series Prometheus has in memory: its memory grows with them.", units.Short, 4}, base(blue)).
			WithTarget(now(`max(prometheus_tsdb_head_series)`)),
		figure(frame{"Storage", "What the data of Prometheus take on disk, the write-ahead log included.", units.BytesIEC, 4}, base(blue)).
			Decimals(1).
			WithTarget(now(`max(prometheus_tsdb_storage_blocks_bytes) + max(prometheus_tsdb_wal_storage_size_bytes)`)),
		figure(frame{"Integrations", "How many ways Alertmanager has to tell somebody, the dead man's switch included.", units.Short, 4}, base(red), from(1, green)).
			Links(to(AlertsUID, "Alerts")).
			WithTarget(now(`max(alertmanager_integrations)`)),
	}
}

func prometheusPanels() []cog.Builder[dashboard.Panel] {
	return []cog.Builder[dashboard.Panel]{
		chart(frame{"Samples", "Samples that are stored per second. A sudden rise is a label with too many values.", units.CountsPerSecond, 8}).
			WithTarget(over(`sum by (job) (rate(prometheus_tsdb_head_samples_appended_total[$__rate_interval]))`, "{{job}}")),
		chart(frame{"Series", "Series in memory.", units.Short, 8}).
			WithTarget(over(`max by (job) (prometheus_tsdb_head_series)`, "{{job}}")),
		chart(frame{"Storage", "What the data take on disk, and what they may take.", units.BytesIEC, 8}).
			OverrideByName("limit", fixed(grey)).
			WithTarget(over(`max(prometheus_tsdb_storage_blocks_bytes)`, "blocks")).
			WithTarget(over(`max(prometheus_tsdb_wal_storage_size_bytes)`, "write-ahead log").RefId("B")).
			WithTarget(over(`max(prometheus_tsdb_retention_limit_bytes) > 0`, "limit").RefId("C")),
		chart(frame{"Evaluation of rules", "How long each group of rules takes. When it takes longer than its interval, alerts come late: PrometheusMissedEvaluations.", units.Seconds, 8}).
			WithTarget(over(`max by (rule_group) (prometheus_rule_group_last_duration_seconds)`, "{{rule_group}}")),
		chart(frame{"Queries", "How long queries take, mean: rules and dashboards.", units.Seconds, 8}).
			WithTarget(over(`  sum by (job) (rate(prometheus_engine_query_duration_seconds_sum{slice="inner_eval"}[$__rate_interval]))
/
  (sum by (job) (rate(prometheus_engine_query_duration_seconds_count{slice="inner_eval"}[$__rate_interval])) > 0)`, "{{job}}")),
		failures("Failures", "What failed, per point of the chart. Each has an alert: PrometheusRuleFailures, PrometheusMissedEvaluations, PrometheusNotificationsDropped, PrometheusStorageFailing, PrometheusScrapeLimitHit.").
			WithTarget(failed("A", "rules", "prometheus_rule_evaluation_failures_total")).
			WithTarget(failed("B", "evaluations missed", "prometheus_rule_group_iterations_missed_total")).
			WithTarget(failed("C", "notifications dropped", "prometheus_notifications_dropped_total")).
			WithTarget(failed("D", "compactions", "prometheus_tsdb_compactions_failed_total")).
			WithTarget(failed("E", "writes to the log", "prometheus_tsdb_wal_writes_failed_total")).
			WithTarget(failed("F", "scrapes over the limit", "prometheus_target_scrapes_exceeded_sample_limit_total")),
	}
}

func byJob(title, about, unit, expr string) *timeseries.PanelBuilder {
	return chart(frame{title, about, unit, 8}).WithTarget(over(`max by (job) (`+expr+`)`, "{{job}}"))
}

func failures(title, about string) *timeseries.PanelBuilder {
	return bars(chart(frame{title, about, units.Short, 8}))
}
