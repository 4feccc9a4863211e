package board

import (
	"slices"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// variables returns the data source and the choices of a dashboard.
func variables(choices []string) []cog.Builder[dashboard.VariableModel] {
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
	known := map[string]*dashboard.QueryVariableBuilder{
		"job":      choice("job", "label_values(http_requests_in_flight, job)", "The backend, by the name of its scrape job.").Current(option("api", "api")),
		"instance": choice("instance", `label_values(up{job=~"$job"}, instance)`, "The replicas of the backend.").Current(all),
		"route":    choice("route", `label_values(http_requests_total{job=~"$job"}, route)`, "The routes whose requests and latency are shown.").Current(all),
		"target":   choice("target", "label_values(watchdog_target_up, target)", "The containers or processes that the watchdog looks after.").Current(all),
	}
	built := []cog.Builder[dashboard.VariableModel]{
		dashboard.NewDatasourceVariableBuilder("datasource").
			Label("datasource").Description("The Prometheus to ask.").
			Type("prometheus").
			Current(dashboard.VariableOption{
				Text:  dashboard.StringOrArrayOfString{String: new("Prometheus")},
				Value: dashboard.StringOrArrayOfString{String: new("prometheus")},
			}),
	}
	for _, name := range choices {
		built = append(built, known[name])
	}
	return built
}

func option(text, value string) dashboard.VariableOption {
	return dashboard.VariableOption{
		Selected: new(true),
		Text:     dashboard.StringOrArrayOfString{ArrayOfString: []string{text}},
		Value:    dashboard.StringOrArrayOfString{ArrayOfString: []string{value}},
	}
}

// annotations are the marks on every chart: what was restarted, what came with another version, what fired.
func annotations(choices []string) []cog.Builder[dashboard.AnnotationQuery] {
	mark := func(name, color, expr, title, text string) *dashboard.AnnotationQueryBuilder {
		return dashboard.NewAnnotationQueryBuilder().
			Name(name).Datasource(source()).Enable(true).IconColor(color).
			Expr(expr).TitleFormat(title).TextFormat(text).
			Target(query(expr).Range().RefId("Anno"))
	}
	restarts := `watchdog_restarts_total`
	if slices.Contains(choices, "target") {
		restarts += "{" + ofTarget + "}"
	}
	return []cog.Builder[dashboard.AnnotationQuery]{
		mark("Restarts", orange,
			`sum by (target, reason) (increase(`+restarts+`[$__rate_interval])) > 0`,
			"{{target}} restarted", "{{reason}}").TagKeys("target,reason"),
		mark("Deploys", blue,
			`  (count by (service, version, revision) (build_info) unless count by (service, version, revision) (build_info offset $__rate_interval))
and on (service)
  count by (service) (build_info offset $__rate_interval)`,
			"{{service}} {{version}}", "revision {{revision}}").TagKeys("service"),
		mark("Alerts", red,
			`max by (alertname, severity) (ALERTS{alertstate="firing",severity=~"warning|critical"})`,
			"{{alertname}}", "{{severity}}").TagKeys("severity"),
	}
}
