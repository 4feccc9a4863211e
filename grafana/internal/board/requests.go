package board

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
	"github.com/grafana/grafana-foundation-sdk/go/units"
)

// requests is what a user of the backend notices: rate, errors, duration.
func requests() []cog.Builder[dashboard.Panel] {
	return []cog.Builder[dashboard.Panel]{
		requestRate().Links(to(APIUID, "API")),
		responses().Links(to(APIUID, "API")),
		failedRequests().Links(to(APIUID, "API")),
		latency().Links(to(APIUID, "API")),
	}
}

func requestRate() *timeseries.PanelBuilder {
	return chart(frame{"Requests", "Requests per second by route, health checks and scrapes included.", units.RequestsPerSecond, 12}).
		WithTarget(over(`sum by (route) (rate(http_requests_total{`+ofRequest+`}[$__rate_interval]))`, "{{route}}"))
}

func responses() *timeseries.PanelBuilder {
	return stacked(chart(frame{"Responses", "Responses per second by status code.", units.RequestsPerSecond, 12})).
		OverrideByRegexp("/^1../", fixed(grey)).
		OverrideByRegexp("/^2../", fixed(green)).
		OverrideByRegexp("/^3../", fixed(blue)).
		OverrideByRegexp("/^4../", fixed(yellow)).
		OverrideByRegexp("/^5../", fixed(red)).
		WithTarget(over(`sum by (code) (rate(http_requests_total{`+ofRequest+`}[$__rate_interval]))`, "{{code}}"))
}

func failedRequests() *timeseries.PanelBuilder {
	return limit(chart(frame{"Failed requests", fmt.Sprintf("Share of the requests of the last 5 minutes that were answered with a server error, as the alert HighErrorRate sees it: without health checks, scrapes and paths that do not exist. It fires above %g%%, when at least %d requests failed.", MaxFailedShare*100, MinFailed), units.PercentUnit, 12}),
		from(MaxFailedShare, red)).
		AxisSoftMax(2 * MaxFailedShare).
		WithTarget(over(`  job:http_requests_failed:increase5m{job=~"$job"} / (job:http_requests:increase5m{job=~"$job"} > 0)
or
  0 * max by (job) (up{job=~"$job"})`, "{{job}}"))
}

func latency() *timeseries.PanelBuilder {
	return chart(frame{"Latency", "Time to answer: half, 95% and 99% of the requests were faster. The dots are single requests; their request ID finds them in the access log.", units.Seconds, 12}).
		OverrideByName("p50", fixed(skyBlue)).
		OverrideByName("p95", fixed(blue)).
		OverrideByName("p99", fixed(purple)).
		WithTarget(over(quantile(0.5, "http_request_duration_seconds", ofRequest), "p50")).
		WithTarget(over(quantile(0.95, "http_request_duration_seconds", ofRequest), "p95").RefId("B")).
		WithTarget(over(quantile(0.99, "http_request_duration_seconds", ofRequest), "p99").RefId("C").Exemplar(true))
}

func fixed(color string) []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{{Id: "color", Value: map[string]string{"mode": "fixed", "fixedColor": color}}}
}
