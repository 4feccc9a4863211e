package docker

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/events"
)

func TestEndsProcess(t *testing.T) {
	for _, c := range []struct {
		signal, stop string
		want         bool
	}{
		{"15", "", true}, {"9", "", true}, {"2", "", true}, {"3", "", true}, {"6", "", true}, {"", "", true},
		{"1", "", false}, {"10", "", false}, {"12", "", false}, {"19", "", false}, {"18", "", false}, {"28", "", false},
		{"28", "SIGWINCH", true}, {"28", "WINCH", true}, {"28", "28", true}, {"1", "sighup", true}, {"10", "SIGUSR1", true},
		{"37", "SIGRTMIN+3", true}, {"62", "RTMAX-2", true}, {"34", "SIGRTMIN", true}, {"36", "SIGRTMIN+3", false},
		{"15", "SIGUSR1", true}, {"10", "SIGRTMINx", false}, {"10", "nonsense", false},
	} {
		if got := endsProcess(c.signal, c.stop); got != c.want {
			t.Errorf("endsProcess(%q, %q) = %v", c.signal, c.stop, got)
		}
	}
}

func TestEngineTime(t *testing.T) {
	for _, ns := range []int64{0, 1, 5_000_000, 999_999_999, 1_700_000_000_000_000_001} {
		s := engineTime(time.Unix(0, ns))
		sec, frac, _ := strings.Cut(s, ".")
		a, _ := strconv.ParseInt(sec, 10, 64)
		b, _ := strconv.ParseInt(frac, 10, 64)
		if a*1e9+b != ns || len(frac) != 9 {
			t.Errorf("engineTime(%d ns) = %s", ns, s)
		}
	}
}

// said makes events, one a second.
func said(what ...string) (list []events.Message) {
	for i := 0; i+1 < len(what); i += 2 {
		list = append(list, events.Message{
			Type: events.ContainerEventType, Action: events.Action(what[i]), Actor: events.Actor{ID: what[i+1]},
			TimeNano: time.Unix(int64(1000+i/2), 0).UnixNano(),
		})
	}
	return list
}

func TestLastSignals(t *testing.T) {
	list := said(
		"kill", "early", "die", "early", // before the time asked for
		"kill", "stopped", "kill", "stopped", "die", "stopped",
		"kill", "back", "die", "back", "start", "back",
		"die", "crashed",
	)
	var got []string
	for _, m := range lastSignals(list, time.Unix(1001, 0)) {
		got = append(got, m.Actor.ID+" "+strconv.FormatInt(eventTime(m).Unix(), 10))
	}
	if want := []string{"stopped 1003"}; !slices.Equal(got, want) {
		t.Errorf("signals %q, want %q", got, want)
	}
}

func TestRestarted(t *testing.T) {
	list := said("start", "a", "die", "a")
	for since, want := range map[int64]bool{999: true, 1000: false, 2000: false} {
		if got := restarted(list, time.Unix(since, 0)); got != want {
			t.Errorf("since %d: %v", since, got)
		}
	}
	if !restarted(nil, time.Unix(1, 0)) {
		t.Error("an engine that recalls nothing may have been restarted")
	}
}

// TestShutdown tells an engine that signals everybody from people.
func TestShutdown(t *testing.T) {
	at := func(d time.Duration) time.Time { return time.Unix(1000, 0).Add(d) }
	type event struct {
		what, id string
		after    time.Duration
	}
	for what, c := range map[string]struct {
		events []event
		lost   time.Duration
		want   time.Duration // when it began, negative = not at all
	}{
		"nothing": {nil, 0, -1},
		"an engine that shuts down": {
			[]event{{"kill", "a", 0}, {"kill", "b", 50 * time.Millisecond}, {"die", "a", time.Second}, {"kill", "b", 10 * time.Second}, {"die", "b", 10 * time.Second}},
			11 * time.Second, 0,
		},
		"a person before it": {
			[]event{{"kill", "mine", 0}, {"die", "mine", 0}, {"kill", "a", 8 * time.Second}, {"kill", "b", 8 * time.Second}, {"die", "a", 9 * time.Second}},
			10 * time.Second, 8 * time.Second,
		},
		"a person, and the connection long after": {[]event{{"kill", "mine", 0}, {"die", "mine", 0}}, time.Minute, -1},
		"a stop that was answered by a start":     {[]event{{"kill", "a", 0}, {"die", "a", 0}, {"start", "a", time.Second}}, 2 * time.Second, -1},
		"a crash alone":                           {[]event{{"die", "a", 0}}, time.Second, -1},
	} {
		var e ends
		for _, ev := range c.events {
			e.note(events.Message{Action: events.Action(ev.what), Actor: events.Actor{ID: ev.id}, TimeNano: at(ev.after).UnixNano()}, at(ev.after))
		}
		began, ok := e.shutdown(at(c.lost))
		if ok != (c.want >= 0) || ok && !began.Equal(at(c.want)) {
			t.Errorf("%s: began %v, %v", what, began.Sub(at(0)), ok)
		}
	}
}
