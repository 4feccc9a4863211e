package proxy

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

const image = "busybox:1.37.0"

// real is the machine's own Docker engine, asked without the guard.
type real struct {
	socket string
	client http.Client
}

// realEngine fails without an engine: a guard that was never tried on one is not tested. -short leaves these tests out.
func realEngine(t testing.TB) *real {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: not tried on a real engine")
	}
	socket := cmp.Or(os.Getenv("DOCKER_SOCKET"), "/var/run/docker.sock")
	r := &real{socket: socket, client: http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == "docker:80" {
				network, address = "unix", socket
			}
			return (&net.Dialer{}).DialContext(ctx, network, address)
		}}}}
	if code, body := r.do(t, "GET", "/images/"+image+"/json", ""); code != 200 {
		t.Fatalf("a Docker engine with the image %s is needed (or -short): %d %s", image, code, body)
	}
	return r
}

func (r *real) do(t testing.TB, method, uri, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, "http://docker"+uri, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := r.client.Do(req)
	if err != nil {
		t.Fatalf("no Docker engine at %s (start one, set DOCKER_SOCKET, or leave these tests out with -short): %v", r.socket, err)
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(answer)
}

// container starts one and returns its name and ID.
func (r *real) container(t *testing.T, labels string) (name, id string) {
	t.Helper()
	name = fmt.Sprintf("guardtest-%d", time.Now().UnixNano())
	code, body := r.do(t, "POST", "/containers/create?name="+name, `{"Image":"`+image+`","Labels":`+labels+`,
		"Cmd":["sh","-c","trap exit TERM; echo hello; while :; do sleep 0.1; done"],"Env":["SECRET=hush","EMPTY="],
		"HostConfig":{"NetworkMode":"none"}}`)
	var made struct{ ID string }
	if err := json.Unmarshal([]byte(body), &made); err != nil || code != 201 {
		t.Fatalf("create: %d %s", code, body)
	}
	t.Cleanup(func() { r.do(t, "DELETE", "/containers/"+made.ID+"?force=1&v=1", "") })
	if code, body := r.do(t, "POST", "/containers/"+made.ID+"/start", ""); code != 204 {
		t.Fatalf("start: %d %s", code, body)
	}
	return name, made.ID
}

func TestRealEngine(t *testing.T) {
	docker := realEngine(t)
	g := newGuarded(t, docker.socket)
	name, id := docker.container(t, `{"watchdog.enable":"true"}`)
	other, _ := docker.container(t, `{}`)

	for _, target := range []string{"/_ping", "/version", "/v1.41/version", "/containers/json?all=1",
		"/v1.41/containers/json?filters=%7B%22label%22%3A%5B%22watchdog.enable%3Dtrue%22%5D%7D",
		"/containers/" + name + "/json", "/containers/" + id[:12] + "/json", "/containers/" + id + "/stats?stream=0&one-shot=1",
		"/containers/" + name + "/logs?stdout=1&stderr=1&tail=100"} {
		code, viaGuard := g.do(t, "GET", target)
		if rawCode, _ := docker.do(t, "GET", target, ""); code != 200 || rawCode != code {
			t.Errorf("GET %s: %d %s; without the guard %d", target, code, viaGuard, rawCode)
		}
	}
	if resp := g.open(t, "HEAD", "/_ping"); resp.StatusCode != 200 || resp.Header.Get("Api-Version") == "" {
		t.Errorf("HEAD /_ping: %s, headers %v: a client cannot negotiate", resp.Status, resp.Header)
	}

	t.Run("inspect", func(t *testing.T) {
		_, raw := docker.do(t, "GET", "/containers/"+other+"/json", "")
		_, got := g.do(t, "GET", "/containers/"+other+"/json")
		if !strings.Contains(raw, "SECRET=hush") || strings.Contains(got, "hush") || !strings.Contains(got, `"SECRET="`) {
			t.Errorf("environment in the inspection: %s", got)
		}
		if rest(t, raw) != rest(t, got) {
			t.Errorf("more than the environment changed:\n%s\n%s", raw, got)
		}
	})

	t.Run("restart", func(t *testing.T) {
		before := startedAt(t, docker, name)
		if code, body := g.do(t, "POST", "/v1.41/containers/"+name+"/restart?t=2"); code != 204 {
			t.Fatalf("%d %s", code, body)
		}
		if after := startedAt(t, docker, name); after == before {
			t.Error("the container was not restarted")
		}
		if code, body := docker.do(t, "POST", "/containers/"+name+"/stop?t=0", ""); code != 204 {
			t.Fatalf("%d %s", code, body)
		}
		if code, body := g.do(t, "POST", "/containers/"+name+"/start"); code != 204 {
			t.Errorf("start: %d %s", code, body)
		}
		if code, _ := g.do(t, "POST", "/containers/"+name+"/start"); code != 304 {
			t.Errorf("start of a running container: %d, want 304", code)
		}
	})

	t.Run("without the label", func(t *testing.T) {
		before := startedAt(t, docker, other)
		for _, action := range []string{"restart", "restart?t=0", "start"} {
			if code, _ := g.do(t, "POST", "/containers/"+other+"/"+action); code != 403 {
				t.Errorf("%s: %d, want 403", action, code)
			}
		}
		if after := startedAt(t, docker, other); after != before {
			t.Error("the container was restarted")
		}
	})

	t.Run("refused", func(t *testing.T) {
		before := startedAt(t, docker, name)
		for _, c := range []string{"POST /kill", "POST /stop", "POST /pause", "POST /rename?name=x", "POST /exec", "POST /wait", "POST /update",
			"POST /attach?stream=1", "GET /archive?path=/etc/passwd", "HEAD /archive?path=/etc/passwd", "PUT /archive?path=/", "GET /export",
			"GET /top", "GET /changes", "POST /restart?signal=SIGKILL"} {
			method, action, _ := strings.Cut(c, " ")
			if code, body := g.do(t, method, "/v1.41/containers/"+name+action); code != 403 {
				t.Errorf("%s: %d %s", c, code, body)
			}
		}
		if code, _ := g.do(t, "DELETE", "/containers/"+name+"?force=1"); code != 403 {
			t.Errorf("DELETE: %d", code)
		}
		if after := startedAt(t, docker, name); after != before {
			t.Error("the container was touched")
		}
	})

	t.Run("events", func(t *testing.T) {
		resp := g.open(t, "GET", "/events?filters="+`%7B%22container%22%3A%5B%22`+id+`%22%5D%2C%22event%22%3A%5B%22die%22%5D%7D`)
		defer resp.Body.Close()
		killed := time.Now()
		if code, body := docker.do(t, "POST", "/containers/"+name+"/kill", ""); code != 204 {
			t.Fatalf("%d %s", code, body)
		}
		line, err := bufio.NewReader(resp.Body).ReadString('\n')
		if err != nil || !strings.Contains(line, `"status":"die"`) || !strings.Contains(line, id) {
			t.Fatalf("%v %q", err, line)
		}
		t.Logf("the event came %v after the kill", time.Since(killed))
	})
}

// rest is an inspection without its environment, and without what differs from one moment to the next.
func rest(t *testing.T, inspection string) string {
	t.Helper()
	var all map[string]any
	if err := json.Unmarshal([]byte(inspection), &all); err != nil {
		t.Fatal(err)
	}
	delete(all, "State")
	delete(all["Config"].(map[string]any), "Env")
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func startedAt(t *testing.T, docker *real, name string) string {
	t.Helper()
	_, body := docker.do(t, "GET", "/containers/"+name+"/json", "")
	var seen struct{ State struct{ StartedAt string } }
	if err := json.Unmarshal([]byte(body), &seen); err != nil || seen.State.StartedAt == "" {
		t.Fatalf("inspect %s: %s", name, body)
	}
	return seen.State.StartedAt
}

// The price of the guard: the same question, once to the socket and once through the guard.
func BenchmarkPrice(b *testing.B) {
	docker := realEngine(b)
	g := newGuarded(b, docker.socket)
	for _, path := range []string{"/_ping", "/containers/json?all=1"} {
		for from, base := range map[string]string{"socket": "http://docker", "guard": g.url} {
			b.Run(from+path, func(b *testing.B) {
				for b.Loop() {
					resp, err := docker.client.Get(base + path)
					if err != nil {
						b.Fatal(err)
					}
					_, _ = io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
			})
		}
	}
}
