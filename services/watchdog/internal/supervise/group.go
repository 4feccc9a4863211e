package supervise

import "time"

// correlate holds all restarts when many targets turned bad at once: then the host or the network is ill, and restarting
// everything makes it worse. Those that are well again already count too. While it holds, only what turned bad since then
// begins it anew.
func (c *Core) correlate(t *target, now time.Time) {
	sick, all := 0, 0
	for _, o := range c.order {
		if o != t && (!o.known || o.leftAlone()) {
			continue
		}
		all++
		if !o.badAt.IsZero() && now.Sub(o.badAt) <= c.opts.HoldWindow && (!c.holding || o.badAt.After(c.heldAt)) {
			sick++
		}
	}
	if sick >= c.opts.HoldTargets && 2*sick >= all {
		c.holding, c.heldAt = true, now
	}
}

// mayTurn reports whether it is this target's turn while many are held.
func (c *Core) mayTurn(t *target, now time.Time) bool {
	if now.Before(c.heldAt.Add(c.opts.HoldFor)) || c.busy > 0 {
		return false
	}
	return c.turn == nil || c.turn == t
}

// endTurn lets the next held target go on.
func (c *Core) endTurn() {
	c.turn, c.turnUntil, c.waiting, c.freed = nil, time.Time{}, true, true
}

// release settles every target that waits for another one, until nothing changes any more.
func (c *Core) release(except *target, now time.Time) {
	for range len(c.order) + 1 { // a bound, as each pass is caused by a change of the one before
		c.waiting, c.freed = false, false
		for _, t := range c.order {
			if !t.known || t.state == StateGone || t.pending == "" || t.busy() {
				continue
			}
			before := t.state
			if t != except {
				c.expire(t, now) // its own wake-up may be due at this very instant, and arm sets it anew
				c.settle(t, now)
				c.arm(t, now)
			}
			c.waiting = c.waiting || t.pending != ""
			c.freed = c.freed || t.state != before
		}
		except = nil
		if !c.freed {
			break
		}
	}
}

// endHold ends the hold when its time is over and everything that is down has been restarted once since it began: what
// fails again has a delay of its own.
func (c *Core) endHold(now time.Time) {
	if !c.holding || c.turn != nil || c.busy > 0 || now.Before(c.heldAt.Add(c.opts.HoldFor)) {
		return
	}
	for _, t := range c.order {
		if t.known && t.pending != "" && t.state != StateExhausted && !t.sentAt.After(c.heldAt) {
			return
		}
	}
	c.holding = false
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
		if t == dep || !t.known || t.busy() || t.leftAlone() || t.pending == ReasonRequested {
			continue
		}
		for _, key := range t.obs.DependsOn {
			if key == dep.key && t.obs.Instance.StartedAt.Before(dep.obs.Instance.StartedAt) && !c.dependsOn(dep, t) {
				t.pending, t.due = ReasonDependency, now
				c.waiting, c.freed = true, true
				break
			}
		}
	}
}
