package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const shipped = "../../deploy/alertmanager"

func try(t *testing.T, dir string, args []string, environ ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), args, append([]string{"CONFIG_DIR=" + dir, "TEMPLATES_DIR=" + shipped}, environ...), &out)
	return out.String(), err
}

func read(t *testing.T, dir, path string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args      []string
		out, want string
	}{
		{[]string{"--help"}, "ALERT_SLACK_WEBHOOK_URL", ""},
		{[]string{"--version"}, "setup dev", ""},
		{[]string{"--x"}, "", "cannot be understood"},
		{[]string{"dance"}, "", `there is no command "dance"`},
		{[]string{"check", "it"}, "", "cannot be understood"},
	} {
		out, err := try(t, t.TempDir(), c.args)
		if !strings.Contains(out, c.out) || (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %q %v", c.args, out, err)
		}
	}
}

func TestNobodyConfiguredIsSaidLoudly(t *testing.T) {
	dir := t.TempDir()
	out, err := try(t, dir, nil)
	if err != nil || !strings.Contains(out, "NOBODY WILL BE TOLD") || !strings.Contains(out, `"level":"warn"`) {
		t.Errorf("%v\n%s", err, out)
	}
	var receivers struct {
		Receivers []string
		Count     int
	}
	if err := json.Unmarshal([]byte(read(t, dir, "alertmanager/receivers.json")), &receivers); err != nil || receivers.Count != 0 || receivers.Receivers == nil {
		t.Errorf("%+v %v", receivers, err)
	}
	if _, err := try(t, dir, []string{"healthcheck"}); err != nil {
		t.Errorf("healthcheck: %v", err)
	}
}

func TestThePasswordIsMadeOnceAndNeverPrinted(t *testing.T) {
	dir := t.TempDir()
	out, err := try(t, dir, nil, "ALERT_WEBHOOK_URL=http://h/x")
	if err != nil {
		t.Fatal(err)
	}
	password := read(t, dir, "grafana/admin-password")
	if !regexp.MustCompile(`^[A-Za-z0-9]{32}$`).MatchString(password) {
		t.Errorf("password %q", password)
	}
	again, err := try(t, dir, nil, "ALERT_WEBHOOK_URL=http://h/x")
	if err != nil || read(t, dir, "grafana/admin-password") != password {
		t.Errorf("the second run changed it (%v)", err)
	}
	for _, text := range []string{out, again} {
		if strings.Contains(text, password) || !strings.Contains(text, "docker compose exec grafana cat /config/grafana/admin-password") {
			t.Errorf("%s", text)
		}
	}
	if out, err := try(t, dir, nil, "GRAFANA_ADMIN_PASSWORD=one of my own"); err != nil || strings.Contains(out, "one of my own") ||
		read(t, dir, "grafana/admin-password") != "one of my own" {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestAFaultLeavesTheOldFiles(t *testing.T) {
	dir := t.TempDir()
	if _, err := try(t, dir, nil, "ALERT_WEBHOOK_URL=http://h/x"); err != nil {
		t.Fatal(err)
	}
	before := read(t, dir, "alertmanager/alertmanager.yml") + read(t, dir, "alertmanager/secrets/webhook-url")
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "slack.tmpl"), []byte(`{{ define "upkeep.slack.text" }}{{ .Nonsense }}{{ end }}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, environ := range map[string][]string{
		"two bad variables": {"ALERT_WEBHOOK_URL=nonsense", "LOG_LEVEL=loud"},
		"bad template":      {"ALERT_SLACK_WEBHOOK_URL=http://h/y", "TEMPLATES_DIR=" + broken},
		"no template":       {"ALERT_WEBHOOK_URL=http://h/y", "TEMPLATES_DIR=" + t.TempDir()},
	} {
		for _, command := range [][]string{nil, {"check"}} {
			if out, err := try(t, dir, command, environ...); err == nil {
				t.Errorf("%s: no error\n%s", name, out)
			}
		}
		if read(t, dir, "alertmanager/alertmanager.yml")+read(t, dir, "alertmanager/secrets/webhook-url") != before {
			t.Errorf("%s: the files changed", name)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	err := run(ended, nil, []string{"CONFIG_DIR=" + dir, "TEMPLATES_DIR=" + shipped}, &out)
	if !errors.Is(err, context.Canceled) || !strings.Contains(read(t, dir, "alertmanager/alertmanager.yml"), "people") {
		t.Errorf("stopped half way: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Errorf("left behind: %v %v", entries, err)
	}
}

func TestARunningAlertmanagerIsToldToReadAnew(t *testing.T) {
	asked, code := 0, http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == "/-/reload" {
			asked++
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, "because")
	}))
	dir, reload := t.TempDir(), "ALERTMANAGER_RELOAD_URL="+server.URL+"/-/reload"
	if out, err := try(t, dir, nil, reload); err != nil || asked != 1 || !strings.Contains(out, "has read the files anew") {
		t.Errorf("asked %d times, %v\n%s", asked, err, out)
	}
	if _, err := try(t, dir, nil, reload, "ALERT_WEBHOOK_URL=x"); err == nil || asked != 1 {
		t.Errorf("asked %d times with a fault, %v", asked, err)
	}
	code = http.StatusInternalServerError
	if _, err := try(t, dir, nil, reload); err == nil || !strings.Contains(err.Error(), "because") {
		t.Errorf("Alertmanager refused: %v", err)
	}
	server.Close()
	if out, err := try(t, dir, nil, reload); err != nil || !strings.Contains(out, "reads the files when it starts") {
		t.Errorf("no Alertmanager: %v\n%s", err, out)
	}
}

func TestCheckWritesNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "config")
	out, err := try(t, dir, []string{"check"}, "ALERT_WEBHOOK_URL=http://h/x")
	if err != nil || out != "good; receivers: webhook\n" {
		t.Errorf("%q %v", out, err)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("something was written")
	}
	if _, err := try(t, dir, []string{"healthcheck"}); err == nil {
		t.Error("healthy without any file")
	}
}

func TestAFolderThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := try(t, filepath.Join(file, "config"), nil); err == nil || !strings.Contains(err.Error(), "CONFIG_DIR") {
		t.Errorf("%v", err)
	}
}
