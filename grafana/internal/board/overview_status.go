package board

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// status answers at a glance. Each figure leads to the dashboard that tells more.
func status() []cog.Builder[dashboard.Panel] {
	figures := []*stat.PanelBuilder{
		backend().Links(to(APIUID, "API")),

		figure(frame{"Running for", "How long the replica of the backend that was started last has been running. A small number after a quiet night: somebody, or the watchdog, has restarted it.", units.Seconds, 6},
			base(blue)).
			Decimals(1).Links(to(WatchdogUID, "Watchdog")).
			WithTarget(now(`time() - max(process_start_time_seconds{` + ofJob + `})`)),

		figure(frame{"Time up", "Share of the time range in which the worst of the targets was up, from the downtime that the watchdog measured. Time before the watchdog ran counts as up.", units.PercentUnit, 6},
			base(blue)).
			Decimals(3).Max(1).Links(to(WatchdogUID, "Watchdog")).
			WithTarget(now(`1 - max(increase(watchdog_downtime_seconds_total{` + ofTarget + `}[$__range])) / $__range_s`)),

		figure(frame{"Error budget left", "What is left of the errors, or of the slow requests, that 30 days may have: the worst of the objectives.", units.PercentUnit, 6},
			base(red), from(0.000001, orange), from(0.25, green)).
			Decimals(1).Max(1).Links(to(SLOUID, "SLO")).
			WithTarget(now(`min(slo:period_error_budget_remaining:ratio{job=~"$job"})`)),

		restarts().Links(to(WatchdogUID, "Watchdog")),
		leastBudget().Links(to(WatchdogUID, "Watchdog")),
		verdict().Links(to(WatchdogUID, "Watchdog")),

		figure(frame{"Alerts", "Alerts that fire and want a person.", units.Short, 6},
			base(green), from(1, red)).
			Links(to(AlertsUID, "Alerts")).
			WithTarget(now(`count(ALERTS{alertstate="firing",severity=~"warning|critical"}) or vector(0)`)),
	}
	var panels []cog.Builder[dashboard.Panel]
	for _, f := range figures {
		panels = append(panels, f.Span(6).Height(3))
	}
	return append(panels,
		targetsTimeline().Links(to(WatchdogUID, "Watchdog")),
		healthTimeline().Links(to(APIUID, "API")),
	)
}

func backend() *stat.PanelBuilder {
	return figure(frame{"Backend", "Whether Prometheus reaches at least one replica of the backend.", units.NoUnit, 4},
		base(red), from(1, green)).
		Mappings(mappings(0, []state{{"down", "DOWN", red}, {"up", "UP", green}})).
		WithTarget(now(`max(up{` + ofJob + `}) or vector(0)`))
}

func restarts() *stat.PanelBuilder {
	return figure(frame{"Restarts", "Restarts by the watchdog in the time range.", units.Short, 4},
		base(blue)).
		WithTarget(now(`sum(round(increase(watchdog_restarts_total{` + ofTarget + `}[$__range])))`))
}

func leastBudget() *stat.PanelBuilder {
	return figure(frame{"Restart budget left", "How often the target with the least budget may still be restarted before the watchdog has to wait. At 0 it waits; RestartBudgetExhausted fires once a target is down then.", units.Short, 4},
		base(red), from(1, green)).
		WithTarget(now(`min(watchdog_restart_budget_remaining{` + ofTarget + `})`))
}

func verdict() *stat.PanelBuilder {
	return figure(frame{"Watchdog", "Whether the watchdog runs, turns its loop and reaches Docker. Nothing is healed unless it does.", units.NoUnit, 4},
		base(red)).
		Mappings(mappings(0, []state{{"down", "DOWN", red}, {"no_docker", "no Docker", red}, {"stuck", "hangs", red}, {"up", "watching", green}})).
		WithTarget(now(watchdogVerdict))
}

func whoIsTold() *stat.PanelBuilder {
	return figure(frame{"Who is told", "How many receivers of alerts are set up. 0: nobody is told; set one of the variables ALERT_… in .env.", units.Short, 4},
		base(red), from(1, green)).
		Mappings(mappings(0, []state{{"none", "NOBODY", red}})).
		WithTarget(now(`max(watchdog_alert_receivers)`))
}

func targetsTimeline() *statetimeline.PanelBuilder {
	return timeline(frame{"Targets", "The state of each target, as the watchdog sees it.", units.NoUnit, 12}, targetStates).
		WithTarget(over(stateNumber("target", "watchdog_target_state", "state", ofTarget, targetStates), "{{target}}"))
}

func healthTimeline() *statetimeline.PanelBuilder {
	return timeline(frame{"Health checks", "The worst result of each health check of the backend, over its replicas.", units.NoUnit, 12}, healthStates).
		WithTarget(over(stateNumber("check", "health_check_status", "status", ofJob, healthStates), "{{check}}"))
}

// watchdogVerdict is 0 when the watchdog is down, 1 when it has no Docker, 2 when its loop stands still, 3 when all is well.
var watchdogVerdict = fmt.Sprintf(`max(
  up{job="watchdog"}
+
  (max by (job, instance) (watchdog_docker_connected) or up{job="watchdog"} * 0)
+
  (max by (job, instance) (watchdog_docker_connected) * on (job, instance) (time() - watchdog_loop_heartbeat_timestamp_seconds < bool %d) or up{job="watchdog"} * 0)
) or vector(0)`, MaxHeartbeatAge)
