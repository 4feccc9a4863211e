package docker

import (
	"slices"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// compose returns the labels that Compose gives a container, and more of them.
func (l *lab) compose(service, number string, more ...string) map[string]string {
	m := map[string]string{
		composeProject: l.tag, composeService: service, composeNumber: number, composeOneoff: "False", composeConfigHash: "c0ffee",
	}
	for i := 0; i+1 < len(more); i += 2 {
		m[more[i]] = more[i+1]
	}
	return m
}

// TestEngineRecreate goes through the steps of `docker compose up` after a change: a replacement under a temporary name,
// stop and removal of the old container, the proper name for the new one, start.
func TestEngineRecreate(t *testing.T) {
	l := newLab(t)
	old := l.make(box{name: "api-1", labels: l.compose("api", "1")})
	target := l.tag + "-api-1"
	w := watch(t, Options{})
	first := w.running(target)
	if first.Info.Project != l.tag || first.Info.Service != "api" {
		t.Errorf("info = %+v", first.Info)
	}
	next := l.make(box{rename: old[:12] + "_" + target, stopped: true, labels: l.compose("api", "1", composeReplace, "api-1", composeConfigHash, "decaf")})
	l.stop(old, 1)
	if s := w.kind(supervise.EventSignal, target).Event.Signal; s.InstanceID != old {
		t.Errorf("signal of %s, want that of the old container", s.InstanceID)
	}
	w.exited(target)
	_, err := l.cli.ContainerRemove(t.Context(), old, client.ContainerRemoveOptions{})
	l.must(err)
	_, err = l.cli.ContainerRename(t.Context(), next, client.ContainerRenameOptions{NewName: target})
	l.must(err)
	l.start(next)
	n := w.running(target)
	if n.Info.ContainerID != next || n.Info.Name != target {
		t.Errorf("info = %+v, want the new container under the proper name", n.Info)
	}
	if n.Event.Seen.ConfigHash == first.Event.Seen.ConfigHash {
		t.Error("the changed configuration has the same hash")
	}
	if gone := w.all(target, supervise.EventGone); len(gone) > 0 {
		t.Error("the target was told to be gone, though it was replaced")
	}
	l.remove(next)
	w.kind(supervise.EventGone, target)
}

func TestEngineRecreatedByHand(t *testing.T) {
	l := newLab(t)
	old := l.make(box{})
	target := l.name("")
	w := watch(t, Options{})
	first := w.running(target).Event.Seen
	l.remove(old)
	w.kind(supervise.EventGone, target)
	l.make(box{})
	again := w.running(target).Event.Seen
	if again.ConfigHash != first.ConfigHash {
		t.Error("the same configuration has another hash")
	}
	if again.Instance.Same(first.Instance) {
		t.Error("another container is the same run")
	}
}

func TestEngineRename(t *testing.T) {
	l := newLab(t)
	id := l.make(box{})
	w := watch(t, Options{})
	w.running(l.name(""))
	_, err := l.cli.ContainerRename(t.Context(), id, client.ContainerRenameOptions{NewName: l.name("new")})
	l.must(err)
	w.kind(supervise.EventGone, l.name(""))
	if n := w.running(l.name("new")); n.Info.Name != l.name("new") {
		t.Errorf("info = %+v", n.Info)
	}
}

func TestEngineWhoIsATarget(t *testing.T) {
	l := newLab(t)
	off := map[string]string{testLabel: "", "watchdog.enable": "false"}
	l.make(box{name: "off", labels: off})
	l.make(box{name: "oneoff", labels: l.compose("api", "1", composeOneoff, "True")})
	self := l.make(box{name: "self"})
	l.make(box{name: "faulty", labels: map[string]string{"watchdog.probe": "ftp://:21", "watchdog.restart.max": "many"}})
	l.make(box{name: "heal", labels: map[string]string{testLabel: "", "watchdog.enable": "", "autoheal": "true"}})
	l.make(box{name: "last"})
	w := watch(t, Options{Self: self})
	w.running(l.name("last"))
	o := w.all(l.name("faulty"), supervise.EventSeen)
	for len(o) == 0 {
		w.running(l.name("faulty"))
		o = w.all(l.name("faulty"), supervise.EventSeen)
	}
	const want = `label watchdog.restart.max="many": allowed is a whole number from 1 to 1000; label watchdog.probe="ftp://:21": ` +
		`allowed is "none", "http://:PORT/PATH", "https://:PORT/PATH" (with "#TEXT" the body must hold TEXT) or "tcp://:PORT"`
	if got := o[0].Event.Seen.Fault; got != want {
		t.Errorf("fault = %s\nwant    %s", got, want)
	}
	for _, name := range []string{"off", "oneoff", "self", "heal"} {
		if got := w.all(l.name(name), supervise.EventSeen); len(got) > 0 {
			t.Errorf("%s was told as a target", name)
		}
	}
}

func TestEngineDependencies(t *testing.T) {
	l := newLab(t)
	l.make(box{name: "web-1", labels: l.compose("web", "1", composeDependsOn, "db:service_healthy:true,mail:service_started:false")})
	w := watch(t, Options{})
	web := l.tag + "-web-1"
	if got := w.running(web).Event.Seen.DependsOn; len(got) != 0 {
		t.Errorf("depends on %v while there is nothing else", got)
	}
	depends := func(want ...string) {
		t.Helper()
		w.seen(web, "depends", func(o *supervise.Observation) bool { return slices.Equal(o.DependsOn, want) })
	}
	l.make(box{name: "mail-1", labels: l.compose("mail", "1")})
	db := l.make(box{name: "db-1", labels: l.compose("db", "1")})
	depends(l.tag + "-db-1")
	l.make(box{name: "cache", labels: map[string]string{"watchdog.restart-with": "other, " + web}})
	depends(l.name("cache"), l.tag+"-db-1")
	l.remove(db)
	depends(l.name("cache"))
}

func TestEngineSharedNetwork(t *testing.T) {
	l := newLab(t)
	donor := l.make(box{name: "vpn", labels: map[string]string{testLabel: "", "watchdog.enable": "false"}, network: container.NetworkMode(l.net())})
	l.make(box{name: "app", network: container.NetworkMode("container:" + donor), labels: map[string]string{"watchdog.probe": "tcp://:9000"}, cmd: "exec nc -ll -p 9000 -e true"})
	target := l.name("app")
	w := watch(t, Options{Resync: time.Second})
	n := w.seen(target, "depends on its network's owner", func(o *supervise.Observation) bool {
		return slices.Equal(o.DependsOn, []string{l.name("vpn")}) && !o.DonorMissing
	})
	if len(n.Info.Addresses) != 1 {
		t.Fatalf("addresses = %v, want the donor's", n.Info.Addresses)
	}
	w.probeUntil(target, n.Event.Seen.Instance, func(r supervise.ProbeResult) bool { return r.OK })
	l.remove(donor)
	o := w.seen(target, "donor missing", func(o *supervise.Observation) bool { return o.DonorMissing }).Event.Seen
	out := w.Restart(t.Context(), target, o.Instance, supervise.Restart{StopTimeout: 0})
	if out.Err == "" || out.TimedOut {
		t.Errorf("outcome = %+v, want an error before anything is stopped", out)
	}
	if st := l.inspect(o.Instance.ID).State; !st.Running {
		t.Error("the container was stopped, though it cannot be started without its network's owner")
	}
}

// TestEngineOnlySharedNetworksAreProbed lets the driver believe that it runs in a container.
func TestEngineOnlySharedNetworksAreProbed(t *testing.T) {
	l := newLab(t)
	here := container.NetworkMode(l.net())
	self := l.make(box{name: "self", network: here})
	probe := map[string]string{"watchdog.probe": "tcp://:9000"}
	const server = "exec nc -ll -p 9000 -e true"
	l.make(box{name: "near", network: here, labels: probe, cmd: server})
	l.make(box{name: "far", labels: probe, cmd: server})
	w := watch(t, Options{Self: self[:12]})
	run := w.running(l.name("near")).Event.Seen.Instance
	w.probeUntil(l.name("near"), run, func(r supervise.ProbeResult) bool { return r.OK })
	w.rewind()
	w.running(l.name("far"))
	if r, _ := w.Probe(t.Context(), l.name("far"), run); !r.Unsure || r.Error != "it has no address" {
		t.Errorf("probe of a container without a network: %+v", r)
	}
	if r, _ := w.Probe(t.Context(), l.name("self"), run); !r.Unsure || r.Error != "the target is not known" {
		t.Errorf("probe of the watchdog itself: %+v", r)
	}
}
