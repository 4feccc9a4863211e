package supervise

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// world is a made-up engine with containers: it carries out what the core decides and tells it what came of it, on a
// clock of its own. Scenarios and properties both run on it.
type world struct {
	core  *Core
	opts  Options
	now   time.Time
	seq   int
	queue []planned
	boxes map[string]*box
	runs  int
	say   func(string)                              // hears every action, for transcripts
	acted func(at time.Time, key string, r Restart) // hears every restart, for properties
}

type planned struct {
	at  time.Time
	seq int
	run func()
}

// box is one container of the world.
type box struct {
	key      string
	obs      Observation
	probes   string        // ok, fail, refuse or hang
	engine   string        // ok, refuse, timeout, deaf (does it, but nobody hears), crash (the new run exits at once)
	takes    time.Duration // a restart
	wake     int           // the timer that counts
	working  bool          // the engine carries out a restart
	meant    bool          // no person has stopped it
	failed   int           // probe failures in a row of this run
	ring     []bool        // probe results of this run, true = failed
	lost     bool          // events about it do not reach the core
	requests int
}

var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func newWorld(opts Options) *world {
	return &world{core: New(opts), opts: opts, now: epoch, boxes: map[string]*box{}}
}

func (w *world) add(key string, p Policy) *box {
	b := &box{key: key, probes: "ok", engine: "ok", takes: 500 * time.Millisecond, meant: true}
	b.obs = Observation{Status: StatusCreated, Health: HealthNone, RestartPolicy: RestartNo, Policy: p}
	w.boxes[key] = b
	return b
}

// begin gives the container a new run.
func (w *world) begin(b *box) {
	w.runs++
	id := b.obs.Instance.ID
	if id == "" {
		id = fmt.Sprintf("%s-%d", b.key, w.runs)
	}
	b.obs.Instance = Instance{ID: id, StartedAt: w.now}
	b.obs.Status, b.obs.ExitCode, b.obs.OOMKilled, b.obs.Error = StatusRunning, 0, false, ""
	if b.obs.Health != HealthNone {
		b.obs.Health = HealthStarting
	}
	b.failed, b.ring = 0, nil
}

func (w *world) exit(b *box, code int, oom bool) {
	b.obs.Status, b.obs.ExitCode, b.obs.OOMKilled, b.obs.FinishedAt = StatusExited, code, oom, w.now
}

// stop is docker stop or docker kill by a person: the signal is told first, then the death.
func (w *world) stop(b *box) {
	b.meant = false
	w.tell(b, Event{Kind: EventSignal, Signal: Signal{InstanceID: b.obs.Instance.ID, SentAt: w.now}})
	w.exit(b, 137, false)
	w.look(b)
}

// look tells the core all about the container, unless the event is lost.
func (w *world) look(b *box) {
	obs := b.obs
	w.tell(b, Event{Kind: EventSeen, Seen: &obs})
}

func (w *world) tell(b *box, ev Event) {
	if !b.lost {
		ev.Target = b.key
		w.step(ev)
	}
}

func (w *world) step(ev Event) {
	ev.At = w.now
	for _, a := range slices.Clone(w.core.Step(ev)) {
		w.carryOut(a)
	}
}

func (w *world) later(d time.Duration, run func()) {
	w.seq++
	w.queue = append(w.queue, planned{w.now.Add(d), w.seq, run})
}

// advance runs everything that is due until at.
func (w *world) advance(at time.Time) {
	for {
		i := -1
		for j, p := range w.queue {
			if !p.at.After(at) && (i < 0 || p.at.Before(w.queue[i].at) || p.at.Equal(w.queue[i].at) && p.seq < w.queue[i].seq) {
				i = j
			}
		}
		if i < 0 {
			break
		}
		p := w.queue[i]
		w.queue = slices.Delete(w.queue, i, i+1)
		w.now = p.at
		p.run()
	}
	w.now = at
}

func (w *world) carryOut(a Action) {
	b := w.boxes[a.Target]
	switch a.Kind {
	case ActionWake:
		if b == nil {
			return
		}
		w.seq++
		b.wake = w.seq
		mine := w.seq
		w.later(a.After, func() {
			if b.wake == mine {
				w.step(Event{Kind: EventTick, Target: a.Target})
			}
		})
		return
	case ActionProbe:
		w.probe(b, a)
	case ActionRestart:
		if w.acted != nil {
			w.acted(w.now, a.Target, a.Restart)
		}
		w.restart(b, a)
	}
	if w.say != nil && a.Kind != ActionProbe {
		w.say(w.describe(a))
	}
}

func (w *world) probe(b *box, a Action) {
	r := ProbeResult{Instance: a.Instance, Took: time.Millisecond}
	took := time.Millisecond
	switch b.probes {
	case "ok":
		r.OK, r.Answered = true, true
	case "fail":
		r.Answered, r.Error = true, "status 503"
	case "refuse":
		r.Error = "connection refused"
	case "hang":
		r.Error, took = "timeout", b.obs.Policy.ProbeTimeout
	}
	w.later(took, func() {
		if a.Instance.Same(b.obs.Instance) && b.obs.Status == StatusRunning {
			b.ring = append(b.ring, !r.OK)
			if b.failed++; r.OK {
				b.failed = 0
			}
		}
		w.step(Event{Kind: EventProbe, Target: b.key, Probe: r})
	})
}

func (w *world) restart(b *box, a Action) {
	if b.working {
		panic("the engine was asked twice at once: " + b.key)
	}
	b.working = true
	sent, kind := w.now, b.engine
	w.later(b.takes, func() {
		b.working = false
		o := Outcome{Attempt: a.Restart.Attempt, StartedAt: sent, EndedAt: w.now}
		switch kind {
		case "refuse":
			o.Err = "no such image"
			b.obs.Status, b.obs.Error = StatusExited, o.Err
			w.look(b)
		case "timeout":
			o.TimedOut = true
		case "deaf":
			o.TimedOut = true
			w.begin(b)
		case "crash":
			w.begin(b)
			w.look(b)
			w.exit(b, 1, false)
			w.look(b)
		default:
			w.begin(b)
			w.look(b)
		}
		w.step(Event{Kind: EventOutcome, Target: b.key, Outcome: o})
	})
}

// resync is a full look at everything, as after a lost event stream.
func (w *world) resync() {
	for _, b := range w.sorted() {
		b.lost = false
		w.look(b)
	}
}

func (w *world) sorted() []*box {
	var bs []*box
	for _, b := range w.boxes {
		bs = append(bs, b)
	}
	slices.SortFunc(bs, func(a, b *box) int { return cmp.Compare(a.key, b.key) })
	return bs
}

// crash ends the watchdog as kill -9 does: all that survives is the history of each target.
func (w *world) crash() {
	next := New(w.opts)
	for _, b := range w.sorted() {
		if h, ok := w.core.History(b.key); ok {
			next.Restore(b.key, h)
		}
		b.wake = 0
	}
	next.last = w.core.last // the outcomes of the old core mean nothing to the new one
	w.core = next
	w.queue = slices.DeleteFunc(w.queue, func(planned) bool { return false })
	w.resync()
}

func (w *world) describe(a Action) string {
	at := fmt.Sprintf("  %-9s %s:", w.now.Sub(epoch).Round(time.Millisecond), a.Target)
	if a.Kind == ActionRestart {
		verb := "restart"
		if a.Restart.StartOnly {
			verb = "start"
		}
		s := fmt.Sprintf("%s ENGINE %s (%s)", at, verb, a.Restart.Reason)
		if a.Restart.Hung {
			s += fmt.Sprintf(" stop within %s", a.Restart.StopTimeout)
		}
		if !a.Restart.Counted {
			s += " not counted"
		}
		return s
	}
	ch := a.Change
	s := fmt.Sprintf("%s %s → %s (%s)", at, cmp.Or(string(ch.From), "new"), ch.To, ch.Reason)
	if ch.Detail != "" {
		s += " " + ch.Detail
	}
	if !ch.NextAt.IsZero() {
		s += fmt.Sprintf(" [next at %s]", ch.NextAt.Sub(epoch))
	}
	if ch.DownFor > 0 {
		s += fmt.Sprintf(" [down for %s]", ch.DownFor)
	}
	return s
}
