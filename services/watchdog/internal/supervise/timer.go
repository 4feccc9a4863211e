package supervise

import "time"

// expire ends what has a time limit.
func (c *Core) expire(t *target, now time.Time) {
	if t.paused && !t.pausedUntil.IsZero() && !now.Before(t.pausedUntil) {
		t.paused, t.pausedUntil = false, time.Time{}
	}
	if t.running() && !now.Before(t.signalUntil) {
		t.signalUntil = time.Time{} // it has not ended the run
	}
	if c.turn == t && !now.Before(c.turnUntil) {
		c.endTurn()
	}
}

// arm asks for the next probe if it is due, and for a wake-up when the next thing is. What is due already has been dealt
// with in this Step, so that no timer can go round and round.
func (c *Core) arm(t *target, now time.Time) {
	var next time.Time
	at := func(when time.Time) {
		if when.After(now) && (next.IsZero() || when.Before(next)) {
			next = when
		}
	}
	if t.running() && t.probed() && !t.probing && !t.busy() && !t.paused && t.obs.Fault == "" {
		if c.dueProbe(t, now) {
			t.probing = true
			c.acts = append(c.acts, Action{Kind: ActionProbe, Target: t.key, Instance: t.obs.Instance})
		} else {
			at(t.nextProbe)
		}
	}
	at(t.pausedUntil)
	if c.turn == t {
		at(c.turnUntil)
	}
	if c.holding && t.pending != "" {
		at(c.heldAt.Add(c.opts.HoldFor))
	}
	switch t.state {
	case StateDown:
		at(t.due)
	case StateExhausted:
		if n := len(t.restarts); n > 0 && t.pol.MaxRestarts > 0 && n >= t.pol.MaxRestarts {
			at(t.restarts[n-t.pol.MaxRestarts].Add(t.pol.RestartWindow))
		}
	case StateUp:
		if t.attempts > 0 {
			at(t.obs.Instance.StartedAt.Add(StableRun))
		}
	}
	if t.running() {
		at(t.signalled.Add(signalFor))
		at(t.signalUntil)
	}
	if !next.IsZero() {
		c.wakeAt(t, now, next)
	}
}

// dueProbe decides when the target is probed next and reports whether that is now. A target that is not well is probed
// quickly; the probes of well ones are spread over the interval.
func (c *Core) dueProbe(t *target, now time.Time) bool {
	switch t.state {
	case StateSuspect:
		t.nextProbe = minTime(t.nextProbe, t.probeBegan.Add(min(suspectProbe, t.pol.ProbeInterval)))
	case StateStarting:
		t.nextProbe = minTime(t.nextProbe, now.Add(min(startProbe, t.pol.ProbeInterval)))
	}
	return !now.Before(t.nextProbe)
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// wakeAt asks for an EventTick, unless one is due at that time already.
func (c *Core) wakeAt(t *target, now, when time.Time) {
	if when.Sub(now) > longestAwait {
		when = now.Add(longestAwait)
	}
	if t.wake.Equal(when) {
		return
	}
	t.wake = when
	c.acts = append(c.acts, Action{Kind: ActionWake, Target: t.key, After: max(when.Sub(now), 0)})
}
