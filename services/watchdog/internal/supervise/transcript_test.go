package supervise

import (
	"cmp"
	"fmt"
	"time"
)

// describe puts an action into a line of a transcript.
func (w *world) describe(a Action) string {
	at := fmt.Sprintf("  %-9s %s:", w.now.Sub(epoch).Round(time.Millisecond), a.Target)
	if a.Kind == ActionRestart {
		return at + " " + describeRestart(a.Restart)
	}
	return at + " " + describeChange(a.Change)
}

func describeRestart(r Restart) string {
	verb := "restart"
	if r.StartOnly {
		verb = "start"
	}
	s := fmt.Sprintf("ENGINE %s (%s)", verb, r.Reason)
	if r.Hung {
		s += fmt.Sprintf(" stop within %s", r.StopTimeout)
	}
	if !r.Counted {
		s += " not counted"
	}
	return s
}

func describeChange(ch Change) string {
	s := fmt.Sprintf("%s → %s (%s)", cmp.Or(string(ch.From), "new"), ch.To, ch.Reason)
	if ch.Detail != "" {
		s += " " + ch.Detail
	}
	if !ch.NextAt.IsZero() {
		s += fmt.Sprintf(" [next at %s]", ch.NextAt.Sub(epoch))
	}
	if ch.DownFor > 0 {
		s += fmt.Sprintf(" [down for %s]", ch.DownFor)
	}
	return s
}
