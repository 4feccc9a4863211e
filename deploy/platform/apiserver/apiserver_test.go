// Package apiserver applies deploy/kubernetes to a real API server, with the real kubectl. Both and etcd are built from source,
// pinned as tools of this module, which stays out of go.work. The first run compiles for many minutes:
//
//	GOWORK=off go -C deploy/platform/apiserver test -timeout 60m .
package apiserver

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"sigs.k8s.io/yaml"
)

const (
	manifests  = "../../kubernetes"
	repository = "../../.."
)

func TestManifestsAreTaken(t *testing.T) {
	cluster := start(t)
	cluster.install(t, monitoring.SchemeGroupVersion.Group)

	t.Run("kubectl apply -k, without a warning", func(t *testing.T) {
		out := cluster.kubectl(t, "", "apply", "--validate=strict", "--warnings-as-errors", "-k", manifests)
		if n := strings.Count(out, " created\n"); n < 15 || n != strings.Count(out, "\n") {
			t.Errorf("%d objects were created:\n%s", n, out)
		}
		t.Logf("%d objects", strings.Count(out, " created\n"))
	})
	t.Run("what is kept is what was applied", func(t *testing.T) {
		cluster.kubectl(t, "", "diff", "-k", manifests) // ends with 1 where applying it again would change something
		overlay := t.TempDir()
		to, err := filepath.Rel(overlay, absolute(t, manifests))
		if err != nil {
			t.Fatal(err)
		}
		cluster.kustomization(t, overlay, "resources: ["+to+"]\ncomponents: ["+to+"/tokens]\n")
		if out, err := cluster.try("", "diff", "-k", overlay); err == nil || !strings.Contains(out, "METRICS_TOKEN") {
			t.Errorf("the component tokens makes no difference: %v: %s", err, out)
		}
		cluster.kubectl(t, "", "apply", "--validate=strict", "--warnings-as-errors", "--dry-run=server", "-k", overlay)
	})
	t.Run("server-side apply takes it over", func(t *testing.T) {
		cluster.kubectl(t, "", "apply", "--server-side", "--validate=strict", "-k", manifests)
	})
	t.Run("rules are the files", func(t *testing.T) {
		for _, name := range []string{"api", "host", "slo"} {
			var kept struct{ Spec any }
			read(t, cluster.kubectl(t, "", "-n", "upkeep", "get", "prometheusrule", "upkeep-"+name, "-o", "json"), &kept)
			text, err := os.ReadFile(filepath.Join(repository, "prometheus/rules", name+".yml"))
			if err != nil {
				t.Fatal(err)
			}
			var want any
			if err := yaml.UnmarshalStrict(text, &want); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(kept.Spec, want) {
				t.Errorf("the API server keeps other rules than those of %s.yml", name)
			}
		}
	})
	t.Run("dashboards are the files, byte by byte", func(t *testing.T) {
		var kept struct {
			Items []struct{ Data map[string]string }
		}
		read(t, cluster.kubectl(t, "", "-n", "upkeep", "get", "configmap", "-l", "grafana_dashboard=1", "-o", "json"), &kept)
		files, _ := filepath.Glob(filepath.Join(repository, "grafana/dashboards/*.json"))
		if len(kept.Items) != len(files) || len(files) == 0 {
			t.Errorf("%d ConfigMaps for %d dashboards", len(kept.Items), len(files))
		}
		for _, item := range kept.Items {
			for name, got := range item.Data {
				want, err := os.ReadFile(filepath.Join(repository, "grafana/dashboards", strings.TrimPrefix(name, "upkeep-")))
				if err != nil || got != string(want) {
					t.Errorf("%s differs: %v", name, err)
				}
			}
		}
	})
	t.Run("the namespace takes the pod, and none that may do more", func(t *testing.T) {
		pod := cluster.pod(t)
		cluster.kubectl(t, pod, "-n", "upkeep", "create", "--validate=strict", "-f", "-")
		for _, change := range [][2]string{
			{`"runAsNonRoot":true`, `"runAsNonRoot":false`},
			{`"type":"RuntimeDefault"`, `"type":"Unconfined"`},
			{`"drop":["ALL"]`, `"drop":[]`},
			{`"allowPrivilegeEscalation":false`, `"allowPrivilegeEscalation":true`},
		} {
			if !strings.Contains(pod, change[0]) {
				t.Errorf("the pod has no %s", change[0])
			}
			loose := strings.NewReplacer(change[0], change[1], `"name":"one"`, `"name":"two"`).Replace(pod)
			if out, err := cluster.try(loose, "-n", "upkeep", "create", "-f", "-"); err == nil || !strings.Contains(out, "violates PodSecurity") {
				t.Errorf("%s: %v: %s", change[1], err, out)
			}
		}
	})
	t.Run("a typing error is refused", func(t *testing.T) {
		text, err := os.ReadFile(filepath.Join(manifests, "monitoring/service-monitor.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range [][2]string{{"sampleLimit: ", "sampleLimits: "}, {"interval: 10s", "interval: often"}, {"bodySizeLimit: 5MB", "bodySizeLimit: 5 megabytes"}} {
			broken := strings.Replace(string(text), change[0], change[1], 1)
			if out, err := cluster.try(broken, "-n", "upkeep", "apply", "--validate=strict", "-f", "-"); err == nil || broken == string(text) {
				t.Errorf("%s was taken: %s", change[1], out)
			}
		}
	})
}

func read(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
