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

	calmed    bool      // nothing is broken any more: from here on no restart is due
	heldSince time.Time // the core says that it holds
	storm     time.Time // when so many targets had turned bad at once that it must hold
	minute    int       // steps at the beginning of this minute
	minuteAt  time.Time
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
	doubt       bool      // somebody signalled this run, but it is not known when
	stopAt      time.Time // a person stopped it
	seenRunning bool      // the core was told once that it runs
	goneAt      time.Time
	paused      bool
	pausedUntil time.Time
	requests    int // restarts that a person asked for

	told     Observation // the latest look that this watchdog was told
	known    bool
	blind    bool   // the engine was lost since
	toldID   string // the same of any watchdog
	toldHash string
	badSince time.Time
	turnedAt time.Time // bad, for the last time
	wellOnce bool      // this run was well, as far as this watchdog was told
	okOnce   bool
	passes   int
	inARow   int    // failures that count beyond doubt
	results  []bool // of the probes that may count, true = failed
	probeBy  time.Time
	clean    bool // nothing was ever wrong with this run

	stamps []time.Time // counted restarts
	streak int         // restarts in a row without a stable run
	vague  bool        // there may have been more
	lastAt time.Time   // the last of them
	due    time.Time   // when the next one must come
	turn   time.Time   // restarted while many were held

	call    uint64 // under way
	callRun Instance
	silent  time.Time // the call was not answered: nothing may be sent before a look after this, or one that shows a new run
	awaits  time.Time // the call was answered, but no new run was told yet
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
	n := &b.acc
	if !n.goneAt.IsZero() && a.w.now.Sub(n.goneAt) >= max(b.obs.Policy.RestartWindow, time.Minute) {
		n.streak, n.lastAt, n.vague = 0, time.Time{}, false // forgotten
	}
	n.will, n.goneAt, n.due = run, time.Time{}, time.Time{}
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
	case n.will == stopped, b.obs.Error != "":
	case n.doubt, !n.signalAt.IsZero() && a.w.now.Sub(n.signalAt) <= signalFor+time.Second:
		n.will = unknown // the signal may or may not be the reason
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
func (a *account) signalled(b *box, told bool) {
	n := &b.acc
	if n.signalAt.IsZero() || !told {
		n.signalAt = a.w.now
	}
	n.signalTold = n.signalTold || told && n.toldID == b.obs.Instance.ID
	n.due, n.clean = time.Time{}, false
	if n.stopping {
		n.will = unknown
		if n.signalTold {
			n.will = stopped
		}
	}
}

// shutdown is the end of every container with the engine: they shall come back with it.
func (a *account) shutdown() {
	for _, b := range a.w.boxes {
		b.acc.due = time.Time{}
	}
}

// engineLost makes stops shortly before it doubtful: the engine may have done it.
func (a *account) engineLost(doubt time.Duration) {
	for _, b := range a.w.boxes {
		n := &b.acc
		n.due, n.probeBy, n.blind = time.Time{}, time.Time{}, true
		if n.stopping && (a.w.now.Sub(n.stopAt) < doubt || a.w.now.Sub(b.obs.FinishedAt) < doubt || b.running()) {
			n.will = unknown
		}
	}
}

func (a *account) removed(b *box) {
	n := &b.acc
	n.will, n.stopping, n.signalAt, n.signalTold, n.due, n.goneAt = unknown, false, time.Time{}, false, time.Time{}, a.w.now
}

// watchdogDied forgets what that watchdog was told, which the next one must be told again.
func (a *account) watchdogDied() {
	for _, b := range a.w.boxes {
		n := &b.acc
		if !n.signalAt.IsZero() && b.running() && a.w.now.Sub(n.signalAt) <= signalFor {
			n.doubt = true // nobody knows when the signal was when it dies unseen
		}
		n.forgetRun()
		n.known, n.told, n.badSince, n.turnedAt, n.turn, n.due = false, Observation{}, time.Time{}, time.Time{}, time.Time{}, time.Time{}
		n.call, n.silent, n.awaits, n.requests = 0, time.Time{}, time.Time{}, 0
	}
	a.heldSince, a.storm = time.Time{}, time.Time{}
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
		n.will, n.stopping, n.signalAt, n.requests, n.due = run, false, time.Time{}, n.requests+1, time.Time{}
	case EventReset:
		n.stamps, n.streak, n.lastAt, n.due = nil, 0, time.Time{}, time.Time{}
	}
	a.weigh(b)
}

func (a *account) hearsLook(b *box, o *Observation) {
	n := &b.acc
	fresh := !n.known || !n.told.Instance.Same(o.Instance)
	died := !fresh && n.told.Status == StatusRunning && o.Status == StatusExited
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
	if b.acc.call == 0 && !n.leftAlone(a.w.now) && !young {
		n.probeBy = a.w.now.Add(suspectProbe)
	}
}

func (a *account) hearsOutcome(b *box, o Outcome) {
	n := &b.acc
	if o.Attempt != n.call || n.call == 0 {
		return
	}
	n.call = 0
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

// need is how many failed probes make the target bad.
func (n *note) need() int {
	if n.told.Health == HealthHealthy {
		return 2 * n.told.Policy.FailureThreshold
	}
	return n.told.Policy.FailureThreshold
}

// isBad reports whether what the core was told makes the target bad beyond doubt.
func (n *note) isBad(now time.Time) bool {
	switch {
	case !n.known, n.blind, n.leftAlone(now), n.will != run, n.doubt, !n.signalAt.IsZero() && now.Sub(n.signalAt) <= signalFor:
		return false
	case n.told.Status == StatusExited:
		return true
	case n.told.Status != StatusRunning:
		return false
	}
	return n.told.Health == HealthUnhealthy || n.probed() && n.inARow >= n.need()
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

// weigh notes whether the target has turned bad, and whether so many have that all must be held.
func (a *account) weigh(b *box) {
	n := &b.acc
	if n.isWell() {
		n.wellOnce, n.turn = true, time.Time{}
	}
	if n.leftAlone(a.w.now) {
		n.turn = time.Time{}
	}
	if n.will != run || n.blind || n.leftAlone(a.w.now) || n.isBad(a.w.now) {
		n.probeBy = time.Time{}
	}
	if !n.isBad(a.w.now) {
		n.badSince = time.Time{}
		return
	}
	if !n.badSince.IsZero() {
		return
	}
	n.badSince, n.turnedAt = a.w.now, a.w.now
	sick := 0
	for _, o := range a.w.boxes {
		if o.acc.known && o.acc.will == run && !o.acc.leftAlone(a.w.now) && !o.acc.turnedAt.IsZero() && a.w.now.Sub(o.acc.turnedAt) <= a.w.opts.HoldWindow {
			sick++
		}
	}
	if sick >= a.w.opts.HoldTargets && 2*sick >= len(a.w.boxes) && a.storm.IsZero() && a.heldSince.IsZero() {
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
	case n.will != run, n.leftAlone(w.now), !n.clean, n.call != 0, !n.awaits.IsZero(), !n.silent.IsZero(), w.doom != "",
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
