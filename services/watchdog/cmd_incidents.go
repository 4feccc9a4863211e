package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
)

// runIncidents lists the incidents, newest first, or shows one in full when ref is its id or the beginning of it.
func runIncidents(stdout io.Writer, v viewer, ref string, asJSON bool) error {
	if ref != "" {
		in, err := v.dir.Incident(ref)
		switch {
		case err != nil:
			return fmt.Errorf("%w; watchdog incidents lists them", err)
		case asJSON:
			return writeIndented(stdout, in)
		}
		return showIncident(stdout, in)
	}
	all, err := v.dir.Incidents()
	if err != nil {
		return err
	}
	if asJSON {
		return writeIndented(stdout, map[string]any{"incidents": append([]journal.Summary{}, all...)})
	}
	if len(all) == 0 {
		_, err := fmt.Fprintln(stdout, "No incidents on record.")
		return err
	}
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "INCIDENT\tTARGET\tCAUSE\tOUTCOME\tDOWN FOR\tRESTARTS")
	for _, in := range all {
		down := journal.HumanDuration(time.Duration(in.DowntimeSeconds * float64(time.Second)))
		if in.Outcome == journal.OutcomeOpen {
			down = journal.HumanDuration(v.now().Sub(in.StartedAt)) + " so far"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%d\n", in.ID, in.Target, in.Cause, in.Outcome, down, in.Restarts)
	}
	return w.Flush()
}

// clockTime is how a moment within an incident is written.
const clockTime = "15:04:05.000"

// showIncident tells what happened, why, what was done, and what the target said last.
func showIncident(out io.Writer, in journal.Incident) error {
	fmt.Fprintf(out, "%s\nWhy: %s\nDone: %s\n\n", in.Headline(), in.Why(), in.Done())
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s\t%s\n", name, value)
		}
	}
	at := func(name string, t time.Time) {
		if !t.IsZero() {
			row(name, t.UTC().Format("2006-01-02 "+clockTime)+" UTC")
		}
	}
	row("incident", in.ID)
	row("outcome", string(in.Outcome))
	at("began", in.StartedAt)
	at("noticed", in.DetectedAt)
	at("restarted", in.RestartedAt)
	at("well again", in.RecoveredAt)
	if in.ExitCode != nil {
		row("exit code", fmt.Sprint(*in.ExitCode))
	}
	if in.MemoryBytes > 0 {
		memory := journal.HumanBytes(in.MemoryBytes)
		if in.MemoryLimit > 0 {
			memory += " of " + journal.HumanBytes(in.MemoryLimit)
		}
		row("memory", memory)
	}
	if in.CPURatio > 0 {
		row("cpu", fmt.Sprintf("%.0f %% of a core", in.CPURatio*100))
	}
	row("engine's error", in.Error)
	row("image", in.Image)
	row(in.Instance())
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(out, "\nWhat happened")
	for _, m := range in.Timeline {
		line := fmt.Sprintf("  %s\t%s\t%s", m.At.UTC().Format(clockTime), m.To, m.Reason)
		if m.Detail != "" {
			line += "\t" + m.Detail
		}
		fmt.Fprintln(w, line)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	var checks []string
	for _, h := range in.HealthLog {
		checks = append(checks, fmt.Sprintf("%s exit code %d: %s", h.At.UTC().Format(clockTime), h.ExitCode, strings.TrimSpace(h.Output)))
	}
	section(out, "Docker's health check", checks)
	if in.Probe != nil {
		section(out, "The probe's answer", append([]string{in.Probe.Error}, strings.Split(strings.TrimSpace(in.Probe.Body), "\n")...))
	}
	section(out, "Last log lines", in.LogTail)
	return nil
}

func section(out io.Writer, title string, lines []string) {
	if text := strings.TrimSpace(strings.Join(lines, "\n")); text != "" {
		fmt.Fprintf(out, "\n%s\n  %s\n", title, strings.ReplaceAll(text, "\n", "\n  "))
	}
}
