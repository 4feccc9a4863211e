package docker

import (
	"context"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

func TestEngineRestart(t *testing.T) {
	l := newLab(t)
	id := l.make(box{cmd: deaf})
	target := l.name("")
	w := watch(t, Options{})
	run := w.running(target).Event.Seen.Instance
	began := time.Now()
	out := w.Restart(t.Context(), target, run, supervise.Restart{Attempt: 3, StopTimeout: time.Second})
	took := time.Since(began)
	if out.Err != "" || out.TimedOut || out.Attempt != 3 || out.StartedAt.Before(began) || out.EndedAt.Before(out.StartedAt) {
		t.Fatalf("outcome = %+v", out)
	}
	if took < time.Second || took > 8*time.Second {
		t.Errorf("took %v, want a bit more than the stop timeout of 1 s", took)
	}
	next := w.seen(target, "new run", func(o *supervise.Observation) bool { return !o.Instance.Same(run) }).Event.Seen
	if next.Instance.ID != id || next.Status != supervise.StatusRunning {
		t.Errorf("observation = %+v", next)
	}
	for _, n := range w.all(target, supervise.EventSignal) {
		if s := n.Event.Signal.SentAt; s.Before(out.StartedAt) || s.After(out.EndedAt) {
			t.Errorf("a signal of our own restart, %v, lies outside %v to %v", s, out.StartedAt, out.EndedAt)
		}
	}
	if out := w.Restart(t.Context(), target, run, supervise.Restart{StopTimeout: 0}); !strings.Contains(out.Err, "in the meantime") {
		t.Errorf("restart of a run that is over: %+v", out)
	}
	if out := w.Restart(t.Context(), target, next.Instance, supervise.Restart{StartOnly: true}); out.Err != "" {
		t.Errorf("start of a container that runs: %+v, want success", out)
	}
}

// TestEngineFrozen shows what a process that is stopped by SIGSTOP looks like: its port accepts, nobody answers, and only
// SIGKILL ends it.
func TestEngineFrozen(t *testing.T) {
	l := newLab(t)
	const server = `exec nc -ll -p 8000 -e sh -c 'while read -r l && [ ${#l} -gt 1 ]; do :; done; printf "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nall ok\n"'`
	id := l.make(box{cmd: server, network: container.NetworkMode(l.net()), labels: map[string]string{
		"watchdog.probe": "http://:8000/health#all ok", "watchdog.probe.timeout": "500ms",
	}})
	target := l.name("")
	w := watch(t, Options{})
	run := w.running(target).Event.Seen.Instance
	_, body := w.probeUntil(target, run, func(r supervise.ProbeResult) bool { return r.OK })
	if body != "all ok" {
		t.Errorf("body = %q", body)
	}
	l.freeze(id)
	r, _ := w.probeUntil(target, run, func(r supervise.ProbeResult) bool { return !r.OK && !r.Answered })
	if r.Unsure || r.Took > 2*time.Second || r.Error != "no answer within 500ms" {
		t.Errorf("probe of a frozen process: %+v", r)
	}
	began := time.Now()
	if out := w.Restart(t.Context(), target, run, supervise.Restart{StopTimeout: time.Second, Hung: true}); out.Err != "" || out.TimedOut {
		t.Fatalf("outcome = %+v", out)
	}
	next := w.seen(target, "new run", func(o *supervise.Observation) bool { return !o.Instance.Same(run) }).Event.Seen.Instance
	w.probeUntil(target, next, func(r supervise.ProbeResult) bool { return r.OK })
	t.Logf("frozen, restarted and answering again after %v", time.Since(began).Round(time.Millisecond))
}

// TestEngineCutDuringRestart cuts the connection while a restart is under way: the engine finishes it, nothing is sent twice.
func TestEngineCutDuringRestart(t *testing.T) {
	l := newLab(t)
	l.make(box{cmd: deaf})
	target := l.name("")
	p := newProxy(t)
	w := watch(t, Options{Host: p.host()})
	run := w.running(target).Event.Seen.Instance
	done := make(chan supervise.Outcome, 1)
	go func() {
		done <- w.Restart(context.Background(), target, run, supervise.Restart{Attempt: 1, StopTimeout: 3 * time.Second})
	}()
	w.kind(supervise.EventSignal, target) // the engine has begun
	p.cut()
	out := <-done
	if !out.TimedOut || out.Err != "" {
		t.Errorf("outcome = %+v, want that nobody knows yet", out)
	}
	w.connection(false)
	w.connection(true)
	w.seen(target, "new run", func(o *supervise.Observation) bool {
		return !o.Instance.Same(run) && o.Status == supervise.StatusRunning
	})
	if n := p.count("/restart"); n != 1 {
		t.Errorf("the restart was sent %d times", n)
	}
}

// freeze stops every process of a container, as the main one is a shell that has others work for it.
func (l *lab) freeze(id string) {
	l.t.Helper()
	res, err := l.cli.ContainerTop(l.t.Context(), id, topPIDs)
	l.must(err)
	for _, row := range res.Processes {
		pid := atoi(l.t, row[0])
		l.must(syscall.Kill(pid, syscall.SIGSTOP))
	}
}
