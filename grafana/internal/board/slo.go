package board

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

const ofService = `job=~"$job"`

// slo is how much of the error budget is left, and how fast it burns.
func slo() page {
	var windows []cog.Builder[dashboard.Panel]
	for _, b := range burns {
		windows = append(windows, burnRate(b))
	}
	return page{
		uid: SLOUID, title: "SLO",
		about: "How much of the 30 days' error budget is left, and how fast it burns, for each service level objective of prometheus/slo.yml.",
		since: "6h", choices: []string{"job"},
		rows: []section{
			{"At a glance", []cog.Builder[dashboard.Panel]{
				objectives("Objective", "Share of the requests that is to be good: answered without a server error, or fast enough.", units.PercentUnit, "max by (sloth_slo) (slo:objective:ratio{"+ofService+"})", base(blue)).Decimals(2),
				objectives("Good in 30 days", "Share of the requests of the last 30 days, or since Prometheus has data, that was good.", units.PercentUnit, "1 - max by (sloth_slo) (slo:sli_error:ratio_rate30d{"+ofService+"})", base(blue)).Decimals(3),
				objectives("Error budget left", "What is left of the bad requests that 30 days may have. Below 0 the objective is missed.", units.PercentUnit, "min by (sloth_slo) (slo:period_error_budget_remaining:ratio{"+ofService+"})", base(red), from(0.000001, orange), from(0.25, green)).Decimals(1),
				objectives("Burn rate now", "How fast the budget burns in the last 5 minutes: at 1 it lasts exactly 30 days.", units.Short, "max by (sloth_slo) (slo:current_burn_rate:ratio{"+ofService+"})", base(green), from(1, orange), from(burns[0].factor, red)).Decimals(2),
			}},
			{"Budget", []cog.Builder[dashboard.Panel]{
				chart(frame{"Error budget left", "What is left of the bad requests that 30 days may have. Where it stops falling, the trouble is over.", units.PercentUnit, 12}).
					AxisSoftMin(0).Max(1).
					WithTarget(over(`min by (sloth_slo) (slo:period_error_budget_remaining:ratio{`+ofService+`})`, "{{sloth_slo}}")),
				burnTable(),
			}},
			{"Burn rate by window", windows},
			{"Requests", []cog.Builder[dashboard.Panel]{
				chart(frame{"Bad requests", "Requests per second that use up the budget.", units.RequestsPerSecond, 12}).
					WithTarget(over(`max by (sloth_slo) (slo:error_events:rate5m{`+ofService+`})`, "{{sloth_slo}}")),
				chart(frame{"All requests", "Requests per second that count for the objective: without health checks, scrapes and paths that do not exist.", units.RequestsPerSecond, 12}).
					WithTarget(over(`max by (sloth_slo) (slo:total_events:rate5m{`+ofService+`})`, "{{sloth_slo}}")),
			}},
		},
	}
}

// objectives shows one number for each objective.
func objectives(title, about, unit, expr string, steps ...dashboard.Threshold) *stat.PanelBuilder {
	return figure(frame{title, about, unit, 6}, steps...).
		TextMode(common.BigValueTextModeValueAndName).
		WithTarget(now(expr).LegendFormat("{{sloth_slo}}"))
}

// rateIn is the burn rate in a window.
func rateIn(window string) string {
	return fmt.Sprintf(`max by (sloth_slo) (slo:sli_error:ratio_rate%s{%s} / on (job, sloth_id) group_left () slo:error_budget:ratio{%s})`, window, ofService, ofService)
}

// burnRate shows a pair of windows and the factor that both must exceed.
func burnRate(b burn) *timeseries.PanelBuilder {
	return limit(chart(frame{
		fmt.Sprintf("Burn rate in %s and %s", b.long, b.short),
		fmt.Sprintf("How fast the budget burns; at 1 it lasts exactly 30 days. The burn rate alert fires as %s when both windows are above %g.", b.severity, b.factor),
		units.Short, 12,
	}), from(b.factor, red)).
		AxisSoftMax(b.factor * 1.2).
		WithTarget(over(rateIn(b.long), "{{sloth_slo}} "+b.long)).
		WithTarget(over(rateIn(b.short), "{{sloth_slo}} "+b.short).RefId("B"))
}

// burnTable is a row for each objective, a column for each window.
func burnTable() *table.PanelBuilder {
	t := list(frame{"Burn rates", "How fast the budget burns, by window. At 1 it lasts exactly 30 days.", units.Short, 12})
	names := []string{"sloth_slo", "Objective"}
	for i, window := range []string{"5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"} {
		ref := string(rune('A' + i))
		t.WithTarget(row(ref, rateIn(window)))
		names = append(names, "Value #"+ref, window)
	}
	return columns(t, names...).
		OverrideByRegexp("/^[0-9]+[mhd]$/", []dashboard.DynamicConfigValue{coloured()}).
		Decimals(2).
		Thresholds(thresholds([]dashboard.Threshold{base(green), from(burns[3].factor, orange), from(burns[0].factor, red)}))
}
