package proxy

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestAllowedRequestsReachTheEngine(t *testing.T) {
	fake := newFakeEngine(t)
	fake.says("GET /version", 200, `{"ApiVersion":"1.41"}`)
	fake.says("GET /containers/json", 200, `[]`)
	fake.says("GET /events", 200, "{}\n{}\n")
	fake.says("GET /containers/web/stats", 200, `{"cpu_stats":{}}`)
	fake.says("GET /containers/"+webID+"/logs", 200, "line\n")
	fake.says("POST /containers/"+webID+"/restart", 204, "")
	fake.says("POST /containers/"+webID+"/start", 304, "")
	g := newGuarded(t, fake.socket)
	for _, c := range []struct {
		method, target string
		code           int
		body           string
		reached        []string
	}{
		{"GET", "/_ping", 200, "OK", []string{"GET /_ping"}},
		{"GET", "/v1.41/version", 200, `{"ApiVersion":"1.41"}`, []string{"GET /v1.41/version"}},
		{"GET", "/containers/json?limit=5&all=1", 200, `[]`, []string{"GET /containers/json?all=1&limit=5"}},
		{"GET", "/events?until=1", 200, "{}\n{}\n", []string{"GET /events?until=1"}},
		{"GET", "/containers/web/stats?stream=0", 200, `{"cpu_stats":{}}`, []string{"GET /containers/web/stats?stream=0"}},
		{"GET", "/containers/web/logs?stdout=1", 200, "line\n",
			[]string{"GET /containers/web/json", "GET /containers/" + webID + "/logs?stdout=1"}},
		// by the full ID of what was inspected, whatever bears the name by now
		{"POST", "/v1.41/containers/web/restart?t=3", 204, "",
			[]string{"GET /v1.41/containers/web/json", "POST /v1.41/containers/" + webID + "/restart?t=3"}},
		{"POST", "/containers/web/start", 304, "",
			[]string{"GET /containers/web/json", "POST /containers/" + webID + "/start"}},
		// what the engine says of a container that is not there is passed on
		{"POST", "/containers/nobody/restart", 404, `{"message":"no such thing: /containers/nobody/json"}` + "\n",
			[]string{"GET /containers/nobody/json"}},
		{"GET", "/containers/nobody/json", 404, `{"message":"no such thing: /containers/nobody/json"}`,
			[]string{"GET /containers/nobody/json"}},
	} {
		code, body := g.do(t, c.method, c.target)
		if code != c.code || body != c.body {
			t.Errorf("%s %s: %d %q, want %d %q", c.method, c.target, code, body, c.code, c.body)
		}
		if got := fake.requests(); !slices.Equal(got, c.reached) {
			t.Errorf("%s %s: the engine got %q, want %q", c.method, c.target, got, c.reached)
		}
	}
	if resp := g.open(t, "HEAD", "/_ping"); resp.Header.Get("Api-Version") == "1.41" {
		t.Error("the fake answers HEAD, which it should not know") // its 404 carries no version
	}
}

func TestHeadersAreNotForwarded(t *testing.T) {
	fake := newFakeEngine(t)
	var got http.Header
	fake.answers["GET /version"] = func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		w.Header().Set("Set-Cookie", "a=b")
		w.Header().Set("Ostype", "linux")
	}
	g := newGuarded(t, fake.socket)
	req, err := http.NewRequest("GET", g.url+"/version", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Registry-Auth", "secret")
	req.Header.Set("Authorization", "Bearer x")
	req.Header.Set("Accept", "application/json-seq, application/json;q=0.5")
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if len(got) != 2 || got.Get("Accept") != req.Header.Get("Accept") || got.Get("User-Agent") != "upkeep-guard" {
		t.Errorf("the engine got the headers %v", got)
	}
	if resp.Header.Get("Ostype") != "linux" || resp.Header.Get("Set-Cookie") != "" {
		t.Errorf("the caller got the headers %v", resp.Header)
	}
}

func TestInspectionsCarryNoEnvironmentValues(t *testing.T) {
	g := newGuarded(t, newFakeEngine(t).socket)
	code, body := g.do(t, "GET", "/containers/plain/json")
	var seen struct {
		ID     string `json:"Id"`
		Config struct {
			Env         []string
			Labels      map[string]string
			StopTimeout int
		}
	}
	if err := json.Unmarshal([]byte(body), &seen); err != nil || code != 200 {
		t.Fatalf("%d %s: %v", code, body, err)
	}
	if strings.Contains(body, "hush") || !slices.Equal(seen.Config.Env, []string{"SECRET="}) {
		t.Errorf("environment %q", seen.Config.Env)
	}
	if seen.ID != plainID || seen.Config.Labels["com.example"] != "x" || seen.Config.StopTimeout != 3 {
		t.Errorf("the rest changed: %s", body)
	}
}

func TestRedact(t *testing.T) {
	for in, want := range map[string]string{
		`{}`:                                                  `{}`,
		`{"Config":null}`:                                     `{"Config":null}`,
		`{"Config":{"Env":null}}`:                             `{"Config":{"Env":null}}`,
		`{"Config":{"Env":[]}}`:                               `{"Config":{"Env":[]}}`,
		`{"Config":{"Env":["A=b=c"]}}`:                        `{"Config":{"Env":["A="]}}`,
		`{"Config":{"Env":["A","B="]}}`:                       `{"Config":{"Env":["A","B="]}}`,
		`{"config":{"env":["A=b"]}}`:                          `{"config":{"env":["A="]}}`,
		`{"Config":{"Env":["=b\n<&>"]}}`:                      `{"Config":{"Env":["="]}}`,
		`{"N":12345678901234567890.0,"Args":["<&>"]}`:         `{"Args":["<&>"],"N":12345678901234567890.0}`,
		`{"Config":{"Env":["A=1"]},"Config":{"Env":["B=2"]}}`: `{"Config":{"Env":["B="]}}`,
	} {
		got, err := redact([]byte(in))
		if err != nil || strings.TrimSpace(string(got)) != want {
			t.Errorf("%s\n gives %s %v\n want  %s", in, got, err, want)
		}
	}
	for _, in := range []string{``, `null x`, `[]`, `{"Config":[]}`, `{"Config":{"Env":"A=b"}}`, `{"Config":{"Env":[1]}}`, `{"Config"`} {
		if got, err := redact([]byte(in)); err == nil {
			t.Errorf("%s gives %s, want an error: what is not understood must not pass", in, got)
		}
	}
}

func TestInspectionThatCannotBeUnderstoodDoesNotPass(t *testing.T) {
	fake := newFakeEngine(t)
	fake.says("GET /containers/odd/json", 200, `{"Config":{"Env":"SECRET=hush"}}`)
	g := newGuarded(t, fake.socket)
	if code, body := g.do(t, "GET", "/containers/odd/json"); code != 502 || strings.Contains(body, "hush") {
		t.Errorf("%d %s", code, body)
	}
	// without a full ID there is nothing to forward a restart by
	fake.says("GET /containers/odd/json", 200, `{"Id":"short","Config":{"Labels":{"watchdog.enable":"true"}}}`)
	fake.requests()
	if code, _ := g.do(t, "POST", "/containers/odd/restart"); code != 502 {
		t.Errorf("restart without an ID: %d, want 502", code)
	}
	if got := fake.requests(); len(got) != 1 {
		t.Errorf("the engine got %q", got)
	}
}

func TestNoEngine(t *testing.T) {
	g := newGuarded(t, filepath.Join(t.TempDir(), "missing.sock"))
	for _, target := range []string{"/_ping", "/containers/json", "/containers/a/json", "/events"} {
		code, body := g.do(t, "GET", target)
		if code != 502 || !strings.HasPrefix(body, `{"message":"guard: the engine cannot be reached`) {
			t.Errorf("%s: %d %s", target, code, body)
		}
	}
	if code, _ := g.do(t, "POST", "/containers/a/restart"); code != 502 {
		t.Errorf("restart: %d", code)
	}
	if code, body := g.do(t, "GET", "/health/ready"); code != 503 || !strings.Contains(body, "unhealthy") {
		t.Errorf("ready: %d %s", code, body)
	}
	if code, _ := g.do(t, "GET", "/health/live"); code != 200 {
		t.Errorf("live: %d", code)
	}
}

func TestHealthWantsGet(t *testing.T) {
	g := newGuarded(t, newFakeEngine(t).socket)
	for method, want := range map[string]int{"GET": 200, "HEAD": 200, "POST": 405, "DELETE": 405} {
		if code, _ := g.do(t, method, "/health/ready"); code != want {
			t.Errorf("%s: %d, want %d", method, code, want)
		}
	}
}

// A client that closes its sending side makes net/http give the request up, and may still read: it must not read success.
func TestGivenUpIsNoSuccess(t *testing.T) {
	docker := newFakeEngine(t)
	g := newGuarded(t, docker.socket)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	answer := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(ctx, http.MethodPost, "/containers/a/restart", nil)
	g.server.Handler.ServeHTTP(answer, request)
	if answer.Code != http.StatusBadGateway {
		t.Errorf("answers %d %s, want 502", answer.Code, answer.Body)
	}
}
