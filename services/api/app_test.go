package main

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/upkeephq/upkeep/services/kit/health"
	"github.com/upkeephq/upkeep/services/kit/hostinfo"
)

func TestEveryBody(t *testing.T) {
	inBubble(t, []string{"FAULT_INJECTION=true"}, func(t *testing.T, app *app, _ *output) {
		var transcript strings.Builder
		for _, request := range []struct {
			method, target string
			accept         string
			code           int
		}{
			{"GET", "/", "", 200},
			{"GET", "/api/hello/world", "", 200},
			{"GET", "/health", "", 200},
			{"GET", "/health", "application/health+json", 200},
			{"GET", "/health?check=disk", "", 200},
			{"GET", "/health?check=nothing", "", 404},
			{"GET", "/health/detailed", "", 200},
			{"GET", "/health/detailed", "application/health+json", 200},
			{"GET", "/health/metrics", "", 200},
			{"GET", "/health/ready", "", 200},
			{"GET", "/health/live", "", 200},
			{"GET", "/nothing/here", "", 404},
			{"POST", "/", "", 405},
			{"POST", "/health", "", 405},
			{"DELETE", "/metrics", "", 405},
			{"GET", "/debug/fault/crash", "", 405},
			{"POST", "/debug/fault/nothing", "", 404},
			{"POST", "/debug/fault/errors?for=10s&ratio=2", "", 400},
			{"POST", "/debug/fault/errors?for=10s&ratio=1", "", 202},
			{"GET", "/", "", 500},
		} {
			w := ask(app, request.method, request.target, "Accept", request.accept)
			if w.Code != request.code {
				t.Errorf("%s %s: %d, want %d", request.method, request.target, w.Code, request.code)
			}
			fmt.Fprintf(&transcript, "%s %s\n", request.method, request.target)
			if request.accept != "" {
				fmt.Fprintf(&transcript, "Accept: %s\n", request.accept)
			}
			fmt.Fprintf(&transcript, "\n%d %s\n", w.Code, w.Header().Get("Content-Type"))
			if allow := w.Header().Get("Allow"); allow != "" {
				fmt.Fprintf(&transcript, "Allow: %s\n", allow)
			}
			fmt.Fprintf(&transcript, "%s\n\n", shape(t, w.Body.Bytes()))
		}
		golden(t, "testdata/bodies.txt", transcript.String())
	})
}

var (
	value     = regexp.MustCompile(`(?m)^([^#\s][^ ]*(?:\{.*\})?) \S+$`)
	goversion = regexp.MustCompile(`version="go[^"]*"`)
)

// TestMetrics pins the whole exposition but for its values, which are all 1.
// Checks of rules and dashboards read the file.
func TestMetrics(t *testing.T) {
	// Real time, since the use of processors is known only once some was used.
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	host := hostinfo.New(hostinfo.Options{Root: fstest.MapFS{}, Interval: 10 * time.Millisecond})
	go host.Run(ctx)
	eventually(t, "the use of processors is known", func() bool { return host.Latest().CPU.Utilization.Known() })
	app, logs := newTestApp(t, host, nil, io.Discard)
	defer logs.Close()
	go app.checker.Run(ctx)
	eventually(t, "the service is healthy", func() bool { return app.checker.Status() == health.Healthy })

	for _, target := range []string{"/", "/api/hello/world", "/health", "/health/detailed", "/health/metrics", "/health/ready", "/health/live", "/nothing"} {
		ask(app, "GET", target)
	}
	ask(app, "GET", "/metrics")
	w := ask(app, "GET", "/metrics")
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	text := value.ReplaceAllString(w.Body.String(), "$1 1")
	golden(t, "testdata/metrics.golden", goversion.ReplaceAllString(text, `version="go1.x"`))

	open := ask(app, "GET", "/metrics", "Accept", "application/openmetrics-text; version=1.0.0")
	if !strings.HasPrefix(open.Header().Get("Content-Type"), "application/openmetrics-text") || !strings.HasSuffix(open.Body.String(), "# EOF\n") {
		t.Errorf("OpenMetrics was asked for, and %s came", open.Header().Get("Content-Type"))
	}
	if !strings.Contains(open.Body.String(), `# {request_id="id-of-the-test"}`) {
		t.Error("no exemplar with the id of a request")
	}
}

func TestStrangersAddNoSeries(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, app *app, _ *output) {
		ask(app, "GET", "/metrics")
		before := series(ask(app, "GET", "/metrics"))
		for i := range 10_000 {
			ask(app, []string{"GET", "POST", "BREW", "PROPFIND"}[i%4], fmt.Sprintf("/x%d/../%x?q=%d", i, i*7919, i))
		}
		after := series(ask(app, "GET", "/metrics"))
		// A redirect of an unclean path is a code that had not been seen before.
		if grown := countFamilies(after, "http_requests_total") - countFamilies(before, "http_requests_total"); grown > 1 {
			t.Errorf("10000 random requests added %d series to http_requests_total, want at most 1", grown)
		}
	})
}

func series(w *httptest.ResponseRecorder) []string {
	var all []string
	for line := range strings.Lines(w.Body.String()) {
		if !strings.HasPrefix(line, "#") {
			all = append(all, line)
		}
	}
	return all
}

func countFamilies(series []string, family string) (n int) {
	for _, line := range series {
		if strings.HasPrefix(line, family+"{") {
			n++
		}
	}
	return n
}

func TestTokens(t *testing.T) {
	inBubble(t, []string{"HEALTH_TOKEN=h", "METRICS_TOKEN=m"}, func(t *testing.T, app *app, _ *output) {
		for _, test := range []struct {
			path, token string
			code        int
		}{
			{"/metrics", "", 401}, {"/metrics", "h", 401}, {"/metrics", "m", 200},
			{"/health/detailed", "", 401}, {"/health/detailed", "m", 401}, {"/health/detailed", "h", 200},
			{"/health/metrics", "", 401}, {"/health/metrics", "h", 200},
			{"/health", "", 200}, {"/health/ready", "", 200}, {"/health/live", "", 200},
		} {
			if w := ask(app, "GET", test.path, "Authorization", "Bearer "+test.token); w.Code != test.code {
				t.Errorf("%s with token %q: %d, want %d", test.path, test.token, w.Code, test.code)
			}
		}
	})
}

func TestFaultsDoNotExistUnlessAskedFor(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, app *app, _ *output) {
		for _, name := range []string{"crash", "hang", "leak", "errors", "slow"} {
			if w := ask(app, "POST", "/debug/fault/"+name); w.Code != 404 {
				t.Errorf("%s: %d, want 404", name, w.Code)
			}
		}
	})
}

func TestErrorRateMakesTheServiceUnhealthyAndItRecovers(t *testing.T) {
	inBubble(t, []string{"FAULT_INJECTION=true"}, func(t *testing.T, app *app, log *output) {
		ask(app, "POST", "/debug/fault/errors?for=1m")
		for range 100 {
			ask(app, "GET", "/")
		}
		time.Sleep(15 * time.Second)
		if w := ask(app, "GET", "/health"); w.Code != 503 {
			t.Errorf("/health after 100 errors: %d, want 503", w.Code)
		}
		if w := ask(app, "GET", "/health/ready"); w.Code != 200 {
			t.Errorf("/health/ready: %d, want 200: there is nowhere else to go", w.Code)
		}
		for range 20 { // somebody watches: its 503s must not keep the status down
			time.Sleep(5 * time.Second)
			ask(app, "GET", "/health")
		}
		if w := ask(app, "GET", "/health"); w.Code != 200 {
			t.Errorf("/health 100 s later: %d %s, want 200", w.Code, w.Body)
		}
		logged := log.String()
		for _, want := range []string{`"check":"error_rate"`, `"to":"unhealthy"`, "unhealthy from 50%"} {
			if !strings.Contains(logged, want) {
				t.Errorf("the log does not tell %s:\n%s", want, logged)
			}
		}
	})
}

func TestAccessLog(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, app *app, log *output) {
		ask(app, "GET", "/api/hello/world?token=hunter2")
		time.Sleep(time.Second)
		synctest.Wait()
		logged := log.String()
		for _, want := range []string{`"route":"/api/hello/{name}"`, `"path":"/api/hello/world"`, `"request_id":"id-of-the-test"`, `"status":200`} {
			if !strings.Contains(logged, want) {
				t.Errorf("the log does not hold %s:\n%s", want, logged)
			}
		}
		if strings.Contains(logged, "hunter2") {
			t.Errorf("the query is in the log:\n%s", logged)
		}
	})
}
