package render_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/notify/discord"
	"github.com/prometheus/alertmanager/notify/email"
	"github.com/prometheus/alertmanager/notify/msteamsv2"
	"github.com/prometheus/alertmanager/notify/pagerduty"
	"github.com/prometheus/alertmanager/notify/slack"
	"github.com/prometheus/alertmanager/notify/webhook"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
)

var begin = time.Date(2026, 11, 23, 3, 4, 5, 0, time.UTC)

func sample(over time.Duration, labels model.LabelSet, annotations model.LabelSet) *alert.Alert {
	a := &alert.Alert{Alert: model.Alert{Labels: labels, Annotations: annotations, StartsAt: begin}}
	if over > 0 {
		a.EndsAt = begin.Add(over)
	}
	return a
}

const runbooks = "https://github.com/upkeephq/upkeep/blob/main/deploy/runbooks/"

var (
	restarted = sample(0, model.LabelSet{"alertname": "TargetRestarted", "severity": "info", "target": "upkeep-api-1", "reason": "exited"},
		model.LabelSet{"summary": "upkeep-api-1 was restarted: its process ended by itself", "runbook_url": runbooks + "TargetRestarted.md",
			"dashboard": "upkeep-watchdog", "incident": "20261123T030405Z-upkeep-api-1",
			"description": "It was well again after 1.2s. Exit code 2. Its last words: panic: runtime error: index out of range [3] with length 3. Restarts that are left: 8 of 10."})
	down = sample(0, model.LabelSet{"alertname": "TargetDown", "severity": "critical", "target": "upkeep-api-1"},
		model.LabelSet{"summary": "upkeep-api-1 is down", "description": "A person is needed.", "runbook_url": runbooks + "TargetDown.md",
			"dashboard": "upkeep-watchdog", "incident": "20261123T030405Z-upkeep-api-1"})
	downToo = sample(0, model.LabelSet{"alertname": "TargetDown", "severity": "critical", "target": "shop-db-1"},
		model.LabelSet{"summary": "shop-db-1 is down", "description": "It differs.", "runbook_url": runbooks + "TargetDown.md",
			"dashboard": "upkeep-watchdog", "incident": "20261123T030501Z-shop-db-1"})
	upAgain = sample(250*time.Second, model.LabelSet{"alertname": "TargetDown", "severity": "critical", "target": "blog-1"},
		model.LabelSet{"summary": "blog-1 is down", "description": "It was.", "runbook_url": runbooks + "TargetDown.md",
			"dashboard": "upkeep-watchdog", "incident": ""})
	apiDown = sample(250*time.Second, model.LabelSet{"alertname": "ApiDown", "severity": "critical", "job": "api"},
		model.LabelSet{"summary": "The API is down", "description": "Prometheus has not reached the API for more than a minute.",
			"runbook_url": runbooks + "ApiDown.md", "dashboard": "upkeep-api"})
	hostile = sample(0, model.LabelSet{"alertname": `A&B"</b>`, "severity": "page <!here>", "target": "<!channel> +1", "job": "{{ .ExternalURL }}"},
		model.LabelSet{"summary": "<http://evil|click> & *{{ .ExternalURL }}*\n@everyone [x](http://evil) \u007f\ufeff\u0085",
			"description": model.LabelValue("key: value\n- a > b <script>alert('1')</script> <b>bold\n\"quoted\" \\ `code` ||spoiler|| ~~s~~ # h\n" + strings.Repeat(`{"level":"error","msg":"it's <&> 🔥 ünïcödé"} `, 200)),
			"runbook_url": "javascript:alert(1)", "dashboard": "../../evil?x=", "incident": "1)[x](http://evil)"})
	bare = sample(0, model.LabelSet{"alertname": "Bare", "severity": "warning", "instance": "db:5432"}, nil)
)

// many are so many alerts of one name that nobody wants to read all of them.
func many(n int) []*alert.Alert {
	var all []*alert.Alert
	for i := range n {
		over := time.Duration(i%2) * time.Minute
		all = append(all, sample(over, model.LabelSet{"alertname": "TargetRestarted", "severity": "info", "target": model.LabelValue(fmt.Sprintf("shop-worker-%d", i))},
			model.LabelSet{"summary": model.LabelValue(fmt.Sprintf("shop-worker-%d was restarted: its process ended by itself", i)), "description": "Exit code 1.",
				"runbook_url": runbooks + "TargetRestarted.md", "dashboard": "upkeep-watchdog", "incident": model.LabelValue(fmt.Sprintf("20261123T030405Z-shop-worker-%d", i))}))
	}
	return all
}

var groups = map[string][]*alert.Alert{
	"1 restarted": {restarted}, "2 down": {down}, "3 two": {down, downToo}, "4 one of them over": {downToo, upAgain}, "5 over": {apiDown},
	"6 twenty": many(20), "7 hostile": {hostile}, "8 bare": {bare},
}

// posts sends groups of alerts as Alertmanager does, with its own notifiers and what setup rendered, to servers of the test.
type posts struct {
	notifiers   map[string]notify.Notifier // by the receiver's name
	web         *web
	mail        *mailServer
	routeLabels model.LabelSet
}

func newPosts(t testing.TB, more ...string) *posts {
	t.Helper()
	p := &posts{notifiers: map[string]notify.Notifier{}, web: newWeb(t), mail: newMailServer(t)}
	conf, tmpl := placed(t, append([]string{
		"ALERT_SLACK_WEBHOOK_URL=" + p.web.URL + "/slack", "ALERT_SLACK_CHANNEL=#ops",
		"ALERT_TELEGRAM_BOT_TOKEN=1:x", "ALERT_TELEGRAM_CHAT_ID=-100", "ALERT_TELEGRAM_API_URL=" + p.web.URL,
		"ALERT_DISCORD_WEBHOOK_URL=" + p.web.URL + "/discord", "ALERT_MSTEAMS_WEBHOOK_URL=" + p.web.URL + "/msteams",
		"ALERT_EMAIL_TO=ann@example.com", "ALERT_EMAIL_FROM=upkeep@example.com", "ALERT_EMAIL_SMARTHOST=" + p.mail.address, "ALERT_EMAIL_TLS=none",
		"ALERT_PAGERDUTY_ROUTING_KEY=0123456789abcdef", "ALERT_PAGERDUTY_URL=" + p.web.URL + "/pagerduty",
		"ALERT_NTFY_URL=" + p.web.URL + "/1234", "ALERT_NTFY_TOKEN=tk_x", "ALERT_WEBHOOK_URL=" + p.web.URL + "/webhook?a=b",
		"GRAFANA_URL=https://upkeep.example/grafana/", "WATCHDOG_URL=https://upkeep.example/watchdog",
	}, more...)...)
	p.routeLabels = conf.Route.Labels
	for _, r := range conf.Receivers {
		n, err := notifier(r, tmpl)
		if err != nil {
			t.Fatal(err)
		}
		if n != nil {
			p.notifiers[r.Name] = n
		}
	}
	return p
}

// notifier is Alertmanager's for a receiver with one way, or none.
func notifier(r config.Receiver, tmpl *template.Template) (notify.Notifier, error) {
	log := promslog.NewNopLogger()
	switch {
	case len(r.SlackConfigs) > 0:
		return slack.New(r.SlackConfigs[0], tmpl, log)
	case len(r.DiscordConfigs) > 0:
		return discord.New(r.DiscordConfigs[0], tmpl, log)
	case len(r.EmailConfigs) > 0:
		return email.New(r.EmailConfigs[0], tmpl, log), nil
	case len(r.PagerdutyConfigs) > 0:
		return pagerduty.New(r.PagerdutyConfigs[0], tmpl, log)
	case len(r.MSTeamsV2Configs) > 0:
		return msteamsv2.New(r.MSTeamsV2Configs[0], tmpl, log)
	case len(r.WebhookConfigs) > 0:
		return webhook.New(r.WebhookConfigs[0], tmpl, log)
	}
	return nil, nil
}

// send returns what arrived: the body of a request, or a mail.
func (p *posts) send(t testing.TB, way string, alerts []*alert.Alert) []byte {
	t.Helper()
	ctx := notify.WithGroupKey(notify.WithReceiverName(context.Background(), way), "group")
	ctx = notify.WithGroupLabels(ctx, model.LabelSet{"alertname": alerts[0].Labels["alertname"]})
	ctx = notify.WithRouteLabels(notify.WithNow(ctx, begin.Add(time.Hour)), p.routeLabels)
	if _, err := p.notifiers[way].Notify(ctx, alerts...); err != nil {
		t.Fatalf("by %s: %v", way, err)
	}
	if strings.HasPrefix(way, "email") {
		return p.mail.last()
	}
	return p.web.last()
}

var ways = []string{"slack", "telegram", "discord", "email", "pagerduty", "msteams", "ntfy", "webhook"}

// The messages as they leave Alertmanager, one golden file for each receiver.
func TestMessages(t *testing.T) {
	p := newPosts(t)
	for _, way := range ways {
		t.Run(way, func(t *testing.T) {
			var all bytes.Buffer
			for _, name := range slices.Sorted(maps.Keys(groups)) {
				if way == "webhook" && name != "1 restarted" {
					continue // Alertmanager's own format
				}
				fmt.Fprintf(&all, "=== %s\n", name)
				got := p.send(t, way, groups[name])
				if way == "email" {
					all.WriteString(readMail(t, got).String())
				} else {
					flatten(t, &all, "", decode(t, got))
				}
			}
			golden(t, "message-"+way+".txt", all.Bytes())
		})
	}
}

// The times of a message are those of ALERT_TIMEZONE.
func TestMessagesTellTheLocalTime(t *testing.T) {
	p := newPosts(t, "ALERT_TIMEZONE=Europe/Berlin")
	if text := decode(t, p.send(t, "telegram", groups["5 over"])).(map[string]any)["text"].(string); !strings.Contains(text, "from 2026-11-23 04:04:05 to 04:08:15 CET, 4m 10s") {
		t.Error(text)
	}
}

// What is only good to know makes no sound.
func TestInfosAreQuiet(t *testing.T) {
	p := newPosts(t)
	if got := decode(t, p.send(t, "telegram-once", groups["1 restarted"])).(map[string]any); got["disable_notification"] != true {
		t.Errorf("%v", got)
	}
	if _, there := p.notifiers["pagerduty-once"]; there {
		t.Error("PagerDuty is told of what is only good to know")
	}
}

func decode(t testing.TB, body []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("no JSON: %v\n%s", err, body)
	}
	return v
}

// flatten writes each text of a JSON value under its path, with its lines as they are.
func flatten(t testing.TB, out *bytes.Buffer, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			flatten(t, out, strings.TrimPrefix(path+"."+k, "."), v[k])
		}
	case []any:
		for i, e := range v {
			flatten(t, out, fmt.Sprintf("%s[%d]", path, i), e)
		}
	case string:
		if strings.Contains(v, "\n") {
			v = "|\n    " + strings.ReplaceAll(v, "\n", "\n    ")
		}
		fmt.Fprintf(out, "%s: %s\n", path, v)
	default:
		fmt.Fprintf(out, "%s: %v\n", path, v)
	}
}
