package docker

import (
	"context"
	"time"

	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

const (
	memory   = 256              // events that the engine recalls, of every kind
	shutdown = 60 * time.Second // that long an engine may take to stop its containers before the connection breaks
)

// replay makes up for a time without a connection: since then, signals may have been sent that no look reveals, and the
// engine itself may have stopped everything because it was shut down. The engine recalls its latest events for as long as
// it runs, which tells both.
func (d *Driver) replay(ctx context.Context, cli *client.Client, since time.Time) {
	if since.IsZero() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	now := time.Now()
	recalled, err := recall(ctx, cli, now)
	if err != nil {
		d.log.Warn("the engine does not say what happened meanwhile", "error", err)
	}
	if !d.survived(since) && restarted(recalled, since) {
		// Said at the return, not at the loss: until now nobody could tell a lost engine from a lost connection.
		d.out.push(Notice{Event: supervise.Event{Kind: supervise.EventEngineLost, At: now, Duration: now.Sub(since) + shutdown}})
	}
	for _, m := range lastSignals(recalled, since.Add(-overlap)) {
		d.signal(m)
	}
}

// recall returns what the engine recalls of the past.
func recall(ctx context.Context, cli *client.Client, until time.Time) ([]events.Message, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream := cli.Events(ctx, client.EventsListOptions{Since: "1", Until: engineTime(until)})
	var all []events.Message
	for {
		select {
		case m := <-stream.Messages:
			all = append(all, m)
		case err := <-stream.Err:
			if isEnd(err) {
				return all, nil
			}
			return all, err
		}
	}
}

// survived reports whether the watchdog's own container has run since before then, which no shutdown would have let it.
func (d *Driver) survived(since time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.self.inside && !d.self.startedAt.IsZero() && d.self.startedAt.Before(since)
}

// restarted reports whether the engine was restarted since then, or nobody can tell: then it is better to bring back a
// container that somebody stopped in the last moment than to leave everything down.
func restarted(recalled []events.Message, since time.Time) bool {
	for _, m := range recalled {
		if !eventTime(m).After(since) {
			return false
		}
	}
	return true
}

// lastSignals returns, of each container, the latest kill since then that no start followed.
func lastSignals(recalled []events.Message, since time.Time) []events.Message {
	kills := map[string]events.Message{}
	for _, m := range recalled {
		switch {
		case m.Type != events.ContainerEventType || eventTime(m).Before(since):
		case m.Action == events.ActionKill:
			kills[m.Actor.ID] = m
		case m.Action == events.ActionStart:
			delete(kills, m.Actor.ID)
		}
	}
	var last []events.Message
	for _, m := range recalled {
		if k, ok := kills[m.Actor.ID]; ok && m.Action == events.ActionKill && k.TimeNano == m.TimeNano {
			last = append(last, m)
		}
	}
	return last
}
