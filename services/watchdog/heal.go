package main

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/upkeephq/upkeep/services/watchdog/internal/control"
	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// startsFirst reports whether a restart is sent before anything is written about it: a process that has ended destroys no
// evidence when it is started anew, as its last lines are in our memory, and every file takes time.
func (l *loop) startsFirst(a supervise.Action) bool {
	return a.Kind == supervise.ActionRestart && a.Restart.StartOnly && l.local && !l.dryRun
}

// sendRestart writes the ledger, then has the driver restart a target, after what must come before.
//
// For containers the ledger is on disk before the engine is asked, as they may outlive a power failure and the history
// must. Processes do not: what must be outlived there is the end of the watchdog, and what is written survives that without
// being synced, which would add the disk's time to every recovery.
func (l *loop) sendRestart(a supervise.Action, before func(context.Context)) {
	l.fail("write the ledger before a restart", l.save(a.Target, a.Restart.Counted && !l.local))
	ctx := l.calling
	l.calls.Go(func() {
		before(ctx)
		o := l.driver.Restart(ctx, a.Target, a.Instance, a.Restart)
		l.send(ctx, word{event: supervise.Event{Kind: supervise.EventOutcome, Target: a.Target, Outcome: o}})
	})
}

// restart sends a restart and notes it. What died by itself is started at once, and its log is read beside that, since the
// engine keeps it, or the driver does; of what hangs, the figures are taken first.
func (l *loop) restart(a supervise.Action) {
	r, v := a.Restart, l.view(a.Target)
	if l.dryRun {
		l.pretend(a)
		return
	}
	incident := l.recorder.Latest(a.Target)
	if v.Cause == "" {
		incident = "" // no outage: somebody asked, or a dependency was restarted
	}
	gather := l.gatherer(incident, v, r.StartOnly)
	switch {
	case l.startsFirst(a):
		ctx := l.calling
		l.calls.Go(func() { gather(ctx) })
	case r.StartOnly:
		l.sendRestart(a, func(ctx context.Context) { l.calls.Go(func() { gather(ctx) }) })
	default:
		l.sendRestart(a, func(ctx context.Context) {
			limited, cancel := context.WithTimeout(ctx, evidenceBefore)
			defer cancel()
			gather(limited)
		})
	}
	l.metrics.Restarted(a.Target, r.Reason)
	if s := l.targets[a.Target]; s != nil {
		s.restarts++
	}
	l.write(journal.Entry{Type: journal.TypeRestart, Level: journal.LevelWarn, Target: a.Target, Reason: r.Reason, Detail: r.Detail,
		Incident: incident, ExitCode: codeOf(v.Observation)})
}

// pretend is a dry run's restart: it is reported, nothing is done, and the core is told that it did not happen.
func (l *loop) pretend(a supervise.Action) {
	l.write(journal.Entry{Type: journal.TypeRestart, Level: journal.LevelWarn, Target: a.Target, Reason: a.Restart.Reason,
		Detail: "dry run, nothing is done: " + a.Restart.Detail})
	ctx := l.calling
	l.calls.Go(func() {
		o := supervise.Outcome{Attempt: a.Restart.Attempt, Err: "dry run"}
		l.send(ctx, word{event: supervise.Event{Kind: supervise.EventOutcome, Target: a.Target, Outcome: o}})
	})
}

// report tells a change to the incident, the event log, the metrics and the ledger.
func (l *loop) report(a supervise.Action, who string) {
	ch := a.Change
	l.dirty = true
	incident, err := l.recorder.Observe(a.Target, ch)
	l.fail("write an incident", err)
	if s := l.targets[a.Target]; s != nil && incident != "" {
		s.incident = incident
	}
	l.metrics.Apply(a.Target, ch)
	e := journal.Entry{
		At: ch.At, Type: journal.TypeState, Target: a.Target, From: ch.From, To: ch.To, Reason: ch.Reason, Detail: ch.Detail,
		Incident: incident, Seconds: ch.DownFor.Seconds(),
	}
	switch {
	case ch.Reason == supervise.ReasonActionFailed, ch.Reason == supervise.ReasonActionTimeout:
		if l.dryRun {
			return
		}
		e.Type, e.Level = journal.TypeRestartFailed, journal.LevelError
		l.metrics.RestartFailed(a.Target)
	case ch.To == supervise.StateMisconfigured:
		e.Type, e.Level = journal.TypeMisconfigured, journal.LevelError
	case ch.To == supervise.StateHeld:
		e.Type, e.Level = journal.TypeHold, journal.LevelWarn
	case ch.To == supervise.StateUp && ch.DownFor > 0:
		e.Type = journal.TypeRecovered
		e.Detail = fmt.Sprintf("well again after %s", ch.DownFor.Round(time.Millisecond))
	case ch.To == supervise.StateDown, ch.To == supervise.StateNeedsRecreate:
		e.Level = journal.LevelWarn
	case ch.To == supervise.StateExhausted:
		e.Level = journal.LevelError
	}
	if ch.To == supervise.StateExhausted && ch.From != ch.To { // no restart follows that would gather it, and a person must look
		ctx, gather := l.calling, l.gatherer(incident, l.view(a.Target), false)
		l.calls.Go(func() { gather(ctx) })
	}
	l.write(e)
	l.log.Info("target changed", zap.String("target", a.Target), zap.String("from", string(ch.From)), zap.String("state", string(ch.To)),
		zap.String("reason", string(ch.Reason)), zap.String("detail", ch.Detail), zap.String("incident", incident), zap.String("by", who))
	if ch.To == supervise.StateGone {
		delete(l.targets, a.Target)
		return
	}
	if l.dryRun {
		return
	}
	durable := ch.To == supervise.StateStopped || ch.To == supervise.StatePaused // a power failure must not bring these back
	l.fail("save what is known of "+a.Target, l.save(a.Target, durable))
}

func (l *loop) noteOutcome(target string, o supervise.Outcome) {
	if o.Err == "" && !o.TimedOut {
		l.write(journal.Entry{Type: journal.TypeRestartDone, Target: target, Seconds: o.EndedAt.Sub(o.StartedAt).Seconds()})
	}
}

func (l *loop) noteProbe(target string, r supervise.ProbeResult, body string) {
	s := l.targets[target]
	if s == nil || r.Unsure {
		return
	}
	l.metrics.Probe(target, r.Took, r.OK)
	s.probe = &journal.Probe{OK: r.OK, At: l.now(), DurationSeconds: r.Took.Seconds(), Error: r.Error}
	if !r.OK {
		s.body = body
	}
}

func (l *loop) view(target string) supervise.View {
	v, _ := l.core.View(target, l.now())
	return v
}

// command carries out what a person asked for through the control socket.
func (l *loop) command(q *question) {
	defer close(q.done)
	kinds := map[control.Verb]supervise.EventKind{
		control.Pause: supervise.EventPause, control.Resume: supervise.EventResume,
		control.Restart: supervise.EventRestart, control.Reset: supervise.EventReset,
	}
	for _, v := range l.core.Views(l.now()) {
		if v.State == supervise.StateGone || q.command.Target != "" && q.command.Target != v.Target {
			continue
		}
		q.targets = append(q.targets, v.Target)
	}
	if len(q.targets) == 0 && q.command.Target != "" {
		q.err = fmt.Errorf("%w: %s; watchdog status lists them", control.ErrUnknownTarget, q.command.Target)
		return
	}
	for _, target := range q.targets {
		l.write(journal.Entry{Type: journal.TypeCommand, Target: target, Detail: string(q.command.Verb)})
		l.step(supervise.Event{Kind: kinds[q.command.Verb], Target: target, Duration: q.command.For}, "a person")
		l.fail("save what is known of "+target, l.save(target, true))
	}
}

// do is the control socket's way into the loop.
func (l *loop) do(ctx context.Context, c control.Command) ([]string, error) {
	q := &question{command: c, done: make(chan struct{})}
	l.send(ctx, word{ask: q})
	select {
	case <-q.done:
		return q.targets, q.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
