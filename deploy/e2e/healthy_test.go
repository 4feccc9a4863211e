package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// maxImage is what an image of ours may weigh.
const maxImage = 25 << 20

// healthy: all is up, the six pages of the API answer, Compose has nothing to complain about.
func healthy(t *testing.T, w *world) {
	ctx := t.Context()
	if warnings := w.Warnings(ctx); warnings != "" {
		t.Errorf("docker compose config warns:\n%s", warnings)
	}
	for path, want := range map[string]string{
		"/health": `"status"`, "/health/detailed": `"checks"`, "/health/metrics": `"`, "/health/ready": `"status"`,
		"/health/live": `"status"`, "/metrics": "http_requests_total",
	} {
		body, err := w.Get(ctx, w.URL("api", path))
		if err != nil {
			t.Error(err)
			continue
		}
		if !strings.Contains(string(body), want) {
			t.Errorf("GET %s has no %s: %.200s", path, want, body)
		}
		if path != "/metrics" && !json.Valid(body) {
			t.Errorf("GET %s is not JSON: %.200s", path, body)
		}
	}
	if code, _, err := stack.Do(ctx, "GET", w.URL("api", "/nowhere")); err != nil || code != 404 {
		t.Errorf("GET /nowhere: %d %v, want 404", code, err)
	}
	w.up(t)
	st, err := w.Status(ctx)
	must(t, err)
	if !st.Docker.Connected || st.Docker.APIVersion == "" {
		t.Errorf("the watchdog has no connection to Docker: %+v", st.Docker)
	}
}

// lockedDown: what the Compose file promises holds for the containers that run.
func lockedDown(t *testing.T, w *world) {
	ctx := t.Context()
	services, err := w.Services(ctx)
	must(t, err)
	for _, name := range append(services, "setup") {
		c, err := stack.Inspect(ctx, w.Target(name))
		must(t, err)
		h := c.HostConfig
		if h.Privileged || !h.ReadonlyRootfs || !slices.Contains(h.CapDrop, "ALL") || h.Memory == 0 || h.NanoCpus == 0 {
			t.Errorf("%s is not locked down: %+v", name, h)
		}
		for _, m := range c.Mounts {
			if strings.HasSuffix(m.Source, "docker.sock") && name != "guard" {
				t.Errorf("%s has the Docker socket", name)
			}
		}
		for port, bindings := range h.PortBindings {
			for _, b := range bindings {
				if b.HostIP != "127.0.0.1" {
					t.Errorf("%s publishes %s on %q, want 127.0.0.1", name, port, b.HostIP)
				}
			}
		}
	}
	for _, name := range stack.Built {
		size, err := stack.ImageSize(ctx, stack.Image(name))
		must(t, err)
		t.Logf("image %-9s %5.1f MB", name, float64(size)/1e6)
		if size > maxImage {
			t.Errorf("the image of %s has %d bytes, allowed are %d", name, size, maxImage)
		}
	}
}

// prometheusReady: every job is up, every rule loaded and well, Alertmanager found.
func prometheusReady(t *testing.T, w *world) {
	want := []string{"alertmanager", "api", "prometheus", "watchdog"}
	if w.grafana {
		want = append(want, "grafana")
	}
	for _, job := range want {
		w.eventually(t, time.Minute, func() error { return w.hasSample(t, fmt.Sprintf(`min(up{job=%q}) == 1`, job)) })
	}
	var rules struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}
	loaded := map[string]bool{}
	w.eventually(t, time.Minute, func() error {
		if err := w.GetJSON(t.Context(), w.URL("prometheus", "/api/v1/rules"), &rules); err != nil {
			return err
		}
		for _, g := range rules.Data.Groups {
			for _, r := range g.Rules {
				loaded[r.Name] = true
				if r.Health != "ok" {
					return fmt.Errorf("rule %s is %s: %s", r.Name, r.Health, r.LastError)
				}
			}
		}
		return nil
	})
	for _, name := range []string{"ApiDown", "TargetRestarted", "RestartBudgetExhausted", "HighErrorRate", "Watchdog", "WatchdogDown"} {
		if !loaded[name] {
			t.Errorf("Prometheus has no rule %s", name)
		}
	}
	// the restart counter of the API has been seen at zero: what comes later is an increase
	w.eventually(t, time.Minute, func() error {
		return w.hasSample(t, fmt.Sprintf(`count_over_time(watchdog_restarts_total{target=%q,reason="exited"}[5m]) >= 2`, w.api()))
	})
}

// alertmanagerReady: its own tool accepts what setup has written, and the test's receiver is in it.
func alertmanagerReady(t *testing.T, w *world) {
	out, err := w.Compose(t.Context(), "exec", "-T", "alertmanager", "amtool", "check-config", "/config/alertmanager/alertmanager.yml")
	must(t, err)
	if !strings.Contains(out, "SUCCESS") {
		t.Errorf("amtool check-config:\n%s", out)
	}
	var found struct {
		Data struct{ ActiveAlertmanagers []struct{ URL string } }
	}
	w.eventually(t, time.Minute, func() error {
		if err := w.GetJSON(t.Context(), w.URL("prometheus", "/api/v1/alertmanagers"), &found); err != nil {
			return err
		}
		if len(found.Data.ActiveAlertmanagers) != 1 {
			return fmt.Errorf("Prometheus has %d Alertmanagers, want 1", len(found.Data.ActiveAlertmanagers))
		}
		return nil
	})
	page, err := w.Get(t.Context(), w.URL("watchdog", "/metrics"))
	must(t, err)
	if n, err := stack.Metric(page, "watchdog_alert_receivers"); err != nil || n < 1 {
		t.Errorf("watchdog_alert_receivers is %v (%v), want 1: a webhook is set", n, err)
	}
}

// query asks Prometheus and returns how many series came back.
func (w *world) query(t *testing.T, expr string) (int, error) {
	var answer struct {
		Data struct {
			ResultType string
			Result     []json.RawMessage
		}
	}
	err := w.GetJSON(t.Context(), w.URL("prometheus", "/api/v1/query?query="+url.QueryEscape(expr)), &answer)
	return len(answer.Data.Result), err
}

func (w *world) hasSample(t *testing.T, expr string) error {
	n, err := w.query(t, expr)
	if err == nil && n == 0 {
		err = fmt.Errorf("Prometheus answers nothing to %s", expr)
	}
	return err
}
