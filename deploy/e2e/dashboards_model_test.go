package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

type dashboard struct {
	UID, Title  string
	Panels      []panel
	Templating  struct{ List []templateVariable }
	Annotations struct {
		List []struct {
			Name   string
			Target panelTarget
		}
	}
}

type templateVariable struct {
	Name, Type, Definition, AllValue string
	Current                          struct{ Value any }
}

type panel struct {
	Title   string
	Panels  []panel // of a row that is folded
	Targets []panelTarget
}

type panelTarget struct {
	RefID, Expr string
	Instant     bool
}

// A query is one that a dashboard sends: of a panel, or of a mark on its charts.
type query struct {
	panel, ref, expr string
	instant          bool
}

func (q query) String() string { return q.panel + "/" + q.ref }

func (d dashboard) queries() []query {
	all := queriesOf(d.Panels)
	for _, a := range d.Annotations.List {
		all = append(all, query{"annotation " + a.Name, a.Target.RefID, a.Target.Expr, false})
	}
	return all
}

// withQueries leaves out the rows.
func withQueries(panels []panel) []panel {
	var all []panel
	for _, p := range panels {
		if len(p.Targets) > 0 {
			all = append(all, p)
		}
		all = append(all, withQueries(p.Panels)...)
	}
	return all
}

func queriesOf(panels []panel) []query {
	var all []query
	for _, p := range panels {
		for _, target := range p.Targets {
			if target.Expr != "" {
				all = append(all, query{p.Title, target.RefID, target.Expr, target.Instant})
			}
		}
		all = append(all, queriesOf(p.Panels)...)
	}
	return all
}

func readDashboards(t *testing.T, root string) []dashboard {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, "grafana", "dashboards", "*.json"))
	must(t, err)
	var all []dashboard
	for _, file := range files {
		raw, err := os.ReadFile(file)
		must(t, err)
		var d dashboard
		must(t, json.Unmarshal(raw, &d))
		all = append(all, d)
	}
	return all
}

// A timeRange is what a panel shows, in seconds, and how far its points are apart.
type timeRange struct{ span, step int }

// scrapeInterval is that of the data source: points are never closer, and a rate spans four of them.
const scrapeInterval = 10

// What Grafana makes of a quarter of an hour, and of a day, for a panel of 1000 pixels.
var (
	quarter = timeRange{15 * 60, scrapeInterval}
	day     = timeRange{24 * 3600, 60}
)

// values are what Grafana puts in the place of each variable.
type values map[string]string

// shown are the values with which a dashboard opens, or with everything chosen.
func (d dashboard) shown(everything bool, r timeRange) values {
	v := values{
		"__range": fmt.Sprintf("%ds", r.span), "__range_s": fmt.Sprint(r.span),
		"__interval": fmt.Sprintf("%ds", r.step), "__rate_interval": fmt.Sprintf("%ds", max(r.step+scrapeInterval, 4*scrapeInterval)),
	}
	for _, tv := range d.Templating.List {
		v[tv.Name] = tv.AllValue
		if list, several := tv.Current.Value.([]any); several && len(list) == 1 && list[0] != "$__all" && !everything {
			v[tv.Name] = regexp.QuoteMeta(fmt.Sprint(list[0]))
		}
	}
	return v
}

var variable = regexp.MustCompile(`\$(\w+|\{\w+(:\w+)?\})`)

// fill puts the values into a query. What is no variable stays, and Prometheus refuses it.
func (v values) fill(expr string) string {
	return variable.ReplaceAllStringFunc(expr, func(name string) string {
		bare, _, _ := strings.Cut(strings.Trim(name, "${}"), ":")
		if value, known := v[bare]; known {
			return value
		}
		return name
	})
}
