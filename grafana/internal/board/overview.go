package board

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// OverviewUID is the fixed ID of the first dashboard: its address is /d/upkeep-overview.
const OverviewUID = "upkeep-overview"

const runbooks = "https://github.com/upkeephq/upkeep/tree/main/deploy/runbooks"

// Overview is the dashboard to look at first: is it up, what do users see, what was healed, what is left to spend, and what
// the machine does. Rows stand in the order of the questions that one asks at 3 a.m.
func Overview() (Dashboard, error) {
	b := newDashboard("Upkeep / Overview").
		Uid(OverviewUID).
		Description("Is it up, what do its users see, what was healed and how fast, and what the machine does.").
		Tags([]string{"upkeep"}).
		Readonly().
		Refresh("10s").
		Time("now-1h", "now").
		Timezone(common.TimeZoneBrowser).
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		Variables(variables()).
		Annotations(annotations()).
		Links(links())
	for _, row := range []struct {
		title  string
		panels []cog.Builder[dashboard.Panel]
	}{
		{"Is it up?", status()},
		{"What users see", requests()},
		{"What was healed", healing()},
		{"The machine", machine()},
		{"The monitoring itself", monitoring()},
	} {
		b.WithRow(dashboard.NewRowBuilder(row.title))
		for _, panel := range row.panels {
			b.WithPanel(panel)
		}
	}
	return b.Build()
}

func variables() []cog.Builder[dashboard.VariableModel] {
	choice := func(name, query, about string) *dashboard.QueryVariableBuilder {
		return dashboard.NewQueryVariableBuilder(name).
			Label(name).Description(about).
			Datasource(source()).
			Query(dashboard.StringOrMap{Map: map[string]any{"query": query, "refId": "variable-" + name, "qryType": 5}}).
			Definition(query).
			Refresh(dashboard.VariableRefreshOnTimeRangeChanged).
			Sort(dashboard.VariableSortAlphabeticalAsc).
			Multi(true).IncludeAll(true).AllValue(".+")
	}
	all := option("All", "$__all")
	return []cog.Builder[dashboard.VariableModel]{
		dashboard.NewDatasourceVariableBuilder("datasource").
			Label("datasource").Description("The Prometheus to ask.").
			Type("prometheus").
			Current(dashboard.VariableOption{
				Text:  dashboard.StringOrArrayOfString{String: new("Prometheus")},
				Value: dashboard.StringOrArrayOfString{String: new("prometheus")},
			}),
		choice("job", "label_values(http_requests_in_flight, job)", "The backend, by the name of its scrape job.").Current(option("api", "api")),
		choice("instance", `label_values(up{job=~"$job"}, instance)`, "The replicas of the backend.").Current(all),
		choice("route", `label_values(http_requests_total{job=~"$job"}, route)`, "The routes whose requests and latency are shown.").Current(all),
		choice("target", "label_values(watchdog_target_up, target)", "The containers or processes that the watchdog looks after.").Current(all),
	}
}

func option(text, value string) dashboard.VariableOption {
	return dashboard.VariableOption{
		Selected: new(true),
		Text:     dashboard.StringOrArrayOfString{ArrayOfString: []string{text}},
		Value:    dashboard.StringOrArrayOfString{ArrayOfString: []string{value}},
	}
}

func annotations() []cog.Builder[dashboard.AnnotationQuery] {
	mark := func(name, color, expr, title, text string) *dashboard.AnnotationQueryBuilder {
		return dashboard.NewAnnotationQueryBuilder().
			Name(name).Datasource(source()).Enable(true).IconColor(color).
			Expr(expr).TitleFormat(title).TextFormat(text).
			Target(query(expr).Range().RefId("Anno"))
	}
	return []cog.Builder[dashboard.AnnotationQuery]{
		mark("Restarts", "orange",
			`sum by (target, reason) (increase(watchdog_restarts_total{`+ofTarget+`}[$__rate_interval])) > 0`,
			"{{target}} restarted", "{{reason}}").TagKeys("target,reason"),
		mark("Alerts", "red",
			`max by (alertname, severity) (ALERTS{alertstate="firing",severity=~"warning|critical"})`,
			"{{alertname}}", "{{severity}}").TagKeys("severity"),
	}
}

func links() []cog.Builder[dashboard.DashboardLink] {
	return []cog.Builder[dashboard.DashboardLink]{
		dashboard.NewDashboardLinkBuilder("Upkeep").
			Type(dashboard.DashboardLinkTypeDashboards).Tags([]string{"upkeep"}).AsDropdown(true).
			IncludeVars(true).KeepTime(true).Icon("external link").
			Tooltip("The other dashboards of Upkeep"),
		dashboard.NewDashboardLinkBuilder("Runbooks").
			Type(dashboard.DashboardLinkTypeLink).Url(runbooks).TargetBlank(true).Icon("doc").
			Tooltip("What to do when an alert fires"),
	}
}
