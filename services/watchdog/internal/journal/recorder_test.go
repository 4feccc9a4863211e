package journal

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// tale feeds changes to a recorder; at counts seconds from t0.
type tale struct {
	testing.TB
	r  *Recorder
	id string
}

func tell(t testing.TB, j *Journal) *tale {
	t.Helper()
	r, err := NewRecorder(j, "1.2.3")
	must(t, err)
	t.Cleanup(func() { r.Close() })
	return &tale{t, r, ""}
}

func sec(at float64) time.Time { return t0.Add(time.Duration(at * float64(time.Second))) }

func (s *tale) attach(id string, e Evidence) {
	s.Helper()
	must(s, errors.Join(s.r.Attach(id, e), s.r.Flush()))
}

func (s *tale) change(at float64, from, to supervise.State, reason supervise.Reason, more ...func(*supervise.Change)) {
	s.Helper()
	ch := supervise.Change{From: from, To: to, Reason: reason, At: sec(at)}
	for _, m := range more {
		m(&ch)
	}
	id, err := s.r.Observe("upkeep-api-1", ch)
	must(s, errors.Join(err, s.r.Flush()))
	s.id = id
}

func because(cause supervise.Reason) func(*supervise.Change) {
	return func(ch *supervise.Change) { ch.Cause = cause }
}

func saying(detail string) func(*supervise.Change) {
	return func(ch *supervise.Change) { ch.Detail = detail }
}

func downFor(seconds float64) func(*supervise.Change) {
	return func(ch *supervise.Change) { ch.DownFor = time.Duration(seconds * float64(time.Second)) }
}

const (
	starting   = supervise.StateStarting
	up         = supervise.StateUp
	suspectS   = supervise.StateSuspect
	down       = supervise.StateDown
	restarting = supervise.StateRestarting
	exhausted  = supervise.StateExhausted
	stoppedS   = supervise.StateStopped
	exited     = supervise.ReasonExited
	healthyR   = supervise.ReasonHealthy
)

// One whole outage, as it is kept.
func TestIncident(t *testing.T) {
	j := openOn(t, t.TempDir(), newHost().clock())
	s := tell(t, j)
	s.change(0, "", up, healthyR)
	if s.id != "" || s.r.Latest("upkeep-api-1") != "" {
		t.Errorf("an incident without an outage: %q", s.id)
	}
	code := 137
	s.change(100, up, down, exited, because(exited), saying("the process ended by itself with exit code 137"))
	id := s.id
	s.change(100, down, restarting, exited, because(exited))
	s.attach(id, Evidence{
		FailedAt: sec(99.5), Image: "ghcr.io/upkeephq/upkeep-api:0.1.0", ContainerID: "0123456789abcdef", ExitCode: &code,
		HealthLog:   []HealthResult{{At: sec(90), ExitCode: 0, Output: "ok"}},
		MemoryBytes: 30 << 20, MemoryLimit: 64 << 20, CPURatio: 0.25,
		LogTail: []string{"\x1b[32mINFO\x1b[0m listening", "connecting to postgres://app:hunter2@db/app", "API_KEY=abc123"},
	})
	s.change(101, restarting, restarting, supervise.ReasonActionFailed, because(exited), saying("the engine refused the restart: no space"))
	s.change(101, restarting, down, exited, because(exited))
	s.change(106, down, restarting, exited, because(exited))
	s.change(107, restarting, starting, supervise.ReasonStarted, because(exited))
	s.change(108.25, starting, up, healthyR, because(exited), downFor(8.75))
	if s.id != id {
		t.Errorf("the recovery belongs to %q, the outage to %q", s.id, id)
	}
	s.attach(id, Evidence{Probe: &ProbeEvidence{Error: "connection refused", Body: `{"token":"abc"}`}})
	data, err := os.ReadFile(j.Dir().incidentPath(id))
	must(t, err)
	golden(t, "incident.json", data)
	in, err := j.Incident(id)
	must(t, err)
	golden(t, "incident.txt", []byte(strings.Join([]string{in.Headline(), in.Why(), in.Done()}, "\n")+"\n"))
}

func TestHowIncidentsEnd(t *testing.T) {
	for _, c := range []struct {
		to   supervise.State
		want Outcome
	}{
		{up, OutcomeRecovered}, {stoppedS, OutcomeStopped}, {supervise.StatePaused, OutcomePaused},
		{supervise.StateGone, OutcomeRemoved}, {supervise.StateMisconfigured, OutcomeRemoved},
		{exhausted, OutcomeOpen}, {supervise.StateHeld, OutcomeOpen}, {supervise.StateNeedsRecreate, OutcomeOpen},
		{starting, OutcomeOpen}, {suspectS, OutcomeOpen}, {restarting, OutcomeOpen},
	} {
		s := tell(t, openOn(t, t.TempDir(), newHost().clock()))
		s.change(0, up, down, exited, because(exited))
		s.change(10, down, c.to, exited)
		in, err := s.r.j.Incident(s.id)
		must(t, err)
		if in.Outcome != c.want || (in.DowntimeSeconds == 10) != (c.want != OutcomeOpen) {
			t.Errorf("down, then %s: %s after %v s", c.to, in.Outcome, in.DowntimeSeconds)
		}
	}
}

func TestWhatBeginsAnIncident(t *testing.T) {
	for _, c := range []struct {
		from, to supervise.State
		cause    supervise.Reason
		want     bool
	}{
		{up, down, exited, true}, {up, exhausted, exited, true}, {up, supervise.StateHeld, exited, true},
		{up, supervise.StateNeedsRecreate, "", true}, {up, restarting, exited, true},
		{up, restarting, "", false}, // a person asked
		{up, suspectS, "", false}, {"", starting, "", false}, {up, stoppedS, "", false}, {"", supervise.StatePaused, "", false},
	} {
		s := tell(t, openOn(t, t.TempDir(), newHost().clock()))
		s.change(0, c.from, c.to, supervise.ReasonProbe, because(c.cause))
		if (s.id != "") != c.want {
			t.Errorf("%s -> %s with cause %q: incident %q", c.from, c.to, c.cause, s.id)
		}
	}
}

// A watchdog that comes back in the middle of an outage goes on with the same incident.
func TestIncidentOutlivesTheWatchdog(t *testing.T) {
	h := newHost()
	j := openOn(t, t.TempDir(), h.clock())
	s := tell(t, j)
	s.change(0, "", up, healthyR)
	s.change(10, up, down, exited, because(exited))
	id := s.id
	must(t, s.r.Close())
	j = reopen(t, j, h.clock())
	s = tell(t, j)
	if got := s.r.Latest("upkeep-api-1"); got != id {
		t.Errorf("the latest incident is %q, want %q", got, id)
	}
	s.change(70, "", up, healthyR)
	in, err := j.Incident(id)
	must(t, err)
	if s.id != id || in.Outcome != OutcomeRecovered || in.DowntimeSeconds != 60 {
		t.Errorf("got %s: %s after %v s", s.id, in.Outcome, in.DowntimeSeconds)
	}
	if day, _ := s.r.Uptime("upkeep-api-1", sec(100)); math.Abs(day-0.4) > 1e-9 {
		t.Errorf("down 60 of 100 s: uptime %v", day)
	}
}

func TestSettle(t *testing.T) {
	h := newHost()
	j := openOn(t, t.TempDir(), h.clock())
	s := tell(t, j)
	s.change(10, up, down, exited, because(exited))
	must(t, s.r.Close())
	j = reopen(t, j, h.clock())
	s = tell(t, j)
	must(t, s.r.Settle(func(string) bool { return true }, sec(20)))
	must(t, s.r.Flush())
	if in := j.Incidents()[0]; in.Outcome != OutcomeOpen {
		t.Errorf("settled although the target exists: %+v", in)
	}
	must(t, s.r.Settle(func(string) bool { return false }, sec(30)))
	must(t, s.r.Flush())
	if in := j.Incidents()[0]; in.Outcome != OutcomeRemoved || in.DowntimeSeconds != 20 {
		t.Errorf("not settled: %+v", in)
	}
}

// A crash makes several changes at once, of which one file is made.
func TestABurstIsWrittenOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := openOn(t, t.TempDir(), newHost().clock())
		defer j.Close()
		r, err := NewRecorder(j, "1.2.3")
		must(t, err)
		defer r.Close()
		id, err := r.Observe("web", supervise.Change{To: down, Reason: exited, Cause: exited, At: sec(0)})
		must(t, err)
		time.Sleep(burst - 1)
		synctest.Wait()
		if n := len(j.Incidents()); n != 0 {
			t.Errorf("%d incidents are written before the burst is over", n)
		}
		_, err = r.Observe("web", supervise.Change{From: down, To: restarting, Reason: exited, At: sec(0)})
		must(t, err)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		in, err := j.Incident(id)
		must(t, err)
		if len(in.Timeline) != 2 {
			t.Errorf("written with %d changes, want both", len(in.Timeline))
		}
	})
}

// What could not be written is written when that works again.
func TestIncidentIsWrittenLater(t *testing.T) {
	j := openOn(t, t.TempDir(), newHost().clock())
	s := tell(t, j)
	place := j.Dir().path("incidents")
	must(t, os.Remove(place))
	must(t, os.WriteFile(place, nil, 0o640)) // something is in the way
	id, _ := s.r.Observe("web", supervise.Change{To: down, Reason: exited, Cause: exited, At: sec(0)})
	if s.r.Flush() == nil {
		t.Fatal("written into a file")
	}
	_, _ = s.r.Observe("web", supervise.Change{To: up, Reason: healthyR, At: sec(1)})
	if s.r.Flush() == nil {
		t.Fatal("written into a file")
	}
	_ = s.r.Attach(id, Evidence{Error: "boom"})
	if s.r.Flush() == nil {
		t.Fatal("written into a file")
	}
	must(t, os.Remove(place))
	s.change(2, up, down, exited, because(exited))
	in, err := j.Incident(id)
	must(t, err)
	if in.Outcome != OutcomeRecovered || in.Error != "boom" || len(j.Incidents()) != 2 {
		t.Errorf("got %+v and %d incidents", in, len(j.Incidents()))
	}
}

func TestLongIncidentsStayBounded(t *testing.T) {
	j := openOn(t, t.TempDir(), newHost().clock())
	s := tell(t, j)
	for i := range 2000 {
		for at, to := range []supervise.State{restarting, down} {
			s.id, _ = s.r.Observe("upkeep-api-1", supervise.Change{From: down, To: to, Reason: exited, Cause: exited,
				At: sec(float64(i) + float64(at)/2), Detail: strings.Repeat("d", 5000)})
		}
	}
	lines := make([]string, 5000)
	for i := range lines {
		lines[i] = strings.Repeat("é", 4000)
	}
	s.attach(s.id, Evidence{LogTail: lines, Probe: &ProbeEvidence{Body: strings.Repeat("b", 1<<20)}})
	in, err := j.Incident(s.id)
	must(t, err)
	info, err := os.Stat(j.Dir().incidentPath(s.id))
	must(t, err)
	if len(in.Timeline) != maxMoments || len(in.Restarts) != maxAttempts || len(in.LogTail) != maxLogLines || info.Size() > 1<<20 {
		t.Errorf("%d moments, %d restarts, %d lines, %d bytes", len(in.Timeline), len(in.Restarts), len(in.LogTail), info.Size())
	}
	if !in.Timeline[0].At.Equal(t0) || !in.RestartedAt.Equal(t0) {
		t.Error("how it began is forgotten")
	}
}

func TestSummaryIsASubset(t *testing.T) {
	var in, sum map[string]any
	a, _ := json.Marshal(Incident{})
	b, _ := json.Marshal(Summary{})
	must(t, json.Unmarshal(a, &in))
	must(t, json.Unmarshal(b, &sum))
	for key := range sum {
		if _, ok := in[key]; !ok {
			t.Errorf("a summary has %q, an incident does not", key)
		}
	}
}
