package inbox

import (
	"errors"
	"fmt"
	"strings"
)

// readNtfy reads what ntfy takes as JSON: a topic and a message of at most 4096 bytes, which it would otherwise make a file of.
func readNtfy(body []byte, m *Message) error {
	var b struct {
		Topic, Title, Message, Click string
		Priority                     int
		Tags                         []string
		Markdown                     bool
		Actions                      []struct{ Action, Label, URL string }
	}
	if err := decode(body, &b); err != nil {
		return err
	}
	if b.Topic != NtfyTopic {
		return fmt.Errorf("invalid request: topic %q invalid", b.Topic)
	}
	if len(b.Message) > 4096 {
		return fmt.Errorf("the message has %d bytes, allowed are 4096", len(b.Message))
	}
	if b.Priority < 0 || b.Priority > 5 {
		return errors.New("invalid request: priority invalid")
	}
	if len(b.Actions) > 3 {
		return fmt.Errorf("invalid request: %d actions, only 3 allowed", len(b.Actions))
	}
	m.Title, m.Resolved = b.Title, strings.Contains(b.Title, "RESOLVED")
	m.Fields["priority"], m.Fields["tags"] = fmt.Sprint(b.Priority), strings.Join(b.Tags, ",")
	m.markdown(b.Message)
	if b.Click != "" {
		m.Links = append(m.Links, Link{b.Title, b.Click})
	}
	for _, a := range b.Actions {
		if a.Action == "view" {
			m.Links = append(m.Links, Link{a.Label, a.URL})
		}
	}
	return nil
}
