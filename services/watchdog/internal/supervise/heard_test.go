package supervise

import (
	"slices"
	"time"
)

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
	if ev.Kind == EventProbe && n.state == StateUp && n.probed() && n.passes < n.told.Policy.SuccessThreshold && !n.blind {
		a.breaks(5, "%s is up after %d successes, %d are needed", b.key, n.passes, n.told.Policy.SuccessThreshold)
	}
	if ev.Kind == EventProbe && n.told.Status == StatusRunning && b.isBad(w.now) {
		if n.state == StateUp || n.state == StateSuspect || n.state == StateStarting {
			a.breaks(5, "%d probes of %s failed, and it is %s", n.inARow, b.key, n.state)
		}
	}
}

// idle finds a restart that waits for nothing, when nothing more is due than what comes now.
func (a *account) idle() {
	w := a.w
	calls, turn := 0, false
	for _, b := range w.boxes {
		n := &b.acc
		if n.busy() {
			calls++
		}
		turn = turn || n.ails() && !n.sentAt.IsZero() && w.now.Sub(n.sentAt) <= w.opts.TurnFor
	}
	for _, b := range w.boxes {
		n := &b.acc
		overdue := !n.nextAt.IsZero() && w.now.After(n.nextAt)
		switch {
		case n.blind:
		case n.state == StateExhausted && overdue:
			a.breaks(1, "%s is exhausted, though the window has slid at %s", b.key, n.nextAt.Sub(epoch))
		case n.state == StateHeld && calls == 0 && !turn && w.now.Sub(a.reportedAt) > w.opts.HoldFor:
			a.breaks(6, "%s is held, though it is nobody's turn", b.key)
		case n.state == StateDown && n.reason != ReasonDaemon && overdue && calls < w.opts.MaxConcurrent && !a.awaitsOthers(b):
			a.breaks(7, "%s is down, was due at %s, and waits for nothing", b.key, n.nextAt.Sub(epoch))
		}
	}
}

// ails reports whether the core has said that something is wrong with it that a restart may mend.
func (n *note) ails() bool {
	switch n.state {
	case StateStarting, StateSuspect, StateDown, StateRestarting, StateHeld:
		return true
	}
	return false
}

// awaitsOthers reports whether something that it depends on may have to be healed first.
func (a *account) awaitsOthers(b *box) bool {
	return slices.ContainsFunc(b.acc.told.DependsOn, func(key string) bool {
		dep := a.w.byKey[key]
		return dep != nil && dep.acc.ails()
	})
}

// endStorm notes that all that failed at once have been restarted, or are left alone, or out of budget.
func (a *account) endStorm() {
	if a.storm.IsZero() || a.w.now.Sub(a.storm) < a.w.opts.HoldFor {
		return
	}
	for _, b := range a.w.boxes {
		n := &b.acc
		if n.call != 0 || !n.silent.IsZero() || n.hasTurn(a.w) ||
			!n.badSince.IsZero() && n.told.Status != StatusRestarting && n.sentAt.Before(a.storm) && n.counted(a.w.now) < n.told.Policy.MaxRestarts {
			return
		}
	}
	a.storm, a.murky = time.Time{}, a.w.now // what waits for its dependencies may prolong it
}
