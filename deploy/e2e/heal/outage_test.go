package heal

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// guardRestarted: the only way to the engine is gone for a while. What happened meanwhile is seen afterwards.
func guardRestarted(t *testing.T) {
	g := &guard{address: "127.0.0.1:" + freePort(), socket: shop.socket}
	must(t, g.start(t.Context()))
	t.Cleanup(func() { g.kill() })
	l := &lab{watchdog: newWatchdog(t, g.address), t: t}
	l.start()
	p, left := l.run("guard", plain...), l.run("guard-stopped", plain...)

	at := time.Now()
	g.kill()
	l.logged(at, "that the engine cannot be reached", func(l stack.LogLine) bool { return l.Type == "docker_lost" })
	p.signal(syscall.SIGKILL)
	l.docker("stop", "-t", "1", left.name)
	must(t, g.start(t.Context()))
	p.healed(at)
	p.once(at, "exited")
	left.is("stopped")
	left.untouched(left.inspect())
}

// watchdogKilled kills the watchdog at random moments while its target crashes again and again. What it has spent of the
// budget it knows in every life, by the count of the engine, and none of its files is ever torn.
func watchdogKilled(t *testing.T) {
	const most, window = 5, 6 * time.Second
	w := newWatchdog(t, shop.guard, "WATCHDOG_MAX_RESTARTS=5", "WATCHDOG_RESTART_WINDOW="+window.String(), "WATCHDOG_RESTART_DELAY=0")
	l := &lab{watchdog: w, t: t}
	l.start()
	p := l.run("killed", plain...)
	engine := p.follow()
	began := p.order("crash")
	for n := range *kills {
		life := time.NewTimer(rand.N(1500 * time.Millisecond))
		select {
		case <-life.C:
		case <-w.process.ended:
			t.Fatalf("the watchdog ended by itself: %v", w.process.err)
		}
		must(t, w.process.end(syscall.SIGKILL))
		for _, fault := range torn(w.dir) {
			t.Errorf("after kill %d: %s", n+1, fault)
		}
		w.launch()
	}
	p.revoke("crash")
	must(t, stack.Poll(t.Context(), patience, func() error { return errors.Join(p.isContainer(p.inspect().ID), p.hasStatus("running")) }))
	p.untouched(p.inspect())
	starts := engine.Times("start")[1:] // the first is ours
	took := time.Since(began)
	// A start comes some time after the decision that the budget counts, hence the leeway; none stands in the sum.
	within(t, starts, most, window-1500*time.Millisecond)
	if n := most * (1 + int(took/window)); len(starts) > n || len(starts) < most {
		t.Errorf("it was started %d times in %v, want %d at most and %d at least", len(starts), took, n, most)
	}
	t.Logf("%d kills, %d starts in %.0f s with a budget of %d in %v", *kills, len(starts), took.Seconds(), most, window)
}

// torn names the files of a log directory that are not whole: a JSON file is one value, a log is one value a line.
func torn(dir string) (faults []string) {
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var values []string
		switch {
		case d.Name() == "watchdog.log", strings.HasSuffix(path, ".jsonl"):
			if len(data) > 0 && data[len(data)-1] != '\n' {
				faults = append(faults, path+" ends in the middle of a line")
			}
			values = strings.Split(strings.TrimSpace(string(data)), "\n")
		case strings.HasSuffix(path, ".json"):
			values = []string{string(data)}
		}
		for _, v := range values {
			if v != "" && !json.Valid([]byte(v)) || v == "" && strings.HasSuffix(path, ".json") {
				faults = append(faults, path+" holds what is no JSON: "+v)
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		faults = append(faults, err.Error())
	}
	return faults
}
