package suite

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func write(t *testing.T, rules, tests string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"rules/a.yml": rules, "tests/a.yml": tests} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestLoad(t *testing.T) {
	dir := write(t, `groups: [{name: g, rules: [{record: a:b, expr: b}, {alert: A, expr: a:b > 1, for: 1m, keep_firing_for: 2m, labels: {severity: info}}]}]`, `
rule_files: [../rules/*.yml]
tests:
  - input_series: [{series: 'b{x="y"}', values: 1x3}, {series: c, values: 1x3}]
    alert_rule_test:
      - {eval_time: 1d1h, alertname: A, exp_alerts: [{exp_labels: {severity: info}, exp_annotations: {summary: s}}]}
`)
	s, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	rules := filepath.Join(dir, "rules", "a.yml")
	if len(s.Rules) != 2 || s.Rules[0].Record != "a:b" || s.Rules[0].File != rules || s.Rules[1].Group != "g" ||
		s.Rules[1].Alert != "A" || s.Rules[1].For != "1m" || s.Rules[1].KeepFiringFor != "2m" || s.Rules[1].Labels["severity"] != "info" {
		t.Errorf("%+v", s.Rules)
	}
	if len(s.Scenarios) != 1 {
		t.Fatalf("%+v", s.Scenarios)
	}
	one := s.Scenarios[0]
	if one.Name != "test 1" || !slices.Equal(one.RuleFiles, []string{rules}) || !slices.Equal(one.Metrics, []string{"b", "c"}) || len(one.Checks) != 1 ||
		one.Checks[0].At != 25*time.Hour || one.Checks[0].Alert != "A" || one.Checks[0].Firing[0].Annotations["summary"] != "s" {
		t.Errorf("%+v", one)
	}
}

func TestFaults(t *testing.T) {
	const rules, tests = "groups: []", "rule_files: [../rules/a.yml]"
	for name, tc := range map[string]struct{ rules, tests, want string }{
		"rules":          {"groups: 3", tests, "rules/a.yml: yaml"},
		"tests":          {rules, "tests: 3", "tests/a.yml: yaml"},
		"no rule file":   {rules, "rule_files: [../rules/b.yml]", "no rule file matches"},
		"series":         {rules, tests + "\ntests: [{name: n, input_series: [{series: 'a{'}]}]", "tests/a.yml: n: series a{: "},
		"time of a test": {rules, tests + "\ntests: [{alert_rule_test: [{eval_time: soon}]}]", "not a valid duration"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Load(write(t, tc.rules, tc.tests)); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %s", err, tc.want)
			}
		})
	}
	if _, err := Load(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no file matches") {
		t.Errorf("an empty folder: %v", err)
	}
}

func TestMetrics(t *testing.T) {
	got, err := Metrics(`sum by (job) (rate(a{x="y"}[5m])) / on () b offset 1m unless absent(c) > vector(1)`)
	if names := slices.Sorted(maps.Keys(got)); err != nil || !slices.Equal(names, []string{"a", "b", "c"}) {
		t.Errorf("%v %v", names, err)
	}
	if _, err := Metrics("a >"); err == nil {
		t.Error("no fault")
	}
}
