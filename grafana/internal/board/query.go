package board

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
)

// Matchers that follow the variables at the top of a dashboard.
const (
	ofJob     = `job=~"$job",instance=~"$instance"`
	ofRequest = ofJob + `,route=~"$route"`
	ofTarget  = `target=~"$target"`

	// The targets that are containers, by the names that Compose gives them.
	ofContainer = `name=~"$target"`
)

func source() common.DataSourceRef {
	return common.DataSourceRef{Type: new("prometheus"), Uid: new("${datasource}")}
}

// over asks for the values over the time range of the dashboard.
func over(expr, legend string) *prometheus.DataqueryBuilder {
	return query(expr).Range().LegendFormat(legend)
}

// now asks for one value, at the end of the time range.
func now(expr string) *prometheus.DataqueryBuilder {
	return query(expr).Instant()
}

// row asks for one value per series, at the end of the time range, as the rows of a table.
func row(ref, expr string) *prometheus.DataqueryBuilder {
	return now(expr).Format(prometheus.PromQueryFormatTable).RefId(ref)
}

func query(expr string) *prometheus.DataqueryBuilder {
	return prometheus.NewDataqueryBuilder().Datasource(source()).RefId("A").EditorMode(prometheus.QueryEditorModeCode).Expr(expr)
}

// stateNumber turns a state set into one series per `by` whose value is the place of the state, from 1: what a timeline
// needs to draw one bar per target.
func stateNumber(by, metric, label, matchers string, states []state) string {
	terms := make([]string, len(states))
	for i, s := range states {
		terms[i] = fmt.Sprintf(`%d * (%s{%s=%q,%s} == 1)`, i+1, metric, label, s.name, matchers)
	}
	return fmt.Sprintf("max by (%s) (\n  %s\n)", by, strings.Join(terms, "\nor\n  "))
}

// quantile asks for a latency: of the native histogram, or where there is none, of the classic buckets.
func quantile(q float64, metric, matchers string) string {
	return fmt.Sprintf(
		"histogram_quantile(%[1]g, sum(rate(%[2]s{%[3]s}[$__rate_interval])))\nor\nhistogram_quantile(%[1]g, sum by (le) (rate(%[2]s_bucket{%[3]s}[$__rate_interval])))",
		q, metric, matchers)
}

// quantileBy asks for the same for each value of a label.
func quantileBy(label string, q float64, metric, matchers string) string {
	return fmt.Sprintf(
		"histogram_quantile(%[2]g, sum by (%[1]s) (rate(%[3]s{%[4]s}[$__rate_interval])))\nor\nhistogram_quantile(%[2]g, sum by (%[1]s, le) (rate(%[3]s_bucket{%[4]s}[$__rate_interval])))",
		label, q, metric, matchers)
}

// failed asks how often something failed.
func failed(ref, legend, counter string) *prometheus.DataqueryBuilder {
	return over(`sum(round(increase(`+counter+`[$__rate_interval])))`, legend).RefId(ref)
}
