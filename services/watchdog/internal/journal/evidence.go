package journal

import (
	"cmp"
	"fmt"
	"time"
)

// Evidence is what was found out about an outage. Zero fields say nothing.
type Evidence struct {
	FailedAt    time.Time // when it went wrong, where that is earlier than when it was noticed
	Image       string
	ContainerID string
	ExitCode    *int
	OOMKilled   bool
	Error       string // what the engine said
	Probe       *ProbeEvidence
	HealthLog   []HealthResult
	MemoryBytes int64
	MemoryLimit int64
	CPURatio    float64
	LogTail     []string
}

// Attach adds evidence to an incident, also after it is over. What is there already stays where the evidence is silent.
// It is written as Observe does it.
func (r *Recorder) Attach(id string, e Evidence) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var in *Incident
	for _, o := range r.open {
		if o.ID == id {
			in = o
		}
	}
	if w, ok := r.unsaved[id]; in == nil && ok {
		in = &w.Incident
	}
	if in == nil {
		old, err := r.j.Incident(id)
		if err != nil {
			return fmt.Errorf("attach evidence: %w", err)
		}
		in = &old
	}
	in.take(e)
	r.put(*in)
	return r.trouble()
}

func (in *Incident) take(e Evidence) {
	if in.Outcome == OutcomeOpen && !e.FailedAt.IsZero() && e.FailedAt.Before(in.StartedAt) {
		in.StartedAt = e.FailedAt
	}
	in.Image, in.ContainerID = cmp.Or(e.Image, in.Image), cmp.Or(e.ContainerID, in.ContainerID)
	in.ExitCode, in.Probe = cmp.Or(e.ExitCode, in.ExitCode), cmp.Or(e.Probe, in.Probe)
	in.OOMKilled, in.Error = e.OOMKilled || in.OOMKilled, cmp.Or(e.Error, in.Error)
	in.MemoryBytes, in.MemoryLimit = cmp.Or(e.MemoryBytes, in.MemoryBytes), cmp.Or(e.MemoryLimit, in.MemoryLimit)
	in.CPURatio = cmp.Or(e.CPURatio, in.CPURatio)
	if len(e.HealthLog) > 0 {
		in.HealthLog = e.HealthLog
	}
	if len(e.LogTail) > 0 {
		in.LogTail = e.LogTail
	}
}
