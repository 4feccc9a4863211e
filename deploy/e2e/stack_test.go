package e2e

import (
	"context"
	"fmt"
	"maps"
	"os"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

const grafanaService = "grafana"

// built tells that this run has built the images already.
var built bool

// world is a running stack with what listens to it. The scenarios of one test share it and run in their order.
type world struct {
	*stack.Stack
	receiver *stack.Receiver
	grafana  bool
}

// start brings a stack up, and takes it down when the test ends.
func start(t *testing.T, project string, env map[string]string) *world {
	t.Helper()
	if testing.Short() {
		t.Skip("the scenarios on a real engine are left out by -short: run make e2e")
	}
	ctx := t.Context()
	must(t, stack.Reachable(ctx))
	must(t, stack.Alone(ctx, project))

	w := &world{}
	var err error
	w.receiver, err = stack.Receive(ctx, project)
	must(t, err)
	t.Cleanup(func() { must(t, w.receiver.Close(context.Background())) })

	all := map[string]string{
		"FAULT_INJECTION":                "true",
		"WATCHDOG_HEALTH_CHECK_INTERVAL": "1",
		"WATCHDOG_PROBE_TIMEOUT":         "1",
		"WATCHDOG_RESTART_DELAY":         "0",
		"ALERT_WEBHOOK_URL":              w.receiver.URL,
	}
	maps.Copy(all, env)
	opts := stack.Options{Project: project, Env: all, Dir: t.TempDir()}
	probe, err := stack.New(opts)
	must(t, err)
	image, err := probe.ImageOf(ctx, grafanaService)
	must(t, err)
	if w.grafana = stack.HasImage(ctx, image); !w.grafana {
		opts.Without = []string{grafanaService}
		missing := fmt.Sprintf("Grafana: the image %s cannot be had on this machine, so its API, data source and panels were not asked", image)
		t.Log("*** " + missing + " ***")
		if len(unchecked) == 0 {
			unchecked = append(unchecked, missing)
		}
	}
	w.Stack, err = stack.New(opts)
	must(t, err)

	t.Cleanup(func() {
		if os.Getenv("E2E_KEEP") == "1" {
			t.Logf("E2E_KEEP=1: %s is left running; docker compose -p %s down -v ends it", project, project)
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
		defer cancel()
		if t.Failed() {
			logs, _ := w.Compose(ctx, "logs", "--no-color", "--tail", "40", "watchdog", "api", "guard", "alertmanager")
			t.Logf("the last lines of the stack:\n%s", logs)
		}
		must(t, w.Down(ctx))
	})
	must(t, w.Down(ctx)) // what a killed run left
	began := time.Now()
	if !built {
		must(t, w.Build(ctx))
		built = true
		t.Logf("images built in %.0f s", time.Since(began).Seconds())
	}
	began = time.Now()
	must(t, w.Up(ctx))
	t.Logf("docker compose up --wait: healthy in %.0f s", time.Since(began).Seconds())
	return w
}

// api is the container that is broken in most scenarios, under the name that the watchdog, too, has for it.
func (w *world) api() string { return w.Target("api") }

// up waits until the API is up for the watchdog and answers that it is ready.
func (w *world) up(t *testing.T) stack.TargetStatus {
	t.Helper()
	st, err := w.WaitState(t.Context(), w.api(), "up", time.Minute)
	must(t, err)
	w.eventually(t, 30*time.Second, func() error {
		_, err := w.Get(t.Context(), w.URL("api", "/health/ready"))
		return err
	})
	return st
}

// healed waits until the API has been restarted once more than before and is up again.
func (w *world) healed(t *testing.T, before stack.TargetStatus) stack.TargetStatus {
	t.Helper()
	w.eventually(t, 90*time.Second, func() error {
		now, err := w.TargetStatus(t.Context(), w.api())
		if err == nil && now.Restarts.Total != before.Restarts.Total+1 {
			err = fmt.Errorf("%d restarts (state %s, %s), want %d", now.Restarts.Total, now.State, now.Detail, before.Restarts.Total+1)
		}
		return err
	})
	return w.up(t)
}

// restarts reads the watchdog's counter of restarts for a reason.
func (w *world) restarts(t *testing.T, reason string) float64 {
	t.Helper()
	page, err := w.Get(t.Context(), w.URL("watchdog", "/metrics"))
	must(t, err)
	n, err := stack.Metric(page, fmt.Sprintf("watchdog_restarts_total{reason=%q,target=%q}", reason, w.api()))
	must(t, err)
	return n
}

// logged waits for a line in the watchdog's log.
func (w *world) logged(t *testing.T, what string, want func(stack.LogLine) bool) stack.LogLine {
	t.Helper()
	var found stack.LogLine
	w.eventually(t, 20*time.Second, func() error {
		lines, err := w.WatchdogLog(t.Context())
		if err != nil {
			return err
		}
		for _, l := range lines {
			if want(l) {
				found = l
				return nil
			}
		}
		return fmt.Errorf("%d lines in the watchdog's log, none says: %s", len(lines), what)
	})
	return found
}

func (w *world) eventually(t *testing.T, within time.Duration, ask func() error) {
	t.Helper()
	must(t, stack.Poll(t.Context(), within, ask))
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
