package board

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// status answers at a glance.
func status() []cog.Builder[dashboard.Panel] {
	return []cog.Builder[dashboard.Panel]{
		figure(frame{"Backend", "Whether Prometheus reaches at least one replica of the backend.", units.NoUnit, 4},
			base("red"), from(1, "green")).
			Mappings(mappings(0, []state{{"down", "DOWN", "red"}, {"up", "UP", "green"}})).
			WithTarget(now(`max(up{` + ofJob + `}) or vector(0)`)),

		figure(frame{"Time up", "Share of the time range in which the worst of the targets was up, from the downtime that the watchdog measured. Time before the watchdog ran counts as up.", units.PercentUnit, 4},
			base("blue")).
			Decimals(3).Max(1).
			WithTarget(now(`1 - max(increase(watchdog_downtime_seconds_total{` + ofTarget + `}[$__range])) / $__range_s`)),

		figure(frame{"Restarts", "Restarts by the watchdog in the time range.", units.Short, 3},
			base("blue")).
			WithTarget(now(`sum(round(increase(watchdog_restarts_total{` + ofTarget + `}[$__range])))`)),

		figure(frame{"Restart budget left", "How often the target with the least budget may still be restarted before the watchdog has to wait. At 0 it waits; RestartBudgetExhausted fires once a target is down then.", units.Short, 4},
			base("red"), from(1, "green")).
			WithTarget(now(`min(watchdog_restart_budget_remaining{` + ofTarget + `})`)),

		figure(frame{"Watchdog", "Whether the watchdog runs, turns its loop and reaches Docker. Nothing is healed unless it does.", units.NoUnit, 3},
			base("red")).
			Mappings(mappings(0, []state{{"down", "DOWN", "red"}, {"no_docker", "no Docker", "red"}, {"stuck", "hangs", "red"}, {"up", "watching", "green"}})).
			WithTarget(now(watchdogVerdict)),

		figure(frame{"Alerts", "Alerts that fire and want a person.", units.Short, 3},
			base("green"), from(1, "red")).
			WithTarget(now(`count(ALERTS{alertstate="firing",severity=~"warning|critical"}) or vector(0)`)),

		figure(frame{"Who is told", "How many receivers of alerts are set up. 0: nobody is told; set ALERT_WEBHOOK_URL or ALERT_SLACK_WEBHOOK_URL in .env.", units.Short, 3},
			base("red"), from(1, "green")).
			Mappings(mappings(0, []state{{"none", "NOBODY", "red"}})).
			WithTarget(now(`max(watchdog_alert_receivers)`)),

		timeline(frame{"Targets", "The state of each target, as the watchdog sees it.", units.NoUnit, 12}, targetStates).
			WithTarget(over(stateNumber("target", "watchdog_target_state", "state", ofTarget, targetStates), "{{target}}")),

		timeline(frame{"Health checks", "The worst result of each health check of the backend, over its replicas.", units.NoUnit, 12}, healthStates).
			WithTarget(over(stateNumber("check", "health_check_status", "status", ofJob, healthStates), "{{check}}")),
	}
}

// watchdogVerdict is 0 when the watchdog is down, 1 when it has no Docker, 2 when its loop stands still, 3 when all is well.
var watchdogVerdict = fmt.Sprintf(`max(
  up{job="watchdog"}
+
  (max by (job, instance) (watchdog_docker_connected) or up{job="watchdog"} * 0)
+
  (max by (job, instance) (watchdog_docker_connected) * on (job, instance) (time() - watchdog_loop_heartbeat_timestamp_seconds < bool %d) or up{job="watchdog"} * 0)
) or vector(0)`, MaxHeartbeatAge)

// requests is what a user of the backend notices: rate, errors, duration.
func requests() []cog.Builder[dashboard.Panel] {
	return []cog.Builder[dashboard.Panel]{
		chart(frame{"Requests", "Requests per second by route, health checks and scrapes included.", units.RequestsPerSecond, 12}).
			WithTarget(over(`sum by (route) (rate(http_requests_total{`+ofRequest+`}[$__rate_interval]))`, "{{route}}")),

		chart(frame{"Responses", "Responses per second by status code.", units.RequestsPerSecond, 12}).
			Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal).Group("A")).
			FillOpacity(40).
			OverrideByRegexp("/^1../", fixed("text")).
			OverrideByRegexp("/^2../", fixed("green")).
			OverrideByRegexp("/^3../", fixed("blue")).
			OverrideByRegexp("/^4../", fixed("yellow")).
			OverrideByRegexp("/^5../", fixed("red")).
			WithTarget(over(`sum by (code) (rate(http_requests_total{`+ofRequest+`}[$__rate_interval]))`, "{{code}}")),

		chart(frame{"Failed requests", fmt.Sprintf("Share of the requests of the last 5 minutes that were answered with a server error, as the alert HighErrorRate sees it: without health checks, scrapes and paths that do not exist. It fires above %g%%, when at least %d requests failed.", MaxFailedShare*100, MinFailed), units.PercentUnit, 12}).
			AxisSoftMax(2 * MaxFailedShare).
			Thresholds(thresholds([]dashboard.Threshold{base("green"), from(MaxFailedShare, "red")})).
			ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed)).
			WithTarget(over(`  job:http_requests_failed:increase5m{job=~"$job"} / (job:http_requests:increase5m{job=~"$job"} > 0)
or
  0 * max by (job) (up{job=~"$job"})`, "{{job}}")),

		chart(frame{"Latency", "Time to answer: half, 95% and 99% of the requests were faster. The dots are single requests; their request ID finds them in the access log.", units.Seconds, 12}).
			WithTarget(over(quantile(0.5, "http_request_duration_seconds", ofRequest), "p50")).
			WithTarget(over(quantile(0.95, "http_request_duration_seconds", ofRequest), "p95").RefId("B")).
			WithTarget(over(quantile(0.99, "http_request_duration_seconds", ofRequest), "p99").RefId("C").Exemplar(true)),
	}
}

func fixed(color string) []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{{Id: "color", Value: map[string]string{"mode": "fixed", "fixedColor": color}}}
}
