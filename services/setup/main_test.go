package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
		{[]string{"test-notification"}, "", "ALERTMANAGER_ADDRESS is not set"},
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
	for _, loud := range []string{"NOBODY WILL BE TOLD", "NOBODY WILL NOTICE", `"level":"warn"`} {
		if err != nil || !strings.Contains(out, loud) {
			t.Errorf("%v: no %s\n%s", err, loud, out)
		}
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
	if err := os.WriteFile(filepath.Join(broken, "receivers.tmpl"), []byte(`{{ define "upkeep.slack.text" }}{{ .Nonsense }}{{ end }}`), 0o600); err != nil {
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
	if !errors.Is(err, context.Canceled) || !strings.Contains(read(t, dir, "alertmanager/alertmanager.yml"), "name: webhook") {
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
	dir, reload := t.TempDir(), "ALERTMANAGER_ADDRESS="+server.URL+"/"
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
	out, err := try(t, dir, []string{"check"}, "ALERT_WEBHOOK_URL=http://h/x?key=hush", "ALERT_QUIET_HOURS=22:00-07:00", "ALERT_QUIET_DAYS=sunday")
	const want = `good: Alertmanager would take it
webhook            h
dead man's switch  none: NOBODY WILL NOTICE when this machine dies: set ALERT_DEADMANSSWITCH_URL
quiet              22:00-07:00 and sunday (UTC)
`
	if err != nil || out != want {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("something was written")
	}
	if _, err := try(t, dir, []string{"healthcheck"}); err == nil {
		t.Error("healthy without any file")
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := try(t, dir, []string{"check"}, "ALERT_DEADMANSSWITCH_URL=https://hc-ping.com/hush"); err != nil || strings.Contains(out, "hush") ||
		!strings.Contains(out, "dead man's switch  hc-ping.com\n") || !strings.Contains(out, "no receiver        NOBODY WILL BE TOLD") {
		t.Errorf("%v\n%s", err, out)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// What is said at the start names every way, and no secret.
func TestEveryWayIsSaid(t *testing.T) {
	out, err := try(t, t.TempDir(), nil, "ALERT_SLACK_WEBHOOK_URL=https://hooks.slack.com/services/hush", "ALERT_NTFY_URL=https://ntfy.sh/hush-topic", "ALERT_NTFY_TOKEN=tk_hush",
		"ALERT_EMAIL_TO=ann@example.com", "ALERT_EMAIL_FROM=upkeep@example.com", "ALERT_EMAIL_SMARTHOST=smtp.example.com:465", "ALERT_EMAIL_USERNAME=ann", "ALERT_EMAIL_PASSWORD=hush",
		"ALERT_DEADMANSSWITCH_URL=https://hc-ping.com/hush", "ALERT_QUIET_HOURS=22:00-07:00", "ALERT_TIMEZONE=Europe/Berlin")
	if err != nil || strings.Contains(out, "hush") || strings.Contains(out, `"level":"warn"`) && os.Geteuid() == 0 {
		t.Errorf("%v\n%s", err, out)
	}
	for _, want := range []string{"alerts go to slack", "alerts go to email", "alerts go to ntfy", "ann@example.com by smtp.example.com:465 (TLS)", "topic of 10 characters",
		"wait 22:00-07:00 (Europe/Berlin)", "the dead man's switch is called every minute"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func TestTestNotification(t *testing.T) {
	delivered := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			delivered = 1
			return
		}
		fmt.Fprintln(w, "# TYPE alertmanager_notification_requests_total counter")
		for _, name := range []string{"slack", "webhook"} {
			fmt.Fprintf(w, "alertmanager_notification_requests_total{receiver_name=%q} %d\n", name, delivered)
		}
	}))
	defer server.Close()
	dir, address := t.TempDir(), "ALERTMANAGER_ADDRESS="+server.URL
	if _, err := try(t, dir, []string{"test-notification"}, address); err == nil || !strings.Contains(err.Error(), "nobody to tell") {
		t.Errorf("%v", err)
	}
	out, err := try(t, dir, []string{"test-notification"}, address, "ALERT_SLACK_WEBHOOK_URL=http://h/x", "ALERT_WEBHOOK_URL=http://h/y")
	if err != nil || !strings.Contains(out, "slack           delivered after") || !strings.Contains(out, "webhook         delivered after") || !strings.Contains(out, "all good") {
		t.Errorf("%v\n%s", err, out)
	}
	if _, err := try(t, dir, []string{"test-notification"}, address, "ALERT_DISCORD_WEBHOOK_URL=http://h/x"); err == nil || !strings.Contains(err.Error(), "does not know the receiver discord yet") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "alertmanager")); err == nil {
		t.Error("something was written")
	}
}

// A receiver that did not take it is an error, for whoever runs this from a script.
func TestAFailedTestNotification(t *testing.T) {
	posted := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			posted = true
			return
		}
		failed := 0
		if posted {
			failed = 1
		}
		fmt.Fprintf(w, "# TYPE alertmanager_notification_requests_total counter\nalertmanager_notification_requests_total{receiver_name=\"webhook\"} %d\n"+
			"# TYPE alertmanager_notification_requests_failed_total counter\nalertmanager_notification_requests_failed_total{receiver_name=\"webhook\"} %d\n"+
			"# TYPE alertmanager_notifications_failed_total counter\nalertmanager_notifications_failed_total{receiver_name=\"webhook\",reason=\"clientError\"} %d\n", failed, failed, failed)
	}))
	defer server.Close()
	out, err := try(t, t.TempDir(), []string{"test-notification"}, "ALERTMANAGER_ADDRESS="+server.URL, "ALERT_WEBHOOK_URL=http://h/y")
	if err == nil || !strings.Contains(err.Error(), "1 of the receivers did not take it; docker compose logs alertmanager") || !strings.Contains(out, "webhook         FAILED: it refuses the message") {
		t.Errorf("%v\n%s", err, out)
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
