package supervise

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkStep is the steady state: every target is well, is looked at, is probed when its time has come, and the probe
// succeeds. One operation is a look and its probe: two Steps.
func BenchmarkStep(b *testing.B) {
	for _, n := range []int{1, 50, 200} {
		b.Run(fmt.Sprintf("targets=%d", n), func(b *testing.B) {
			c, now := New(DefaultOptions()), epoch
			events := make([]Event, n)
			policy := DefaultPolicy()
			policy.Probe = "http://:8000/health/live"
			for i := range events {
				key := fmt.Sprintf("shop-api-%d", i)
				events[i] = Event{Kind: EventSeen, Target: key, Seen: &Observation{
					Instance: Instance{ID: key, StartedAt: now}, Status: StatusRunning, Health: HealthHealthy, RestartPolicy: RestartNo, Policy: policy,
				}}
			}
			step := func(ev Event) (probes bool) {
				ev.At = now
				for _, a := range c.Step(ev) {
					probes = probes || a.Kind == ActionProbe
					if a.Kind == ActionRestart {
						b.Fatalf("%s is restarted (%s)", a.Target, a.Restart.Reason)
					}
				}
				return probes
			}
			i, steps, probes := 0, 0, 0
			// one look at a target; a probe follows when the core asks for one
			turn := func() {
				ev := events[i]
				i = (i + 1) % n
				if i == 0 {
					now = now.Add(policy.ProbeInterval)
				}
				steps++
				if step(ev) {
					steps, probes = steps+1, probes+1
					step(Event{Kind: EventProbe, Target: ev.Target, Probe: ProbeResult{
						Instance: ev.Seen.Instance, OK: true, Answered: true, Took: time.Millisecond,
					}})
				}
			}
			for range 4 * n {
				turn() // until all are up
			}
			steps, probes = 0, 0
			b.ReportAllocs()
			for b.Loop() {
				turn()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(steps), "ns/step")
			if probes == 0 {
				b.Fatal("nothing was probed")
			}
		})
	}
}
