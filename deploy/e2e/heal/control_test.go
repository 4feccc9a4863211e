package heal

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// dryRun: it decides and reports, and touches nothing.
func dryRun(t *testing.T) {
	l := &lab{watchdog: newWatchdog(t, shop.guard), t: t}
	l.start("--dry-run")
	p := l.run("dry", plain...)
	engine := p.follow()
	at := p.signal(syscall.SIGKILL)
	line := p.logged(at, "what it would do", func(l stack.LogLine) bool { return l.Type == "restart" && l.Target == p.target })
	if line.Reason != "exited" || !strings.Contains(line.Detail, "dry run") {
		t.Errorf("the log says %+v", line)
	}
	p.untouched(p.inspect())
	if c := p.inspect(); c.State.Status != "exited" || engine.Count("start") != 1 {
		t.Errorf("the container is %s after %d starts", c.State.Status, engine.Count("start"))
	}
}

// commands: what a person asks for through the control socket.
func commands(t *testing.T) {
	p := newLab(t).run("commands", plain...)
	p.cli("pause", p.target, "--for", "1h")
	p.is("paused")
	at := p.signal(syscall.SIGKILL)
	must(t, stack.Poll(t.Context(), patience, func() error { return p.hasStatus("exited") }))
	p.untouched(p.inspect())
	p.cli("resume", p.target)
	p.healed(at)
	p.once(at, "exited")
	must(t, stack.Poll(t.Context(), patience, func() error { return p.hasBudget(1) }))

	at = time.Now()
	p.cli("restart", p.target)
	p.logged(at, "that the restart is done", func(l stack.LogLine) bool { return l.Type == "restart_done" && l.Target == p.target })
	p.is("up")
	if c := p.inspect(); !c.State.StartedAt.After(at) {
		t.Error("watchdog restart restarted nothing")
	}
	p.once(at, "requested")
	must(t, p.hasBudget(1)) // asking for one spends none

	p.cli("reset", "--all")
	must(t, stack.Poll(t.Context(), patience, func() error { return p.hasBudget(0) }))
	for command, want := range map[string]string{"status": p.target, "events": "requested", "incidents": p.target} {
		if out := p.cli(command); !strings.Contains(out, want) {
			t.Errorf("watchdog %s does not mention %s:\n%s", command, want, out)
		}
	}
}
