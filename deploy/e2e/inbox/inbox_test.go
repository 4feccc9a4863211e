package inbox

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

func open(t *testing.T) *Inboxes {
	t.Helper()
	in, err := Open(t.Context(), "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.Close() })
	return in
}

func post(t *testing.T, url, body string) (int, string) {
	t.Helper()
	resp, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(said)
}

// accepted is what each service takes, and how it reads it.
var accepted = []struct {
	via   Via
	path  string // behind the URL of the settings
	body  string
	code  int
	say   string
	title string
	text  string // a piece of it
	link  Link
	over  bool
}{
	{via: Slack, body: `{"username":"Upkeep","attachments":[{"color":"#e01e5a","title":"[CRITICAL] A &lt;b&gt;","title_link":"http://am","text":"*CRITICAL* 5 &gt; 3 <http://r?a=1&amp;b=2|What to do>"}]}`,
		code: 200, say: "ok", title: "[CRITICAL] A <b>", text: "5 > 3 What to do", link: Link{"What to do", "http://r?a=1&b=2"}},
	{via: Slack, body: `{"attachments":[{"title":"[RESOLVED] A","text":"over"}]}`, code: 200, say: "ok", title: "[RESOLVED] A", text: "over", over: true},
	{via: Discord, body: `{"content":"","embeds":[{"title":"[CRITICAL] A","description":"5 \\> 3 A\\_B [What to do](http://r)","color":1}]}`,
		code: 204, title: "[CRITICAL] A", text: "5 > 3 A_B What to do", link: Link{"What to do", "http://r"}},
	{via: Discord, body: `{"embeds":[{"title":"A","description":"over","color":3066993}]}`, code: 204, title: "A", text: "over", over: true},
	{via: Telegram, path: "/bot" + TelegramToken + "/sendMessage",
		body: `{"chat_id":"` + TelegramChat + `","parse_mode":"HTML","text":"<b>[CRITICAL] A &amp; B</b>\n5 &gt; 3 it&#39;s <a href=\"http://r?a=1&amp;b=2\">What to do</a>"}`,
		code: 200, say: `"ok":true`, title: "[CRITICAL] A & B", text: "5 > 3 it's What to do", link: Link{"What to do", "http://r?a=1&b=2"}},
	{via: Telegram, path: "/bot" + TelegramToken + "/sendMessage", body: `{"chat_id":"` + TelegramChat + `","text":"[RESOLVED] A\nhttp://r"}`,
		code: 200, say: `"ok":true`, title: "[RESOLVED] A", text: "http://r", link: Link{"http://r", "http://r"}, over: true},
	{via: PagerDuty, body: `{"routing_key":"` + PagerDutyKey + `","event_action":"trigger","dedup_key":"k","client":"Upkeep","client_url":"http://am","links":[{"href":"http://r","text":"What to do"}],"payload":{"summary":"A","source":"s","severity":"critical","custom_details":{"cause":"exited"}}}`,
		code: 202, say: `"dedup_key":"k"`, title: "A", text: "cause: exited", link: Link{"What to do", "http://r"}},
	{via: PagerDuty, body: `{"routing_key":"` + PagerDutyKey + `","event_action":"resolve","dedup_key":"k"}`, code: 202, over: true},
	{via: Teams, body: `{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","content":{"type":"AdaptiveCard","version":"1.2","body":[{"type":"TextBlock","text":"[CRITICAL] A","color":"Attention"},{"type":"TextBlock","text":"5 > 3 [What to do](http://r)"}]}}]}`,
		code: 202, title: "[CRITICAL] A", text: "5 > 3 What to do", link: Link{"What to do", "http://r"}},
	{via: Webhook, body: `{"version":"4","status":"resolved","receiver":"people","groupKey":"{}","commonAnnotations":{"summary":"A"},"alerts":[{"status":"resolved","labels":{"alertname":"A"},"annotations":{"summary":"A","runbook_url":"http://r"}}]}`,
		code: 200, title: "A", text: "A", link: Link{"runbook_url", "http://r"}, over: true},
	{via: Heartbeat, body: `{"version":"4"}`, code: 200, say: "OK"},
}

func TestAccepted(t *testing.T) {
	for i, c := range accepted {
		t.Run(fmt.Sprintf("%s %d", c.via, i), func(t *testing.T) {
			in := open(t)
			if code, said := post(t, in.URL(c.via)+c.path, c.body); code != c.code || !strings.Contains(said, c.say) {
				t.Fatalf("answered %d %q, want %d %q; refused: %q", code, said, c.code, c.say, in.Refused())
			}
			m, err := in.Wait(t.Context(), c.via, time.Second, nil)
			if err != nil {
				t.Fatal(err)
			}
			if m.Title != c.title || !strings.Contains(m.Text, c.text) || m.Resolved != c.over {
				t.Errorf("read as %+v, want title %q, text %q, over: %v", m, c.title, c.text, c.over)
			}
			if c.link.URL != "" && (!slices.Contains(m.Links, c.link) || !m.Has(c.link.URL)) {
				t.Errorf("links %q, want %q", m.Links, c.link)
			}
			if m.Raw != c.body {
				t.Errorf("kept as %q", m.Raw)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	telegram := func(text string) string {
		return fmt.Sprintf(`{"chat_id":%q,"parse_mode":"HTML","text":%q}`, TelegramChat, text)
	}
	send := "/bot" + TelegramToken + "/sendMessage"
	for _, c := range []struct {
		via              Via
		path, body, want string
	}{
		{Slack, "", `{}`, "no_text"},
		{Slack, "", `{"attachments":[{"color":"red"}]}`, "no_text"},
		{Slack, "", `{"text":"a"} trailing`, "invalid JSON"},
		{Slack, "x", `{"text":"a"}`, "no such address"},
		{Discord, "", `{}`, "empty message"},
		{Discord, "", `{"embeds":[{}]}`, "empty embed"},
		{Discord, "", `{"content":"a","username":"discord bot"}`, "username"},
		{Discord, "", `{"embeds":[{"title":"` + strings.Repeat("ü", 257) + `"}]}`, "title has 257"},
		{Discord, "", `{"embeds":[{"description":"` + strings.Repeat("a", 4097) + `"}]}`, "description has 4097"},
		{Discord, "", `{"embeds":[{"description":"` + strings.Repeat("a", 4000) + `"},{"description":"` + strings.Repeat("a", 2001) + `"}]}`, "all embeds has 6001"},
		{Telegram, "/bot1000:other/sendMessage", telegram("a"), "no such address"},
		{Telegram, send, `{"chat_id":"1","text":"a"}`, "chat not found"},
		{Telegram, send, telegram(""), "empty"},
		{Telegram, send, telegram("<b> </b>"), "empty"},
		{Telegram, send, telegram("<b>a"), "can't parse entities"},
		{Telegram, send, telegram("a</b>"), "can't parse entities"},
		{Telegram, send, telegram("a</message><message>b"), "can't parse entities"},
		{Telegram, send, telegram("<p>a</p>"), "unsupported start tag"},
		{Telegram, send, telegram("a & b"), "can't parse entities"},
		{Telegram, send, telegram("a < b"), "can't parse entities"},
		{Telegram, send, telegram("a &nbsp; b"), "can't parse entities"},
		{Telegram, send, telegram("it&apos;s"), "can't parse entities"},
		{Telegram, send, telegram(strings.Repeat("a", 4097)), "too long"},
		{PagerDuty, "", `{"routing_key":"other","event_action":"trigger"}`, "invalid routing key"},
		{PagerDuty, "", `{"routing_key":"` + PagerDutyKey + `","event_action":"trigger","payload":{"severity":"none"}}`, `severity "none"`},
		{PagerDuty, "", `{"routing_key":"` + PagerDutyKey + `","event_action":"resolve"}`, "dedup_key is required"},
		{PagerDuty, "", `{"routing_key":"` + PagerDutyKey + `"}`, "event_action"},
		{Teams, "", `{"type":"message"}`, "one card"},
		{Teams, "", `{"type":"message","attachments":[{"contentType":"text"}]}`, "adaptive card"},
		{Teams, "", `{"type":"` + strings.Repeat("a", 28<<10) + `"}`, "28 KB"},
		{Webhook, "", `{"version":"4"}`, "format 4"},
	} {
		in := open(t)
		code, said := post(t, in.URL(c.via)+c.path, c.body)
		if refused := strings.Join(in.Refused(), "\n"); code < 400 || !strings.Contains(refused, c.want) {
			t.Errorf("%s %.80s: answered %d %s, noted %q, want %q", c.via, c.body, code, said, refused, c.want)
		}
		if kept := in.Messages(c.via, nil); len(kept) != 0 {
			t.Errorf("%s keeps what it refused: %+v", c.via, kept)
		}
	}
}

func TestLongestIsAccepted(t *testing.T) {
	in := open(t)
	for path, body := range map[string]string{
		in.URL(Discord): `{"embeds":[{"title":"` + strings.Repeat("ü", 256) + `","description":"` + strings.Repeat("a", 4096) + `"}]}`,
		in.URL(Telegram) + "/bot" + TelegramToken + "/sendMessage": `{"chat_id":"` + TelegramChat + `","parse_mode":"HTML","text":"<b>` + strings.Repeat("&amp;", 4096) + `</b>"}`,
	} {
		if code, said := post(t, path, body); code > 299 {
			t.Errorf("answered %d %s", code, said)
		}
	}
}

func TestBrokenServiceKeepsNothing(t *testing.T) {
	in := open(t)
	in.Break(Slack, 503)
	if code, _ := post(t, in.URL(Slack), `{"text":"a"}`); code != 503 {
		t.Errorf("answered %d, want 503", code)
	}
	in.Break(Slack, 0)
	if code, _ := post(t, in.URL(Slack), `{"text":"b"}`); code != 200 {
		t.Errorf("answered %d, want 200", code)
	}
	if got := in.Messages(Slack, nil); len(got) != 1 || got[0].Text != "b\n" {
		t.Errorf("kept %+v", got)
	}
}

func TestWait(t *testing.T) {
	in := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := in.Wait(ctx, Slack, time.Minute, nil); err == nil || !strings.Contains(err.Error(), "slack was not told") {
		t.Errorf("of a silent service: %v", err)
	}
	go func() { _, _ = http.Post(in.URL(Slack), "application/json", strings.NewReader(`{"text":"a"}`)) }()
	if _, err := in.Wait(t.Context(), Slack, time.Minute, func(m Message) bool { return m.Text == "a\n" }); err != nil {
		t.Error(err)
	}
}
