package platform

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/cli/cli/compose/loader"
	"github.com/docker/cli/cli/compose/types"
)

func swarmFile(t *testing.T, text []byte) (*types.Config, error) {
	t.Helper()
	parsed, err := loader.ParseYAML(text)
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.Abs("../swarm")
	if err != nil {
		t.Fatal(err)
	}
	return loader.Load(types.ConfigDetails{
		WorkingDir:  dir,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(dir, "stack.yml"), Config: parsed}},
		Environment: map[string]string{}, // as without .env: every variable has a default
	})
}

func stackText(t *testing.T) []byte {
	t.Helper()
	text, err := os.ReadFile("../swarm/stack.yml")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// The stack file is loaded by the code of `docker stack deploy`, with its schema.
func TestStackFileLoads(t *testing.T) {
	text := stackText(t)
	stack, err := swarmFile(t, text)
	if err != nil {
		t.Fatal(err)
	}
	// What Swarm leaves out in silence is not in the file: somebody would rely on it.
	var sections []map[string]any
	parsed, _ := loader.ParseYAML(text)
	for _, s := range parsed["services"].(map[string]any) {
		sections = append(sections, s.(map[string]any))
	}
	if ignored := loader.GetUnsupportedProperties(sections...); len(ignored) > 0 {
		t.Errorf("Swarm ignores %v", ignored)
	}
	if len(stack.Services) < 4 {
		t.Fatalf("%d services", len(stack.Services))
	}
	for _, s := range stack.Services {
		if s.HealthCheck == nil || len(s.HealthCheck.Test) < 2 || s.HealthCheck.Test[0] != "CMD" {
			t.Errorf("%s: health check %+v", s.Name, s.HealthCheck)
		}
		if s.Deploy.RestartPolicy == nil || s.Deploy.RestartPolicy.Condition != "any" {
			t.Errorf("%s: restart policy %+v", s.Name, s.Deploy.RestartPolicy)
		}
		if s.Deploy.Resources.Limits == nil || s.Deploy.Resources.Limits.MemoryBytes == 0 {
			t.Errorf("%s: no memory limit", s.Name)
		}
		if !s.ReadOnly || !slices.Equal(s.CapDrop, []string{"ALL"}) {
			t.Errorf("%s: read-only %v, drops %v", s.Name, s.ReadOnly, s.CapDrop)
		}
		// Swarm publishes on all addresses.
		if (len(s.Ports) > 0) != (s.Name == "caddy") {
			t.Errorf("%s publishes %v", s.Name, s.Ports)
		}
		local := false
		for _, v := range s.Volumes {
			if v.Type == "bind" {
				if _, err := os.Stat(v.Source); err != nil || !v.ReadOnly {
					t.Errorf("%s mounts %s, read-only: %v: %v", s.Name, v.Source, v.ReadOnly, err)
				}
			}
			local = local || v.Type == "bind" || v.Type == "volume"
		}
		pinned := slices.Contains(s.Deploy.Placement.Constraints, "node.labels.upkeep.data == true")
		if local != pinned {
			t.Errorf("%s: has data on its node: %v, stays there: %v", s.Name, local, pinned)
		}
		if pinned && (*s.Deploy.Replicas != 1 || s.Deploy.UpdateConfig.Order != "stop-first") {
			t.Errorf("%s: two at a time would write to one volume: %d replicas, %+v", s.Name, *s.Deploy.Replicas, s.Deploy.UpdateConfig)
		}
		if strings.Contains(s.Image, "$") || !strings.Contains(s.Image, ":") {
			t.Errorf("%s: image %s", s.Name, s.Image)
		}
	}
}

func TestStackUpdatesWithoutAGap(t *testing.T) {
	stack, err := swarmFile(t, stackText(t))
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(stack.Services, func(s types.ServiceConfig) bool { return s.Name == "api" })
	if i < 0 {
		t.Fatal("no service api")
	}
	api := stack.Services[i]
	update := api.Deploy.UpdateConfig
	if *api.Deploy.Replicas < 2 || update.Order != "start-first" || update.FailureAction != "rollback" || api.Deploy.RollbackConfig.Order != "start-first" {
		t.Errorf("%d replicas, update %+v, rollback %+v", *api.Deploy.Replicas, update, api.Deploy.RollbackConfig)
	}
	// A new task counts as failed when it becomes unhealthy while Swarm watches it: it needs the time to.
	check := api.HealthCheck
	if finds := time.Duration(*check.Interval) * time.Duration(*check.Retries); time.Duration(update.Monitor) <= finds {
		t.Errorf("watched for %v, but it takes the checks %v to fail", time.Duration(update.Monitor), finds)
	}
}

// The schema is real: what Swarm does not know is refused.
func TestStackFileErrorsAreFound(t *testing.T) {
	for _, change := range [][2]string{{"update_config:", "update_conf:"}, {"mode: host", "modus: host"}, {"replicas: 3", "replicas: three"}} {
		text := strings.Replace(string(stackText(t)), change[0], change[1], 1)
		if _, err := swarmFile(t, []byte(text)); err == nil {
			t.Errorf("%s was taken", change[1])
		}
	}
}
