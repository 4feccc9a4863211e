package process

import (
	"context"
	"strings"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/probe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// endTime is how long after a probe that broke off the end of the process may become known.
const endTime = 50 * time.Millisecond

// Probe asks a worker over its admin socket, or over its port. The result is unsure when it cannot be asked. The second
// result is the beginning of the body that came back, for the incident.
func (d *Driver) Probe(ctx context.Context, target string, instance supervise.Instance) (supervise.ProbeResult, string) {
	result := supervise.ProbeResult{Instance: instance, Unsure: true}
	var r *run
	if w := d.worker(target); w != nil {
		r = w.find(instance.ID)
	}
	if r == nil {
		result.Error = "the process is not known"
		return result, ""
	}
	answer := r.spec().Run(ctx, d.policy.ProbeTimeout)
	if !answer.OK {
		timer := time.NewTimer(endTime)
		defer timer.Stop()
		select {
		case <-r.done:
			answer.Unsure = true // it ended, which is told, and is no news about its health
		case <-timer.C:
		}
	}
	return supervise.ProbeResult{
		Instance: instance, OK: answer.OK, Answered: answer.Answered, Unsure: answer.Unsure, Took: answer.Took, Error: answer.Error,
	}, answer.Body
}

// spec is what the process is asked.
func (r *run) spec() probe.Spec {
	opts := &r.w.d.opts
	path, match, _ := strings.Cut(opts.Probe, "#")
	spec := probe.Spec{Scheme: "http", Host: "127.0.0.1", Port: uint16(opts.Port), Path: path, Match: match}
	if r.admin != "" {
		spec.Host, spec.Port, spec.Socket = "localhost", 0, r.admin
	}
	return spec
}

// Evidence tells what is left of a run. What it wrote after until is left out; zero means now.
func (d *Driver) Evidence(_ context.Context, id string, until time.Time) observe.Evidence {
	ev := observe.Evidence{ContainerID: id}
	for _, w := range d.workers {
		r := w.find(id)
		if r == nil {
			continue
		}
		ev.StartedAt = r.startedAt
		if code, at, over := r.over(); over {
			r.tail.settled()
			ev.ExitCode, ev.FinishedAt, ev.OOMKilled, until = code, at, r.oomKilled, time.Time{} // all that it wrote, it wrote before
		}
		ev.Logs = r.tail.last(until)
		if u := r.usage.Load(); u != nil {
			usage := *u
			usage.LimitBytes = uint64(max(d.opts.MaxMemory, 0))
			ev.Usage = &usage
		}
		return ev
	}
	ev.Errors = []string{"the process is not known any more"}
	return ev
}
