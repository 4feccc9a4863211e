package heal

import (
	"slices"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// correlated: five targets die at once, so that the host or the network is ill. They are held, then healed one by one.
func correlated(t *testing.T) {
	l := newLab(t)
	var all []*patient
	for _, name := range []string{"five-1", "five-2", "five-3", "five-4", "five-5"} {
		all = append(all, l.create(name, plain...))
	}
	for _, p := range all {
		p.is("up")
	}
	began := time.Now()
	for _, p := range all {
		p.order("crash")
	}
	held := l.logged(began, "that it holds", func(l stack.LogLine) bool { return l.Type == "hold" })
	for _, p := range all {
		p.revoke("crash")
	}
	for _, p := range all {
		p.healed(began)
		if n := len(p.restarts(began)); n < 1 || n > 2 { // two may have been restarted before the third died, and crashed again
			t.Errorf("%s was restarted %d times", p.target, n)
		}
	}
	// From the hold on nobody is restarted while the one before is not well yet.
	turn, turns := "", 0
	for _, e := range l.events(held.Time, func(stack.LogLine) bool { return true }) {
		switch {
		case e.Type == "restart" && turn != "":
			t.Errorf("%s was restarted while it was the turn of %s", e.Target, turn)
		case e.Type == "restart":
			turn, turns = e.Target, turns+1
			if wait := e.Time.Sub(held.Time); turns == 1 && wait < 3*time.Second {
				t.Errorf("%s was restarted %v after the hold began", e.Target, wait)
			}
		case e.Type == "recovered" && e.Target == turn:
			turn = ""
		}
	}
	if turns < 3 {
		t.Errorf("%d were restarted one by one, want three at least", turns)
	}
}

// exhausted: two restarts in twelve seconds did not help. The third comes as the first leaves the window, and helps.
func exhausted(t *testing.T) {
	const most, window = 2, 12 * time.Second
	l := newLab(t, "WATCHDOG_MAX_RESTARTS=2", "WATCHDOG_RESTART_WINDOW="+window.String())
	p := l.run("budget", plain...)
	engine := p.follow()
	p.order("crash")
	st := p.is("exhausted")
	if st.Restarts.Remaining != 0 || st.Restarts.InWindow != most || st.Detail == "" {
		t.Errorf("status %+v, want %d restarts spent and a sentence about it", st, most)
	}
	p.healed(p.revoke("crash"))
	within(t, engine.Times("start")[1:], most, window-2*time.Second)
	if n := engine.Count("start"); n != 1+most+1 {
		t.Errorf("the engine started it %d times, want once by us and %d times by the watchdog", n, most+1)
	}
}

// within makes sure that no window holds more than most moments.
func within(t *testing.T, moments []time.Time, most int, window time.Duration) {
	t.Helper()
	slices.SortFunc(moments, time.Time.Compare)
	for i := most; i < len(moments); i++ {
		if d := moments[i].Sub(moments[i-most]); d < window {
			t.Errorf("the engine started the container %d times within %v, and the budget is %d in %v", most+1, d, most, window)
		}
	}
}
