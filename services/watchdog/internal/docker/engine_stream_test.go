package docker

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

func TestEngineStreamCutAndResync(t *testing.T) {
	l := newLab(t)
	crashed, stopped := l.make(box{name: "crashed"}), l.make(box{name: "stopped"})
	removed := l.make(box{name: "removed"})
	p := newProxy(t)
	w := watch(t, Options{Host: p.host()})
	for _, name := range []string{"crashed", "stopped", "removed"} {
		w.running(l.name(name))
		w.rewind()
	}
	p.refuse()
	if c := w.connection(false); c.Error == "" {
		t.Error("the loss is told without a reason")
	}
	l.signalProcess(crashed, syscall.SIGKILL)
	l.kill(stopped, "KILL")
	l.remove(removed)
	l.make(box{name: "new"})
	began := time.Now()
	p.accept()
	w.connection(true)
	t.Logf("engine back to connected: %v", time.Since(began).Round(time.Millisecond))
	w.kind(supervise.EventSignal, l.name("stopped"))
	w.exited(l.name("stopped"))
	w.rewind()
	w.exited(l.name("crashed"))
	w.rewind()
	w.kind(supervise.EventGone, l.name("removed"))
	w.rewind()
	w.running(l.name("new"))
	if s := w.all(l.name("crashed"), supervise.EventSignal); len(s) > 0 {
		t.Errorf("a crash during the gap was told as a signal: %+v", s)
	}
}

func TestEngineUnreachableThenThere(t *testing.T) {
	l := newLab(t)
	l.make(box{})
	p := newProxy(t)
	p.refuse()
	w := watch(t, Options{Host: p.host()})
	if c := w.connection(false); !strings.Contains(c.Error, p.host()) {
		t.Errorf("error = %q, want one that names the host", c.Error)
	}
	if out := w.Restart(t.Context(), l.name(""), supervise.Instance{ID: "x"}, supervise.Restart{}); out.Err == "" || out.TimedOut {
		t.Errorf("restart without an engine: %+v", out)
	}
	p.accept()
	w.running(l.name(""))
}

// TestEngineStopWhileNobodyWatched stops one container on purpose and crashes another before the driver is there.
func TestEngineStopWhileNobodyWatched(t *testing.T) {
	l := newLab(t)
	stopped, crashed, back := l.make(box{name: "stopped"}), l.make(box{name: "crashed"}), l.make(box{name: "back"})
	since := time.Now()
	l.stop(stopped, 1)
	l.stop(back, 1)
	l.start(back)
	l.signalProcess(crashed, syscall.SIGKILL)
	w := watch(t, Options{Since: since})
	w.kind(supervise.EventSignal, l.name("stopped"))
	w.exited(l.name("stopped"))
	w.rewind()
	w.exited(l.name("crashed"))
	w.rewind()
	w.running(l.name("back"))
	for _, name := range []string{"crashed", "back"} {
		if s := w.all(l.name(name), supervise.EventSignal); len(s) > 0 {
			t.Errorf("%s was told to be signalled: %+v", name, s)
		}
	}
}
