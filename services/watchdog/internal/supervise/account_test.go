package supervise

import (
	"fmt"
	"time"
)

// The figures of the rules, which are the observer's own: the core must keep to them.
const (
	stableRun    = 10 * time.Minute
	longestDelay = 300 * time.Second
	suspectAgain = time.Second
)

// account is what an observer beside the core writes down: what happened to the containers, what people asked for, what the
// core was told and what it did. It never looks into the core, and holds that against the rules of the design.
type account struct {
	w     *world
	only  int    // the rule to hold it against; 0 = all
	fault string // the first rule that was broken, and how

	reportedAt time.Time // when the core last reported anything

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

	state  State // what the core said last, with its reason
	reason Reason
	nextAt time.Time // and when it would act

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
	certain  []bool // of those that count beyond doubt
	probeBy  time.Time
	clean    bool // nothing was ever wrong with this run
	calm     bool // it is well, and nothing is broken any more: no restart is due

	stamps []time.Time // counted restarts
	streak int         // restarts in a row without a stable run
	vague  bool        // there may have been more
	untold bool        // that a run was stable may not be in the ledger
	lastAt time.Time   // the last of them
	due    time.Time   // when the next one must come
	turn   bool        // it has the turn while many are held, beyond doubt
	turns  []time.Time // when that may have begun
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
		mayBeOurs := n.callStops && (at.Before(n.silent) || n.call != 0 && n.callRun.Same(b.obs.Instance))
		if n.signalTold && !mayBeOurs {
			n.will = stopped
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
	murky := time.Time{}
	for _, b := range a.w.boxes {
		n := &b.acc
		a.fades(b)
		n.vague, n.untold = n.vague || n.untold, false
		if n.requests > 0 || n.asked && n.call != 0 {
			n.will = unknown // a request is not remembered
		}
		if !n.signalAt.IsZero() && b.running() && a.w.now.Sub(n.signalAt) <= signalFor {
			n.doubt = true // nobody knows when the signal was when it dies unseen
		}
		n.forgetRun()
		n.known, n.shut, n.open, n.told, n.badSince, n.turnedAt, n.due = false, false, false, Observation{}, time.Time{}, time.Time{}, time.Time{}
		n.awaits, n.turn, n.turns = time.Time{}, false, nil
		n.state, n.reason, n.nextAt = "", "", time.Time{}
		if n.call != 0 && !n.told.Instance.Same(n.callRun) {
			murky = a.w.now // the next one takes the run that the ledger tells of for the one that is being restarted
		}
		if n.call != 0 || !n.silent.IsZero() {
			n.awaits = n.sentAt.Add(a.w.opts.AwaitFor) // the ledger tells the next one of it
		}
		n.call, n.silent, n.requests = 0, time.Time{}, 0
	}
	a.storm, a.murky = time.Time{}, murky
}

func (n *note) forgetRun() {
	n.wellOnce, n.okOnce, n.passes, n.inARow, n.results, n.certain, n.probeBy, n.clean = false, false, 0, 0, nil, nil, time.Time{}, true
}
