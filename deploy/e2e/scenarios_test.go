package e2e

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// TestStack runs the scenarios that share one stack. Each is told to leave the API up.
func TestStack(t *testing.T) {
	w := start(t, "upkeep-e2e", nil)
	for _, s := range []struct {
		name string
		run  func(*testing.T, *world)
	}{
		{"everything is healthy", healthy},
		{"containers are locked down", lockedDown},
		{"Prometheus scrapes everything and has the rules", prometheusReady},
		{"Alertmanager has a valid configuration", alertmanagerReady},
		{"crash is healed, counted, logged and notified", crash},
		{"hang is healed by the probe", hang},
		{"docker stop by a person is left alone", func(t *testing.T, w *world) { leftAlone(t, w, "stop") }},
		{"docker kill by a person is left alone", func(t *testing.T, w *world) { leftAlone(t, w, "kill") }},
		{"three labels put any container under the watchdog", ownContainer},
		{"a wrong label makes the target misconfigured", misconfigured},
		{"the guard refuses all but healing", guardRefuses},
		{"killed watchdog keeps its history", watchdogKilled},
		{"stopped watchdog stops nothing", watchdogStopped},
		{"dashboards ask queries that answer", dashboards},
		{"down -v leaves nothing", downLeavesNothing},
	} {
		t.Run(s.name, func(t *testing.T) { s.run(t, w) })
	}
}

// crash: the main process dies as by a bug.
func crash(t *testing.T, w *world) {
	before, counted := w.up(t), w.restarts(t, "exited")
	at, err := stack.Crash(t.Context(), w.api())
	must(t, err)
	after := w.healed(t, before)
	t.Logf("up again %.2f s after kill -9", time.Since(at).Seconds())

	if n := w.restarts(t, "exited"); n != counted+1 {
		t.Errorf("watchdog_restarts_total{reason=\"exited\"} is %v, want %v", n, counted+1)
	}
	line := w.logged(t, "the restart of "+w.api(), func(l stack.LogLine) bool {
		return l.Type == "restart" && l.Target == w.api() && l.Reason == "exited" && l.Time.After(at)
	})
	if line.Incident == "" || line.Detail == "" {
		t.Errorf("the log line does not say what happened: %+v", line)
	}
	w.logged(t, "recovered", func(l stack.LogLine) bool { return l.Type == "recovered" && l.Target == w.api() && l.Time.After(at) })
	if after.LastIncident == "" {
		t.Error("/status names no incident")
	}
	for _, args := range [][]string{{"incidents"}, {"incidents", after.LastIncident}, {"status"}} {
		out, err := w.Compose(t.Context(), append([]string{"exec", "-T", "watchdog", "watchdog"}, args...)...)
		must(t, err)
		if !strings.Contains(out, w.api()) {
			t.Errorf("watchdog %s does not mention %s:\n%s", strings.Join(args, " "), w.api(), out)
		}
	}
	alert, err := w.receiver.Wait(t.Context(), 2*time.Minute, map[string]string{"alertname": "TargetRestarted", "target": w.api(), "reason": "exited"})
	must(t, err)
	t.Logf("notified %.0f s after kill -9: %s", time.Since(at).Seconds(), alert.Annotations["summary"])
	for _, name := range []string{"summary", "description", "runbook_url"} {
		if alert.Annotations[name] == "" {
			t.Errorf("the notification has no %s", name)
		}
	}
}

// hang: the process lives and answers nothing.
func hang(t *testing.T, w *world) {
	before, counted := w.up(t), w.restarts(t, "probe")+w.restarts(t, "unhealthy")
	at := time.Now()
	code, body, err := stack.Do(t.Context(), http.MethodPost, w.URL("api", "/debug/fault/hang"))
	if err == nil && code >= 300 {
		t.Fatalf("POST /debug/fault/hang: %d %s", code, body)
	}
	w.healed(t, before)
	t.Logf("up again %.2f s after the hang", time.Since(at).Seconds())
	if n := w.restarts(t, "probe") + w.restarts(t, "unhealthy"); n != counted+1 {
		t.Errorf("%v restarts for probe or unhealthy are counted, want %v", n, counted+1)
	}
}

// leftAlone: what a person stops or kills stays so until the person starts it.
func leftAlone(t *testing.T, w *world, verb string) {
	ctx, before := t.Context(), w.up(t)
	_, err := stack.Docker(ctx, verb, w.api())
	must(t, err)
	_, err = w.WaitState(ctx, w.api(), "stopped", 30*time.Second)
	must(t, err)
	must(t, w.Rounds(ctx, 5*time.Second)) // five intervals of the watchdog
	c, err := stack.Inspect(ctx, w.api())
	must(t, err)
	if c.State.Status != "exited" {
		t.Errorf("docker %s, and the container is %s: the watchdog did not leave it alone", verb, c.State.Status)
	}
	_, err = stack.Docker(ctx, "start", w.api())
	must(t, err)
	if after := w.up(t); after.Restarts.Total != before.Restarts.Total {
		t.Errorf("%d restarts are counted, want %d as before", after.Restarts.Total, before.Restarts.Total)
	}
}

// ownContainer: a container that knows nothing of Upkeep and belongs to no Compose project.
func ownContainer(t *testing.T, w *world) {
	ctx, name := t.Context(), w.Project+"-own"
	_, err := stack.Docker(ctx, "run", "-d", "--name", name, "--network", w.Network("default"), "--label", "watchdog.enable=true",
		"--label", "watchdog.probe=tcp://:8080", "--label", "watchdog.restart.max=5", stack.Busybox, "busybox", "httpd", "-f", "-p", "8080")
	must(t, err)
	defer func() { _, _ = stack.Docker(ctx, "rm", "-f", name) }()
	before, err := w.WaitState(ctx, name, "up", 30*time.Second)
	must(t, err)
	if before.Restarts.Max != 5 {
		t.Errorf("the label watchdog.restart.max=5 is read as %d", before.Restarts.Max)
	}
	_, err = stack.Crash(ctx, name)
	must(t, err)
	w.eventually(t, 30*time.Second, func() error {
		st, err := w.TargetStatus(ctx, name)
		if err == nil && (st.Restarts.Total != 1 || st.State != "up") {
			err = fmt.Errorf("%s is %s after %d restarts", name, st.State, st.Restarts.Total)
		}
		return err
	})
}

// misconfigured: a faulty label concerns its own container, nothing else.
func misconfigured(t *testing.T, w *world) {
	ctx, name := t.Context(), w.Project+"-odd"
	_, err := stack.Docker(ctx, "run", "-d", "--rm", "--name", name, "--network", "none", "--label", "watchdog.enable=true",
		"--label", "watchdog.probe=gopher://:70/", "--label", "watchdog.restart.max=many", stack.Busybox, "sleep", "600")
	must(t, err)
	st, err := w.WaitState(ctx, name, "misconfigured", 30*time.Second)
	must(t, err)
	for _, label := range []string{"watchdog.probe", "watchdog.restart.max"} {
		if !strings.Contains(st.Detail, label) {
			t.Errorf("the status does not name %s: %q", label, st.Detail)
		}
	}
	w.logged(t, name+" misconfigured", func(l stack.LogLine) bool { return l.Type == "misconfigured" && l.Target == name })
	_, err = stack.Docker(ctx, "rm", "-f", name)
	must(t, err)
	w.eventually(t, 30*time.Second, func() error {
		if st, err := w.TargetStatus(ctx, name); err == nil && st.State != "gone" {
			return fmt.Errorf("%s is removed, and the watchdog says %s", name, st.State)
		}
		return nil
	})
	w.up(t)
}

// watchdogKilled: Docker brings the watchdog back, and it still knows what it did.
func watchdogKilled(t *testing.T, w *world) {
	ctx, before := t.Context(), w.up(t)
	was, err := w.Status(ctx)
	must(t, err)
	_, err = stack.Crash(ctx, w.Target("watchdog"))
	must(t, err)
	w.eventually(t, time.Minute, func() error {
		now, err := w.Status(ctx)
		if err == nil && !now.StartedAt.After(was.StartedAt) {
			err = fmt.Errorf("the watchdog has not been started anew")
		}
		return err
	})
	after := w.up(t)
	if before.Restarts.InWindow == 0 || after.Restarts.InWindow != before.Restarts.InWindow || after.Restarts.Remaining != before.Restarts.Remaining {
		t.Errorf("restarts before the kill %+v, after it %+v: want the same in the window, and not none", before.Restarts, after.Restarts)
	}
}

// watchdogStopped: without the watchdog all else goes on.
func watchdogStopped(t *testing.T, w *world) {
	ctx := t.Context()
	w.up(t)
	services, err := w.Services(ctx)
	must(t, err)
	began := map[string]time.Time{}
	for _, name := range services {
		c, err := stack.Inspect(ctx, w.Target(name))
		must(t, err)
		began[name] = c.State.StartedAt
	}
	_, err = w.Compose(ctx, "stop", "watchdog")
	must(t, err)
	for _, name := range services {
		c, err := stack.Inspect(ctx, w.Target(name))
		must(t, err)
		switch {
		case name == "watchdog":
			if c.State.ExitCode != 0 {
				t.Errorf("SIGTERM ends the watchdog with code %d, want 0", c.State.ExitCode)
			}
		case c.State.Status != "running" || !c.State.StartedAt.Equal(began[name]):
			t.Errorf("%s is %s since %v, was started %v", name, c.State.Status, c.State.StartedAt, began[name])
		}
	}
	must(t, w.Up(ctx))
	w.up(t)
}

// downLeavesNothing: no container, network or volume of the project outlives `docker compose down -v`.
func downLeavesNothing(t *testing.T, w *world) {
	if os.Getenv("E2E_KEEP") == "1" {
		t.Skip("E2E_KEEP=1 asks to leave the stack running")
	}
	must(t, w.Down(t.Context()))
	left, err := w.Leftovers(t.Context())
	must(t, err)
	if len(left) > 0 {
		t.Errorf("left behind: %s", strings.Join(left, ", "))
	}
}
