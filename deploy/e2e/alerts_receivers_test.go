package e2e

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/inbox"
)

// everyone are the services that are told what is critical, in words for people.
var everyone = []inbox.Via{inbox.Slack, inbox.Telegram, inbox.Discord, inbox.Email, inbox.PagerDuty, inbox.Teams, inbox.Ntfy}

// says checks a message as a person reads it: what it is about, all that the alert says of it, and links that lead somewhere.
func (a *alerting) says(t *testing.T, m inbox.Message, alert inbox.Alert) {
	t.Helper()
	if want := "[CRITICAL] " + alert.Annotations["summary"]; !strings.Contains(m.Title, want) {
		t.Errorf("%s: title %q, want %q", m.Via, m.Title, want)
	}
	if !strings.Contains(words(m.Text), words(alert.Annotations["description"])) {
		t.Errorf("%s: the text does not say %q:\n%s", m.Via, alert.Annotations["description"], m.Text)
	}
	since := alert.StartsAt.UTC().Format("2006-01-02 15:04:05")
	if m.Via == inbox.PagerDuty { // for programs
		since = alert.StartsAt.UTC().Format("2006-01-02T15:04:05")
	}
	if !strings.Contains(words(m.Text), since) {
		t.Errorf("%s: the text does not say since when, %s:\n%s", m.Via, since, m.Text)
	}
	a.leads(t, m, alert)
	want := map[inbox.Via]map[string]string{
		inbox.PagerDuty: {"event_action": "trigger", "severity": "critical"},
		inbox.Ntfy:      {"priority": "5"},
		inbox.Telegram:  {"parse_mode": "HTML"},
		inbox.Slack:     {"color": "#e01e5a"},
		inbox.Email:     {"to": inbox.MailTo},
	}
	for name, value := range want[m.Via] {
		if m.Fields[name] != value {
			t.Errorf("%s: %s is %q, want %q", m.Via, name, m.Fields[name], value)
		}
	}
}

// saysOver checks the message that an outage is over, beside the one that it began.
func saysOver(t *testing.T, began, ended inbox.Message) {
	t.Helper()
	switch ended.Via {
	case inbox.PagerDuty:
		if began.Fields["dedup_key"] == "" || ended.Fields["dedup_key"] != began.Fields["dedup_key"] {
			t.Errorf("pagerduty: incident %q is resolved, %q was triggered", ended.Fields["dedup_key"], began.Fields["dedup_key"])
		}
	case inbox.Slack:
		if ended.Fields["color"] == began.Fields["color"] {
			t.Errorf("slack: an end has the colour of a beginning: %s", ended.Fields["color"])
		}
	}
	if !strings.Contains(ended.Title, "RESOLVED") || !regexp.MustCompile(`from \S+ \S+ to \S+`).MatchString(ended.Text) && ended.Via != inbox.PagerDuty {
		t.Errorf("%s: does not say that it is over, from when to when: %q\n%s", ended.Via, ended.Title, ended.Text)
	}
}

var matcher = regexp.MustCompile(`(\w+)="([^"]*)"`)

// leads checks where the links of a message lead: to a page of ours, an incident that the watchdog has, a dashboard that is
// there, and a silence that would take in just this alert.
func (a *alerting) leads(t *testing.T, m inbox.Message, alert inbox.Alert) {
	t.Helper()
	found := map[string]bool{}
	for _, l := range m.Links {
		switch {
		case strings.HasPrefix(l.URL, runbookPrefix):
			found["runbook"] = l.URL == alert.Annotations["runbook_url"]
			if _, err := os.Stat(filepath.Join(a.Root, strings.TrimPrefix(l.URL, runbookPrefix))); err != nil {
				t.Errorf("%s: %v", m.Via, err)
			}
		case strings.HasPrefix(l.URL, "http://localhost:9095/incidents/"):
			found["incident"] = true
			if _, err := a.Get(t.Context(), a.URL("watchdog", strings.TrimPrefix(l.URL, "http://localhost:9095"))); err != nil {
				t.Errorf("%s: %v", m.Via, err)
			}
		case strings.HasPrefix(l.URL, "http://localhost:3000/d/"):
			found["dashboard"] = true
			if uid := strings.TrimPrefix(l.URL, "http://localhost:3000/d/"); !a.hasDashboard(t, uid) {
				t.Errorf("%s: no dashboard %q", m.Via, uid)
			}
		case strings.HasPrefix(l.URL, "http://localhost:9093/#/silences/new?filter="):
			filter, err := url.QueryUnescape(strings.TrimPrefix(l.URL, "http://localhost:9093/#/silences/new?filter="))
			must(t, err)
			matchers := matcher.FindAllStringSubmatch(filter, -1)
			found["silence"] = len(matchers) > 0
			for _, pair := range matchers {
				if alert.Labels[pair[1]] != pair[2] {
					t.Errorf("%s: the silence %s would not take in the alert %v", m.Via, filter, alert.Labels)
				}
			}
		}
	}
	for _, kind := range []string{"runbook", "incident", "dashboard", "silence"} {
		if !found[kind] {
			t.Errorf("%s: no link to the %s among %q", m.Via, kind, m.Links)
		}
	}
}

func (a *alerting) hasDashboard(t *testing.T, uid string) bool {
	files, err := filepath.Glob(filepath.Join(a.Root, "grafana", "dashboards", "*.json"))
	must(t, err)
	for _, file := range files {
		raw, err := os.ReadFile(file)
		must(t, err)
		var d dashboard
		must(t, json.Unmarshal(raw, &d))
		if d.UID == uid {
			return true
		}
	}
	return false
}

// words is a text without its line breaks, which differ from receiver to receiver.
func words(s string) string { return strings.Join(strings.Fields(s), " ") }

// testNotification: what a person runs to see whether notifications arrive.
func testNotification(t *testing.T, a *alerting) {
	began := time.Now()
	out, err := a.Compose(t.Context(), "run", "--rm", "--no-deps", "setup", "test-notification")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Log(out)
	for _, via := range append([]inbox.Via{inbox.Webhook}, everyone...) {
		m, err := a.in.Wait(t.Context(), via, time.Minute, func(m inbox.Message) bool { return m.At.After(began) && isTest(m) && !m.Resolved })
		if err != nil {
			t.Error(err)
			continue
		}
		if name := receiverName(via); !regexp.MustCompile(`(?m)^` + name + ` .*delivered`).MatchString(out) {
			t.Errorf("%s took it (%q), and setup does not say that it was delivered:\n%s", name, m.Title, out)
		}
	}
}

// testNotificationRefused: one receiver is broken, which does not go unnoticed and does not keep the others from theirs.
func testNotificationRefused(t *testing.T, a *alerting) {
	a.in.Break(inbox.Discord, 500)
	defer a.in.Break(inbox.Discord, 0)
	out, err := a.Compose(t.Context(), "run", "--rm", "--no-deps", "setup", "test-notification")
	if err == nil {
		t.Errorf("Discord answers 500, and setup test-notification succeeds:\n%s", out)
	}
	if !regexp.MustCompile(`(?m)^discord .*FAILED`).MatchString(out) || strings.Count(out, "FAILED") != 1 || strings.Count(out, "delivered") < len(everyone) {
		t.Errorf("Discord alone answers 500, and setup test-notification says (%v):\n%s", err, out)
	}
}

func isTest(m inbox.Message) bool { return strings.Contains(strings.ToLower(m.Title), "test") }

// receiverName is what the settings call a service.
func receiverName(via inbox.Via) string {
	if via == inbox.Teams {
		return "msteams"
	}
	return string(via)
}

// heartbeats: Watchdog goes to the observer elsewhere, again and again, and to nobody else.
func heartbeats(t *testing.T, a *alerting) {
	a.eventually(t, 3*time.Minute, func() error {
		if n := len(a.in.Messages(inbox.Heartbeat, nil)); n < 2 {
			return fmt.Errorf("the observer was called %d times, want at least twice", n)
		}
		return nil
	})
	if told := a.told(time.Time{}, func(alert inbox.Alert) bool { return alert.Labels["alertname"] == "Watchdog" }); len(told) > 0 {
		t.Errorf("people are told of the heartbeat:\n%s", told)
	}
}
