package supervise

import (
	"time"
)

// sees holds one action of the core against the rules.
func (a *account) sees(act Action, ev Event) {
	w, b := a.w, a.w.byKey[act.Target]
	n := &b.acc
	switch act.Kind {
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
		} else if !a.storm.IsZero() && (n.turn.IsZero() || w.now.Sub(n.turn) >= w.opts.TurnFor) {
			n.turn = w.now
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
	if a.w.now.Sub(n.told.Instance.StartedAt) >= StableRun {
		n.streak, n.vague = 0, false
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
		if t := o.acc.turn; o != b && !t.IsZero() && w.now.Sub(t) < w.opts.TurnFor {
			a.breaks(6, "%s is restarted (%s) while it is the turn of %s", b.key, r.Reason, o.key)
		}
	}
}

// reason is rule 8: what runs and is well is left alone.
func (a *account) reason(b *box, r Restart) {
	n := &b.acc
	if n.calm && r.Reason != ReasonDependency {
		a.breaks(8, "%s is restarted (%s), though all is well", b.key, r.Reason)
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
			if dep := a.w.byKey[key]; dep != nil && dep.acc.told.Instance.StartedAt.After(n.told.Instance.StartedAt) {
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

// heard looks at what the core made of an event.
func (a *account) heard(b *box, ev Event) {
	w := a.w
	if w.still > 200+50*len(w.boxes) {
		a.breaks(7, "%d steps without time passing", w.still)
	}
	if w.now.Sub(a.minuteAt) >= time.Minute {
		a.minuteAt, a.minute = w.now, w.steps
	}
	if w.steps-a.minute > 500+1000*len(w.boxes) {
		a.breaks(7, "%d steps in a minute", w.steps-a.minute)
	}
	a.endStorm()
	if b == nil || w.core == nil {
		return
	}
	n := &b.acc
	if !n.due.IsZero() && w.now.After(n.due) {
		a.breaks(2, "%s should have been restarted at %s", b.key, n.due.Sub(epoch))
	}
	if !n.probeBy.IsZero() && w.now.After(n.probeBy) {
		a.breaks(5, "%s is suspect and should have been probed again at %s", b.key, n.probeBy.Sub(epoch))
	}
	if ev.Kind == EventProbe && n.told.Status == StatusRunning && b.isBad(w.now) {
		if v, _ := w.core.View(b.key, w.now); v.State == StateUp || v.State == StateSuspect || v.State == StateStarting {
			a.breaks(5, "%d probes of %s failed, and it is %s", n.inARow, b.key, v.State)
		}
	}
}

// endStorm notes that all that failed at once have been restarted, or are left alone, or out of budget.
func (a *account) endStorm() {
	if a.storm.IsZero() || a.w.now.Sub(a.storm) < a.w.opts.HoldFor {
		return
	}
	for _, b := range a.w.boxes {
		n := &b.acc
		if n.call != 0 || !n.silent.IsZero() || !n.turn.IsZero() && a.w.now.Sub(n.turn) < a.w.opts.TurnFor ||
			!n.badSince.IsZero() && n.told.Status != StatusRestarting && n.sentAt.Before(a.storm) && n.counted(a.w.now) < n.told.Policy.MaxRestarts {
			return
		}
	}
	a.storm, a.murky = time.Time{}, a.w.now // what waits for its dependencies may prolong it
}

// calm mends everything that is broken and lets time pass: what shall run must be up in the end, and stay so.
func (w *world) calm() {
	w.doom = ""
	longest := time.Duration(0)
	for _, b := range w.boxes {
		b.mend()
		longest = max(longest, b.obs.Policy.RestartWindow)
	}
	if w.down {
		w.engineUp()
	}
	if w.core == nil {
		w.begin(true)
	}
	w.resync(true)
	deadline := w.now.Add(longest + time.Duration(len(w.boxes)+1)*(MaxRestartDelay+w.opts.TurnFor+w.opts.AwaitFor))
	for pass := 31 * time.Second; w.ill() != nil && w.now.Before(deadline) && w.account.fault == ""; {
		w.advance(w.now.Add(pass))
		w.resync(true)
		for _, b := range w.boxes {
			if b.acc.paused && b.acc.known {
				w.step(b, Event{Kind: EventResume})
			}
		}
		pass = min(pass*5/4, 10*time.Minute)
	}
	a := w.account
	if b := w.ill(); b != nil && a.fault == "" {
		v, _ := w.core.View(b.key, w.now)
		rule := 7
		if a.only == 3 || a.only == 6 {
			rule = a.only // a process that died by itself is healed; all that were held are healed in the end
		}
		a.breaks(rule, "%s was not brought back: it is %s (%s) %s", b.key, v.State, v.Reason, v.Detail)
	}
	for _, b := range w.boxes {
		b.acc.calm = b.acc.will == run
	}
	w.advance(w.now.Add(15 * time.Minute))
	for _, b := range w.boxes {
		b.acc.calm = false
	}
}

func (b *box) mend() {
	b.probes, b.engine, b.takes, b.lag, b.slow = "ok", "ok", 500*time.Millisecond, 0, 0
	b.obs.DonorMissing, b.obs.Fault = false, ""
	b.obs.Policy.ProbeInterval = max(b.obs.Policy.ProbeInterval, 5*time.Minute) // days may have to pass
	if b.obs.Status == StatusPaused {
		b.obs.Status = StatusRunning
	}
	if b.running() && b.checks {
		b.obs.Health, b.obs.CheckFailed = HealthHealthy, false
	}
}

// ill returns a container that shall run and is not up.
func (w *world) ill() *box {
	for _, b := range w.boxes {
		if b.acc.will != run || b.gone || b.obs.Policy.MaxRestarts == 0 {
			continue
		}
		if v, ok := w.core.View(b.key, w.now); !ok || v.State != StateUp || !b.running() {
			return b
		}
	}
	return nil
}
