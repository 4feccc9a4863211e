package e2e

import (
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// Measurements, which take longer than a test may. Each runs only when it is asked for, alone:
//
//	go test -count=1 -v -timeout 0 -run '^TestStackAlertLatency$' . -latency
//	go test -count=1 -v -timeout 0 -run '^TestStackAlertHour$' . -hour 0
var (
	measureLatency = flag.Bool("latency", false, "measure how long it takes from a failure until a person is told, five times each")
	measureHour    = flag.String("hour", "", "count what people are told when the API fails every three minutes for an hour, with this WATCHDOG_RESTART_DELAY (it ships with 5)")
)

const rounds = 5

// defaults takes back what the other tests set, so that the watchdog, too, runs as it ships.
func defaults(env map[string]string) map[string]string {
	for _, name := range []string{"FAULT_INJECTION", "WATCHDOG_HEALTH_CHECK_INTERVAL", "WATCHDOG_PROBE_TIMEOUT", "WATCHDOG_RESTART_DELAY"} {
		env[name] = "" // Compose puts in its default for an empty variable
	}
	return env
}

// TestStackAlertLatency measures how long it takes until the receiver has the notification: from the kill of an API that does
// not come back, with all settings as they ship; and from the moment when the watchdog gives up, which is made to come soon.
func TestStackAlertLatency(t *testing.T) {
	if !*measureLatency {
		t.Skip("a measurement of half an hour: -latency")
	}
	a := startAlerting(t, "upkeep-e2e-latency", defaults(map[string]string{}))
	var down []time.Duration
	for n := range rounds {
		down = append(down, a.downAndUp(t, n, func(k *keptDown) time.Time { return k.Since }))
	}
	t.Logf("from kill -9 of an API that does not come back to the receiver, as it ships: %s", figures(down))

	// No default: a budget of ten lasts for 20 minutes.
	must(t, a.Setenv("WATCHDOG_MAX_RESTARTS", "1"))
	must(t, a.Up(t.Context()))
	var spent []time.Duration
	for n := range rounds {
		spent = append(spent, a.downAndUp(t, n, func(k *keptDown) time.Time {
			_, err := a.WaitState(t.Context(), a.api(), "exhausted", 2*time.Minute)
			must(t, err)
			return a.logged(t, "exhausted", func(l stack.LogLine) bool {
				return l.Target == a.api() && l.State == "exhausted" && l.Time.After(k.Since)
			}).Time
		}))
	}
	t.Logf("from a spent budget (one restart) to the receiver: %s", figures(spent))
}

// downAndUp is one outage of the API and its end. It returns the time from the moment that counts to the critical notification.
func (a *alerting) downAndUp(t *testing.T, n int, from func(*keptDown) time.Time) time.Duration {
	t.Helper()
	_, err := a.Compose(t.Context(), "exec", "-T", "watchdog", "watchdog", "reset", a.api())
	must(t, err)
	a.up(t)
	// not always at the same moment between two scrapes
	time.Sleep(time.Duration(n) * 10 * time.Second / rounds)
	k := keepDown(t, a.api())
	began := from(k)
	told := a.notified(t, 10*time.Minute, k.Since, "critical", false, a.aboutAPI)
	k.stop()
	_, err = a.Compose(t.Context(), "restart", "api")
	must(t, err)
	a.up(t)
	a.notified(t, 10*time.Minute, k.Since, "critical", true, a.aboutAPI)
	a.over(t, 15*time.Minute, a.aboutAPI) // TargetCrashLooping fires for 10 minutes after the fourth round
	a.barrier(t)
	t.Logf("round %d: %.1f s; %s", n+1, told.At.Sub(began).Seconds(), a.told(k.Since, a.aboutAPI))
	return told.At.Sub(began)
}

// figures are the median and each value, in seconds.
func figures(all []time.Duration) string {
	sorted := slices.Sorted(slices.Values(all))
	var each []string
	for _, d := range all {
		each = append(each, fmt.Sprintf("%.1f", d.Seconds()))
	}
	return fmt.Sprintf("median %.1f s of %s", sorted[len(sorted)/2].Seconds(), strings.Join(each, ", "))
}

// TestStackAlertHour lets the API fail every three minutes for an hour, or as soon as it is back, and counts the notifications
// until all is over. Without a restart delay that makes 20 outages; the delay that ships doubles from one to the next, so that
// they get fewer and longer. The budget is raised, since the default would be spent half way; all else is as it ships.
func TestStackAlertHour(t *testing.T) {
	if *measureHour == "" {
		t.Skip("a measurement of 100 minutes: -hour 0")
	}
	env := defaults(map[string]string{"WATCHDOG_MAX_RESTARTS": fmt.Sprint(outages + 5)})
	env["WATCHDOG_RESTART_DELAY"] = *measureHour
	a := startAlerting(t, "upkeep-e2e-hour", env)
	a.up(t)
	began, n := time.Now(), 0
	for next := began; n < outages && time.Since(began) < time.Hour; n++ {
		time.Sleep(time.Until(next))
		next = time.Now().Add(time.Hour / outages)
		at, err := stack.Crash(t.Context(), a.api())
		must(t, err)
		a.eventually(t, 10*time.Minute, func() error {
			st, err := a.TargetStatus(t.Context(), a.api())
			if err == nil && (st.State != "up" || st.Restarts.Total != n+1) {
				err = fmt.Errorf("outage %d: state %s (%s) after %d restarts", n+1, st.State, st.Detail, st.Restarts.Total)
			}
			return err
		})
		t.Logf("outage %d lasted %.1f s", n+1, time.Since(at).Seconds())
	}
	t.Logf("%d outages in %.0f minutes, then: %s", n, time.Since(began).Minutes(), a.told(began, a.aboutAPI))
	a.over(t, time.Hour, a.aboutAPI)
	a.barrier(t)
	t.Logf("%d outages in an hour are told by %s", n, a.told(began, a.aboutAPI))
}
