package supervise

import (
	"slices"
	"time"
)

// What follows from it.

// leftAlone reports whether the core was told to keep its hands off.
func (n *note) leftAlone(now time.Time) bool {
	return n.will == stopped || n.held(now) || n.told.Fault != "" ||
		n.told.DonorMissing && n.told.Status != StatusRestarting // then it is docker's own restart that fails
}

// held reports whether it is paused, one way or the other.
func (n *note) held(now time.Time) bool {
	return n.told.Status == StatusPaused || n.paused && (n.pausedUntil.IsZero() || now.Before(n.pausedUntil))
}

// failures counts the failed probes among the last so many.
func (n *note) failures(last int) int {
	count := 0
	for _, failed := range n.results[max(len(n.results)-last, 0):] {
		if failed {
			count++
		}
	}
	return count
}

// flaps reports whether enough of the last probes failed, though not in a row.
func (n *note) flaps() bool {
	p := n.told.Policy
	return p.FlapFailures > 0 && n.failures(p.FlapWindow) >= max(p.FlapFailures, n.need())
}

// mustFlap reports whether enough of the last probes failed beyond doubt, the latest among them.
func (n *note) mustFlap() bool {
	p, have := n.told.Policy, len(n.certain)
	return have > 0 && have >= p.FlapWindow && n.certain[have-1] && len(n.results) == have && n.flaps()
}

// busy reports whether a restart is under way, or its result was not told.
func (n *note) busy() bool { return n.call != 0 || !n.silent.IsZero() || !n.awaits.IsZero() }

// need is how many failed probes make the target bad.
func (n *note) need() int {
	if n.told.Health == HealthHealthy && !n.told.CheckFailed {
		return 2 * n.told.Policy.FailureThreshold
	}
	return n.told.Policy.FailureThreshold
}

// isBad reports whether what the core was told makes the target bad beyond doubt.
func (b *box) isBad(now time.Time) bool {
	n := &b.acc
	switch {
	case !n.told.Instance.Same(b.obs.Instance):
		return false // the core is wrong about it, and cannot know
	case !n.known, n.blind, n.shut, n.busy(), n.requests > 0, n.will == stopped, n.held(now), n.told.Fault != "":
		return false
	case n.told.Status == StatusRestarting:
		return true
	case n.leftAlone(now), n.will != run, n.doubt, !n.signalAt.IsZero() && now.Sub(n.signalAt) <= signalFor:
		return false
	case n.told.Status == StatusExited:
		return !n.enginesDuty()
	case n.told.Status != StatusRunning:
		return false
	}
	return n.told.Health == HealthUnhealthy || n.probed() && (n.inARow >= n.need() || n.mustFlap())
}

// enginesDuty reports whether the engine would have restarted what ended, had it been a death.
func (n *note) enginesDuty() bool {
	return n.told.Status == StatusExited && n.told.RestartPolicy != RestartNo && n.told.Error == ""
}

func (n *note) isWell() bool {
	switch {
	case !n.known, n.told.Status != StatusRunning, n.told.Health == HealthUnhealthy:
		return false
	case n.probed():
		return n.passes >= n.told.Policy.SuccessThreshold
	}
	return n.told.Health != HealthStarting
}

func (n *note) probed() bool { return n.told.Policy.Probe != "none" }

// fades makes a stop doubtful whose end the core was not told for so long that the signal seems to have been ignored.
func (a *account) fades(b *box) {
	n := &b.acc
	if n.will == stopped && n.known && n.told.Status == StatusRunning && a.w.now.Sub(n.heardAt) >= signalFor {
		n.will = unknown
	}
}

// weigh notes whether the target has turned bad, and whether so many have that all must be held.
func (a *account) weigh(b *box) {
	n := &b.acc
	a.fades(b)
	if n.isWell() && !n.busy() && !n.blind && a.w.now.Sub(n.told.Instance.StartedAt) >= stableRun && !n.held(a.w.now) && n.told.Instance.Same(b.obs.Instance) {
		n.untold = n.untold || n.streak > 0 || n.vague
		n.streak, n.vague = 0, false // the core was called, so that it knows
	}
	if n.isWell() && !n.busy() && !n.blind {
		if n.open && !n.signalAt.IsZero() && a.w.now.Sub(n.signalAt) <= signalFor {
			a.murky = a.w.now // while the signal may end it yet, the core does not call the outage over
		}
		n.wellOnce, n.open, n.turn = true, false, false
	}
	if n.leftAlone(a.w.now) && !n.blind && (n.will != stopped || n.told.Status != StatusRunning) || !n.known {
		n.open, n.turn = false, false // but a signal that has not ended it yet ends no outage
	}
	if n.will != run || n.shut {
		n.turn = false
	}
	if n.will != run || n.blind || n.leftAlone(a.w.now) || b.isBad(a.w.now) || !n.told.Instance.Same(b.obs.Instance) {
		n.probeBy = time.Time{}
	}
	if n.known && (n.will == unknown && n.told.Status == StatusExited || !n.told.Instance.Same(b.obs.Instance)) {
		a.murky = a.w.now // the core may count it
	}
	if !b.isBad(a.w.now) {
		n.badSince = time.Time{}
		return
	}
	if n.badSince.IsZero() {
		n.badSince = a.w.now
	}
	if n.counted(a.w.now) >= n.told.Policy.MaxRestarts {
		n.turn = false
	}
	if n.open {
		return
	}
	n.open, n.turnedAt = true, a.w.now
	sick, all, unsure := 0, 0, 0
	for _, o := range a.w.boxes {
		switch n := &o.acc; {
		case n.known && (!n.told.Instance.Same(o.obs.Instance) || n.told.DonorMissing || n.enginesDuty() || n.will == stopped && n.told.Status == StatusRunning):
			unsure++
		case n.known && ((n.busy() || n.blind) && n.leftAlone(a.w.now) || n.paused && n.pausedUntil.Equal(a.w.now)):
			unsure++ // it was told, or its pause ends now, but the core may not have come to it
		case !n.known || n.leftAlone(a.w.now):
		case n.will != run || n.blind || n.doubt:
			unsure++
		default:
			all++
			if !n.turnedAt.IsZero() && a.w.now.Sub(n.turnedAt) <= a.w.opts.HoldWindow && (a.storm.IsZero() || n.turnedAt.After(a.storm)) {
				sick++
			}
		}
	}
	switch {
	case sick+unsure < a.w.opts.HoldTargets || 2*(sick+unsure) < all:
	case sick < a.w.opts.HoldTargets || 2*sick < all+unsure, !a.murky.IsZero() && a.w.now.Sub(a.murky) <= 2*a.w.opts.HoldWindow:
		a.murky = a.w.now
	default:
		a.storm = a.w.now
	}
}

// counted is how many restarts are in the window.
func (n *note) counted(now time.Time) int {
	n.stamps = slices.DeleteFunc(n.stamps, func(at time.Time) bool { return now.Sub(at) >= n.told.Policy.RestartWindow })
	return len(n.stamps)
}

// pause is how long the next restart must wait, after a streak of so many.
func (a *account) pause(p Policy, streak int) time.Duration {
	if streak == 0 {
		return 0
	}
	d := p.RestartDelay
	for i := 1; i < streak && d < longestDelay; i++ {
		d *= 2
	}
	return min(d, longestDelay)
}

// expect notes when the restart after a death must come, where nothing can hold it back.
func (a *account) expect(b *box) {
	n, w := &b.acc, a.w
	n.due = time.Time{}
	switch {
	case n.will != run, n.leftAlone(w.now), !n.clean, n.busy(), w.doom != "",
		len(w.boxes) >= w.opts.HoldTargets, len(w.boxes) > w.opts.MaxConcurrent, n.told.RestartPolicy != RestartNo, n.told.Error != "":
		return
	}
	for _, key := range n.told.DependsOn {
		if dep := w.byKey[key]; dep != b && (dep.acc.state != StateUp || dep.acc.told.Instance.StartedAt.After(n.told.Instance.StartedAt)) {
			return // it may have to wait for that, or follow it
		}
	}
	p := n.told.Policy
	if p.MaxRestarts == 0 {
		return
	}
	streak := n.streak
	if w.now.Sub(n.told.Instance.StartedAt) >= stableRun && n.told.FinishedAt.Sub(n.told.Instance.StartedAt) < stableRun {
		return // it was told late, so that the run looked stable meanwhile
	}
	if n.told.FinishedAt.Sub(n.told.Instance.StartedAt) >= stableRun {
		streak = 0
		n.vague = n.vague || !n.wellOnce // it may not have been a stable one
	}
	if n.vague {
		return
	}
	d := a.pause(p, streak)
	if w.opts.Jitter != nil {
		d = min(d+w.opts.Jitter(d), longestDelay)
	}
	n.due = w.now.Add(d)
	if n.counted(w.now) >= p.MaxRestarts {
		if free := n.stamps[len(n.stamps)-p.MaxRestarts].Add(p.RestartWindow); free.After(n.due) {
			n.due = free
		}
	}
}
