package board

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

// linterRules are those of Grafana's dashboard linter, each with the test that stands for it.
var linterRules = map[string]string{
	"template-datasource":            "TestDatasourceVariable",
	"template-job":                   "TestJobVariable",
	"template-instance":              "TestInstanceVariable",
	"template-label-promql":          "TestVariableQueriesParse",
	"template-on-time-change-reload": "TestVariablesReloadWithTheTimeRange",
	"panel-datasource":               "TestPanelsAskTheChosenDatasource",
	"panel-title-description":        "TestPanelsHaveTitleAndDescription",
	"panel-units":                    "TestPanelsHaveUnits",
	"panel-no-targets":               "TestPanelsHaveQueries",
	"target-promql":                  "TestQueriesParse",
	"target-rate-interval":           "TestWindowsFollowTheZoom",
	"target-counter-agg":             "TestCountersAreRated",
	"target-job":                     "TestSelectorsFollowTheVariables",
	"target-instance":                "TestSelectorsFollowTheVariables",
	"uneditable-dashboard":           "TestDashboardsAreNotEditable",
	"target-logql":                   "TestPanelsAskTheChosenDatasource", // only Prometheus is asked: there is no LogQL
	"target-logql-auto":              "TestPanelsAskTheChosenDatasource",
}

// An exclusion says where a rule of the linter is not followed, and why. A file or a series that is empty means each.
type exclusion struct{ rules, file, series, why string }

var exclusions = []exclusion{
	{"template-job template-instance", "watchdog.json", "", "the watchdog is one; what it looks after is chosen by target"},
	{"template-job template-instance", "containers.json", "", "containers are chosen by target"},
	{"template-job template-instance", "alerts.json", "", "alerts of all jobs, and of none, belong together"},
	{"template-job template-instance", "stack.json", "", "all services beside each other, one of each"},
	{"template-instance", "slo.json", "", "an objective is about the service, not about one replica"},

	{"target-job target-instance", "stack.json", "", "all services beside each other, one of each"},
	{"target-job target-instance", "", "ALERTS", "an alert of any part counts"},
	{"target-job target-instance", "", "build_info", "the table and the marks show what runs, all of it"},
	{"target-job target-instance", "", "up", "whether a whole job is up, or which of all is not"},
	{"target-job target-instance", "", "watchdog_", "chosen by target: it does not matter which watchdog said it"},
	{"target-job target-instance", "", "container_", "chosen by name, which is the target's"},
	{"target-job target-instance", "", "alertmanager_", "there is one Alertmanager"},
	{"target-job target-instance", "", "host:", "of the machine, not of a service"},
	{"target-instance", "", "job:", "recorded for the job as a whole"},
	{"target-instance", "", "slo:", "recorded for the service as a whole"},
}

func excluded(rule, file, series string) bool {
	return slices.ContainsFunc(exclusions, func(e exclusion) bool { return e.covers(rule, file, series) })
}

func (e exclusion) covers(rule, file, series string) bool {
	name := e.series == series || strings.HasSuffix(e.series, "_") || strings.HasSuffix(e.series, ":")
	return slices.Contains(strings.Fields(e.rules), rule) && (e.file == "" || e.file == file) &&
		(e.series == "" || name && strings.HasPrefix(series, e.series))
}

// Linter rules target-job and target-instance: every series is chosen by what the variables at the top say.
func TestSelectorsFollowTheVariables(t *testing.T) {
	needed := map[exclusion]bool{}
	queries(t, func(t *testing.T, expr parser.Expr, _ string, _ bool) {
		file := fileOf(t)
		inspect(expr, func(s *parser.VectorSelector, _ []parser.Node) {
			for rule, label := range map[string]string{"target-job": "job", "target-instance": "instance"} {
				if byVariable(s, label) {
					continue
				}
				if !excluded(rule, file, s.Name) {
					t.Errorf("%s is not chosen by %s", s, label)
				}
				for _, e := range exclusions {
					needed[e] = needed[e] || e.covers(rule, file, s.Name)
				}
			}
		})
	})
	for _, e := range exclusions {
		if !needed[e] && strings.HasPrefix(e.rules, "target-") {
			t.Errorf("nothing needs the exclusion %+v", e)
		}
	}
}

// What belongs to a target is chosen by it wherever there is a choice of targets.
func TestSelectorsFollowTheTarget(t *testing.T) {
	ofTheStack := []string{"watchdog_alert_receivers", "watchdog_docker_connected", "watchdog_loop_heartbeat_timestamp_seconds", "watchdog_events_total"}
	models := load(t)
	queries(t, func(t *testing.T, expr parser.Expr, _ string, _ bool) {
		if _, has := variableNamed(models[fileOf(t)], "target"); !has {
			return
		}
		inspect(expr, func(s *parser.VectorSelector, _ []parser.Node) {
			switch {
			case slices.Contains(ofTheStack, s.Name):
			case strings.HasPrefix(s.Name, "watchdog_") && !byVariable(s, "target"),
				strings.HasPrefix(s.Name, "container_") && !byVariable(s, "name"):
				t.Errorf("%s is not chosen by target", s)
			}
		})
	})
}

func byVariable(s *parser.VectorSelector, label string) bool {
	return slices.ContainsFunc(s.LabelMatchers, func(m *labels.Matcher) bool {
		return m.Name == label && m.Type == labels.MatchRegexp
	})
}

// The figures that a reader of the linter's report wants.
func TestLinterRules(t *testing.T) {
	if len(linterRules) != 17 {
		t.Errorf("%d rules, the linter has 17", len(linterRules))
	}
	for _, e := range exclusions {
		for _, rule := range strings.Fields(e.rules) {
			if linterRules[rule] == "" || e.why == "" {
				t.Errorf("exclusion %+v", e)
			}
		}
		t.Logf("excluded: %-32s %-16s %-14s %s", e.rules, e.file, e.series, e.why)
	}
	t.Logf("%d rules on %d dashboards, %d exclusions: %s", len(linterRules), len(load(t)), len(exclusions), strings.Join(slices.Sorted(maps.Keys(linterRules)), " "))
}
