package proxy

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/upkeephq/upkeep/services/guard/internal/policy"
)

func TestRestartOfAContainerWithoutTheLabel(t *testing.T) {
	fake := newFakeEngine(t)
	g := newGuarded(t, fake.socket)
	for _, c := range [][2]string{{"POST", "restart"}, {"POST", "restart?t=1"}, {"POST", "start"}, {"GET", "logs?stdout=1"}} {
		code, body := g.do(t, c[0], "/v1.41/containers/plain/"+c[1])
		if code != 403 || !strings.Contains(body, "watchdog.enable") {
			t.Errorf("%s: %d %s", c[1], code, body)
		}
		if got := fake.requests(); len(got) != 1 || got[0] != "GET /v1.41/containers/plain/json" {
			t.Errorf("%s: the engine got %q", c[1], got)
		}
	}
	if n := len(g.log.with(`"reason":"no_label"`)); n != 4 {
		t.Errorf("%d log lines", n)
	}
}

// Byte for byte on the wire, since client libraries tidy a request up.
func TestRawRequestsThatDoNotPass(t *testing.T) {
	fake := newFakeEngine(t)
	g := newGuarded(t, fake.socket)
	for _, line := range []string{
		"GET /containers/../images/json", "GET //version", "GET /containers/web%2Farchive/json", "GET /containers/%2e%2e/json",
		"GET /version/", "GET /version%00", "GET http://docker/version", "GET https://docker/containers/json", "CONNECT docker:2375",
		"GET /v9.99/version", "GET /v1.23/version", "OPTIONS *", "OPTIONS /containers/json", "TRACE /version", "get /version",
		"POST /containers/create", "POST /v1.41/containers/web/exec", "POST /exec/abc/start", "POST /containers/web/attach?stream=1",
		"GET /containers/web/attach/ws", "GET /containers/web/archive?path=/etc/shadow", "PUT /containers/web/archive?path=/",
		"HEAD /containers/web/archive?path=/", "GET /containers/web/export", "POST /containers/web/kill", "POST /containers/web/stop",
		"POST /containers/web/pause", "POST /containers/web/rename?name=x", "POST /containers/web/update", "POST /containers/web/wait",
		"POST /containers/prune", "POST /commit?container=web", "DELETE /containers/web", "DELETE /containers/web?force=1",
		"POST /images/create?fromImage=x", "GET /images/json", "DELETE /images/x", "POST /build", "POST /session", "POST /grpc",
		"POST /auth", "GET /info", "GET /system/df", "GET /volumes", "POST /volumes/create", "DELETE /volumes/x", "GET /networks",
		"POST /networks/x/connect", "POST /swarm/init", "GET /secrets", "POST /secrets/create", "GET /configs", "GET /plugins",
		"POST /plugins/pull", "GET /services", "GET /nodes", "GET /tasks", "GET /debug/pprof/heap",
		"POST /containers/web/restart?signal=KILL", "GET /containers/web/json?size=1",
	} {
		code, body := g.raw(t, line+" HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")
		var said struct{ Message string }
		if code != 403 || !strings.HasPrefix(line, "HEAD") && (json.Unmarshal([]byte(body), &said) != nil || said.Message == "") {
			t.Errorf("%s: %d %q, want 403 and a message", line, code, body)
		}
	}
	for name, c := range map[string]struct {
		request string
		want    int
	}{
		"upgrade on exec":      {"POST /exec/a/start HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n", 403},
		"upgrade on a restart": {"POST /containers/web/restart HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n", 403},
		"upgrade on events":    {"GET /events HTTP/1.1\r\nHost: d\r\nUpgrade: h2c\r\n\r\n", 403},
		"websocket":            {"GET /containers/web/attach/ws HTTP/1.1\r\nHost: d\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", 403},
		"body on start":        {"POST /containers/web/start HTTP/1.1\r\nHost: d\r\nContent-Length: 2\r\n\r\n{}", 403},
		"promised body":        {"POST /containers/web/start HTTP/1.1\r\nHost: d\r\nContent-Length: 99999\r\n\r\n{}", 403},
		"chunked body":         {"POST /containers/web/start HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", 403},
		"body on get":          {"GET /version HTTP/1.1\r\nHost: d\r\nContent-Length: 1\r\n\r\nx", 403},
		"huge header":          {"GET /version HTTP/1.1\r\nHost: d\r\nX: " + strings.Repeat("a", 64<<10) + "\r\n\r\n", 431},
		"huge target":          {"GET /" + strings.Repeat("a", 64<<10) + " HTTP/1.1\r\nHost: d\r\n\r\n", 431},
		"many headers":         {"GET /version HTTP/1.1\r\nHost: d\r\n" + strings.Repeat("X: y\r\n", 9000) + "\r\n", 431},
		"no host":              {"GET /version HTTP/1.1\r\n\r\n", 400},
		"two lengths":          {"POST /containers/web/start HTTP/1.1\r\nHost: d\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nhello", 400},
		"space in the target":  {"GET /version /info HTTP/1.1\r\nHost: d\r\n\r\n", 400},
		"no http":              {"hello\r\n\r\n", 400},
		"http/2 at once":       {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 403},
	} {
		if code, body := g.raw(t, c.request); code != c.want {
			t.Errorf("%s: %d %q, want %d", name, code, body, c.want)
		}
	}
	if got := fake.requests(); len(got) > 0 {
		t.Errorf("the engine got %q", got)
	}
}

// A second request hidden behind the first must not reach the engine either.
func TestPipelinedRequestsAreJudgedOneByOne(t *testing.T) {
	fake := newFakeEngine(t)
	g := newGuarded(t, fake.socket)
	code, _ := g.raw(t, "GET /_ping HTTP/1.1\r\nHost: d\r\n\r\nPOST /containers/web/kill HTTP/1.1\r\nHost: d\r\nConnection: close\r\n\r\n")
	if code != 200 {
		t.Errorf("first answer %d", code)
	}
	if got := fake.requests(); len(got) != 1 || got[0] != "GET /_ping" {
		t.Errorf("the engine got %q", got)
	}
}

func TestTooManyAtOnce(t *testing.T) {
	fake := newFakeEngine(t)
	begun := make(chan struct{})
	fake.answers["GET /events"] = func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		begun <- struct{}{}
		<-r.Context().Done()
	}
	g := newGuarded(t, fake.socket)
	for range maxUnderWay {
		resp := g.open(t, "GET", "/events")
		t.Cleanup(func() { resp.Body.Close() })
		<-begun
	}
	if code, body := g.do(t, "GET", "/_ping"); code != 503 {
		t.Errorf("one too many: %d %s", code, body)
	}
	if code, _ := g.do(t, "GET", "/health/live"); code != 200 {
		t.Errorf("health is told all the same: %d", code)
	}
}

func TestDenialsAreLoggedAtABoundedRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &lines{}
		d := newDenials(slog.New(slog.NewJSONHandler(log, nil)))
		r := &http.Request{Method: "POST", RequestURI: "/containers/" + strings.Repeat("x", 5000), RemoteAddr: "10.0.0.2:1"}
		why := &policy.Refusal{Reason: policy.NotListed, Detail: "no"}
		for range denialsPerMinute + 70 {
			d.note(r, why)
		}
		if n := len(log.with("refused")); n != denialsPerMinute {
			t.Errorf("%d lines in the first minute, want %d", n, denialsPerMinute)
		}
		time.Sleep(time.Minute)
		d.note(r, why)
		if len(log.with(fmt.Sprintf(`"not_logged_before":%d`, 70))) != 1 {
			t.Errorf("the next line does not say how many were left out: %s", log.all[len(log.all)-1])
		}
		if len(log.all[0]) > 600 {
			t.Errorf("a line of %d bytes", len(log.all[0]))
		}
	})
}
