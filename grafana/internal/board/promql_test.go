package board

import (
	"regexp"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
)

// What Grafana puts in the place of its variables.
var grafanaVariables = strings.NewReplacer(
	"$__rate_interval", "40s", "$__range_s", "3600", "$__range", "1h", "$__interval", "10s",
	"$job", "api", "$instance", ".+", "$route", ".+", "$target", ".+",
)

func parse(t *testing.T, expr string) parser.Expr {
	t.Helper()
	filled := grafanaVariables.Replace(expr)
	if strings.Contains(filled, "$") {
		t.Fatalf("unknown variable in\n%s", filled)
	}
	return promql(t, filled)
}

// promql parses an expression without variables of Grafana.
func promql(t *testing.T, expr string) parser.Expr {
	t.Helper()
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		t.Fatalf("%v in\n%s", err, expr)
	}
	return parsed
}

// queries runs a check on each query of each panel and annotation, parsed.
func queries(t *testing.T, check func(t *testing.T, expr parser.Expr, source string, instant bool)) {
	t.Helper()
	each(t, func(t *testing.T, p panel) {
		for _, q := range p.Targets {
			t.Run(q.RefID, func(t *testing.T) { check(t, parse(t, q.Expr), q.Expr, q.Instant) })
		}
	})
	for file, m := range load(t) {
		for _, a := range m.Annotations.List {
			t.Run(file+"/annotation "+a.Name, func(t *testing.T) { check(t, parse(t, a.Target.Expr), a.Target.Expr, false) })
		}
	}
}

// Linter rule target-promql.
func TestQueriesParse(t *testing.T) {
	queries(t, func(*testing.T, parser.Expr, string, bool) {})
}

// Linter rule target-counter-agg: a counter is only ever read through rate or increase.
func TestCountersAreRated(t *testing.T) {
	queries(t, func(t *testing.T, expr parser.Expr, _ string, _ bool) {
		inspect(expr, func(s *parser.VectorSelector, path []parser.Node) {
			if !isCounter(s.Name) {
				return
			}
			for _, node := range path {
				if call, ok := node.(*parser.Call); ok && contains([]string{"rate", "irate", "increase"}, call.Func.Name) {
					return
				}
			}
			t.Errorf("counter %s outside of rate and increase", s.Name)
		})
	})
}

// A rate comes before a sum: the sum of counters is reset whenever one of them is.
func TestRateBeforeSum(t *testing.T) {
	queries(t, func(t *testing.T, expr parser.Expr, _ string, _ bool) {
		inspect(expr, func(s *parser.VectorSelector, path []parser.Node) {
			rated := false
			for _, node := range path { // from the outside in
				switch n := node.(type) {
				case *parser.Call:
					rated = rated || contains([]string{"rate", "irate", "increase"}, n.Func.Name)
				case *parser.AggregateExpr:
					if rated {
						t.Errorf("%s is aggregated before it is rated", s.Name)
					}
				}
			}
		})
	})
}

// Linter rule target-rate-interval: a window follows the zoom. A query for one value spans the whole range.
func TestWindowsFollowTheZoom(t *testing.T) {
	window := regexp.MustCompile(`\[([^\]]+)\]`)
	queries(t, func(t *testing.T, _ parser.Expr, source string, instant bool) {
		want := "$__rate_interval"
		if instant {
			want = "$__range"
		}
		for _, m := range window.FindAllStringSubmatch(source, -1) {
			if strings.TrimSuffix(m[1], ":1m") != want { // a subquery has a step besides
				t.Errorf("window %s, want %s", m[1], want)
			}
		}
	})
}

// isCounter goes by the names that Prometheus prescribes.
func isCounter(name string) bool {
	for _, suffix := range []string{"_total", "_count", "_sum", "_bucket"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

func inspect(expr parser.Expr, visit func(*parser.VectorSelector, []parser.Node)) {
	parser.Inspect(expr, func(node parser.Node, path []parser.Node) error {
		if s, ok := node.(*parser.VectorSelector); ok {
			visit(s, path)
		}
		return nil
	})
}
