package supervise

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The rules of the design, each held against random histories. The observer of account_test.go judges; it knows what
// happened, what the core was told and what the core did, but nothing of how it decides. More histories:
//
//	make properties HISTORIES=20000

func TestRule1Budget(t *testing.T) {
	holds(t, 1, ordinary().more(20, "set X engine={crash").more(10, "crash-w", "doom", "recreate", "tick"), span{fewest: 1, most: 4, depend: true})
}

func TestRule2Delay(t *testing.T) {
	holds(t, 2, ordinary().more(20, "set X engine={crash", "exit X code"), span{fewest: 1, most: 3, depend: true})
}

func TestRule3People(t *testing.T) {
	holds(t, 3, ordinary().more(20, "stop", "start X").more(10, "freeze", "unfreeze", "pause", "resume", "crash-w", "set X engine={ok", "set X takes", "unhealthy", "restart", "engine-"), span{fewest: 1, most: 4, depend: true})
}

func TestRule4OneAtATime(t *testing.T) {
	holds(t, 4, ordinary().more(20, "set X engine={ok", "set X takes", "restart").more(10, "lose", "resync", "recreate"), span{fewest: 1, most: 6, depend: true})
}

func TestRule5Evidence(t *testing.T) {
	holds(t, 5, ordinary().more(20, "set X probes", "healthy"), span{fewest: 1, most: 4})
}

func TestRule6Correlated(t *testing.T) {
	holds(t, 6, ordinary().more(30, "storm").more(10, "set X engine={crash", "stop"), span{fewest: 3, most: 8, depend: true})
}

func TestRule7NothingIsMissed(t *testing.T) {
	holds(t, 7, ordinary().more(20, "lose", "engine-").more(10, "set X engine={ok", "recreate", "storm", "crash-w", "kill-w", "start-w"), span{fewest: 1, most: 8, depend: true})
}

func TestRule8NeverStops(t *testing.T) {
	holds(t, 8, ordinary().more(10, "restart", "unhealthy", "healthy", "set X probes", "lose", "engine-"), span{fewest: 1, most: 8, depend: true})
}

// holds holds one rule against random histories.
func holds(t *testing.T, rule int, ts taste, sp span) {
	t.Parallel()
	history := historyOf(ts, sp)
	rapid.Check(t, func(t *rapid.T) {
		fault, script := live(history.Draw(t, "history"), rule)
		if fault == "" {
			return
		}
		transcript, _ := play(script, rule)
		t.Fatalf("%s\n%s", fault, transcript)
	})
}

// live plays a history, holds one rule against it, or all of them, and returns what is wrong and the steps that were possible.
func live(lines []string, rule int) (fault, script string) {
	w := newWorld(DefaultOptions())
	w.account.only = rule
	done := make([]string, 0, len(lines))
	for _, line := range lines {
		rest := line
		if after, ok := strings.CutPrefix(line, "at "); ok {
			at, command, _ := strings.Cut(after, " ")
			d, err := time.ParseDuration(at)
			if err != nil {
				return err.Error(), ""
			}
			w.advance(epoch.Add(d))
			rest = command
		}
		if w.account.fault != "" {
			done = append(done, line) // the time matters
			break
		}
		c, err := w.parse(rest)
		if err != nil {
			continue // a step for a container that this history has not
		}
		if !w.possible(c) {
			continue
		}
		done = append(done, line)
		if err := w.do(c); err != nil {
			return err.Error(), ""
		}
	}
	return w.account.fault, strings.Join(done, "\n") + "\n"
}
