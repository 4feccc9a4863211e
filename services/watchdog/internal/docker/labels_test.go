package docker

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/probe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

func TestParseLabels(t *testing.T) {
	const (
		seconds = "allowed is a number of seconds or a duration like 1m30s, from "
		unknown = "allowed are watchdog.enable, watchdog.probe, watchdog.probe.failures, watchdog.probe.interval, watchdog.probe.timeout, " +
			"watchdog.restart-with, watchdog.restart.delay, watchdog.restart.max, watchdog.restart.window, watchdog.start-period, " +
			"watchdog.stop-timeout, watchdog.stop-timeout-hung"
	)
	for _, c := range []struct {
		label, value string
		change       func(p *supervise.Policy)
		fault        string
	}{
		{"watchdog.enable", "true", nil, ""},
		{"watchdog.enable", "maybe", nil, `label watchdog.enable="maybe": allowed is true or false`},
		{"watchdog.probe", "none", nil, ""},
		{"watchdog.probe", " http://:8000/health ", func(p *supervise.Policy) { p.Probe = "http://:8000/health" }, ""},
		{"watchdog.probe", "tcp://:5432", func(p *supervise.Policy) { p.Probe = "tcp://:5432" }, ""},
		{"watchdog.probe", "8000", nil, `label watchdog.probe="8000": allowed is ` + probe.Allowed},
		{"watchdog.probe.interval", "10", func(p *supervise.Policy) { p.ProbeInterval = 10 * time.Second }, ""},
		{"watchdog.probe.interval", "1m30s", func(p *supervise.Policy) { p.ProbeInterval = 90 * time.Second }, ""},
		{"watchdog.probe.interval", "0", nil, `label watchdog.probe.interval="0": ` + seconds + "1s to 24h0m0s"},
		{"watchdog.probe.interval", "-5", nil, `label watchdog.probe.interval="-5": ` + seconds + "1s to 24h0m0s"},
		{"watchdog.probe.interval", "", nil, `label watchdog.probe.interval="": ` + seconds + "1s to 24h0m0s"},
		{"watchdog.probe.interval", "99999999999999999999", nil, `label watchdog.probe.interval="99999999999999999999": ` + seconds + "1s to 24h0m0s"},
		{"watchdog.probe.timeout", "500ms", func(p *supervise.Policy) { p.ProbeTimeout = 500 * time.Millisecond }, ""},
		{"watchdog.probe.timeout", "0", nil, `label watchdog.probe.timeout="0": ` + seconds + "10ms to 10m0s"},
		{"watchdog.probe.failures", "5", func(p *supervise.Policy) { p.FailureThreshold = 5 }, ""},
		{"watchdog.probe.failures", "1.5", nil, `label watchdog.probe.failures="1.5": allowed is a whole number from 1 to 1000`},
		{"watchdog.start-period", "2m", func(p *supervise.Policy) { p.StartPeriod = 2 * time.Minute }, ""},
		{"watchdog.restart.delay", "0", func(p *supervise.Policy) { p.RestartDelay = 0 }, ""},
		{"watchdog.restart.delay", "1h", nil, `label watchdog.restart.delay="1h": ` + seconds + "0s to 5m0s"},
		{"watchdog.restart.max", "3", func(p *supervise.Policy) { p.MaxRestarts = 3 }, ""},
		{"watchdog.restart.max", "0", nil, `label watchdog.restart.max="0": allowed is a whole number from 1 to 1000`},
		{"watchdog.restart.window", "600", func(p *supervise.Policy) { p.RestartWindow = 10 * time.Minute }, ""},
		{"watchdog.stop-timeout", "0", func(p *supervise.Policy) { p.StopTimeout = 0 }, ""},
		{"watchdog.stop-timeout-hung", "1", func(p *supervise.Policy) { p.StopTimeoutHung = time.Second }, ""},
		{"autoheal.stop.timeout", "20", func(p *supervise.Policy) { p.StopTimeout = 20 * time.Second }, ""},
		{"autoheal.stop.timeout", "soon", nil, `label autoheal.stop.timeout="soon": ` + seconds + "0s to 1h0m0s"},
		{"watchdog.restart-with", " , ", nil, `label watchdog.restart-with=",": allowed is a list of services or targets, separated by commas`},
		{"watchdog.Probe", "none", nil, "label watchdog.Probe is unknown: " + unknown},
		{"watchdogs", "barking", nil, ""},
		{"watchdog.stop-timeout ", `= "7"`, func(p *supervise.Policy) { p.StopTimeout = 7 * time.Second }, ""},
		{"watchdog.stop-timeout", "'7s'", func(p *supervise.Policy) { p.StopTimeout = 7 * time.Second }, ""},
	} {
		want := supervise.DefaultPolicy()
		if c.change != nil {
			c.change(&want)
		}
		got, _, fault := parseLabels(map[string]string{c.label: c.value}, supervise.DefaultPolicy())
		if got != want {
			t.Errorf("%s=%q: policy %+v, want %+v", c.label, c.value, got, want)
		}
		if fault != c.fault {
			t.Errorf("%s=%q: fault\n%s\nwant\n%s", c.label, c.value, fault, c.fault)
		}
	}
}

func TestParseLabelsTogether(t *testing.T) {
	policy, with, fault := parseLabels(map[string]string{
		"watchdog.restart-with": "web, worker  upkeep-db-1", "watchdog.stop-timeout": "3", "autoheal.stop.timeout": "9",
	}, supervise.DefaultPolicy())
	if !slices.Equal(with, []string{"web", "worker", "upkeep-db-1"}) || policy.StopTimeout != 3*time.Second || fault != "" {
		t.Errorf("with %q, stop timeout %v, fault %q", with, policy.StopTimeout, fault)
	}
	_, _, fault = parseLabels(map[string]string{
		"watchdog.restart.max": "x", "watchdog.probe": "y", "watchdog.nonsense": "z", "watchdog.also": "a",
	}, supervise.DefaultPolicy())
	if n := strings.Count(fault, "label "); n != 4 {
		t.Errorf("%d faults at once, want 4: %s", n, fault)
	}
	_, _, fault = parseLabels(map[string]string{"watchdog.restart.max": strings.Repeat("9", 1000)}, supervise.DefaultPolicy())
	if len(fault) > 200 {
		t.Errorf("a fault of %d bytes", len(fault))
	}
}

func TestSelected(t *testing.T) {
	for _, c := range []struct {
		labels map[string]string
		want   bool
	}{
		{nil, false},
		{map[string]string{"watchdog.enable": "true"}, true},
		{map[string]string{"watchdog.enable": "True"}, true},
		{map[string]string{"watchdog.enable": "1"}, true},
		{map[string]string{"watchdog.enable": "yes"}, true},
		{map[string]string{"watchdog.enable": `"true"`}, true},
		{map[string]string{"watchdog.enable ": ` "true"`}, true},
		{map[string]string{"watchdog.enable ": `= "true"`}, true},
		{map[string]string{"watchdog.enable": "false"}, false},
		{map[string]string{"watchdog.enable": ""}, false},
		{map[string]string{"watchdog.enable": "ture"}, true}, // reported as a fault, not forgotten
		{map[string]string{"autoheal": "true"}, true},
		{map[string]string{"autoheal": "false"}, false},
		{map[string]string{"autoheal": "true", "watchdog.enable": "false"}, false},
		{map[string]string{"watchdog.enable": "true", "watchdog.enable ": "false"}, true},
		{map[string]string{"deunhealth.restart.on.unhealthy": "true"}, true},
		{map[string]string{"watchdog.probe": "none"}, false},
	} {
		if got := selected(c.labels); got != c.want {
			t.Errorf("selected(%q) = %v", c.labels, got)
		}
	}
}

func FuzzParseLabels(f *testing.F) {
	for _, s := range settings {
		f.Add(s.name, "10", "watchdog.restart-with", "a,b")
	}
	f.Add("watchdog.probe", "http://:80/#%zz", "watchdog.enable ", `= "`)
	f.Add("watchdog.x", "\xff", "", "=")
	f.Add("watchdog.restart.delay", "1e9h", " ", "''")
	f.Fuzz(func(t *testing.T, k1, v1, k2, v2 string) {
		labels := map[string]string{k1: v1, k2: v2}
		p, with, fault := parseLabels(labels, supervise.DefaultPolicy())
		q, again, same := parseLabels(labels, supervise.DefaultPolicy())
		if p != q || fault != same || !slices.Equal(with, again) {
			t.Errorf("%q reads differently twice", labels)
		}
		if p.ProbeInterval < time.Second || p.ProbeTimeout <= 0 || p.FailureThreshold < 1 || p.MaxRestarts < 1 || p.RestartWindow <= 0 ||
			p.RestartDelay < 0 || p.RestartDelay > supervise.MaxRestartDelay || p.StartPeriod < 0 || p.StopTimeout < -1 || p.StopTimeoutHung < 0 {
			t.Errorf("%q gives a policy that nobody may have: %+v", labels, p)
		}
		if spec, err := probe.Parse(p.Probe); err != nil || spec.String() != p.Probe {
			t.Errorf("%q gives the probe %q: %v", labels, p.Probe, err)
		}
		if len(fault) > 4000 {
			t.Errorf("%q gives a fault of %d bytes", labels, len(fault))
		}
		selected(labels)
	})
}

func Example_parseLabels() {
	policy, _, fault := parseLabels(map[string]string{
		"watchdog.enable":         "true",
		"watchdog.probe":          "http://:8000/health/live",
		"watchdog.probe.interval": "10",
		"watchdog.restart.max":    "lots",
	}, supervise.DefaultPolicy())
	fmt.Println(policy.Probe, policy.ProbeInterval)
	fmt.Println(fault)
	// Output:
	// http://:8000/health/live 10s
	// label watchdog.restart.max="lots": allowed is a whole number from 1 to 1000
}
