package board

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every alert leads to a dashboard that exists.
func TestAlertsNameDashboardsThatExist(t *testing.T) {
	uids := map[string]bool{}
	for _, m := range load(t) {
		uids[m.UID] = true
	}
	named, alerts := map[string]bool{}, 0
	for _, r := range everyRule(t) {
		if r.Alert == "" {
			continue
		}
		alerts++
		if uid := r.Annotations["dashboard"]; !uids[uid] {
			t.Errorf("alert %s names the dashboard %q, which does not exist", r.Alert, uid)
		} else {
			named[uid] = true
		}
	}
	if alerts < 10 || len(named) < 5 {
		t.Errorf("%d alerts name %d dashboards: are these all rules?", alerts, len(named))
	}
}

// The uids are in the links of alerts that people keep: they never change.
func TestUIDs(t *testing.T) {
	var got []string
	for file, m := range load(t) {
		got = append(got, m.UID)
		if file != strings.TrimPrefix(m.UID, "upkeep-")+".json" {
			t.Errorf("%s has the uid %s", file, m.UID)
		}
	}
	slices.Sort(got)
	want := []string{"upkeep-alerts", "upkeep-api", "upkeep-containers", "upkeep-host", "upkeep-overview", "upkeep-slo", "upkeep-stack", "upkeep-watchdog"}
	if !slices.Equal(got, want) {
		t.Errorf("uids %v, want %v", got, want)
	}
}

// A way from a panel leads to a dashboard that exists, at the same time and with the same choices.
func TestDrillDown(t *testing.T) {
	uids := map[string]bool{}
	for _, m := range load(t) {
		uids[m.UID] = true
	}
	address := regexp.MustCompile(`^/d/(upkeep-[a-z]+)\?\$\{__url_time_range\}&\$\{__all_variables\}$`)
	reached := map[string]bool{}
	each(t, func(t *testing.T, p panel) {
		for _, link := range p.Links {
			m := address.FindStringSubmatch(link.URL)
			if m == nil || !uids[m[1]] || link.Title == "" {
				t.Errorf("link %+v", link)
				continue
			}
			if fileOf(t) == "overview.json" {
				reached[m[1]] = true
			}
		}
	})
	if len(reached) != len(uids)-1 {
		t.Errorf("from the overview panels lead to %v, want all other dashboards", reached)
	}
}

// Every panel says something where there is no data.
func TestPanelsWithoutData(t *testing.T) {
	each(t, func(t *testing.T, p panel) {
		if p.FieldConfig.Defaults.NoValue == "" {
			t.Error("without data it is blank")
		}
	})
}

// Every colour comes from the palette that people who see red and green alike tell apart.
func TestColours(t *testing.T) {
	palette := []string{green, yellow, orange, red, darkRed, blue, skyBlue, purple, grey}
	key := regexp.MustCompile(`^(color|iconColor|fixedColor)$`)
	var walk func(file string, at any)
	walk = func(file string, at any) {
		switch v := at.(type) {
		case map[string]any:
			for name, value := range v {
				if color, ok := value.(string); ok && key.MatchString(name) && !slices.Contains(palette, color) {
					t.Errorf("%s: colour %q is not of the palette", file, color)
				}
				walk(file, value)
			}
		case []any:
			for _, value := range v {
				walk(file, value)
			}
		}
	}
	for file := range load(t) {
		content, err := os.ReadFile(filepath.Join(folder, file))
		if err != nil {
			t.Fatal(err)
		}
		var all any
		if err := json.Unmarshal(content, &all); err != nil {
			t.Fatal(err)
		}
		walk(file, all)
	}
}
