package board

import (
	"bytes"
	"os"
	"testing"

	"go.yaml.in/yaml/v3"
)

type datasources struct {
	APIVersion  int `yaml:"apiVersion"`
	Datasources []struct {
		Name, UID, Type, Access, URL string
		IsDefault                    bool `yaml:"isDefault"`
		Editable                     *bool
		JSONData                     map[string]any `yaml:"jsonData"`
	}
}

type providers struct {
	APIVersion int `yaml:"apiVersion"`
	Providers  []struct {
		Name                  string
		OrgID                 int `yaml:"orgId"`
		Folder                string
		FolderUID             string `yaml:"folderUid"`
		Type                  string
		DisableDeletion       bool  `yaml:"disableDeletion"`
		AllowUIUpdates        *bool `yaml:"allowUiUpdates"`
		UpdateIntervalSeconds int   `yaml:"updateIntervalSeconds"`
		Options               struct{ Path string }
	}
}

func TestDatasources(t *testing.T) {
	var file datasources
	strict(t, "../../provisioning/datasources/upkeep.yml", &file)
	if file.APIVersion != 1 || len(file.Datasources) != 2 {
		t.Fatalf("%+v", file)
	}
	for _, d := range file.Datasources {
		if d.UID != d.Type || d.Access != "proxy" || d.Editable == nil || *d.Editable {
			t.Errorf("%s: a fixed uid, through Grafana, not editable: %+v", d.Name, d)
		}
		if d.IsDefault != (d.Type == "prometheus") {
			t.Errorf("%s: default %v", d.Name, d.IsDefault)
		}
	}
	var prometheus struct {
		Global struct {
			Interval string `yaml:"scrape_interval"`
		}
	}
	loose(t, "../../../prometheus/prometheus.yml", &prometheus)
	if got := file.Datasources[0].JSONData["timeInterval"]; got != prometheus.Global.Interval {
		t.Errorf("timeInterval %v, but Prometheus scrapes every %s: $__rate_interval would be wrong", got, prometheus.Global.Interval)
	}
	if got := file.Datasources[1].JSONData["implementation"]; got != "prometheus" {
		t.Errorf("Alertmanager's implementation %v", got)
	}
}

func TestProviders(t *testing.T) {
	var file providers
	strict(t, "../../provisioning/dashboards/upkeep.yml", &file)
	if file.APIVersion != 1 || len(file.Providers) != 1 {
		t.Fatalf("%+v", file)
	}
	p := file.Providers[0]
	if p.Folder != "Upkeep" || p.FolderUID != "upkeep" || p.Type != "file" || p.Options.Path == "" {
		t.Errorf("%+v", p)
	}
	if !p.DisableDeletion || p.AllowUIUpdates == nil || *p.AllowUIUpdates || p.UpdateIntervalSeconds < 10 {
		t.Errorf("dashboards come from files alone: %+v", p)
	}
}

// strict refuses keys that we do not know: Grafana ignores a misspelt one silently.
func strict(t *testing.T, path string, into any) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	dec := yaml.NewDecoder(bytes.NewReader(content))
	dec.KnownFields(true)
	if err := dec.Decode(into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func loose(t *testing.T, path string, into any) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(content, into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}
