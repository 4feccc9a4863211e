package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The tests of contract_*_test.go need no engine. They compare what stands in different places and must agree: metrics in
// the code with rules and panels, scrape targets with the Compose file, .env.example with both and with the services.

const repository = "../.."

func contractFile(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(repository, path))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func contractYAML(t *testing.T, path string, into any) {
	t.Helper()
	if err := yaml.Unmarshal(contractFile(t, path), into); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func contractGlob(t *testing.T, pattern string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(repository, pattern))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no file matches %s: %v", pattern, err)
	}
	for i, path := range paths {
		if paths[i], err = filepath.Rel(repository, path); err != nil {
			t.Fatal(err)
		}
	}
	return paths
}

// composeFile is the part of docker-compose.yml that the contract is about.
type composeFile struct {
	Name     string
	Services map[string]composeService
	Networks map[string]struct{ Internal bool }
	Volumes  map[string]any
}

type composeService struct {
	Image       string
	Build       map[string]any
	Restart     string
	User        string
	Privileged  bool
	ReadOnly    bool `yaml:"read_only"`
	Pid         string
	Ipc         string
	NetworkMode string   `yaml:"network_mode"`
	CapAdd      []string `yaml:"cap_add"`
	CapDrop     []string `yaml:"cap_drop"`
	SecurityOpt []string `yaml:"security_opt"`
	Devices     []any
	Profiles    []string
	Command     []string
	Labels      map[string]string
	Environment map[string]string
	Networks    []string
	Ports       []string
	Volumes     []composeVolume
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	Healthcheck *struct {
		Test              []string
		Interval, Timeout string
		Retries           int
		Disable           bool
	}
	Logging struct {
		Driver  string
		Options map[string]string
	}
	Deploy struct {
		Resources struct {
			Limits struct {
				CPUs   string `yaml:"cpus"`
				Memory string
				Pids   int
			}
		}
	}
}

// composeVolume reads both notations of a mount.
type composeVolume struct {
	Source, Target string
	ReadOnly       bool
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (v *composeVolume) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.MappingNode {
		var long struct {
			Source, Target string
			ReadOnly       bool `yaml:"read_only"`
		}
		err := node.Decode(&long)
		*v = composeVolume{long.Source, long.Target, long.ReadOnly}
		return err
	}
	parts := strings.Split(composeDefaults(node.Value), ":")
	v.Source, v.Target = parts[0], parts[len(parts)-1]
	if len(parts) > 1 {
		v.Target = parts[1]
	}
	v.ReadOnly = len(parts) > 2 && strings.HasPrefix(parts[2], "ro")
	return nil
}

// composeVariable is ${NAME}, ${NAME:-default} and so on. A doubled $ is none.
var composeVariable = regexp.MustCompile(`(^|[^$])\$\{([A-Z0-9_]+)(:?[-?+]([^}]*))?\}`)

// composeDefaults puts in what Compose does when no variable is set.
func composeDefaults(s string) string { return composeVariable.ReplaceAllString(s, "$1$4") }

func compose(t *testing.T) composeFile {
	t.Helper()
	var file composeFile
	contractYAML(t, "docker-compose.yml", &file)
	if len(file.Services) == 0 {
		t.Fatal("docker-compose.yml has no services")
	}
	return file
}

// eachService runs a check for each service of the Compose file.
func eachService(t *testing.T, check func(t *testing.T, name string, s composeService)) {
	t.Helper()
	for name, s := range compose(t).Services {
		t.Run(name, func(t *testing.T) { check(t, name, s) })
	}
}

// inside returns the ports that a service's container is published by.
func (s composeService) inside() []string {
	var ports []string
	for _, p := range s.Ports {
		p = composeDefaults(p)
		ports = append(ports, strings.TrimSuffix(p[strings.LastIndex(p, ":")+1:], "/udp"))
	}
	return ports
}

// ruleFile is a file of prometheus/rules.
type ruleFile struct {
	Groups []struct {
		Name  string
		Rules []rule
	}
}

type rule struct {
	Record, Alert, Expr string
	For                 string
	Labels, Annotations map[string]string
}

func eachRule(t *testing.T, check func(file string, r rule)) {
	t.Helper()
	for _, path := range contractGlob(t, "prometheus/rules/*.yml") {
		var file ruleFile
		contractYAML(t, path, &file)
		for _, group := range file.Groups {
			for _, r := range group.Rules {
				check(path, r)
			}
		}
	}
}

// eachPanelQuery calls check for each query of each dashboard: panels, annotations, variables.
func eachPanelQuery(t *testing.T, check func(where, expr string)) {
	t.Helper()
	for _, path := range contractGlob(t, "grafana/dashboards/*.json") {
		var d struct {
			Panels []struct {
				Title   string
				Targets []struct{ Expr string }
			}
			Annotations struct {
				List []struct {
					Name   string
					Target struct{ Expr string }
				}
			}
			Templating struct {
				List []struct{ Name, Definition string }
			}
		}
		if err := json.Unmarshal(contractFile(t, path), &d); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		for _, p := range d.Panels {
			for _, q := range p.Targets {
				check(path+": panel "+p.Title, q.Expr)
			}
		}
		for _, a := range d.Annotations.List {
			check(path+": annotation "+a.Name, a.Target.Expr)
		}
		for _, v := range d.Templating.List {
			if inner, ok := strings.CutPrefix(v.Definition, "label_values("); ok {
				check(path+": variable "+v.Name, inner[:strings.LastIndex(inner, ",")])
			}
		}
	}
}
