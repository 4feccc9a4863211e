package e2e

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const runbookPrefix = "https://github.com/upkeephq/upkeep/blob/main/"

var severities = []string{"critical", "warning", "info", "none"}

func TestAlertsAreComplete(t *testing.T) {
	camel := regexp.MustCompile(`^([A-Z][a-z]+)+$`)
	sentence := regexp.MustCompile(`^[A-Z{].*`)
	alerts := map[string]bool{}
	eachRule(t, func(file string, r rule) {
		if r.Alert == "" {
			return
		}
		alerts[r.Alert] = true
		if !camel.MatchString(r.Alert) {
			t.Errorf("%s: alert %q: want CamelCase", file, r.Alert)
		}
		if !slices.Contains(severities, r.Labels["severity"]) {
			t.Errorf("%s: severity %q of %v", r.Alert, r.Labels["severity"], severities)
		}
		summary, description := r.Annotations["summary"], r.Annotations["description"]
		if !sentence.MatchString(summary) || strings.Contains(summary, "\n") || strings.Contains(summary, "$value") {
			t.Errorf("%s: summary %q: want one line without the value, which would make each notification another", r.Alert, summary)
		}
		if len(description) < len("{{ $value }} of something") || description == summary {
			t.Errorf("%s: description %q", r.Alert, description)
		}
		page, ours := strings.CutPrefix(r.Annotations["runbook_url"], runbookPrefix)
		if !ours || page != "deploy/runbooks/"+r.Alert+".md" {
			t.Errorf("%s: runbook_url %q", r.Alert, r.Annotations["runbook_url"])
			return
		}
		if first, _, _ := strings.Cut(string(contractFile(t, page)), "\n"); first != "# "+r.Alert {
			t.Errorf("%s begins with %q", page, first)
		}
	})
	for _, want := range []string{"ApiDown", "TargetRestarted", "RestartBudgetExhausted", "HighErrorRate", "Watchdog", "WatchdogDown"} {
		if !alerts[want] {
			t.Errorf("no alert %s", want)
		}
	}
	for _, page := range contractGlob(t, "deploy/runbooks/*.md") {
		if name := strings.TrimSuffix(filepath.Base(page), ".md"); !alerts[name] {
			t.Errorf("%s belongs to no alert", page)
		}
	}
}

// Each alert has a promtool test in which it fires, with all of its labels and annotations, and one in which it stays silent.
func TestAlertsAreTested(t *testing.T) {
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, path := range contractGlob(t, "prometheus/tests/*.yml") {
		var file struct {
			Tests []struct {
				Name           string
				AlertRuleTests []struct {
					Alert  string `yaml:"alertname"`
					Alerts []struct {
						Labels      map[string]string `yaml:"exp_labels"`
						Annotations map[string]string `yaml:"exp_annotations"`
					} `yaml:"exp_alerts"`
				} `yaml:"alert_rule_test"`
			}
		}
		contractYAML(t, path, &file)
		for _, test := range file.Tests {
			for _, c := range test.AlertRuleTests {
				if len(c.Alerts) == 0 && strings.HasPrefix(test.Name, "silent: ") {
					silent[c.Alert] = true
				}
				for _, a := range c.Alerts {
					fires[c.Alert] = true
					if a.Labels["severity"] == "" || a.Annotations["summary"] == "" || a.Annotations["description"] == "" || a.Annotations["runbook_url"] == "" {
						t.Errorf("%s, %s: %s is expected without all of its labels and annotations", path, test.Name, c.Alert)
					}
				}
			}
		}
	}
	eachRule(t, func(_ string, r rule) {
		if r.Alert == "" {
			return
		}
		if !fires[r.Alert] {
			t.Errorf("no test in which %s fires", r.Alert)
		}
		if always := r.Expr == "vector(1)"; silent[r.Alert] == always {
			t.Errorf("%s: tested to stay silent: %v, fires always: %v", r.Alert, silent[r.Alert], always)
		}
	})
}

// The commands that notifications and runbooks tell people to type name services that exist.
func TestCommandsForPeopleNameServices(t *testing.T) {
	command := regexp.MustCompile(`docker compose (exec|logs|ps|restart|start|unpause|up)((?: -[-a-z]+(?: \d+m?)?)*)((?: [a-z-]+)*)`)
	services := compose(t).Services
	check := func(where, text string) {
		for _, m := range command.FindAllStringSubmatch(strings.ReplaceAll(text, "\n", " ; "), -1) {
			words := strings.Fields(m[3])
			if m[1] == "exec" || m[1] == "logs" {
				if len(words) == 0 && !strings.Contains(text, m[0]+" SERVICE") && !strings.Contains(text, m[0]+" {{ $labels.job }}") {
					t.Errorf("%s: %q names no service", where, m[0])
				}
			}
			if len(words) > 0 {
				if _, there := services[words[0]]; !there {
					t.Errorf("%s: %q: no service %s", where, m[0], words[0])
				}
			}
		}
	}
	eachRule(t, func(_ string, r rule) { check(r.Alert, r.Annotations["description"]) })
	for _, page := range contractGlob(t, "deploy/runbooks/*.md") {
		check(page, string(contractFile(t, page)))
	}
}
