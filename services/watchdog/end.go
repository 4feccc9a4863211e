package main

import (
	"context"
	"errors"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

const (
	// ownShutdown is how far back stops are doubted at the watchdog's own end, since an engine that shuts down ends the
	// watchdog with the rest.
	ownShutdown = 3 * time.Second
	// lastWords is how long a restart in flight is waited for at the end. The engine finishes it in any case.
	lastWords = 8 * time.Second
)

// errBudgetSpent ends the watchdog where nothing that it may do helps: whoever started it shall act.
var errBudgetSpent = errors.New("the restart budget of every worker is spent")

// spent reports whether every target is exhausted. It also tells systemd when all of them are up for the first time.
func (l *loop) spent() bool {
	views, up, spent := l.core.Views(l.now()), 0, 0
	for _, v := range views {
		switch v.State {
		case supervise.StateUp:
			up++
		case supervise.StateExhausted:
			spent++
		}
	}
	if !l.ready && up > 0 && up == len(views) {
		l.ready = true
		l.systemd.Ready()
	}
	return spent > 0 && spent == len(views)
}

// end lets restarts in flight finish, as far as there is time, and stores what is known. No container is stopped; processes
// are, by their driver.
func (l *loop) end(cancel context.CancelFunc) error {
	for _, t := range l.timers {
		t.Stop()
	}
	l.step(supervise.Event{Kind: supervise.EventEngineLost, Duration: ownShutdown}, "")
	ended := make(chan struct{})
	go func() { l.calls.Wait(); close(ended) }()
	deadline := time.After(lastWords)
	for open := true; open; {
		select {
		case w := <-l.words:
			if w.event.Kind == supervise.EventOutcome {
				l.hear(w)
			} else if w.ask != nil {
				w.ask.err = errors.New("the watchdog is stopping")
				close(w.ask.done)
			}
		case <-l.notices:
		case <-ended:
			open = false
		case <-deadline:
			cancel()
			deadline = nil
		}
	}
	return l.saveAll()
}
