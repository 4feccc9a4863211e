package docker

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

func TestEngineCrashHasNoSignal(t *testing.T) {
	l := newLab(t)
	id := l.make(box{})
	target := l.name("")
	w := watch(t, Options{})
	c := w.connection(true)
	if c.APIVersion == "" || c.ServerVersion == "" {
		t.Errorf("connection = %+v, want both versions", c)
	}
	n := w.running(target)
	if n.Info == nil || n.Info.ContainerID != id || n.Info.Name != target || n.Info.Image != testImage {
		t.Errorf("info = %+v", n.Info)
	}
	if n.Event.Seen.Policy != supervise.DefaultPolicy() {
		t.Errorf("policy = %+v, want the default", n.Event.Seen.Policy)
	}
	killed := time.Now()
	l.signalProcess(id, syscall.SIGKILL)
	o := w.exited(target).Event.Seen
	t.Logf("kill -9 to notice: %v", time.Since(killed).Round(time.Millisecond))
	if o.ExitCode != 137 || o.OOMKilled || o.Error != "" || o.Instance != n.Event.Seen.Instance || o.FinishedAt.Before(killed) {
		t.Errorf("observation = %+v", o)
	}
	if s := w.all(target, supervise.EventSignal); len(s) > 0 {
		t.Errorf("a crash was told as a signal: %+v", s)
	}
}

func TestEngineStopAndKillAreSignalsBeforeTheEnd(t *testing.T) {
	for _, how := range []string{"stop", "kill", "stop after its grace", "own stop signal"} {
		t.Run(how, func(t *testing.T) {
			l := newLab(t)
			b := box{policy: "always"}
			switch how {
			case "stop after its grace":
				b.cmd = deaf
			case "own stop signal":
				b.cmd, b.signal = "trap 'exit 0' USR1; while :; do sleep 1 & wait $!; done", "SIGUSR1"
			}
			id := l.make(b)
			target := l.name("")
			w := watch(t, Options{})
			w.running(target)
			switch how {
			case "kill":
				l.kill(id, "KILL")
			default:
				l.stop(id, 1)
			}
			s := w.kind(supervise.EventSignal, target).Event
			o := w.exited(target).Event.Seen
			if s.Signal.InstanceID != id || !s.Signal.SentAt.Before(o.FinishedAt.Add(time.Second)) || s.Signal.SentAt.Before(o.Instance.StartedAt) {
				t.Errorf("signal %+v does not fit %+v", s.Signal, o)
			}
			for _, n := range w.all(target, supervise.EventSeen) {
				if n.Event.Seen.Status == supervise.StatusExited && n.Event.At.Before(s.At) {
					t.Error("the end was told before the signal")
				}
			}
		})
	}
}

func TestEngineReloadSignalIsNoStop(t *testing.T) {
	l := newLab(t)
	id := l.make(box{cmd: "trap 'touch /reloaded' HUP; " + obedient, health: "test -e /reloaded"})
	target := l.name("")
	w := watch(t, Options{})
	w.running(target)
	l.kill(id, "HUP")
	w.seen(target, "healthy", func(o *supervise.Observation) bool { return o.Health == supervise.HealthHealthy })
	if s := w.all(target, supervise.EventSignal); len(s) > 0 {
		t.Errorf("HUP was told as a signal that ends: %+v", s)
	}
}

func TestEngineOOM(t *testing.T) {
	l := newLab(t)
	// tail keeps the only line that /dev/zero will ever give it, and grows until it is killed. Not before it is told to: of a
	// process that dies while it is being started the engine may miss the reason.
	id := l.make(box{memory: 16 << 20, cmd: "until test -e /eat; do sleep 0.05; done; exec tail -n 1 /dev/zero"})
	target := l.name("")
	w := watch(t, Options{})
	w.running(target)
	l.exec(id, "touch /eat")
	o := w.exited(target).Event.Seen
	if !o.OOMKilled || o.ExitCode != 137 {
		t.Errorf("observation = %+v, want OOMKilled and 137", o)
	}
}

func TestEnginePause(t *testing.T) {
	l := newLab(t)
	id := l.make(box{})
	target := l.name("")
	w := watch(t, Options{})
	run := w.running(target).Event.Seen.Instance
	_, err := l.cli.ContainerPause(t.Context(), id, client.ContainerPauseOptions{})
	l.must(err)
	o := w.seen(target, "paused", func(o *supervise.Observation) bool { return o.Status == supervise.StatusPaused }).Event.Seen
	if !o.Instance.Same(run) {
		t.Errorf("a pause made a new run: %+v", o.Instance)
	}
	if out := w.Restart(t.Context(), target, run, supervise.Restart{StopTimeout: 0}); !strings.Contains(out.Err, "paused") {
		t.Errorf("restart of a paused container: %+v", out)
	}
	_, err = l.cli.ContainerUnpause(t.Context(), id, client.ContainerUnpauseOptions{})
	l.must(err)
	w.running(target)
}

func TestEngineUnhealthyAndEvidence(t *testing.T) {
	l := newLab(t)
	id := l.make(box{health: "echo checking; test ! -e /bad"})
	target := l.name("")
	w := watch(t, Options{})
	w.seen(target, "healthy", func(o *supervise.Observation) bool { return o.Health == supervise.HealthHealthy })
	l.exec(id, "touch /bad")
	w.seen(target, "unhealthy", func(o *supervise.Observation) bool {
		return o.Health == supervise.HealthUnhealthy && o.Status == supervise.StatusRunning
	})
	ev := w.Evidence(t.Context(), id, time.Time{})
	if len(ev.Errors) > 0 || len(ev.Health) == 0 {
		t.Fatalf("evidence = %+v", ev)
	}
	if last := ev.Health[len(ev.Health)-1]; last.ExitCode != 1 || last.Output != "checking" {
		t.Errorf("last health output = %+v", last)
	}
	if ev.Usage == nil || ev.Usage.MemoryBytes == 0 {
		t.Errorf("usage = %+v, want that of now", ev.Usage)
	}
}

func TestEngineStartErrorIsFoundByResync(t *testing.T) {
	l := newLab(t)
	dir := t.TempDir() + "/source"
	id := l.make(box{policy: "always", bind: makeDir(t, dir), cmd: "sleep 2; exit 3"})
	target := l.name("")
	w := watch(t, Options{Resync: 500 * time.Millisecond})
	w.running(target)
	removeDir(t, dir)
	o := w.seen(target, "given up by the engine", func(o *supervise.Observation) bool { return o.Error != "" }).Event.Seen
	if o.Status != supervise.StatusExited || !strings.Contains(o.Error, "source") {
		t.Errorf("observation = %+v", o)
	}
	out := w.Restart(t.Context(), target, o.Instance, supervise.Restart{Attempt: 7, StartOnly: true})
	if out.Err == "" || out.TimedOut || out.Attempt != 7 {
		t.Errorf("outcome = %+v, want the engine's error", out)
	}
	makeDir(t, dir)
	if out := w.Restart(t.Context(), target, o.Instance, supervise.Restart{Attempt: 8, StartOnly: true}); out.Err != "" || out.TimedOut {
		t.Errorf("outcome = %+v, want success", out)
	}
	if got := w.running(target); got.Event.Seen.Instance.ID != id || got.Event.Seen.Instance.Same(o.Instance) {
		t.Errorf("instance = %+v, want a new run", got.Event.Seen.Instance)
	}
}
