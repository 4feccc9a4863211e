package board

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// healing is what the watchdog did.
func healing() []cog.Builder[dashboard.Panel] {
	return []cog.Builder[dashboard.Panel]{
		outages(),
		restartsByReason(),
		budgetLeft(),
		timeToRecover(),

		chart(frame{"Probes", "Failed probes per second, and how long probes take (95% are faster). A failed probe alone is no outage.", units.Seconds, 8}).
			OverrideByRegexp("/failed/", []dashboard.DynamicConfigValue{
				{Id: "unit", Value: "cps"}, {Id: "color", Value: map[string]string{"mode": "fixed", "fixedColor": red}},
				{Id: "custom.axisPlacement", Value: "right"},
			}).
			WithTarget(over(`sum by (target) (rate(watchdog_probes_total{result="failure",`+ofTarget+`}[$__rate_interval]))`, "{{target}} failed")).
			WithTarget(over(probeLatency, "{{target}}").RefId("B")),
	}
}

// probeLatency is how long the slowest 5% of the probes of each target take at least.
const probeLatency = `histogram_quantile(0.95, sum by (target) (rate(watchdog_probe_duration_seconds{` + ofTarget + `}[$__rate_interval])))
or
histogram_quantile(0.95, sum by (target, le) (rate(watchdog_probe_duration_seconds_bucket{` + ofTarget + `}[$__rate_interval])))`

func restartsByReason() *timeseries.PanelBuilder {
	return bars(chart(frame{"Restarts by reason", "Restarts by the watchdog, per point of the chart.", units.Short, 12})).
		WithTarget(over(`sum by (target, reason) (round(increase(watchdog_restarts_total{`+ofTarget+`}[$__rate_interval]))) > 0`, "{{target}}: {{reason}}"))
}

func budgetLeft() *timeseries.PanelBuilder {
	return chart(frame{"Restart budget left", "How often each target may still be restarted within its window. The watchdog waits at 0.", units.Short, 8}).
		Decimals(0).
		Thresholds(thresholds([]dashboard.Threshold{base(red), from(1, green)})).
		ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed)).
		WithTarget(over(`min by (target) (watchdog_restart_budget_remaining{`+ofTarget+`})`, "{{target}}"))
}

func timeToRecover() *timeseries.PanelBuilder {
	return chart(frame{"Time to recover", "From the moment a target turned bad until it was well again, mean of the recoveries at each point.", units.Seconds, 8}).
		DrawStyle(common.GraphDrawStylePoints).ShowPoints(common.VisibilityModeAlways).PointSize(8).
		WithTarget(over(`  sum by (target) (increase(watchdog_recovery_duration_seconds_sum{`+ofTarget+`}[$__rate_interval]))
/
  (sum by (target) (increase(watchdog_recovery_duration_seconds_count{`+ofTarget+`}[$__rate_interval])) > 0)`, "{{target}}"))
}

// outages is a table with a row per target: restarts, failed ones, downtime, recovery.
func outages() *table.PanelBuilder {
	t := list(frame{"Outages", "What happened to each target in the time range. For the exit code, the last log lines and the memory at the time: docker compose exec watchdog watchdog incidents", units.Short, 12}).
		WithTarget(row("A", `round(sum by (target) (increase(watchdog_restarts_total{`+ofTarget+`}[$__range])))`)).
		WithTarget(row("B", `round(sum by (target) (increase(watchdog_restart_failures_total{`+ofTarget+`}[$__range])))`)).
		WithTarget(row("C", `sum by (target) (increase(watchdog_downtime_seconds_total{`+ofTarget+`}[$__range]))`)).
		WithTarget(row("D", `  sum by (target) (increase(watchdog_recovery_duration_seconds_sum{`+ofTarget+`}[$__range]))
/
  (sum by (target) (increase(watchdog_recovery_duration_seconds_count{`+ofTarget+`}[$__range])) > 0)`))
	return columns(t, "target", "Target", "Value #A", "Restarts", "Value #B", "Failed restarts", "Value #C", "Time down", "Value #D", "Mean time to recover").
		OverrideByName("Time down", column("unit", units.Seconds)).
		OverrideByName("Mean time to recover", column("unit", units.Seconds))
}
