package control

import (
	"fmt"
	"strings"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
)

type incidentRow struct {
	journal.Summary
	When, Down, Tone string
}

func (s *site) rows(all []journal.Summary) []incidentRow {
	rows := make([]incidentRow, len(all))
	for i, in := range all {
		rows[i] = incidentRow{Summary: in, When: in.StartedAt.UTC().Format(moment), Tone: outcomeTone(in.Outcome)}
		if in.Outcome == journal.OutcomeOpen {
			rows[i].Down = journal.HumanDuration(s.Now().Sub(in.StartedAt)) + " so far"
		} else {
			rows[i].Down = human(in.DowntimeSeconds)
		}
	}
	return rows
}

func human(seconds float64) string {
	return journal.HumanDuration(time.Duration(seconds * float64(time.Second)))
}

func outcomeTone(o journal.Outcome) string {
	switch o {
	case journal.OutcomeOpen:
		return "bad"
	case journal.OutcomeRecovered:
		return "good"
	}
	return ""
}

type incidentsPage struct {
	page
	Incidents []incidentRow
}

func (s *site) listPage(all []journal.Summary) incidentsPage {
	return incidentsPage{s.page(fmt.Sprintf("%d incidents", len(all)), 0), s.rows(all)}
}

type incidentPage struct {
	page
	ID, Why, Done string
	Outcome, Tone string
	Facts, Texts  []fact
	Timeline      []momentRow
}

type fact struct{ Name, Value string }

type momentRow struct{ At, State, Tone, Reason, Detail string }

func (s *site) incidentPage(in journal.Incident) incidentPage {
	refresh := 0
	if in.Outcome == journal.OutcomeOpen {
		refresh = 10
	}
	p := incidentPage{
		page: s.page(in.Headline(), refresh), ID: in.ID, Why: capital(in.Why()), Done: in.Done(),
		Outcome: string(in.Outcome), Tone: outcomeTone(in.Outcome), Facts: facts(in),
	}
	for _, m := range in.Timeline {
		p.Timeline = append(p.Timeline, momentRow{
			m.At.UTC().Format(moment + ".000"), string(m.To), tone(m.To), string(m.Reason), m.Detail,
		})
	}
	text := func(name, value string) {
		if strings.TrimSpace(value) != "" {
			p.Texts = append(p.Texts, fact{name, value})
		}
	}
	text("Last log lines", strings.Join(in.LogTail, "\n"))
	if in.Probe != nil {
		text("The probe's answer", strings.TrimSpace(in.Probe.Error+"\n\n"+in.Probe.Body))
	}
	var checks []string
	for _, h := range in.HealthLog {
		checks = append(checks, fmt.Sprintf("%s  exit code %d  %s", h.At.UTC().Format(moment), h.ExitCode, strings.TrimSpace(h.Output)))
	}
	text("Docker's health check", strings.Join(checks, "\n"))
	return p
}

// facts are the single figures of an incident that are known.
func facts(in journal.Incident) []fact {
	var all []fact
	put := func(name, value string) {
		if value != "" {
			all = append(all, fact{name, value})
		}
	}
	at := func(name string, t time.Time) {
		if !t.IsZero() {
			put(name, t.UTC().Format(moment+".000")+" UTC")
		}
	}
	at("Began", in.StartedAt)
	at("Noticed", in.DetectedAt)
	at("Restarted", in.RestartedAt)
	at("Well again", in.RecoveredAt)
	if in.Outcome != journal.OutcomeOpen {
		put("Down for", human(in.DowntimeSeconds))
	}
	if in.ExitCode != nil {
		put("Exit code", fmt.Sprint(*in.ExitCode))
	}
	if in.MemoryBytes > 0 {
		memory := journal.HumanBytes(in.MemoryBytes)
		if in.MemoryLimit > 0 {
			memory += " of " + journal.HumanBytes(in.MemoryLimit)
		}
		put("Memory before", memory)
	}
	if in.CPURatio > 0 {
		put("CPU before", fmt.Sprintf("%.0f %% of a core", in.CPURatio*100))
	}
	put("Engine's error", in.Error)
	put("Image", in.Image)
	what, id := in.Instance()
	put(capital(what), id)
	return all
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
