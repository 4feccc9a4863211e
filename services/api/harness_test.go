package main

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"net/http/httptest"
	"os"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/upkeephq/upkeep/services/api/internal/settings"
	"github.com/upkeephq/upkeep/services/kit/build"
	"github.com/upkeephq/upkeep/services/kit/hostinfo"
	"github.com/upkeephq/upkeep/services/kit/logging"
)

var update = flag.Bool("update", false, "write the golden files anew")

// never are limits that no machine reaches, so that the tests say the same on
// a full disk.
var never = []string{
	"HEALTH_CPU_DEGRADED=0", "HEALTH_MEMORY_DEGRADED=0", "HEALTH_MEMORY_UNHEALTHY=0",
	"HEALTH_DISK_DEGRADED=0", "HEALTH_DISK_UNHEALTHY=0",
}

// newTestApp makes the service without a listener and without loops.
func newTestApp(t *testing.T, host *hostinfo.Sampler, environ []string, log io.Writer) (*app, *logging.Logs) {
	t.Helper()
	config, err := settings.Load(append(never, environ...))
	if err != nil {
		t.Fatal(err)
	}
	logs, err := logging.New(logging.Config{Service: service, JSON: true, Stdout: log})
	if err != nil {
		t.Fatal(err)
	}
	app, err := newApp(config, build.Info{Service: service, Version: "1.0.0", Revision: "4f2a9c1", Go: "go1.x"}, logs, host)
	if err != nil {
		t.Fatal(err)
	}
	return app, logs
}

// inBubble runs a test of the service without a listener, on fake time.
func inBubble(t *testing.T, environ []string, test func(t *testing.T, app *app, log *output)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var log output
		app, logs := newTestApp(t, hostinfo.New(hostinfo.Options{Root: fstest.MapFS{}}), environ, &log)
		ctx, cancel := context.WithCancel(t.Context())
		defer func() { cancel(); synctest.Wait() }()
		go app.checker.Run(ctx)
		go app.pulse(ctx)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		defer logs.Close()
		test(t, app, &log)
	})
}

func ask(app *app, method, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	r.Header.Set("X-Request-Id", "id-of-the-test")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	app.handler.ServeHTTP(w, r)
	return w
}

func golden(t *testing.T, path, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run the tests with -update", err)
	}
	if string(want) != got {
		t.Errorf("%s differs; if that is meant, run the tests with -update and look at the difference. Got:\n%s", path, got)
	}
}

// eventually waits for something that happens by itself.
func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !happened() {
		select {
		case <-deadline:
			t.Fatalf("10 s have passed, and still not: %s", what)
		case <-again.C:
		}
	}
}

// shape replaces what differs from run to run: numbers (and the null of a
// number that is not known yet) by 0, moments by one moment.
func shape(t *testing.T, body []byte) string {
	t.Helper()
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, body)
	}
	var walk func(any) any
	walk = func(v any) any {
		switch v := v.(type) {
		case map[string]any:
			for key, inner := range v {
				v[key] = walk(inner)
			}
			return v
		case []any:
			for i, inner := range v {
				v[i] = walk(inner)
			}
			return v
		case float64, nil:
			return 0
		case string:
			if _, err := time.Parse(time.RFC3339, v); err == nil {
				return "2000-01-01T00:00:00Z"
			}
		}
		return v
	}
	pretty, _ := json.MarshalIndent(walk(value), "", "  ")
	return string(pretty)
}
