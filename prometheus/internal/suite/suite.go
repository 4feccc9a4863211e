// Package suite reads the rule files of Prometheus and promtool's tests of them.
package suite

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

// Suite is what stands in rules/*.yml and tests/*.yml.
type Suite struct {
	Rules     []Rule
	Scenarios []Scenario
}

// Rule is a recording or an alerting rule.
type Rule struct {
	File  string `yaml:"-"` // path of the rule file
	Group string `yaml:"-"`

	Record        string            `yaml:"record"`
	Alert         string            `yaml:"alert"`
	Expr          string            `yaml:"expr"`
	For           string            `yaml:"for"`
	KeepFiringFor string            `yaml:"keep_firing_for"`
	Labels        map[string]string `yaml:"labels"`
	Annotations   map[string]string `yaml:"annotations"`
}

// Scenario is one test of a test file: a history of series, and what is expected at which time.
type Scenario struct {
	File      string // path of the test file
	Name      string
	RuleFiles []string // paths of the rule files that it loads
	Metrics   []string // names of its series
	Checks    []Check
}

// Check is the expectation of all alerts of one name that fire at a time.
type Check struct {
	At     time.Duration
	Alert  string
	Firing []Expected
}

// Expected is one alert that fires.
type Expected struct {
	Labels      map[string]string `yaml:"exp_labels"`
	Annotations map[string]string `yaml:"exp_annotations"`
}

// Load reads the folder of prometheus.yml.
func Load(dir string) (Suite, error) {
	var s Suite
	err := eachFile(filepath.Join(dir, "rules", "*.yml"), func(path string, text []byte) error {
		rules, err := parseRules(text)
		for _, r := range rules {
			r.File = path
			s.Rules = append(s.Rules, r)
		}
		return err
	})
	if err != nil {
		return Suite{}, err
	}
	err = eachFile(filepath.Join(dir, "tests", "*.yml"), func(path string, text []byte) error {
		scenarios, err := parseTests(path, text)
		s.Scenarios = append(s.Scenarios, scenarios...)
		return err
	})
	return s, err
}

func eachFile(pattern string, read func(path string, text []byte) error) error {
	paths, err := filepath.Glob(pattern)
	if err == nil && len(paths) == 0 {
		err = fmt.Errorf("no file matches %s", pattern)
	}
	if err != nil {
		return err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := read(path, text); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	return nil
}

func parseRules(text []byte) ([]Rule, error) {
	var file struct {
		Groups []struct {
			Name  string `yaml:"name"`
			Rules []Rule `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	var rules []Rule
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			r.Group = g.Name
			rules = append(rules, r)
		}
	}
	return rules, nil
}

func parseTests(path string, text []byte) ([]Scenario, error) {
	var file struct {
		RuleFiles []string `yaml:"rule_files"`
		Tests     []struct {
			Name   string `yaml:"name"`
			Series []struct {
				Series string `yaml:"series"`
			} `yaml:"input_series"`
			Checks []struct {
				At     model.Duration `yaml:"eval_time"`
				Alert  string         `yaml:"alertname"`
				Firing []Expected     `yaml:"exp_alerts"`
			} `yaml:"alert_rule_test"`
		} `yaml:"tests"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	var ruleFiles []string
	for _, pattern := range file.RuleFiles {
		if !filepath.IsAbs(pattern) {
			pattern = filepath.Join(filepath.Dir(path), pattern)
		}
		matches, err := filepath.Glob(pattern)
		if err == nil && len(matches) == 0 {
			err = fmt.Errorf("no rule file matches %s", pattern)
		}
		if err != nil {
			return nil, err
		}
		ruleFiles = append(ruleFiles, matches...)
	}
	var scenarios []Scenario
	for n, test := range file.Tests {
		s := Scenario{File: path, Name: test.Name, RuleFiles: ruleFiles}
		if s.Name == "" {
			s.Name = fmt.Sprintf("test %d", n+1)
		}
		for _, input := range test.Series {
			name, err := metricName(input.Series)
			if err != nil {
				return nil, fmt.Errorf("%s: series %s: %w", s.Name, input.Series, err)
			}
			s.Metrics = append(s.Metrics, name)
		}
		for _, c := range test.Checks {
			s.Checks = append(s.Checks, Check{time.Duration(c.At), c.Alert, c.Firing})
		}
		scenarios = append(scenarios, s)
	}
	return scenarios, nil
}

var promql = parser.NewParser(parser.Options{})

func metricName(series string) (string, error) {
	labels, err := promql.ParseMetric(series)
	return labels.Get(model.MetricNameLabel), err
}

// Metrics returns the names of the series that an expression reads.
func Metrics(expr string) (map[string]bool, error) {
	parsed, err := promql.ParseExpr(expr)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		if selector, ok := node.(*parser.VectorSelector); ok {
			names[selector.Name] = true
		}
		return nil
	})
	return names, nil
}
