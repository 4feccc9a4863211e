package main

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

func TestSettingsThatAreRefused(t *testing.T) {
	for _, c := range []struct{ set, want string }{
		{"WATCHDOG_HEALTH_CHECK_INTERVAL=soon", `WATCHDOG_HEALTH_CHECK_INTERVAL="soon": want seconds (30) or a duration (1m30s), 100ms or more`},
		{"WATCHDOG_HEALTH_CHECK_INTERVAL=0", `WATCHDOG_HEALTH_CHECK_INTERVAL="0": want seconds (30) or a duration (1m30s), 100ms or more`},
		{"WATCHDOG_PROBE_TIMEOUT=-1s", `WATCHDOG_PROBE_TIMEOUT="-1s": want seconds (5) or a duration (500ms), more than 0`},
		{"WATCHDOG_FAILURE_THRESHOLD=0", `WATCHDOG_FAILURE_THRESHOLD="0": want a whole number from 1 to 60`},
		{"WATCHDOG_MAX_RESTARTS=-1", `WATCHDOG_MAX_RESTARTS="-1": want a whole number from 0 (never restart) to 1000`},
		{"WATCHDOG_RESTART_WINDOW=1ms", `WATCHDOG_RESTART_WINDOW="1ms": want seconds (3600) or a duration (1h), 1s or more`},
		{"WATCHDOG_PING_URL=ping", `WATCHDOG_PING_URL="***": want an http or https URL to call after each round, for an outside observer; none when empty`},
		{"LOG_LEVEL=LOUD", `LOG_LEVEL="LOUD": want DEBUG, INFO, WARN or ERROR`},
		{"JSON_LOGS=perhaps", `JSON_LOGS="perhaps": want true or false`},
	} {
		if _, err := loadSettings([]string{c.set}); err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", c.set, err, c.want)
		}
	}
	_, err := loadSettings([]string{"LOG_LEVEL=LOUD", "WATCHDOG_MAX_RESTARTS=x", "WATCHDOG_PROBE_TIMEOUT=0"})
	if err == nil || strings.Count(err.Error(), "\n") != 2 {
		t.Errorf("all faults at once, a line each; got %v", err)
	}
}

func TestSettingsBecomeThePolicy(t *testing.T) {
	s, err := loadSettings([]string{"WATCHDOG_HEALTH_CHECK_INTERVAL=10", "WATCHDOG_PROBE_TIMEOUT=500ms", "WATCHDOG_FAILURE_THRESHOLD=2",
		"WATCHDOG_START_PERIOD=2m", "WATCHDOG_RESTART_DELAY=0", "WATCHDOG_MAX_RESTARTS=4", "WATCHDOG_RESTART_WINDOW=30m"})
	if err != nil {
		t.Fatal(err)
	}
	want := supervise.DefaultPolicy()
	want.ProbeInterval, want.ProbeTimeout, want.FailureThreshold = 10*time.Second, 500*time.Millisecond, 2
	want.StartPeriod, want.RestartDelay, want.MaxRestarts, want.RestartWindow = 2*time.Minute, 0, 4, 30*time.Minute
	if got := s.policy(); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args  string
		env   []string
		print string // part of standard output
		fail  string // part of the error; empty = none
		usage bool
	}{
		{args: "--version", print: "watchdog dev (revision"},
		{args: "--help", print: "Heals the containers that carry the label watchdog.enable=true"},
		{args: "run --help", print: "How many processes. ($WORKERS)"},
		{args: "status --help", print: "what is left of its"},
		{args: "check", print: "WATCHDOG_MAX_RESTARTS"},
		{args: "check", env: []string{"WATCHDOG_MAX_RESTARTS=many"}, print: "WATCHDOG_MAX_RESTARTS", fail: `WATCHDOG_MAX_RESTARTS="many"`},
		{args: "watch", env: []string{"LOG_LEVEL=LOUD"}, fail: "the environment has faults:\nLOG_LEVEL"},
		{args: "watch", env: []string{"DOCKER_HOST=ftp://x"}, fail: "DOCKER_HOST=ftp://x"},
		{args: "completion bash", print: "complete -F _watchdog watchdog"},
		{args: "completion zsh", print: "#compdef watchdog"},
		{args: "completion fish", print: "__fish_use_subcommand -a incidents"},
		{args: "completion csh", fail: "bash", usage: true},
		{args: "--dry-run --loud", fail: "--loud", usage: true},
		{args: "heal", fail: "heal", usage: true},
		{args: "--loud", fail: "--loud", usage: true},
		{args: "pause", fail: "name one target, or give --all"},
		{args: "healthcheck", env: []string{"WATCHDOG_LISTEN=127.0.0.1:1"}, fail: "127.0.0.1:1"},
	} {
		var out, errs bytes.Buffer
		env := append([]string{"LOG_DIR=" + t.TempDir()}, c.env...)
		err := run(t.Context(), strings.Fields(c.args), env, &out, &errs)
		if !strings.Contains(out.String(), c.print) {
			t.Errorf("watchdog %s prints %q, want %q in it", c.args, out.String(), c.print)
		}
		switch {
		case c.fail == "" && err != nil:
			t.Errorf("watchdog %s: %v", c.args, err)
		case c.fail != "" && (err == nil || !strings.Contains(err.Error(), c.fail)):
			t.Errorf("watchdog %s fails with %v, want %q in it", c.args, err, c.fail)
		case errors.Is(err, errUsage) != c.usage:
			t.Errorf("watchdog %s: usage error %t, want %t: %v", c.args, errors.Is(err, errUsage), c.usage, err)
		}
	}
}

// No engine at the socket is no reason to end: it is said, and tried again.
func TestNoEngine(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	dir := t.TempDir()
	out := newTap("cannot be reached")
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, nil, []string{"LOG_DIR=" + dir, "WATCHDOG_LISTEN=127.0.0.1:0", "DOCKER_HOST=unix://" + dir + "/none.sock"}, out, out)
	}()
	select {
	case <-out.heard:
	case err := <-ended:
		t.Fatal("ended by itself:", err)
	case <-time.After(20 * time.Second):
		t.Fatal("does not say that there is no engine")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

// tap is a writer that tells when some text was written.
type tap struct {
	text  string
	seen  bytes.Buffer
	heard chan struct{}
	open  bool
}

func newTap(text string) *tap { return &tap{text: text, heard: make(chan struct{}), open: true} }

// Write implements io.Writer; the logger writes from one goroutine.
func (w *tap) Write(p []byte) (int, error) {
	w.seen.Write(p)
	if w.open && strings.Contains(w.seen.String(), w.text) {
		w.open = false
		close(w.heard)
	}
	return len(p), nil
}
