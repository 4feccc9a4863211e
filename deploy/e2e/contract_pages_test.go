package e2e

import (
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const hosting = "deploy/HOSTING_24_7.md"

// What the services read, but no person sets.
var setByPrograms = map[string]string{
	"METRICS_UPSTREAM": "watchdog run", "WATCHDOG_TARGET": "watchdog run",
	"NOTIFY_SOCKET": "systemd", "WATCHDOG_USEC": "systemd", "WATCHDOG_PID": "systemd",
	"UPKEEP_RECEIVERS_FILE": "Compose", "KUBERNETES_SERVICE_HOST": "Kubernetes",
}

// The guide lists every variable of .env.example and of the two programs, with its default, and no other.
func TestHostingGuideListsEveryVariable(t *testing.T) {
	_, section, found := strings.Cut(string(contractFile(t, hosting)), "\n## Every variable\n")
	if !found {
		t.Fatalf("%s has no section Every variable", hosting)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	want := variablesRead(t, "api")
	maps.Copy(want, variablesRead(t, "watchdog")) // where both have a default, watchdog run decides
	for name := range setByPrograms {
		delete(want, name)
		if strings.Contains(section, "\n| `"+name+"` |") {
			t.Errorf("%s is not for people to set", name)
		}
	}
	for name, value := range envExample(t) {
		if ours, read := want[name]; read && !same(ours, value) {
			t.Errorf("%s is %q by default, %q in .env.example", name, ours, value)
		}
		want[name] = value
	}
	listed := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([A-Z0-9_]+)` \\| (?:`([^`]+)`|–) \\| .*\\|$").FindAllStringSubmatch(section, -1) {
		name, value := row[1], row[2]
		wanted, exists := want[name]
		switch {
		case listed[name]:
			t.Errorf("%s is listed twice", name)
		case !exists:
			t.Errorf("%s is listed, but nobody reads it", name)
		case wanted != value:
			t.Errorf("%s: default %q, want %q", name, value, wanted)
		}
		listed[name] = true
	}
	for name := range want {
		if !listed[name] {
			t.Errorf("%s is not listed", name)
		}
	}
}

// An alert that the guide promises exists.
func TestHostingGuideNamesAlerts(t *testing.T) {
	exists := map[string]bool{}
	eachRule(t, func(_ string, r rule) { exists[r.Alert] = true })
	_, section, _ := strings.Cut(string(contractFile(t, hosting)), "\n## What fails, and what happens then\n")
	section, _, _ = strings.Cut(section, "\n## ")
	named := regexp.MustCompile("`([A-Z][a-z]+(?:[A-Z][a-z]+)+)`").FindAllStringSubmatch(section, -1)
	if len(named) < 10 {
		t.Fatalf("%d alerts are named", len(named))
	}
	for _, m := range named {
		if !exists[m[1]] {
			t.Errorf("there is no alert %s", m[1])
		}
	}
}

var (
	markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	notInAnchor  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	heading      = regexp.MustCompile(`(?m)^#+ (.+)$`)
	fenced       = regexp.MustCompile("(?ms)^```.*?^```$")
)

// Links between pages lead somewhere, to the heading, too.
func TestLinksOfPagesLeadSomewhere(t *testing.T) {
	checked := 0
	for _, page := range tracked(t) {
		if filepath.Ext(page) != ".md" {
			continue
		}
		text := fenced.ReplaceAllString(string(contractFile(t, page)), "")
		for _, m := range markdownLink.FindAllStringSubmatch(text, -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			to := page
			if target != "" {
				to = path.Join(path.Dir(page), target)
			}
			if _, err := os.Stat(filepath.Join(repository, to)); err != nil {
				t.Errorf("%s: %s leads nowhere", page, m[1])
				continue
			}
			checked++
			if anchor != "" && !slices.Contains(anchors(t, to), anchor) {
				t.Errorf("%s: %s has no heading %s; it has %v", page, to, anchor, anchors(t, to))
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d links found", checked)
	}
}

// anchors are the headings of a page as links name them.
func anchors(t *testing.T, page string) []string {
	t.Helper()
	var all []string
	for _, m := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(string(contractFile(t, page)), ""), -1) {
		all = append(all, strings.ReplaceAll(notInAnchor.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return all
}
