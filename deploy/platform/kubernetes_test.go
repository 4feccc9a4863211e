package platform

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// objects builds a kustomization of deploy/kubernetes and decodes what comes out of it as an API server with
// --validate=strict does: unknown fields, fields that are there twice and values of another type are errors.
func objects(t *testing.T, folder string) map[string]runtime.Object {
	t.Helper()
	disk := filesys.MakeFsOnDisk()
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(disk, folder)
	if err != nil {
		t.Fatalf("kustomize build %s: %v", folder, err)
	}
	known := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{scheme.AddToScheme, monitoring.AddToScheme} {
		if err := add(known); err != nil {
			t.Fatal(err)
		}
	}
	decoder := json.NewSerializerWithOptions(json.DefaultMetaFactory, known, known, json.SerializerOptions{Yaml: true, Strict: true})
	all := map[string]runtime.Object{}
	for _, resource := range built.Resources() {
		name := resource.GetKind() + "/" + resource.GetName()
		text, err := resource.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		object, _, err := decoder.Decode(text, nil, nil)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if want := "upkeep"; resource.GetNamespace() != want && resource.GetKind() != "Namespace" {
			t.Errorf("%s is in the namespace %q, want %q", name, resource.GetNamespace(), want)
		}
		if resource.GetLabels()["app.kubernetes.io/part-of"] != "upkeep" {
			t.Errorf("%s: labels %v", name, resource.GetLabels())
		}
		all[name] = object
	}
	return all
}

func kubernetes(t *testing.T, folder string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../kubernetes", folder))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestManifestsDecodeStrictly(t *testing.T) {
	api := []string{"Deployment/api", "HorizontalPodAutoscaler/api", "Namespace/upkeep", "NetworkPolicy/api", "NetworkPolicy/nothing-comes-in", "PodDisruptionBudget/api", "Service/api"}
	operator := []string{"PrometheusRule/upkeep-api", "PrometheusRule/upkeep-host", "PrometheusRule/upkeep-slo", "ServiceMonitor/api"}
	for _, test := range []struct {
		folder string
		want   []string
	}{
		{"api", api},
		{"monitoring", operator},
		{".", slices.Concat(api, operator)},
	} {
		t.Run(test.folder, func(t *testing.T) {
			var got []string
			dashboards := 0
			for name := range objects(t, kubernetes(t, test.folder)) {
				if strings.HasPrefix(name, "ConfigMap/upkeep-dashboard-") {
					dashboards++
				} else {
					got = append(got, name)
				}
			}
			slices.Sort(got)
			slices.Sort(test.want)
			if !slices.Equal(got, test.want) {
				t.Errorf("objects %v, want %v", got, test.want)
			}
			files, _ := filepath.Glob("../../grafana/dashboards/*.json")
			if want := len(files); (test.folder != "api") != (dashboards == want) || want == 0 {
				t.Errorf("%d dashboards of %d", dashboards, want)
			}
		})
	}
}

// The strictness is real: a typing error is found.
func TestTypingErrorsAreFound(t *testing.T) {
	known := runtime.NewScheme()
	if err := monitoring.AddToScheme(known); err != nil {
		t.Fatal(err)
	}
	decoder := json.NewSerializerWithOptions(json.DefaultMetaFactory, known, known, json.SerializerOptions{Yaml: true, Strict: true})
	for _, field := range []string{"jobLabell: x", "sampleLimit: many", "jobLabel: a\n  jobLabel: b"} {
		text := fmt.Sprintf("apiVersion: monitoring.coreos.com/v1\nkind: ServiceMonitor\nspec:\n  %s\n", field)
		if _, _, err := decoder.Decode([]byte(text), nil, nil); err == nil {
			t.Errorf("%q was taken", field)
		}
	}
}
