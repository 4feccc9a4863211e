package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func environment(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

// output is what the guard writes while it runs, a line at a time.
type output chan string

func (o output) Write(p []byte) (int, error) {
	o <- string(p)
	return len(p), nil
}

// logged waits for a line with this message and returns it.
func (o output) logged(t *testing.T, message string) map[string]any {
	t.Helper()
	late := time.After(10 * time.Second)
	for {
		select {
		case text := <-o:
			var line map[string]any
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				t.Fatalf("a log line that is no JSON: %q", text)
			}
			if line["msg"] == message {
				return line
			}
		case <-late:
			t.Fatalf("never logged %q", message)
		}
	}
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args     []string
		env      map[string]string
		out, err string
	}{
		{[]string{"--help"}, nil, "guard healthcheck", ""},
		{[]string{"-h"}, nil, "DOCKER_SOCKET", ""},
		{[]string{"--version"}, nil, "guard dev", ""},
		{[]string{"--nonsense"}, nil, "", "try guard --help"},
		{[]string{"dance"}, nil, "", `unknown command ["dance"]`},
		{[]string{"healthcheck", "twice"}, nil, "", "unknown command"},
		{nil, map[string]string{"DOCKER_SOCKET": "tcp://x", "GUARD_ADDRESS": "99999999", "LOG_LEVEL": "loud"}, "",
			"DOCKER_SOCKET=\"tcp://x\": want the absolute path of a Unix socket\n" +
				"GUARD_ADDRESS=\"99999999\": want host:port or :port with a port from 0 to 65535\n" +
				"LOG_LEVEL=\"loud\": want DEBUG, INFO, WARN or ERROR"},
		{nil, map[string]string{"GUARD_ADDRESS": ":123456"}, "", "GUARD_ADDRESS"},
		{[]string{"healthcheck"}, map[string]string{"GUARD_ADDRESS": "127.0.0.1:1"}, "", "refused"},
	} {
		var out bytes.Buffer
		err := run(t.Context(), c.args, environment(c.env), &out)
		if c.err == "" && err != nil || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%v %v: error %v, want %q", c.args, c.env, err, c.err)
		}
		if !strings.Contains(out.String(), c.out) {
			t.Errorf("%v: %q", c.args, out.String())
		}
	}
	var said bytes.Buffer
	if exitCode(errors.New("x"), &said) != 1 || said.String() != "guard: x\n" || exitCode(nil, &said) != 0 {
		t.Errorf("exit code and %q", said.String())
	}
}

func TestServeAndEnd(t *testing.T) {
	// not an engine: it answers pings and keeps /events open
	socket := filepath.Join(t.TempDir(), "docker.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	held := make(chan struct{})
	fake := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/events" {
			_ = http.NewResponseController(w).Flush()
			close(held)
			<-r.Context().Done()
		}
	})}
	go func() { _ = fake.Serve(listener) }()
	defer fake.Close()

	ctx, cancel := context.WithCancel(t.Context())
	out := make(output, 100)
	ended := make(chan error, 1)
	env := map[string]string{"DOCKER_SOCKET": socket, "GUARD_ADDRESS": "127.0.0.1:0"}
	go func() { ended <- run(ctx, nil, environment(env), out) }()
	address := out.logged(t, "guarding")["address"].(string)
	out.logged(t, "the engine answers")

	check := map[string]string{"GUARD_ADDRESS": address}
	if err := run(t.Context(), []string{"healthcheck"}, environment(check), io.Discard); err != nil {
		t.Errorf("healthcheck: %v", err)
	}
	resp, err := http.Get("http://" + address + "/events")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	<-held
	begin := time.Now()
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("took %v to end while a client held /events", took)
	}
}

func TestHealthcheckFailsWithoutAnEngine(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out := make(output, 100)
	ended := make(chan error, 1)
	env := map[string]string{"DOCKER_SOCKET": filepath.Join(t.TempDir(), "missing"), "GUARD_ADDRESS": "127.0.0.1:0"}
	go func() { ended <- run(ctx, nil, environment(env), out) }()
	env["GUARD_ADDRESS"] = out.logged(t, "guarding")["address"].(string)
	if line := out.logged(t, "the engine does not answer"); !strings.Contains(line["hint"].(string), "DOCKER_SOCKET") {
		t.Errorf("%v", line)
	}
	err := run(t.Context(), []string{"healthcheck"}, environment(env), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("healthcheck: %v", err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
}

func TestAddressInUse(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	env := map[string]string{"GUARD_ADDRESS": listener.Addr().String()}
	if err := run(t.Context(), nil, environment(env), io.Discard); err == nil || !strings.Contains(err.Error(), "GUARD_ADDRESS") {
		t.Errorf("%v", err)
	}
}
