package docker

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

const witnesses = 16 // containers that are asked since when they run

// replay makes up for a time without a connection: since then, signals may have been sent that no look reveals, and the
// engine itself may have stopped everything because it was shut down. The engine recalls its latest 256 events for
// as long as it runs, which tells both. It returns until when signals have been told.
func (d *Driver) replay(ctx context.Context, cli *client.Client, list []known, since time.Time) (until time.Time) {
	if since.IsZero() {
		return time.Time{}
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	now := time.Now()
	recalled, err := recall(ctx, cli, now)
	if err != nil {
		d.log.Warn("the engine does not say what happened meanwhile", "error", err)
	}
	if !d.doubts.IsZero() && restarted(recalled, since) && !outlived(ctx, cli, list, since) {
		// Said at the return, not at the loss: until now nobody could tell a lost engine from a lost connection.
		back := now.Sub(d.doubts) + burstGap
		d.out.push(observe.Notice{Event: supervise.Event{Kind: supervise.EventEngineLost, At: now, Duration: back}})
	}
	for _, m := range lastSignals(recalled, since.Add(-overlap)) {
		d.signal(m)
	}
	if err != nil {
		return time.Time{}
	}
	return now
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

// outlived reports whether a container runs that ran before then already, which no shutdown of the engine would have
// let it: so there was none, or it spared the containers.
func outlived(ctx context.Context, cli *client.Client, list []known, since time.Time) bool {
	list = slices.DeleteFunc(slices.Clone(list), func(k known) bool { return !k.running || k.created > since.Unix() })
	slices.SortFunc(list, func(a, b known) int { return cmp.Compare(a.created, b.created) })
	for _, k := range list[:min(len(list), witnesses)] {
		if l, err := inspect(ctx, cli, k.id); err == nil && l.startedAt.Before(since) {
			return true
		}
	}
	return false
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
