package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const head = "templates: ['t/*.tmpl']\nroute: {receiver: r}\nreceivers:\n  - name: r\n"

func slackConfig(text string) string {
	return head + "    slack_configs: [{api_url_file: /x, channel: a, color: c, title: t, fallback: f, text: '" + text + "'}]\n"
}

func TestAlertmanager(t *testing.T) {
	for name, c := range map[string]struct{ config, template, want string }{
		"good":               {slackConfig(`{{ template "x" . }}`), `{{ define "x" }}{{ range .Alerts }}{{ .Labels.target }}{{ end }}{{ end }}`, ""},
		"no route":           {"receivers: [{name: r}]", "", "no route"},
		"unknown field":      {head + "    carrier_pigeon_configs: []\n", "", "carrier_pigeon_configs"},
		"unknown receiver":   {"route: {receiver: x}\nreceivers: [{name: r}]", "", `"x"`},
		"bad matcher":        {"route: {receiver: r, routes: [{matchers: ['a=~[']}]}\nreceivers: [{name: r}]", "", "refuses"},
		"template syntax":    {slackConfig(`x`), `{{ define "x" }}{{ if }}{{ end }}`, "refuses the message templates"},
		"template unknown":   {slackConfig(`{{ template "nowhere" . }}`), `{{ define "x" }}{{ end }}`, "nowhere"},
		"field of nothing":   {slackConfig(`{{ template "x" . }}`), `{{ define "x" }}{{ .Nonsense }}{{ end }}`, "Nonsense"},
		"fails on a label":   {slackConfig(`{{ template "x" . }}`), `{{ define "x" }}{{ range .Alerts }}{{ slice .Labels.target 0 1 }}{{ end }}{{ end }}`, "slice"},
		"no template at all": {slackConfig(`plain`), "", ""},
		"html":               {head + "    email_configs: [{to: a@b.c, from: a@b.c, smarthost: 'x:25', html: '<a href={{ template \"x\" . }}'}]\n", `{{ define "x" }}"{{ end }}`, "x"},
		"discord":            {head + "    discord_configs: [{webhook_url_file: /x, message: '{{ .Nonsense }}'}]\n", "", "Nonsense"},
		"email":              {head + "    email_configs: [{to: a@b.c, from: a@b.c, smarthost: 'x:25', html: '{{ .Nonsense }}'}]\n", "", "Nonsense"},
		"subject":            {head + "    email_configs: [{to: a@b.c, from: a@b.c, smarthost: 'x:25', headers: {Subject: '{{ .Nonsense }}'}}]\n", "", "Nonsense"},
		"pager":              {head + "    pagerduty_configs: [{routing_key_file: /x, details: {firing: '{{ .Nonsense }}'}}]\n", "", "Nonsense"},
		"link":               {head + "    pagerduty_configs: [{routing_key_file: /x, links: [{href: '{{ .Nonsense }}'}]}]\n", "", "Nonsense"},
		"teams":              {head + "    msteamsv2_configs: [{webhook_url_file: /x, text: '{{ .Nonsense }}'}]\n", "", "Nonsense"},
		"payload":            {head + "    webhook_configs: [{url_file: /x, payload: '{{ .Nonsense }}'}]\n", "", "Nonsense"},
		"label of the route": {"templates: ['t/*.tmpl']\nroute: {receiver: r, labels: {x: y}}\nreceivers:\n  - name: r\n    slack_configs: [{api_url_file: /x, text: '{{ if eq .RouteLabels.x \"y\" }}{{ .Nonsense }}{{ end }}'}]\n", "", "Nonsense"},
		"only of many":       {slackConfig(`{{ if gt (len .Alerts) 20 }}{{ .Nonsense }}{{ end }}`), "", "Nonsense"},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, "alertmanager.yml")
		if err := os.WriteFile(file, []byte(c.config), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(dir, "t"), 0o755); err != nil {
			t.Fatal(err)
		}
		if c.template != "" {
			if err := os.WriteFile(filepath.Join(dir, "t", "a.tmpl"), []byte(c.template), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		err := Alertmanager(file)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if _, err := Config(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("a missing file is found good")
	}
	if err := Alertmanager(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("a missing file is found good")
	}
}
