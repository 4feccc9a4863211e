package render_test

import (
	"bytes"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/template"

	"github.com/upkeephq/upkeep/services/setup/internal/check"
	"github.com/upkeephq/upkeep/services/setup/internal/place"
	"github.com/upkeephq/upkeep/services/setup/internal/render"
	"github.com/upkeephq/upkeep/services/setup/internal/settings"
)

var update = flag.Bool("update", false, "write the golden files anew")

// messageTemplates are those that ship.
const messageTemplates = "../../../../deploy/alertmanager"

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s differs (%v), -update writes it anew:\n%s", path, err, got)
	}
}

func load(t testing.TB, environ ...string) settings.Settings {
	t.Helper()
	s, err := settings.Load(environ)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func templates(t testing.TB) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob(messageTemplates + "/*.tmpl")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no templates: %v", err)
	}
	all := map[string][]byte{}
	for _, path := range paths {
		if all[filepath.Base(path)], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// placed renders the files of an environment into a folder and loads them as Alertmanager does.
func placed(t testing.TB, environ ...string) (*config.Config, *template.Template) {
	t.Helper()
	dir := t.TempDir()
	files, err := render.Files(load(t, append(environ, "CONFIG_DIR="+dir)...), templates(t), "made up")
	if err != nil {
		t.Fatal(err)
	}
	staged, err := place.Stage(dir, files)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := place.Commit(staged, dir, files, render.Owned); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, render.AlertmanagerConfig)
	if err := check.Alertmanager(file); err != nil {
		t.Fatal(err)
	}
	conf, err := config.LoadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	tmpl, err := template.FromGlobs(conf.Templates)
	if err != nil {
		t.Fatal(err)
	}
	tmpl.ExternalURL = &url.URL{Scheme: "https", Host: "upkeep.example", Path: "/alerts"}
	return conf, tmpl
}

// every is an environment with everything in it. Secrets have "hush" in them.
var every = []string{
	"ALERT_SLACK_WEBHOOK_URL=https://hooks.slack.com/services/T0/B0/hush", "ALERT_SLACK_CHANNEL=#ops",
	"ALERT_TELEGRAM_BOT_TOKEN=123456:hush", "ALERT_TELEGRAM_CHAT_ID=-1001234567890",
	"ALERT_DISCORD_WEBHOOK_URL=https://discord.com/api/webhooks/1/hush",
	"ALERT_EMAIL_TO=Ann <ann@example.com>, ops@example.com", "ALERT_EMAIL_FROM=Upkeep <upkeep@example.com>", "ALERT_EMAIL_SMARTHOST=smtp.example.com:587",
	"ALERT_EMAIL_USERNAME=upkeep", "ALERT_EMAIL_PASSWORD=hush $'\"\\ hush",
	"ALERT_PAGERDUTY_ROUTING_KEY=hush0123456789abcdef0123456789ab",
	"ALERT_MSTEAMS_WEBHOOK_URL=https://example.logic.azure.com/workflows/hush",
	"ALERT_NTFY_URL=https://ntfy.example.com/hush-topic", "ALERT_NTFY_TOKEN=tk_hush",
	"ALERT_WEBHOOK_URL=https://example.com/hush?a=b", "ALERT_DEADMANSSWITCH_URL=https://hc-ping.com/hush",
	"ALERT_QUIET_HOURS=22:00-07:00", "ALERT_QUIET_DAYS=saturday,sunday", "ALERT_TIMEZONE=Europe/Berlin",
	"GRAFANA_URL=https://example.com/grafana/", "WATCHDOG_URL=https://example.com/watchdog/", "METRICS_TOKEN=hush-metrics", "GRAFANA_ADMIN_PASSWORD=hush of mine",
}

var cases = map[string][]string{
	"none":     nil,
	"slack":    {"ALERT_SLACK_WEBHOOK_URL=https://hooks.slack.com/services/T0/B0/x"},
	"relay":    {"ALERT_EMAIL_TO=ann@example.com", "ALERT_EMAIL_FROM=upkeep@example.com", "ALERT_EMAIL_SMARTHOST=mail:25", "ALERT_EMAIL_TLS=none"},
	"pages":    {"ALERT_PAGERDUTY_ROUTING_KEY=0123456789abcdef0123456789abcdef", "ALERT_PAGERDUTY_URL=https://events.eu.pagerduty.com/v2/enqueue"},
	"timezone": {"ALERT_TIMEZONE=America/New_York", "ALERT_DEADMANSSWITCH_URL=https://hc-ping.com/x"},
	"every":    every,
}

func TestFiles(t *testing.T) {
	for name, environ := range cases {
		t.Run(name, func(t *testing.T) {
			files, err := render.Files(load(t, environ...), templates(t), "made up")
			if err != nil {
				t.Fatal(err)
			}
			slices.SortFunc(files, func(a, b render.File) int { return strings.Compare(a.Path, b.Path) })
			var all bytes.Buffer
			for _, f := range files {
				if strings.HasPrefix(f.Path, render.Templates) && f.Reader == render.Everybody {
					continue // those that ship
				}
				all.WriteString("--- " + f.Path)
				if f.Reader != render.Everybody {
					all.WriteString(" (secret)")
				}
				if f.Keep {
					all.WriteString(" (kept when there)")
				}
				all.WriteString("\n")
				all.Write(f.Content)
				all.WriteString("\n")
			}
			golden(t, "files-"+name+".txt", all.Bytes())
		})
	}
}

func TestAlertmanagerTakesThem(t *testing.T) {
	for name, environ := range cases {
		t.Run(name, func(t *testing.T) { placed(t, environ...) })
	}
}

// What is secret stands in its own file, for one reader, and nowhere else.
func TestSecretsStandNowhereElse(t *testing.T) {
	files, err := render.Files(load(t, every...), templates(t), "hush made up")
	if err != nil {
		t.Fatal(err)
	}
	secret := 0
	for _, f := range files {
		if bytes.Contains(f.Content, []byte("hush")) {
			secret++
			if f.Reader == render.Everybody {
				t.Errorf("%s is for everybody and holds %q", f.Path, f.Content)
			}
		}
	}
	if secret != 12 {
		t.Errorf("%d secret files, want 12", secret)
	}
	for _, w := range render.Ways(load(t, every...)) {
		if strings.Contains(w.To, "hush") {
			t.Errorf("%s shows its secret: %s", w.Name, w.To)
		}
	}
}
