package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/upkeephq/upkeep/services/api/internal/settings"
	"github.com/upkeephq/upkeep/services/kit/hostinfo"
)

// upstream is what the watchdog shows to its workers.
func upstream(t *testing.T) (address string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "m")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "merged "+r.URL.Path+" "+r.Header.Get("Accept")+r.Header.Get("Authorization"))
	})}}
	s.Start()
	t.Cleanup(s.Close)
	return "unix:" + path
}

func TestMetricsOfAWorker(t *testing.T) {
	environ := []string{"METRICS_TOKEN=m", "HEALTH_TOKEN=h", "METRICS_UPSTREAM=" + upstream(t)}
	app, logs := newTestApp(t, hostinfo.New(hostinfo.Options{}), environ, io.Discard)
	defer logs.Close()
	if w := ask(app, "GET", "/metrics"); w.Code != http.StatusUnauthorized {
		t.Errorf("the public side without a token: %d", w.Code)
	}
	if w := ask(app, "GET", "/metrics", "Authorization", "Bearer m", "Accept", "x/y"); w.Code != 200 || w.Body.String() != "merged /metrics x/y" {
		t.Errorf("the public side: %d %q", w.Code, w.Body)
	}

	// The admin side asks for no token and shows this process alone.
	config, err := settings.Load(environ)
	if err != nil {
		t.Fatal(err)
	}
	admin := app.admin(config)
	for path, want := range map[string]string{"/metrics": "\nprocess_start_time_seconds ", "/health/detailed": `"checks"`} {
		w := httptest.NewRecorder()
		admin.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		if w.Code != 200 && w.Code != 503 || !strings.Contains(w.Body.String(), want) {
			t.Errorf("the admin side, %s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestMetricsWithoutTheWatchdog(t *testing.T) {
	var log output
	app, logs := newTestApp(t, hostinfo.New(hostinfo.Options{}), []string{"METRICS_UPSTREAM=unix:/nonexistent/socket"}, &log)
	if w := ask(app, "GET", "/metrics"); w.Code != http.StatusBadGateway || !strings.Contains(w.Body.String(), "the watchdog does not answer") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	logs.Close()
	if !strings.Contains(log.String(), "the merged metrics cannot be had from the watchdog") {
		t.Errorf("the log: %s", log.String())
	}
}

func TestAdminSocketIsServed(t *testing.T) {
	app, logs := newTestApp(t, hostinfo.New(hostinfo.Options{}), nil, io.Discard)
	defer logs.Close()
	path := filepath.Join(t.TempDir(), "a")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serveAdmin(l, app.handler, logs.Logger)(ctx) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	resp, err := client.Get("http://worker/health/live")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestWorkersHaveLogFoldersOfTheirOwn(t *testing.T) {
	for environ, want := range map[string]string{
		"LOG_DIR=/var/log/x":                        "/var/log/x",
		"LOG_DIR=/var/log/x WATCHDOG_TARGET=api-2":  "/var/log/x/api-2",
		"LOG_DIR=none WATCHDOG_TARGET=api-2":        "",
		"LOG_DIR=/var/log/x WATCHDOG_TARGET=../etc": "refused",
	} {
		s, err := settings.Load(strings.Fields(environ))
		if got := s.LogFolder(); err == nil && got != want || (err != nil) != (want == "refused") {
			t.Errorf("%s: %q, %v; want %q", environ, got, err, want)
		}
	}
	if _, err := settings.Load([]string{"METRICS_UPSTREAM=http://somewhere"}); err == nil {
		t.Error("an upstream that is no Unix socket is taken")
	}
}
