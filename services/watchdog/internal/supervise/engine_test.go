package supervise

import (
	"fmt"
	"time"
)

// box is one container of the world, and the service in it.
type box struct {
	key     string
	obs     Observation
	gone    bool
	probes  string        // what a probe finds: ok, fail, refuse, hang, unsure; flaky fails every other time
	flipped bool          // of flaky probes, the next succeeds
	engine  string        // what becomes of a restart: ok, refuse, timeout, deaf, late, crash; see restart
	takes   time.Duration // a restart
	lag     time.Duration // between the end of a restart and the answer to the call
	slow    time.Duration // between the end of a restart and the events about it
	checks  bool          // Docker's health check finds a new run healthy after a while
	working int           // restarts that the engine carries out

	lost   bool   // events about it do not reach the watchdog
	missed Signal // the last one that did not
	wake   planned

	acc note // what the observer notes of it
}

func (w *world) add(key string, p Policy) *box {
	b := &box{key: key, probes: "ok", engine: "ok", takes: 500 * time.Millisecond}
	b.obs = Observation{Status: StatusCreated, Health: HealthNone, RestartPolicy: RestartNo, Policy: p}
	w.boxes, w.byKey[key] = append(w.boxes, b), b
	return b
}

func (b *box) running() bool { return !b.gone && b.obs.Status == StatusRunning }

// begin gives the container a new run.
func (b *box) begin(w *world) {
	w.runs++
	id := b.obs.Instance.ID
	if id == "" {
		id = fmt.Sprintf("%s-%d", b.key, w.runs)
	}
	b.gone, b.missed = false, Signal{}
	b.obs.Instance = Instance{ID: id, StartedAt: w.now}
	b.obs.Status, b.obs.ExitCode, b.obs.OOMKilled, b.obs.Error = StatusRunning, 0, false, ""
	b.obs.CheckFailed = false
	if b.obs.Health != HealthNone {
		b.obs.Health = HealthStarting
	}
	w.account.began(b)
	b.check(w)
}

// check is Docker's health check, which finds a run healthy after a while.
func (b *box) check(w *world) {
	run := b.obs.Instance
	if b.checks {
		w.later(3*time.Second, func() {
			if b.running() && run.Same(b.obs.Instance) && b.obs.Health == HealthStarting {
				b.obs.Health = HealthHealthy
				w.look(b)
			}
		})
	}
}

// end ends the run, whatever the reason.
func (b *box) end(w *world, code int, oom bool) {
	b.obs.Status, b.obs.ExitCode, b.obs.OOMKilled, b.obs.FinishedAt = StatusExited, code, oom, w.now
}

// exit is a death that nobody asked the engine for, so its own policy may answer it.
func (b *box) exit(w *world, code int, oom bool) {
	b.end(w, code, oom)
	if !b.policyRestarts(code) || b.obs.Error != "" || b.acc.stopping {
		w.account.died(b)
		w.look(b)
		return
	}
	b.obs.Status = StatusRestarting
	w.look(b)
	run := b.obs.Instance
	w.later(100*time.Millisecond, func() {
		if b.obs.Status != StatusRestarting || !run.Same(b.obs.Instance) || w.down {
			return
		}
		if b.engine == "refuse" {
			b.obs.Status, b.obs.Error = StatusExited, "no such image"
			w.account.died(b)
		} else {
			b.begin(w)
			b.obs.RestartCount++
		}
		w.look(b)
	})
}

func (b *box) policyRestarts(code int) bool {
	switch b.obs.RestartPolicy {
	case RestartAlways, RestartUnlessStopped:
		return true
	case RestartOnFailure:
		return code != 0
	}
	return false
}

// signal is a terminating signal that somebody sends through the engine.
func (b *box) signal(w *world) {
	s := Signal{InstanceID: b.obs.Instance.ID, SentAt: w.now}
	told := w.tell(b, Event{Kind: EventSignal, Signal: s})
	if !told {
		b.missed = s
	}
	w.account.signalled(b, s.SentAt, told)
}

// stop is docker stop or docker kill by a person: the process ends at once, or later, or is killed by a second signal.
func (b *box) stop(w *world, takes time.Duration) {
	w.account.stopped(b)
	b.signal(w)
	if takes == 0 {
		b.end(w, 137, false)
		w.look(b)
		return
	}
	run := b.obs.Instance
	w.later(takes, func() {
		if b.running() && run.Same(b.obs.Instance) && !w.off {
			if takes > 10*time.Second {
				b.signal(w)
			}
			b.end(w, 137, false)
			w.look(b)
		}
	})
}

// remove is docker rm -f, or the first half of a recreation.
func (b *box) remove(w *world) {
	if b.running() {
		b.stop(w, 0)
	}
	b.gone, b.missed, b.obs.Instance = true, Signal{}, Instance{}
	b.obs.Status = StatusExited
	w.account.removed(b)
	w.tell(b, Event{Kind: EventGone})
}

func (w *world) probe(b *box, a Action) {
	r := ProbeResult{Instance: a.Instance}
	b.flipped = !b.flipped
	took := time.Millisecond
	switch {
	case !b.running() || !a.Instance.Same(b.obs.Instance):
		r.Error = "connection refused"
	case b.probes == "ok", b.probes == "flaky" && b.flipped:
		r.OK, r.Answered = true, true
	case b.probes == "fail", b.probes == "flaky":
		r.Answered, r.Error = true, "status 503"
	case b.probes == "refuse":
		r.Error = "connection refused"
	case b.probes == "hang":
		r.Error, took = "timeout", b.obs.Policy.ProbeTimeout
	case b.probes == "unsure":
		r.Unsure, r.Error = true, "no address"
	}
	r.Took = took
	life := w.life
	w.later(took, func() {
		if life == w.life {
			w.step(b, Event{Kind: EventProbe, Probe: r})
			if !r.OK && !r.Unsure {
				w.look(b) // the engine may know more
			}
		}
	})
}

// restart carries out one call. What becomes of it is set beforehand:
//
//	ok       a new run begins, the call is answered, events are told
//	refuse   the old run ends, no new one can begin, the call says so
//	timeout  nothing happens, the call is not answered
//	deaf     a new run begins, but nobody hears of it
//	late     the call is not answered, and a new run begins ten seconds later
//	crash    a new run begins and dies at once
func (w *world) restart(b *box, a Action) {
	sent, kind, life := w.now, b.engine, w.life
	answer := func(after time.Duration, o Outcome) {
		w.later(after, func() {
			if life == w.life {
				o.Attempt, o.StartedAt, o.EndedAt = a.Restart.Attempt, sent, w.now
				w.step(b, Event{Kind: EventOutcome, Outcome: o})
			}
		})
	}
	if refusal := w.refuses(b, a); refusal != "" {
		answer(time.Millisecond, Outcome{Err: refusal})
		return
	}
	b.working++
	stops := !a.Restart.StartOnly && kind != "timeout" && kind != "late"
	if stops {
		s := Signal{InstanceID: b.obs.Instance.ID, SentAt: w.now}
		w.later(b.slow+time.Millisecond, func() { w.tell(b, Event{Kind: EventSignal, Signal: s}) })
		w.later(b.takes/2, func() {
			if b.running() && b.obs.Instance.Same(a.Instance) {
				b.end(w, 137, false)
				w.events(b)
			}
		})
	}
	w.later(b.takes, func() {
		b.working--
		switch {
		case w.off:
			answer(b.lag, Outcome{TimedOut: true})
			return
		case b.gone || b.obs.Instance.ID != a.Instance.ID:
			answer(b.lag, Outcome{Err: "no such container"})
			return
		}
		o := w.renew(b, a, kind)
		if w.down {
			o = Outcome{TimedOut: true}
		}
		if b.lag > 0 {
			answer(b.lag, o)
			return
		}
		if life == w.life {
			o.Attempt, o.StartedAt, o.EndedAt = a.Restart.Attempt, sent, w.now
			w.step(b, Event{Kind: EventOutcome, Outcome: o})
		}
	})
}

// refuses says why the call is turned down before anything is done.
func (w *world) refuses(b *box, a Action) string {
	switch {
	case w.down:
		return "there is no connection to the docker engine"
	case b.gone || b.obs.Instance.ID != a.Instance.ID:
		return "no such container"
	case a.Restart.StartOnly:
		return ""
	case !b.obs.Instance.Same(a.Instance):
		return "somebody else has restarted it in the meantime"
	case b.obs.Status == StatusPaused:
		return "it has been paused in the meantime"
	}
	return ""
}

// renew is the second half of a restart: what the engine does, and what the call says.
func (w *world) renew(b *box, a Action, kind string) Outcome {
	if a.Restart.StartOnly && b.running() {
		return Outcome{} // it runs already, which is fine with the engine
	}
	switch kind {
	case "refuse":
		b.obs.Status, b.obs.Error = StatusExited, "no such image"
		w.events(b)
		return Outcome{Err: b.obs.Error}
	case "timeout":
		return Outcome{TimedOut: true}
	case "deaf":
		b.begin(w)
		return Outcome{TimedOut: true}
	case "late":
		run, status := b.obs.Instance, b.obs.Status
		w.later(10*time.Second, func() {
			if !w.down && !b.gone && b.obs.Instance.Same(run) && b.obs.Status == status {
				b.begin(w)
				w.events(b)
			}
		})
		return Outcome{TimedOut: true}
	case "crash":
		b.begin(w)
		w.look(b)
		b.exit(w, 1, false)
		return Outcome{}
	}
	b.begin(w)
	w.events(b)
	return Outcome{}
}

// events tells what happened to a container, after a while if its events are slow.
func (w *world) events(b *box) {
	if b.slow == 0 {
		w.look(b)
		return
	}
	w.later(b.slow, func() { w.look(b) })
}
