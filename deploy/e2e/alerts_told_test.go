package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/inbox"
)

// told are the notifications since a moment that hold an alert which is wanted, by severity and whether they are an end.
func (a *alerting) told(since time.Time, want func(inbox.Alert) bool) notices {
	t := notices{}
	for _, m := range a.in.Messages(inbox.Webhook, func(m inbox.Message) bool { return m.At.After(since) }) {
		i := slices.IndexFunc(m.Alerts, want)
		if i < 0 {
			continue
		}
		kind := m.Alerts[i].Labels["severity"]
		if m.Resolved {
			kind += " resolved"
		}
		t[kind] = append(t[kind], m)
	}
	return t
}

// notices are notifications by kind: "critical", "critical resolved", "warning" and so on.
type notices map[string][]inbox.Message

func (t notices) count(kinds ...string) int {
	n := 0
	for _, kind := range kinds {
		n += len(t[kind])
	}
	return n
}

// String lists every notification with when it came and what it was about.
func (t notices) String() string {
	var all []inbox.Message
	for _, messages := range t {
		all = append(all, messages...)
	}
	slices.SortFunc(all, func(a, b inbox.Message) int { return a.At.Compare(b.At) })
	lines := []string{fmt.Sprintf("%d notifications", len(all))}
	for _, m := range all {
		var names []string
		for _, alert := range m.Alerts {
			names = append(names, fmt.Sprintf("%s(%s %s)", alert.Labels["alertname"], alert.Labels["severity"], alert.Status))
		}
		lines = append(lines, "  "+m.At.UTC().Format("15:04:05.0")+" "+strings.Join(names, " "))
	}
	return strings.Join(lines, "\n")
}

// notified waits for a notification with an alert of this severity ("" is any) that fires, or that is over.
func (a *alerting) notified(t *testing.T, within time.Duration, since time.Time, severity string, over bool, want func(inbox.Alert) bool) inbox.Message {
	t.Helper()
	m, err := a.in.Wait(t.Context(), inbox.Webhook, within, func(m inbox.Message) bool {
		return m.At.After(since) && m.Resolved == over && slices.ContainsFunc(m.Alerts, func(alert inbox.Alert) bool {
			return (severity == "" || alert.Labels["severity"] == severity) && want(alert)
		})
	})
	if err != nil {
		now, _ := a.alertmanagerAlerts(t)
		t.Fatalf("%v\nAlertmanager has %v\n%s", err, now, a.told(since, func(inbox.Alert) bool { return true }))
	}
	return m
}

// barrier waits until Alertmanager has told whatever it was about to tell at once when it was called: a critical alert of our
// own comes out behind it.
func (a *alerting) barrier(t *testing.T) {
	t.Helper()
	name := fmt.Sprintf("EndToEnd%d", time.Now().UnixNano())
	a.post(t, map[string]string{"alertname": name, "severity": "critical"})
	a.notified(t, time.Minute, time.Time{}, "critical", false, func(alert inbox.Alert) bool { return alert.Labels["alertname"] == name })
}

// over waits until nothing is left that Alertmanager could still tell, or Prometheus still find, of what is wanted; what is only
// good to know is told once, when it begins, and may stay.
func (a *alerting) over(t *testing.T, within time.Duration, want func(inbox.Alert) bool) {
	t.Helper()
	a.eventually(t, within, func() error {
		var found struct {
			Data struct {
				Alerts []struct {
					Labels map[string]string
					State  string
				}
			}
		}
		if err := a.GetJSON(t.Context(), a.URL("prometheus", "/api/v1/alerts"), &found); err != nil {
			return err
		}
		for _, alert := range found.Data.Alerts {
			if want(inbox.Alert{Labels: alert.Labels}) && alert.Labels["severity"] != "info" {
				return fmt.Errorf("for Prometheus %s is still %s", alert.Labels["alertname"], alert.State)
			}
		}
		all, err := a.alertmanagerAlerts(t)
		for _, h := range all {
			if want(inbox.Alert{Labels: h.Labels}) && h.Labels["severity"] != "info" {
				err = fmt.Errorf("Alertmanager still has %v", h)
			}
		}
		return err
	})
}

// post gives Alertmanager an alert of our own.
func (a *alerting) post(t *testing.T, labels map[string]string) {
	t.Helper()
	body, err := json.Marshal([]any{map[string]any{
		"labels": labels, "annotations": map[string]string{"summary": "The test asks whether Alertmanager is done"},
		"endsAt": time.Now().Add(time.Hour),
	}})
	must(t, err)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL("alertmanager", "/api/v2/alerts"), bytes.NewReader(body))
	must(t, err)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	must(t, err)
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("Alertmanager refuses an alert: %s", resp.Status)
	}
}

// held is an alert as Alertmanager has it.
type held struct {
	Labels map[string]string
	Status struct {
		State       string
		InhibitedBy []string
	}
}

func (h held) String() string {
	return fmt.Sprintf("%s(%s %s)", h.Labels["alertname"], h.Labels["severity"], h.Status.State)
}

func (a *alerting) alertmanagerAlerts(t *testing.T) ([]held, error) {
	var all []held
	return all, a.GetJSON(t.Context(), a.URL("alertmanager", "/api/v2/alerts"), &all)
}

// has waits until Alertmanager has an alert, and returns it.
func (a *alerting) has(t *testing.T, within time.Duration, name string, want func(inbox.Alert) bool) held {
	t.Helper()
	var found held
	a.eventually(t, within, func() error {
		all, err := a.alertmanagerAlerts(t)
		if err != nil {
			return err
		}
		for _, h := range all {
			if h.Labels["alertname"] == name && want(inbox.Alert{Labels: h.Labels}) {
				found = h
				return nil
			}
		}
		return fmt.Errorf("Alertmanager has no %s, only %v", name, all)
	})
	return found
}
