package heal

import (
	"fmt"
	"os"
	"syscall"
	"testing"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// crash: the process is killed past the engine, three times in a row. The first restart is immediate, the next wait.
func crash(t *testing.T) {
	p := newLab(t).run("crash", plain...)
	for i := range 3 {
		at := p.signal(syscall.SIGKILL)
		after := p.healed(at)
		line := p.once(at, "exited")
		if line.ExitCode == nil || *line.ExitCode != 137 || line.Incident == "" {
			t.Errorf("the restart does not tell exit code and incident: %+v", line)
		}
		p.tabulate(fmt.Sprintf("crash, kill -9, number %d", i+1), at, after)
	}
	must(t, stack.Poll(t.Context(), patience, func() error { return p.hasBudget(3) }))
}

// outOfMemory: the kernel ends the process, which is told apart from a crash.
func outOfMemory(t *testing.T) {
	p := newLab(t).run("oom", append(plain, "--memory=32m", "--memory-swap=32m")...)
	at := p.order("oom")
	p.logged(at, "out of memory", func(l stack.LogLine) bool { return l.Type == "restart" && l.Reason == "oom" })
	p.revoke("oom")
	p.healed(at)
	for _, line := range p.restarts(at) {
		if line.Reason != "oom" {
			t.Errorf("a restart for %s: %+v", line.Reason, line)
		}
	}
}

// killedByPerson: docker kill tells of somebody's will by the event before the end.
func killedByPerson(t *testing.T) { leftAlone(t, "kill", "137") }

func stoppedByPerson(t *testing.T) { leftAlone(t, "stop", "0") }

func leftAlone(t *testing.T, verb, exitCode string) {
	p := newLab(t).run(verb, plain...)
	p.docker(verb, p.name)
	p.is("stopped")
	ended := p.inspect()
	if got := fmt.Sprint(ended.State.ExitCode); got != exitCode {
		t.Errorf("exit code %s, want %s", got, exitCode)
	}
	p.untouched(ended)

	p.docker("start", p.name) // looked after again
	p.is("up")
	at := p.signal(syscall.SIGKILL)
	p.healed(at)
	p.once(at, "exited")
}

// pausedByPerson: a paused container answers nothing, and a restart would wake it.
func pausedByPerson(t *testing.T) {
	p := newLab(t).run("pause") // with Docker's health check
	before := p.inspect()
	p.docker("pause", p.name)
	p.is("paused")
	p.untouched(p.inspect())
	p.docker("unpause", p.name)
	p.is("up")
	if c := p.inspect(); !c.State.StartedAt.Equal(before.State.StartedAt) {
		t.Error("it was restarted")
	}
}

// startError: the source of a mount is gone, so that the engine gives up at its first try, whatever its restart policy
// says, and does not come back when the source does.
func startError(t *testing.T) {
	l := newLab(t)
	source := l.state()
	p := l.run("start-error", append(plain, "--restart=always", "--mount", "type=bind,src="+source+",dst=/data")...)
	must(t, os.Remove(source))
	at := p.signal(syscall.SIGKILL)
	failed := p.logged(at, "a restart that fails", func(l stack.LogLine) bool { return l.Type == "restart_failed" })
	if failed.Detail == "" {
		t.Errorf("nobody is told why: %+v", failed)
	}
	must(t, os.Mkdir(source, 0o755))
	p.healed(at)
	for _, line := range p.restarts(at) {
		if line.Reason != "start_error" {
			t.Errorf("a restart for %s: %+v", line.Reason, line)
		}
	}
}
