// Package gaps says which alerts lack a test or a runbook.
package gaps

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/upkeephq/upkeep/prometheus/internal/suite"
)

// Report is what Find has found.
type Report struct {
	Rows      []Row // one for each alerting rule: alerts of one name may have several
	Scenarios int   // that check an alert
	Checks    int   // of alerts, at a time
	Others    []string
}

// Row is one alerting rule and what tests it.
type Row struct {
	Alert     string
	Labels    map[string]string // those that tell rules of one name apart
	Scenarios int
	Checks    int
	Gaps      []string
}

// Gaps counts what is missing.
func (r Report) Gaps() int {
	n := len(r.Others)
	for _, row := range r.Rows {
		n += len(row.Gaps)
	}
	return n
}

// Alerts counts their names.
func (r Report) Alerts() int {
	names := map[string]bool{}
	for _, row := range r.Rows {
		names[row.Alert] = true
	}
	return len(names)
}

// Find compares the rules with their tests and with the runbooks, a folder of files ALERT.md.
func Find(s suite.Suite, runbooks string) (Report, error) {
	var report Report
	alerts := map[string]bool{}
	for _, rule := range s.Rules {
		if rule.Alert == "" {
			continue
		}
		reads, err := reads(s.Rules, rule)
		if err != nil {
			return Report{}, fmt.Errorf("%s: %s: %w", rule.File, rule.Alert, err)
		}
		row := inspect(s.Scenarios, rule, reads)
		if !alerts[rule.Alert] {
			row.Gaps = append(row.Gaps, page(filepath.Join(runbooks, rule.Alert+".md"), rule.Alert)...)
		}
		alerts[rule.Alert] = true
		report.Rows = append(report.Rows, row)
	}
	for _, scenario := range s.Scenarios {
		report.Checks += len(scenario.Checks)
		if len(scenario.Checks) > 0 {
			report.Scenarios++
		}
		for _, c := range scenario.Checks {
			if !defines(s.Rules, scenario, c.Alert) { // promtool takes it for silent
				report.Others = append(report.Others, fmt.Sprintf("%s: %s: checks %s, which its rule files do not define", scenario.File, scenario.Name, c.Alert))
			}
		}
	}
	entries, err := os.ReadDir(runbooks)
	if err != nil {
		return Report{}, err
	}
	for _, entry := range entries {
		if name, ok := strings.CutSuffix(entry.Name(), ".md"); ok && !alerts[name] {
			report.Others = append(report.Others, filepath.Join(runbooks, entry.Name())+" is the runbook of no alert")
		}
	}
	return report, nil
}

func defines(rules []suite.Rule, s suite.Scenario, alert string) bool {
	return slices.ContainsFunc(rules, func(r suite.Rule) bool { return r.Alert == alert && slices.Contains(s.RuleFiles, r.File) })
}

// reads returns the metrics that a rule reads, through the recordings that it reads.
func reads(rules []suite.Rule, rule suite.Rule) (map[string]bool, error) {
	all := map[string]bool{}
	todo := []string{rule.Expr}
	for len(todo) > 0 {
		names, err := suite.Metrics(todo[0])
		if err != nil {
			return nil, err
		}
		todo = todo[1:]
		for name := range names {
			if all[name] {
				continue
			}
			all[name] = true
			for _, r := range rules {
				if r.Record == name {
					todo = append(todo, r.Expr)
				}
			}
		}
	}
	return all, nil
}

// inspect looks for the four kinds of checks that an alert needs.
func inspect(scenarios []suite.Scenario, rule suite.Rule, reads map[string]bool) Row {
	row := Row{Alert: rule.Alert, Labels: rule.Labels}
	var before, fires, nearMiss, resolves bool
	for _, s := range scenarios {
		if !slices.Contains(s.RuleFiles, rule.File) {
			continue
		}
		var firing, silent []time.Duration
		others := false
		for _, c := range s.Checks {
			if c.Alert != rule.Alert {
				continue
			}
			row.Checks++
			ours := slices.DeleteFunc(slices.Clone(c.Firing), func(e suite.Expected) bool { return !belongs(e, rule) })
			others = others || len(ours) < len(c.Firing)
			if len(ours) == 0 {
				silent = append(silent, c.At)
				continue
			}
			firing = append(firing, c.At)
			for _, e := range ours {
				row.Gaps = append(row.Gaps, incomplete(e, c.At, s.Name)...)
			}
		}
		if len(firing)+len(silent) > 0 {
			row.Scenarios++
		}
		if len(firing) == 0 {
			touched := slices.ContainsFunc(s.Metrics, func(name string) bool { return reads[name] })
			nearMiss = nearMiss || len(silent) > 0 && !others && touched
			continue
		}
		fires = true
		if len(silent) > 0 {
			before = before || slices.Min(silent) < slices.Min(firing)
			resolves = resolves || slices.Max(silent) > slices.Min(firing)
		}
	}
	always := len(reads) == 0 // vector(1): it cannot be silent
	for _, need := range []struct {
		met bool
		gap string
	}{
		{fires, "no check in which it fires"},
		{before || always, "no check that it is silent before it fires"},
		{nearMiss || always, "no near miss: a scenario with its metrics in which it stays silent"},
		{resolves || always, "no check that it resolves"},
	} {
		if !need.met {
			row.Gaps = append(row.Gaps, need.gap)
		}
	}
	return row
}

// belongs reports whether an expected alert is one of this rule, and not of another of the same name.
func belongs(e suite.Expected, rule suite.Rule) bool {
	for name, value := range rule.Labels {
		if !strings.Contains(value, "{{") && e.Labels[name] != value {
			return false
		}
	}
	return true
}

func incomplete(e suite.Expected, at time.Duration, scenario string) []string {
	var missing []string
	for _, name := range []string{"summary", "description", "runbook_url"} {
		if e.Annotations[name] == "" {
			missing = append(missing, name)
		}
	}
	if e.Labels["severity"] == "" {
		missing = append(missing, "severity")
	}
	if missing == nil {
		return nil
	}
	return []string{fmt.Sprintf("expected without %s at %v in %q", strings.Join(missing, ", "), at, scenario)}
}

// Name is the alert's name, and the labels by which it differs from the other rows of that name.
func (r Report) Name(row Row) string {
	var differ []string
	for _, label := range slices.Sorted(maps.Keys(row.Labels)) {
		if slices.ContainsFunc(r.Rows, func(other Row) bool { return other.Alert == row.Alert && other.Labels[label] != row.Labels[label] }) {
			differ = append(differ, label+"="+row.Labels[label])
		}
	}
	if differ == nil {
		return row.Alert
	}
	return row.Alert + " (" + strings.Join(differ, " ") + ")"
}
