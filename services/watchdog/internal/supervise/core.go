package supervise

import (
	"slices"
	"strings"
	"time"
)

// Options are the rules that span all targets. The zero value is not usable; see DefaultOptions.
type Options struct {
	MaxConcurrent int                               // restarts under way at once
	HoldTargets   int                               // that many targets, and half of all, bad within HoldWindow: hold
	HoldWindow    time.Duration                     // see HoldTargets
	HoldFor       time.Duration                     // how long to wait before the first of them is restarted
	TurnFor       time.Duration                     // how long the next waits for one that does not get well
	AwaitFor      time.Duration                     // how long to wait for the new run after a restart
	Jitter        func(time.Duration) time.Duration // what to add to a delay; nil adds nothing
}

// DefaultOptions suit one host.
func DefaultOptions() Options {
	return Options{
		MaxConcurrent: 4,
		HoldTargets:   3, HoldWindow: 30 * time.Second, HoldFor: 5 * time.Second, TurnFor: 30 * time.Second,
		AwaitFor: 30 * time.Second,
	}
}

const (
	suspectProbe = time.Second            // from probe to probe of a target that is suspect, however long one takes
	startProbe   = 250 * time.Millisecond // between probes of a target that is starting
	firstSpread  = 500 * time.Millisecond // over which first probes are spread
	clockLeeway  = 10 * time.Millisecond  // between a call and the signals that it makes, by the engine's clock
	longestAwait = 24 * time.Hour         // no timer is armed further ahead

	longestWindow = 30 * 24 * time.Hour // how long a target that was never seen is remembered
)

// Core decides for all targets. Make one with New.
type Core struct {
	opts    Options
	targets map[string]*target
	order   []*target // by key, so that equal histories give equal actions
	acts    []Action
	last    uint64 // the latest attempt
	busy    int    // restarts under way
	waiting bool   // some target waits for another, so changes elsewhere matter
	mark    uint64 // of the latest walk along dependencies
	freed   bool   // this Step ended something that others may wait for

	doubtFrom, doubtTo time.Time // when the engine was lost: stops then may have been its own

	holding   bool // many targets failed at once
	heldAt    time.Time
	turn      *target // the one that may be restarted while holding
	turnUntil time.Time
}

// New makes a core without targets.
func New(opts Options) *Core {
	return &Core{opts: opts, targets: map[string]*target{}}
}

// Restore tells the core what was known of a target before the watchdog last ended. It must come before the target's
// first event.
func (c *Core) Restore(key string, h History) {
	t := c.target(key)
	t.restarts = slices.SortedFunc(slices.Values(h.Restarts), time.Time.Compare)
	t.attempts, t.sentAt, t.obs.Instance, t.hash = h.Attempts, h.Sent, h.Instance, h.ConfigHash
	t.meant, t.stopped, t.lastSignal = h.Running, h.Stopped, h.Signalled
	t.paused, t.pausedUntil = h.Paused, h.PausedUntil
}

// Step takes one event and returns what to do about it, in order. The slice is valid until the next Step.
func (c *Core) Step(ev Event) []Action {
	c.acts, c.freed = c.acts[:0], false
	if ev.Kind == EventEngineLost {
		c.engineLost(ev)
		return c.acts
	}
	t := c.targets[ev.Target]
	if t == nil {
		if ev.Kind != EventSeen {
			return c.acts // a late word about a target that is forgotten
		}
		t = c.target(ev.Target)
	}
	before, known, run, ending := t.state, t.known, t.obs.Instance, t.ending()
	switch ev.Kind {
	case EventTick:
		t.wake = time.Time{}
		if t.state == StateGone {
			c.forget(t, ev.At)
			return c.acts
		}
	case EventSeen:
		c.seen(t, ev.At, ev.Seen)
	case EventGone:
		c.gone(t, ev.At)
	case EventSignal:
		c.signal(t, ev.At, ev.Signal)
	case EventProbe:
		c.probed(t, ev.At, ev.Probe)
	case EventOutcome:
		c.outcome(t, ev.At, ev.Outcome)
	case EventPause:
		t.paused, t.pausedUntil = true, time.Time{}
		if ev.Duration > 0 {
			t.pausedUntil = ev.At.Add(ev.Duration)
		}
	case EventResume:
		t.paused, t.pausedUntil = false, time.Time{}
	case EventRestart:
		t.stopped, t.signalled, t.signalUntil, t.lastSignal = false, time.Time{}, time.Time{}, time.Time{}
		t.pending, t.due = ReasonRequested, ev.At
	case EventReset:
		t.restarts, t.attempts = nil, 0
		if t.pending != "" {
			t.due = ev.At
		}
	}
	if t.known && t.state != StateGone {
		c.expire(t, ev.At)
		c.settle(t, ev.At)
		c.arm(t, ev.At)
		detail := t.detail
		switch { // what the history holds must be told, though the state is the same
		case c.reported(t):
		case t.ending() != ending && (t.running() || ev.Kind == EventSignal):
			c.reportSignal(t, ev.At)
		case known && !t.busy() && !run.Same(t.obs.Instance):
			c.report(t, ev.At, ReasonStarted, "a new run has begun")
		}
		t.detail = detail // of the state, which is the same
	}
	if c.waiting && (c.freed || t.state != before) {
		c.release(t, ev.At)
	}
	c.endHold(ev.At)
	return c.acts
}

// target returns the target of that key, made if need be.
func (c *Core) target(key string) *target {
	if t := c.targets[key]; t != nil {
		return t
	}
	t := newTarget(key)
	c.targets[key] = t
	i, _ := slices.BinarySearchFunc(c.order, key, func(t *target, k string) int { return strings.Compare(t.key, k) })
	c.order = slices.Insert(c.order, i, t)
	return t
}

func (c *Core) seen(t *target, now time.Time, o *Observation) {
	fresh := !t.known || !t.obs.Instance.Same(o.Instance)
	known, old, count := t.known, t.obs.Instance, t.obs.RestartCount
	if t.hash != "" && o.ConfigHash != "" && t.hash != o.ConfigHash {
		t.restarts, t.attempts = nil, 0 // another configuration deserves a fresh start
	}
	t.hash = o.ConfigHash
	t.known, t.blind, t.obs, t.pol = true, false, *o, o.Policy
	if !known && !old.Same(o.Instance) {
		t.stopped = false // another run than the one that somebody stopped while the watchdog was away
	}
	if !known {
		c.doubt(t)
		c.inherit(t, now, old)
	}
	if fresh && known {
		c.newRun(t, old)
	}
	if fresh {
		t.forgetRun()
		if old.ID == o.Instance.ID && t.lastSignal.After(o.Instance.StartedAt) {
			t.signalled, t.signalUntil = t.lastSignal, now.Add(signalFor) // sent to this run before it was seen
		}
		if known && o.RestartCount > count {
			c.report(t, now, ReasonDaemon, "docker's restart policy restarted it")
		}
	}
	if !t.unsureUntil.IsZero() && (!o.Instance.Same(t.acted) || !now.Before(t.unsureUntil)) {
		t.unsureUntil = time.Time{} // the look that tells what became of a call that timed out
		c.finished(t)
	}
	if !t.awaitUntil.IsZero() && !now.Before(t.awaitUntil) {
		t.awaitUntil = time.Time{} // no new run showed up: judge what is there
	}
	if t.stopped && !known && (t.running() || o.Status == StatusPaused) {
		t.stopped, t.signalled, t.signalUntil = false, now, now.Add(signalFor) // it was being stopped when the watchdog ended, and still is, or has ignored it
	}
	if t.running() {
		t.meant = true
		if fresh && !known {
			t.nextProbe = now.Add(time.Duration(t.phase * float64(min(firstSpread, t.pol.ProbeInterval))))
		}
	}
	if t.state == StateGone {
		t.state = ""
	}
}

// inherit takes over a restart that the ledger tells of, sent by a watchdog that ended before a new run showed up. The engine
// may still be at it.
func (c *Core) inherit(t *target, now time.Time, old Instance) {
	until := t.sentAt.Add(c.opts.AwaitFor)
	if t.sentAt.IsZero() || !old.Same(t.obs.Instance) || !now.Before(until) {
		return
	}
	t.acted, t.awaitUntil, t.callStart, t.callEnd, t.callStops = old, until, t.sentAt, until, true
	reason := ReasonProbe
	switch {
	case !t.running():
		reason = t.deathReason()
	case t.obs.Health == HealthUnhealthy:
		reason = ReasonUnhealthy
	}
	if reason != ReasonProbe {
		t.open(now, reason)
	}
	c.change(t, now, StateRestarting, reason, "it was being restarted when the watchdog ended; waiting for what came of it", Change{})
}

// newRun notes that a run has replaced another, whoever began it.
func (c *Core) newRun(t *target, old Instance) {
	if !t.awaitUntil.IsZero() || t.attempt != 0 {
		t.awaitUntil = time.Time{}
		t.cascade = true
	} else if t.cause != "" || old.ID == t.obs.Instance.ID && !old.StartedAt.IsZero() {
		t.cascade = t.running() // Docker or somebody restarted it in place; a first start pulls nobody along
	}
	t.stopped, t.pending, t.due = false, "", time.Time{}
}

func (c *Core) gone(t *target, now time.Time) {
	if t.state == StateGone {
		return
	}
	window := t.pol.RestartWindow
	if t.state == "" {
		window = longestWindow // never seen, so that its policy is not known
	}
	if t.attempt != 0 {
		c.finished(t)
	}
	t.awaitUntil, t.unsureUntil, t.probing, c.freed = time.Time{}, time.Time{}, false, true
	if c.turn == t {
		c.endTurn()
	}
	t.endOutage()
	t.known = false
	c.change(t, now, StateGone, ReasonRemoved, "the container was removed", Change{})
	t.forgetAt = now.Add(max(window, time.Minute))
	c.wakeAt(t, now, t.forgetAt)
}

// forget drops a target that has been gone for a whole window, so that short-lived containers do not pile up. A tick that
// was on its way when the container went is no reason to, and a pause is not forgotten.
func (c *Core) forget(t *target, now time.Time) {
	c.expire(t, now)
	if t.paused && !now.Before(t.forgetAt) {
		t.forgetAt = now.Add(longestAwait)
	}
	if now.Before(t.forgetAt) {
		c.wakeAt(t, now, t.forgetAt)
		return
	}
	delete(c.targets, t.key)
	c.order = slices.DeleteFunc(c.order, func(o *target) bool { return o == t })
}

// signal notes a terminating signal. The core's own restart sends some to the run that it ends, never to a later one.
func (c *Core) signal(t *target, now time.Time, s Signal) {
	if s.InstanceID != t.obs.Instance.ID || s.SentAt.Before(t.obs.Instance.StartedAt) {
		return // it ended an earlier run
	}
	if s.SentAt.Before(t.lastSignal) {
		return // a later one is known
	}
	t.lastSignal = s.SentAt
	if t.obs.Instance.Same(t.acted) && t.isOurs(s.SentAt) {
		return
	}
	t.signalled, t.signalUntil = s.SentAt, now.Add(signalFor)
}

// isOurs reports whether the core's own call made a signal: the one under way, or the one before, whose signals may be told
// late. A call that timed out may make one later, but not for ever, and one that only starts makes none.
func (t *target) isOurs(at time.Time) bool {
	if t.attempt != 0 && !t.startOnly {
		return t.unsureUntil.IsZero() || at.Before(t.unsureUntil)
	}
	return t.callStops && at.After(t.callStart.Add(-clockLeeway)) && at.Before(t.callEnd.Add(clockLeeway))
}

func (c *Core) probed(t *target, now time.Time, r ProbeResult) {
	t.probing, t.probeBegan = false, now.Add(-r.Took)
	if r.Instance.Same(t.obs.Instance) && t.running() && !r.Unsure {
		t.record(now, r)
	}
	t.nextProbe = now.Add(t.pol.ProbeInterval)
	if t.ringLen == 1 { // the first one came at once: spread the others from here
		t.nextProbe = now.Add(t.pol.ProbeInterval/2 + time.Duration(t.phase*float64(t.pol.ProbeInterval/2)))
	}
}

func (c *Core) outcome(t *target, now time.Time, o Outcome) {
	if o.Attempt != t.attempt || t.attempt == 0 || !t.unsureUntil.IsZero() {
		return
	}
	t.callStart, t.callEnd, t.callStops = o.StartedAt, o.EndedAt, !t.startOnly
	switch {
	case o.TimedOut:
		if !t.obs.Instance.Same(t.acted) {
			c.finished(t) // the new run showed up meanwhile
			return
		}
		t.unsureUntil = now.Add(c.opts.AwaitFor) // the engine may still do it: nothing is sent before a later look
		c.report(t, now, ReasonActionTimeout, "the engine has not answered in time; waiting for what it did")
	case o.Err != "":
		c.finished(t)
		c.report(t, now, ReasonActionFailed, "the engine refused the restart: "+o.Err)
		t.pending = "" // plan again, with the delay of one attempt more
		if c.turn == t {
			c.endTurn()
		}
	default:
		c.finished(t)
		if t.obs.Instance.Same(t.acted) {
			t.awaitUntil = now.Add(c.opts.AwaitFor)
		}
	}
}

// finished ends the restart under way.
func (c *Core) finished(t *target) {
	t.attempt = 0
	c.busy--
	c.freed = true
}

// engineLost doubts the stops that were seen just before: an engine that shuts down signals every container, and those
// shall come back when it does. Until they are looked at again nothing is decided about the targets, as nothing is known
// and nothing can be done.
func (c *Core) engineLost(ev Event) {
	for _, t := range c.order {
		t.blind = true
		if ev.At.Sub(t.lastSignal) < ev.Duration {
			t.signalled, t.signalUntil, t.lastSignal = time.Time{}, time.Time{}, time.Time{}
		}
	}
	c.doubtFrom, c.doubtTo = ev.At.Add(-ev.Duration), ev.At
	for _, t := range c.order {
		c.doubt(t)
	}
}

// doubt takes a stop for the engine's own if it was about when the engine went away.
func (c *Core) doubt(t *target) {
	end := t.obs.FinishedAt
	if t.stopped && t.meant && end.After(c.doubtFrom) && !end.After(c.doubtTo) {
		t.stopped = false
	}
}
