package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// runStatus shows every target in a table, or everything as JSON.
func runStatus(ctx context.Context, stdout io.Writer, v viewer, asJSON bool) error {
	st, note, err := v.status(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		data, err := st.Encode()
		if err == nil {
			_, err = stdout.Write(data)
		}
		return err
	}
	if note != "" {
		fmt.Fprintf(stdout, "%s\n\n", note)
	}
	docker := "Docker " + st.Docker.ServerVersion
	switch {
	case st.Mode == journal.ModeProcesses:
		docker = "running processes"
	case st.Docker.Connected:
	case st.Docker.Error == "":
		docker = "Docker not reached yet"
	default:
		docker = "Docker NOT REACHED: " + st.Docker.Error
	}
	fmt.Fprintf(stdout, "watchdog %s, started %s ago, %s\n\n", st.Version, journal.HumanDuration(v.now().Sub(st.StartedAt)), docker)
	if len(st.Targets) == 0 {
		_, err := fmt.Fprintln(stdout, "Nothing is watched. Give a container the label watchdog.enable=true.")
		return err
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TARGET\tSTATE\tSINCE\tRESTARTS\tUP 24 H\tUP 7 D\tLAST INCIDENT")
	for _, t := range st.Targets {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", t.Target, stateWord(t), ago(v.now(), t.Since), spent(t, v.now()),
			percent(t.UptimeRatio24h), percent(t.UptimeRatio7d), dash(t.LastIncident))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	first := true
	for _, t := range st.Targets {
		if t.State == supervise.StateUp || t.Detail == "" {
			continue
		}
		if first {
			fmt.Fprintln(stdout)
			first = false
		}
		fmt.Fprintf(stdout, "%s: %s\n", t.Target, t.Detail)
	}
	return nil
}

func stateWord(t journal.Target) string {
	if t.State == supervise.StateUp || t.Reason == "" || string(t.Reason) == string(t.State) {
		return string(t.State)
	}
	return fmt.Sprintf("%s (%s)", t.State, t.Reason)
}

func spent(t journal.Target, now time.Time) string {
	s := fmt.Sprintf("%d of %d in %s", t.Restarts.InWindow, t.Restarts.Max,
		journal.HumanDuration(time.Duration(t.Restarts.WindowSeconds*float64(time.Second))))
	if next := t.Restarts.NextAt; next.After(now) {
		s += ", next in " + journal.HumanDuration(next.Sub(now))
	}
	return s
}

func ago(now, t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return journal.HumanDuration(now.Sub(t))
}

// percent never rounds up to a perfect 100.
func percent(ratio float64) string {
	if ratio >= 1 {
		return "100 %"
	}
	return fmt.Sprintf("%.2f %%", float64(int(ratio*10000))/100)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// runHealthcheck fails when the watchdog does not answer or its loop hangs.
func runHealthcheck(ctx context.Context, v viewer) error {
	code, body, err := v.get(ctx, "/health/live")
	if err != nil {
		return fmt.Errorf("the watchdog does not answer at %s: %w", v.url, err)
	}
	if code != http.StatusOK {
		return fmt.Errorf("the watchdog is not well: %d %s", code, strings.Join(strings.Fields(string(body)), " "))
	}
	return nil
}
