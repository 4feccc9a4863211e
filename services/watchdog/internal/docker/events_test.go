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
