package heal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// watchdog is the program under test, as a process of this machine.
type watchdog struct {
	*stack.Stack // its HTTP side
	t            *testing.T
	dir          string // LOG_DIR
	env          []string
	process      *process
}

// newWatchdog prepares one that looks every second and waits little. More settings come behind and win.
func newWatchdog(t *testing.T, guard string, more ...string) *watchdog {
	must(t, stack.Alone(t.Context(), prefix)) // one that was started since the last scenario would heal what is ours to see
	dir, err := os.MkdirTemp(shop.dir, "logs-")
	must(t, err)
	port := freePort()
	w := &watchdog{Stack: &stack.Stack{Ports: map[string]string{"watchdog": port}}, t: t, dir: dir, env: append([]string{
		"DOCKER_HOST=tcp://" + guard, "LOG_DIR=" + dir, "WATCHDOG_LISTEN=127.0.0.1:" + port, "LOG_LEVEL=INFO",
		"WATCHDOG_HEALTH_CHECK_INTERVAL=1s", "WATCHDOG_PROBE_TIMEOUT=1s", "WATCHDOG_FAILURE_THRESHOLD=2", "WATCHDOG_RESTART_DELAY=100ms",
	}, more...)}
	t.Cleanup(func() {
		if err := w.process.end(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			t.Logf("the watchdog's events:\n%s", w.transcript())
		}
	})
	return w
}

// start starts it and waits until it watches.
func (w *watchdog) start(args ...string) {
	w.t.Helper()
	w.launch(args...)
	must(w.t, stack.Poll(w.t.Context(), patience, func() error {
		st, err := w.Status(w.t.Context())
		if err == nil && !st.Docker.Connected {
			err = errors.New("the watchdog has no connection to the engine")
		}
		return err
	}))
}

// launch starts it and waits for nothing.
func (w *watchdog) launch(args ...string) {
	w.t.Helper()
	var err error
	w.process, err = launch(filepath.Join(w.dir, "output"), w.env, filepath.Join(shop.dir, "watchdog"), args...)
	must(w.t, err)
}

// cli runs one of its commands beside it, as a person does.
func (w *watchdog) cli(args ...string) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(shop.dir, "watchdog"), args...)
	cmd.Env = w.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("watchdog %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// events are those of the log that came after a moment; every line of it must be whole. What stands behind the last one is
// still being written.
func (w *watchdog) events(after time.Time, fits func(stack.LogLine) bool) []stack.LogLine {
	w.t.Helper()
	data, err := os.ReadFile(filepath.Join(w.dir, "watchdog.log"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		w.t.Fatal(err)
	}
	all, err := stack.ReadLog(bytes.NewReader(data[:bytes.LastIndexByte(data, '\n')+1]))
	must(w.t, err)
	var found []stack.LogLine
	for _, l := range all {
		if l.Time.After(after) && fits(l) {
			found = append(found, l)
		}
	}
	return found
}

// logged waits for an event that came after a moment.
func (w *watchdog) logged(after time.Time, what string, fits func(stack.LogLine) bool) stack.LogLine {
	w.t.Helper()
	var found []stack.LogLine
	err := stack.Poll(w.t.Context(), patience, func() error {
		if found = w.events(after, fits); len(found) == 0 {
			return fmt.Errorf("the watchdog has not said: %s", what)
		}
		return nil
	})
	must(w.t, err)
	return found[0]
}

// rounds waits until it has gone on working for d: whatever it wanted to do, it would have begun.
func (w *watchdog) rounds(d time.Duration) {
	w.t.Helper()
	must(w.t, w.Rounds(w.t.Context(), d))
}

// transcript is its log for people.
func (w *watchdog) transcript() string {
	data, err := os.ReadFile(filepath.Join(w.dir, "watchdog.log"))
	if err != nil {
		return err.Error()
	}
	return string(data)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
