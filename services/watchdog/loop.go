package main

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/upkeephq/upkeep/services/watchdog/internal/control"
	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
	"github.com/upkeephq/upkeep/services/watchdog/internal/systemd"
)

const (
	publishEvery = 500 * time.Millisecond
	// showUp is how long targets have to show up after the first connection.
	showUp = 30 * time.Second
)

// driver is what the loop needs of what runs its targets.
type driver interface {
	Run(context.Context, chan<- observe.Notice) error
	Restart(context.Context, string, supervise.Instance, supervise.Restart) supervise.Outcome
	Probe(context.Context, string, supervise.Instance) (supervise.ProbeResult, string)
	Evidence(context.Context, string, time.Time) observe.Evidence
}

// loop observes, lets the core decide, carries out, and feeds the outcome back. Everything in it happens on one goroutine,
// but for the calls that take time, which report back through words.
type loop struct {
	core     *supervise.Core
	driver   driver
	journal  *journal.Journal
	recorder *journal.Recorder
	metrics  *control.Metrics
	log      *zap.Logger
	now      func() time.Time
	status   *board

	local   bool // targets are our own child processes: there is no engine, and they end with us
	dryRun  bool // decide and report, touch nothing
	pinger  *pinger
	systemd *systemd.Notifier
	ready   bool // all targets have been up at once
	words   chan word
	notices chan observe.Notice
	timers  map[string]*time.Timer
	targets map[string]*shown
	docker  journal.Docker
	synced  atomic.Bool
	tidyAt  time.Time // when incidents of targets that have not shown up are ended; zero: done, or not connected yet
	dirty   bool

	calls   sync.WaitGroup // restarts, probes and evidence under way
	calling context.Context
}

// shown is what the status shows of a target beside the core's view.
type shown struct {
	info     observe.Info
	restarts int
	probe    *journal.Probe
	body     string
	incident string
}

// word is what reaches the loop from its own calls, timers and from people.
type word struct {
	event supervise.Event
	body  string // of a probe
	ask   *question
}

// question is a command of a person that waits for its answer.
type question struct {
	command control.Command
	targets []string
	err     error
	done    chan struct{}
}

// run goes round until ctx ends.
func (l *loop) run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	calling, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	l.calling = calling
	if l.local {
		l.synced.Store(true)
		l.tidyAt = l.now().Add(showUp)
	}
	watching := make(chan error, 1)
	l.calls.Go(func() { watching <- l.driver.Run(ctx, l.notices) })
	ticker := time.NewTicker(publishEvery)
	defer ticker.Stop()
	l.publish()
	for {
		select {
		case <-ctx.Done():
			return errors.Join(l.end(cancel), <-watching)
		case err := <-watching: // the program cannot even be started
			return errors.Join(err, l.end(cancel))
		case n := <-l.notices:
			l.notice(n)
		case w := <-l.words:
			l.hear(w)
		case <-ticker.C:
			l.publish()
			l.pinger.round(&l.calls, calling, l.now(), l.docker.Connected || l.local)
			l.systemd.Alive(l.now())
		}
		if l.dirty && l.local && l.spent() {
			stop()
			return errors.Join(errBudgetSpent, l.end(cancel), <-watching)
		}
	}
}

// send hands a word to the loop, unless it has ended.
func (l *loop) send(ctx context.Context, w word) {
	select {
	case l.words <- w:
	case <-ctx.Done():
	}
}

func (l *loop) hear(w word) {
	if w.ask != nil {
		l.command(w.ask)
		return
	}
	if w.event.Kind == supervise.EventProbe {
		l.noteProbe(w.event.Target, w.event.Probe, w.body)
	}
	if w.event.Kind == supervise.EventOutcome {
		l.noteOutcome(w.event.Target, w.event.Outcome)
	}
	l.step(w.event, "")
}

func (l *loop) notice(n observe.Notice) {
	if c := n.Connection; c != nil {
		l.connection(*c)
		return
	}
	if n.Info != nil {
		if l.targets[n.Info.Target] == nil {
			l.targets[n.Info.Target] = &shown{incident: l.recorder.Latest(n.Info.Target)}
			l.metrics.Add(n.Info.Target)
			l.dirty = true
		}
		l.targets[n.Info.Target].info = *n.Info
	}
	l.step(n.Event, "")
}

func (l *loop) connection(c observe.Connection) {
	was := l.docker.Connected
	l.docker = journal.Docker{Connected: c.Connected, APIVersion: c.APIVersion, ServerVersion: c.ServerVersion, Error: c.Error}
	l.metrics.Docker(c.Connected)
	l.dirty = true
	switch {
	case c.Connected:
		if !l.synced.Swap(true) {
			l.tidyAt = l.now().Add(showUp)
		}
		l.write(journal.Entry{Type: journal.TypeDockerConnected, Detail: "engine " + c.ServerVersion + ", API " + c.APIVersion})
	case was:
		l.write(journal.Entry{Type: journal.TypeDockerLost, Level: journal.LevelError, Detail: c.Error})
		// No stop is doubted yet: whether the engine or only the connection was lost, the driver tells at its return.
		l.step(supervise.Event{Kind: supervise.EventEngineLost}, "")
		l.fail("save what is known of the targets", l.saveAll())
	default:
		l.log.Warn("the docker engine cannot be reached; trying again", zap.String("error", c.Error))
	}
}

// step lets the core decide and carries out what it says.
func (l *loop) step(ev supervise.Event, who string) {
	ev.At = l.now()
	acts := l.core.Step(ev)
	for _, a := range acts {
		if l.startsFirst(a) {
			l.sendRestart(a, func(context.Context) {})
			runtime.Gosched() // otherwise a lone processor would first do all that is written below
		}
	}
	for _, a := range acts {
		switch a.Kind {
		case supervise.ActionWake:
			l.wake(a)
		case supervise.ActionProbe:
			l.probe(a)
		case supervise.ActionRestart:
			l.restart(a)
		case supervise.ActionReport:
			l.report(a, who)
		}
	}
	if ev.Target != "" {
		if v, ok := l.core.View(ev.Target, ev.At); ok {
			l.metrics.Budget(ev.Target, v.Remaining, v.Observation.Policy.MaxRestarts)
		}
	}
}

func (l *loop) wake(a supervise.Action) {
	if t := l.timers[a.Target]; t != nil {
		t.Stop() // a tick that is on its way already does no harm
	}
	ctx := l.calling
	l.timers[a.Target] = time.AfterFunc(a.After, func() {
		l.send(ctx, word{event: supervise.Event{Kind: supervise.EventTick, Target: a.Target}})
	})
}

func (l *loop) probe(a supervise.Action) {
	ctx := l.calling
	l.calls.Go(func() {
		r, body := l.driver.Probe(ctx, a.Target, a.Instance)
		l.send(ctx, word{event: supervise.Event{Kind: supervise.EventProbe, Target: a.Target, Probe: r}, body: body})
	})
}

func (l *loop) saveAll() error {
	var errs []error
	for _, v := range l.core.Views(l.now()) {
		errs = append(errs, l.save(v.Target, false))
	}
	return errors.Join(errs...)
}

func (l *loop) save(target string, sync bool) error {
	h, ok := l.core.History(target)
	if !ok {
		return nil
	}
	return l.journal.Save(target, h, sync)
}

// fail logs an error that must not keep the watchdog from healing, such as a full disk.
func (l *loop) fail(what string, err error) {
	if err != nil {
		l.log.Error("cannot "+what, zap.Error(err))
	}
}

func (l *loop) write(e journal.Entry) {
	l.metrics.Event(e.Type)
	l.fail("write the event log", l.journal.Log(e))
}
