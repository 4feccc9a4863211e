package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"go.yaml.in/yaml/v3"
)

var repository = os.DirFS("../../../..")

// object is what the generated files hold.
type object struct {
	Kind     string
	Metadata struct {
		Name   string
		Labels map[string]string
	}
	Spec any
	Data map[string]string
}

func objects(t *testing.T, text []byte) []object {
	t.Helper()
	var all []object
	for decoder := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var o object
		err := decoder.Decode(&o)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, o)
	}
}

func source(t *testing.T, name string) []byte {
	t.Helper()
	text, err := fs.ReadFile(repository, name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The text below spec, without its indent, is the rule file; and what it means is the same.
func TestRulesAreTheRuleFiles(t *testing.T) {
	text, err := Rules(repository)
	if err != nil {
		t.Fatal(err)
	}
	all := objects(t, text)
	if len(all) != len(included) {
		t.Fatalf("%d objects, want %d", len(all), len(included))
	}
	_, rest, _ := strings.Cut(string(text), "---\n")
	for i, document := range strings.Split(rest, "\n---\n") {
		o := all[i]
		name := "prometheus/rules/" + strings.TrimPrefix(o.Metadata.Name, "upkeep-") + ".yml"
		want := source(t, name)
		_, spec, _ := strings.Cut(document, "\nspec:\n")
		if got := strings.TrimRight(regexp.MustCompile(`(?m)^  `).ReplaceAllString(spec, ""), "\n"); got != strings.TrimRight(string(want), "\n") {
			t.Errorf("%s: the text of %s is not that of the file", name, o.Metadata.Name)
		}
		var meaning any
		if err := yaml.Unmarshal(want, &meaning); err != nil {
			t.Fatal(err)
		}
		if o.Kind != "PrometheusRule" || !reflect.DeepEqual(o.Spec, meaning) {
			t.Errorf("%s: the spec of the %s does not mean the same", name, o.Kind)
		}
	}
}

func TestDashboardsAreTheFiles(t *testing.T) {
	text, err := Dashboards(repository)
	if err != nil {
		t.Fatal(err)
	}
	all := objects(t, text)
	if paths, _ := fs.Glob(repository, "grafana/dashboards/*.json"); len(all) != len(paths) {
		t.Errorf("%d ConfigMaps for %d dashboards", len(all), len(paths))
	}
	for _, o := range all {
		if o.Kind != "ConfigMap" || o.Metadata.Labels["grafana_dashboard"] != "1" || len(o.Data) != 1 {
			t.Errorf("%s %s: labels %v, %d keys", o.Kind, o.Metadata.Name, o.Metadata.Labels, len(o.Data))
		}
		for key, got := range o.Data {
			if want := source(t, "grafana/dashboards/"+strings.TrimPrefix(key, "upkeep-")); got != string(want) {
				t.Errorf("%s is not the file, byte by byte", key)
			}
			// kubectl apply without --server-side keeps a copy of the object in an annotation.
			if whole, _ := json.Marshal(o); len(whole) > 256<<10 {
				t.Errorf("%s: %d bytes are too many for the annotation of kubectl apply", key, len(whole))
			}
		}
	}
}

// A rule that asks for what no cluster has would be silent for ever, or fire for ever.
func TestIncludedRulesNeedNothingThatIsExcluded(t *testing.T) {
	type group struct {
		Groups []struct {
			Rules []struct{ Record, Alert, Expr string }
		}
	}
	read := func(name string) (g group) {
		if err := yaml.Unmarshal(source(t, "prometheus/rules/"+name), &g); err != nil {
			t.Fatal(err)
		}
		return g
	}
	recorded := map[string]string{}
	for name := range Excluded {
		for _, g := range read(name).Groups {
			for _, r := range g.Rules {
				if r.Record != "" {
					recorded[r.Record] = name
				}
			}
		}
	}
	absent := regexp.MustCompile(`\b(watchdog|container)_[a-z_]+`)
	job := regexp.MustCompile(`job="([^"]*)"`)
	rules := 0
	for name := range included {
		for _, g := range read(name).Groups {
			for _, r := range g.Rules {
				rules++
				if m := absent.FindString(r.Expr); m != "" {
					t.Errorf("%s: %s%s asks for %s", name, r.Alert, r.Record, m)
				}
				for record, from := range recorded {
					if strings.Contains(r.Expr, record) {
						t.Errorf("%s: %s%s asks for %s of %s, which is excluded", name, r.Alert, r.Record, record, from)
					}
				}
				for _, m := range job.FindAllStringSubmatch(r.Expr, -1) {
					if m[1] != "api" {
						t.Errorf("%s: %s%s asks for job %s", name, r.Alert, r.Record, m[1])
					}
				}
			}
		}
	}
	if rules == 0 {
		t.Error("no rules were looked at")
	}
}

func TestARuleFileThatNobodyThoughtAbout(t *testing.T) {
	files := fstest.MapFS{}
	for name := range included {
		files["prometheus/rules/"+name] = &fstest.MapFile{Data: []byte("groups: []\n")}
	}
	if _, err := Rules(files); err != nil {
		t.Fatal(err)
	}
	files["prometheus/rules/new.yml"] = &fstest.MapFile{Data: []byte("groups: []\n")}
	if _, err := Rules(files); err == nil || !strings.Contains(err.Error(), "new.yml") {
		t.Errorf("error %v, want one about new.yml", err)
	}
	delete(files, "prometheus/rules/new.yml")
	delete(files, "prometheus/rules/slo.yml")
	if _, err := Rules(files); err == nil || !strings.Contains(err.Error(), "slo.yml") {
		t.Errorf("error %v, want one about slo.yml", err)
	}
}

func TestNothingIsBothIncludedAndExcluded(t *testing.T) {
	for name, reason := range Excluded {
		if included[name] || reason == "" {
			t.Errorf("%s: included %v, reason %q", name, included[name], reason)
		}
		if _, err := fs.Stat(repository, path.Join("prometheus/rules", name)); err != nil {
			t.Errorf("excluded, but: %v", err)
		}
	}
}

// Whatever the file is, the ConfigMap holds the same bytes, or there is none.
func FuzzDashboards(f *testing.F) {
	for _, text := range []string{"{}\n", "{}", "{\n\n  \"a\": \"b: c # d\"\n}\n", " {}", "{}\n\n", "\t{}\n", "{\"a\":\"\u2028\u0085\"}\n", "", "\n"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		out, err := Dashboards(fstest.MapFS{"grafana/dashboards/x.json": {Data: text}})
		if err != nil {
			return
		}
		all := objects(t, out)
		if len(all) != 1 || all[0].Data["upkeep-x.json"] != string(text) {
			t.Errorf("%q became %+v", text, all)
		}
	})
}
