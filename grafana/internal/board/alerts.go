package board

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// realAlerts leaves out the one that always fires.
const realAlerts = `alertname!="Watchdog"`

var severities = []state{
	{"critical", "critical", red}, {"warning", "warning", orange}, {"info", "info", blue}, {"none", "none", grey},
}

var alertStates = []state{{"pending", "pending", yellow}, {"firing", "firing", red}}

// alerts is what fires, what fired, and who was told.
func alerts() page {
	return page{
		uid: AlertsUID, title: "Alerts",
		about: "What fires now, what fired when, and whether anybody was told.",
		since: "24h",
		rows: []section{
			{"At a glance", alertFigures()},
			{"Now", []cog.Builder[dashboard.Panel]{
				alertTable("Firing", "Alerts that fire. A click on one leads to its runbook.", `ALERTS{alertstate="firing",`+realAlerts+`}`, "nothing fires").Span(14),
				alertTable("Pending", "What is true, but not yet for long enough to fire.", `ALERTS{alertstate="pending"}`, "nothing is pending").Span(10),
			}},
			{"History", []cog.Builder[dashboard.Panel]{
				timeline(frame{"When", "When each alert was pending and when it fired.", units.NoUnit, 24}, alertStates).
					Height(10).NoValue("nothing has fired").
					WithTarget(over(`max by (alertname) (1 * (ALERTS{alertstate="pending"}) or 2 * (ALERTS{alertstate="firing",`+realAlerts+`}))`, "{{alertname}}")),
				stacked(chart(frame{"How many", "How many alerts fired at each moment, by severity.", units.Short, 12})).
					NoValue("nothing has fired").Decimals(0).
					OverrideByName("critical", fixed(red)).OverrideByName("warning", fixed(orange)).OverrideByName("info", fixed(blue)).
					WithTarget(over(`count by (severity) (ALERTS{alertstate="firing",`+realAlerts+`})`, "{{severity}}")),
				firingTime(),
			}},
			{"Who was told", []cog.Builder[dashboard.Panel]{
				bars(chart(frame{"Notifications", "Notifications that Alertmanager sent by each integration, per point of the chart.", units.Short, 12})).
					WithTarget(over(`sum by (integration) (round(increase(alertmanager_notifications_total[$__rate_interval]))) > 0`, "{{integration}}")),
				bars(chart(frame{"Failed notifications", "Notifications that did not arrive, by integration and reason. AlertmanagerNotificationsFailing fires when one was given up.", units.Short, 12})).
					WithTarget(over(`sum by (integration, reason) (round(increase(alertmanager_notifications_failed_total[$__rate_interval]))) > 0`, "{{integration}}: {{reason}}")),
			}},
		},
	}
}

func alertFigures() []cog.Builder[dashboard.Panel] {
	firing := func(title, about, severity, color string) cog.Builder[dashboard.Panel] {
		return figure(frame{title, about, units.Short, 4}, base(green), from(1, color)).
			WithTarget(now(`count(ALERTS{alertstate="firing",severity="` + severity + `"}) or vector(0)`))
	}
	return []cog.Builder[dashboard.Panel]{
		firing("Critical", "Alerts that want a person at once.", "critical", red),
		firing("Warning", "Alerts that want a person within the day.", "warning", orange),
		firing("Info", "What a person may like to know: restarts that healed.", "info", blue),
		figure(frame{"Silenced or inhibited", "Alerts that Alertmanager holds back: somebody has silenced them, or a worse one says the same.", units.Short, 4}, base(blue)).
			WithTarget(now(`max(alertmanager_alerts{state="suppressed"})`)),
		whoIsTold(),
		figure(frame{"Dead man's switch", "The alert Watchdog always fires: as long as it does, rules are evaluated.", units.NoUnit, 4},
			base(red), from(1, green)).
			Mappings(mappings(0, []state{{"silent", "SILENT", red}, {"alive", "alive", green}})).
			WithTarget(now(`count(ALERTS{alertname="Watchdog",alertstate="firing"} == 1) or vector(0)`)),
	}
}

// alertTable is a row for each alert, with a way to its runbook.
func alertTable(title, about, series, none string) *table.PanelBuilder {
	t := list(frame{title, about, units.NoUnit, 12}).
		NoValue(none).
		WithTarget(row("A", `max by (alertname, severity, job, target) (`+series+`)`)).
		WithTransformation(dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
			"excludeByName": map[string]bool{"Time": true, "Value": true},
			"indexByName":   map[string]int{"severity": 0, "alertname": 1, "target": 2, "job": 3},
			"renameByName":  map[string]string{"alertname": "Alert", "severity": "Severity", "job": "Job", "target": "Target"},
		}})
	return t.
		OverrideByName("Alert", column("links", []map[string]any{{
			"title": "Runbook", "targetBlank": true,
			"url": "https://github.com/upkeephq/upkeep/blob/main/deploy/runbooks/${__value.raw}.md",
		}})).
		OverrideByName("Severity", severity())
}

// firingTime is how long each alert fired, to the minute.
func firingTime() *table.PanelBuilder {
	t := list(frame{"For how long", "How long each alert fired in the time range, to the minute: what fires often and long wants to be repaired, not silenced.", units.Seconds, 12}).
		NoValue("nothing has fired").
		WithTarget(row("A", `sort_desc(60 * count_over_time((max by (alertname, severity) (ALERTS{alertstate="firing",`+realAlerts+`}))[$__range:1m]))`))
	return columns(t, "alertname", "Alert", "severity", "Severity", "Value", "Fired for").
		OverrideByName("Severity", severity())
}

// severity is how a column of severities looks.
func severity() []dashboard.DynamicConfigValue {
	return append(column("custom.width", 110), coloured(), dashboard.DynamicConfigValue{Id: "mappings", Value: words(severities)})
}
