package supervise

import (
	"hash/fnv"
	"time"
)

// target is all that the core knows of one target.
type target struct {
	key   string
	phase float64 // 0..1 by key: spreads the probes of many targets over the interval

	state  State
	reason Reason
	detail string
	since  time.Time

	known bool // was seen since the core started
	blind bool // the engine was lost, and no look has told since
	obs   Observation
	pol   Policy

	// Evidence about this run.
	fails, passes int
	firstFail     time.Time // of the failures in a row
	lastError     string
	answered      bool   // the last failed probe got some answer
	ring          uint64 // the latest probes, newest lowest, 1 = failed
	ringLen       int
	wasWell       bool      // this run has been well once
	firstBad      time.Time // it was found bad for the first time since its start, or since a restart that failed
	signalled     time.Time // somebody sent this run a terminating signal
	signalUntil   time.Time // until then an end may be told that the signal explains
	lastSignal    time.Time // the latest one to any run of this container, ours included
	probing       bool
	probeBegan    time.Time // the latest that has ended
	nextProbe     time.Time

	// The outage, if there is one.
	cause     Reason
	downSince time.Time
	badAt     time.Time // when the latest one began

	// The restart that is wanted, if there is one.
	pending Reason
	due     time.Time

	// The restart that is under way, if there is one.
	attempt     uint64    // 0 = none
	acted       Instance  // the run that it was sent to
	startOnly   bool      // which had ended
	sentAt      time.Time // when
	unsureUntil time.Time // the call timed out; a look after this, or a new run, tells what became of it
	awaitUntil  time.Time // the call is done; a new run, or a look after this, tells what is
	callStart   time.Time // of the last call, by the engine's clock, to recognise its signals
	callEnd     time.Time
	callStops   bool // it made some
	cascade     bool // restarted: those that depend on it follow when it is well

	// What survives a crash; see History.
	restarts    []time.Time
	attempts    int
	meant       bool // is meant to run
	stopped     bool // somebody stopped the run in obs.Instance
	paused      bool
	pausedUntil time.Time
	hash        string
	forgetAt    time.Time // when it is gone: until then it is remembered

	mark uint64    // of the latest walk along dependencies that came here
	wake time.Time // when EventTick was asked for
}

func newTarget(key string) *target {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // never fails
	return &target{key: key, phase: float64(h.Sum32()%1024) / 1024, pol: DefaultPolicy()}
}

// forgetRun drops all evidence about one run when another begins.
func (t *target) forgetRun() {
	t.fails, t.passes, t.ring, t.ringLen = 0, 0, 0, 0
	t.firstFail, t.signalled, t.signalUntil, t.nextProbe = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	t.lastError, t.answered, t.wasWell, t.firstBad = "", false, false, time.Time{}
}

// open begins an outage, at the time when what is known of it happened.
func (t *target) open(now time.Time, r Reason) {
	t.cause, t.badAt, t.downSince = r, now, now
	switch {
	case !t.running() && t.obs.FinishedAt.After(t.obs.Instance.StartedAt) && t.obs.FinishedAt.Before(now):
		t.downSince = t.obs.FinishedAt
	case r == ReasonProbe && !t.firstFail.IsZero():
		t.downSince = t.firstFail
	}
}

// endOutage forgets the outage and the restart that was wanted.
func (t *target) endOutage() {
	t.cause, t.pending = "", ""
	t.downSince, t.due = time.Time{}, time.Time{}
}

func (t *target) running() bool { return t.obs.Status == StatusRunning }

func (t *target) probed() bool { return t.pol.Probe != "" && t.pol.Probe != "none" }

// inGrace reports whether the run is too young for failures to count.
func (t *target) inGrace(now time.Time) bool {
	return !t.wasWell && now.Sub(t.obs.Instance.StartedAt) < t.pol.StartPeriod
}

// busy reports whether a restart is under way or its result has not shown yet.
func (t *target) busy() bool { return t.attempt != 0 || !t.awaitUntil.IsZero() }

// leftAlone reports whether it is in a state that is not ours to change.
func (t *target) leftAlone() bool {
	switch t.state {
	case StateStopped, StatePaused, StateMisconfigured, StateNeedsRecreate:
		return true
	}
	return false
}

// record takes one probe result into the evidence. A failure of a run that may still be starting leaves no mark.
func (t *target) record(now time.Time, r ProbeResult) {
	if !r.OK && t.inGrace(now) {
		t.passes, t.lastError = 0, r.Error
		return
	}
	t.ring <<= 1
	t.ringLen = min(t.ringLen+1, 64)
	if r.OK {
		t.fails, t.passes, t.firstFail, t.lastError = 0, t.passes+1, time.Time{}, ""
		return
	}
	t.ring |= 1
	if t.fails == 0 {
		t.firstFail = now
	}
	t.fails, t.passes, t.lastError, t.answered = t.fails+1, 0, r.Error, r.Answered
}

// flaps counts the failures among the last FlapWindow probes, or 0 where that rule is off.
func (t *target) flaps() int {
	if t.pol.FlapFailures <= 0 || t.ringLen < t.pol.FlapWindow {
		return 0
	}
	n := 0
	for i := range t.pol.FlapWindow {
		n += int(t.ring >> i & 1)
	}
	return n
}

// prune drops the restarts that have left the window.
func (t *target) prune(now time.Time) {
	i := 0
	for i < len(t.restarts) && now.Sub(t.restarts[i]) >= t.pol.RestartWindow {
		i++
	}
	t.restarts = t.restarts[i:]
}

// remaining is how many restarts the budget still allows.
func (t *target) remaining(now time.Time) int {
	n := t.pol.MaxRestarts
	for _, at := range t.restarts {
		if now.Sub(at) < t.pol.RestartWindow {
			n--
		}
	}
	return max(n, 0)
}

// delay is how long to wait before the next restart: none for the first after a stable run, then doubling.
func (t *target) delay(jitter func(time.Duration) time.Duration) time.Duration {
	if t.attempts == 0 || t.pol.RestartDelay <= 0 {
		return 0
	}
	d := t.pol.RestartDelay
	for range t.attempts - 1 {
		if d *= 2; d >= MaxRestartDelay {
			break
		}
	}
	d = min(d, MaxRestartDelay)
	if jitter != nil {
		d = min(d+jitter(d), MaxRestartDelay)
	}
	return d
}

// history is what must survive of the target.
func (t *target) history() History {
	stopped := t.stopped || t.ending()
	var sent time.Time
	if t.busy() {
		sent = t.sentAt
	}
	return History{
		Restarts: append([]time.Time(nil), t.restarts...), Attempts: t.attempts, Sent: sent, Instance: t.obs.Instance,
		Running: t.meant, Stopped: stopped, Signalled: t.signalled,
		Paused: t.paused, PausedUntil: t.pausedUntil, ConfigHash: t.hash,
	}
}

// ending reports whether somebody's signal has ended the run, or may do so: a late word of one that did not is none.
func (t *target) ending() bool {
	if t.running() {
		return !t.signalUntil.IsZero() && t.signalUntil.Sub(t.signalled) < 2*signalFor
	}
	return !t.signalled.IsZero() && t.obs.FinishedAt.Sub(t.signalled) < signalFor
}
