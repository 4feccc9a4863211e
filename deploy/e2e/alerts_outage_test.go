package e2e

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/inbox"
	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// keptDown kills a container whenever it is started, as a fault does that no restart cures.
type keptDown struct {
	Since time.Time // the first kill
	stop  func() int
}

// slow is the part of a processor that a container gets while it is kept down. It takes seconds to answer then, so that the next
// kill always comes first, whether the machine is busy or not. A container that answers in between is another failure.
const slow = "0.05"

// keepDown kills a container's main process now, and each one that is started in its place until stop is called; stop tells how
// many were killed.
func keepDown(t *testing.T, container string) *keptDown {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	engine, err := stack.Follow(ctx, container)
	must(t, err)
	// what has started up to now is in the stream's past: it is there when the running process is
	must(t, stack.Poll(ctx, 30*time.Second, func() error {
		if engine.Count("start") == 0 {
			return fmt.Errorf("the engine has not told yet that %s was started", container)
		}
		return nil
	}))
	c, err := stack.Inspect(ctx, container)
	must(t, err)
	_, err = stack.Docker(ctx, "update", "--cpus", slow, container)
	must(t, err)
	k, kills := &keptDown{}, 1
	seen := engine.Count("start")
	k.Since, err = stack.Crash(ctx, container)
	must(t, err)
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			n := engine.Count("start")
			if n == seen {
				continue
			}
			if _, err := stack.Crash(ctx, container); err == nil {
				kills, seen = kills+1, n
			} else if c, err := stack.Inspect(ctx, container); err == nil && c.State.Pid == 0 {
				seen = n // it is down already
			}
		}
	})
	k.stop = sync.OnceValue(func() int {
		cancel()
		done.Wait()
		engine.Stop()
		_, err := stack.Docker(context.WithoutCancel(ctx), "update", "--cpus", fmt.Sprint(float64(c.HostConfig.NanoCpus)/1e9), container)
		if err != nil {
			t.Error(err)
		}
		return kills
	})
	t.Cleanup(func() { k.stop() })
	return k
}

// outage is the outage of the API that the scenarios share.
type outage struct {
	began    time.Time
	critical inbox.Message // at the webhook
	ended    time.Time
}

// kill: the watchdog restarts the API as often as it may, each time in vain.
func (o *outage) kill(t *testing.T, a *alerting) {
	a.up(t)
	down := keepDown(t, a.api())
	o.began = down.Since
	_, err := a.WaitState(t.Context(), a.api(), "exhausted", 2*time.Minute)
	must(t, err)
	if kills := down.stop(); kills != 1+alertBudget {
		t.Errorf("the API was killed %d times, want once and after each of %d restarts", kills, alertBudget)
	}
	lines, err := a.WatchdogLog(t.Context())
	must(t, err)
	for _, l := range lines {
		if l.Type == "recovered" && l.Target == a.api() && l.Time.After(o.began) {
			t.Errorf("the API was to stay down, and the watchdog found it well at %v", l.Time)
		}
	}
	t.Logf("budget spent %.1f s after the first kill", time.Since(o.began).Seconds())
}

// isTold: every receiver has one message, which says all that a person needs.
func (o *outage) isTold(t *testing.T, a *alerting) {
	o.critical = a.notified(t, 5*time.Minute, o.began, "critical", false, a.aboutAPI)
	t.Logf("a person is told %.1f s after the first kill: %s\n%s", o.critical.At.Sub(o.began).Seconds(), o.critical.Title, o.critical.Text)
	for _, what := range []string{a.api(), "exhausted", fmt.Sprintf("%d of %d", alertBudget, alertBudget), "exit code 137", "Last log line"} {
		if !strings.Contains(o.critical.Text, what) {
			t.Errorf("nothing is said of %q", what)
		}
	}
	for _, via := range everyone {
		m, err := a.in.Wait(t.Context(), via, time.Minute, func(m inbox.Message) bool { return o.is(m) && !m.Resolved })
		if err != nil {
			t.Error(err)
			continue
		}
		a.says(t, m, o.critical.Alerts[0])
	}
}

// is tells whether a message is about the alert that people were told of.
func (o *outage) is(m inbox.Message) bool {
	return m.At.After(o.began) && strings.Contains(m.Title, o.critical.Title)
}

// isAlone: what else is wrong because the API is down has been found by now, and is held back.
func (o *outage) isAlone(t *testing.T, a *alerting) {
	if o.critical.Via == "" {
		t.Skip("nobody was told of the outage")
	}
	a.has(t, 5*time.Minute, "RestartBudgetExhausted", a.aboutAPI)
	a.barrier(t)
	if other := a.has(t, time.Minute, "RestartBudgetExhausted", a.aboutAPI); len(other.Status.InhibitedBy) == 0 {
		t.Errorf("%v is not held back by the alert that was told", other)
	}
	o.isToldBy(t, a, 0)
}

// isToldBy counts. Before the critical notification there may be one that the API was restarted, and it may come once more, when
// the other container of this test joins it.
func (o *outage) isToldBy(t *testing.T, a *alerting, ends int) {
	t.Helper()
	told := a.told(o.began, a.aboutAPI)
	t.Logf("the outage is told by %s", told)
	if told.count("critical") != 1 || told.count("critical resolved") != ends || told.count("warning", "warning resolved") != 0 {
		t.Errorf("want one critical notification, %d that it is over, no warning:\n%s", ends, told)
	}
	if told.count("info") > 2 || told.count("info resolved") > 0 {
		t.Errorf("want no more than two that it was restarted, told once each:\n%s", told)
	}
}

// repair: a person starts the API again.
func (o *outage) repair(t *testing.T, a *alerting) {
	_, err := a.Compose(t.Context(), "restart", "api")
	must(t, err)
	a.up(t)
	o.ended = time.Now()
}

// endIsTold: everybody is told once that it is over, and nothing comes after that.
func (o *outage) endIsTold(t *testing.T, a *alerting) {
	if o.critical.Via == "" || o.ended.IsZero() {
		t.Skip("nobody was told of the outage, or it goes on")
	}
	over := a.notified(t, 5*time.Minute, o.began, "critical", true, a.aboutAPI)
	t.Logf("told that it is over %.1f s after it was up: %s", over.At.Sub(o.ended).Seconds(), over.Title)
	a.over(t, 3*time.Minute, a.aboutAPI)
	a.barrier(t)
	o.isToldBy(t, a, 1)
	for _, via := range everyone {
		var began, ended []inbox.Message
		err := stack.Poll(t.Context(), time.Minute, func() error {
			began = a.in.Messages(via, func(m inbox.Message) bool { return o.is(m) && !m.Resolved })
			ended = a.in.Messages(via, func(m inbox.Message) bool { return o.is(m) && m.Resolved })
			if len(began) != 1 || len(ended) != 1 {
				return fmt.Errorf("%s has %d messages that the API is down and %d that this is over, want one of each", via, len(began), len(ended))
			}
			return nil
		})
		if err != nil {
			t.Error(err)
			continue
		}
		saysOver(t, began[0], ended[0])
	}
}
