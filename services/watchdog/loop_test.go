package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/zap"

	"github.com/upkeephq/upkeep/services/watchdog/internal/control"
	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// engine is a fake driver: the loop is tested here, the real engine in deploy/e2e.
type engine struct {
	out     chan<- observe.Notice
	ready   chan struct{}
	obs     supervise.Observation
	restart func(supervise.Restart) supervise.Outcome
	metrics *prometheus.Registry
}

func (e *engine) Run(ctx context.Context, out chan<- observe.Notice) error {
	e.out = out
	out <- observe.Notice{Connection: &observe.Connection{Connected: true, APIVersion: "1.41"}}
	close(e.ready)
	<-ctx.Done()
	return nil
}

func (e *engine) Restart(_ context.Context, _ string, _ supervise.Instance, r supervise.Restart) supervise.Outcome {
	return e.restart(r)
}

func (e *engine) Probe(_ context.Context, _ string, run supervise.Instance) (supervise.ProbeResult, string) {
	return supervise.ProbeResult{Instance: run, OK: true}, ""
}

func (e *engine) Evidence(context.Context, string, time.Time) observe.Evidence {
	return observe.Evidence{Logs: []observe.LogLine{{Text: "last words, API_TOKEN=hunter2"}}}
}

// look tells the loop what there is to see.
func (e *engine) look() {
	obs := e.obs
	e.out <- observe.Notice{Info: &observe.Info{Target: "api", Image: "api:1"},
		Event: supervise.Event{Kind: supervise.EventSeen, Target: "api", Seen: &obs}}
}

func (e *engine) begin() {
	e.obs.Instance = supervise.Instance{ID: "c1", StartedAt: time.Now()}
	e.obs.Status = supervise.StatusRunning
}

func (e *engine) exit(code int) {
	e.obs.Status, e.obs.ExitCode, e.obs.FinishedAt = supervise.StatusExited, code, time.Now()
	e.look()
}

func newEngine() *engine {
	e := &engine{ready: make(chan struct{}), metrics: prometheus.NewRegistry()}
	e.obs = supervise.Observation{Health: supervise.HealthNone, RestartPolicy: supervise.RestartNo, Policy: supervise.DefaultPolicy()}
	e.restart = func(r supervise.Restart) supervise.Outcome {
		time.Sleep(300 * time.Millisecond) // in the bubble's time
		e.begin()
		e.look()
		return supervise.Outcome{Attempt: r.Attempt, StartedAt: time.Now(), EndedAt: time.Now()}
	}
	e.begin()
	return e
}

// watched runs a loop on a fake engine, within a synctest bubble.
func watched(t *testing.T, dir string, e *engine, change ...func(*loop)) (l *loop, stop func() error) {
	t.Helper()
	j, err := journal.Open(dir, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	recorder, err := journal.NewRecorder(j, "test")
	if err != nil {
		t.Fatal(err)
	}
	l = &loop{
		core: supervise.New(supervise.DefaultOptions()), driver: e, journal: j, recorder: recorder, log: zap.NewNop(), now: time.Now,
		metrics: control.NewMetrics(e.metrics, "test", "test", time.Now),
		words:   make(chan word), notices: make(chan observe.Notice), timers: map[string]*time.Timer{}, targets: map[string]*shown{},
	}
	l.status = newBoard(j.WriteStatus, func(err error) { t.Error(err) })
	for target, h := range j.Histories() {
		l.core.Restore(target, h)
	}
	for _, c := range change {
		c(l)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- l.run(ctx) }()
	<-e.ready
	return l, func() error {
		cancel()
		err := <-ended
		l.status.close()
		if err := recorder.Close(); err != nil {
			t.Error(err)
		}
		if err := j.Close(); err != nil {
			t.Error(err)
		}
		return err
	}
}

// ledger returns what is on disk.
func ledger(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "watchdog_ledger.jsonl"))
	if err != nil {
		t.Error(err)
	}
	return string(data)
}

func TestLedgerIsWrittenBeforeTheRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, e := t.TempDir(), newEngine()
		before := ""
		act := e.restart
		e.restart = func(r supervise.Restart) supervise.Outcome {
			before = ledger(t, dir)
			return act(r)
		}
		_, stop := watched(t, dir, e)
		e.look()
		time.Sleep(15 * time.Minute)
		e.exit(1)
		synctest.Wait()
		time.Sleep(time.Second)
		if !strings.Contains(before, "restart_ages_seconds") {
			t.Errorf("when the engine was asked the ledger held no restart:\n%s", before)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestIncidentTellsWhatHappened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, e := t.TempDir(), newEngine()
		l, stop := watched(t, dir, e)
		e.look()
		time.Sleep(15 * time.Minute)
		e.exit(3)
		time.Sleep(2 * time.Second)
		all := l.journal.Incidents()
		if len(all) != 1 {
			t.Fatalf("got %d incidents, want 1", len(all))
		}
		in, err := l.journal.Incident(all[0].ID)
		if err != nil {
			t.Fatal(err)
		}
		if in.Cause != supervise.ReasonExited || in.Outcome != journal.OutcomeRecovered || in.ExitCode == nil || *in.ExitCode != 3 || in.Image != "api:1" {
			t.Errorf("got %+v", in)
		}
		if got, want := in.DowntimeSeconds, 0.3; got < want || got > want+0.1 {
			t.Errorf("down for %v s, want %v", got, want)
		}
		if len(in.LogTail) != 1 || strings.Contains(in.LogTail[0], "hunter2") || !strings.Contains(in.LogTail[0], "last words") {
			t.Errorf("log tail: %q", in.LogTail)
		}
		s := l.status.get()
		if len(s.Targets) != 1 || s.Targets[0].State != supervise.StateUp || s.Targets[0].Restarts.Total != 1 || s.Targets[0].LastIncident != in.ID {
			t.Errorf("status: %+v", s.Targets)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// The death that finds the budget spent is not answered by a restart, and it is the one that a person is called for.
func TestIncidentWithoutARestartHasEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		e.obs.Policy.MaxRestarts, e.obs.Policy.RestartDelay = 1, 0
		l, stop := watched(t, t.TempDir(), e)
		e.look()
		synctest.Wait()
		for _, code := range []int{1, 137} {
			e.exit(code)
			time.Sleep(time.Second) // in the bubble's time: the first one is up again
			synctest.Wait()
		}
		latest := l.recorder.Latest("api")
		in, err := l.journal.Incident(latest)
		if err != nil {
			t.Fatal(err)
		}
		if len(l.journal.Incidents()) != 2 || len(in.Restarts) != 0 || in.Outcome != journal.OutcomeOpen {
			t.Fatalf("want a second, open incident without a restart: %+v", in)
		}
		if in.ExitCode == nil || *in.ExitCode != 137 || len(in.LogTail) != 1 || in.Image != "api:1" {
			t.Errorf("evidence is missing: exit code %v, log %q, image %q", in.ExitCode, in.LogTail, in.Image)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestBudgetSurvivesTheWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, restarts := t.TempDir(), 0
		for range 4 {
			e := newEngine()
			e.obs.Policy.MaxRestarts, e.obs.Policy.RestartDelay = 3, 0
			act := e.restart
			e.restart = func(r supervise.Restart) supervise.Outcome { restarts++; return act(r) }
			l, stop := watched(t, dir, e)
			e.look()
			synctest.Wait()
			e.exit(1)
			time.Sleep(time.Second)
			if s := l.status.get(); restarts == 3 && len(s.Targets) == 1 && s.Targets[0].Restarts.Remaining != 0 {
				t.Errorf("the budget is spent, and yet %+v", s.Targets[0].Restarts)
			}
			want := fmt.Sprintf("# HELP watchdog_restart_budget_limit Restarts that the target's budget allows in its window.\n"+
				"# TYPE watchdog_restart_budget_limit gauge\nwatchdog_restart_budget_limit{target=\"api\"} 3\n"+
				"# HELP watchdog_restart_budget_remaining Restarts that the target's budget still allows in its window.\n"+
				"# TYPE watchdog_restart_budget_remaining gauge\nwatchdog_restart_budget_remaining{target=\"api\"} %d\n", 3-restarts)
			if err := testutil.GatherAndCompare(e.metrics, strings.NewReader(want), "watchdog_restart_budget_limit", "watchdog_restart_budget_remaining"); err != nil {
				t.Error(err)
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
		}
		if restarts != 3 {
			t.Errorf("4 deaths under 4 watchdogs: %d restarts, want 3", restarts)
		}
	})
}

func TestCommandsReachTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		l, stop := watched(t, t.TempDir(), e)
		e.look()
		synctest.Wait()
		got, err := l.do(t.Context(), control.Command{Verb: control.Pause, Target: "api", For: time.Minute})
		if err != nil || len(got) != 1 {
			t.Fatal(got, err)
		}
		time.Sleep(time.Second)
		if s := l.status.get().Targets[0].State; s != supervise.StatePaused {
			t.Errorf("state %s, want paused", s)
		}
		time.Sleep(time.Minute)
		if s := l.status.get().Targets[0].State; s != supervise.StateUp {
			t.Errorf("a minute later: state %s, want up", s)
		}
		if _, err := l.do(t.Context(), control.Command{Verb: control.Restart, Target: "nobody"}); err == nil || !strings.Contains(err.Error(), "nobody") {
			t.Errorf("an unknown target: %v", err)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestDryRunTouchesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, e := t.TempDir(), newEngine()
		e.restart = func(supervise.Restart) supervise.Outcome {
			t.Error("the engine was asked")
			return supervise.Outcome{}
		}
		l, stop := watched(t, dir, e)
		l.dryRun = true
		e.look()
		synctest.Wait()
		e.exit(1)
		time.Sleep(time.Minute)
		data, err := os.ReadFile(filepath.Join(dir, "watchdog.log"))
		if err != nil {
			t.Error(err)
		}
		if n := strings.Count(string(data), "dry run, nothing is done"); n < 2 {
			t.Errorf("reported %d restarts that it would have made, want a first and repeated ones:\n%s", n, data)
		}
		if strings.Contains(ledger(t, dir), "restart_ages_seconds") {
			t.Error("a dry run spent budget")
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
