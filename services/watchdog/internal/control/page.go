package control

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

var (
	//go:embed page/page.html
	pageSource string
	//go:embed page/style.css
	styleSource string

	pages = template.Must(template.New("").Parse(pageSource))

	// The pages hold one style and nothing that runs; anything else that gets into them does nothing.
	styleSum = sha256.Sum256([]byte(styleSource))
	policy   = "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(styleSum[:]) +
		"'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

// page is what every page has.
type page struct {
	Title   string
	Style   template.CSS
	Refresh int // seconds, 0 = stays
	Version string
	Engine  string
	At      string
}

// render shows a page whole or not at all.
func (s *site) render(w http.ResponseWriter, r *http.Request, code int, name string, data any) {
	var b bytes.Buffer
	if err := pages.ExecuteTemplate(&b, name, data); err != nil {
		writeError(w, r, http.StatusInternalServerError, err.Error())
		return
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Vary", "Accept")
	write(w, r, code, "text/html; charset=utf-8", b.Bytes())
}

func (s *site) page(title string, refresh int) page {
	return page{
		Title: title, Style: template.CSS(styleSource), //nolint:gosec // our own file, not input
		Refresh: refresh, Version: s.Version, At: s.Now().UTC().Format(moment),
	}
}

const moment = "2006-01-02 15:04:05"

type homePage struct {
	page
	Summary   string
	Notes     []string
	Targets   []targetRow
	Incidents []incidentRow
}

type targetRow struct {
	Target, State, Tone, Why string
	Since, SinceAt           string
	Spent, Next              string
	Day, Week                string
	Incident, IncidentAt     string
}

// shownIncidents is how many of the latest incidents the first page shows.
const shownIncidents = 15

func (s *site) home(w http.ResponseWriter, r *http.Request) {
	st, now := s.Status(), s.Now()
	up := 0
	p := homePage{}
	for _, t := range st.Targets {
		if t.State == supervise.StateUp {
			up++
		}
		p.Targets = append(p.Targets, s.targetRow(t, now))
	}
	title := fmt.Sprintf("%d of %d targets are up", up, len(st.Targets))
	switch {
	case up == 1 && len(st.Targets) > 1:
		title = fmt.Sprintf("1 of %d targets is up", len(st.Targets))
	case len(st.Targets) == 0:
		title = "No targets"
	case up == len(st.Targets) && up == 1:
		title = "The target is up"
	case up == len(st.Targets):
		title = fmt.Sprintf("All %d targets are up", up)
	}
	p.page = s.page(title, 10)
	p.Engine = st.Docker.ServerVersion
	p.Summary = "The watchdog has been running for " + journal.HumanDuration(now.Sub(st.StartedAt)) + "."
	if c := s.loop(); c.Status != healthy {
		p.Notes = append(p.Notes, "The watchdog hangs: "+c.Detail+". What is shown here may be out of date.")
	}
	if c := s.docker(st); c.Status != healthy {
		p.Notes = append(p.Notes, strings.TrimSuffix("Docker cannot be reached or has not been looked at yet: "+c.Detail, ": ")+".")
	}
	all := s.Incidents()
	p.Incidents = s.rows(all[:min(len(all), shownIncidents)])
	s.render(w, r, http.StatusOK, "home", p)
}

func (s *site) targetRow(t journal.Target, now time.Time) targetRow {
	row := targetRow{
		Target: t.Target, State: string(t.State), Tone: tone(t.State), Incident: t.LastIncident,
		Day: percent(t.UptimeRatio24h), Week: percent(t.UptimeRatio7d),
		Spent: fmt.Sprintf("%d of %d in %s", t.Restarts.InWindow, t.Restarts.Max,
			journal.HumanDuration(time.Duration(t.Restarts.WindowSeconds)*time.Second)),
	}
	if t.State != supervise.StateUp {
		row.Why = journal.Mask(t.Detail)
		if row.Why == "" {
			row.Why = string(t.Reason)
		}
	}
	if !t.Since.IsZero() {
		row.Since, row.SinceAt = journal.HumanDuration(now.Sub(t.Since)), t.Since.UTC().Format(moment)+" UTC"
	}
	if at := t.Restarts.NextAt; at.After(now) {
		row.Next = "next in " + journal.HumanDuration(at.Sub(now))
	}
	if at, err := time.Parse("20060102T150405Z", strings.SplitN(t.LastIncident, "-", 2)[0]); err == nil {
		row.IncidentAt = journal.HumanDuration(now.Sub(at)) + " ago"
	} else {
		row.IncidentAt = t.LastIncident
	}
	return row
}

// tone is the colour of a state.
func tone(s supervise.State) string {
	switch s {
	case supervise.StateUp:
		return "good"
	case supervise.StateStarting, supervise.StateSuspect, supervise.StateRestarting, supervise.StateHeld:
		return "warn"
	case supervise.StateDown, supervise.StateExhausted, supervise.StateMisconfigured, supervise.StateNeedsRecreate:
		return "bad"
	}
	return ""
}

// percent never rounds up to a perfect 100.
func percent(ratio float64) string {
	if ratio >= 1 {
		return "100 %"
	}
	hundredths := int(ratio * 10000)
	return fmt.Sprintf("%d.%02d %%", hundredths/100, hundredths%100)
}
