package heal

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// engine is a Docker engine of our own, so that restarting it harms nobody.
type engine struct {
	dir     string
	process *process
}

// newEngine prepares one without any network of its own.
func newEngine(t *testing.T) *engine {
	if os.Geteuid() != 0 {
		t.Skip("*** NOT CHECKED: restarting an engine takes one of our own, and only root can start it ***")
	}
	if _, err := exec.LookPath("dockerd"); err != nil {
		t.Skip("*** NOT CHECKED: restarting an engine takes one of our own, and dockerd is not installed here ***")
	}
	dir, err := os.MkdirTemp("", prefix+"engine-") // short, as paths of sockets must be
	must(t, err)
	e := &engine{dir: dir}
	t.Cleanup(func() {
		if err := errors.Join(e.stop(), e.remove()); err != nil {
			t.Error(err)
		}
	})
	return e
}

func (e *engine) socket() string { return filepath.Join(e.dir, "docker.sock") }

// start starts it in a network namespace of its own: told to have no bridge, dockerd would remove the docker0 of the
// machine's engine.
func (e *engine) start(ctx context.Context) (err error) {
	e.process, err = launch(filepath.Join(e.dir, "log"), []string{"HOME=" + e.dir}, "unshare", "--net", "dockerd", "--data-root", filepath.Join(e.dir, "data"),
		"--exec-root", filepath.Join(e.dir, "exec"), "--pidfile", filepath.Join(e.dir, "pid"), "--host", "unix://"+e.socket(),
		"--bridge=none", "--iptables=false", "--ip6tables=false", "--containerd-namespace="+filepath.Base(e.dir), "--containerd-plugins-namespace="+filepath.Base(e.dir)+"-plugins")
	if err != nil {
		return err
	}
	return stack.Poll(ctx, patience, func() error {
		select {
		case <-e.process.ended:
			log, _ := os.ReadFile(filepath.Join(e.dir, "log"))
			return errors.New("dockerd ended:\n" + string(log[max(0, len(log)-2000):]))
		default:
		}
		_, err := stack.Docker(ctx, "-H", "unix://"+e.socket(), "version", "--format", "{{.Server.Version}}")
		return err
	})
}

// stop ends it as a shutdown of the machine does: every container is stopped with it.
func (e *engine) stop() error { return e.process.end(syscall.SIGTERM) }

// remove removes its files; the engine leaves network namespaces mounted.
func (e *engine) remove() error {
	mounts, err := os.ReadFile("/proc/self/mounts")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(mounts)) {
		if f := strings.Fields(line); len(f) > 1 && strings.HasPrefix(f[1], e.dir+"/") {
			_ = exec.Command("umount", "-l", f[1]).Run() // what is still mounted, the removal tells
		}
	}
	return os.RemoveAll(e.dir)
}

// engineRestarted: the engine signals everybody before it ends, as a person does with docker stop. What was up comes back,
// what a person had stopped before stays stopped.
func engineRestarted(t *testing.T) {
	e := newEngine(t)
	must(t, e.start(t.Context()))
	saved := filepath.Join(e.dir, "image.tar")
	_, err := stack.Docker(t.Context(), "save", "-o", saved, image)
	must(t, err)
	t.Setenv("DOCKER_HOST", "unix://"+e.socket()) // from here on docker is this one
	_, err = stack.Docker(t.Context(), "load", "-i", saved)
	must(t, err)
	g := &guard{address: "127.0.0.1:" + freePort(), socket: e.socket()}
	must(t, g.start(t.Context()))
	t.Cleanup(g.kill)

	l := &lab{watchdog: newWatchdog(t, g.address), t: t}
	l.start()
	ours, docker, stopped := l.run("ours", plain...), l.run("docker", append(plain, "--restart=always")...), l.run("stopped", plain...)
	l.docker("stop", "-t", "1", stopped.name)
	stopped.is("stopped")
	left := stopped.inspect()
	stopped.untouched(left) // a stop less than a second before would be taken for the engine's own

	before, at := docker.inspect(), time.Now()
	must(t, e.stop())
	l.logged(at, "that the engine cannot be reached", func(l stack.LogLine) bool { return l.Type == "docker_lost" })
	must(t, e.start(t.Context()))
	ours.healed(at)
	ours.once(at, "exited")
	must(t, stack.Poll(t.Context(), patience, func() error { return docker.isAnotherRun(before) }))
	if all := docker.restarts(at); len(all) > 0 {
		t.Errorf("%s was restarted by the watchdog: %v; Docker does that itself", docker.name, all)
	}
	stopped.untouched(left)
	stopped.is("stopped")
}
