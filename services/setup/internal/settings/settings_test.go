package settings

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestDefaults(t *testing.T) {
	s, err := Load([]string{"ALERT_WEBHOOK_URL=", "CONFIG_DIR="})
	want := Settings{ConfigDir: "/config", TemplatesDir: "/templates", LogLevel: "INFO", JSONLogs: true, TelegramAPI: "https://api.telegram.org",
		PagerDutyURL: "https://events.pagerduty.com/v2/enqueue", Timezone: "UTC", GrafanaURL: "http://localhost:3000", WatchdogURL: "http://localhost:9095"}
	if err != nil || s != want {
		t.Errorf("%+v %v", s, err)
	}
	if len(Variables()) != 32 {
		t.Errorf("%d variables", len(Variables()))
	}
}

// What belongs together.
const (
	slack    = "ALERT_SLACK_WEBHOOK_URL=https://h/x"
	telegram = "ALERT_TELEGRAM_BOT_TOKEN=123456:ABC-def_9"
	chat     = "ALERT_TELEGRAM_CHAT_ID=-1001234567890"
	to       = "ALERT_EMAIL_TO=ann@example.com"
	from     = "ALERT_EMAIL_FROM=upkeep@example.com"
	server   = "ALERT_EMAIL_SMARTHOST=smtp.example.com:587"
	user     = "ALERT_EMAIL_USERNAME=ann"
	secret   = "ALERT_EMAIL_PASSWORD=hush"
)

func TestGood(t *testing.T) {
	for _, good := range [][]string{
		{"ALERT_WEBHOOK_URL=http://hooks:8080/alerts?a=b&c=d"}, {"ALERT_WEBHOOK_URL=https://user:pa%24s@example.com/"}, {"ALERT_WEBHOOK_URL=http://[::1]:9/x"},
		{"ALERT_SLACK_WEBHOOK_URL=https://hooks.slack.com/services/T0/B0/x"},
		{slack, "ALERT_SLACK_CHANNEL=#ops"}, {slack, "ALERT_SLACK_CHANNEL=@ann"}, {slack, "ALERT_SLACK_CHANNEL=ops"}, {slack, "ALERT_SLACK_CHANNEL=C0123ABC"},
		{slack, "ALERT_SLACK_CHANNEL=#störung-2"}, {slack, "ALERT_SLACK_CHANNEL=#運用"},
		{telegram, chat}, {telegram, "ALERT_TELEGRAM_CHAT_ID=12345", "ALERT_TELEGRAM_API_URL=http://bot-api:8081"},
		{to, from, server}, {to, from, server, user, secret}, {"ALERT_EMAIL_TO=Ann <ann@example.com>, bob@example.com", from, server},
		{to, "ALERT_EMAIL_FROM=Upkeep <upkeep@example.com>", "ALERT_EMAIL_SMARTHOST=[2001:db8::1]:25", "ALERT_EMAIL_TLS=none"},
		{to, from, server, user, "ALERT_EMAIL_PASSWORD=p $'\"\\ ä", "ALERT_EMAIL_TLS=tls", "ALERT_EMAIL_TLS_SKIP_VERIFY=true"},
		{"ALERT_PAGERDUTY_ROUTING_KEY=0123456789abcdef0123456789abcdef", "ALERT_PAGERDUTY_URL=https://events.eu.pagerduty.com/v2/enqueue"},
		{"ALERT_MSTEAMS_WEBHOOK_URL=https://prod-1.westeurope.logic.azure.com:443/workflows/0/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Ftriggers&sv=1.0&sig=x"},
		{"ALERT_NTFY_URL=https://ntfy.sh/my-topic_1", "ALERT_NTFY_TOKEN=tk_abc"}, {"ALERT_NTFY_URL=http://user:pass@ntfy:80/base/topic"},
		{"ALERT_DEADMANSSWITCH_URL=https://hc-ping.com/00000000-0000-0000-0000-000000000000"},
		{"ALERT_QUIET_HOURS=22:00-07:00", "ALERT_TIMEZONE=Europe/Berlin"}, {"ALERT_QUIET_HOURS=00:00-24:00"}, {"ALERT_QUIET_DAYS=Saturday, sunday"},
		{"GRAFANA_URL=https://example.com/grafana/"}, {"WATCHDOG_URL=https://example.com/watchdog"}, {"ALERTMANAGER_ADDRESS=http://alertmanager:9093"},
		{"GRAFANA_ADMIN_PASSWORD=correct horse $battery"}, {"METRICS_TOKEN=abc-123._~+/="},
		{"CONFIG_DIR=/somewhere/else"}, {"LOG_LEVEL=debug"}, {"JSON_LOGS=false"},
	} {
		if _, err := Load(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}

func TestBad(t *testing.T) {
	const (
		wantHTTP = "want an http:// or https:// URL"
		wantChat = "want a number, negative for a group (-1001234567890), and ALERT_TELEGRAM_BOT_TOKEN beside it"
		wantFrom = "want one mail address, and ALERT_EMAIL_TO beside it"
		wantHost = "want the mail server as host:port (smtp.example.com:587), and ALERT_EMAIL_TO beside it"
		wantTLS  = "want starttls, tls, or none where there is no password; empty: tls on port 465, else starttls"
		wantPass = "want 8 to 128 characters on one line"
		wantTok  = "want visible ASCII characters without spaces, at most 1000"
		wantTime = "want two different times of the day (22:00-07:00)"
		wantDays = "want days of the week in English, separated by commas (saturday,sunday)"
	)
	hook := `ALERT_WEBHOOK_URL="***": ` + wantHTTP
	for _, c := range []struct {
		environ []string
		want    string
	}{
		{[]string{"ALERT_WEBHOOK_URL=example.com/x"}, hook},
		{[]string{"ALERT_WEBHOOK_URL=ftp://example.com/x"}, hook},
		{[]string{"ALERT_WEBHOOK_URL=http://"}, hook},
		{[]string{"ALERT_WEBHOOK_URL=http:///path"}, hook},
		{[]string{"ALERT_WEBHOOK_URL=http://h:port/"}, hook},
		{[]string{"ALERT_WEBHOOK_URL=http://h/{{ .X }}"}, hook},
		{[]string{"ALERT_WEBHOOK_URL=http://h/a b"}, hook},
		{[]string{"ALERT_WEBHOOK_URL=http://h/\nx"}, hook},
		{[]string{"ALERT_WEBHOOK_URL=\"http://h/\""}, hook},
		{[]string{"ALERT_WEBHOOK_URL=http://h/#x"}, hook},
		{[]string{"ALERT_SLACK_WEBHOOK_URL=hooks.slack.com"}, `ALERT_SLACK_WEBHOOK_URL="***": want the http:// or https:// URL of a Slack incoming webhook`},
		{[]string{"ALERT_DISCORD_WEBHOOK_URL=discord.com"}, `ALERT_DISCORD_WEBHOOK_URL="***": want the http:// or https:// URL of a Discord webhook`},
		{[]string{"ALERT_MSTEAMS_WEBHOOK_URL=x"}, `ALERT_MSTEAMS_WEBHOOK_URL="***": want the http:// or https:// URL of a Teams workflow ("when a webhook request is received")`},
		{[]string{"ALERT_DEADMANSSWITCH_URL=x"}, `ALERT_DEADMANSSWITCH_URL="***": want the http:// or https:// URL of a check at an observer elsewhere`},
		{[]string{"ALERT_SLACK_CHANNEL=#ops"}, `ALERT_SLACK_CHANNEL="#ops": want a channel (#ops) or a person (@ann), and ALERT_SLACK_WEBHOOK_URL beside it`},
		{[]string{slack, "ALERT_SLACK_CHANNEL=#a b"}, `ALERT_SLACK_CHANNEL="#a b": want a channel (#ops) or a person (@ann), and ALERT_SLACK_WEBHOOK_URL beside it`},
		{[]string{slack, "ALERT_SLACK_CHANNEL={{ x }}"}, `ALERT_SLACK_CHANNEL="{{ x }}": want a channel (#ops) or a person (@ann), and ALERT_SLACK_WEBHOOK_URL beside it`},
		{[]string{telegram}, `ALERT_TELEGRAM_CHAT_ID="": ` + wantChat},
		{[]string{telegram, "ALERT_TELEGRAM_CHAT_ID=@ops"}, `ALERT_TELEGRAM_CHAT_ID="@ops": ` + wantChat},
		{[]string{chat}, `ALERT_TELEGRAM_BOT_TOKEN="": want the token that BotFather gave (123456:ABC-def), and ALERT_TELEGRAM_CHAT_ID beside it`},
		{[]string{"ALERT_TELEGRAM_BOT_TOKEN=bot123", chat}, `ALERT_TELEGRAM_BOT_TOKEN="***": want the token that BotFather gave (123456:ABC-def), and ALERT_TELEGRAM_CHAT_ID beside it`},
		{[]string{"ALERT_TELEGRAM_API_URL=x"}, `ALERT_TELEGRAM_API_URL="x": want the http:// or https:// URL of a Bot API server`},
		{[]string{from, server}, `ALERT_EMAIL_TO="": want mail addresses, separated by commas`},
		{[]string{"ALERT_EMAIL_TO=ann", from, server}, `ALERT_EMAIL_TO="ann": want mail addresses, separated by commas`},
		{[]string{"ALERT_EMAIL_TO=\"{{ x }}\" <a@b.c>", from, server}, `ALERT_EMAIL_TO="\"{{ x }}\" <a@b.c>": want mail addresses, separated by commas`},
		{[]string{to, server}, `ALERT_EMAIL_FROM="": ` + wantFrom},
		{[]string{to, server, "ALERT_EMAIL_FROM=a@b.c, d@e.f"}, `ALERT_EMAIL_FROM="a@b.c, d@e.f": ` + wantFrom},
		{[]string{to, from}, `ALERT_EMAIL_SMARTHOST="": ` + wantHost},
		{[]string{to, from, "ALERT_EMAIL_SMARTHOST=smtp.example.com"}, `ALERT_EMAIL_SMARTHOST="smtp.example.com": ` + wantHost},
		{[]string{to, from, "ALERT_EMAIL_SMARTHOST=smtp.example.com:0"}, `ALERT_EMAIL_SMARTHOST="smtp.example.com:0": ` + wantHost},
		{[]string{to, from, "ALERT_EMAIL_SMARTHOST=a b:25"}, `ALERT_EMAIL_SMARTHOST="a b:25": ` + wantHost},
		{[]string{to, from, server, user}, `ALERT_EMAIL_PASSWORD="": want that user's password on one line, and ALERT_EMAIL_TO and ALERT_EMAIL_USERNAME beside it`},
		{[]string{to, from, server, secret}, `ALERT_EMAIL_USERNAME="": want a user of the mail server, and ALERT_EMAIL_TO and ALERT_EMAIL_PASSWORD beside it`},
		{[]string{to, from, server, user, secret, "ALERT_EMAIL_TLS=none"}, `ALERT_EMAIL_TLS="none": ` + wantTLS},
		{[]string{"ALERT_EMAIL_TLS=ssl"}, `ALERT_EMAIL_TLS="ssl": ` + wantTLS},
		{[]string{"ALERT_EMAIL_TLS_SKIP_VERIFY=perhaps"}, `ALERT_EMAIL_TLS_SKIP_VERIFY="perhaps": want true or false`},
		{[]string{"ALERT_PAGERDUTY_ROUTING_KEY={{x}}"}, `ALERT_PAGERDUTY_ROUTING_KEY="***": want the integration key of a PagerDuty service (Events API v2)`},
		{[]string{"ALERT_PAGERDUTY_URL=x"}, `ALERT_PAGERDUTY_URL="x": want the http:// or https:// URL of the Events API v2`},
		{[]string{"ALERT_NTFY_URL=https://ntfy.sh"}, `ALERT_NTFY_URL="***": want the http:// or https:// URL of an ntfy topic (https://ntfy.sh/my-topic)`},
		{[]string{"ALERT_NTFY_URL=https://ntfy.sh/"}, `ALERT_NTFY_URL="***": want the http:// or https:// URL of an ntfy topic (https://ntfy.sh/my-topic)`},
		{[]string{"ALERT_NTFY_URL=https://ntfy.sh/a.b"}, `ALERT_NTFY_URL="***": want the http:// or https:// URL of an ntfy topic (https://ntfy.sh/my-topic)`},
		{[]string{"ALERT_NTFY_URL=https://ntfy.sh?x/topic"}, `ALERT_NTFY_URL="***": want the http:// or https:// URL of an ntfy topic (https://ntfy.sh/my-topic)`},
		{[]string{"ALERT_NTFY_TOKEN=tk_x"}, `ALERT_NTFY_TOKEN="***": want an access token of the ntfy server, and ALERT_NTFY_URL beside it`},
		{[]string{"ALERT_QUIET_HOURS=22-7"}, `ALERT_QUIET_HOURS="22-7": ` + wantTime},
		{[]string{"ALERT_QUIET_HOURS=22:00-22:00"}, `ALERT_QUIET_HOURS="22:00-22:00": ` + wantTime},
		{[]string{"ALERT_QUIET_HOURS=24:00-07:00"}, `ALERT_QUIET_HOURS="24:00-07:00": ` + wantTime},
		{[]string{"ALERT_QUIET_DAYS=sat"}, `ALERT_QUIET_DAYS="sat": ` + wantDays},
		{[]string{"ALERT_QUIET_DAYS=sunday,sunday"}, `ALERT_QUIET_DAYS="sunday,sunday": ` + wantDays},
		{[]string{"ALERT_TIMEZONE=Mars/Olympus"}, `ALERT_TIMEZONE="Mars/Olympus": want the name of a time zone (Europe/Berlin)`},
		{[]string{"ALERT_TIMEZONE=Local"}, `ALERT_TIMEZONE="Local": want the name of a time zone (Europe/Berlin)`},
		{[]string{"GRAFANA_URL=localhost:3000"}, `GRAFANA_URL="localhost:3000": ` + wantHTTP},
		{[]string{"WATCHDOG_URL=localhost:9095"}, `WATCHDOG_URL="localhost:9095": ` + wantHTTP},
		{[]string{"ALERTMANAGER_ADDRESS=alertmanager"}, `ALERTMANAGER_ADDRESS="alertmanager": want the http:// or https:// URL at which this program reaches Alertmanager; it is not told of changes when empty`},
		{[]string{"GRAFANA_ADMIN_PASSWORD=short"}, `GRAFANA_ADMIN_PASSWORD="***": ` + wantPass},
		{[]string{"GRAFANA_ADMIN_PASSWORD=two\nlines here"}, `GRAFANA_ADMIN_PASSWORD="***": ` + wantPass},
		{[]string{"METRICS_TOKEN=a b"}, `METRICS_TOKEN="***": ` + wantTok},
		{[]string{"METRICS_TOKEN=ä"}, `METRICS_TOKEN="***": ` + wantTok},
		{[]string{"CONFIG_DIR=config"}, `CONFIG_DIR="config": want an absolute path`},
		{[]string{"CONFIG_DIR=/a{{b"}, `CONFIG_DIR="/a{{b": want an absolute path`},
		{[]string{"LOG_LEVEL=loud"}, `LOG_LEVEL="loud": want DEBUG, INFO, WARN or ERROR`},
		{[]string{"JSON_LOGS=perhaps"}, `JSON_LOGS="perhaps": want true or false`},
	} {
		_, err := Load(c.environ)
		if err == nil || err.Error() != c.want {
			t.Errorf("%q\n says %v\n want %s", c.environ, err, c.want)
		}
	}
}

func TestAllFaultsAtOnceAndNoSecret(t *testing.T) {
	var environ []string
	for _, v := range Variables() {
		environ = append(environ, v.Name+"=hush {{")
	}
	_, err := Load(environ)
	if err == nil {
		t.Fatal("no fault")
	}
	lines := strings.Split(err.Error(), "\n")
	for _, v := range Variables() {
		plain := slices.Contains([]string{"TEMPLATES_DIR", "ALERT_EMAIL_USERNAME", "ALERT_EMAIL_PASSWORD"}, v.Name) // take any text
		if faulty := slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, v.Name+"=") && strings.Contains(l, ": want ") }); faulty == plain {
			t.Errorf("%s is said to be faulty: %v", v.Name, faulty)
		}
	}
	for _, line := range lines {
		if name, _, _ := strings.Cut(line, "="); strings.Contains(line, "hush") && isSecret(name) {
			t.Errorf("%s shows its value: %s", name, line)
		}
	}
	if printed := fmt.Sprintf("%+v", must(t, slack, telegram, chat, to, from, server, user, secret)); strings.Contains(printed, "hush") || strings.Contains(printed, "ABC-def") {
		t.Errorf("a secret is printed: %s", printed)
	}
}

func isSecret(name string) bool {
	for _, part := range []string{"WEBHOOK_URL", "TOKEN", "PASSWORD", "KEY", "DEADMANSSWITCH", "NTFY_URL"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return false
}

func must(t *testing.T, environ ...string) Settings {
	t.Helper()
	s, err := Load(environ)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestHoursPastMidnight(t *testing.T) {
	for in, want := range map[string]string{
		"22:00-07:00": "[{22:00 24:00} {00:00 07:00}]", "01:00-02:30": "[{01:00 02:30}]", "22:00-24:00": "[{22:00 24:00}]",
		"22:00-00:00": "[{22:00 24:00}]", "00:00-24:00": "[{00:00 24:00}]",
	} {
		h, err := ParseHours(in)
		if err != nil || fmt.Sprint(h.Ranges()) != want {
			t.Errorf("%s: %v %v, want %s", in, h.Ranges(), err, want)
		}
	}
}

// Whatever stands in the environment: it is refused, or Alertmanager gets what it can read.
func FuzzLoad(f *testing.F) {
	f.Add("https://ntfy.sh/topic", "22:00-07:00", "saturday,sunday", "Ann <ann@example.com>", "smtp.example.com:587", "Europe/Berlin")
	f.Add("http://[::1]:80/x/y", "00:00-24:00", "monday", "a@b.c, d@e.f", "[::1]:25", "UTC")
	f.Add("://", "-", ",", "<", ":", "/")
	f.Fuzz(func(t *testing.T, ntfy, hours, days, mail, smarthost, zone string) {
		s, err := Load([]string{"ALERT_NTFY_URL=" + ntfy, "ALERT_QUIET_HOURS=" + hours, "ALERT_QUIET_DAYS=" + days, "ALERT_EMAIL_TO=" + mail, "ALERT_EMAIL_FROM=a@b.c",
			"ALERT_EMAIL_SMARTHOST=" + smarthost, "ALERT_TIMEZONE=" + zone})
		if err != nil {
			return
		}
		if server, topic, ok := NtfyTopic(s.NtfyURL.Reveal()); s.NtfyURL != "" && (!ok || server+"/"+topic != ntfy || strings.ContainsAny(topic, "/{}\"'")) {
			t.Errorf("%q is taken apart as %q and %q", ntfy, server, topic)
		}
		if h, err := ParseHours(s.QuietHours); s.QuietHours != "" {
			ranges := h.Ranges()
			if err != nil || len(ranges) == 0 {
				t.Errorf("%q: %v", hours, err)
			}
			for _, r := range ranges {
				if r.From >= r.To {
					t.Errorf("%q has a range %v", hours, r)
				}
			}
		}
		for _, text := range []string{s.EmailTo, s.EmailSmarthost, s.Timezone} {
			if strings.Contains(text, "{{") || strings.ContainsAny(text, "\r\n") {
				t.Errorf("%q is taken", text)
			}
		}
	})
}
