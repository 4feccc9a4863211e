package supervise

import (
	"slices"
	"time"
)

// sees holds one action of the core against the rules.
func (a *account) sees(act Action, ev Event) {
	w, b := a.w, a.w.byKey[act.Target]
	n := &b.acc
	switch act.Kind {
	case ActionReport:
		a.reportedAt, n.untold = w.now, false
		n.state, n.reason, n.nextAt = act.Change.To, act.Change.Reason, act.Change.NextAt
		n.turn = n.turn && n.ails()
		if n.state == StateStopped {
			n.open = false // what follows is another outage
		}
		if act.Change.Cause != "" && act.Change.From != n.state && n.state != StateUp && !n.open {
			n.open, a.murky = true, w.now // the core takes what may be one for an outage
		}
	case ActionProbe:
		n.probeBy = time.Time{}
	case ActionRestart:
		if ev.Kind == EventEngineLost {
			a.breaks(8, "%s is restarted because the engine went away", b.key)
		}
		r := act.Restart
		a.budget(b, r)
		a.patience(b, r)
		a.handsOff(b, r)
		a.oneAtATime(b, r)
		a.evidence(b, r)
		a.turns(b, r)
		a.reason(b, r)
		n.call, n.callRun, n.asked, n.due, n.probeBy = r.Attempt, n.told.Instance, r.Reason == ReasonRequested, time.Time{}, time.Time{}
		n.sentAt, n.callStops = w.now, !r.StartOnly
		if n.will == unknown || !n.open && r.Reason != ReasonRequested && r.Reason != ReasonDependency {
			n.open, a.murky = true, w.now // the core takes it for an outage
		}
		if r.Reason == ReasonRequested {
			n.requests = 0
		} else {
			n.turn = !a.storm.IsZero() // a restart within the turn does not make it longer
			n.turns = append(slices.DeleteFunc(n.turns, func(at time.Time) bool { return w.now.Sub(at) >= w.opts.TurnFor }), w.now)
		}
	}
}

// budget is rule 1.
func (a *account) budget(b *box, r Restart) {
	n := &b.acc
	if r.Counted != (r.Reason != ReasonRequested) {
		a.breaks(1, "a restart of %s (%s) is counted: %t", b.key, r.Reason, r.Counted)
	}
	if r.Reason == ReasonRequested {
		return
	}
	if have, limit := n.counted(a.w.now), n.told.Policy.MaxRestarts; have >= limit {
		a.breaks(1, "%s was restarted %d times in %s already, %d are allowed", b.key, have, n.told.Policy.RestartWindow, limit)
	}
	n.stamps = append(n.stamps, a.w.now)
}

// patience is rule 2.
func (a *account) patience(b *box, r Restart) {
	n := &b.acc
	if !n.due.IsZero() && r.Reason != ReasonRequested && !a.w.now.Equal(n.due) {
		a.breaks(2, "%s is restarted at another time than it should be: %s", b.key, n.due.Sub(epoch))
	}
	if r.Reason == ReasonRequested || r.Reason == ReasonDependency {
		return
	}
	if a.w.now.Sub(n.told.Instance.StartedAt) >= stableRun {
		lasted := n.told.FinishedAt.Sub(n.told.Instance.StartedAt)
		n.streak, n.vague = 0, n.told.Status != StatusRunning && lasted < stableRun // it may have been down for long
	}
	if d := a.pause(n.told.Policy, n.streak); n.streak > 0 && a.w.now.Sub(n.lastAt) < d {
		a.breaks(2, "%s was restarted %d times in a row, the last time %s ago: %s must lie between", b.key, n.streak, a.w.now.Sub(n.lastAt), d)
	}
	n.streak, n.lastAt = n.streak+1, a.w.now
}

// handsOff is the first half of rule 3.
func (a *account) handsOff(b *box, r Restart) {
	n := &b.acc
	switch {
	case r.Reason == ReasonRequested:
	case n.will == stopped:
		a.breaks(3, "%s is restarted (%s), though a person stopped it", b.key, r.Reason)
	case n.held(a.w.now):
		a.breaks(3, "%s is restarted (%s), though a person paused it", b.key, r.Reason)
	}
	if n.blind {
		a.breaks(7, "%s is restarted (%s), though the engine is lost", b.key, r.Reason)
	}
}

// oneAtATime is rule 4.
func (a *account) oneAtATime(b *box, r Restart) {
	n := &b.acc
	switch {
	case n.call != 0:
		a.breaks(4, "%s is restarted (%s) while a restart is under way", b.key, r.Reason)
	case !n.silent.IsZero():
		a.breaks(4, "%s is restarted (%s), though the last call may still have an effect and no look has told", b.key, r.Reason)
	case !n.awaits.IsZero():
		a.breaks(4, "%s is restarted (%s), though the last call was answered well and no look has told what is", b.key, r.Reason)
	}
	calls := 0
	for _, o := range a.w.boxes {
		if o.acc.call != 0 || !o.acc.silent.IsZero() {
			calls++
		}
	}
	if r.Reason != ReasonRequested && calls >= a.w.opts.MaxConcurrent {
		a.breaks(4, "%s is restarted (%s) while %d others are, %d are allowed", b.key, r.Reason, calls, a.w.opts.MaxConcurrent)
	}
}

// evidence is the first half of rule 5.
func (a *account) evidence(b *box, r Restart) {
	n := &b.acc
	if r.Reason != ReasonProbe {
		return
	}
	if need := n.need(); n.failures(need) < need && !n.flaps() {
		a.breaks(5, "%s is restarted after %d failures among the last %d probes, %d are needed", b.key, n.failures(need), need, need)
	}
}

// turns is rule 6.
func (a *account) turns(b *box, r Restart) {
	w := a.w
	if r.Reason == ReasonRequested || a.storm.IsZero() {
		return
	}
	if since := w.now.Sub(a.storm); since < w.opts.HoldFor {
		a.breaks(6, "%s is restarted (%s) %s after many targets failed at once", b.key, r.Reason, since)
	}
	for _, o := range w.boxes {
		if o != b && o.acc.hasTurn(w) {
			a.breaks(6, "%s is restarted (%s) while it is the turn of %s", b.key, r.Reason, o.key)
		}
	}
}

// hasTurn reports whether it is its turn beyond doubt.
func (n *note) hasTurn(w *world) bool { return n.turn && w.now.Sub(n.turns[0]) < w.opts.TurnFor }

// reason is rule 8: what runs and is well is left alone.
func (a *account) reason(b *box, r Restart) {
	n := &b.acc
	if n.calm && r.Reason != ReasonDependency {
		a.breaks(8, "%s is restarted (%s), though all is well", b.key, r.Reason)
	}
	if r.Reason != ReasonRequested {
		switch {
		case n.told.Status == StatusRestarting:
			a.breaks(8, "%s is restarted (%s), though docker is at it", b.key, r.Reason)
		case n.told.Fault != "":
			a.breaks(8, "%s is restarted (%s), though its labels are faulty", b.key, r.Reason)
		case n.told.DonorMissing:
			a.breaks(8, "%s is restarted (%s), though its network is gone", b.key, r.Reason)
		case n.enginesDuty() && n.told.RestartPolicy != RestartOnFailure:
			a.breaks(8, "%s is restarted (%s), though docker's policy left it stopped", b.key, r.Reason)
		}
	}
	runs := n.told.Status == StatusRunning
	if r.StartOnly == (runs || n.told.Status == StatusPaused || n.told.Status == StatusRestarting) {
		a.breaks(8, "%s is %s: start only = %t", b.key, n.told.Status, r.StartOnly)
	}
	switch r.Reason {
	case ReasonRequested:
		if n.requests == 0 {
			a.breaks(8, "nobody asked for a restart of %s", b.key)
		}
	case ReasonDependency:
		for _, key := range n.told.DependsOn {
			dep := a.w.byKey[key]
			if dep != nil && dep.acc.told.Instance.StartedAt.After(n.told.Instance.StartedAt) && !a.follows(dep, b, nil) {
				return
			}
		}
		a.breaks(8, "%s is restarted, though nothing that it depends on has begun after it", b.key)
	case ReasonUnhealthy:
		if !runs || n.told.Health != HealthUnhealthy {
			a.breaks(8, "%s is restarted as unhealthy, it is %s and %s", b.key, n.told.Status, n.told.Health)
		}
	case ReasonProbe:
		if !runs || len(n.results) == 0 || !n.results[len(n.results)-1] {
			a.breaks(8, "%s is restarted because of its probe, which did not fail", b.key)
		}
	default:
		if runs {
			a.breaks(8, "%s is restarted (%s) while it runs", b.key, r.Reason)
		}
	}
}

// follows reports whether one depends on another, directly or through others.
func (a *account) follows(b, on *box, been []*box) bool {
	for _, key := range b.acc.told.DependsOn {
		dep := a.w.byKey[key]
		if dep == on || dep != nil && dep.acc.known && !slices.Contains(been, dep) && a.follows(dep, on, append(been, b, dep)) {
			return true
		}
	}
	return false
}
