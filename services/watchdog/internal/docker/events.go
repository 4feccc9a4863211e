package docker

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// actions are the events that matter. Without this filter each health check would add three more.
var actions = []string{
	"create", "start", "die", "stop", "kill", "oom", "health_status", "destroy", "rename", "pause", "unpause",
}

// overlap is how far back a new stream begins. The engine answers before it has subscribed, and its clock may differ a bit.
const overlap = 2 * time.Second

// subscribe opens the stream of events.
func subscribe(ctx context.Context, cli *client.Client) (client.EventsResult, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	late := time.AfterFunc(callTimeout, func() { cancel(context.DeadlineExceeded) })
	stream := cli.Events(ctx, client.EventsListOptions{
		Since:   engineTime(time.Now().Add(-overlap)),
		Filters: make(client.Filters).Add("type", "container").Add("event", actions...),
	})
	if !late.Stop() {
		return stream, context.Cause(ctx)
	}
	return stream, nil
}

// engineTime writes a time as the engine's filters want it.
func engineTime(t time.Time) string {
	return strconv.FormatInt(t.Unix(), 10) + "." + strings.TrimPrefix(strconv.FormatInt(1e9+int64(t.Nanosecond()), 10), "1")
}

// drain moves events into a queue of our own, as the engine drops what is not read at once. It returns why it ended.
func drain(ctx context.Context, stream client.EventsResult, queue chan<- events.Message) error {
	for {
		select {
		case m := <-stream.Messages:
			select {
			case queue <- m:
			default:
				return errors.New("too many events at once; looking at everything anew")
			}
		case err := <-stream.Err:
			if isEnd(err) {
				return errStream
			}
			return err
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// errStream is what a stream of events ends with when nobody says why.
var errStream = errors.New("the engine closed the stream of events")

func isEnd(err error) bool {
	return err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}

// handle works off one event. It never blocks.
func (d *Driver) handle(m events.Message, l *looker) {
	id, at := m.Actor.ID, eventTime(m)
	if m.Action == events.ActionDestroy {
		l.look(d.reg.concerned(id)...)
		l.look(d.reg.drop(id)...)
		return
	}
	l.look(d.reg.add(known{id: id, name: m.Actor.Attributes["name"], labels: m.Actor.Attributes, created: at.Unix()})...)
	switch m.Action {
	case events.ActionKill:
		d.signal(m)
		return // the end that it brings is an event of its own
	case events.ActionDie:
		d.reg.died(id, at)
	case events.ActionOOM:
		d.reg.oom(id)
	}
	l.look(d.reg.concerned(id)...)
}

func eventTime(m events.Message) time.Time {
	if m.TimeNano != 0 {
		return time.Unix(0, m.TimeNano)
	}
	return time.Unix(m.Time, 0)
}

// signal tells of a signal that is meant to end a target.
func (d *Driver) signal(m events.Message) {
	d.reg.mu.Lock()
	defer d.reg.mu.Unlock()
	e := d.reg.all[m.Actor.ID]
	if e == nil || d.reg.owners[e.key] != e {
		return
	}
	stop := ""
	if e.look != nil {
		stop = e.look.stopSignal
	}
	if !endsProcess(m.Actor.Attributes["signal"], stop) {
		return
	}
	d.out.push(observe.Notice{Event: supervise.Event{
		Kind: supervise.EventSignal, At: time.Now(), Target: e.key,
		Signal: supervise.Signal{InstanceID: e.id, SentAt: eventTime(m)},
	}})
}

// ending are the signals with which people end a process: INT, QUIT, ABRT, KILL, TERM. Others, such as HUP for a reload,
// ask it to do something.
var ending = map[string]string{"2": "INT", "3": "QUIT", "6": "ABRT", "9": "KILL", "15": "TERM"}

// signalNumbers are the other names that an image may give as its stop signal.
var signalNumbers = map[string]string{"HUP": "1", "USR1": "10", "USR2": "12", "WINCH": "28", "PWR": "30"}

// endsProcess reports whether a signal is meant to end a container whose stop signal is stop (empty: TERM).
func endsProcess(signal, stop string) bool {
	if signal == "" || ending[signal] != "" {
		return true
	}
	stop = strings.TrimPrefix(strings.ToUpper(stop), "SIG")
	return signal == stop || signal == signalNumbers[stop] || signal == realtime(stop)
}

// realtime gives the number of RTMIN, RTMIN+3, RTMAX-2 and the like, which systemd is stopped with.
func realtime(name string) string {
	for prefix, base := range map[string]int{"RTMIN": 34, "RTMAX": 64} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			n, err := strconv.Atoi("0" + strings.TrimLeft(rest, "+-"))
			if err != nil {
				return ""
			}
			if strings.HasPrefix(rest, "-") {
				n = -n
			}
			return strconv.Itoa(base + n)
		}
	}
	return ""
}
