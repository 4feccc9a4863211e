package render_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/common/model"
)

// What the services take, as far as it is documented, and that no alert breaks out of a message's markup.
var limits = map[string]func(t testing.TB, body []byte){
	"slack": func(t testing.TB, body []byte) {
		var b struct {
			Attachments []struct{ Title, Text, Fallback string }
		}
		read(t, body, &b)
		a := b.Attachments[0]
		if n := utf8.RuneCountInString(a.Text); n > 8000 {
			t.Errorf("%d characters", n)
		}
		for _, s := range []string{a.Title, a.Fallback, regexp.MustCompile(`<https://[^|<>]+\|[A-Za-z ]+>`).ReplaceAllString(a.Text, "")} {
			if strings.ContainsAny(s, "<>") {
				t.Errorf("markup of an alert: %s", s)
			}
		}
	},
	"telegram": func(t testing.TB, body []byte) {
		var b struct{ Text string }
		read(t, body, &b)
		plain, err := telegramText(b.Text)
		if err != nil || utf8.RuneCountInString(b.Text) > 4096 || len(utf16.Encode([]rune(plain))) > 4096 || !strings.Contains(plain, "Dashboard") {
			t.Errorf("%d characters, %v: %s", utf8.RuneCountInString(b.Text), err, b.Text)
		}
	},
	"discord": func(t testing.TB, body []byte) {
		var b struct {
			Content string
			Embeds  []struct{ Title, Description string }
		}
		read(t, body, &b)
		e := b.Embeds[0]
		if title, text := utf8.RuneCountInString(e.Title), utf8.RuneCountInString(e.Description); title > 256 || text > 4096 || b.Content != "" {
			t.Errorf("%d and %d characters", title, text)
		}
		markdown(t, e.Title)
		markdown(t, e.Description)
	},
	"msteams": func(t testing.TB, body []byte) {
		var b struct {
			Attachments []struct {
				Content struct{ Body []struct{ Text string } }
			}
		}
		read(t, body, &b)
		if len(body) > 28<<10 {
			t.Errorf("%d bytes", len(body))
		}
		for _, block := range b.Attachments[0].Content.Body {
			markdown(t, block.Text)
		}
	},
	"ntfy": func(t testing.TB, body []byte) {
		var b struct {
			Topic, Title, Message string
			Priority              int
			Actions               []struct{ Action, URL string }
		}
		read(t, body, &b)
		if b.Topic != "1234" || b.Title == "" || b.Message == "" || len(b.Message) > 4096 || len(b.Title) > 800 || b.Priority == 0 || len(b.Actions) > 3 {
			t.Errorf("%d bytes: %s", len(b.Message), body)
		}
	},
	"pagerduty": func(t testing.TB, body []byte) {
		var b struct {
			Payload struct {
				Summary, Source, Severity string
				Details                   map[string]any `json:"custom_details"`
			}
		}
		read(t, body, &b)
		p := b.Payload
		_, list := p.Details["firing"].([]any)
		if utf8.RuneCountInString(p.Summary) > 1024 || p.Summary == "" || p.Source == "" || len(body) > 512_000 || !list ||
			!slices.Contains([]string{"critical", "error", "warning", "info"}, p.Severity) {
			t.Errorf("%d bytes: %s", len(body), body)
		}
	},
	"email": func(t testing.TB, body []byte) {
		m := readMail(t, body)
		if strings.ContainsAny(m.Subject, "\r\n") || m.Subject == "" || m.Auto != "auto-generated" || m.Plain == "" || !strings.HasSuffix(strings.TrimSpace(m.HTML), "</html>") {
			t.Errorf("%s", m)
		}
		for _, tag := range regexp.MustCompile(`<[^>]*>`).FindAllString(m.HTML, -1) {
			if !regexp.MustCompile(`^</?(!DOCTYPE html|html|body|div|h1|p|span|strong|br|a)( style="[^"]*"| href="https://[^"]*")?>$`).MatchString(tag) {
				t.Errorf("tag %s", tag)
			}
		}
		if len(body) > 1<<20 {
			t.Errorf("%d bytes", len(body))
		}
	},
	"webhook": func(t testing.TB, body []byte) { read(t, body, &struct{}{}) },
}

func read(t testing.TB, body []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
}

// telegramText reads Telegram's HTML, which is strict, and leaves the tags out.
func telegramText(s string) (string, error) {
	d := xml.NewDecoder(strings.NewReader("<m>" + s + "</m>"))
	var text strings.Builder
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return text.String(), nil
		}
		if err != nil {
			return "", err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if !slices.Contains([]string{"m", "b", "a"}, token.Name.Local) {
				return "", fmt.Errorf("tag %s", token.Name.Local)
			}
		case xml.CharData:
			text.Write(token)
		}
	}
}

var ourMarkdown = regexp.MustCompile(`\[(What to do|Incident|Dashboard|Silence)\]\(https://[^()\s]+\)|\*\*`)

// markdown checks that all characters that Markdown knows are escaped, but for our own links and bold type.
func markdown(t testing.TB, s string) {
	t.Helper()
	// an escaped asterisk beside our own two: take the escapes out first
	rest := regexp.MustCompile(`\\.`).ReplaceAllString(s, "")
	rest = regexp.MustCompile(`^(.{1,4} )?\[(RESOLVED|CRITICAL|WARNING|INFO|FIRING)\]`).ReplaceAllString(rest, "")
	rest = ourMarkdown.ReplaceAllString(rest, "")
	if strings.ContainsAny(rest, "*_`~|[]()<>#@") {
		t.Errorf("markup of an alert: %q", rest)
	}
}

// A runbook may have an address with letters that XML and XHTML take for markup.
const runbookURL = "https://example.com/a?b=c&d=e"

func group(n int, summary, description, target, severity string) []*alert.Alert {
	var all []*alert.Alert
	for i := range n {
		labels := model.LabelSet{"alertname": "Sample", "severity": model.LabelValue(severity), "target": model.LabelValue(target), "n": model.LabelValue(fmt.Sprint(i))}
		all = append(all, sample(time.Duration(i/9)*time.Minute, labels, model.LabelSet{"summary": model.LabelValue(summary), "description": model.LabelValue(description),
			"runbook_url": runbookURL, "dashboard": "upkeep-watchdog", "incident": "20261123T030405Z-a-long-name-of-a-container-1"}))
	}
	return all
}

// toxic are texts that have broken one message or another.
var toxic = []string{
	"a: b", "- a\n- b", "{a: b}", "null", "12", "true", "\t", "'", `"`, `\`, "%", "@here", "{{ .Nonsense }}", "</b></a>", "&lt;", "]](", "**", "\r\nBcc: eve@example.com\r\n",
	"\x00\x01\x7f\u0085\u009f\u2028\ufeff\ufffe\uffff", "…",
}

func TestLimits(t *testing.T) {
	p := newPosts(t)
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			try := func(text, severity string, n int) {
				limits[way](t, p.send(t, way, group(n, text, text, text, severity)))
				if t.Failed() {
					t.Fatalf("with %d alerts of %.40q", n, text)
				}
			}
			for _, text := range toxic {
				try(text, text, 1)
			}
			counts := []int{20}
			if slices.Contains([]string{"telegram", "discord", "msteams", "ntfy"}, way) { // their limits are tight
				counts = []int{1, 4, 20}
			}
			for _, letter := range []string{"&", "+", `"`, "*", "\\", "🔥", "運", "\n", "\u2028"} {
				for _, n := range counts {
					try(strings.Repeat(letter, 10_000), "critical", n)
				}
			}
			for name, alerts := range groups {
				limits[way](t, p.send(t, way, alerts))
				if t.Failed() {
					t.Fatalf("with %s", name)
				}
			}
		})
	}
}

func FuzzMessages(f *testing.F) {
	p := newPosts(f)
	for i := range ways {
		f.Add("The API is down", "Its last words: <nil> & \"x\"", "upkeep-api-1", uint8(i))
		f.Add(strings.Repeat("\u2028*", 50), strings.Repeat("&+🔥", 900), "```", uint8(i+3*len(ways)))
	}
	f.Fuzz(func(t *testing.T, summary, description, target string, n uint8) {
		if !utf8.ValidString(summary + description + target) {
			t.Skip("no alert can hold it")
		}
		way, count := ways[int(n)%len(ways)], 1+int(n)/len(ways)%6*3
		limits[way](t, p.send(t, way, group(count, summary, description, target, "critical")))
	})
}
