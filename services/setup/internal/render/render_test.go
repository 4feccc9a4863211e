package render_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"testing"

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

func load(t *testing.T, environ ...string) settings.Settings {
	t.Helper()
	s, err := settings.Load(environ)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func templates(t *testing.T) map[string][]byte {
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

var cases = map[string][]string{
	"none":    nil,
	"webhook": {"ALERT_WEBHOOK_URL=http://hooks:8080/x?y=z"},
	"slack":   {"ALERT_SLACK_WEBHOOK_URL=https://hooks.slack.com/services/T0/B0/x"},
	"both": {"ALERT_WEBHOOK_URL=https://h/x", "ALERT_SLACK_WEBHOOK_URL=https://h/y", "ALERT_SLACK_CHANNEL=#ops",
		"GRAFANA_URL=https://example.com/grafana/", "METRICS_TOKEN=abc", "GRAFANA_ADMIN_PASSWORD=password of mine"},
}

func TestFiles(t *testing.T) {
	for name, environ := range cases {
		t.Run(name, func(t *testing.T) {
			files, err := render.Files(load(t, environ...), templates(t), "made up")
			if err != nil {
				t.Fatal(err)
			}
			var all bytes.Buffer
			for _, path := range []string{render.AlertmanagerConfig, render.Receivers, render.Templates + "/zz-links.tmpl",
				render.Secrets + "/webhook-url", render.Secrets + "/slack-webhook-url", render.AdminPassword, render.MetricsToken} {
				for _, f := range files {
					if f.Path == path {
						all.WriteString("--- " + path)
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
				}
			}
			golden(t, name+".txt", all.Bytes())
		})
	}
}

func TestAlertmanagerTakesThem(t *testing.T) {
	for name, environ := range cases {
		files, err := render.Files(load(t, environ...), templates(t), "made up")
		if err != nil {
			t.Fatal(err)
		}
		staged, err := place.Stage(t.TempDir(), files, func(*os.File, int) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		if err := check.Alertmanager(filepath.Join(staged, render.AlertmanagerConfig)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is secret stands in its own file, for one reader, and nowhere else.
func TestSecretsStandNowhereElse(t *testing.T) {
	s := load(t, "ALERT_WEBHOOK_URL=http://hush/1", "ALERT_SLACK_WEBHOOK_URL=http://hush/2", "METRICS_TOKEN=hush-3", "GRAFANA_ADMIN_PASSWORD=hush-4-four")
	files, err := render.Files(s, templates(t), "hush-5")
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
	if secret != 4 {
		t.Errorf("%d secret files, want 4", secret)
	}
}
