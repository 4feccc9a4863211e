package supervise

import "time"

// View is what there is to show of one target.
type View struct {
	Target      string
	State       State
	Reason      Reason
	Detail      string
	Since       time.Time // when it came into State
	Observation Observation
	Failures    int       // probe failures in a row
	Restarts    int       // counted restarts in the window
	Remaining   int       // restarts that the budget still allows
	NextAt      time.Time // when the next restart is due, zero if none is
	Cause       Reason    // of the running outage
	DownSince   time.Time
}

// Views returns a view of every known target, by name.
func (c *Core) Views(now time.Time) []View {
	vs := make([]View, 0, len(c.order))
	for _, t := range c.order {
		if t.state != "" {
			vs = append(vs, t.view(now))
		}
	}
	return vs
}

// View returns a view of one target, and whether it is known.
func (c *Core) View(key string, now time.Time) (View, bool) {
	t := c.targets[key]
	if t == nil || t.state == "" {
		return View{}, false
	}
	return t.view(now), true
}

func (t *target) view(now time.Time) View {
	v := View{
		Target: t.key, State: t.state, Reason: t.reason, Detail: t.detail, Since: t.since, Observation: t.obs,
		Failures: t.fails, Remaining: t.remaining(now), Restarts: 0, Cause: t.cause, DownSince: t.downSince,
	}
	for _, at := range t.restarts {
		if now.Sub(at) < t.pol.RestartWindow {
			v.Restarts++
		}
	}
	switch {
	case t.state == StateExhausted && len(t.restarts) >= t.pol.MaxRestarts && t.pol.MaxRestarts > 0:
		v.NextAt = t.restarts[len(t.restarts)-t.pol.MaxRestarts].Add(t.pol.RestartWindow)
	case t.pending != "":
		v.NextAt = t.due
	}
	return v
}

// History returns what must survive of a target, and whether it is known.
func (c *Core) History(key string) (History, bool) {
	t := c.targets[key]
	if t == nil {
		return History{}, false
	}
	return t.history(), true
}
