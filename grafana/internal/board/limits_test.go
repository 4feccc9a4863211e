package board

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// rules returns the expressions of an alert or a recording rule, by its name.
func rules(t *testing.T, name string) []string {
	t.Helper()
	paths, err := filepath.Glob("../../../prometheus/rules/*.yml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no rule files: %v", err)
	}
	var found []string
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var file struct {
			Groups []struct {
				Rules []struct{ Alert, Record, Expr string }
			}
		}
		if err := yaml.Unmarshal(content, &file); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, group := range file.Groups {
			for _, rule := range group.Rules {
				if name == rule.Alert || name == rule.Record {
					found = append(found, rule.Expr)
				}
			}
		}
	}
	if len(found) == 0 {
		t.Fatalf("no rule %s", name)
	}
	return found
}

// The limits that panels draw are those at which alerts fire.
func TestLimitsAreThoseOfTheAlertRules(t *testing.T) {
	for _, tc := range []struct {
		alert string
		limit map[string]float64 // comparison → number
	}{
		{"HighErrorRate", map[string]float64{">": MaxFailedShare, ">=": MinFailed}},
		{"WatchdogDown", map[string]float64{">": MaxHeartbeatAge}},
	} {
		got := map[string]float64{}
		for _, expr := range rules(t, tc.alert) {
			for op, number := range comparisons(parse(t, expr)) {
				if number != 0 {
					got[op] = number
				}
			}
		}
		if !maps.Equal(got, tc.limit) {
			t.Errorf("%s compares with %v, limits.go says %v", tc.alert, got, tc.limit)
		}
	}
}

func TestPanelsDrawTheLimits(t *testing.T) {
	for title, want := range map[string][]float64{
		"Failed requests":     {MaxFailedShare},
		"Restart budget left": {1}, // RestartBudgetExhausted fires at nothing left
		"Backend":             {1}, // ApiDown fires at no replica up
	} {
		var got []float64
		for _, s := range find(t, title).FieldConfig.Defaults.Thresholds.Steps[1:] {
			got = append(got, *s.Value)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s draws %v, want %v", title, got, want)
		}
	}
	if expr := find(t, "Watchdog").Targets[0].Expr; comparisons(parse(t, expr))["<"] != MaxHeartbeatAge {
		t.Errorf("panel Watchdog does not compare with %d:\n%s", MaxHeartbeatAge, expr)
	}
}

// The panel shows what the alert sees: the same series, so that they cannot disagree.
func TestFailedRequestsIsWhatTheAlertSees(t *testing.T) {
	expr := find(t, "Failed requests").Targets[0].Expr
	for _, record := range []string{"job:http_requests_failed:increase5m", "job:http_requests:increase5m"} {
		if !strings.Contains(expr, record) {
			t.Errorf("the panel does not use %s", record)
		}
		for _, rule := range rules(t, record) {
			if selectors := strings.Count(rule, "http_requests_total{"); selectors == 0 || strings.Count(rule, `route!~"`+InnerRoutes+`"`) != selectors {
				t.Errorf("%s does not leave out %s everywhere", record, InnerRoutes)
			}
		}
	}
	for _, alert := range rules(t, "HighErrorRate") {
		if !strings.Contains(alert, "job:http_requests_failed:increase5m / job:http_requests:increase5m") {
			t.Errorf("HighErrorRate: %s", alert)
		}
	}
}

// comparisons returns the numbers that an expression compares with, by the operator.
func comparisons(expr parser.Expr) map[string]float64 {
	found := map[string]float64{}
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if b, ok := node.(*parser.BinaryExpr); ok && b.Op.IsComparisonOperator() {
			if n, ok := b.RHS.(*parser.NumberLiteral); ok && n.Val != 0 {
				found[b.Op.String()] = n.Val
			}
		}
		return nil
	})
	return found
}
