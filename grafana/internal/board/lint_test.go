package board

import (
	"strings"
	"testing"
)

// One test for each rule of Grafana's dashboard linter that is not about queries (those are in promql_test.go). The rules on
// LogQL do not apply: there are no logs on these dashboards.

// template-datasource
func TestDatasourceVariable(t *testing.T) {
	for file, m := range load(t) {
		v, _ := variableNamed(m, "datasource")
		if m.Templating.List[0].Name != "datasource" {
			t.Errorf("%s: the data source comes first, the other variables ask it", file)
		}
		if v.Type != "datasource" || v.query() != "prometheus" || v.Current.Value != "prometheus" {
			t.Errorf("%s: %+v", file, v)
		}
	}
}

// template-job
func TestJobVariable(t *testing.T) { choice(t, "template-job", "job", "http_requests_in_flight") }

// template-instance
func TestInstanceVariable(t *testing.T) {
	choice(t, "template-instance", "instance", `up{job=~"$job"}`)
}

// The same for the variables of our own, which a dashboard has when its panels use them.
func TestOtherVariables(t *testing.T) {
	choice(t, "", "route", `http_requests_total{job=~"$job"}`)
	choice(t, "", "target", "watchdog_target_up")
}

func choice(t *testing.T, rule, name, series string) {
	t.Helper()
	for file, m := range load(t) {
		v, there := variableNamed(m, name)
		used := uses(t, m, name)
		if there != used {
			t.Errorf("%s: has variable %s: %v, uses it: %v", file, name, there, used)
		}
		if !there {
			if rule != "" && !excluded(rule, file, "") {
				t.Errorf("%s has no variable %s", file, name)
			}
			continue
		}
		if v.Type != "query" || !v.Multi || !v.IncludeAll || v.AllValue != ".+" || v.Label != name {
			t.Errorf("%s: %+v: want a query with several choices, and all of them as .+", file, v)
		}
		if want := "label_values(" + series + ", " + name + ")"; v.query() != want || v.Definition != want {
			t.Errorf("%s: %s asks %q, want %q", file, name, v.query(), want)
		}
	}
}

// uses tells whether a query of the dashboard, or another variable of it, asks for a variable.
func uses(t *testing.T, m model, name string) bool {
	t.Helper()
	var asked strings.Builder
	for _, p := range m.Panels {
		for _, q := range p.Targets {
			asked.WriteString(q.Expr)
		}
	}
	for _, v := range m.Templating.List {
		asked.WriteString(v.query())
	}
	return strings.Contains(asked.String(), `"$`+name+`"`)
}

// template-label-promql: the selector inside of label_values is PromQL.
func TestVariableQueriesParse(t *testing.T) {
	variablesOf(t, func(t *testing.T, v variable) {
		selector, label, found := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(v.query(), "label_values("), ")"), ", ")
		if !found || label == "" {
			t.Fatalf("query %q", v.query())
		}
		parse(t, selector)
	})
}

// template-on-time-change-reload
func TestVariablesReloadWithTheTimeRange(t *testing.T) {
	variablesOf(t, func(t *testing.T, v variable) {
		if v.Refresh != 2 {
			t.Errorf("refresh %d, want 2", v.Refresh)
		}
		if v.Datasource == nil || v.Datasource.UID != "${datasource}" {
			t.Errorf("data source %+v", v.Datasource)
		}
		if v.Description == "" || v.Current.Value == nil {
			t.Errorf("no description or no value at first")
		}
	})
}

// panel-datasource
func TestPanelsAskTheChosenDatasource(t *testing.T) {
	want := ref{Type: "prometheus", UID: "${datasource}"}
	each(t, func(t *testing.T, p panel) {
		if p.Datasource != want {
			t.Errorf("panel: %+v", p.Datasource)
		}
		for _, q := range p.Targets {
			if q.Datasource != want {
				t.Errorf("query %s: %+v", q.RefID, q.Datasource)
			}
		}
	})
	for file, m := range load(t) {
		for _, a := range m.Annotations.List {
			if a.Datasource != want || a.Target.Datasource != want {
				t.Errorf("%s: annotation %s: %+v", file, a.Name, a.Datasource)
			}
		}
	}
}

// panel-title-description
func TestPanelsHaveTitleAndDescription(t *testing.T) {
	each(t, func(t *testing.T, p panel) {
		if p.Title == "" || len(p.Description) < 10 || !strings.HasSuffix(strings.TrimSuffix(p.Description, "watchdog incidents"), ".") && !strings.HasSuffix(p.Description, "watchdog incidents") {
			t.Errorf("title %q, description %q: want sentences", p.Title, p.Description)
		}
	})
}

// panel-units
func TestPanelsHaveUnits(t *testing.T) {
	known := []string{"none", "short", "percentunit", "reqps", "s", "bytes", "Bps", "cps"}
	each(t, func(t *testing.T, p panel) {
		if !contains(known, p.FieldConfig.Defaults.Unit) {
			t.Errorf("unit %q", p.FieldConfig.Defaults.Unit)
		}
		if p.FieldConfig.Defaults.Unit == "none" && p.Type != "table" && len(p.FieldConfig.Defaults.Mappings) == 0 {
			t.Errorf("a number without unit and without words for its values")
		}
	})
}

// panel-no-targets
func TestPanelsHaveQueries(t *testing.T) {
	each(t, func(t *testing.T, p panel) {
		refs := map[string]bool{}
		for _, q := range p.Targets {
			if q.Expr == "" || q.RefID == "" || refs[q.RefID] || q.Hide {
				t.Errorf("query %+v", q)
			}
			refs[q.RefID] = true
			if q.Instant == q.Range {
				t.Errorf("query %s: one value or a range, not both", q.RefID)
			}
			if (p.Type == "table") != (q.Format == "table") {
				t.Errorf("query %s: format %q in a %s", q.RefID, q.Format, p.Type)
			}
			if q.Range && q.LegendFormat == "" {
				t.Errorf("query %s: its lines have no names", q.RefID)
			}
			if wantInstant := p.Type == "stat" || p.Type == "table"; q.Instant != wantInstant {
				t.Errorf("query %s: instant %v in a %s", q.RefID, q.Instant, p.Type)
			}
		}
		if len(refs) == 0 {
			t.Error("no query")
		}
	})
}

// uneditable-dashboard
func TestDashboardsAreNotEditable(t *testing.T) {
	for file, m := range load(t) {
		if m.Editable == nil || *m.Editable {
			t.Errorf("%s is editable", file)
		}
	}
}

// Restarts, new versions and alerts are marked on every chart.
func TestAnnotations(t *testing.T) {
	for file, m := range load(t) {
		marks := map[string]string{}
		for _, a := range m.Annotations.List {
			if !a.Enable || a.Hide || a.IconColor == "" || a.TitleFormat == "" || a.TextFormat == "" || a.Target.RefID != "Anno" || a.Expr != a.Target.Expr {
				t.Errorf("%s: annotation %+v", file, a)
			}
			marks[a.Name] = a.Expr
		}
		if !strings.Contains(marks["Restarts"], "watchdog_restarts_total") || !strings.Contains(marks["Alerts"], "ALERTS") || !strings.Contains(marks["Deploys"], "build_info") {
			t.Errorf("%s: annotations %v", file, marks)
		}
	}
}

func variableNamed(m model, name string) (variable, bool) {
	for _, v := range m.Templating.List {
		if v.Name == name {
			return v, true
		}
	}
	return variable{}, false
}

func variablesOf(t *testing.T, check func(*testing.T, variable)) {
	t.Helper()
	for file, m := range load(t) {
		for _, v := range m.Templating.List {
			if v.Type == "query" {
				t.Run(file+"/"+v.Name, func(t *testing.T) { check(t, v) })
			}
		}
	}
}
