package control

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// t0 is when tests happen.
var t0 = time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC)

func sec(at float64) time.Time { return t0.Add(time.Duration(at * float64(time.Second))) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// golden compares with a file, or writes it with -update.
func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if string(got) != string(want) {
		t.Errorf("%s differs (go test -update rewrites it); got:\n%s", path, got)
	}
}

// world is what a site shows in the tests.
type world struct {
	status    journal.Status
	incidents []journal.Incident
	beat      time.Time
	synced    bool
	now       time.Time
}

func healthyWorld() *world {
	code := 137
	id := "20261123T215000Z-upkeep-api-1-abcd"
	return &world{
		beat: sec(-1), synced: true, now: t0,
		status: journal.Status{
			Version: "1.2.3", StartedAt: sec(-7200), UpdatedAt: sec(-1), HeartbeatAt: sec(-1),
			Docker: journal.Docker{Connected: true, APIVersion: "1.41", ServerVersion: "20.10.24"},
			Targets: []journal.Target{
				{
					Target: "upkeep-api-1", State: "up", Reason: "healthy", Since: sec(-600), Health: "healthy", LastIncident: id,
					Restarts: journal.Restarts{InWindow: 1, Max: 10, WindowSeconds: 3600, Remaining: 9}, UptimeRatio24h: 0.99995, UptimeRatio7d: 1,
				},
				{
					Target: "upkeep-db-1", State: "exhausted", Reason: "budget", Detail: "10 restarts in 1h0m0s did not help", Since: sec(-30), Health: "none",
					Restarts: journal.Restarts{InWindow: 10, Max: 10, WindowSeconds: 3600, NextAt: sec(90)}, UptimeRatio24h: 0.5, UptimeRatio7d: 0.9,
				},
			},
		},
		incidents: []journal.Incident{{
			ID: id, Target: "upkeep-api-1", Cause: "exited", Outcome: journal.OutcomeRecovered,
			StartedAt: sec(-600), DetectedAt: sec(-600), RestartedAt: sec(-600), RecoveredAt: sec(-599), ClosedAt: sec(-599), DowntimeSeconds: 1,
			ExitCode: &code, MemoryBytes: 30 << 20, MemoryLimit: 64 << 20, CPURatio: 0.5, Image: "api:1", ContainerID: "0123456789abcdef",
			Timeline: []journal.Moment{
				{At: sec(-600), From: "up", To: "down", Reason: "exited", Detail: "the process ended by itself with exit code 137"},
				{At: sec(-600), From: "down", To: "restarting", Reason: "exited"},
				{At: sec(-599), From: "starting", To: "up", Reason: "healthy"},
			},
			Restarts:  []journal.Attempt{{At: sec(-600), Reason: "exited"}},
			HealthLog: []journal.HealthResult{{At: sec(-605), Output: "ok"}},
			Probe:     &journal.ProbeEvidence{Error: "connection refused", Body: "nothing"},
			LogTail:   []string{"listening on :8000", "fatal: out of ideas"},
		}},
	}
}

func (w *world) options() Options {
	return Options{
		Status: func() journal.Status { return w.status },
		Incidents: func() []journal.Summary {
			var all []journal.Summary
			for _, in := range w.incidents {
				all = append(all, in.Summary())
			}
			return all
		},
		Incident: func(ref string) (journal.Incident, error) {
			for _, in := range w.incidents {
				if in.ID == ref {
					return in, nil
				}
			}
			return journal.Incident{}, journal.ErrNoIncident
		},
		Heartbeat: func() time.Time { return w.beat }, Synced: func() bool { return w.synced },
		Version: "1.2.3", Now: func() time.Time { return w.now },
	}
}
