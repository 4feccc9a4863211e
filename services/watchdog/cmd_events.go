package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
)

// runEvents shows the last n events, all when n is 0, and with follow those to come until the context ends.
func runEvents(ctx context.Context, stdout io.Writer, v viewer, n int, follow, asJSON bool) error {
	return v.dir.Events(ctx, n, follow, func(l journal.Line) error {
		var err error
		if asJSON {
			_, err = fmt.Fprintf(stdout, "%s\n", l.Raw)
		} else {
			_, err = fmt.Fprintln(stdout, eventLine(l.Entry))
		}
		return err
	})
}

// eventLine is one event for people: when, how bad, about what, and what happened.
func eventLine(e journal.Entry) string {
	var b strings.Builder
	b.WriteString(e.At.UTC().Format("2006-01-02T15:04:05Z"))
	if e.Level != journal.LevelInfo && e.Level != "" {
		fmt.Fprintf(&b, " %s", strings.ToUpper(string(e.Level)))
	}
	if e.Target != "" {
		b.WriteString(" " + e.Target)
	}
	switch {
	case e.Type == journal.TypeState && e.From != "" && e.From != e.To:
		fmt.Fprintf(&b, " %s -> %s", e.From, e.To)
	case e.Type == journal.TypeState:
		b.WriteString(" " + string(e.To))
	default:
		b.WriteString(" " + strings.ReplaceAll(string(e.Type), "_", " "))
	}
	if e.Reason != "" {
		fmt.Fprintf(&b, " (%s)", e.Reason)
	}
	if e.Detail != "" {
		b.WriteString(": " + e.Detail)
	}
	if e.Seconds > 0 && e.Type != journal.TypeRecovered { // its detail says so
		fmt.Fprintf(&b, " [%s]", journal.HumanDuration(time.Duration(e.Seconds*float64(time.Second))))
	}
	if e.Incident != "" {
		fmt.Fprintf(&b, " [incident %s]", e.Incident)
	}
	return b.String()
}
