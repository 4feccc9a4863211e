package heal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// lab is one scenario: a watchdog of its own, and the containers that it looks after.
type lab struct {
	*watchdog
	t *testing.T
}

// newLab starts a watchdog with more settings of its environment.
func newLab(t *testing.T, settings ...string) *lab {
	t.Helper()
	l := &lab{watchdog: newWatchdog(t, shop.guard, settings...), t: t}
	l.start()
	return l
}

// patient is a container that runs the program of that name. What is put into its state folder it obeys.
type patient struct {
	*lab
	name   string // of the container
	target string // as the watchdog names it
	state  string
}

// plain are the arguments of docker run for a target without a health check.
var plain = []string{"--no-healthcheck"}

// run runs a container and waits until the watchdog says that it is up.
func (l *lab) run(name string, args ...string) *patient {
	l.t.Helper()
	p := l.create(name, args...)
	p.is("up")
	return p
}

// create runs a container, which is removed when the scenario ends.
func (l *lab) create(name string, args ...string) *patient {
	l.t.Helper()
	p := &patient{lab: l, name: prefix + name, target: prefix + name, state: l.state()}
	all := []string{"run", "-d", "--name", p.name, "--label", "watchdog.enable=true", "-v", p.state + ":/state:ro"}
	if !strings.Contains(strings.Join(args, " "), "--network") {
		all = append(all, "--network", "none")
	}
	l.t.Cleanup(func() { l.clean("rm", "-f", "-v", p.name) })
	l.docker(append(append(all, args...), image)...)
	return p
}

// state makes a folder for a container's orders.
func (l *lab) state() string {
	dir, err := os.MkdirTemp(shop.dir, "state-")
	must(l.t, err)
	must(l.t, os.Chmod(dir, 0o755)) // for whoever the container runs as
	return dir
}

func (l *lab) docker(args ...string) string {
	l.t.Helper()
	out, err := stack.Docker(l.t.Context(), args...)
	must(l.t, err)
	return out
}

// clean runs docker after the scenario, when its context is over.
func (l *lab) clean(args ...string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if _, err := stack.Docker(ctx, args...); err != nil && !strings.Contains(err.Error(), "No such container") {
		l.t.Error(err)
	}
}

// is waits until the watchdog says that the target is in a state.
func (p *patient) is(state string) stack.TargetStatus {
	p.t.Helper()
	st, err := p.WaitState(p.t.Context(), p.target, state, patience)
	must(p.t, err)
	return st
}

// isContainer, isGone, hasStatus and isAnotherRun are errors until it is so, for stack.Poll.
func (p *patient) isContainer(id string) error {
	st, err := p.TargetStatus(p.t.Context(), p.target)
	if err == nil && (st.ContainerID != id || st.State != "up") {
		err = fmt.Errorf("%s is %s in container %.12s, want up in %.12s", p.target, st.State, st.ContainerID, id)
	}
	return err
}

func (p *patient) isGone() error {
	if st, err := p.TargetStatus(p.t.Context(), p.target); err == nil && st.State != "gone" {
		return fmt.Errorf("%s is %s, want it gone", p.target, st.State)
	}
	return nil
}

func (p *patient) hasStatus(want string) error {
	if c := p.inspect(); c.State.Status != want {
		return fmt.Errorf("%s is %s, want %s", p.name, c.State.Status, want)
	}
	return nil
}

func (p *patient) isAnotherRun(before stack.Container) error {
	st, err := p.TargetStatus(p.t.Context(), p.target)
	if c := p.inspect(); err == nil && (st.State != "up" || !c.State.StartedAt.After(before.State.StartedAt)) {
		err = fmt.Errorf("%s is %s since %s, want another run that is up", p.target, st.State, c.State.StartedAt)
	}
	return err
}

func (p *patient) inspect() stack.Container {
	p.t.Helper()
	c, err := stack.Inspect(p.t.Context(), p.name)
	must(p.t, err)
	return c
}

// order has the program do something: crash, bad, oom.
func (p *patient) order(what string) time.Time {
	p.t.Helper()
	at := time.Now()
	must(p.t, os.WriteFile(filepath.Join(p.state, what), nil, 0o600))
	return at
}

// revoke takes an order back.
func (p *patient) revoke(what string) time.Time {
	p.t.Helper()
	must(p.t, os.Remove(filepath.Join(p.state, what)))
	return time.Now()
}

// signal signals the container's main process past the engine, as the kernel or a bug would.
func (p *patient) signal(sig syscall.Signal) time.Time {
	p.t.Helper()
	return strike(p.t, p.inspect(), sig)
}

func strike(t *testing.T, c stack.Container, sig syscall.Signal) time.Time {
	t.Helper()
	if c.State.Pid == 0 {
		t.Fatalf("%s does not run: %s", c.Name, c.State.Status)
	}
	at := time.Now()
	err := syscall.Kill(c.State.Pid, sig)
	if errors.Is(err, syscall.EPERM) { // not root: a container may
		at = time.Now()
		_, err = stack.Docker(t.Context(), "run", "--rm", "--pid=host", "--network=none", "--user=0", "--no-healthcheck",
			image, "kill", strconv.Itoa(int(sig)), strconv.Itoa(c.State.Pid))
	}
	must(t, err)
	return at
}

// healed waits until the watchdog says that the target has recovered from what was done to it, and looks whether the engine
// runs another process.
func (p *patient) healed(fault time.Time) stack.Container {
	p.t.Helper()
	p.logged(fault, p.target+" has recovered", func(l stack.LogLine) bool { return l.Type == "recovered" && l.Target == p.target })
	c := p.inspect()
	if c.State.Status != "running" || !c.State.StartedAt.After(fault) {
		p.t.Fatalf("%s is %s since %s, want another run", p.name, c.State.Status, c.State.StartedAt)
	}
	p.is("up")
	return c
}

// untouched makes sure that the watchdog leaves it alone: two rounds later it still stands as it did.
func (p *patient) untouched(before stack.Container) {
	p.t.Helper()
	p.rounds(2500 * time.Millisecond)
	if c := p.inspect(); c.ID != before.ID || c.State.Status != before.State.Status || !c.State.StartedAt.Equal(before.State.StartedAt) {
		p.t.Errorf("%s is %s since %s, want it left as it was: %s since %s", p.name, c.State.Status, c.State.StartedAt,
			before.State.Status, before.State.StartedAt)
	}
}

// restartOf picks the restarts of a target out of the events.
func restartOf(target string) func(stack.LogLine) bool {
	return func(l stack.LogLine) bool { return l.Type == "restart" && l.Target == target }
}

// restarts are the restarts of the target that the watchdog says it began after a moment.
func (p *patient) restarts(after time.Time) []stack.LogLine {
	p.t.Helper()
	return p.events(after, restartOf(p.target))
}

// once makes sure that exactly one restart was begun after a moment, and why.
func (p *patient) once(after time.Time, reason string) stack.LogLine {
	p.t.Helper()
	all := p.restarts(after)
	if len(all) != 1 || all[0].Reason != reason {
		p.t.Fatalf("%s: restarts %+v, want one for %q", p.target, all, reason)
	}
	return all[0]
}

// follow counts what the engine does with the container.
func (p *patient) follow() *stack.Events {
	p.t.Helper()
	ev, err := stack.Follow(p.t.Context(), p.name)
	must(p.t, err)
	p.t.Cleanup(ev.Stop)
	return ev
}

// hasBudget is an error until so many restarts count, for stack.Poll.
func (p *patient) hasBudget(spent int) error {
	st, err := p.TargetStatus(p.t.Context(), p.target)
	if err == nil && st.Restarts.InWindow != spent {
		err = fmt.Errorf("%d restarts of %s count, want %d", st.Restarts.InWindow, p.target, spent)
	}
	return err
}
