package main

import (
	"errors"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
	"github.com/upkeephq/upkeep/services/watchdog/internal/systemd"
)

// local makes the loop of a fake engine one that runs processes.
func local(l *loop) { l.local = true }

// A process is started before its incident is complete, but the ledger knows of it and the evidence is there in the end.
func TestProcessLedgerAndEvidence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir, e := t.TempDir(), newEngine()
		before := ""
		act := e.restart
		e.restart = func(r supervise.Restart) supervise.Outcome {
			before = ledger(t, dir)
			return act(r)
		}
		l, stop := watched(t, dir, e, local)
		e.look()
		time.Sleep(15 * time.Minute)
		e.exit(1)
		synctest.Wait()
		time.Sleep(time.Second)
		if !strings.Contains(before, "restart_ages_seconds") {
			t.Errorf("when the process was started the ledger held no restart:\n%s", before)
		}
		all := l.journal.Incidents()
		if len(all) != 1 {
			t.Fatalf("%d incidents, want 1", len(all))
		}
		in, err := l.journal.Incident(all[0].ID)
		if err != nil || len(in.LogTail) != 1 || in.ExitCode == nil || *in.ExitCode != 1 || in.Restarts[0].Reason != supervise.ReasonExited {
			t.Errorf("the incident: %+v, %v", in, err)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// With the budget of all workers spent, the watchdog ends, so that whoever started it can act.
func TestProcessBudgetSpentEndsTheLoop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		e.obs.Policy.MaxRestarts, e.obs.Policy.RestartDelay = 2, 0
		_, stop := watched(t, t.TempDir(), e, local)
		e.look()
		synctest.Wait()
		for range 3 {
			e.exit(1)
			time.Sleep(time.Second) // in the bubble's time: the first two are up again
			synctest.Wait()
		}
		if err := stop(); !errors.Is(err, errBudgetSpent) {
			t.Errorf("got %v, want %v", err, errBudgetSpent)
		}
	})
}

// Containers outlive the watchdog, so that it waits until their budget allows another restart.
func TestContainersBudgetSpentEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := newEngine()
		e.obs.Policy.MaxRestarts = 0
		l, stop := watched(t, t.TempDir(), e)
		e.look()
		synctest.Wait()
		e.exit(1)
		time.Sleep(time.Minute)
		if s := l.status.get(); len(s.Targets) != 1 || s.Targets[0].State != supervise.StateExhausted {
			t.Errorf("status %+v", s)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// systemd is told that the watchdog is ready when the workers are, and not before.
func TestProcessReadiness(t *testing.T) {
	name := filepath.Join(t.TempDir(), "s")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	n, err := systemd.New(name, 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	l := &loop{core: supervise.New(supervise.DefaultOptions()), systemd: n, now: time.Now}
	seen := func(target string, probe string) {
		o := &supervise.Observation{Status: supervise.StatusRunning, Health: supervise.HealthNone, Policy: supervise.DefaultPolicy(),
			Instance: supervise.Instance{ID: target, StartedAt: time.Now()}}
		o.Policy.Probe = probe
		l.core.Step(supervise.Event{Kind: supervise.EventSeen, At: time.Now(), Target: target, Seen: o})
	}
	seen("api-1", "none")
	seen("api-2", "/health/live")
	l.spent()
	if l.ready {
		t.Fatal("ready, though api-2 has not answered yet")
	}
	seen("api-2", "none")
	l.spent()
	l.spent() // tells it once
	n.Stopping()
	buf := make([]byte, 100)
	for _, want := range []string{"READY=1", "STOPPING=1"} {
		k, err := c.Read(buf)
		if err != nil || string(buf[:k]) != want {
			t.Errorf("told %q, %v; want %s", buf[:k], err, want)
		}
	}
}
