package docker

import (
	"regexp"
	"strings"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// The labels of Docker Compose that matter here.
const (
	composeProject    = "com.docker.compose.project"
	composeService    = "com.docker.compose.service"
	composeNumber     = "com.docker.compose.container-number"
	composeOneoff     = "com.docker.compose.oneoff"
	composeHook       = "com.docker.compose.hook"
	composeReplace    = "com.docker.compose.replace"
	composeConfigHash = "com.docker.compose.config-hash"
	composeDependsOn  = "com.docker.compose.depends_on"
)

// identity is what the name and the labels of a container tell. But for the name they never change.
type identity struct {
	id, name         string
	project, service string
	key              string // PROJECT-SERVICE-NUMBER for Compose, else the name
	numbered         bool   // by Compose: the key comes from the labels, whatever the name
	target           bool   // looked after
	temporary        bool   // Compose made it to replace another one and has not named it yet
	donor            string // ID of the container whose network it shares
	needs            []string
	restartWith      []string
	policy           supervise.Policy
	fault            string
}

// temporaryName is how Compose names a container until the one that it replaces is gone.
var temporaryName = regexp.MustCompile(`^[0-9a-f]{12}_`)

// identify reads an identity; selects tells from the labels whether it is a target.
func identify(id, name string, labels map[string]string, defaults supervise.Policy, selects func(map[string]string) bool) identity {
	c := identity{id: id, name: strings.TrimPrefix(name, "/")}
	c.key = c.name
	c.project, c.service = labels[composeProject], labels[composeService]
	if n := labels[composeNumber]; c.project != "" && c.service != "" && n != "" {
		c.key, c.numbered = c.project+"-"+c.service+"-"+n, true
		_, replaces := labels[composeReplace]
		c.temporary = replaces && temporaryName.MatchString(c.name)
	}
	oneoff, _ := parseBool(labels[composeOneoff])
	if oneoff || labels[composeHook] != "" || !selects(labels) {
		return c
	}
	c.target = true
	c.needs = parseDependsOn(labels[composeDependsOn])
	c.policy, c.restartWith, c.fault = parseLabels(labels, defaults)
	return c
}

// renamed is the identity after docker rename. A look that began before a renaming may still tell the old name.
func (c identity) renamed(name string) identity {
	if !c.numbered {
		c.key = name
	}
	c.name = name
	c.temporary = c.temporary && temporaryName.MatchString(name)
	return c
}

// parseDependsOn reads the services that shall pull this one along when they are restarted, from the label in which
// Compose keeps them: service:condition:restart, separated by commas.
func parseDependsOn(label string) []string {
	var services []string
	for _, item := range strings.Split(label, ",") {
		service, rest, _ := strings.Cut(strings.TrimSpace(item), ":")
		_, restart, ok := strings.Cut(rest, ":")
		if on, _ := parseBool(restart); ok && on && service != "" {
			services = append(services, service)
		}
	}
	return services
}

// follows reports whether c is restarted after dep.
func (c *identity) follows(dep *identity) bool {
	if c.id == dep.id || c.key == dep.key {
		return false
	}
	if c.donor != "" && c.donor == dep.id {
		return true
	}
	same := c.project != "" && c.project == dep.project
	for _, service := range c.needs {
		if same && service == dep.service {
			return true
		}
	}
	for _, name := range dep.restartWith {
		if name == c.key || name == c.name || same && name == c.service {
			return true
		}
	}
	return false
}

// properName picks a container's own name; the others are those under which links know it.
func properName(names []string) string {
	for _, n := range names {
		if n = strings.TrimPrefix(n, "/"); !strings.Contains(n, "/") {
			return n
		}
	}
	return ""
}
