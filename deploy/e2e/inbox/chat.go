package inbox

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// readSlack reads what an incoming webhook of Slack takes: a text, or attachments with one.
func readSlack(body []byte, m *Message) error {
	var b struct {
		Channel, Username, Text string
		Attachments             []struct {
			Color, Title, Text, Pretext, Fallback, Footer string
			TitleLink                                     string `json:"title_link"`
			Fields                                        []struct{ Title, Value string }
			Actions                                       []struct{ Text, URL string }
		}
	}
	if err := decode(body, &b); err != nil {
		return err
	}
	if b.Text == "" && len(b.Attachments) == 0 {
		return errors.New("no_text")
	}
	m.Fields["channel"], m.Fields["username"] = b.Channel, b.Username
	m.mrkdwn(b.Text)
	for i, a := range b.Attachments {
		if a.Title == "" && a.Text == "" && a.Fallback == "" {
			return errors.New("no_text")
		}
		if i == 0 {
			m.Title, m.Fields["color"], m.Fields["fallback"] = unescape(a.Title), a.Color, a.Fallback
		}
		if a.TitleLink != "" {
			m.Links = append(m.Links, Link{unescape(a.Title), a.TitleLink})
		}
		m.mrkdwn(a.Pretext)
		m.mrkdwn(a.Text)
		for _, f := range a.Fields {
			m.mrkdwn(f.Title + ": " + f.Value)
		}
		for _, action := range a.Actions {
			m.Links = append(m.Links, Link{action.Text, action.URL})
		}
		m.mrkdwn(a.Footer)
	}
	m.Resolved = strings.Contains(m.Title, "RESOLVED")
	return nil
}

var slackLink = regexp.MustCompile(`<(https?://[^|>]+)(?:\|([^>]*))?>`)

// mrkdwn adds a text in Slack's markup: <address|words> is a link, and three characters are escaped.
func (m *Message) mrkdwn(s string) {
	if s == "" {
		return
	}
	for _, l := range slackLink.FindAllStringSubmatch(s, -1) {
		m.Links = append(m.Links, Link{unescape(l[2]), unescape(l[1])})
	}
	m.Text += unescape(slackLink.ReplaceAllString(s, "$2")) + "\n"
}

func unescape(s string) string {
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&").Replace(s)
}

// readDiscord reads what a webhook of Discord takes, within the limits of its documentation.
func readDiscord(body []byte, m *Message) error {
	var b struct {
		Content, Username string
		Embeds            []struct {
			Title, Description, URL string
			Color                   int
			Fields                  []struct{ Name, Value string }
			Footer                  struct{ Text string }
		}
	}
	if err := decode(body, &b); err != nil {
		return err
	}
	if b.Content == "" && len(b.Embeds) == 0 {
		return errors.New("cannot send an empty message")
	}
	if len(b.Embeds) > 10 {
		return fmt.Errorf("%d embeds, allowed are 10", len(b.Embeds))
	}
	if name := strings.ToLower(b.Username); strings.Contains(name, "discord") || strings.Contains(name, "clyde") {
		return fmt.Errorf("username cannot contain %q", b.Username)
	}
	errs := []error{within("content", b.Content, 2000), within("username", b.Username, 80)}
	total := ""
	m.markdown(b.Content)
	m.Fields["username"] = b.Username
	for i, e := range b.Embeds {
		if e.Title == "" && e.Description == "" && len(e.Fields) == 0 {
			errs = append(errs, errors.New("cannot send an empty embed"))
		}
		if i == 0 {
			m.Title, m.Resolved = e.Title, e.Color == 0x2ECC71 || strings.Contains(e.Title, "RESOLVED")
		}
		errs = append(errs, within("title", e.Title, 256), within("description", e.Description, 4096), within("footer", e.Footer.Text, 2048))
		if len(e.Fields) > 25 {
			errs = append(errs, fmt.Errorf("%d fields, allowed are 25", len(e.Fields)))
		}
		total += e.Title + e.Description + e.Footer.Text
		if e.URL != "" {
			m.Links = append(m.Links, Link{e.Title, e.URL})
		}
		m.markdown(e.Description)
		for _, f := range e.Fields {
			errs = append(errs, within("field name", f.Name, 256), within("field value", f.Value, 1024))
			total += f.Name + f.Value
			m.markdown(f.Name + ": " + f.Value)
		}
		m.markdown(e.Footer.Text)
	}
	return errors.Join(append(errs, within("all embeds", total, 6000))...)
}

var (
	markdownLink   = regexp.MustCompile(`\[([^\]\n]*)\]\(<?(https?://[^\s)>]+)>?\)`)
	bareLink       = regexp.MustCompile(`https?://[^\s<>"')\]]+`)
	markdownEscape = regexp.MustCompile(`\\([[:punct:]])`) // any ASCII punctuation
)

// markdown adds a text in Markdown: [words](address) is a link, so is a bare address, and a backslash escapes a character.
func (m *Message) markdown(s string) {
	if s == "" {
		return
	}
	for _, l := range markdownLink.FindAllStringSubmatch(s, -1) {
		m.Links = append(m.Links, Link{l[1], l[2]})
	}
	rest := markdownLink.ReplaceAllString(s, "$1")
	m.bare(rest)
	m.Text += markdownEscape.ReplaceAllString(rest, "$1") + "\n"
}

// bare adds the addresses that stand in a text as they are, which every service makes links of.
func (m *Message) bare(s string) {
	for _, url := range bareLink.FindAllString(s, -1) {
		m.Links = append(m.Links, Link{url, url})
	}
}

// readTeams reads what a workflow of Microsoft Teams takes: an adaptive card in a message of at most 28 KB.
func readTeams(body []byte, m *Message) error {
	var b struct {
		Type        string
		Attachments []struct {
			ContentType string
			Content     struct {
				Type, Version string
				Body          []struct{ Type, Text, Color string }
				Actions       []struct{ Type, Title, URL string }
			}
		}
	}
	if err := decode(body, &b); err != nil {
		return err
	}
	if len(body) > 28<<10 {
		return fmt.Errorf("the message has %d bytes, allowed are 28 KB", len(body))
	}
	if b.Type != "message" || len(b.Attachments) != 1 {
		return fmt.Errorf("type %q with %d attachments: want a message with one card", b.Type, len(b.Attachments))
	}
	card := b.Attachments[0]
	if card.ContentType != "application/vnd.microsoft.card.adaptive" || card.Content.Type != "AdaptiveCard" || len(card.Content.Body) == 0 {
		return fmt.Errorf("attachment %q with a %q: want an adaptive card", card.ContentType, card.Content.Type)
	}
	for i, block := range card.Content.Body {
		if block.Type == "TextBlock" && block.Text == "" {
			return errors.New("property 'text' must be specified of TextBlock")
		}
		if i == 0 {
			m.Title, m.Resolved = block.Text, block.Color == "Good" || strings.Contains(block.Text, "RESOLVED")
			continue
		}
		m.markdown(block.Text)
	}
	for _, a := range card.Content.Actions {
		m.Links = append(m.Links, Link{a.Title, a.URL})
	}
	return nil
}
