package policy

import (
	"maps"
	"slices"
	"strings"
)

// EnableLabel is the watchdog's own label. Where it is present it decides alone, so that "false" opts a container out.
const EnableLabel = "watchdog.enable"

// otherLabels are those of the tools that people switch over from.
var otherLabels = []string{"autoheal", "deunhealth.restart.on.unhealthy"}

// Labelled says whether a container with these labels is in the watchdog's care, and may be restarted. It reads labels as the
// watchdog does; one that cannot be read is none.
func Labelled(labels map[string]string) bool {
	labels = tidy(labels)
	if value, present := labels[EnableLabel]; present {
		return on(value)
	}
	return slices.ContainsFunc(otherLabels, func(name string) bool { return on(labels[name]) })
}

func on(value string) bool {
	return slices.Contains([]string{"true", "yes", "on", "1", "t", "y"}, strings.ToLower(value))
}

// tidy undoes what a list in a Compose file makes of `- watchdog.enable = "true"`: a space after the name, and a value that
// begins with one and keeps its quotes. A name that is written properly wins.
func tidy(labels map[string]string) map[string]string {
	out := make(map[string]string, len(labels))
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		name := strings.TrimSpace(key)
		if _, taken := out[name]; taken && name != key {
			continue
		}
		value := strings.TrimSpace(labels[key])
		value = strings.TrimSpace(strings.TrimPrefix(value, "="))
		if n := len(value); n >= 2 && (value[0] == '"' || value[0] == '\'') && value[n-1] == value[0] {
			value = strings.TrimSpace(value[1 : n-1])
		}
		out[name] = value
	}
	return out
}
