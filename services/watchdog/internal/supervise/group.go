package supervise

import "time"

// correlate holds all restarts when many targets turned bad at once: then the host or the network is ill, and restarting
// everything makes it worse.
func (c *Core) correlate(t *target, now time.Time) {
	if c.holding {
		return
	}
	sick, all := 0, 0
	for _, o := range c.order {
		if !o.known || o.state == StateStopped || o.state == StatePaused || o.state == StateMisconfigured {
			continue
		}
		all++
		if o.cause != "" && now.Sub(o.badAt) <= c.opts.HoldWindow {
			sick++
		}
	}
	if sick >= c.opts.HoldTargets && 2*sick >= all {
		c.holding, c.holdUntil, c.turn = true, now.Add(c.opts.HoldFor), nil
	}
}

// mayTurn reports whether it is this target's turn while many are held.
func (c *Core) mayTurn(t *target, now time.Time) bool {
	if now.Before(c.holdUntil) || c.busy > 0 {
		return false
	}
	return c.turn == nil || c.turn == t
}

// endTurn lets the next held target go on, and ends the hold when none is left.
func (c *Core) endTurn() {
	c.turn, c.turnUntil, c.waiting, c.freed = nil, time.Time{}, true, true
	for _, t := range c.order {
		if t.state == StateHeld {
			return
		}
	}
	c.holding = false
}

// release settles every target that waits for another one, after something changed elsewhere.
func (c *Core) release(except *target, now time.Time) {
	c.waiting = false
	held := false
	for _, t := range c.order {
		if t == except || !t.known || t.state == StateGone {
			continue
		}
		if t.pending != "" && !t.busy() {
			c.settle(t, now)
			c.arm(t, now)
		}
		held = held || t.state == StateHeld
		c.waiting = c.waiting || t.pending != ""
	}
	if c.holding && !held && c.turn == nil && except.state != StateHeld {
		c.holding = false
	}
	c.waiting = c.waiting || except.pending != ""
}

// waitsFor returns a target that this one depends on and that is about to be healed, or nil. Cycles are cut: a target never
// waits for one that waits for it.
func (c *Core) waitsFor(t *target) *target {
	for _, key := range t.obs.DependsOn {
		dep := c.targets[key]
		if dep == nil || dep == t || dep.cause == "" {
			continue
		}
		switch dep.state {
		case StateDown, StateRestarting, StateHeld, StateStarting:
			if !c.dependsOn(dep, t) {
				return dep
			}
		}
	}
	return nil
}

// dependsOn reports whether a depends on b, directly or through others.
func (c *Core) dependsOn(a, b *target) bool {
	c.mark++
	return c.reaches(a, b)
}

// reaches walks the dependencies and marks where it has been, so that no circle and no second way costs time.
func (c *Core) reaches(a, b *target) bool {
	a.mark = c.mark
	for _, key := range a.obs.DependsOn {
		dep := c.targets[key]
		if dep == b || dep != nil && dep.mark != c.mark && c.reaches(dep, b) {
			return true
		}
	}
	return false
}

// cascade restarts the targets that depend on one that was restarted and is up again, unless they began after it.
func (c *Core) cascade(dep *target, now time.Time) {
	for _, t := range c.order {
		if t == dep || !t.known || t.busy() || t.state == StateStopped || t.state == StatePaused || t.state == StateMisconfigured {
			continue
		}
		for _, key := range t.obs.DependsOn {
			if key == dep.key && t.obs.Instance.StartedAt.Before(dep.obs.Instance.StartedAt) && !c.dependsOn(dep, t) {
				t.pending, t.due = ReasonDependency, now
				c.waiting = true
				break
			}
		}
	}
	if c.waiting {
		c.release(dep, now)
	}
}
