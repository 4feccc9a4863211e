package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// output takes what a program prints, from any goroutine.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// find returns the field of the first log line with a message.
func (o *output) find(message, field string) string {
	for line := range strings.Lines(o.String()) {
		var entry map[string]any
		if json.Unmarshal([]byte(line), &entry) == nil && entry["msg"] == message {
			return fmt.Sprint(entry[field])
		}
	}
	return ""
}

// program is the api as its user runs it.
type program struct {
	t      *testing.T
	output output
	addr   string
	stop   context.CancelFunc
	done   chan error
}

// start runs the api on a free port of the loopback address.
func start(t *testing.T, environ ...string) *program {
	t.Helper()
	p := &program{t: t, done: make(chan error, 1)}
	var ctx context.Context
	ctx, p.stop = context.WithCancel(context.Background())
	environ = append(append([]string{"LISTEN_HOST=127.0.0.1", "PORT=0", "LOG_DIR=none"}, never...), environ...)
	go func() { p.done <- run(ctx, nil, environ, &p.output, io.Discard) }()
	t.Cleanup(p.stop)
	eventually(t, "the api listens", func() bool {
		p.addr = p.output.find("listening", "address")
		return p.addr != ""
	})
	eventually(t, "the api is ready", func() bool { return p.get("/health/ready") == 200 })
	return p
}

// end stops the api and returns what run returned.
func (p *program) end() error {
	p.t.Helper()
	p.stop()
	select {
	case err := <-p.done:
		return err
	case <-time.After(20 * time.Second):
		p.t.Fatal("the api does not stop")
		return nil
	}
}

// get asks for a page and returns its code, or 0 when there was no answer.
func (p *program) get(path string) int {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	r, _ := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addr+path, nil)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, response.Body)
	return response.StatusCode
}

func (p *program) post(path string) {
	p.t.Helper()
	response, err := http.Post("http://"+p.addr+path, "", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusAccepted {
		p.t.Fatalf("%s: %s", path, response.Status)
	}
}

func TestServeAndStop(t *testing.T) {
	p := start(t, "SHUTDOWN_TIMEOUT=5")
	for _, path := range []string{"/", "/health", "/health/detailed", "/health/metrics", "/health/ready", "/health/live", "/metrics"} {
		if code := p.get(path); code != 200 {
			t.Errorf("%s: %d", path, code)
		}
	}
	_, port, _ := net.SplitHostPort(p.addr)
	check := func() error {
		return run(t.Context(), []string{"healthcheck"}, []string{"LISTEN_HOST=127.0.0.1", "PORT=" + port}, io.Discard, io.Discard)
	}
	if err := check(); err != nil {
		t.Errorf("api healthcheck: %v", err)
	}
	if err := p.end(); err != nil {
		t.Errorf("stopped with %v", err)
	}
	if err := check(); err == nil {
		t.Error("api healthcheck is content with an api that is gone")
	}
	logged := p.output.String()
	for _, want := range []string{`"msg":"stopping"`, `"msg":"stopped"`} {
		at := strings.Index(logged, want)
		if at < 0 {
			t.Fatalf("%s is not, or not in its place, in the log:\n%s", want, p.output.String())
		}
		logged = logged[at:]
	}
}

// Readiness falls while requests are still taken, and the one in flight ends.
func TestDrain(t *testing.T) {
	p := start(t, "FAULT_INJECTION=true", "DRAIN_DELAY=2s")
	p.post("/debug/fault/slow?for=1m&delay=3s")
	answered := make(chan int, 1)
	go func() { answered <- p.get("/") }()
	eventually(t, "the slow request is in flight", func() bool { return p.metric("http_requests_in_flight") == "2" })
	p.stop()
	eventually(t, "readiness falls while the listener is open", func() bool { return p.get("/health/ready") == 503 })
	if code := p.get("/health/live"); code != 200 {
		t.Errorf("/health/live while draining: %d, want 200", code)
	}
	if code := <-answered; code != 200 {
		t.Errorf("the request in flight got %d, want 200", code)
	}
	if err := p.end(); err != nil {
		t.Errorf("stopped with %v", err)
	}
}

// metric reads one series without labels.
func (p *program) metric(name string) string {
	response, err := http.Get("http://" + p.addr + "/metrics")
	if err != nil {
		return ""
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	for line := range strings.Lines(string(body)) {
		if value, found := strings.CutPrefix(line, name+" "); found {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// A hang is a hang: liveness gets no answer, and only the deadline of the
// shutdown ends it.
func TestHang(t *testing.T) {
	p := start(t, "FAULT_INJECTION=true", "SHUTDOWN_TIMEOUT=400ms")
	p.post("/debug/fault/hang")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, port, _ := net.SplitHostPort(p.addr)
	err := run(ctx, []string{"healthcheck"}, []string{"LISTEN_HOST=127.0.0.1", "PORT=" + port}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "no answer in time") {
		t.Errorf("api healthcheck of a service that hangs: %v", err)
	}
	go p.get("/") // in flight when the end comes
	if err := p.end(); err == nil || !strings.Contains(err.Error(), "drain") {
		t.Errorf("stopped with %v, want what was cut short", err)
	}
}

func TestSignals(t *testing.T) {
	dir := t.TempDir()
	p := start(t, "LOG_DIR="+dir)
	backend := filepath.Join(dir, "backend.log")
	read := func() string {
		text, _ := os.ReadFile(backend)
		return string(text)
	}
	eventually(t, "the log file has its first line", func() bool { return strings.Contains(read(), `"listening"`) })
	if err := os.Rename(backend, backend+".1"); err != nil {
		t.Fatal(err)
	}
	kill := func(sig syscall.Signal) {
		if err := syscall.Kill(os.Getpid(), sig); err != nil {
			t.Fatal(err)
		}
	}
	kill(syscall.SIGHUP)
	eventually(t, "a new log file is there", func() bool { return strings.Contains(read(), "log files reopened") })
	kill(syscall.SIGUSR1)
	eventually(t, "the level is DEBUG", func() bool { return strings.Contains(read(), `"to":"DEBUG"`) })
	kill(syscall.SIGUSR1)
	eventually(t, "the level is INFO again", func() bool { return strings.Contains(read(), `"to":"INFO"`) })
	if err := p.end(); err != nil {
		t.Error(err)
	}
}

func TestCommandLine(t *testing.T) {
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"--help"}, "SHUTDOWN_TIMEOUT"},
		{[]string{"-h"}, "api healthcheck"},
		{[]string{"--version"}, "api dev (revision "},
	} {
		var out output
		if err := run(t.Context(), test.args, nil, &out, io.Discard); err != nil || !strings.Contains(out.String(), test.want) {
			t.Errorf("%v: %v, printed %q, want %q in it", test.args, err, out.String(), test.want)
		}
	}
	for _, args := range [][]string{{"frob"}, {"--frob"}, {"healthcheck", "more"}} {
		if err := run(t.Context(), args, nil, io.Discard, io.Discard); !errors.Is(err, errUsage) {
			t.Errorf("%v: %v, want a fault of usage", args, err)
		}
	}
}

func TestStartThatCannotSucceed(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	for _, test := range []struct {
		environ []string
		want    string
	}{
		{[]string{"PORT=x", "WORKERS=0"}, "the environment has faults:\nPORT=\"x\""},
		{[]string{"LISTEN_HOST=127.0.0.1", "PORT=" + port, "LOG_DIR=none"}, "address already in use"},
		{[]string{"LISTEN_HOST=127.0.0.1", "PORT=0", "LOG_DIR=none", "DISK_PATHS=/Srv,/srv"}, `"disk-srv": there is one of that name already`},
	} {
		err := run(t.Context(), nil, test.environ, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: %v, want %s", test.environ, err, test.want)
		}
	}
}
