package health_test

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/upkeephq/upkeep/services/kit/health"
)

// A listener that hangs is the one thing that keeps a check from its next run;
// a machine that was asleep looks the same.
func TestOldResultsCountAsDegraded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var db outcome
		var hold atomic.Bool
		release := make(chan struct{})
		var told []health.Status
		checker := health.New(health.Options{OnChange: func(c health.Change) {
			if c.Check != "" {
				told = append(told, c.To)
			}
		}})
		if err := checker.Add(health.Check{Name: "db", Run: db.run, Interval: 10 * time.Second, Timeout: time.Second, Jitter: -1}); err != nil {
			t.Fatal(err)
		}
		if err := checker.OnResult(func(health.Result) {
			if hold.Load() {
				<-release
			}
		}); err != nil {
			t.Fatal(err)
		}
		go checker.Run(t.Context())
		wait(time.Second)
		if err := checker.OnResult(func(health.Result) {}); err == nil {
			t.Error("a listener was taken on after Run")
		}
		if err := checker.Add(health.Check{Name: "late", Run: db.run}); err == nil {
			t.Error("a check was taken on after Run")
		}
		if err := checker.Run(t.Context()); err == nil {
			t.Error("a second Run began")
		}
		hold.Store(true)
		wait(30 * time.Second)
		if report := checker.Report(); report.Status != health.Healthy || report.Checks[0].Stale {
			t.Errorf("after 30 s: %+v, want healthy and not stale", report)
		}
		wait(15 * time.Second)
		report := checker.Report()
		if report.Status != health.Degraded || !report.Checks[0].Stale || !report.Ready {
			t.Errorf("after 45 s: %+v, want degraded, stale, still ready", report)
		}
		hold.Store(false)
		close(release)
		wait(20 * time.Second)
		if got := checker.Status(); got != health.Healthy {
			t.Errorf("going on: %v, want healthy", got)
		}
		if want := []health.Status{health.Healthy, health.Degraded, health.Healthy}; len(told) != 3 || told[0] != want[0] || told[1] != want[1] || told[2] != want[2] {
			t.Errorf("told %v, want %v", told, want)
		}
	})
}
