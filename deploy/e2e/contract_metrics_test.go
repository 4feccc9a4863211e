package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// Series that our services do not expose: Prometheus makes them.
var madeByPrometheus = map[string][]string{
	"up":     {},
	"ALERTS": {"alertname", "alertstate", "severity", "target"},
}

// Labels that every scraped series has.
var scrapeLabels = []string{"job", "instance"}

// exposed is what one golden exposition tells of a series name: its labels, and their values.
type exposed map[string]map[string][]string

// goldenMetrics returns the series of all services by their names: histograms by those of their parts too.
func goldenMetrics(t *testing.T) exposed {
	t.Helper()
	all := exposed{}
	files := append(contractGlob(t, "services/*/testdata/*.golden"), contractGlob(t, "prometheus/tests/exposition/*.golden")...)
	for _, want := range []string{"services/api/testdata/metrics.golden", "services/watchdog/testdata/metrics.golden"} {
		if !slices.Contains(files, want) {
			t.Fatalf("no %s", want)
		}
	}
	for _, file := range files {
		text := expfmt.NewTextParser(model.UTF8Validation)
		families, err := text.TextToMetricFamilies(bytes.NewReader(contractFile(t, file)))
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for name, family := range families {
			all.add(name, family)
			switch family.GetType() {
			case dto.MetricType_HISTOGRAM:
				all.add(name+"_bucket", family, "le")
				fallthrough
			case dto.MetricType_SUMMARY:
				all.add(name+"_sum", family)
				all.add(name+"_count", family)
			}
		}
	}
	for name, labels := range madeByPrometheus {
		all[name] = map[string][]string{}
		for _, label := range labels {
			all[name][label] = nil
		}
	}
	eachRule(t, func(_ string, r rule) {
		if r.Record == "" {
			return
		}
		if all[r.Record] == nil {
			all[r.Record] = map[string][]string{}
		}
		for label, value := range r.Labels {
			all[r.Record][label] = append(all[r.Record][label], value)
		}
	})
	return all
}

func (e exposed) add(name string, family *dto.MetricFamily, more ...string) {
	if e[name] == nil {
		e[name] = map[string][]string{}
	}
	for _, m := range family.GetMetric() {
		for _, pair := range m.GetLabel() {
			e[name][pair.GetName()] = append(e[name][pair.GetName()], pair.GetValue())
		}
	}
	for _, label := range more {
		e[name][label] = nil
	}
}

// What Prometheus and Alertmanager expose was read from the versions that the stack runs.
func TestExpositionsAreOfThePinnedImages(t *testing.T) {
	for _, path := range contractGlob(t, "prometheus/tests/exposition/*.golden") {
		image := compose(t).Services[strings.TrimSuffix(filepath.Base(path), ".golden")].Image
		if first, _, _ := strings.Cut(string(contractFile(t, path)), "\n"); image == "" || !strings.Contains(first, " "+image+" ") {
			t.Errorf("%s begins with %q, the stack runs %q", path, first, image)
		}
	}
}

// Every metric that a rule or a panel names exists in a golden exposition, with the labels and values that it is asked for.
func TestMetricsOfRulesAndPanelsExist(t *testing.T) {
	metrics := goldenMetrics(t)
	everyQuery(t, func(where string, expr parser.Expr) {
		parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
			selector, ok := node.(*parser.VectorSelector)
			if !ok {
				return nil
			}
			known, there := metrics[selector.Name]
			if !there {
				t.Errorf("%s: no service exposes %s", where, selector.Name)
				return nil
			}
			for _, matcher := range selector.LabelMatchers {
				if why := unmatched(known, matcher); why != "" {
					t.Errorf("%s: %s: %s", where, selector, why)
				}
			}
			for _, label := range grouping(path) {
				if _, has := known[label]; !has && !slices.Contains(scrapeLabels, label) && len(known) > 0 {
					t.Errorf("%s: groups %s by %s, which it does not have", where, selector.Name, label)
				}
			}
			return nil
		})
	})
}

// unmatched says why a matcher never selects anything, or nothing. A variable of Grafana matches everything.
func unmatched(known map[string][]string, m *labels.Matcher) string {
	if m.Name == model.MetricNameLabel || slices.Contains(scrapeLabels, m.Name) {
		return ""
	}
	values, has := known[m.Name]
	if !has {
		return "has no label " + m.Name
	}
	// Which codes and routes occur is up to the users of a service; all other sets of values are closed.
	if values == nil || slices.Contains([]string{"code", "route", "target", "name", "mountpoint", "integration"}, m.Name) {
		return ""
	}
	if !slices.ContainsFunc(values, m.Matches) {
		return fmt.Sprintf("%s matches none of %q", m, values)
	}
	return ""
}

// grouping returns the labels of the nearest aggregation around a selector.
func grouping(path []parser.Node) []string {
	for _, node := range slices.Backward(path) {
		if a, ok := node.(*parser.AggregateExpr); ok && !a.Without {
			return a.Grouping
		}
	}
	return nil
}

// The timelines know every state that a service exposes: an unknown one would show as a gap.
func TestTimelinesKnowEveryState(t *testing.T) {
	metrics := goldenMetrics(t)
	for metric, label := range map[string]string{"watchdog_target_state": "state", "health_check_status": "status"} {
		drawn := map[string]bool{}
		eachPanelQuery(t, func(_, expr string) {
			for _, m := range regexp.MustCompile(metric+`\{`+label+`="(\w+)"`).FindAllStringSubmatch(expr, -1) {
				drawn[m[1]] = true
			}
		})
		exposed := map[string]bool{}
		for _, value := range metrics[metric][label] {
			exposed[value] = true
		}
		if !maps.Equal(drawn, exposed) {
			t.Errorf("%s: the dashboard draws %v, the service exposes %v", metric, slices.Sorted(maps.Keys(drawn)), slices.Sorted(maps.Keys(exposed)))
		}
	}
}

// The notification has words for each reason of a restart, and the runbook a line.
func TestEveryReasonIsExplained(t *testing.T) {
	reasons := map[string]bool{}
	for _, reason := range goldenMetrics(t)["watchdog_restarts_total"]["reason"] {
		reasons[reason] = true
	}
	if len(reasons) < 7 {
		t.Fatalf("reasons of restarts: %v: want all of them from the start, at 0", reasons)
	}
	page := string(contractFile(t, "deploy/runbooks/TargetRestarted.md"))
	eachRule(t, func(_ string, r rule) {
		if r.Alert != "TargetRestarted" {
			return
		}
		for reason := range reasons {
			if !strings.Contains(r.Annotations["summary"], `eq $labels.reason "`+reason+`"`) {
				t.Errorf("the summary has no words for %s", reason)
			}
			if !strings.Contains(page, "| `"+reason+"` |") {
				t.Errorf("the runbook has no line for %s", reason)
			}
		}
	})
}

// Both golden files carry the limits that the design sets to labels.
func TestLabelSetsAreThoseOfTheContract(t *testing.T) {
	metrics := goldenMetrics(t)
	for name, want := range map[string][]string{
		"http_requests_total":                       {"code", "method", "route"},
		"http_request_duration_seconds":             {"code", "method", "route"},
		"http_response_size_bytes":                  {"code", "method", "route"},
		"http_requests_in_flight":                   {},
		"health_status":                             {"status"},
		"health_check_status":                       {"check", "status"},
		"watchdog_target_up":                        {"target"},
		"watchdog_target_state":                     {"state", "target"},
		"watchdog_restarts_total":                   {"reason", "target"},
		"watchdog_restart_failures_total":           {"target"},
		"watchdog_restart_budget_remaining":         {"target"},
		"watchdog_probes_total":                     {"result", "target"},
		"watchdog_probe_duration_seconds":           {"target"},
		"watchdog_recovery_duration_seconds":        {"target"},
		"watchdog_downtime_seconds_total":           {"target"},
		"watchdog_events_total":                     {"type"},
		"watchdog_docker_connected":                 {},
		"watchdog_loop_heartbeat_timestamp_seconds": {},
		"watchdog_alert_receivers":                  {},
		"build_info":                                {"goversion", "revision", "service", "version"},
	} {
		known, there := metrics[name]
		if got := slices.Sorted(maps.Keys(known)); !there || !slices.Equal(got, want) {
			t.Errorf("%s: exposed %v, with labels %v, want %v", name, there, got, want)
		}
	}
}

// everyQuery calls check for each query of rules, of the templates in their annotations, and of dashboards, parsed.
func everyQuery(t *testing.T, check func(where string, expr parser.Expr)) {
	t.Helper()
	promql := parser.NewParser(parser.Options{})
	parse := func(where, source string) {
		expr, err := promql.ParseExpr(source)
		if err != nil {
			t.Errorf("%s: %v in %s", where, err, source)
			return
		}
		check(where, expr)
	}
	inTemplate := regexp.MustCompile(`(?:query|printf) "((?:[^"\\]|\\.)*)"`)
	eachRule(t, func(file string, r rule) {
		parse(file+": "+r.Alert+r.Record, r.Expr)
		for _, text := range r.Annotations {
			for _, m := range inTemplate.FindAllStringSubmatch(text, -1) {
				source := strings.NewReplacer(`\"`, `"`, `%q`, `""`).Replace(m[1])
				if strings.HasPrefix(source, "%") { // a printf of a value, not of a query
					continue
				}
				parse(file+": description of "+r.Alert, source)
			}
		}
	})
	duration := strings.NewReplacer("$__rate_interval", "1m", "$__range_s", "60", "$__range", "1h",
		"$job", "api", "$instance", ".+", "$route", ".+", "$target", ".+")
	eachPanelQuery(t, func(where, source string) { parse(where, duration.Replace(source)) })
}
