package board

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
)

// The JSON must be the classic model without a single field that the model does not know, since no Grafana is asked here.
func TestStrictDecode(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	files, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		if faults := decode(content); faults != "" {
			t.Errorf("%s: %s", name, faults)
		}
		spoilt := bytes.Replace(content, []byte(`"gridPos"`), []byte(`"nonsense": 1, "gridPos"`), 1)
		if faults := decode(spoilt); !strings.Contains(faults, "nonsense") {
			t.Errorf("a field that the model does not know goes unnoticed: %q", faults)
		}
		for _, word := range []string{`"apiVersion"`, `"kind"`, `"spec"`, `"__inputs"`, `"__requires"`, "${DS_"} {
			if bytes.Contains(content, []byte(word)) {
				t.Errorf("%s holds %s: that is not what file provisioning reads in every version", name, word)
			}
		}
		if bytes.Contains(content, []byte(`\u003`)) {
			t.Errorf("%s: queries are escaped beyond reading", name)
		}
	}
}

// decode returns what is wrong: the library's error is never nil, but empty when all is well.
func decode(content []byte) string {
	var d Dashboard
	if err := d.UnmarshalJSONStrict(content); err != nil {
		return err.Error()
	}
	return ""
}

func TestDashboard(t *testing.T) {
	uids := map[string]string{}
	for file, m := range load(t) {
		if m.UID == "" || len(m.UID) > 40 || !strings.HasPrefix(m.UID, "upkeep-") {
			t.Errorf("%s: uid %q: want upkeep-…, at most 40 characters", file, m.UID)
		}
		if other, taken := uids[m.UID]; taken {
			t.Errorf("%s has the uid of %s", file, other)
		}
		uids[m.UID] = file
		if !strings.HasPrefix(m.Title, "Upkeep / ") || m.Description == "" {
			t.Errorf("%s: title %q, description %q", file, m.Title, m.Description)
		}
		if !contains(m.Tags, "upkeep") {
			t.Errorf("%s: tags %v: the links between the dashboards go by the tag upkeep", file, m.Tags)
		}
		if m.SchemaVersion < 39 || m.SchemaVersion > 42 {
			t.Errorf("%s: schemaVersion %d: Grafana 12.4 knows up to 42", file, m.SchemaVersion)
		}
		if m.Refresh == "" || !strings.HasPrefix(m.Time.From, "now-") || m.Time.To != "now" || m.Timezone != "browser" {
			t.Errorf("%s: refresh %q, time %v, time zone %q", file, m.Refresh, m.Time, m.Timezone)
		}
		for _, link := range m.Links {
			if link.Tooltip == "" || (link.Type == "link") != strings.HasPrefix(link.URL, "https://") {
				t.Errorf("%s: link %+v", file, link)
			}
			if link.Type == "dashboards" && (!link.KeepTime || !contains(link.Tags, "upkeep")) {
				t.Errorf("%s: link %+v: keep the time range, go by the tag", file, link)
			}
		}
		if len(m.Links) == 0 {
			t.Errorf("%s has no link", file)
		}
	}
}

// IDs are unique, and panels fill the grid without overlapping or leaving its 24 columns.
func TestGrid(t *testing.T) {
	for file, m := range load(t) {
		ids := map[int]string{}
		taken := map[[2]int]string{}
		titles := map[string]bool{}
		row, bottom := "", 0
		for _, p := range m.Panels {
			if p.ID == 0 || ids[p.ID] != "" {
				t.Errorf("%s: %q has ID %d, taken by %q", file, p.Title, p.ID, ids[p.ID])
			}
			ids[p.ID] = p.Title
			g := p.GridPos
			if g.W < 1 || g.H < 1 || g.X < 0 || g.X+g.W > 24 {
				t.Errorf("%s: %q lies outside the grid: %+v", file, p.Title, g)
			}
			if smallest := map[string]int{"stat": 4, "timeseries": 6}[p.Type]; g.W < max(smallest, 4) {
				t.Errorf("%s: %q is %d columns wide: on a screen of 1280 pixels nobody can read it", file, p.Title, g.W)
			}
			for x := g.X; x < g.X+g.W; x++ {
				for y := g.Y; y < g.Y+g.H; y++ {
					if other := taken[[2]int{x, y}]; other != "" {
						t.Fatalf("%s: %q covers %q", file, p.Title, other)
					}
					taken[[2]int{x, y}] = p.Title
				}
			}
			bottom = max(bottom, g.Y+g.H)
			if p.Type == "row" {
				row = p.Title
				if len(p.Panels) > 0 || p.Collapsed {
					t.Errorf("%s: row %q: panels belong beside an open row, not into it", file, row)
				}
				continue
			}
			if key := row + "/" + p.Title; titles[key] {
				t.Errorf("%s: two panels are called %q", file, key)
			} else {
				titles[key] = true
			}
		}
		if len(taken) != 24*bottom {
			t.Errorf("%s: the grid has holes: %d of %d cells are covered", file, len(taken), 24*bottom)
		}
	}
}

// A panel of a type that Grafana 12 to 13 has, with options of that type.
func TestPanelTypes(t *testing.T) {
	options := map[string][]string{
		"stat":           {"reduceOptions", "colorMode", "graphMode", "textMode", "orientation"},
		"timeseries":     {"legend", "tooltip"},
		"state-timeline": {"legend", "tooltip", "rowHeight", "showValue", "mergeValues"},
		"table":          {"showHeader"},
		"heatmap":        {"calculate", "color", "yAxis"},
	}
	each(t, func(t *testing.T, p panel) {
		want, known := options[p.Type]
		if !known {
			t.Fatalf("type %q", p.Type)
		}
		for _, name := range want {
			if _, there := p.Options[name]; !there && name != "tooltip" {
				t.Errorf("no option %s", name)
			}
		}
		steps := p.FieldConfig.Defaults.Thresholds.Steps
		for i, s := range steps {
			if (i == 0) != (s.Value == nil) {
				t.Errorf("threshold %d: only the first has no value", i)
			}
			if i > 1 && *s.Value <= *steps[i-1].Value {
				t.Errorf("threshold %d: values must rise", i)
			}
			if s.Color == "" {
				t.Errorf("threshold %d has no colour", i)
			}
		}
		for _, o := range p.FieldConfig.Overrides {
			if !contains([]string{"byName", "byRegexp"}, o.Matcher.ID) || len(o.Properties) == 0 {
				t.Errorf("override %+v", o)
			}
		}
	})
}

// A timeline draws numbers: each one that its query can yield must have a text and a colour, and the other way round.
func TestTimelinesNameEveryState(t *testing.T) {
	for title, states := range map[string][]state{"Targets": targetStates, "Health checks": healthStates} {
		p := find(t, "overview.json", title)
		texts := p.texts()
		if len(texts) != len(states) {
			t.Errorf("%s: %d texts for %d states", title, len(texts), len(states))
		}
		for i, s := range states {
			number := string(mustJSON(t, i+1))
			if texts[number] != s.text {
				t.Errorf("%s: %s stands for %q, want %q", title, number, texts[number], s.text)
			}
			if !strings.Contains(p.Targets[0].Expr, number+" * (") || !strings.Contains(p.Targets[0].Expr, `="`+s.name+`"`) {
				t.Errorf("%s: the query yields no %s for %s", title, number, s.name)
			}
		}
	}
	for _, title := range []string{"Backend", "Scrapes", "Watchdog"} {
		texts := find(t, "overview.json", title).texts()
		if texts["0"] == "" || texts["1"] == "" {
			t.Errorf("%s: texts %v", title, texts)
		}
	}
}

func TestNoLeftOverFiles(t *testing.T) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if filepath.Ext(e.Name()) != ".json" {
			t.Errorf("%s: Grafana reads this folder, only dashboards belong there", e.Name())
		}
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
