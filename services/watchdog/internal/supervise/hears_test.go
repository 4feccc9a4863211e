package supervise

import (
	"slices"
	"time"
)

// What the core is told.

// hears notes an event before the core decides.
func (a *account) hears(b *box, ev Event) {
	if a.w.still == 1 {
		a.idle()
	}
	if b == nil {
		return
	}
	n := &b.acc
	switch ev.Kind {
	case EventSeen:
		a.hearsLook(b, ev.Seen)
	case EventGone:
		if n.known {
			n.goneAt, n.seenRunning = a.w.now, false
		}
		n.known, n.call, n.silent, n.awaits, n.badSince, n.turn = false, 0, time.Time{}, time.Time{}, time.Time{}, false
	case EventProbe:
		a.hearsProbe(b, ev.Probe)
	case EventOutcome:
		a.hearsOutcome(b, ev.Outcome)
	case EventPause:
		n.paused, n.pausedUntil, n.due = true, time.Time{}, time.Time{}
		if ev.Duration > 0 {
			n.pausedUntil = a.w.now.Add(ev.Duration)
		}
	case EventResume:
		n.paused, n.due = false, time.Time{}
	case EventRestart:
		n.stopping, n.signalAt, n.requests, n.due = false, time.Time{}, n.requests+1, time.Time{}
		if n.will == stopped {
			n.will = run
		}
	case EventReset:
		n.stamps, n.streak, n.lastAt, n.due = nil, 0, time.Time{}, time.Time{}
	}
	for _, o := range a.w.boxes {
		if o != b && slices.Contains(o.acc.told.DependsOn, b.key) {
			o.acc.due = time.Time{} // it may have to wait for this one, or follow it
		}
	}
	a.weigh(b)
}

func (a *account) hearsLook(b *box, o *Observation) {
	n := &b.acc
	first := !n.known
	fresh := first || !n.told.Instance.Same(o.Instance)
	died := !fresh && n.told.Status == StatusRunning && o.Status == StatusExited
	if !n.goneAt.IsZero() && a.w.now.Sub(n.goneAt) >= max(n.told.Policy.RestartWindow, time.Minute) {
		n.streak, n.lastAt, n.vague = 0, time.Time{}, true // forgotten
	}
	n.goneAt = time.Time{}
	if fresh && n.known {
		n.requests = 0 // a new run is what was asked for
	}
	if fresh {
		if n.streak > 0 && !n.told.Instance.StartedAt.IsZero() && a.w.now.Sub(n.told.Instance.StartedAt) >= stableRun {
			n.streak, n.vague = 0, true // the run before may have been a stable one
		}
		n.forgetRun()
		n.badSince = time.Time{}
	}
	if n.toldHash != "" && o.ConfigHash != "" && n.toldHash != o.ConfigHash {
		n.stamps, n.streak, n.lastAt, n.vague = nil, 0, time.Time{}, false // another configuration deserves a fresh start
	}
	n.known, n.blind, n.told, n.toldID, n.toldHash = true, false, *o, o.Instance.ID, o.ConfigHash
	if o.Status == StatusRunning {
		n.seenRunning = true
	} else {
		n.probeBy = time.Time{}
	}
	if o.Health == HealthUnhealthy {
		n.clean = false
	}
	if fresh || !a.w.now.Before(n.silent) {
		n.silent = time.Time{}
	}
	if !n.awaits.IsZero() && (!o.Instance.Same(n.callRun) || !a.w.now.Before(n.awaits)) {
		n.awaits = time.Time{}
	}
	if first && !n.awaits.IsZero() && (o.Status != StatusRunning || o.Health == HealthUnhealthy) {
		n.open, n.turnedAt = true, a.w.now // the core knows from the ledger that it was being restarted
	}
	if died {
		a.expect(b)
	} else if fresh {
		n.due = time.Time{}
	}
}

func (a *account) hearsProbe(b *box, r ProbeResult) {
	n := &b.acc
	n.probeBy = time.Time{}
	if r.Unsure || !n.known || !r.Instance.Same(n.told.Instance) || n.told.Status != StatusRunning {
		return
	}
	p := n.told.Policy
	young := a.w.now.Sub(n.told.Instance.StartedAt) < p.StartPeriod
	if r.OK {
		n.okOnce, n.inARow, n.passes = true, 0, n.passes+1
		n.certain = append(n.certain, false)
		n.results = append(n.results, false)
		return
	}
	n.passes, n.clean = 0, false
	if n.okOnce || n.wellOnce || !young {
		n.results = append(n.results, true)
	}
	if n.wellOnce || !young {
		n.inARow++
		n.certain = append(n.certain, true)
	}
	if b.acc.call == 0 && !n.leftAlone(a.w.now) && !young && n.inARow < n.need() && !n.flaps() {
		n.probeBy = a.w.now.Add(suspectAgain)
	}
}

func (a *account) hearsOutcome(b *box, o Outcome) {
	n := &b.acc
	if o.Attempt != n.call || n.call == 0 {
		return
	}
	n.call = 0
	if n.asked && (o.TimedOut || o.Err != "") && n.told.RestartPolicy != RestartNo {
		n.will = unknown // the engine's own policy may or may not want it
	}
	same := n.told.Instance.Same(n.callRun)
	switch {
	case o.TimedOut && same:
		n.silent = a.w.now.Add(a.w.opts.AwaitFor)
	case o.Err == "" && !o.TimedOut && same:
		n.awaits = a.w.now.Add(a.w.opts.AwaitFor)
	case o.Err != "":
		n.turn = false
	}
}
