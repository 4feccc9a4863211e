package main

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// evidenceBefore is how long the restart of a process that still runs waits for evidence that the restart destroys.
const evidenceBefore = 2 * time.Second

// gatherer returns what adds the evidence about a target, as it stands now, to an incident; ended: another
// run may begin meanwhile.
func (l *loop) gatherer(incident string, v supervise.View, ended bool) func(context.Context) {
	if incident == "" {
		return func(context.Context) {}
	}
	e, until := l.knownEvidence(v, l.targets[v.Target]), l.now()
	return func(ctx context.Context) {
		found := l.driver.Evidence(ctx, v.Observation.Instance.ID, until)
		e.add(found, ended)
		for _, missing := range found.Errors {
			l.log.Warn("evidence is missing from an incident", zap.String("incident", incident), zap.String("error", missing))
		}
		l.fail("add evidence to an incident", l.recorder.Attach(incident, e.Evidence))
	}
}

// evidence is what is known of an outage, as the journal wants it.
type evidence struct{ journal.Evidence }

// knownEvidence is what needs no call.
func (l *loop) knownEvidence(v supervise.View, s *shown) evidence {
	o := v.Observation
	e := evidence{journal.Evidence{
		FailedAt: v.DownSince, ContainerID: o.Instance.ID, ExitCode: codeOf(o), OOMKilled: o.OOMKilled, Error: o.Error,
	}}
	if s == nil {
		return e
	}
	e.Image, e.MemoryLimit = s.info.Image, int64(min(s.info.MemoryLimit, 1<<62))
	if s.probe != nil && !s.probe.OK {
		e.Probe = &journal.ProbeEvidence{Error: s.probe.Error, Body: s.body}
	}
	return e
}

// add takes what the driver found. Of a container that was started meanwhile only what belongs to the ended run is taken.
func (e *evidence) add(d observe.Evidence, ended bool) {
	for _, line := range d.Logs {
		text := line.Text
		if !line.At.IsZero() {
			text = line.At.UTC().Format("2006-01-02T15:04:05.000Z") + " " + text
		}
		e.LogTail = append(e.LogTail, text)
	}
	if u := d.Usage; u != nil {
		e.MemoryBytes, e.CPURatio = int64(min(u.MemoryBytes, 1<<62)), u.CPURatio
		if u.LimitBytes > 0 {
			e.MemoryLimit = int64(min(u.LimitBytes, 1<<62))
		}
	}
	if ended {
		return
	}
	for _, h := range d.Health {
		e.HealthLog = append(e.HealthLog, journal.HealthResult{At: h.At, ExitCode: h.ExitCode, Output: h.Output})
	}
}

func codeOf(o supervise.Observation) *int {
	if o.Status != supervise.StatusExited && o.Status != supervise.StatusDead {
		return nil
	}
	return &o.ExitCode
}
