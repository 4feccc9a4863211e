package policy

import "strconv"

// EnableLabel is the watchdog's own label. Where it is present it decides alone, so that "false" opts a container out.
const EnableLabel = "watchdog.enable"

// otherLabels are those of the tools that people switch over from.
var otherLabels = []string{"autoheal", "deunhealth.restart.on.unhealthy"}

// Labelled says whether a container with these labels is in the watchdog's care, and may be restarted.
func Labelled(labels map[string]string) bool {
	if value, present := labels[EnableLabel]; present {
		return on(value)
	}
	for _, name := range otherLabels {
		if on(labels[name]) {
			return true
		}
	}
	return false
}

func on(value string) bool {
	b, err := strconv.ParseBool(value)
	return err == nil && b
}
