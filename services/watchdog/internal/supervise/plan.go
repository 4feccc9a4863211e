package supervise

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// settle brings the state of a target in line with the evidence and plans what is to be done.
func (c *Core) settle(t *target, now time.Time) {
	if t.blind {
		return
	}
	if t.pending == ReasonRequested && !t.busy() {
		c.plan(t, now, ReasonRequested)
		return
	}
	if t.busy() {
		return // one action at a time: what it did shows in the next look
	}
	j := t.judge(now)
	stopping := j.verdict == suspect && j.reason == ReasonStopped
	if t.pending == ReasonDependency && j.verdict != leave && !stopping {
		due := t.due
		switch j.verdict {
		case bad:
			c.begin(t, now, j.reason)
		case well:
			c.well(t, now)
		}
		t.pending, t.due = ReasonDependency, due
		if t.remaining(now) > 0 {
			c.plan(t, now, ReasonDependency)
			return
		}
		t.pending = "" // not worth an exhausted target
	}
	switch j.verdict {
	case leave:
		c.leave(t, now, j)
	case bad:
		c.fail(t, now, j.reason)
	case well:
		c.well(t, now)
	case suspect, starting:
		if !stopping || t.pending != ReasonDependency {
			t.pending = "" // but what a dependency wants waits until it is clear whether the run ends
		}
		to := StateSuspect
		if j.verdict == starting {
			to = StateStarting
		}
		detail := ""
		if t.state != to || t.reason != j.reason {
			detail = t.lastError
		}
		c.change(t, now, to, j.reason, detail, Change{})
	}
}

func (c *Core) leave(t *target, now time.Time, j judgement) {
	if j.state == StateDown { // the engine restarts it by its own policy: an outage, but not ours to end
		c.begin(t, now, t.deathReason())
		c.change(t, now, StateDown, j.reason, "docker's restart policy brings it back", Change{})
		return
	}
	if j.state == StateStopped && j.reason == ReasonStopped && !t.stopped {
		t.stopped = true
	}
	t.endOutage()
	if c.turn == t {
		c.endTurn()
	}
	detail := ""
	if t.state != j.state || t.reason != j.reason {
		detail = t.leaveDetail(j)
	}
	c.change(t, now, j.state, j.reason, detail, Change{})
}

func (t *target) leaveDetail(j judgement) string {
	switch j.reason {
	case ReasonMisconfigured:
		return t.obs.Fault
	case ReasonStopped:
		return "somebody stopped it; it is left alone until it is started again"
	case ReasonCreated:
		return "it has not been started yet"
	case ReasonFinished:
		return "it ended with exit code 0"
	case ReasonNoDonor:
		return "the container whose network it shares was removed; recreate it, e.g. docker compose up -d"
	case ReasonPaused:
		if !t.paused {
			return "docker pause froze it"
		}
		if !t.pausedUntil.IsZero() {
			return "left alone until " + t.pausedUntil.UTC().Format(time.RFC3339)
		}
		return "left alone until resumed"
	}
	return ""
}

func (t *target) deathReason() Reason {
	if t.obs.OOMKilled {
		return ReasonOOM
	}
	return ReasonExited
}

func (c *Core) well(t *target, now time.Time) {
	t.wasWell = true
	if t.attempts > 0 && now.Sub(t.obs.Instance.StartedAt) >= StableRun {
		t.attempts = 0
	}
	ch := Change{Cause: t.cause}
	if t.cause != "" {
		ch.DownFor = max(now.Sub(t.downSince), 0)
	}
	cascade := t.cascade
	t.cascade = false
	t.endOutage()
	if c.turn == t {
		c.endTurn()
	}
	if t.state != StateUp {
		c.change(t, now, StateUp, ReasonHealthy, "", ch)
	}
	if cascade {
		c.cascade(t, now)
	}
}

// begin opens an outage.
func (c *Core) begin(t *target, now time.Time, r Reason) {
	if t.cause != "" {
		return
	}
	t.open(now, r)
	if t.downSince.Sub(t.obs.Instance.StartedAt) >= StableRun && (t.wasWell || !t.running()) {
		t.attempts = 0
	}
	c.correlate(t, now)
}

func (c *Core) fail(t *target, now time.Time, r Reason) {
	c.begin(t, now, r)
	if t.pending == "" {
		// Counted from when it was first found bad, what fails and recovers by turns gets its restart, though none of its failures
		// lasts that long. What has died does not recover.
		if t.firstBad.IsZero() || !t.running() {
			t.firstBad = now
		}
		t.due = t.firstBad.Add(t.delay(c.opts.Jitter))
	}
	t.pending = r
	c.plan(t, now, r)
}

// plan restarts the target if no rule forbids it now, else says which one does.
func (c *Core) plan(t *target, now time.Time, r Reason) {
	requested := r == ReasonRequested
	t.prune(now)
	switch {
	case requested:
	case len(t.restarts) >= t.pol.MaxRestarts:
		c.exhausted(t, now, r)
		return
	case c.waitsFor(t) != nil:
		c.wait(t, now, StateDown, r, "waits until "+c.waitsFor(t).key+" is up, which it depends on")
		return
	case c.holding && !c.mayTurn(t, now):
		c.wait(t, now, StateHeld, ReasonCorrelated, "many targets failed at once: waits for its turn")
		return
	case now.Before(t.due):
		if t.state != StateDown || t.reason != r {
			c.change(t, now, StateDown, r, t.explain(r), Change{NextAt: t.due})
		}
		return
	}
	if !requested && c.busy >= c.opts.MaxConcurrent {
		c.wait(t, now, StateDown, r, "waits until another restart has ended")
		return
	}
	c.restart(t, now, r)
}

// wait leaves the restart for when something changes elsewhere. A target that is well, but shall follow one that it
// depends on, stays up meanwhile.
func (c *Core) wait(t *target, now time.Time, to State, r Reason, detail string) {
	c.waiting = true
	if t.cause != "" {
		c.change(t, now, to, r, detail, Change{})
	}
}

func (c *Core) exhausted(t *target, now time.Time, r Reason) {
	var next time.Time
	detail := fmt.Sprintf("%d restarts in %s did not help (%s)", len(t.restarts), short(t.pol.RestartWindow), t.explain(r))
	if len(t.restarts) > 0 && t.pol.MaxRestarts > 0 {
		next = t.restarts[len(t.restarts)-t.pol.MaxRestarts].Add(t.pol.RestartWindow)
	}
	if c.turn == t {
		c.endTurn()
	}
	c.change(t, now, StateExhausted, ReasonBudget, detail, Change{NextAt: next})
}

func (c *Core) restart(t *target, now time.Time, r Reason) {
	detail := t.explain(r)
	if t.cause != "" {
		c.change(t, now, StateDown, r, detail, Change{})
	}
	c.last++
	c.busy++
	t.attempt, t.acted, t.sentAt = c.last, t.obs.Instance, now
	t.startOnly = !t.running() && t.obs.Status != StatusPaused && t.obs.Status != StatusRestarting
	hung := r == ReasonUnhealthy || r == ReasonProbe && !t.answered
	stop := t.pol.StopTimeout
	if hung {
		stop = t.pol.StopTimeoutHung
	}
	counted := r != ReasonRequested
	if counted {
		t.restarts = append(t.restarts, now)
	}
	if counted && r != ReasonDependency {
		t.attempts++
	}
	if c.holding && c.turn == nil && counted {
		c.turn, c.turnUntil = t, now.Add(c.opts.TurnFor)
	}
	t.stopped, t.meant = false, true
	t.pending, t.due, t.firstBad = "", time.Time{}, time.Time{}
	c.change(t, now, StateRestarting, r, detail, Change{})
	c.acts = append(c.acts, Action{Kind: ActionRestart, Target: t.key, Instance: t.obs.Instance, Restart: Restart{
		Attempt: c.last, Reason: r, StartOnly: t.startOnly,
		StopTimeout: stop, Hung: hung, Counted: counted, Detail: detail,
	}})
}

// change moves a target to a state and reports it, unless it stands there for the same reason.
func (c *Core) change(t *target, now time.Time, to State, r Reason, detail string, ch Change) {
	if t.state == to && t.reason == r {
		return
	}
	ch.From, ch.To, ch.Reason, ch.Detail, ch.At = t.state, to, r, strings.TrimSpace(detail), now
	if ch.Cause == "" {
		ch.Cause = t.cause
	}
	if t.state != to {
		t.since = now
	}
	t.state, t.reason, t.detail = to, r, ch.Detail
	c.acts = append(c.acts, Action{Kind: ActionReport, Target: t.key, Instance: t.obs.Instance, Change: ch})
}

// report tells of something that does not change the state.
func (c *Core) report(t *target, now time.Time, r Reason, detail string) {
	t.detail = detail
	c.acts = append(c.acts, Action{Kind: ActionReport, Target: t.key, Instance: t.obs.Instance, Change: Change{
		From: t.state, To: t.state, Reason: r, Detail: detail, At: now, Cause: t.cause,
	}})
}

// reported reports whether this Step has told of the target already.
func (c *Core) reported(t *target) bool {
	return slices.ContainsFunc(c.acts, func(a Action) bool { return a.Kind == ActionReport && a.Target == t.key })
}

// reportSignal tells of a signal that does not show in the state, as the target is paused or a restart is under way.
func (c *Core) reportSignal(t *target, now time.Time) {
	if t.ending() {
		c.report(t, now, ReasonStopped, "somebody sent it a terminating signal")
		return
	}
	c.report(t, now, t.reason, "the signal that somebody sent has not ended it")
}

// short prints a duration as people write it: 1h rather than 1h0m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}
