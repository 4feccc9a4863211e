package health_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/upkeephq/upkeep/services/kit/health"
)

var errDown = errors.New("connection refused")

// outcome is a check whose result the test sets.
type outcome struct{ err atomic.Pointer[error] }

func (o *outcome) set(err error) { o.err.Store(&err) }
func (o *outcome) run(context.Context) error {
	if err := o.err.Load(); err != nil {
		return *err
	}
	return nil
}

// running starts a checker in a synctest bubble and stops it at the end.
func running(t *testing.T, options health.Options, checks ...health.Check) *health.Checker {
	t.Helper()
	checker := health.New(options)
	if err := checker.Add(checks...); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- checker.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	synctest.Wait()
	return checker
}

func wait(d time.Duration) { time.Sleep(d); synctest.Wait() }

func status(t *testing.T, c *health.Checker, name string) health.Status {
	t.Helper()
	for _, check := range c.Report().Checks {
		if check.Name == name {
			return check.Status
		}
	}
	t.Fatalf("no check %q in the report", name)
	return 0
}

func TestThresholdsHoldInBothDirections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var db outcome
		c := running(t, health.Options{}, health.Check{
			Name: "db", Run: db.run, Interval: time.Second, Jitter: -1, Failures: 3, Successes: 2,
		})
		steps := []struct {
			err  error
			want health.Status
		}{
			{nil, health.Healthy},
			{errDown, health.Healthy}, {errDown, health.Healthy}, {nil, health.Healthy},
			{errDown, health.Healthy}, {errDown, health.Healthy}, {errDown, health.Unhealthy},
			{nil, health.Unhealthy}, {errDown, health.Unhealthy},
			{nil, health.Unhealthy}, {nil, health.Healthy},
			{health.Warn(errDown), health.Healthy}, {errDown, health.Healthy}, {health.Warn(errDown), health.Degraded},
		}
		for i, step := range steps {
			db.set(step.err)
			wait(time.Second)
			if got := status(t, c, "db"); got != step.want {
				t.Fatalf("step %d, result %v: got %v, want %v", i, step.err, got, step.want)
			}
		}
	})
}

func TestCriticalAndSoft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var db, mail outcome
		c := running(t, health.Options{},
			health.Check{Name: "db", Run: db.run, Interval: time.Second, Jitter: -1},
			health.Check{Name: "mail", Run: mail.run, Interval: time.Second, Jitter: -1, Soft: true},
		)
		expect := func(what string, want health.Status, wantReady bool) {
			t.Helper()
			if got := c.Status(); got != want {
				t.Errorf("%s: status %v, want %v", what, got, want)
			}
			if ready, reason := c.Ready(); ready != wantReady {
				t.Errorf("%s: ready %v (%s), want %v", what, ready, reason, wantReady)
			}
			if live, _ := c.Live(); !live {
				t.Errorf("%s: not live, though no canary failed", what)
			}
		}
		expect("all well", health.Healthy, true)
		mail.set(errDown)
		wait(time.Second)
		expect("soft check down", health.Degraded, true)
		db.set(errDown)
		wait(time.Second)
		expect("critical check down", health.Unhealthy, false)
		db.set(health.Warn(errDown))
		mail.set(nil)
		wait(time.Second)
		expect("critical check warns", health.Degraded, true)
	})
}

func TestHangingCheckFailsAndIsNotCalledAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		release := make(chan struct{})
		c := running(t, health.Options{}, health.Check{
			Name: "deaf", Interval: 10 * time.Second, Timeout: time.Second, Jitter: -1,
			Run: func(context.Context) error { calls.Add(1); <-release; return nil },
		})
		wait(5 * time.Minute)
		report := c.Report().Checks[0]
		if report.Status != health.Unhealthy || report.Stale {
			t.Errorf("got %v, stale %v, want unhealthy and fresh", report.Status, report.Stale)
		}
		if !strings.Contains(fmt.Sprint(report.Err), "no answer within") {
			t.Errorf("error %v, want one that tells of the timeout", report.Err)
		}
		if n := calls.Load(); n != 1 {
			t.Errorf("called %d times while the first call was still out, want once", n)
		}
		close(release)
		wait(30 * time.Second)
		if got := c.Status(); got != health.Healthy {
			t.Errorf("after it came back: %v, want healthy", got)
		}
		if latency := c.Report().Checks[0].Latency; latency > time.Second {
			t.Errorf("latency %v: the late answer was taken, want a fresh one", latency)
		}
	})
}

func TestPanicIsContained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := running(t, health.Options{}, health.Check{
			Name: "wild", Run: func(context.Context) error { panic("nil map") },
		})
		got := fmt.Sprint(c.Report().Checks[0].Err)
		if !strings.Contains(got, "panicked: nil map at ") || !strings.Contains(got, "checker_test.go:") {
			t.Errorf("error %q, want the panic and its place", got)
		}
	})
}

func TestGraceForgivesUntilTheFirstSuccess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var db outcome
		db.set(errDown)
		c := running(t, health.Options{}, health.Check{
			Name: "db", Run: db.run, Interval: time.Second, Jitter: -1, Grace: time.Minute,
		})
		wait(30 * time.Second)
		if _, reason := c.Ready(); reason != health.Starting || c.Status() != health.Degraded {
			t.Errorf("within the grace: %v, %v, want degraded and starting", c.Status(), reason)
		}
		wait(31 * time.Second)
		if _, reason := c.Ready(); reason != health.CheckFailed || c.Status() != health.Unhealthy {
			t.Errorf("after the grace: %v, %v, want unhealthy and check_failed", c.Status(), reason)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		var db outcome
		c := running(t, health.Options{}, health.Check{
			Name: "db", Run: db.run, Interval: time.Second, Jitter: -1, Grace: time.Minute,
		})
		db.set(errDown)
		wait(time.Second)
		if got := c.Status(); got != health.Unhealthy {
			t.Errorf("a failure after a success, within the grace: %v, want unhealthy", got)
		}
	})
}

func TestStartupChecksRunUntilTheySucceed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var migrations outcome
		var calls atomic.Int32
		migrations.set(errDown)
		c := running(t, health.Options{}, health.Check{
			Name: "migrations", Interval: time.Second, Jitter: -1, Groups: health.Startup, Grace: time.Hour,
			Run: func(ctx context.Context) error { calls.Add(1); return migrations.run(ctx) },
		})
		wait(10 * time.Second)
		if c.Started() {
			t.Error("started, though the migrations have not been made")
		}
		migrations.set(nil)
		wait(2 * time.Second)
		before := calls.Load()
		wait(time.Hour)
		if ready, reason := c.Ready(); !ready || !c.Started() || c.Status() != health.Healthy {
			t.Errorf("an hour later: ready %v (%s), status %v, want ready and healthy", ready, reason, c.Status())
		}
		if calls.Load() != before {
			t.Errorf("called %d times more after it had succeeded", calls.Load()-before)
		}
	})
}

func TestChangesAreToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var db outcome
		var told []string
		c := running(t, health.Options{OnChange: func(change health.Change) {
			told = append(told, fmt.Sprintf("%s: %v -> %v %v", change.Check, change.From, change.To, change.Err))
		}}, health.Check{Name: "db", Run: db.run, Interval: time.Second, Jitter: -1, Failures: 2})
		wait(10 * time.Second)
		db.set(errDown)
		wait(10 * time.Second)
		db.set(nil)
		wait(10 * time.Second)
		c.Drain()
		synctest.Wait()
		got := strings.Join(told, "\n")
		want := strings.Join([]string{
			"db: unknown -> healthy <nil>", ": degraded -> healthy <nil>",
			"db: healthy -> unhealthy connection refused", ": healthy -> unhealthy <nil>",
			"db: unhealthy -> healthy <nil>", ": unhealthy -> healthy <nil>",
			": healthy -> degraded <nil>",
		}, "\n")
		if got != want {
			t.Errorf("told:\n%s\nwant:\n%s", got, want)
		}
		if ready, reason := c.Ready(); ready || reason != health.Draining {
			t.Errorf("draining: ready %v, reason %q", ready, reason)
		}
	})
}

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{
		"a": true, "db-1.main_2": true, strings.Repeat("x", 64): true,
		"": false, "-a": false, ".": false, "A": false, "a b": false, "a:b": false, "ä": false, strings.Repeat("x", 65): false,
	} {
		err := health.New(health.Options{}).Add(health.Check{Name: name, Run: func(context.Context) error { return nil }})
		if (err == nil) != want {
			t.Errorf("%q: %v, want it taken: %v", name, err, want)
		}
	}
}

func TestFaultyChecksAreRefusedAllAtOnce(t *testing.T) {
	ok := func(context.Context) error { return nil }
	c := health.New(health.Options{})
	err := c.Add(
		health.Check{Name: "Bad Name", Interval: -1, Jitter: 1},
		health.Check{Name: "twice", Run: ok}, health.Check{Name: "twice", Run: ok},
	)
	for _, want := range []string{"want small letters", "want a function", "no negative duration", "share below 1", "one of that name already"} {
		if !strings.Contains(fmt.Sprint(err), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
}
