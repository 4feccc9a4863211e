package supervise

import (
	"fmt"
	"slices"
	"time"
)

// account is what an observer beside the core writes down: what happened to the containers, what people asked for, what the
// core was told and what it did. It never looks into the core, and holds that against the rules of the design.
type account struct {
	w     *world
	only  int    // the rule to hold it against; 0 = all
	fault string // the first rule that was broken, and how

	storm    time.Time // when so many targets had turned bad at once that it must hold
	murky    time.Time // when that could not be told for sure
	minute   int       // steps at the beginning of this minute
	minuteAt time.Time
}

// will is what a person wants of a container, as far as the core can know it.
type will uint8

const (
	unknown will = iota // nobody could tell
	run                 // shall run
	stopped             // was stopped on purpose, and the core was told
)

// note is what the observer writes down of one container.
type note struct {
	will        will
	stopping    bool      // a person is stopping this run
	signalAt    time.Time // somebody signalled this run
	signalTold  bool
	heardAt     time.Time // the latest that the core was told of
	doubt       bool      // somebody signalled this run, but it is not known when
	stopAt      time.Time // a person stopped it
	seenRunning bool      // the core was told once that it runs
	goneAt      time.Time // the core was told that it is gone
	paused      bool
	pausedUntil time.Time
	requests    int // restarts that a person asked for

	told     Observation // the latest look that this watchdog was told
	known    bool
	blind    bool   // the engine was lost since
	shut     bool   // the engine, which shuts down, has ended it
	toldID   string // the same of any watchdog
	toldHash string
	badSince time.Time
	open     bool      // the outage has not ended
	turnedAt time.Time // when the last one began
	wellOnce bool      // this run was well, as far as this watchdog was told
	okOnce   bool
	passes   int
	inARow   int    // failures that count beyond doubt
	results  []bool // of the probes that may count, true = failed
	probeBy  time.Time
	clean    bool // nothing was ever wrong with this run
	calm     bool // it is well, and nothing is broken any more: no restart is due

	stamps []time.Time // counted restarts
	streak int         // restarts in a row without a stable run
	vague  bool        // there may have been more
	lastAt time.Time   // the last of them
	due    time.Time   // when the next one must come
	turn   time.Time   // restarted while many were held
	sentAt time.Time   // the latest restart

	call      uint64 // under way
	callRun   Instance
	asked     bool      // by a person
	callStops bool      // it ends the run first
	silent    time.Time // the call was not answered: nothing may be sent before a look after this, or one that shows a new run
	awaits    time.Time // the call was answered, but no new run was told yet
}

// breaks notes that a rule is broken. The first one stays.
func (a *account) breaks(rule int, format string, args ...any) {
	if a.fault == "" && (a.only == 0 || a.only == rule) {
		a.fault = fmt.Sprintf("rule %d is broken at %s: ", rule, a.w.now.Sub(epoch)) + fmt.Sprintf(format, args...)
	}
}

// What happens to the containers.

func (a *account) changed(b *box) { b.acc.due = time.Time{} }

// started is a person's start.
func (a *account) started(b *box) {
	b.acc.will, b.acc.due = run, time.Time{}
}

// began is any new run.
func (a *account) began(b *box) {
	n := &b.acc
	n.will, n.stopping, n.signalAt, n.signalTold, n.doubt, n.due = run, false, time.Time{}, false, false, time.Time{}
}

// died is an end that nobody asked for.
func (a *account) died(b *box) {
	n := &b.acc
	code := b.obs.ExitCode
	switch {
	case n.will == stopped:
	case n.doubt, !n.signalAt.IsZero() && a.w.now.Sub(n.signalAt) <= signalFor+time.Second:
		n.will = unknown // the signal may or may not be the reason
	case b.obs.Error != "":
	case b.obs.RestartPolicy == RestartOnFailure && code == 0:
		n.will = unknown // has finished its work
	case !n.seenRunning && (code == 0 || code == 137 || code == 143):
		n.will = unknown // looks as if somebody had stopped it
	}
}

// stopped is a person's docker stop or kill; signalled follows.
func (a *account) stopped(b *box) {
	b.acc.stopping, b.acc.stopAt, b.acc.seenRunning, b.acc.due = true, a.w.now, false, time.Time{}
}

// signalled is a terminating signal, and whether the core was told. It may be told later.
func (a *account) signalled(b *box, at time.Time, told bool) {
	n := &b.acc
	n.signalAt = at
	if told {
		n.heardAt = at
	}
	n.signalTold = n.signalTold || told && n.toldID == b.obs.Instance.ID
	n.due, n.clean, n.seenRunning = time.Time{}, false, n.seenRunning && !told
	if n.stopping {
		n.will = unknown
		if n.signalTold && (n.silent.IsZero() || !n.callStops) {
			n.will = stopped // else the signal may be that of our own call, which nobody answered
		}
	}
}

// shutdown is the end of a container with the engine: it shall come back with it, but is no failure.
func (a *account) shutdown(b *box) {
	b.acc.shut, b.acc.due = true, time.Time{}
	if !b.lost && a.w.core != nil {
		b.acc.open = false // the core takes it for a stop, and what follows for another outage
	}
	if n := &b.acc; !n.seenRunning || n.doubt || !n.signalAt.IsZero() && a.w.now.Sub(n.signalAt) <= signalFor+time.Second {
		n.will = unknown // looks as if somebody had stopped it
	}
}

// engineLost makes stops shortly before it doubtful: the engine may have done it.
func (a *account) engineLost(doubt time.Duration) {
	for _, b := range a.w.boxes {
		n := &b.acc
		n.due, n.probeBy, n.blind, n.shut = time.Time{}, time.Time{}, true, false
		if n.stopping && (a.w.now.Sub(n.stopAt) < doubt || a.w.now.Sub(b.obs.FinishedAt) < doubt || b.running()) {
			n.will = unknown
		}
	}
}

func (a *account) removed(b *box) {
	n := &b.acc
	n.will, n.stopping, n.signalAt, n.signalTold, n.due = unknown, false, time.Time{}, false, time.Time{}
}

// watchdogDied forgets what that watchdog was told, which the next one must be told again.
func (a *account) watchdogDied() {
	for _, b := range a.w.boxes {
		n := &b.acc
		a.fades(b)
		if n.requests > 0 || n.asked && n.call != 0 {
			n.will = unknown // a request is not remembered
		}
		if !n.signalAt.IsZero() && b.running() && a.w.now.Sub(n.signalAt) <= signalFor {
			n.doubt = true // nobody knows when the signal was when it dies unseen
		}
		n.forgetRun()
		n.known, n.shut, n.open, n.told, n.badSince, n.turnedAt, n.turn, n.due = false, false, false, Observation{}, time.Time{}, time.Time{}, time.Time{}, time.Time{}
		n.awaits = time.Time{}
		if n.call != 0 || !n.silent.IsZero() {
			n.awaits = n.sentAt.Add(a.w.opts.AwaitFor) // the ledger tells the next one of it
		}
		n.call, n.silent, n.requests = 0, time.Time{}, 0
	}
	a.storm, a.murky = time.Time{}, time.Time{}
}

func (n *note) forgetRun() {
	n.wellOnce, n.okOnce, n.passes, n.inARow, n.results, n.probeBy, n.clean = false, false, 0, 0, nil, time.Time{}, true
}

// What the core is told.

// hears notes an event before the core decides.
func (a *account) hears(b *box, ev Event) {
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
		n.known, n.call, n.silent, n.awaits, n.badSince, n.turn = false, 0, time.Time{}, time.Time{}, time.Time{}, time.Time{}
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
		if n.streak > 0 && a.w.now.Sub(n.told.Instance.StartedAt) >= StableRun {
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
		n.results = append(n.results, false)
		return
	}
	n.passes, n.clean = 0, false
	if n.okOnce || n.wellOnce || !young {
		n.results = append(n.results, true)
	}
	if n.wellOnce || !young {
		n.inARow++
	}
	if b.acc.call == 0 && !n.leftAlone(a.w.now) && !young && n.inARow < n.need() && !n.flaps() {
		n.probeBy = a.w.now.Add(suspectProbe)
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
		n.turn = time.Time{}
	}
}

// What follows from it.

// leftAlone reports whether the core was told to keep its hands off.
func (n *note) leftAlone(now time.Time) bool {
	return n.will == stopped || n.held(now) || n.told.Fault != "" || n.told.DonorMissing
}

// held reports whether it is paused, one way or the other.
func (n *note) held(now time.Time) bool {
	return n.told.Status == StatusPaused || n.paused && (n.pausedUntil.IsZero() || now.Before(n.pausedUntil))
}

// failures counts the failed probes among the last so many.
func (n *note) failures(last int) int {
	count := 0
	for _, failed := range n.results[max(len(n.results)-last, 0):] {
		if failed {
			count++
		}
	}
	return count
}

// flaps reports whether enough of the last probes failed, though not in a row.
func (n *note) flaps() bool {
	p := n.told.Policy
	return p.FlapFailures > 0 && n.failures(p.FlapWindow) >= max(p.FlapFailures, n.need())
}

// busy reports whether a restart is under way, or its result was not told.
func (n *note) busy() bool { return n.call != 0 || !n.silent.IsZero() || !n.awaits.IsZero() }

// need is how many failed probes make the target bad.
func (n *note) need() int {
	if n.told.Health == HealthHealthy && !n.told.CheckFailed {
		return 2 * n.told.Policy.FailureThreshold
	}
	return n.told.Policy.FailureThreshold
}

// isBad reports whether what the core was told makes the target bad beyond doubt.
func (b *box) isBad(now time.Time) bool {
	n := &b.acc
	switch {
	case !n.told.Instance.Same(b.obs.Instance):
		return false // the core is wrong about it, and cannot know
	case !n.known, n.blind, n.shut, n.busy(), n.requests > 0, n.will == stopped, n.held(now), n.told.Fault != "":
		return false
	case n.told.Status == StatusRestarting:
		return true
	case n.leftAlone(now), n.will != run, n.doubt, !n.signalAt.IsZero() && now.Sub(n.signalAt) <= signalFor:
		return false
	case n.told.Status == StatusExited:
		return !n.enginesDuty()
	case n.told.Status != StatusRunning:
		return false
	}
	return n.told.Health == HealthUnhealthy || n.probed() && n.inARow >= n.need()
}

// enginesDuty reports whether the engine would have restarted what ended, had it been a death.
func (n *note) enginesDuty() bool {
	return n.told.Status == StatusExited && n.told.RestartPolicy != RestartNo && n.told.Error == ""
}

func (n *note) isWell() bool {
	switch {
	case !n.known, n.told.Status != StatusRunning, n.told.Health == HealthUnhealthy:
		return false
	case n.probed():
		return n.passes >= n.told.Policy.SuccessThreshold
	}
	return n.told.Health != HealthStarting
}

func (n *note) probed() bool { return n.told.Policy.Probe != "none" }

// fades makes a stop doubtful whose end the core was not told for so long that the signal seems to have been ignored.
func (a *account) fades(b *box) {
	n := &b.acc
	if n.will == stopped && n.known && n.told.Status == StatusRunning && a.w.now.Sub(n.heardAt) >= signalFor {
		n.will = unknown
	}
}

// weigh notes whether the target has turned bad, and whether so many have that all must be held.
func (a *account) weigh(b *box) {
	n := &b.acc
	a.fades(b)
	if n.isWell() && !n.busy() && !n.blind {
		n.wellOnce, n.open, n.turn = true, false, time.Time{}
	}
	if n.leftAlone(a.w.now) || !n.known {
		n.open, n.turn = false, time.Time{}
	}
	if n.will != run || n.shut {
		n.turn = time.Time{}
	}
	if n.will != run || n.blind || n.leftAlone(a.w.now) || b.isBad(a.w.now) || !n.told.Instance.Same(b.obs.Instance) {
		n.probeBy = time.Time{}
	}
	if n.known && (n.will == unknown && n.told.Status == StatusExited || !n.told.Instance.Same(b.obs.Instance)) {
		a.murky = a.w.now // the core may count it
	}
	if !b.isBad(a.w.now) {
		n.badSince = time.Time{}
		return
	}
	if n.badSince.IsZero() {
		n.badSince = a.w.now
	}
	if n.counted(a.w.now) >= n.told.Policy.MaxRestarts {
		n.turn = time.Time{}
	}
	if n.open {
		return
	}
	n.open, n.turnedAt = true, a.w.now
	sick, all, unsure := 0, 0, 0
	for _, o := range a.w.boxes {
		switch n := &o.acc; {
		case n.known && (!n.told.Instance.Same(o.obs.Instance) || n.told.DonorMissing || n.enginesDuty() || n.will == stopped && n.told.Status == StatusRunning):
			unsure++
		case n.known && n.busy() && n.leftAlone(a.w.now):
			unsure++ // it was told, but the core may not have come to it
		case !n.known || n.leftAlone(a.w.now):
		case n.will != run || n.blind || n.doubt:
			unsure++
		default:
			all++
			if !n.turnedAt.IsZero() && a.w.now.Sub(n.turnedAt) <= a.w.opts.HoldWindow && (a.storm.IsZero() || n.turnedAt.After(a.storm)) {
				sick++
			}
		}
	}
	switch {
	case sick+unsure < a.w.opts.HoldTargets || 2*(sick+unsure) < all:
	case sick < a.w.opts.HoldTargets || 2*sick < all+unsure, !a.murky.IsZero() && a.w.now.Sub(a.murky) <= 2*a.w.opts.HoldWindow:
		a.murky = a.w.now
	default:
		a.storm = a.w.now
	}
}

// counted is how many restarts are in the window.
func (n *note) counted(now time.Time) int {
	n.stamps = slices.DeleteFunc(n.stamps, func(at time.Time) bool { return now.Sub(at) >= n.told.Policy.RestartWindow })
	return len(n.stamps)
}

// pause is how long the next restart must wait, after a streak of so many.
func (a *account) pause(p Policy, streak int) time.Duration {
	if streak == 0 {
		return 0
	}
	d := p.RestartDelay
	for i := 1; i < streak && d < MaxRestartDelay; i++ {
		d *= 2
	}
	return min(d, MaxRestartDelay)
}

// expect notes when the restart after a death must come, where nothing can hold it back.
func (a *account) expect(b *box) {
	n, w := &b.acc, a.w
	n.due = time.Time{}
	switch {
	case n.will != run, n.leftAlone(w.now), !n.clean, n.busy(), w.doom != "",
		len(w.boxes) >= w.opts.HoldTargets, len(w.boxes) > w.opts.MaxConcurrent, n.told.RestartPolicy != RestartNo, n.told.Error != "":
		return
	}
	for _, o := range w.boxes {
		if len(o.obs.DependsOn) > 0 {
			return
		}
	}
	p := n.told.Policy
	if p.MaxRestarts == 0 {
		return
	}
	streak := n.streak
	if w.now.Sub(n.told.Instance.StartedAt) >= StableRun && n.told.FinishedAt.Sub(n.told.Instance.StartedAt) < StableRun {
		return // it was told late, so that the run looked stable meanwhile
	}
	if n.told.FinishedAt.Sub(n.told.Instance.StartedAt) >= StableRun {
		streak = 0
		n.vague = n.vague || !n.wellOnce // it may not have been a stable one
	}
	if n.vague {
		return
	}
	d := a.pause(p, streak)
	if w.opts.Jitter != nil {
		d = min(d+w.opts.Jitter(d), MaxRestartDelay)
	}
	n.due = w.now.Add(d)
	if n.counted(w.now) >= p.MaxRestarts {
		if free := n.stamps[len(n.stamps)-p.MaxRestarts].Add(p.RestartWindow); free.After(n.due) {
			n.due = free
		}
	}
}
