package gaps

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/upkeephq/upkeep/prometheus/internal/suite"
)

// sections of a runbook, in this order. A person who reads one at night knows where to look in all of them.
var sections = []string{"## Meaning", "## Impact", "## First commands", "## Fix", "## Silence"}

// commands that a runbook has at least under "First commands", one a line, indented.
const commands = 3

// query is what a person is told to ask Prometheus for.
var query = regexp.MustCompile(`promtool query instant \S+(?:\s+\\\n)?\s+'([^']*)'`)

// page says what is wrong with the runbook of an alert.
func page(path, alert string) []string {
	text, err := os.ReadFile(path)
	if err != nil {
		return []string{"no runbook " + path}
	}
	var faults []string
	lines := strings.Split(string(text), "\n")
	if lines[0] != "# "+alert {
		faults = append(faults, fmt.Sprintf("%s begins with %q, not with %q", path, lines[0], "# "+alert))
	}
	var found []string
	section := map[string][]string{}
	for _, line := range lines[1:] {
		switch {
		case strings.HasPrefix(line, "## "):
			found = append(found, line)
		case len(found) > 0 && strings.TrimSpace(line) != "":
			section[found[len(found)-1]] = append(section[found[len(found)-1]], line)
		}
	}
	if !slices.Equal(found, sections) {
		return append(faults, fmt.Sprintf("%s has the sections %q, want %q", path, found, sections))
	}
	for _, name := range sections {
		if len(section[name]) == 0 {
			faults = append(faults, fmt.Sprintf("%s says nothing under %q", path, name))
		}
	}
	n := 0
	for _, line := range section["## First commands"] {
		if strings.HasPrefix(line, "    ") && !strings.HasPrefix(line, "     ") { // what goes on is indented more
			n++
		}
	}
	if n < commands {
		faults = append(faults, fmt.Sprintf("%s has %d commands under First commands, want %d", path, n, commands))
	}
	asked := query.FindAllStringSubmatch(string(text), -1)
	if n := strings.Count(string(text), "promtool query instant"); n != len(asked) {
		faults = append(faults, fmt.Sprintf("%s asks Prometheus %d times, %d of them in quotes", path, n, len(asked)))
	}
	for _, m := range asked {
		if _, err := suite.Metrics(m[1]); err != nil {
			faults = append(faults, fmt.Sprintf("%s: %v in %s", path, err, m[1]))
		}
	}
	return faults
}
