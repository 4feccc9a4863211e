package settings

import (
	"slices"
	"strings"
	"testing"
)

func TestDefaults(t *testing.T) {
	s, err := Load([]string{"ALERT_WEBHOOK_URL=", "CONFIG_DIR="})
	want := Settings{ConfigDir: "/config", TemplatesDir: "/templates", LogLevel: "INFO", JSONLogs: true, GrafanaURL: "http://localhost:3000"}
	if err != nil || s != want {
		t.Errorf("%+v %v", s, err)
	}
	if len(Variables()) != 11 {
		t.Errorf("%d variables", len(Variables()))
	}
}

func TestGood(t *testing.T) {
	for _, good := range []string{
		"ALERT_WEBHOOK_URL=http://hooks:8080/alerts?a=b&c=d", "ALERT_WEBHOOK_URL=https://user:pa%24s@example.com/",
		"ALERT_WEBHOOK_URL=http://[::1]:9/x", "ALERT_SLACK_WEBHOOK_URL=https://hooks.slack.com/services/T0/B0/x",
		"GRAFANA_URL=https://example.com/grafana/", "GRAFANA_ADMIN_PASSWORD=correct horse $battery", "METRICS_TOKEN=abc-123._~+/=",
		"CONFIG_DIR=/somewhere/else", "LOG_LEVEL=debug", "JSON_LOGS=false",
	} {
		if _, err := Load([]string{good}); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, channel := range []string{"#ops", "@ann", "ops", "C0123ABC", "#störung-2", "#運用"} {
		if _, err := Load([]string{"ALERT_SLACK_WEBHOOK_URL=https://h/x", "ALERT_SLACK_CHANNEL=" + channel}); err != nil {
			t.Errorf("%s: %v", channel, err)
		}
	}
}

func TestBad(t *testing.T) {
	const (
		wantHTTP    = "want an http:// or https:// URL"
		wantSlack   = "want the http:// or https:// URL of a Slack incoming webhook"
		wantChannel = "want a channel (#ops) or a person (@ann), and ALERT_SLACK_WEBHOOK_URL beside it"
		wantPass    = "want 8 to 128 characters on one line"
		wantToken   = "want visible ASCII characters without spaces, at most 1000"
	)
	for _, c := range []struct {
		environ []string
		want    string
	}{
		{[]string{"ALERT_WEBHOOK_URL=example.com/x"}, "ALERT_WEBHOOK_URL=(13 characters, not shown): " + wantHTTP},
		{[]string{"ALERT_WEBHOOK_URL=ftp://example.com/x"}, "ALERT_WEBHOOK_URL=(19 characters, not shown): " + wantHTTP},
		{[]string{"ALERT_WEBHOOK_URL=http://"}, "ALERT_WEBHOOK_URL=(7 characters, not shown): " + wantHTTP},
		{[]string{"ALERT_WEBHOOK_URL=http:///path"}, "ALERT_WEBHOOK_URL=(12 characters, not shown): " + wantHTTP},
		{[]string{"ALERT_WEBHOOK_URL=http://h:port/"}, "ALERT_WEBHOOK_URL=(14 characters, not shown): " + wantHTTP},
		{[]string{"ALERT_WEBHOOK_URL=http://h/{{ .X }}"}, "ALERT_WEBHOOK_URL=(17 characters, not shown): " + wantHTTP},
		{[]string{"ALERT_WEBHOOK_URL=http://h/a b"}, "ALERT_WEBHOOK_URL=(12 characters, not shown): " + wantHTTP},
		{[]string{"ALERT_WEBHOOK_URL=http://h/\nx"}, "ALERT_WEBHOOK_URL=(11 characters, not shown): " + wantHTTP},
		{[]string{"ALERT_WEBHOOK_URL=\"http://h/\""}, "ALERT_WEBHOOK_URL=(11 characters, not shown): " + wantHTTP},
		{[]string{"ALERT_WEBHOOK_URL=http://h/#x"}, "ALERT_WEBHOOK_URL=(11 characters, not shown): " + wantHTTP},
		{[]string{"ALERT_SLACK_WEBHOOK_URL=hooks.slack.com"}, "ALERT_SLACK_WEBHOOK_URL=(15 characters, not shown): " + wantSlack},
		{[]string{"ALERT_SLACK_CHANNEL=#ops"}, `ALERT_SLACK_CHANNEL="#ops": ` + wantChannel},
		{[]string{"ALERT_SLACK_CHANNEL=#a b", "ALERT_SLACK_WEBHOOK_URL=https://h/"}, `ALERT_SLACK_CHANNEL="#a b": ` + wantChannel},
		{[]string{"ALERT_SLACK_CHANNEL={{ x }}", "ALERT_SLACK_WEBHOOK_URL=https://h/"}, `ALERT_SLACK_CHANNEL="{{ x }}": ` + wantChannel},
		{[]string{"GRAFANA_URL=localhost:3000"}, `GRAFANA_URL="localhost:3000": ` + wantHTTP},
		{[]string{"ALERTMANAGER_RELOAD_URL=alertmanager"}, `ALERTMANAGER_RELOAD_URL="alertmanager": want an http:// or https:// URL; nobody is told when empty`},
		{[]string{"GRAFANA_ADMIN_PASSWORD=short"}, "GRAFANA_ADMIN_PASSWORD=(5 characters, not shown): " + wantPass},
		{[]string{"GRAFANA_ADMIN_PASSWORD=two\nlines here"}, "GRAFANA_ADMIN_PASSWORD=(14 characters, not shown): " + wantPass},
		{[]string{"METRICS_TOKEN=a b"}, "METRICS_TOKEN=(3 characters, not shown): " + wantToken},
		{[]string{"METRICS_TOKEN=ä"}, "METRICS_TOKEN=(2 characters, not shown): " + wantToken},
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
	_, err := Load([]string{"ALERT_WEBHOOK_URL=hush-1", "ALERT_SLACK_WEBHOOK_URL=hush-2", "ALERT_SLACK_CHANNEL=a b", "GRAFANA_URL=x",
		"GRAFANA_ADMIN_PASSWORD=hush-3", "METRICS_TOKEN=hush 4", "LOG_LEVEL=x", "JSON_LOGS=x", "CONFIG_DIR=x"})
	if err == nil {
		t.Fatal("no fault")
	}
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 9 || strings.Contains(err.Error(), "hush") {
		t.Errorf("%d lines:\n%v", len(lines), err)
	}
	if slices.ContainsFunc(lines, func(l string) bool { return !strings.Contains(l, ": want ") }) {
		t.Errorf("a line does not say what is allowed:\n%v", err)
	}
}
