package e2e

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// budget is what the watchdog may spend on the API in this test.
const budget = 3

// TestStackCrashLoop has a stack of its own: nothing may have been spent before.
func TestStackCrashLoop(t *testing.T) {
	w := start(t, "upkeep-e2e-loop", map[string]string{"WATCHDOG_MAX_RESTARTS": fmt.Sprint(budget)})
	var engine *stack.Events
	began := time.Now()
	t.Run("crash loop is restarted exactly as often as allowed", func(t *testing.T) {
		w.up(t)
		var err error
		engine, err = stack.Follow(t.Context(), w.api())
		must(t, err)
		t.Cleanup(engine.Stop)
		crashLoop(t, w, engine)
	})
	t.Run("spent budget is told by Alertmanager", func(t *testing.T) {
		alert, err := w.receiver.Wait(t.Context(), 5*time.Minute, map[string]string{"alertname": "ApiDown", "job": "api"})
		must(t, err)
		t.Logf("notified %.0f s after the first crash: %s", time.Since(began).Seconds(), alert.Annotations["summary"])
		if alert.Labels["severity"] != "critical" || !strings.Contains(alert.Annotations["description"], "exhausted") || alert.Annotations["runbook_url"] == "" {
			t.Errorf("the alert lacks something: %+v", alert)
		}
	})
	t.Run("spent budget outlives a killed watchdog", func(t *testing.T) {
		was, err := w.Status(t.Context())
		must(t, err)
		_, err = stack.Crash(t.Context(), w.Target("watchdog"))
		must(t, err)
		w.eventually(t, time.Minute, func() error {
			now, err := w.Status(t.Context())
			if err == nil && !now.StartedAt.After(was.StartedAt) {
				err = fmt.Errorf("the watchdog has not been started anew")
			}
			return err
		})
		_, err = w.WaitState(t.Context(), w.api(), "exhausted", time.Minute)
		must(t, err)
		must(t, w.Rounds(t.Context(), 5*time.Second))
		spent(t, w)
	})
	t.Run("down -v leaves nothing of a broken stack", func(t *testing.T) { downLeavesNothing(t, w) })
}

// crashLoop kills the API as soon as it runs, until the watchdog says that the budget is spent.
func crashLoop(t *testing.T, w *world, engine *stack.Events) {
	ctx := t.Context()
	pid := 0
	w.eventually(t, 2*time.Minute, func() error {
		c, err := stack.Inspect(ctx, w.api())
		if err != nil {
			return err
		}
		if c.State.Pid != 0 && c.State.Pid != pid {
			pid = c.State.Pid
			if _, err = stack.Crash(ctx, w.api()); err == nil {
				err = errors.New("it was crashed once more, the watchdog has not answered yet")
			}
			return err
		}
		st, err := w.TargetStatus(ctx, w.api())
		if err == nil && st.State != "exhausted" {
			err = fmt.Errorf("after %d restarts the state is %s (%s)", st.Restarts.Total, st.State, st.Detail)
		}
		return err
	})
	must(t, w.Rounds(ctx, 5*time.Second)) // it could still act
	spent(t, w)
	// what the engine saw, whatever the watchdog says: one start by Compose, the rest by the watchdog, each ended by us
	if starts, dies := engine.Count("start"), engine.Count("die"); starts != 1+budget || dies != 1+budget {
		t.Errorf("the engine saw %d starts and %d ends, want %d of each", starts, dies, 1+budget)
	}
	w.logged(t, "exhausted", func(l stack.LogLine) bool { return l.Target == w.api() && l.State == "exhausted" })
}

// spent checks what the watchdog itself says: its status, its metrics, and the container that stays down.
func spent(t *testing.T, w *world) {
	t.Helper()
	st, err := w.TargetStatus(t.Context(), w.api())
	must(t, err)
	if r := st.Restarts; r.InWindow != budget || r.Max != budget || r.Remaining != 0 || st.State != "exhausted" {
		t.Errorf("status %s, restarts %+v: want exhausted after %d", st.State, r, budget)
	}
	page, err := w.Get(t.Context(), w.URL("watchdog", "/metrics"))
	must(t, err)
	for series, want := range map[string]float64{
		fmt.Sprintf("watchdog_restart_budget_remaining{target=%q}", w.api()):         0,
		fmt.Sprintf("watchdog_target_up{target=%q}", w.api()):                        0,
		fmt.Sprintf("watchdog_target_state{state=\"exhausted\",target=%q}", w.api()): 1,
	} {
		if got, err := stack.Metric(page, series); err != nil || got != want {
			t.Errorf("%s is %v (%v), want %v", series, got, err, want)
		}
	}
	c, err := stack.Inspect(t.Context(), w.api())
	must(t, err)
	if c.State.Status != "exited" {
		t.Errorf("the container is %s, want exited", c.State.Status)
	}
}
