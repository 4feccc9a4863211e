package board

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// watchdog is what is looked after, what failed and why, and how it was healed.
func watchdog() page {
	return page{
		uid: WatchdogUID, title: "Watchdog",
		about: "What is looked after, what failed and why, how fast it was healed, and whether the watchdog itself is well.",
		since: "3h", choices: []string{"target"},
		rows: []section{
			{"At a glance", watchdogFigures()},
			{"Targets", []cog.Builder[dashboard.Panel]{
				targetsTimeline().Span(24),
				incidents(),
			}},
			{"Restarts", []cog.Builder[dashboard.Panel]{
				outages(),
				restartsByReason(),
				timeToRecover(),
				budgetLeft(),
				chart(frame{"Budget used", "Share of its restarts that each target has used within its window. At 100% the watchdog waits.", units.PercentUnit, 8}).
					Max(1).
					WithTarget(over(`1 - min by (target) (watchdog_restart_budget_remaining{`+ofTarget+`} / (watchdog_restart_budget_limit{`+ofTarget+`} > 0))`, "{{target}}")),
			}},
			{"Probes", []cog.Builder[dashboard.Panel]{
				limit(chart(frame{"Failed probes", fmt.Sprintf("Share of the probes of each target that failed. TargetUnhealthy fires above %g%%, when too few fail in a row for a restart.", MaxFailedProbes*100), units.PercentUnit, 8}),
					from(MaxFailedProbes, red)).
					Max(1).
					WithTarget(over(`  sum by (target) (rate(watchdog_probes_total{result="failure",`+ofTarget+`}[$__rate_interval]))
/
  (sum by (target) (rate(watchdog_probes_total{`+ofTarget+`}[$__rate_interval])) > 0)`, "{{target}}")),
				chart(frame{"Time of the probes", "Time within which 95% of the probes of each target were answered.", units.Seconds, 8}).
					WithTarget(over(probeLatency, "{{target}}")),
				chart(frame{"Downtime", "Share of the time in which each target was down.", units.PercentUnit, 8}).
					Max(1).
					WithTarget(over(`max by (target) (rate(watchdog_downtime_seconds_total{`+ofTarget+`}[$__rate_interval]))`, "{{target}}")),
			}},
			{"The watchdog itself", []cog.Builder[dashboard.Panel]{
				limit(chart(frame{"Last turn of the loop", fmt.Sprintf("How long ago the watchdog looked at its targets. WatchdogDown fires from %d s on: it hangs.", MaxHeartbeatAge), units.Seconds, 8}),
					from(MaxHeartbeatAge, red)).
					WithTarget(over(`max by (job) (time() - watchdog_loop_heartbeat_timestamp_seconds)`, "{{job}}")),
				bars(chart(frame{"Events", "What the watchdog saw and did, by kind, per point of the chart.", units.Short, 8})).
					WithTarget(over(`sum by (type) (round(increase(watchdog_events_total[$__rate_interval]))) > 0`, "{{type}}")),
				timeline(frame{"Docker", "Whether the watchdog reaches Docker. Without it only processes are healed.", units.NoUnit, 8}, nil).
					Mappings(mappings(0, []state{{"lost", "lost", red}, {"connected", "connected", green}})).
					WithTarget(over(`max by (job) (watchdog_docker_connected)`, "Docker")),
			}},
		},
	}
}

func watchdogFigures() []cog.Builder[dashboard.Panel] {
	return []cog.Builder[dashboard.Panel]{
		verdict(),
		figure(frame{"Targets that are up", "How many of the targets are well.", units.Short, 4}, base(red), from(1, green)).
			WithTarget(now(`sum(watchdog_target_up{` + ofTarget + `})`)),
		figure(frame{"Targets that are not", "How many are down, starting, stopped, paused or held: the timeline tells.", units.Short, 4}, base(green), from(1, orange)).
			WithTarget(now(`count(watchdog_target_up{` + ofTarget + `} == 0) or vector(0)`)),
		restarts(),
		figure(frame{"Failed restarts", "Restarts in the time range that Docker refused or that were not done in time.", units.Short, 4}, base(green), from(1, red)).
			WithTarget(now(`sum(round(increase(watchdog_restart_failures_total{` + ofTarget + `}[$__range])))`)),
		leastBudget(),
	}
}

// incidents is a row for the latest incident of each target, until an hour after its end.
func incidents() *table.PanelBuilder {
	t := list(frame{"Latest incidents", "The latest incident of each target until an hour after its end: why it was restarted, with its exit code and its last log line. Older ones: docker compose exec watchdog watchdog incidents", units.NoUnit, 24}).
		NoValue("no incident in the last hour").
		WithTarget(row("A", `1000 * max by (target, cause, exit_code, last_log, incident) (watchdog_incident_info{`+ofTarget+`})`))
	return columns(t, "Value", "Began", "target", "Target", "cause", "Cause", "exit_code", "Exit code", "last_log", "Last log line", "incident", "Incident").
		OverrideByName("Began", column("unit", units.DatetimeLocal)).
		OverrideByRegexp("/^(Began|Target)$/", column("custom.width", 180)).
		OverrideByRegexp("/^(Cause|Exit code)$/", column("custom.width", 110)).
		OverrideByName("Incident", column("custom.width", 330)).
		CellHeight(common.TableCellHeightSm)
}
