package supervise

import (
	"slices"
	"time"
)

// world is a made-up host: an engine with containers, a watchdog around the core, people who do things, and a clock. It
// carries out what the core decides and tells it what came of it. Scenarios and properties both run on it.
type world struct {
	opts  Options
	core  *Core // nil while no watchdog runs
	life  int   // which watchdog it is: what was sent to an earlier one is not heard
	boxes []*box
	byKey map[string]*box
	saved map[string]History // the watchdog's ledger
	doom  string             // kill the watchdog at the next restart, before or after the call; see act
	since time.Time          // when the watchdog was last alive

	now   time.Time
	seq   int
	queue []planned
	runs  int // of all containers, to make IDs

	down     bool // the engine does not answer
	off      bool // the engine does not run
	downAt   time.Time
	bootedAt time.Time // when the engine last came back after it had stopped everything

	account *account
	say     func(string) // hears every action, for transcripts; may be nil
	steps   int
	still   int // steps at this instant
}

type planned struct {
	at  time.Time
	seq int
	run func()
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newWorld(opts Options) *world {
	w := &world{opts: opts, now: epoch, byKey: map[string]*box{}, saved: map[string]History{}}
	w.account = &account{w: w}
	w.core = New(opts)
	return w
}

// later runs something after a while, at once when d is 0 and nothing else is due.
func (w *world) later(d time.Duration, run func()) {
	w.seq++
	w.queue = append(w.queue, planned{w.now.Add(d), w.seq, run})
}

// advance runs everything that is due until at.
func (w *world) advance(at time.Time) {
	for w.account.fault == "" {
		next, i := planned{at: at.Add(1)}, -1
		for j := range w.queue {
			if sooner(w.queue[j], next) {
				next, i = w.queue[j], j
			}
		}
		var due *box
		for _, b := range w.boxes {
			if !b.wake.at.IsZero() && sooner(b.wake, next) {
				next, due = b.wake, b
			}
		}
		if due == nil && i < 0 {
			break
		}
		w.until(next.at)
		if due != nil {
			due.wake = planned{}
			w.step(due, Event{Kind: EventTick})
			continue
		}
		w.queue = slices.Delete(w.queue, i, i+1)
		next.run()
	}
	w.until(at)
}

func sooner(a, b planned) bool { return a.at.Before(b.at) || a.at.Equal(b.at) && a.seq < b.seq }

func (w *world) until(at time.Time) {
	if at.After(w.now) {
		w.now, w.still = at, 0
	}
}

// tell tells the core something about a container as the engine does: not while the connection is lost.
func (w *world) tell(b *box, ev Event) bool {
	if b.lost || w.down || w.core == nil {
		return false
	}
	w.step(b, ev)
	return true
}

// look tells the core all about the container.
func (w *world) look(b *box) {
	if b.gone {
		w.tell(b, Event{Kind: EventGone})
		return
	}
	obs := b.obs
	w.tell(b, Event{Kind: EventSeen, Seen: &obs})
}

// resync is a full look at everything, as when the connection is back. The engine recalls the signals that it sent.
func (w *world) resync(recalls bool) {
	if w.core == nil || w.down {
		return
	}
	for _, b := range w.boxes {
		b.lost = false
		if s := b.missed; s != (Signal{}) && recalls {
			b.missed = Signal{}
			w.account.signalled(b, s.SentAt, w.tell(b, Event{Kind: EventSignal, Signal: s}))
		}
	}
	for _, b := range w.boxes {
		w.look(b)
	}
}

// step is the loop around the core: decide, carry out, save.
func (w *world) step(b *box, ev Event) {
	ev.At = w.now
	if b != nil {
		ev.Target = b.key
	}
	w.steps++
	w.still++
	w.account.hears(b, ev)
	life := w.life
	for _, a := range w.core.Step(ev) { // carrying them out takes no other Step
		w.account.sees(a, ev)
		if w.carryOut(a); w.life != life {
			return // it was killed meanwhile
		}
	}
	switch ev.Kind {
	case EventEngineLost:
		w.save(w.boxes...)
	case EventPause, EventResume, EventRestart, EventReset:
		w.save(b)
	}
	w.account.heard(b, ev)
}

// save stores what the watchdog must know after a crash.
func (w *world) save(boxes ...*box) {
	for _, b := range boxes {
		if h, ok := w.core.History(b.key); ok {
			w.saved[b.key] = h
		}
	}
}

func (w *world) carryOut(a Action) {
	b := w.byKey[a.Target]
	switch a.Kind {
	case ActionWake:
		w.seq++
		b.wake = planned{at: w.now.Add(a.After), seq: w.seq}
		return
	case ActionProbe:
		w.probe(b, a)
		return
	case ActionReport:
		w.save(b)
	case ActionRestart:
		w.save(b)
		if w.doom != "before" {
			w.restart(b, a)
		}
	}
	if w.say != nil {
		w.say(w.describe(a))
	}
	if a.Kind == ActionRestart && w.doom != "" {
		w.kill()
	}
}

// kill ends the watchdog as kill -9 does: all that survives is what it has saved.
func (w *world) kill() {
	w.account.watchdogDied()
	w.core, w.since, w.doom = nil, w.now, ""
	w.life++
	for _, b := range w.boxes {
		b.wake = planned{}
	}
}

// begin starts a watchdog.
func (w *world) begin(recalls bool) {
	w.core = New(w.opts)
	for _, b := range w.boxes {
		if h, ok := w.saved[b.key]; ok {
			w.core.Restore(b.key, h)
		}
	}
	if w.bootedAt.After(w.since) {
		w.engineLost(w.now.Sub(w.since) + time.Minute)
	}
	w.resync(recalls)
}

// engineLost tells that the engine went away, or was away.
func (w *world) engineLost(doubt time.Duration) {
	w.account.engineLost(doubt)
	w.step(nil, Event{Kind: EventEngineLost, Duration: doubt})
}

// engineDown takes the engine away; a shutdown signals and ends every container first.
func (w *world) engineDown(shutdown bool) {
	if shutdown {
		for _, b := range w.boxes {
			if !b.running() {
				continue
			}
			w.account.shutdown(b)
			w.tell(b, Event{Kind: EventSignal, Signal: Signal{InstanceID: b.obs.Instance.ID, SentAt: w.now}})
			b.end(w, 143, false)
			w.look(b)
		}
	}
	w.down, w.off, w.downAt = true, shutdown, w.now
	if w.core != nil {
		w.engineLost(20 * time.Second)
	}
}

// engineUp brings the engine back. If it had been shut down, it starts what its own policy wants and has forgotten which
// signals it sent. The watchdog, if there is one, connects again.
func (w *world) engineUp() {
	booted := w.off
	w.down, w.off = false, false
	for _, b := range w.boxes {
		if booted {
			b.missed = Signal{}
			if !b.gone && b.obs.Status == StatusExited && !b.acc.stopping && b.obs.Error == "" && b.policyRestarts(b.obs.ExitCode) {
				b.begin(w)
			}
		}
		if b.obs.Status == StatusRestarting {
			b.begin(w)
		}
	}
	if booted {
		w.bootedAt = w.now
	}
	if w.core == nil {
		return
	}
	if booted {
		w.engineLost(w.now.Sub(w.downAt) + time.Minute)
	}
	w.resync(true)
}
