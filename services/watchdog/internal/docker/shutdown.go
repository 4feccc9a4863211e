package docker

import (
	"slices"
	"time"

	"github.com/moby/moby/api/types/events"
)

const (
	burstGap   = time.Second     // an engine that shuts down signals all containers at once: closer than that
	lossAfter  = 5 * time.Second // its stream of events breaks so soon after the last end that it told
	endsKept   = 2 * time.Minute // longer than any engine takes to shut down
	unknownEnd = 5 * time.Second // how far back stops are doubted by a watchdog that was not there
)

// ends keeps in mind who was signalled lately, so that the shutdown of an engine, which signals everybody, can be told
// from a person who stopped one container a moment before.
type ends struct {
	signalled map[string]time.Time // by container: the first signal to its present run, by the engine's clock
	last      time.Time            // when the latest signal or end was told, by our clock
}

// note takes an event.
func (e *ends) note(m events.Message, now time.Time) {
	if e.signalled == nil {
		e.signalled = map[string]time.Time{}
	}
	id, at := m.Actor.ID, eventTime(m)
	switch m.Action {
	case events.ActionStart:
		delete(e.signalled, id)
	case events.ActionKill:
		if _, ok := e.signalled[id]; !ok && endsProcess(m.Actor.Attributes["signal"], "") {
			e.signalled[id] = at
		}
		e.last = now
	case events.ActionDie:
		e.last = now
	}
	for id, t := range e.signalled {
		if at.Sub(t) > endsKept {
			delete(e.signalled, id)
		}
	}
}

// shutdown returns when the engine began to signal everybody, if that explains the loss of the connection.
func (e *ends) shutdown(lost time.Time) (began time.Time, ok bool) {
	if lost.Sub(e.last) > lossAfter {
		return time.Time{}, false
	}
	var times []time.Time
	for _, t := range e.signalled {
		times = append(times, t)
	}
	slices.SortFunc(times, func(a, b time.Time) int { return b.Compare(a) }) // latest first
	for _, t := range times {
		if ok && began.Sub(t) > burstGap {
			break
		}
		began, ok = t, true
	}
	return began, ok
}
