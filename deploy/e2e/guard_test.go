package e2e

import (
	"strings"
	"testing"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// guardRefuses: who stands where the watchdog stands can look at containers and restart the labelled ones, nothing else,
// and who stands elsewhere does not reach the guard at all.
func guardRefuses(t *testing.T, w *world) {
	inside, outside := w.Network("docker-api"), w.Network("default")
	const guard = "http://guard:2375"
	for _, c := range []struct {
		name, network, args, want string
	}{
		{"create", inside, "--post-data={} " + guard + "/v1.41/containers/create", "403"},
		{"exec", inside, "--post-data={} " + guard + "/containers/" + w.api() + "/exec", "403"},
		{"kill", inside, "--post-data= " + guard + "/containers/" + w.api() + "/kill", "403"},
		{"export", inside, guard + "/containers/" + w.api() + "/export", "403"},
		{"images", inside, guard + "/images/json", "403"},
		{"path trick", inside, guard + "/containers/" + w.api() + "/../../images/json", "403"},
		{"restart of a container without the label", inside, "--post-data= " + guard + "/containers/" + w.Target("prometheus") + "/restart", "403"},
		{"ping", inside, guard + "/_ping", "OK"},
		{"list", inside, guard + "/containers/json", w.api()},
		{"from the other network", outside, guard + "/_ping", "bad address"},
	} {
		out, err := stack.Wget(t.Context(), c.network, strings.Fields(c.args)...)
		if !strings.Contains(out, c.want) {
			t.Errorf("%s: want %q, got %v:\n%.400s", c.name, c.want, err, out)
		}
	}
}
