package main

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/upkeephq/upkeep/services/kit/build"
	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
)

// An incident of before the watchdog's restart is told to Prometheus as soon as its target is known.
func TestIncidentsOfBeforeAreExposed(t *testing.T) {
	j, err := journal.Open(t.TempDir(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	began := time.Now().Add(-time.Minute)
	in := journal.Incident{
		ID: journal.NewIncidentID("api", began), Target: "api", Cause: "exited", Outcome: journal.OutcomeOpen, StartedAt: began,
		LogTail: []string{"out of ideas"},
	}
	if err := j.SaveIncident(in); err != nil {
		t.Fatal(err)
	}
	s, err := loadSettings(nil)
	if err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewPedanticRegistry()
	l, err := assemble(kind{}, s, build.Info{}, j, reg, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	defer l.status.close()
	l.metrics.Add("api")
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "watchdog_incident_info" {
			continue
		}
		labels := map[string]string{}
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels[l.GetName()] = l.GetValue()
		}
		if labels["incident"] != in.ID || labels["target"] != "api" || labels["last_log"] != "out of ideas" {
			t.Errorf("exposed %v, want incident %s", labels, in.ID)
		}
		return
	}
	t.Error("watchdog_incident_info is not exposed")
}
