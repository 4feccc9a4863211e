package control

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
)

func newSite(t testing.TB, w *world) http.Handler {
	t.Helper()
	reg, m, _ := counted()
	play(m, "upkeep-api-1")
	o := w.options()
	o.Gatherer = reg
	return New(o)
}

func ask(h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestRoutes(t *testing.T) {
	h := newSite(t, healthyWorld())
	id := healthyWorld().incidents[0].ID
	html := []string{"Accept", "text/html,application/xhtml+xml,*/*;q=0.8"}
	for _, c := range []struct {
		method, path string
		header       []string
		code         int
		contentType  string
		contains     string
	}{
		{"GET", "/", html, 200, "text/html; charset=utf-8", "1 of 2 targets is up"},
		{"GET", "/", nil, 200, "text/html; charset=utf-8", "upkeep-db-1"},
		{"GET", "/metrics", nil, 200, "text/plain; version=0.0.4; charset=utf-8; escaping=underscores", "watchdog_target_up"},
		{"GET", "/metrics", []string{"Accept", "application/openmetrics-text; version=1.0.0"}, 200, "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores", "# EOF"},
		{"GET", "/status", html, 200, "application/json", `"upkeep-api-1"`},
		{"GET", "/incidents", nil, 200, "application/json", id},
		{"GET", "/incidents?target=upkeep-api-1", nil, 200, "application/json", id},
		{"GET", "/incidents?target=other", nil, 200, "application/json", `"incidents": []`},
		{"GET", "/incidents", html, 200, "text/html; charset=utf-8", "/incidents/" + id},
		{"GET", "/incidents/" + id, nil, 200, "application/json", `"log_tail"`},
		{"GET", "/incidents/" + id, html, 200, "text/html; charset=utf-8", "fatal: out of ideas"},
		{"GET", "/incidents/nothing", nil, 404, "application/json", "no such incident"},
		{"GET", "/incidents/..%2f..%2fetc", nil, 404, "application/json", `"error"`},
		{"GET", "//status", nil, 404, "application/json", `"not_found"`},
		{"GET", "/incidents/../status", nil, 404, "application/json", `"not_found"`},
		{"GET", "/health", nil, 200, "application/json", `"healthy"`},
		{"GET", "/health/live", nil, 200, "application/json", `"live": true`},
		{"GET", "/health/ready", nil, 200, "application/json", `"ready": true`},
		{"GET", "/health/detailed", nil, 200, "application/json", `"exhausted": 1`},
		{"HEAD", "/status", nil, 200, "application/json", ""},
		{"HEAD", "/", nil, 200, "text/html; charset=utf-8", ""},
		{"GET", "/nothing", nil, 404, "application/json", `"not_found"`},
		{"GET", "/status/", nil, 404, "application/json", `"not_found"`},
		{"POST", "/status", nil, 405, "application/json", "GET, HEAD"},
		{"DELETE", "/incidents/" + id, nil, 405, "application/json", "GET, HEAD"},
		{"POST", "/targets/upkeep-api-1/restart", nil, 404, "application/json", `"not_found"`},
		{"POST", "/all/pause", nil, 404, "application/json", `"not_found"`},
	} {
		w := ask(h, c.method, c.path, c.header...)
		if w.Code != c.code || w.Header().Get("Content-Type") != c.contentType || !strings.Contains(w.Body.String(), c.contains) {
			t.Errorf("%s %s: %d %q\n%.400s", c.method, c.path, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
		if got := w.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s %s: Cache-Control %q", c.method, c.path, got)
		}
		if c.method == "HEAD" && w.Body.Len() > 0 {
			t.Errorf("%s %s has a body", c.method, c.path)
		}
		if allow := w.Header().Get("Allow"); (c.code == 405) != (allow == "GET, HEAD") {
			t.Errorf("%s %s: Allow %q", c.method, c.path, allow)
		}
		if w.Header().Get("Content-Type") == "application/json" && c.method != "HEAD" && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s %s is no JSON: %s", c.method, c.path, w.Body)
		}
	}
}

func TestBadIncidentReferences(t *testing.T) {
	w := healthyWorld()
	for err, code := range map[error]int{
		journal.ErrBadIncidentRef: 400, journal.ErrManyIncidents: 400, journal.ErrNoIncident: 404, errors.New("disk on fire"): 500,
	} {
		o := w.options()
		o.Incident = func(string) (journal.Incident, error) { return journal.Incident{}, err }
		o.Gatherer, _, _ = counted()
		if got := ask(New(o), "GET", "/incidents/x"); got.Code != code {
			t.Errorf("%v: %d, want %d", err, got.Code, code)
		}
	}
}

func TestHealth(t *testing.T) {
	for _, c := range []struct {
		name                string
		change              func(*world)
		health, live, ready string // code and status
		reason              string
	}{
		{"well", func(*world) {}, "200 healthy", "200 healthy", "200 healthy", ""},
		{"not yet synced", func(w *world) { w.synced = false }, "200 degraded", "200 healthy", "503 unhealthy", "starting"},
		{"no engine at the start", func(w *world) {
			w.synced, w.status.Docker = false, journal.Docker{Error: "refused"}
		}, "200 degraded", "200 healthy", "503 unhealthy", "docker_unreachable"},
		{"engine lost", func(w *world) {
			w.status.Docker = journal.Docker{Error: "EOF"}
		}, "200 degraded", "200 healthy", "200 degraded", "docker_lost"},
		{"loop hangs", func(w *world) { w.beat = sec(-31) }, "503 unhealthy", "503 unhealthy", "503 unhealthy", "heartbeat_stale"},
		{"loop hangs and engine lost", func(w *world) {
			w.beat, w.status.Docker.Connected = sec(-31), false
		}, "503 unhealthy", "503 unhealthy", "503 unhealthy", "heartbeat_stale"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := healthyWorld()
			c.change(w)
			h := newSite(t, w)
			for path, want := range map[string]string{"/health": c.health, "/health/live": c.live, "/health/ready": c.ready, "/health/detailed": c.health} {
				r := ask(h, "GET", path)
				var body struct{ Status, Reason string }
				must(t, json.Unmarshal(r.Body.Bytes(), &body))
				if got := r.Result().Status[:4] + body.Status; got != want {
					t.Errorf("%s: %s, want %s", path, got, want)
				}
				if path == "/health" && body.Reason != c.reason {
					t.Errorf("%s: reason %q, want %q", path, body.Reason, c.reason)
				}
			}
		})
	}
}

var styleTag = regexp.MustCompile(`(?s)<style>(.*?)</style>`)

// A page runs nothing, loads nothing, and shows hostile text as text.
func TestPagesAreInert(t *testing.T) {
	w := healthyWorld()
	const hostile = `<script>alert(1)</script><img src=x onerror=alert(1)>"'&{{.}}</pre></style>`
	in := &w.incidents[0]
	in.Target, in.Image, in.Error, in.LogTail, in.Probe.Body = hostile, hostile, hostile, []string{hostile}, hostile
	in.Cause = "start_error"
	in.Timeline[0].Detail, in.HealthLog[0].Output = hostile, hostile
	w.status.Targets[1].Target, w.status.Targets[1].Detail, w.status.Docker.ServerVersion = hostile, hostile, hostile
	w.status.Targets[0].LastIncident = `javascript:alert(1)`
	w.status.Docker.Connected, w.status.Docker.Error = false, hostile
	h := newSite(t, w)
	for _, path := range []string{"/", "/incidents", "/incidents/" + in.ID} {
		r := ask(h, "GET", path, "Accept", "text/html")
		page := r.Body.String()
		for _, bad := range []string{"<script", "<img", "onerror=alert(1)>", `href="javascript:`, "http://", "https://", "ZgotmplZ"} {
			if strings.Contains(page, bad) {
				t.Errorf("%s contains %s", path, bad)
			}
		}
		style := styleTag.FindStringSubmatch(page)
		if len(style) != 2 || strings.Count(page, "<style") != 1 {
			t.Fatalf("%s: want one style", path)
		}
		sum := sha256.Sum256([]byte(style[1]))
		csp := r.Header().Get("Content-Security-Policy")
		if !strings.Contains(csp, "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'") || !strings.HasPrefix(csp, "default-src 'none';") {
			t.Errorf("%s: the policy %q does not fit its style", path, csp)
		}
		if r.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s may be sniffed", path)
		}
	}
}

func TestHomePage(t *testing.T) {
	w := healthyWorld()
	h := newSite(t, w)
	page := styleTag.ReplaceAllString(ask(h, "GET", "/").Body.String(), "<style></style>")
	golden(t, "testdata/home.html", []byte(page))
	page = styleTag.ReplaceAllString(ask(h, "GET", "/incidents/"+w.incidents[0].ID, "Accept", "text/html").Body.String(), "<style></style>")
	golden(t, "testdata/incident.html", []byte(page))
	for _, c := range []struct {
		want   string
		change func()
	}{
		{"No targets", func() { w.status.Targets = nil }},
		{"The target is up", func() { w.status.Targets = healthyWorld().status.Targets[:1] }},
		{"All 2 targets are up", func() { w.status.Targets = append(w.status.Targets, w.status.Targets[0]) }},
		{"The watchdog hangs", func() { w.beat = sec(-60) }},
		{"Docker cannot be reached", func() { w.status.Docker = journal.Docker{Error: "refused"} }},
	} {
		c.change()
		if page := ask(h, "GET", "/").Body.String(); !strings.Contains(page, c.want) {
			t.Errorf("the page does not say %q", c.want)
		}
	}
}

// Everybody may ask at once.
func TestConcurrentRequests(t *testing.T) {
	s := httptest.NewServer(newSite(t, healthyWorld()))
	defer s.Close()
	done := make(chan error, 8)
	for _, path := range []string{"/", "/metrics", "/status", "/health/live", "/health/detailed", "/incidents", "/health/ready", "/health"} {
		go func() {
			resp, err := s.Client().Get(s.URL + path)
			if err == nil {
				_, err = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
			}
			done <- err
		}()
	}
	for range 8 {
		must(t, <-done)
	}
}

func TestPercentNeverRoundsUp(t *testing.T) {
	for ratio, want := range map[float64]string{1: "100 %", 0.99999: "99.99 %", 0.5: "50.00 %", 0: "0.00 %", 0.07: "7.00 %"} {
		if got := percent(ratio); got != want {
			t.Errorf("%v: %q, want %q", ratio, got, want)
		}
	}
}

func BenchmarkHome200(b *testing.B) {
	w := healthyWorld()
	for len(w.status.Targets) < 200 {
		w.status.Targets = append(w.status.Targets, w.status.Targets[0])
	}
	h := newSite(b, w)
	b.ReportAllocs()
	for b.Loop() {
		ask(h, "GET", "/")
	}
}
