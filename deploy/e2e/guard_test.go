package e2e

import (
	"strings"
	"testing"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// guardRefuses: who stands where the watchdog stands can look at containers and restart the labelled ones, nothing else,
// and who stands elsewhere does not reach the guard at all.
func guardRefuses(t *testing.T, w *world) {
	ctx := t.Context()
	guard, err := stack.Inspect(ctx, w.Target("guard"))
	must(t, err)
	address := guard.NetworkSettings.Networks[w.Network("docker-api")].IPAddress
	for _, c := range []struct{ name, request, want string }{
		{"create", "POST /v1.41/containers/create", "403"},
		{"exec", "POST /containers/" + w.api() + "/exec", "403"},
		{"kill", "POST /containers/" + w.api() + "/kill", "403"},
		{"remove", "DELETE /containers/" + w.api(), "403"},
		{"export", "GET /containers/" + w.api() + "/export", "403"},
		{"images", "GET /images/json", "403"},
		{"path with dots", "GET /containers/" + w.api() + "/../../images/json", "403"},
		{"path with coded dots", "GET /containers/%2e%2e/images/json", "403"},
		{"restart without the label", "POST /containers/" + w.Target("prometheus") + "/restart", "403"},
		{"ping", "GET /_ping", "200"},
		{"list", "GET /containers/json", "200"},
	} {
		answer, err := stack.Ask(ctx, w.Network("docker-api"), address, "2375", c.request)
		if first, _, _ := strings.Cut(answer, "\r\n"); !strings.Contains(first, " "+c.want+" ") {
			t.Errorf("%s: %s is answered %q (%v), want %s", c.name, c.request, first, err, c.want)
		}
	}
	inspected, err := stack.Ask(ctx, w.Network("docker-api"), address, "2375", "GET /containers/"+w.api()+"/json")
	must(t, err)
	if !strings.Contains(inspected, `"FAULT_INJECTION=`) || strings.Contains(inspected, `"FAULT_INJECTION=true"`) {
		t.Error("inspect shows the value of an environment variable, or not even its name")
	}
	if answer, err := stack.Ask(ctx, w.Network("default"), address, "2375", "GET /_ping"); err == nil || answer != "" {
		t.Errorf("the guard is reached from the network of the other services: %q", answer)
	}
}
