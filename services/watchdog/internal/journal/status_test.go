package journal

import (
	"encoding/json"
	"os"
	"sync"
	"testing"
	"time"
)

func exampleStatus() Status {
	return Status{
		Version: "1.2.3", StartedAt: t0, UpdatedAt: sec(60), HeartbeatAt: sec(60),
		Docker: Docker{Connected: true, APIVersion: "1.41", ServerVersion: "20.10.24"},
		Targets: []Target{
			{
				Target: "upkeep-worker-1", State: "exhausted", Reason: "budget", Detail: "DB_PASSWORD=hunter2 \x1b[31mrefused\x1b[0m",
				Since: sec(30), Health: "none", Restarts: Restarts{Total: 10, InWindow: 10, Max: 10, WindowSeconds: 3600, NextAt: sec(3600)},
				ConsecutiveFailures: 3, LastProbe: &Probe{At: sec(59), DurationSeconds: 5, Error: "timeout"},
				LastIncident: "20261123T220030Z-upkeep-worker-1-abcd", UptimeRatio24h: 0.5, UptimeRatio7d: 0.9,
			},
			{
				Target: "upkeep-api-1", ContainerID: "0123456789ab", Image: "api:1", State: "up", Reason: "healthy", Since: t0, Health: "healthy",
				Restarts:  Restarts{Max: 10, WindowSeconds: 3600, Remaining: 10},
				LastProbe: &Probe{OK: true, At: sec(59), DurationSeconds: 0.001}, UptimeSeconds: 60, UptimeRatio24h: 1, UptimeRatio7d: 1,
			},
		},
	}
}

func TestStatusShape(t *testing.T) {
	j := openOn(t, t.TempDir(), newHost().clock())
	must(t, j.WriteStatus(exampleStatus()))
	data, err := os.ReadFile(j.Dir().path(statusName))
	must(t, err)
	golden(t, "status.json", data)
	st, err := j.Dir().Status()
	must(t, err)
	again, err := st.Encode()
	must(t, err)
	if string(again) != string(data) {
		t.Errorf("reading and writing it again changes it:\n%s", again)
	}
	empty, err := Status{}.Encode()
	must(t, err)
	var m map[string]any
	must(t, json.Unmarshal(empty, &m))
	if list, ok := m["targets"].([]any); !ok || len(list) != 0 {
		t.Errorf("no targets must be [], not %v", m["targets"])
	}
}

// Whoever reads while the watchdog writes gets a whole status.
func TestStatusIsAlwaysWhole(t *testing.T) {
	j := openOn(t, t.TempDir(), newHost().clock())
	must(t, j.WriteStatus(exampleStatus()))
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := j.Dir().Status(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	s := exampleStatus()
	for i := range 60 {
		s.Targets = make([]Target, i*10)
		must(t, j.WriteStatus(s))
	}
	close(stop)
	readers.Wait()
}

func BenchmarkWriteStatus200(b *testing.B) {
	j := openOn(b, b.TempDir(), SystemClock(time.Now))
	s := exampleStatus()
	for len(s.Targets) < 200 { // all are up, as on most days
		s.Targets = append(s.Targets, s.Targets[1])
	}
	b.ReportAllocs()
	for b.Loop() {
		must(b, j.WriteStatus(s))
	}
}

func BenchmarkEncodeStatus200(b *testing.B) {
	s := exampleStatus()
	for len(s.Targets) < 200 { // all are up, as on most days
		s.Targets = append(s.Targets, s.Targets[1])
	}
	b.ReportAllocs()
	for b.Loop() {
		_, err := s.Encode()
		must(b, err)
	}
}
