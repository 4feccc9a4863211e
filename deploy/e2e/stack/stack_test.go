package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func ExampleMetric() {
	page := []byte("# TYPE up gauge\nup{job=\"api\"} 1\nup{job=\"watchdog\"} 0\n")
	fmt.Println(Metric(page, `up{job="watchdog"}`))
	fmt.Println(Metric(page, `up`))
	// Output:
	// 0 <nil>
	// 0 no series up
}

func TestPollAnswersTheLastError(t *testing.T) {
	n := 0
	must(t, Poll(t.Context(), time.Minute, func() error {
		if n++; n < 3 {
			return errors.New("not yet")
		}
		return nil
	}))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Poll(ctx, time.Minute, func() error { return errors.New("never") }); err == nil || !strings.Contains(err.Error(), "never") {
		t.Errorf("Poll answers %v, want the last error", err)
	}
}

func TestEnvFileHoldsPortsAndOptions(t *testing.T) {
	t.Setenv("DOCKER_HOST", "unix:///run/other.sock")
	dir := t.TempDir()
	s, err := New(Options{Project: "upkeep-x", Env: map[string]string{"FAULT_INJECTION": "true"}, Dir: dir})
	must(t, err)
	must(t, s.Setenv("WATCHDOG_MAX_RESTARTS", "3"))
	raw, err := os.ReadFile(filepath.Join(dir, "upkeep-x.env"))
	must(t, err)
	for _, want := range []string{"FAULT_INJECTION=true\n", "WATCHDOG_MAX_RESTARTS=3\n", "API_PORT=" + s.Ports["api"] + "\n", "UPKEEP_VERSION=e2e\n",
		"DOCKER_SOCKET=/run/other.sock\n"} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("no %q in:\n%s", want, raw)
		}
	}
	if s.Target("api") != "upkeep-x-api-1" {
		t.Error(s.Target("api"))
	}
}

func TestTornLogIsAnError(t *testing.T) {
	path := filepath.Join(t.TempDir(), "watchdog.log")
	must(t, os.WriteFile(path, []byte(`{"type":"started"}`+"\n"+`{"type":"sta`), 0o600))
	if lines, err := readLog(path); err == nil || len(lines) != 0 {
		t.Errorf("a torn line is read as %v, %v", lines, err)
	}
}

func TestSecondRunIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "engine.lock")
	first, err := lock(path)
	must(t, err)
	if _, err := lock(path); err == nil || !strings.Contains(err.Error(), "another end-to-end run") {
		t.Errorf("a second run is answered %v", err)
	}
	must(t, first.Close())
	if _, err := lock(path); err != nil {
		t.Errorf("after the first run has ended: %v", err)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
