package docker

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/probe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// The labels that make a container a target: our own, and those of two older healers, so that people can switch over.
const (
	labelEnable     = "watchdog.enable"
	labelAutoheal   = "autoheal"
	labelDeunhealth = "deunhealth.restart.on.unhealthy"
)

const (
	labelPrefix      = "watchdog."
	labelRestartWith = "watchdog.restart-with"
	labelStopAutoh   = "autoheal.stop.timeout"
)

// setting is a label that changes one field of a policy.
type setting struct {
	name    string
	allowed string
	set     func(p *supervise.Policy, value string) bool
}

// settings lists all of them but those with a meaning of their own. Autoheal's comes before ours, which wins.
var settings = []setting{
	duration(labelStopAutoh, 0, time.Hour, func(p *supervise.Policy) *time.Duration { return &p.StopTimeout }),
	duration("watchdog.stop-timeout", 0, time.Hour, func(p *supervise.Policy) *time.Duration { return &p.StopTimeout }),
	duration("watchdog.stop-timeout-hung", 0, time.Hour, func(p *supervise.Policy) *time.Duration { return &p.StopTimeoutHung }),
	duration("watchdog.start-period", 0, 24*time.Hour, func(p *supervise.Policy) *time.Duration { return &p.StartPeriod }),
	duration("watchdog.probe.interval", time.Second, 24*time.Hour, func(p *supervise.Policy) *time.Duration { return &p.ProbeInterval }),
	duration("watchdog.probe.timeout", 10*time.Millisecond, 10*time.Minute, func(p *supervise.Policy) *time.Duration { return &p.ProbeTimeout }),
	number("watchdog.probe.failures", 1, 1000, func(p *supervise.Policy) *int { return &p.FailureThreshold }),
	duration("watchdog.restart.delay", 0, supervise.MaxRestartDelay, func(p *supervise.Policy) *time.Duration { return &p.RestartDelay }),
	number("watchdog.restart.max", 1, 1000, func(p *supervise.Policy) *int { return &p.MaxRestarts }),
	duration("watchdog.restart.window", time.Second, 30*24*time.Hour, func(p *supervise.Policy) *time.Duration { return &p.RestartWindow }),
	{"watchdog.probe", probe.Allowed, func(p *supervise.Policy, v string) bool {
		spec, err := probe.Parse(v)
		p.Probe = spec.String()
		return err == nil
	}},
}

func duration(name string, low, high time.Duration, field func(*supervise.Policy) *time.Duration) setting {
	allowed := fmt.Sprintf("a number of seconds or a duration like 1m30s, from %v to %v", low, high)
	return setting{name, allowed, func(p *supervise.Policy, value string) bool {
		v, ok := parseDuration(value)
		if !ok || v < low || v > high {
			return false
		}
		*field(p) = v
		return true
	}}
}

func number(name string, low, high int, field func(*supervise.Policy) *int) setting {
	allowed := fmt.Sprintf("a whole number from %d to %d", low, high)
	return setting{name, allowed, func(p *supervise.Policy, value string) bool {
		n, err := strconv.Atoi(value)
		if err != nil || n < low || n > high {
			return false
		}
		*field(p) = n
		return true
	}}
}

// parseDuration understands whole seconds and Go durations.
func parseDuration(s string) (time.Duration, bool) {
	if n, err := strconv.ParseInt(s, 10, 32); err == nil {
		return time.Duration(n) * time.Second, true
	}
	d, err := time.ParseDuration(s)
	return d, err == nil
}

// parseLabels reads what the labels of a container say about its treatment: the policy, the names of the targets to
// restart with it, and every fault at once, empty when there is none.
func parseLabels(labels map[string]string, defaults supervise.Policy) (policy supervise.Policy, restartWith []string, fault string) {
	labels = tidy(labels)
	policy = defaults
	var faults []string
	wrong := func(name, allowed string) {
		faults = append(faults, fmt.Sprintf("label %s=%q: allowed is %s", name, shorten(labels[name], 80), allowed))
	}
	known := map[string]bool{labelEnable: true, labelRestartWith: true}
	for _, s := range settings {
		known[s.name] = true
		if v, ok := labels[s.name]; ok && !s.set(&policy, v) {
			wrong(s.name, s.allowed)
		}
	}
	if v, ok := labels[labelRestartWith]; ok {
		restartWith = list(v)
		if len(restartWith) == 0 {
			wrong(labelRestartWith, "a list of services or targets, separated by commas")
		}
	}
	if v, ok := labels[labelEnable]; ok {
		if _, ok := parseBool(v); !ok {
			wrong(labelEnable, "true or false")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if strings.HasPrefix(name, labelPrefix) && !known[name] {
			faults = append(faults, fmt.Sprintf("label %s is unknown: allowed are %s", shorten(name, 80),
				strings.Join(slices.DeleteFunc(slices.Sorted(maps.Keys(known)), func(n string) bool { return n == labelStopAutoh }), ", ")))
		}
	}
	return policy, restartWith, strings.Join(faults, "; ")
}

// selected reports whether the labels make the container a target. A watchdog.enable that cannot be read makes it one
// too, so that the fault is reported rather than the container forgotten.
func selected(labels map[string]string) bool {
	labels = tidy(labels)
	if v, ok := labels[labelEnable]; ok {
		on, ok := parseBool(v)
		return on || !ok
	}
	for _, name := range []string{labelAutoheal, labelDeunhealth} {
		if on, _ := parseBool(labels[name]); on {
			return true
		}
	}
	return false
}

// parseBool reads the ways in which people write yes and no.
func parseBool(s string) (value, ok bool) {
	switch strings.ToLower(s) {
	case "true", "yes", "on", "1", "t", "y":
		return true, true
	case "false", "no", "off", "0", "f", "n", "":
		return false, true
	}
	return false, false
}

// tidy undoes what a list in a Compose file does to a label written like a variable in a script: in
// `- watchdog.enable = "true"` the key ends with a space and the value begins with one and keeps its quotes.
func tidy(labels map[string]string) map[string]string {
	out := make(map[string]string, len(labels))
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		name, v := strings.TrimSpace(k), labels[k]
		if _, ok := out[name]; ok && name != k {
			continue // the one that is written properly wins
		}
		v = strings.TrimSpace(v)
		v = strings.TrimSpace(strings.TrimPrefix(v, "="))
		if n := len(v); n >= 2 && (v[0] == '"' || v[0] == '\'') && v[n-1] == v[0] {
			v = strings.TrimSpace(v[1 : n-1])
		}
		out[name] = v
	}
	return out
}

// list splits a list at commas and white space.
func list(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' })
}

// shorten cuts a text to at most n bytes and says so.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}
