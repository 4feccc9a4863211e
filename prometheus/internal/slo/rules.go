package slo

import (
	"fmt"
	"maps"
	"strings"
	"time"
)

// days is the period of every objective.
const days = 30

// interval between two evaluations of the recordings. The ranges of the long windows hold many samples, and a minute is
// soon enough for windows of five and more.
const interval = time.Minute

// windows of the recorded error ratios, besides the period.
var windows = []string{"5m", "30m", "1h", "2h", "6h", "1d", "3d"}

// pair is one condition of an alert: the ratio is above factor times the budget in both windows. The long one says that
// enough of the budget is gone, the short one that it still goes.
type pair struct {
	short, long string
	factor      float64
}

// pairs of Google's SRE workbook for 30 days: 2 % of the budget in an hour and 5 % in six wake somebody up, 10 % in a day or
// in three can wait for the morning.
var pairs = []pair{
	{"5m", "1h", 14.4}, {"30m", "6h", 6}, // page
	{"2h", "1d", 3}, {"6h", "3d", 1}, // ticket
}

// indicator is one objective of a service, ready to be written as rules.
type indicator struct {
	service   Service
	name      string // label sloth_slo
	objective float64
	errors    string // query of failed events a second, with {{.window}} in it
	total     string // query of all events a second
	alert     string
	failed    string // what people are told about failed requests
	summary   [2]string
}

func (s Service) indicators() []indicator {
	left := ""
	if s.RoutesLeftOut != "" {
		left = fmt.Sprintf(",route!~%q", s.RoutesLeftOut)
	}
	rate := func(metric, matchers string) string {
		return fmt.Sprintf("sum(rate(%s{job=%q%s%s}[{{.window}}]))", metric, s.Job, left, matchers)
	}
	var all []indicator
	if s.Availability != nil {
		requests := rate("http_requests_total", "")
		all = append(all, indicator{
			service: s, name: "availability", objective: s.Availability.Objective,
			errors: rate("http_requests_total", `,code=~"5.."`) + " or 0 * " + requests,
			total:  requests,
			alert:  "AvailabilityErrorBudgetBurn",
			failed: "are answered with a server error",
			summary: [2]string{
				"So many requests to {{ $labels.job }} fail that the error budget is soon spent",
				"More requests to {{ $labels.job }} fail than the error budget allows",
			},
		})
	}
	if s.Latency != nil {
		well := `,code!~"5.."`
		threshold := decimal(s.Latency.Threshold.Seconds())
		requests := rate("http_request_duration_seconds_count", well)
		all = append(all, indicator{
			service: s, name: "latency", objective: s.Latency.Objective,
			errors: requests + " - " + rate("http_request_duration_seconds_bucket", well+fmt.Sprintf(",le=%q", threshold)),
			total:  requests,
			alert:  "LatencyErrorBudgetBurn",
			failed: fmt.Sprintf("take longer than %v", s.Latency.Threshold),
			summary: [2]string{
				"So many requests to {{ $labels.job }} are slow that the error budget is soon spent",
				"More requests to {{ $labels.job }} are slow than the error budget allows",
			},
		})
	}
	return all
}

func (i indicator) id() string     { return i.service.Job + "-" + i.name }
func (i indicator) budget() string { return decimal((100 - i.objective) / 100) }

// of is the selector of a recording of this objective.
func (i indicator) of(recording string) string {
	return fmt.Sprintf(`%s{sloth_id=%q, sloth_service=%q, sloth_slo=%q}`, recording, i.id(), i.service.Job, i.name)
}

// labels of every rule of this objective, and more.
func (i indicator) labels(more map[string]string) map[string]string {
	labels := map[string]string{"job": i.service.Job, "sloth_id": i.id(), "sloth_service": i.service.Job, "sloth_slo": i.name}
	maps.Copy(labels, more)
	return labels
}

// recordings are the error ratios of all windows.
func (i indicator) recordings() []rule {
	in := func(query, window string) string { return strings.ReplaceAll(query, "{{.window}}", window) }
	failed, all := "slo:error_events:rate5m", "slo:total_events:rate5m"
	rules := []rule{
		{Record: failed, Expr: in(i.errors, "5m"), Labels: i.labels(nil)},
		{Record: all, Expr: in(i.total, "5m"), Labels: i.labels(nil)},
	}
	for _, w := range windows {
		rules = append(rules, rule{
			Record: "slo:sli_error:ratio_rate" + w,
			Expr:   fmt.Sprintf("(%s)\n/\n(%s > 0)\n", in(i.errors, w), in(i.total, w)),
			Labels: i.labels(map[string]string{"sloth_window": w}),
		})
	}
	// Weighted by requests, of two recorded series: a mean of ratios would take a night with two requests for as much as
	// the day, and the raw series of 30 days are too many to read.
	period := fmt.Sprintf("%dd", days)
	return append(rules, rule{
		Record: "slo:sli_error:ratio_rate" + period,
		Expr:   fmt.Sprintf("sum_over_time(%s[%s])\n/\n(sum_over_time(%s[%s]) > 0)\n", i.of(failed), period, i.of(all), period),
		Labels: i.labels(map[string]string{"sloth_window": period}),
	})
}

// meta are the figures that dashboards show.
func (i indicator) meta() []rule {
	vector := func(number string) string { return "vector(" + number + ")" }
	burn := func(ratio string) string {
		return fmt.Sprintf("%s\n/ on(sloth_id, sloth_slo, sloth_service) group_left\n%s\n", i.of(ratio), i.of("slo:error_budget:ratio"))
	}
	info := i.labels(map[string]string{"sloth_mode": "upkeep", "sloth_objective": decimal(i.objective), "sloth_spec": "prometheus/v1"})
	return []rule{
		{Record: "slo:objective:ratio", Expr: vector(decimal(i.objective / 100)), Labels: i.labels(nil)},
		{Record: "slo:error_budget:ratio", Expr: vector(i.budget()), Labels: i.labels(nil)},
		{Record: "slo:time_period:days", Expr: vector(fmt.Sprint(days)), Labels: i.labels(nil)},
		{Record: "slo:current_burn_rate:ratio", Expr: burn("slo:sli_error:ratio_rate5m"), Labels: i.labels(nil)},
		{Record: "slo:period_burn_rate:ratio", Expr: burn(fmt.Sprintf("slo:sli_error:ratio_rate%dd", days)), Labels: i.labels(nil)},
		{Record: "slo:period_error_budget_remaining:ratio", Expr: "1 - " + i.of("slo:period_burn_rate:ratio"), Labels: i.labels(nil)},
		{Record: "sloth_slo_info", Expr: vector("1"), Labels: info},
	}
}

// alerts are the page and the ticket. Both have one name, so that Alertmanager lets the first silence the second.
func (i indicator) alerts() []rule {
	const runbook = "https://github.com/upkeephq/upkeep/blob/main/deploy/runbooks/"
	made := func(n int, severity, level, gone string) rule {
		two := pairs[2*n : 2*n+2]
		labels := map[string]string{"severity": severity, "sloth_severity": level}
		return rule{
			Alert: i.alert,
			Expr:  i.condition(two[0]) + "or\n" + i.condition(two[1]),
			// The short window of a small service is empty or spotless now and then while the trouble goes on.
			KeepFiringFor: two[0].short,
			Labels:        labels,
			Annotations: map[string]string{
				"summary": i.summary[n],
				"description": fmt.Sprintf("{{ $value | humanizePercentage }} of the requests to {{ $labels.job }} %s, and %s%% may. "+
					"That uses up the budget of %d days %s. "+
					"Left of it: {{ with query %q }}{{ with . | first | value }}{{ if gt . 0.0 }}{{ humanizePercentage . }}{{ else }}nothing{{ end }}{{ else }}nothing{{ end }}{{ else }}unknown{{ end }}. "+
					"To see more: docker compose logs --tail 50 %s",
					i.failed, decimal(100-i.objective), days, gone, i.of("slo:period_error_budget_remaining:ratio"), i.service.Job),
				"runbook_url": runbook + i.alert + ".md",
				"dashboard":   "upkeep-slo",
			},
		}
	}
	return []rule{
		made(0, "critical", "page", fmt.Sprintf("within %.0f days", days/pairs[1].factor)),
		made(1, "warning", "ticket", "before they are over"),
	}
}

// condition is one pair of windows, and the guard against few requests: failures in the long window, from a recording of
// failures a second at each interval.
func (i indicator) condition(p pair) string {
	above := func(window string) string {
		return fmt.Sprintf("max(%s > (%s * %s)) without (sloth_window)", i.of("slo:sli_error:ratio_rate"+window), decimal(p.factor), i.budget())
	}
	guard := fmt.Sprintf("sum_over_time(%s[%s]) * %.0f >= %d", i.of("slo:error_events:rate5m"), p.long, interval.Seconds(), i.service.MinFailures)
	return fmt.Sprintf("(\n    %s\n    and\n    %s\n    and\n    %s\n)\n", above(p.short), above(p.long), guard)
}
