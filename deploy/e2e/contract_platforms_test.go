package e2e

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The manifests of deploy/kubernetes and deploy/swarm say the same as docker-compose.yml, but for what is said here. Their
// schemas are checked in deploy/platform.

// What Swarm's copy of a service may have otherwise.
var swarmDiffers = map[string][]string{
	"api":        {"LOG_DIR", "DRAIN_DELAY", "SHUTDOWN_TIMEOUT", "FAULT_INJECTION"},
	"prometheus": {"--config.file=/etc/prometheus/prometheus.yml", "--config.file=/etc/swarm/prometheus.yml"},
}

// The services of the Compose file that have no place in Swarm.
var composeOnly = map[string]string{
	"watchdog":      "Swarm heals",
	"guard":         "it serves the watchdog",
	"setup":         "runs once, by Compose, on the node with the data",
	"node-exporter": "a profile",
}

func swarm(t *testing.T) composeFile {
	t.Helper()
	var file composeFile
	text := contractFile(t, "deploy/swarm/stack.yml")
	// composeService reads ports in short notation; Swarm's are long, and deploy/platform looks at them.
	text = regexp.MustCompile(`(?m)^    ports:\n(?:      .*\n)+`).ReplaceAll(text, nil)
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestSwarmRunsWhatComposeRuns(t *testing.T) {
	stack, file := swarm(t), compose(t)
	for name, s := range file.Services {
		other, there := stack.Services[name]
		if reason := composeOnly[name]; there == (reason != "") {
			t.Errorf("%s: in the stack: %v, reason to leave it out: %q", name, there, reason)
		}
		if !there {
			continue
		}
		if other.Image != s.Image {
			t.Errorf("%s: image %s, Compose has %s", name, other.Image, s.Image)
		}
		if !slices.Equal(other.Healthcheck.Test, s.Healthcheck.Test) || other.Healthcheck.Retries != s.Healthcheck.Retries || other.Healthcheck.Interval != s.Healthcheck.Interval {
			t.Errorf("%s: health check %+v, Compose has %+v", name, other.Healthcheck, s.Healthcheck)
		}
		if other.Deploy.Resources != s.Deploy.Resources {
			t.Errorf("%s: limits %+v, Compose has %+v", name, other.Deploy.Resources.Limits, s.Deploy.Resources.Limits)
		}
		if !slices.Equal(other.CapAdd, s.CapAdd) || !slices.Equal(other.CapDrop, s.CapDrop) || other.ReadOnly != s.ReadOnly {
			t.Errorf("%s: adds %v, drops %v, read-only %v", name, other.CapAdd, other.CapDrop, other.ReadOnly)
		}
		differs := func(key string, _ string) bool { return slices.Contains(swarmDiffers[name], key) }
		ours, theirs := maps.Clone(other.Environment), maps.Clone(s.Environment)
		maps.DeleteFunc(ours, differs)
		maps.DeleteFunc(theirs, differs)
		if !maps.Equal(ours, theirs) {
			t.Errorf("%s: environment %v, Compose has %v", name, ours, theirs)
		}
		flags := func(all []string) []string {
			return slices.DeleteFunc(slices.Clone(all), func(flag string) bool { return differs(flag, "") })
		}
		if !slices.Equal(flags(other.Command), flags(s.Command)) {
			t.Errorf("%s: command %v, Compose has %v", name, other.Command, s.Command)
		}
	}
	for name := range stack.Services {
		if _, there := file.Services[name]; !there {
			t.Errorf("Compose has no %s", name)
		}
	}
}

// Swarm's Prometheus is told the same as that of Compose, but for the watchdog and the name of the API.
func TestSwarmsPrometheusIsOurs(t *testing.T) {
	var ours, theirs map[string]any
	contractYAML(t, "prometheus/prometheus.yml", &ours)
	contractYAML(t, "deploy/swarm/prometheus.yml", &theirs)
	jobs := ours["scrape_configs"].([]any)
	changed := 0
	jobs = slices.DeleteFunc(jobs, func(job any) bool { return job.(map[string]any)["job_name"] == "watchdog" })
	for _, job := range jobs {
		if found, there := job.(map[string]any)["dns_sd_configs"]; there {
			for _, c := range found.([]any) {
				names := c.(map[string]any)["names"].([]any)
				names[0] = "tasks." + names[0].(string)
				changed++
			}
		}
	}
	ours["scrape_configs"] = jobs
	if changed != 1 {
		t.Errorf("%d jobs are found by DNS, want the API's alone", changed)
	}
	rules := theirs["rule_files"].([]any)
	ours["rule_files"] = rules
	if !reflect.DeepEqual(ours, theirs) {
		t.Errorf("deploy/swarm/prometheus.yml:\n%v\nwant\n%v", theirs, ours)
	}
	// All rule files, but for those that ask for the watchdog.
	var want []any
	for _, file := range contractGlob(t, "prometheus/rules/*.yml") {
		name := path.Base(file)
		if !slices.Contains([]string{"containers.yml", "targets.yml", "watchdog.yml"}, name) {
			want = append(want, "/etc/prometheus/rules/"+name)
		}
	}
	if !reflect.DeepEqual(rules, want) {
		t.Errorf("rule_files %v, want %v", rules, want)
	}
}

// manifest is the part of a Kubernetes object that the contract is about.
type manifest struct {
	Kind string
	Spec struct {
		Template struct {
			Spec struct {
				Containers []struct {
					Image     string
					Env       []struct{ Name, Value string }
					Resources struct {
						Limits struct {
							CPU    string `yaml:"cpu"`
							Memory string
						}
					}
				}
			}
		}
		Endpoints []struct {
			Interval      string
			ScrapeTimeout string `yaml:"scrapeTimeout"`
		}
		BodySizeLimit         string `yaml:"bodySizeLimit"`
		SampleLimit           int    `yaml:"sampleLimit"`
		LabelLimit            int    `yaml:"labelLimit"`
		LabelNameLengthLimit  int    `yaml:"labelNameLengthLimit"`
		LabelValueLengthLimit int    `yaml:"labelValueLengthLimit"`
		Native                bool   `yaml:"scrapeNativeHistograms"`
		Classic               bool   `yaml:"scrapeClassicHistograms"`
	}
}

func TestKubernetesRunsWhatComposeRuns(t *testing.T) {
	var deployment manifest
	contractYAML(t, "deploy/kubernetes/api/deployment.yaml", &deployment)
	container := deployment.Spec.Template.Spec.Containers[0]
	api := compose(t).Services["api"]

	var kustomization struct {
		Images []struct {
			Name   string
			NewTag string `yaml:"newTag"`
		}
	}
	contractYAML(t, "deploy/kubernetes/api/kustomization.yaml", &kustomization)
	if len(kustomization.Images) != 1 || kustomization.Images[0].Name != container.Image ||
		container.Image+":"+kustomization.Images[0].NewTag != composeDefaults(api.Image) {
		t.Errorf("image %s with %+v, Compose has %s", container.Image, kustomization.Images, composeDefaults(api.Image))
	}
	limits := api.Deploy.Resources.Limits
	if container.Resources.Limits.Memory != limits.Memory+"i" || container.Resources.Limits.CPU+".0" != limits.CPUs {
		t.Errorf("limits %+v, Compose has %+v", container.Resources.Limits, limits)
	}
	reads := variablesRead(t, "api")
	for _, v := range container.Env {
		if _, read := reads[v.Name]; !read && readElsewhere[v.Name] == "" {
			t.Errorf("%s is set, but the API does not read it", v.Name)
		}
		if v.Name == "GOMEMLIMIT" && v.Value != api.Environment[v.Name] {
			t.Errorf("GOMEMLIMIT %s, Compose has %s", v.Value, api.Environment[v.Name])
		}
	}
}

func TestServiceMonitorIsTheJob(t *testing.T) {
	var monitor manifest
	contractYAML(t, "deploy/kubernetes/monitoring/service-monitor.yaml", &monitor)
	var config struct{ Global map[string]any }
	contractYAML(t, "prometheus/prometheus.yml", &config)
	s := monitor.Spec
	for name, got := range map[string]any{
		"scrape_interval": s.Endpoints[0].Interval, "scrape_timeout": s.Endpoints[0].ScrapeTimeout,
		"body_size_limit": s.BodySizeLimit, "sample_limit": s.SampleLimit, "label_limit": s.LabelLimit,
		"label_name_length_limit": s.LabelNameLengthLimit, "label_value_length_limit": s.LabelValueLengthLimit,
		"scrape_native_histograms": s.Native, "always_scrape_classic_histograms": s.Classic,
	} {
		if got != config.Global[name] {
			t.Errorf("%s is %v, prometheus.yml has %v", name, got, config.Global[name])
		}
	}
}

// A manifest that no kustomization names is applied by nobody.
func TestEveryManifestIsApplied(t *testing.T) {
	for _, folder := range []string{"api", "monitoring"} {
		var kustomization struct{ Resources []string }
		contractYAML(t, "deploy/kubernetes/"+folder+"/kustomization.yaml", &kustomization)
		var files []string
		for _, pattern := range []string{"*.yaml", "generated/*.yaml"} {
			if folder == "api" && pattern != "*.yaml" {
				continue
			}
			for _, file := range contractGlob(t, "deploy/kubernetes/"+folder+"/"+pattern) {
				if name := strings.TrimPrefix(file, "deploy/kubernetes/"+folder+"/"); name != "kustomization.yaml" {
					files = append(files, name)
				}
			}
		}
		slices.Sort(files)
		if listed := slices.Sorted(slices.Values(kustomization.Resources)); !slices.Equal(files, listed) {
			t.Errorf("%s: files %v, resources %v", folder, files, listed)
		}
		for _, file := range files {
			for decoder := yaml.NewDecoder(bytes.NewReader(contractFile(t, "deploy/kubernetes/"+folder+"/"+file))); ; {
				var m struct{ Kind string }
				err := decoder.Decode(&m)
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil || m.Kind == "" {
					t.Errorf("%s: kind %q: %v", file, m.Kind, err)
					break
				}
			}
		}
	}
}

// The scripts for a server know every volume of the Compose file, but for those that are worth nothing.
func TestBackupKnowsEveryVolume(t *testing.T) {
	text := string(contractFile(t, "deploy/vps/volumes.sh"))
	_, list, _ := strings.Cut(text, "\nvolumes=(\n")
	list, _, _ = strings.Cut(list, "\n)")
	file := compose(t)
	known := map[string]bool{"caddy-config": true} // Caddy writes there what it was told, for nobody
	for _, entry := range strings.Fields(list) {
		volume, service, _ := strings.Cut(entry, ":")
		known[volume] = true
		if _, there := file.Services[service]; !there && service != "" {
			t.Errorf("%s: no service %s", volume, service)
		}
	}
	for volume := range file.Volumes {
		if !known[volume] {
			t.Errorf("deploy/vps/volumes.sh forgets %s", volume)
		}
		delete(known, volume)
	}
	if len(known) > 0 {
		t.Errorf("docker-compose.yml has no volumes %v", slices.Sorted(maps.Keys(known)))
	}
}
