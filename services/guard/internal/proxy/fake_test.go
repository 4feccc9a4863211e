package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/upkeephq/upkeep/services/guard/internal/engine"
)

const (
	webID   = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	plainID = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// fakeEngine is no Docker engine: a few lines that answer on a Unix socket and remember what reached them, for what a real
// engine cannot be made to do on demand. TestRealEngine asks a real one.
type fakeEngine struct {
	socket  string
	answers map[string]http.HandlerFunc // by "METHOD path"

	mu      sync.Mutex
	reached []string
}

func newFakeEngine(t *testing.T) *fakeEngine {
	t.Helper()
	f := &fakeEngine{socket: filepath.Join(t.TempDir(), "docker.sock"), answers: map[string]http.HandlerFunc{}}
	f.says("GET /_ping", http.StatusOK, "OK")
	for name, id := range map[string]string{"web": webID, "plain": plainID} {
		labels := `{"watchdog.enable":"true"}`
		if name == "plain" {
			labels = `{"com.example":"x"}`
		}
		body := fmt.Sprintf(`{"Id":%q,"Name":"/%s","Config":{"Env":["SECRET=hush"],"Labels":%s,"StopTimeout":3}}`, id, name, labels)
		f.says("GET /containers/"+name+"/json", http.StatusOK, body)
		f.says("GET /containers/"+id+"/json", http.StatusOK, body)
	}
	listener, err := net.Listen("unix", f.socket)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: f}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return f
}

func (f *fakeEngine) says(request string, code int, body string) {
	f.answers[request] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Api-Version", "1.41")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func (f *fakeEngine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.reached = append(f.reached, r.Method+" "+r.RequestURI)
	f.mu.Unlock()
	path := r.URL.Path
	if strings.HasPrefix(path, "/v1.") {
		path = path[strings.Index(path[1:], "/")+1:]
	}
	if answer, ok := f.answers[r.Method+" "+path]; ok {
		answer(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusNotFound)
	fmt.Fprintf(w, `{"message":"no such thing: %s"}`, path)
}

// requests are those that reached the engine since the last call.
func (f *fakeEngine) requests() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	got := f.reached
	f.reached = nil
	return got
}

// guarded is a guard that listens on loopback.
type guarded struct {
	address, url string
	log          *lines
	close        context.CancelFunc // ends the streams, as SIGTERM does
	server       *http.Server
}

func newGuarded(t testing.TB, socket string) *guarded {
	t.Helper()
	closing, cancel := context.WithCancel(context.Background())
	log := &lines{}
	docker := engine.New(socket)
	server := New(Options{Engine: docker, Healthy: func() error { return docker.Ping(closing) }, Closing: closing,
		Log: slog.New(slog.NewJSONHandler(log, nil))}).Server()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(listener) }()
	t.Cleanup(func() { cancel(); _ = server.Close(); <-done; docker.Close() })
	address := listener.Addr().String()
	return &guarded{address: address, url: "http://" + address, log: log, close: cancel, server: server}
}

// do sends a request without a body and returns status and body.
func (g *guarded) do(t *testing.T, method, target string) (int, string) {
	t.Helper()
	resp := g.open(t, method, target)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	return resp.StatusCode, string(body)
}

func (g *guarded) open(t *testing.T, method, target string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, g.url+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, target, err)
	}
	return resp
}

// raw writes bytes as they are and reads one answer, so that no client library tidies them up.
func (g *guarded) raw(t *testing.T, request string) (int, string) {
	t.Helper()
	conn, err := net.Dial("tcp", g.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// a large request may be answered, and the connection closed, before all of it is written
	_, _ = io.WriteString(conn, request)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%.80q: %v", request, err)
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body)
}

// lines collects a log.
type lines struct {
	mu  sync.Mutex
	all []string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, string(p))
	return len(p), nil
}

func (l *lines) with(part string) []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var found []string
	for _, line := range l.all {
		if strings.Contains(line, part) {
			found = append(found, line)
		}
	}
	return found
}
