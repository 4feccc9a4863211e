package platform

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
)

func get[T runtime.Object](t *testing.T, all map[string]runtime.Object, name string) T {
	t.Helper()
	object, ok := all[name].(T)
	if !ok {
		t.Fatalf("no %s", name)
	}
	return object
}

func selects(t *testing.T, what string, selector *meta.LabelSelector, set map[string]string) {
	t.Helper()
	s, err := meta.LabelSelectorAsSelector(selector)
	if err != nil || s.Empty() || !s.Matches(labels.Set(set)) {
		t.Errorf("%s selects %v, which does not match %v: %v", what, s, set, err)
	}
}

func variables(c core.Container) map[string]string {
	all := map[string]string{}
	for _, v := range c.Env {
		all[v.Name] = v.Value
		if v.ValueFrom != nil && v.ValueFrom.SecretKeyRef != nil {
			all[v.Name] = "secret " + v.ValueFrom.SecretKeyRef.Name + "/" + v.ValueFrom.SecretKeyRef.Key
		}
	}
	return all
}

// What one object says of another is true.
func TestManifestsAgree(t *testing.T) {
	all := objects(t, kubernetes(t, "."))
	deployment := get[*apps.Deployment](t, all, "Deployment/api")
	pod := deployment.Spec.Template
	selects(t, "the Deployment", deployment.Spec.Selector, pod.Labels)
	service := get[*core.Service](t, all, "Service/api")
	selects(t, "the Service", &meta.LabelSelector{MatchLabels: service.Spec.Selector}, pod.Labels)
	budget := get[*policy.PodDisruptionBudget](t, all, "PodDisruptionBudget/api")
	selects(t, "the PodDisruptionBudget", budget.Spec.Selector, pod.Labels)
	monitor := get[*monitoring.ServiceMonitor](t, all, "ServiceMonitor/api")
	selects(t, "the ServiceMonitor", &monitor.Spec.Selector, service.Labels)
	for _, spread := range pod.Spec.TopologySpreadConstraints {
		selects(t, "the spread over "+spread.TopologyKey, spread.LabelSelector, pod.Labels)
	}
	if job := service.Labels[monitor.Spec.JobLabel]; job != "api" {
		t.Errorf("the job is called %q; rules and dashboards ask for api", job)
	}
	if port := monitor.Spec.Endpoints[0].Port; port != service.Spec.Ports[0].Name {
		t.Errorf("the ServiceMonitor reads the port %q, the Service has %q", port, service.Spec.Ports[0].Name)
	}
	scaler := get[*autoscaling.HorizontalPodAutoscaler](t, all, "HorizontalPodAutoscaler/api")
	if to := scaler.Spec.ScaleTargetRef; to.Kind != "Deployment" || to.Name != deployment.Name || to.APIVersion != "apps/v1" {
		t.Errorf("the autoscaler scales %+v", to)
	}
	if deployment.Spec.Replicas != nil {
		t.Error("the Deployment sets replicas, so each apply undoes what the autoscaler did")
	}
	if least := *scaler.Spec.MinReplicas; least < 2 || budget.Spec.MaxUnavailable.IntValue() >= int(least) {
		t.Errorf("at least %d replicas, of which %v may be away", least, budget.Spec.MaxUnavailable)
	}
	container := pod.Spec.Containers[0]
	limit := container.Resources.Limits.Cpu()
	if target := scaler.Spec.Metrics[0].Resource.Target.AverageValue; target.Cmp(*limit) >= 0 {
		t.Errorf("the autoscaler waits for %v of the %v that a replica may use", target, limit)
	}
	port := service.Spec.Ports[0].TargetPort
	if port.StrVal != container.Ports[0].Name || strconv.Itoa(int(container.Ports[0].ContainerPort)) != variables(container)["PORT"] {
		t.Errorf("the Service leads to %v, the container has %+v and listens on %s", port, container.Ports, variables(container)["PORT"])
	}
}

// The pod is given the time that the program takes to end.
func TestTheEndIsLongEnough(t *testing.T) {
	deployment := get[*apps.Deployment](t, objects(t, kubernetes(t, "api")), "Deployment/api")
	settings := variables(deployment.Spec.Template.Spec.Containers[0])
	seconds := func(name string) time.Duration {
		n, err := strconv.Atoi(settings[name])
		if err != nil || n < 1 {
			t.Fatalf("%s is %q", name, settings[name])
		}
		return time.Duration(n) * time.Second
	}
	needs := seconds("DRAIN_DELAY") + seconds("SHUTDOWN_TIMEOUT")
	grace := time.Duration(*deployment.Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second
	if grace < needs+2*time.Second {
		t.Errorf("killed after %s, but it may take %s", grace, needs)
	}
	// Until endpoints everywhere have followed, requests still come in: longer than readiness takes to be noticed anyway.
	if delay := seconds("DRAIN_DELAY"); delay < 5*time.Second {
		t.Errorf("DRAIN_DELAY is %s", delay)
	}
}

func TestProbesAskTheRightPages(t *testing.T) {
	c := get[*apps.Deployment](t, objects(t, kubernetes(t, "api")), "Deployment/api").Spec.Template.Spec.Containers[0]
	for name, probe := range map[string]struct {
		probe *core.Probe
		path  string
	}{
		"liveness":  {c.LivenessProbe, "/health/live"}, // never a page that asks a dependency
		"startup":   {c.StartupProbe, "/health/live"},
		"readiness": {c.ReadinessProbe, "/health/ready"},
	} {
		if probe.probe == nil || probe.probe.HTTPGet == nil || probe.probe.HTTPGet.Path != probe.path || probe.probe.HTTPGet.Port.StrVal != c.Ports[0].Name {
			t.Errorf("%s probe: %+v, want one of %s", name, probe.probe, probe.path)
		}
	}
}

// With the component, the API wants the token that Prometheus sends.
func TestTokens(t *testing.T) {
	dir := t.TempDir()
	to, err := filepath.Rel(dir, kubernetes(t, "."))
	if err != nil {
		t.Fatal(err)
	}
	overlay := fmt.Sprintf("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [%s]\ncomponents: [%s/tokens]\n", to, to)
	if err := os.WriteFile(filepath.Join(dir, "kustomization.yaml"), []byte(overlay), 0o600); err != nil {
		t.Fatal(err)
	}
	all := objects(t, dir)
	given := variables(get[*apps.Deployment](t, all, "Deployment/api").Spec.Template.Spec.Containers[0])
	sent := get[*monitoring.ServiceMonitor](t, all, "ServiceMonitor/api").Spec.Endpoints[0].Authorization
	if sent == nil || sent.Credentials == nil || given["METRICS_TOKEN"] != "secret "+sent.Credentials.Name+"/"+sent.Credentials.Key {
		t.Errorf("the API wants %q, Prometheus sends %+v", given["METRICS_TOKEN"], sent)
	}
	if given["HEALTH_TOKEN"] != "secret api-tokens/health-token" {
		t.Errorf("HEALTH_TOKEN is %q", given["HEALTH_TOKEN"])
	}
}
