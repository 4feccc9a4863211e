package docker

import (
	"context"

	"github.com/upkeephq/upkeep/services/watchdog/internal/probe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// Probe asks a target as its policy says. The result is unsure when it cannot be asked. The second result is the
// beginning of the body that came back, for the incident.
func (d *Driver) Probe(ctx context.Context, target string, run supervise.Instance) (supervise.ProbeResult, string) {
	e, ok := d.reg.latest(target)
	if !ok {
		return supervise.ProbeResult{Instance: run, Unsure: true, Error: "the target is not known"}, ""
	}
	spec, err := probe.Parse(e.policy.Probe)
	if err != nil {
		return supervise.ProbeResult{Instance: run, Unsure: true, Error: err.Error()}, ""
	}
	if spec.Host == "" {
		if len(e.where.addrs) == 0 {
			return supervise.ProbeResult{Instance: run, Unsure: true, Error: e.where.why}, ""
		}
		spec = spec.WithHost(e.where.addrs[0].String())
	}
	r := spec.Run(ctx, e.policy.ProbeTimeout)
	if !r.OK && !r.Unsure {
		select {
		case d.peeks <- run.ID: // the engine may know more: of a health check that failed once it tells nobody
		default:
		}
	}
	return supervise.ProbeResult{
		Instance: run, OK: r.OK, Answered: r.Answered, Unsure: r.Unsure, Took: r.Took, Error: r.Error,
	}, r.Body
}
