package inbox

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// readPagerDuty reads what PagerDuty's Events API v2 takes.
func readPagerDuty(body []byte, m *Message) error {
	var b struct {
		RoutingKey  string `json:"routing_key"`
		EventAction string `json:"event_action"`
		DedupKey    string `json:"dedup_key"`
		Client      string
		ClientURL   string `json:"client_url"`
		Links       []struct{ Href, Text string }
		Payload     struct {
			Summary, Source, Severity string
			Details                   map[string]any `json:"custom_details"`
		}
	}
	if err := decode(body, &b); err != nil {
		return err
	}
	if b.RoutingKey != PagerDutyKey {
		return errors.New("invalid routing key")
	}
	errs := []error{within("payload.summary", b.Payload.Summary, 1024), within("dedup_key", b.DedupKey, 255)}
	switch b.EventAction {
	case "trigger":
		if b.Payload.Summary == "" || b.Payload.Source == "" {
			errs = append(errs, errors.New("payload.summary and payload.source are required"))
		}
		if !slices.Contains([]string{"critical", "error", "warning", "info"}, b.Payload.Severity) {
			errs = append(errs, fmt.Errorf("payload.severity %q is invalid", b.Payload.Severity))
		}
	case "acknowledge", "resolve":
		if b.DedupKey == "" {
			errs = append(errs, errors.New("dedup_key is required"))
		}
	default:
		errs = append(errs, fmt.Errorf("event_action %q is invalid", b.EventAction))
	}
	if len(body) > 512<<10 {
		errs = append(errs, errors.New("the event is larger than 512 KB"))
	}
	m.Title, m.Resolved = b.Payload.Summary, b.EventAction == "resolve"
	m.Fields = map[string]string{"event_action": b.EventAction, "dedup_key": b.DedupKey, "severity": b.Payload.Severity, "source": b.Payload.Source}
	for _, name := range sortedKeys(b.Payload.Details) {
		line := fmt.Sprintf("%s: %v", name, b.Payload.Details[name])
		m.Text += line + "\n"
		m.bare(line)
	}
	if b.ClientURL != "" {
		m.Links = append(m.Links, Link{b.Client, b.ClientURL})
	}
	for _, l := range b.Links {
		m.Links = append(m.Links, Link{l.Text, l.Href})
	}
	return errors.Join(errs...)
}

func sortedKeys(of map[string]any) []string {
	var keys []string
	for k := range of {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

func acceptPagerDuty(w http.ResponseWriter, m Message) {
	answer(w, http.StatusAccepted, map[string]any{"status": "success", "message": "Event processed", "dedup_key": m.Fields["dedup_key"]})
}

func refusePagerDuty(w http.ResponseWriter, err error) {
	answer(w, http.StatusBadRequest, map[string]any{"status": "invalid event", "message": "Event object is invalid", "errors": strings.Split(err.Error(), "\n")})
}
