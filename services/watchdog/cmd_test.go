package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/upkeephq/upkeep/services/watchdog/internal/control"
	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
)

var updateCommands = flag.Bool("update-commands", false, "rewrite the golden output of the commands")

var cmdNow = time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC)

// someStatus is what a watchdog with a good, a bad and a paused target shows.
func someStatus() journal.Status {
	ago := func(d time.Duration) time.Time { return cmdNow.Add(-d) }
	budget := func(spent int) journal.Restarts {
		return journal.Restarts{InWindow: spent, Max: 10, Remaining: 10 - spent, WindowSeconds: 3600}
	}
	bad := budget(10)
	bad.NextAt = ago(-90 * time.Second)
	return journal.Status{
		Version: "1.2.3", StartedAt: ago(76 * time.Hour), UpdatedAt: ago(5 * time.Minute), HeartbeatAt: ago(5 * time.Minute),
		Docker: journal.Docker{Connected: true, ServerVersion: "20.10.24"},
		Targets: []journal.Target{
			{Target: "upkeep-api-1", State: "up", Reason: "healthy", Since: ago(10 * time.Minute), Restarts: budget(1),
				LastIncident: "20261123T215000Z-upkeep-api-1-abcd", UptimeRatio24h: 0.99995, UptimeRatio7d: 1},
			{Target: "upkeep-cache-1", State: "paused", Reason: "paused", Detail: "left alone until resumed", Since: ago(time.Minute), Restarts: budget(0), UptimeRatio24h: 1, UptimeRatio7d: 1},
			{Target: "upkeep-db-1", State: "exhausted", Reason: "budget", Detail: "10 restarts in 1h0m0s did not help (exit code 1)",
				Since: ago(30 * time.Second), Restarts: bad, UptimeRatio24h: 0.5, UptimeRatio7d: 0.93},
		},
	}
}

// shell runs commands against a log directory and, when it is up, a watchdog.
type shell struct {
	testing.TB
	viewer
	server *httptest.Server
	beat   time.Time
}

func newShell(t *testing.T) *shell {
	t.Helper()
	s := &shell{TB: t, beat: cmdNow}
	s.server = httptest.NewServer(control.New(control.Options{
		Gatherer: prometheus.NewRegistry(), Status: someStatus, Incidents: func() []journal.Summary { return nil },
		Incident:  func(string) (journal.Incident, error) { return journal.Incident{}, journal.ErrNoIncident },
		Heartbeat: func() time.Time { return s.beat }, Synced: func() bool { return true }, Now: func() time.Time { return cmdNow },
	}))
	t.Cleanup(s.server.Close)
	s.viewer = newViewer(s.server.URL, t.TempDir())
	s.now = func() time.Time { return cmdNow }
	return s
}

func (s *shell) ok(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

func (s *shell) journal() *journal.Journal {
	s.Helper()
	j, err := journal.Open(string(s.dir), func() time.Time { return cmdNow })
	s.ok(err)
	return j
}

// prints compares what a command prints with a golden file.
func (s *shell) prints(name string, got []byte) {
	s.Helper()
	out := strings.ReplaceAll(strings.ReplaceAll(string(got), s.server.URL, "http://WATCHDOG"), string(s.dir), "LOG_DIR")
	if at := strings.Index(out, "dial tcp"); at >= 0 { // the port changes
		out = out[:at] + "dial tcp …" + out[at+strings.Index(out[at:], "\n"):]
	}
	path := filepath.Join("testdata", "commands", name+".txt")
	if *updateCommands {
		s.ok(os.MkdirAll(filepath.Dir(path), 0o755))
		s.ok(os.WriteFile(path, []byte(out), 0o644))
	}
	want, err := os.ReadFile(path)
	s.ok(err)
	if out != string(want) {
		s.Errorf("%s differs (go test -update-commands rewrites it); got:\n%s", path, out)
	}
}

func TestStatusCommand(t *testing.T) {
	s := newShell(t)
	var out bytes.Buffer
	s.ok(runStatus(t.Context(), &out, s.viewer, false))
	s.prints("status", out.Bytes())
	out.Reset()
	s.ok(runStatus(t.Context(), &out, s.viewer, true))
	want, err := someStatus().Encode()
	s.ok(err)
	if out.String() != string(want) {
		t.Errorf("--json differs from /status:\n%s", &out)
	}
}

// Without a running watchdog the last status is shown, with its age and the reason.
func TestStatusCommandWithoutWatchdog(t *testing.T) {
	s := newShell(t)
	s.server.Close()
	var out bytes.Buffer
	err := runStatus(t.Context(), &out, s.viewer, false)
	if err == nil || !strings.Contains(err.Error(), "does not answer") || !strings.Contains(err.Error(), "LOG_DIR") || out.Len() > 0 {
		t.Errorf("nothing to show: %v, %q", err, &out)
	}
	j := s.journal()
	s.ok(j.WriteStatus(someStatus()))
	s.ok(j.Close())
	s.ok(runStatus(t.Context(), &out, s.viewer, false))
	s.prints("status-offline", out.Bytes())
}

func TestHealthcheckCommand(t *testing.T) {
	s := newShell(t)
	s.ok(runHealthcheck(t.Context(), s.viewer))
	s.beat = cmdNow.Add(-time.Minute)
	if err := runHealthcheck(t.Context(), s.viewer); err == nil || !strings.Contains(err.Error(), "heartbeat_stale") {
		t.Errorf("a loop that hangs: %v", err)
	}
	s.server.Close()
	if err := runHealthcheck(t.Context(), s.viewer); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("no watchdog: %v", err)
	}
}

func TestEventsCommand(t *testing.T) {
	s := newShell(t)
	j := s.journal()
	at := func(sec int) time.Time { return cmdNow.Add(time.Duration(sec) * time.Second) }
	code := 137
	id := journal.NewIncidentID("upkeep-api-1", at(1))
	for _, e := range []journal.Entry{
		{At: at(0), Type: journal.TypeStarting, Detail: "watchdog 1.2.3"},
		{At: at(0), Type: journal.TypeDockerConnected, Detail: "engine 20.10.24, API 1.41"},
		{At: at(1), Level: journal.LevelWarn, Type: journal.TypeState, Target: "upkeep-api-1", From: "up", To: "down", Reason: "exited", Detail: "exit code 137", Incident: id, ExitCode: &code},
		{At: at(1), Type: journal.TypeRestart, Target: "upkeep-api-1", Reason: "exited", Incident: id},
		{At: at(2), Type: journal.TypeRestartDone, Target: "upkeep-api-1", Seconds: 0.42},
		{At: at(3), Type: journal.TypeRecovered, Target: "upkeep-api-1", From: "starting", To: "up", Reason: "healthy", Detail: "well again after 2s", Seconds: 2, Incident: id},
		{At: at(4), Level: journal.LevelError, Type: journal.TypeDockerLost, Detail: "EOF"},
		{At: at(5), Type: journal.TypeState, Target: "upkeep-api-1", From: "down", To: "down", Reason: "action_timeout"},
	} {
		s.ok(j.Log(e))
	}
	s.ok(j.Close())
	var out bytes.Buffer
	s.ok(runEvents(t.Context(), &out, s.viewer, 0, false, false))
	s.prints("events", out.Bytes())
	out.Reset()
	s.ok(runEvents(t.Context(), &out, s.viewer, 1, false, true))
	if want := `{"ts":"2026-11-23T22:00:05Z","level":"info","type":"state","target":"upkeep-api-1","from":"down","state":"down","reason":"action_timeout"}` + "\n"; out.String() != want {
		t.Errorf("--json -n 1: %s", &out)
	}
}

func TestIncidentsCommand(t *testing.T) {
	s := newShell(t)
	var out bytes.Buffer
	s.ok(runIncidents(&out, s.viewer, "", false))
	if out.String() != "No incidents on record.\n" {
		t.Errorf("nothing: %q", &out)
	}
	j := s.journal()
	at := func(sec float64) time.Time { return cmdNow.Add(time.Duration(sec * float64(time.Second))) }
	code := 137
	whole := journal.Incident{
		ID: journal.NewIncidentID("upkeep-api-1", at(-600)), Target: "upkeep-api-1", Cause: "exited", Outcome: journal.OutcomeRecovered,
		StartedAt: at(-600), DetectedAt: at(-599.9), RestartedAt: at(-599.9), RecoveredAt: at(-599.2), ClosedAt: at(-599.2), DowntimeSeconds: 0.8,
		Image: "ghcr.io/upkeephq/upkeep-api:0.1.0", ContainerID: "0123456789abcdef", ExitCode: &code,
		MemoryBytes: 30 << 20, MemoryLimit: 64 << 20, CPURatio: 0.25,
		Timeline: []journal.Moment{
			{At: at(-599.9), From: "up", To: "down", Reason: "exited", Detail: "the process ended by itself with exit code 137"},
			{At: at(-599.9), From: "down", To: "restarting", Reason: "exited"},
			{At: at(-599.2), From: "starting", To: "up", Reason: "healthy"},
		},
		Restarts:  []journal.Attempt{{At: at(-599.9), Reason: "exited"}},
		HealthLog: []journal.HealthResult{{At: at(-605), Output: "ok\n"}},
		Probe:     &journal.ProbeEvidence{Error: "connection refused", Body: "line 1\nline 2"},
		LogTail:   []string{"listening on :8000", "db password=hunter2", "fatal: out of ideas"},
	}
	s.ok(j.SaveIncident(whole))
	s.ok(j.SaveIncident(journal.Incident{ID: journal.NewIncidentID("upkeep-db-1", at(-90)), Target: "upkeep-db-1", Cause: "oom", Outcome: journal.OutcomeOpen, StartedAt: at(-90), DetectedAt: at(-90)}))
	s.ok(j.Close())
	s.ok(runIncidents(&out, s.viewer, "", false))
	out.Reset()
	s.ok(runIncidents(&out, s.viewer, "", false))
	s.prints("incidents", out.Bytes())
	out.Reset()
	s.ok(runIncidents(&out, s.viewer, whole.ID[:20], false))
	s.prints("incident", out.Bytes())
	out.Reset()
	s.ok(runIncidents(&out, s.viewer, "", true))
	if !strings.Contains(out.String(), `"outcome": "open"`) {
		t.Errorf("--json: %s", &out)
	}
	out.Reset()
	s.ok(runIncidents(&out, s.viewer, whole.ID, true))
	if !strings.Contains(out.String(), `"db password=***"`) {
		t.Errorf("ID --json: %s", &out)
	}
	for ref, want := range map[string]error{"2026": journal.ErrManyIncidents, "1999": journal.ErrNoIncident, "../x": journal.ErrBadIncidentRef} {
		if err := runIncidents(&out, s.viewer, ref, false); !errors.Is(err, want) {
			t.Errorf("%s: %v", ref, err)
		}
	}
}

func TestControlCommands(t *testing.T) {
	s := newShell(t)
	l, err := control.Listen(s.dir.Socket())
	s.ok(err)
	var got control.Command
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: control.Commands(func(_ context.Context, c control.Command) ([]string, error) {
		got = c
		switch c.Target {
		case "":
			return []string{"a", "b"}, nil
		case "x":
			return nil, control.ErrUnknownTarget
		}
		return []string{c.Target}, nil
	})}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	defer func() { s.ok(server.Close()); <-ended }()
	for _, c := range []struct {
		verb     control.Verb
		target   string
		all      bool
		pauseFor time.Duration
		want     string
		fault    string
	}{
		{control.Pause, "a", false, 30 * time.Minute, "Paused for 30 min: a\n", ""},
		{control.Pause, "a", false, 0, "Paused: a\n", ""},
		{control.Resume, "", true, 0, "Resumed: a, b\n", ""},
		{control.Restart, "a", false, 0, "Restart asked for: a\n", ""},
		{control.Reset, "a", false, 0, "History cleared: a\n", ""},
		{control.Reset, "x", false, 0, "", "reset: unknown target"},
		{control.Reset, "", false, 0, "", "name one target, or give --all"},
		{control.Reset, "a", true, 0, "", "name one target, or give --all"},
		{control.Pause, "a", false, -time.Second, "", "want a duration above 0"},
	} {
		var out bytes.Buffer
		err := runControl(t.Context(), &out, s.viewer, c.verb, c.target, c.all, c.pauseFor)
		if out.String() != c.want || (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s %s: %q, %v", c.verb, c.target, &out, err)
		}
		if c.fault == "" && (got.Verb != c.verb || got.Target != c.target || got.For != c.pauseFor) {
			t.Errorf("%s %s arrived as %+v", c.verb, c.target, got)
		}
	}
}
