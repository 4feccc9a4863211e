package docker

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

const project = `
services:
  db:
    image: busybox:1.37.0
    pull_policy: never
    network_mode: none
    stop_grace_period: 1s
    command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 1 & wait $$!; done"]
    labels: {LABEL: "true"}
  api:
    image: busybox:1.37.0
    pull_policy: never
    network_mode: "service:db"
    stop_grace_period: 1s
    command: [sh, -c, "trap 'exit 0' TERM; while :; do sleep 1 & wait $$!; done"]
    labels: {LABEL: "true", watchdog.restart.max: "5"}
    depends_on: {db: {condition: service_started, restart: true}}
`

// TestEngineComposeProject has the real Compose bring up, change and take down a project.
func TestEngineComposeProject(t *testing.T) {
	l := newLab(t)
	file := filepath.Join(t.TempDir(), "compose.yml")
	compose := func(yaml string, args ...string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(yaml, "LABEL", testLabel)), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("docker", append([]string{"compose", "-p", l.tag, "-f", file}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("docker compose %s, with which this test works: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	t.Cleanup(func() { compose(project, "down", "-t", "1") })
	w := watch(t, Options{})
	compose(project, "up", "-d")
	api, db := l.tag+"-api-1", l.tag+"-db-1"
	old := w.seen(api, "running", func(o *supervise.Observation) bool {
		return o.Status == supervise.StatusRunning && slices.Equal(o.DependsOn, []string{db})
	}).Event.Seen
	if old.Policy.MaxRestarts != 5 {
		t.Errorf("policy = %+v", old.Policy)
	}

	compose(strings.Replace(project, `max: "5"`, `max: "6"`, 1), "up", "-d")
	next := w.seen(api, "running anew", func(o *supervise.Observation) bool {
		return o.Status == supervise.StatusRunning && o.Instance.ID != old.Instance.ID
	})
	if next.Event.Seen.Policy.MaxRestarts != 6 || next.Event.Seen.ConfigHash == old.ConfigHash || next.Info.Name != api {
		t.Errorf("after the change: %+v %+v", next.Event.Seen, next.Info)
	}
	signals := w.all(api, supervise.EventSignal)
	if len(signals) == 0 || signals[0].Event.Signal.InstanceID != old.Instance.ID {
		t.Errorf("signals = %+v, want one for the old container", signals)
	}
	if gone := w.all(api, supervise.EventGone); len(gone) > 0 {
		t.Error("the target was told to be gone, though Compose replaced it")
	}

	compose(project, "down", "-t", "1")
	w.kind(supervise.EventGone, api)
	w.rewind()
	w.kind(supervise.EventGone, db)
	for _, target := range []string{api, db} {
		if len(w.all(target, supervise.EventSignal)) == 0 {
			t.Errorf("%s ended without a signal, as if it had crashed", target)
		}
	}
}
