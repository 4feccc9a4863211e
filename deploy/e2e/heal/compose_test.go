package heal

import (
	"syscall"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// recreate: `docker compose up` replaces a container whose configuration was changed, and one that it is told to. Nobody
// heals what Compose stops; the history stays with the service, unless its configuration is another.
func recreate(t *testing.T) {
	l := newLab(t)
	project := l.project("recreate", "project.yml")
	project.up("--no-deps", "api")
	api := project.all("api")[0]
	api.healed(api.signal(syscall.SIGKILL))
	budget := func(what string, spent int) {
		t.Helper()
		if err := stack.Poll(t.Context(), patience, func() error { return api.hasBudget(spent) }); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	budget("crashed", 1)
	for _, c := range []struct {
		what  string
		spent int
		up    []string
		env   []string
	}{
		{"made anew, nothing changed", 1, []string{"--no-deps", "--force-recreate", "api"}, nil},
		{"made anew with another configuration", 0, []string{"--no-deps", "api"}, []string{"FLAVOUR=spicy"}},
	} {
		before, began := api.inspect(), time.Now()
		project.set(c.env...)
		project.up(c.up...)
		after := api.inspect()
		if after.ID == before.ID {
			t.Fatalf("%s: Compose left the container as it was", c.what)
		}
		must(t, stack.Poll(t.Context(), patience, func() error { return api.isContainer(after.ID) }))
		api.untouched(after)
		if all := api.restarts(began); len(all) != 0 {
			t.Errorf("%s: the watchdog restarted it: %+v", c.what, all)
		}
		budget(c.what, c.spent)
	}
	project.down()
	must(t, stack.Poll(t.Context(), patience, api.isGone))
}

// scale: of three containers of one service the one that crashed is healed, the others go on.
func scale(t *testing.T) {
	l := newLab(t)
	project := l.project("scale", "project.yml")
	project.up("--no-deps", "--scale", "api=3", "api")
	var all []*patient
	for n := range 3 {
		one := project.service("api", n+1)
		one.is("up")
		all = append(all, one)
	}
	first, third := all[0].inspect(), all[2].inspect()
	at := all[1].signal(syscall.SIGKILL)
	all[1].healed(at)
	all[1].once(at, "exited")
	all[0].untouched(first)
	all[2].untouched(third)

	began := time.Now()
	project.up("--no-deps", "--scale", "api=1", "api")
	must(t, stack.Poll(t.Context(), patience, all[2].isGone))
	if lines := all[2].restarts(began); len(lines) != 0 {
		t.Errorf("a container that Compose removes was restarted: %+v", lines)
	}
}

// dependents: who depends on a container is restarted once after it, who does not is left alone.
func dependents(t *testing.T) {
	l := newLab(t)
	project := l.project("dependents", "project.yml")
	project.up()
	all := project.all("db", "api", "worker", "cache")
	db, cache := all[0], all[3].inspect()
	var engine []*stack.Events
	for _, p := range all[1:3] {
		engine = append(engine, p.follow())
	}
	at := db.signal(syscall.SIGKILL)
	healed := db.healed(at)
	for i, p := range all[1:3] {
		p.logged(at, p.target+" restarted", func(l stack.LogLine) bool { return l.Type == "restart_done" && l.Target == p.target })
		p.is("up")
		p.once(at, "dependency")
		if c := p.inspect(); !c.State.StartedAt.After(healed.State.StartedAt) {
			t.Errorf("%s was started at %s, want after %s", p.name, c.State.StartedAt, healed.State.StartedAt)
		}
		p.untouched(p.inspect())
		if n := engine[i].Count("start"); n != 2 {
			t.Errorf("%s was started %d times, want 2", p.name, n)
		}
	}
	all[3].untouched(cache)
	db.once(at, "exited")
}

// sharedNetwork: who lives in another's network lost it when that one was restarted. When the other one was made anew a
// restart cannot help: it would stop what still runs, and nothing could start it.
func sharedNetwork(t *testing.T) {
	l := newLab(t)
	project := l.project("tunnel", "tunnel.yml")
	project.up()
	all := project.all("tunnel", "app")
	tunnel, app := all[0], all[1]
	at := tunnel.signal(syscall.SIGKILL)
	owner := tunnel.healed(at)
	app.logged(at, "app restarted", func(l stack.LogLine) bool { return l.Type == "restart_done" && l.Target == app.target })
	app.is("up")
	app.once(at, "dependency")
	if c := app.inspect(); !c.State.StartedAt.After(owner.State.StartedAt) {
		t.Errorf("app was started at %s, want after the owner of its network at %s", c.State.StartedAt, owner.State.StartedAt)
	}

	began := time.Now()
	project.up("--no-deps", "--force-recreate", "tunnel")
	st := app.is("needs_recreate")
	if st.Detail == "" || st.Restarts.Remaining != st.Restarts.Max-1 {
		t.Errorf("want a sentence on what to do, and no budget spent: %+v", st)
	}
	running := app.inspect()
	if running.State.Status != "running" {
		t.Errorf("app is %s: it was broken", running.State.Status)
	}
	app.signal(syscall.SIGKILL)
	must(t, stack.Poll(t.Context(), patience, func() error { return app.hasStatus("exited") }))
	app.untouched(app.inspect())
	if lines := app.restarts(began); len(lines) != 0 {
		t.Errorf("app was restarted: %+v", lines)
	}
	project.up()
	app.is("up")
}

// switchFrom: a project written for another healer is healed as it is.
func switchFrom(name string) func(*testing.T) {
	return func(t *testing.T) {
		l := newLab(t)
		project := l.project(name, name+".yml")
		project.up("app")
		app := project.all("app")[0]
		at := app.order("bad")
		app.logged(at, "that it is restarted", restartOf(app.target))
		app.revoke("bad")
		app.healed(at)
		app.once(at, "unhealthy")
	}
}
