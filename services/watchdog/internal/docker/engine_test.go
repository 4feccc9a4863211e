package docker

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/mount"
	"github.com/moby/moby/client"
	"go.uber.org/goleak"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// The tests in files named engine_* talk to a real engine: DOCKER_HOST, or the local socket. They fail when there is none,
// since what they show cannot be shown otherwise; `go test -short` leaves them out.

const testImage = "busybox:1.37.0"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// testLabel makes a container a target of the drivers of these tests only, so that another watchdog that works on the same
// engine does not heal what the tests break. A guard knows no such label.
var testLabel = map[bool]string{true: "upkeep-drv.enable", false: labelEnable}[os.Getenv("UPKEEP_GUARD") == ""]

// patient bounds every wait for something that the engine does.
const patient = 30 * time.Second

// engineHost is the engine in which the tests make containers.
func engineHost() string { return cmp.Or(os.Getenv("DOCKER_HOST"), DefaultHost) }

// driverHost is where the driver finds it: UPKEEP_GUARD names a guard in front of it.
func driverHost() string { return cmp.Or(os.Getenv("UPKEEP_GUARD"), engineHost()) }

// lab is a real engine in which a test makes containers.
type lab struct {
	t   *testing.T
	cli *client.Client
	tag string // part of every name, so that tests do not meet
}

func newLab(t *testing.T) *lab {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a Docker engine, which -short leaves out")
	}
	cli, err := client.New(client.WithHost(engineHost()))
	if err != nil {
		t.Fatalf("docker host %s: %v", engineHost(), err)
	}
	if _, err := cli.Ping(t.Context(), client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		t.Fatalf("no Docker engine answers at %s, start one or run go test -short: %v", engineHost(), err)
	}
	if _, err := cli.ImageInspect(t.Context(), testImage); err != nil {
		t.Fatalf("the image %s is missing, get it with docker pull %s: %v", testImage, testImage, err)
	}
	t.Cleanup(func() { cli.Close() })
	return &lab{t: t, cli: cli, tag: fmt.Sprintf("upkeep-drv-%06x", rand.N(1<<24))}
}

// box describes a container. The zero value is a target that sleeps and ends at once when told to.
type box struct {
	name    string // its last part
	rename  string // all of it
	cmd     string // for sh
	labels  map[string]string
	health  string // command of the health check, run every second, two failures
	policy  container.RestartPolicyMode
	memory  int64
	network container.NetworkMode
	bind    string // host directory mounted at /data, which must exist
	tty     bool
	signal  string // its stop signal
	stopped bool   // created, not started
}

// deaf ends only by SIGKILL, obedient at once.
const deaf = "trap '' TERM; while :; do sleep 1; done"

const obedient = "trap 'exit 0' TERM; while :; do sleep 1 & wait $!; done"

// make makes a container, and removes it when the test ends.
func (l *lab) make(b box) (id string) {
	l.t.Helper()
	labels := map[string]string{testLabel: "true"}
	for k, v := range b.labels {
		labels[k] = v
	}
	cfg := &container.Config{Image: testImage, Cmd: []string{"sh", "-c", cmp.Or(b.cmd, obedient)}, Labels: labels, Tty: b.tty, StopSignal: b.signal}
	if b.health != "" {
		cfg.Healthcheck = &container.HealthConfig{
			Test: []string{"CMD-SHELL", b.health}, Interval: time.Second, Timeout: 5 * time.Second, Retries: 2,
		}
	}
	host := &container.HostConfig{
		NetworkMode: cmp.Or(b.network, "none"), RestartPolicy: container.RestartPolicy{Name: cmp.Or(b.policy, "no")},
	}
	if b.bind != "" {
		host.Mounts = []mount.Mount{{Type: mount.TypeBind, Source: b.bind, Target: "/data"}}
	}
	host.Memory, host.MemorySwap = b.memory, b.memory
	name := l.name(b.name)
	if b.rename != "" {
		name = b.rename
	}
	res, err := l.cli.ContainerCreate(l.t.Context(), client.ContainerCreateOptions{Name: name, Config: cfg, HostConfig: host})
	l.must(err)
	l.t.Cleanup(func() { l.remove(res.ID) })
	if !b.stopped {
		l.start(res.ID)
	}
	return res.ID
}

func (l *lab) name(s string) string { return strings.TrimSuffix(l.tag+"-"+s, "-") }

func (l *lab) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *lab) start(id string) {
	l.t.Helper()
	_, err := l.cli.ContainerStart(l.t.Context(), id, client.ContainerStartOptions{})
	l.must(err)
}

func (l *lab) stop(id string, seconds int) {
	l.t.Helper()
	_, err := l.cli.ContainerStop(l.t.Context(), id, client.ContainerStopOptions{Timeout: &seconds})
	l.must(err)
}

func (l *lab) kill(id, signal string) {
	l.t.Helper()
	_, err := l.cli.ContainerKill(l.t.Context(), id, client.ContainerKillOptions{Signal: signal})
	l.must(err)
}

// remove works when the test's context is over, too.
func (l *lab) remove(id string) {
	ctx, cancel := context.WithTimeout(context.Background(), patient)
	defer cancel()
	_, _ = l.cli.ContainerUnpause(ctx, id, client.ContainerUnpauseOptions{})
	_, _ = l.cli.ContainerRemove(ctx, id, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
}

func (l *lab) inspect(id string) container.InspectResponse {
	l.t.Helper()
	res, err := l.cli.ContainerInspect(l.t.Context(), id, client.ContainerInspectOptions{})
	l.must(err)
	return res.Container
}

// signalProcess sends a signal to the main process past the engine, as the kernel or a bug would.
func (l *lab) signalProcess(id string, sig syscall.Signal) {
	l.t.Helper()
	if err := syscall.Kill(l.inspect(id).State.Pid, sig); err != nil {
		l.t.Fatalf("this test kills a process of a container and must run as root on the engine's host: %v", err)
	}
}

// watching is a driver at work, with all that it told.
type watching struct {
	*Driver
	t      *testing.T
	mu     sync.Mutex
	told   []observe.Notice
	news   chan struct{}
	cursor int // waits go on behind what the last one found
	stop   context.CancelFunc
	ended  chan struct{}
}

// watch starts a driver.
func watch(t *testing.T, opts Options) *watching {
	t.Helper()
	opts.Host = cmp.Or(opts.Host, driverHost())
	if testing.Verbose() {
		opts.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	d, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("UPKEEP_GUARD") == "" {
		d.reg.selects = func(labels map[string]string) bool { return labels[testLabel] != "" || selected(labels) }
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &watching{Driver: d, t: t, news: make(chan struct{}, 1), stop: cancel, ended: make(chan struct{})}
	out := make(chan observe.Notice)
	go func() {
		defer close(w.ended)
		if err := d.Run(ctx, out); err != nil {
			t.Errorf("Run ended with %v", err)
		}
	}()
	go func() {
		for {
			select {
			case n := <-out:
				w.mu.Lock()
				w.told = append(w.told, n)
				w.mu.Unlock()
				select {
				case w.news <- struct{}{}:
				default:
				}
			case <-w.ended:
				return
			}
		}
	}()
	t.Cleanup(w.end)
	return w
}

// end stops the driver and waits for it.
func (w *watching) end() {
	w.stop()
	select {
	case <-w.ended:
	case <-time.After(patient):
		w.t.Error("Run does not end")
	}
}

// wait returns the next notice that fits, behind the one that the last wait returned.
func (w *watching) wait(what string, fits func(observe.Notice) bool) observe.Notice {
	w.t.Helper()
	deadline := time.After(patient)
	for {
		w.mu.Lock()
		for w.cursor < len(w.told) {
			n := w.told[w.cursor]
			w.cursor++
			if fits(n) {
				w.mu.Unlock()
				return n
			}
		}
		w.mu.Unlock()
		select {
		case <-w.news:
		case <-deadline:
			w.t.Fatalf("never told: %s; told were\n%s", what, w.transcript())
		}
	}
}

// seen waits for a look at a target that fits.
func (w *watching) seen(target, what string, fits func(*supervise.Observation) bool) observe.Notice {
	w.t.Helper()
	return w.wait(target+" "+what, func(n observe.Notice) bool {
		return n.Event.Kind == supervise.EventSeen && n.Event.Target == target && fits(n.Event.Seen)
	})
}

func (w *watching) running(target string) observe.Notice {
	w.t.Helper()
	return w.seen(target, "running", func(o *supervise.Observation) bool { return o.Status == supervise.StatusRunning })
}

func (w *watching) exited(target string) observe.Notice {
	w.t.Helper()
	return w.seen(target, "exited", func(o *supervise.Observation) bool { return o.Status == supervise.StatusExited })
}

func (w *watching) kind(k supervise.EventKind, target string) observe.Notice {
	w.t.Helper()
	return w.wait(fmt.Sprintf("event %d of %q", k, target), func(n observe.Notice) bool {
		return n.Event.Kind == k && n.Event.Target == target
	})
}

func (w *watching) connection(connected bool) observe.Connection {
	w.t.Helper()
	return *w.wait(fmt.Sprintf("connected=%v", connected), func(n observe.Notice) bool {
		return n.Connection != nil && n.Connection.Connected == connected
	}).Connection
}

// all returns what was told of a target so far.
func (w *watching) all(target string, k supervise.EventKind) (list []observe.Notice) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range w.told {
		if n.Event.Kind == k && n.Event.Target == target {
			list = append(list, n)
		}
	}
	return list
}

func (w *watching) transcript() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var b strings.Builder
	for _, n := range w.told {
		if n.Event.Target != "" && !strings.HasPrefix(n.Event.Target, "upkeep-drv-") {
			continue // somebody else's
		}
		switch o := n.Event.Seen; {
		case n.Connection != nil:
			fmt.Fprintf(&b, "connection %+v\n", *n.Connection)
		case o != nil:
			fmt.Fprintf(&b, "%s seen %s health=%s exit=%d oom=%v err=%q\n", n.Event.Target, o.Status, o.Health, o.ExitCode, o.OOMKilled, o.Error)
		default:
			fmt.Fprintf(&b, "%s event %d %v\n", n.Event.Target, n.Event.Kind, n.Event.Signal)
		}
	}
	return b.String()
}
