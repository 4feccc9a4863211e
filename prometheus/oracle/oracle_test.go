// Package oracle compares the rules that this repository renders for its objectives with those of Sloth. It is a module of its
// own, outside of the workspace: Sloth needs a client of Kubernetes, and an older parser than ours.
package oracle

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
	"github.com/slok/sloth/pkg/lib"
	"go.yaml.in/yaml/v3"
)

// ours are two objectives, in the words of slo.yml.
const ours = `
services:
  - job: api
    routes_left_out: /health.*|/metrics
    min_failures: 10
    availability: {objective: %[1]v}
    latency: {objective: %[1]v, threshold: 300ms}
`

// sloth is the same, in Sloth's. Its queries say what an event and what an error is: the one thing that Sloth does not know.
const sloth = `
version: prometheus/v1
service: api
labels: {job: api}
slos:
  - name: availability
    objective: %[1]v
    sli:
      events:
        error_query: sum(rate(http_requests_total{job="api",route!~"/health.*|/metrics",code=~"5.."}[{{.window}}])) or 0 * sum(rate(http_requests_total{job="api",route!~"/health.*|/metrics"}[{{.window}}]))
        total_query: sum(rate(http_requests_total{job="api",route!~"/health.*|/metrics"}[{{.window}}])) > 0
    alerting:
      name: AvailabilityErrorBudgetBurn
      page_alert: {labels: {severity: critical}}
      ticket_alert: {labels: {severity: warning}}
  - name: latency
    objective: %[1]v
    sli:
      events:
        error_query: sum(rate(http_request_duration_seconds_count{job="api",route!~"/health.*|/metrics",code!~"5.."}[{{.window}}])) - sum(rate(http_request_duration_seconds_bucket{job="api",route!~"/health.*|/metrics",code!~"5..",le="0.3"}[{{.window}}]))
        total_query: sum(rate(http_request_duration_seconds_count{job="api",route!~"/health.*|/metrics",code!~"5.."}[{{.window}}])) > 0
    alerting:
      name: LatencyErrorBudgetBurn
      page_alert: {labels: {severity: critical}}
      ticket_alert: {labels: {severity: warning}}
`

type group struct {
	Name  string
	Rules []rule
}

type rule struct {
	Record, Alert, Expr string
	Labels              map[string]string
}

func (r rule) String() string { return r.Record + r.Alert + fmt.Sprint(r.Labels) }

func groups(t *testing.T, text []byte) []group {
	t.Helper()
	var file struct{ Groups []group }
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file.Groups
}

func rendered(t *testing.T, objective float64) (ourGroups, slothGroups []group) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "rules", "slo.yml")
	if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o755), os.WriteFile(filepath.Join(dir, "slo.yml"), fmt.Appendf(nil, ours, objective), 0o600)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "go", "-C", "..", "run", ".", "slo", "-dir", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	generator, err := lib.NewPrometheusSLOGenerator(lib.PrometheusSLOGeneratorConfig{})
	if err != nil {
		t.Fatal(err)
	}
	result, err := generator.GenerateFromRaw(t.Context(), []byte(fmt.Sprintf(sloth, objective)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := generator.WriteResultAsPrometheusStd(t.Context(), *result, &out); err != nil {
		t.Fatal(err)
	}
	return groups(t, text), groups(t, out.Bytes())
}

// Recordings that only we have: what the ratio of 30 days and the guard of the alerts are made from.
var onlyOurs = []string{"slo:error_events:rate5m", "slo:total_events:rate5m"}

func TestRulesAreThoseOfSloth(t *testing.T) {
	for _, objective := range []float64{93.5, 95, 99, 99.5, 99.9, 99.95, 99.99, 99.999} {
		t.Run(fmt.Sprint(objective), func(t *testing.T) {
			mine, theirs := rendered(t, objective)
			if len(mine) != 6 || len(theirs) != len(mine) {
				t.Fatalf("%d groups, Sloth has %d", len(mine), len(theirs))
			}
			compared := 0
			for i, g := range theirs {
				m := mine[i]
				if m.Name != g.Name {
					t.Errorf("group %s, Sloth calls it %s", m.Name, g.Name)
				}
				m.Rules = slices.DeleteFunc(m.Rules, func(r rule) bool { return slices.Contains(onlyOurs, r.Record) })
				if len(m.Rules) != len(g.Rules) {
					t.Errorf("%s: %d rules, Sloth has %d", g.Name, len(m.Rules), len(g.Rules))
					continue
				}
				for j, theirRule := range g.Rules {
					compare(t, m.Rules[j], theirRule)
					compared++
				}
			}
			if want := 2 * (8 + 7 + 2); compared != want { // ratios, figures, alerts
				t.Errorf("%d rules compared, want %d", compared, want)
			}
		})
	}
}

func compare(t *testing.T, mine, theirs rule) {
	t.Helper()
	if mine.Record != theirs.Record || mine.Alert != theirs.Alert {
		t.Errorf("%s where Sloth has %s", mine, theirs)
		return
	}
	if mine.Record == "sloth_slo_info" { // which says who made the rules
		for _, label := range []string{"sloth_mode", "sloth_version"} {
			delete(mine.Labels, label)
			delete(theirs.Labels, label)
		}
	}
	if !maps.Equal(mine.Labels, theirs.Labels) {
		t.Errorf("%s%s: labels %v, Sloth has %v", mine.Record, mine.Alert, mine.Labels, theirs.Labels)
	}
	if mine.Record == "slo:sli_error:ratio_rate30d" { // requests are counted, where Sloth takes the mean
		return
	}
	expr := parse(t, mine.Expr)
	if mine.Alert != "" {
		expr = withoutGuard(t, expr)
	}
	if want := parse(t, theirs.Expr); !same(expr, want) {
		t.Errorf("%s%s:\n%s\nSloth has\n%s", mine.Record, mine.Alert, expr, want)
	}
}

func parse(t *testing.T, text string) parser.Expr {
	t.Helper()
	expr, err := parser.ParseExpr(text)
	if err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return expr
}

// withoutGuard takes "and FAILURES >= N" out of both pairs of windows.
func withoutGuard(t *testing.T, expr parser.Expr) parser.Expr {
	t.Helper()
	or, ok := expr.(*parser.BinaryExpr)
	if !ok || or.Op != parser.LOR {
		t.Fatalf("no or: %s", expr)
	}
	for _, side := range []*parser.Expr{&or.LHS, &or.RHS} {
		pair, ok := bare(*side).(*parser.BinaryExpr)
		if !ok || pair.Op != parser.LAND || !strings.HasPrefix(pair.RHS.String(), "sum_over_time(slo:error_events:rate5m{") {
			t.Fatalf("no guard: %s", *side)
		}
		*side = pair.LHS
	}
	return or
}

func bare(expr parser.Expr) parser.Expr {
	for {
		paren, ok := expr.(*parser.ParenExpr)
		if !ok {
			return expr
		}
		expr = paren.Expr
	}
}

// same compares two expressions, numbers with their rounding errors: Sloth computes 0.0009999999999999432 for 0.1 %.
func same(a, b parser.Expr) bool {
	a, b = bare(a), bare(b)
	if x, ok := constant(a); ok {
		y, ok := constant(b)
		const rounding = 1e-12
		return ok && math.Abs(x-y) <= rounding
	}
	left, right := parser.Children(a), parser.Children(b)
	if len(left) != len(right) || fmt.Sprintf("%T", a) != fmt.Sprintf("%T", b) {
		return false
	}
	if len(left) == 0 {
		return a.String() == b.String()
	}
	if heading(a) != heading(b) {
		return false
	}
	for i := range left {
		l, isExpr := left[i].(parser.Expr)
		r, areExprs := right[i].(parser.Expr)
		if isExpr != areExprs || isExpr && !same(l, r) || !isExpr && left[i].String() != right[i].String() {
			return false
		}
	}
	return true
}

// heading is what a node says beside its children.
func heading(expr parser.Expr) string {
	switch e := expr.(type) {
	case *parser.BinaryExpr:
		return fmt.Sprint(e.Op, e.ReturnBool, e.VectorMatching)
	case *parser.AggregateExpr:
		return fmt.Sprint(e.Op, e.Without, e.Grouping)
	case *parser.Call:
		return e.Func.Name
	case *parser.MatrixSelector:
		return e.Range.String()
	}
	return expr.String()
}

// constant computes what has no series in it, such as 14.4 * 0.001.
func constant(expr parser.Expr) (float64, bool) {
	switch e := bare(expr).(type) {
	case *parser.NumberLiteral:
		return e.Val, true
	case *parser.BinaryExpr:
		x, ok := constant(e.LHS)
		y, both := constant(e.RHS)
		if !ok || !both {
			return 0, false
		}
		switch e.Op {
		case parser.MUL:
			return x * y, true
		case parser.SUB:
			return x - y, true
		}
	}
	return 0, false
}
