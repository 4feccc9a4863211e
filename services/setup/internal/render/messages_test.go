package render_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/notify/slack"
	"github.com/prometheus/alertmanager/notify/webhook"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"

	"github.com/upkeephq/upkeep/services/setup/internal/place"
	"github.com/upkeephq/upkeep/services/setup/internal/render"
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
			"description": "It was well again after 1.2s. Restarts in the last hour: 1."})
	exhausted = sample(0, model.LabelSet{"alertname": "RestartBudgetExhausted", "severity": "critical", "target": "upkeep-api-1"},
		model.LabelSet{"summary": "upkeep-api-1 is down and is no longer restarted", "description": "A person is needed.",
			"runbook_url": runbooks + "RestartBudgetExhausted.md"})
	exhaustedToo = sample(0, model.LabelSet{"alertname": "RestartBudgetExhausted", "severity": "critical", "target": "shop-db-1"},
		model.LabelSet{"summary": "shop-db-1 is down and is no longer restarted", "description": "It differs."})
	apiDown = sample(250*time.Second, model.LabelSet{"alertname": "ApiDown", "severity": "critical", "job": "api"},
		model.LabelSet{"summary": "The API is down", "description": "Prometheus has not reached the API for more than a minute."})
	hostile = sample(0, model.LabelSet{"alertname": "A&B", "severity": "warning", "target": "<!channel>", "reason": "`x`"},
		model.LabelSet{"summary": "<http://evil|click> & {{ .ExternalURL }}", "description": "a > b\nc"})
	bare = sample(0, model.LabelSet{"alertname": "Bare"}, nil)
)

var messages = map[string]struct {
	group  model.LabelSet
	alerts []*alert.Alert
}{
	"restarted": {model.LabelSet{"alertname": "TargetRestarted", "target": "upkeep-api-1"}, []*alert.Alert{restarted}},
	"two":       {model.LabelSet{"alertname": "RestartBudgetExhausted"}, []*alert.Alert{exhausted, exhaustedToo}},
	"resolved":  {model.LabelSet{"alertname": "ApiDown", "job": "api"}, []*alert.Alert{apiDown}},
	"mixed":     {model.LabelSet{"alertname": "Mixed"}, []*alert.Alert{exhausted, apiDown}},
	"hostile":   {model.LabelSet{"alertname": "A&B", "target": "<!channel>"}, []*alert.Alert{hostile}},
	"bare":      {model.LabelSet{"alertname": "Bare"}, []*alert.Alert{bare}},
}

// The messages as they leave Alertmanager: its own notifiers, with what setup rendered, post to a server of the test.
func TestMessages(t *testing.T) {
	var posted []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		posted, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, "ok")
	}))
	defer server.Close()

	dir := t.TempDir()
	files, err := render.Files(load(t, "CONFIG_DIR="+dir, "ALERT_WEBHOOK_URL="+server.URL+"/w?a=b", "ALERT_SLACK_WEBHOOK_URL="+server.URL+"/s",
		"ALERT_SLACK_CHANNEL=#ops", "GRAFANA_URL=https://upkeep.example/grafana/"), templates(t), "made up")
	if err != nil {
		t.Fatal(err)
	}
	staged, err := place.Stage(dir, files, func(*os.File, int) error { return nil })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := place.Commit(staged, dir, files, render.Owned); err != nil {
		t.Fatal(err)
	}
	conf, err := config.LoadFile(filepath.Join(dir, render.AlertmanagerConfig))
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := template.FromGlobs(conf.Templates)
	if err != nil {
		t.Fatal(err)
	}
	tmpl.ExternalURL = &url.URL{Scheme: "http", Host: "localhost:9093"}

	people := conf.Receivers[1]
	toSlack, err := slack.New(people.SlackConfigs[0], tmpl, promslog.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	toWebhook, err := webhook.New(people.WebhookConfigs[0], tmpl, promslog.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range messages {
		for way, notifier := range map[string]notify.Notifier{"slack": toSlack, "webhook": toWebhook} {
			ctx := notify.WithGroupLabels(notify.WithGroupKey(notify.WithReceiverName(t.Context(), people.Name), "group"), m.group)
			if _, err := notifier.Notify(notify.WithNow(context.WithoutCancel(ctx), begin.Add(time.Hour)), m.alerts...); err != nil {
				t.Errorf("%s by %s: %v", name, way, err)
				continue
			}
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, posted, "", "  "); err != nil {
				t.Errorf("%s by %s is no JSON: %s", name, way, posted)
			}
			if way == "slack" {
				golden(t, "slack-"+name+".json", append(readable(t, posted), '\n'))
			} else if name == "restarted" {
				golden(t, "webhook-"+name+".json", append(pretty.Bytes(), '\n'))
			}
		}
	}
	for name, m := range messages {
		data := tmpl.Data("people", m.group, nil, "", m.alerts...)
		text, err := tmpl.ExecuteTextString(`{{ template "upkeep.title" . }}`+"\n\n"+`{{ template "upkeep.text" . }}`, data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		golden(t, "text-"+name+".txt", []byte(text))
	}
}

// readable is JSON with its lines and < > & as people write them.
func readable(t *testing.T, in []byte) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal(in, &v); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSpace(out.Bytes())
}
