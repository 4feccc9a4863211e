package board

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The tests read the committed files, as Grafana does, by a model of their own: what the library writes is not trusted.
type (
	model struct {
		UID           string
		Title         string
		Description   string
		Tags          []string
		Editable      *bool
		Refresh       string
		SchemaVersion int
		Time          struct{ From, To string }
		Timezone      string
		Links         []struct {
			Title, Type, URL, Tooltip string
			Tags                      []string
			IncludeVars, KeepTime     bool
		}
		Annotations struct{ List []annotation }
		Templating  struct{ List []variable }
		Panels      []panel
	}
	annotation struct {
		Name, Expr, TitleFormat, TextFormat, IconColor string
		Enable                                         bool
		Hide                                           bool
		Datasource                                     ref
		Target                                         target
	}
	variable struct {
		Name, Label, Type, Description, Definition, AllValue string
		Query                                                any
		Datasource                                           *ref
		Refresh                                              int
		Multi, IncludeAll                                    bool
		Current                                              struct{ Value any }
		Hide                                                 *int
	}
	panel struct {
		ID                       int
		Type, Title, Description string
		Datasource               ref
		GridPos                  struct{ X, Y, W, H int }
		Targets                  []target
		Collapsed                bool
		Panels                   []panel
		FieldConfig              struct {
			Defaults struct {
				Unit       string
				NoValue    string
				Min, Max   *float64
				Mappings   []mapping
				Thresholds struct {
					Mode  string
					Steps []step
				}
				Custom map[string]any
			}
			Overrides []struct {
				Matcher    struct{ ID string }
				Properties []struct {
					ID    string
					Value any
				}
			}
		}
		Links           []struct{ Title, Type, URL string }
		Transformations []struct {
			ID      string
			Options map[string]any
		}
		Options map[string]any
	}
	mapping struct {
		Type    string
		Options map[string]struct {
			Text, Color string
			Index       int
		}
	}
	step struct {
		Value *float64
		Color string
	}
	target struct {
		RefID, Expr, LegendFormat, Format string
		Instant, Range, Exemplar, Hide    bool
		Datasource                        ref
	}
	ref struct{ Type, UID string }
)

const folder = "../../dashboards"

func load(t *testing.T) map[string]model {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no dashboards in %s: %v", folder, err)
	}
	models := map[string]model{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var m model
		if err := json.Unmarshal(content, &m); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		models[filepath.Base(path)] = m
	}
	return models
}

// each runs a test for each panel of each dashboard that shows data.
func each(t *testing.T, check func(t *testing.T, p panel)) {
	t.Helper()
	for file, m := range load(t) {
		for _, p := range m.Panels {
			if p.Type == "row" {
				continue
			}
			t.Run(file+"/"+p.Title, func(t *testing.T) { check(t, p) })
		}
	}
}

// find returns the first panel of a dashboard with a title.
func find(t *testing.T, file, title string) panel {
	t.Helper()
	for _, p := range load(t)[file].Panels {
		if p.Title == title {
			return p
		}
	}
	t.Fatalf("%s has no panel %q", file, title)
	return panel{}
}

// fileOf is the dashboard that a test of each is about.
func fileOf(t *testing.T) string { return strings.Split(t.Name(), "/")[1] }

func (v variable) query() string {
	switch q := v.Query.(type) {
	case string:
		return q
	case map[string]any:
		s, _ := q["query"].(string)
		return s
	}
	return ""
}

// number of a mapping's text.
func (p panel) texts() map[string]string {
	texts := map[string]string{}
	for _, m := range p.FieldConfig.Defaults.Mappings {
		for value, result := range m.Options {
			texts[value] = result.Text
		}
	}
	return texts
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if strings.EqualFold(x, s) {
			return true
		}
	}
	return false
}
