package supervise

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// command is one line of a scenario: what a person, the engine or fate does.
//
//	options [concurrent=N] [hold=N] [jitter=PERCENT]    first of all
//	target NAME [key=value…]                            declares a container, policy and world
//	set NAME key=value…                                 changes policy or world of a container
//	start|signal|bounce|remove NAME                     by a person; bounce is docker restart
//	stop NAME [takes=DURATION]                          by a person; how long until the process is killed
//	recreate NAME [takes=DURATION] [hash=TEXT]          by a person: compose up -d
//	exit NAME [code=N] [oom=true]                       the process ends by itself
//	storm [code=N] [gap=DURATION]                       all processes do, one after the other
//	unhealthy|healthy|doubtful NAME                     what Docker's health check finds; doubtful: it has failed once
//	freeze|unfreeze NAME                                docker pause
//	pause NAME [for=DURATION] · resume|restart|reset NAME
//	look|tick NAME                                      a look, or a late wake-up, reaches the core
//	lose NAME · resync [recall=no]                      events are lost; the stream is back
//	kill-watchdog · start-watchdog [recall=no] · crash-watchdog · doom when=before|after
//	engine-lost · engine-down [shutdown=true] · engine-up
//	calm                                                all that is broken is mended, and time passes
type command struct {
	line string
	name string
	box  *box
	args map[string]string
}

// parse reads one line.
func (w *world) parse(line string) (command, error) {
	f := strings.Fields(line)
	c := command{line: line, name: f[0]}
	for i, a := range f[1:] {
		k, v, ok := strings.Cut(a, "=")
		switch {
		case ok && c.args == nil:
			c.args = map[string]string{k: v}
		case ok:
			c.args[k] = v
		case i == 0 && c.name == "target":
			c.box = w.add(a, DefaultPolicy())
		case i == 0 && w.byKey[a] != nil:
			c.box = w.byKey[a]
		default:
			return c, fmt.Errorf("%q: no such target", line)
		}
	}
	return c, nil
}

func (c command) duration(key string) time.Duration {
	d, _ := time.ParseDuration(c.args[key])
	return d
}

func (c command) number(key string) int {
	n, _ := strconv.Atoi(c.args[key])
	return n
}

// possible reports whether it can happen now: nobody can stop a container that does not run.
func (w *world) possible(c command) bool {
	b := c.box
	switch c.name {
	case "start":
		return !w.down && b.working == 0 && (b.gone || b.obs.Status == StatusExited || b.obs.Status == StatusCreated)
	case "stop", "signal", "bounce":
		return !w.down && b.working == 0 && b.running() && w.now.After(b.obs.Instance.StartedAt)
	case "remove", "recreate":
		return !w.down && !b.gone && b.obs.Status != StatusRestarting && w.now.After(b.obs.Instance.StartedAt)
	case "freeze":
		return !w.down && b.working == 0 && b.running() && !b.acc.stopping
	case "unfreeze":
		return !w.down && b.working == 0 && !b.gone && b.obs.Status == StatusPaused
	case "exit":
		return b.running() && w.now.After(b.obs.Instance.StartedAt)
	case "unhealthy", "healthy", "doubtful":
		return b.running() && !w.down && b.obs.Health != HealthNone
	case "pause", "resume", "restart", "reset":
		if w.core == nil {
			return false
		}
		v, ok := w.core.View(b.key, w.now)
		return ok && v.State != StateGone
	case "tick", "doom", "kill-watchdog", "crash-watchdog":
		return w.core != nil
	case "resync", "engine-lost":
		return w.core != nil && !w.down
	case "start-watchdog":
		return w.core == nil
	case "engine-down":
		return !w.down
	case "engine-up":
		return w.down
	case "storm":
		return !w.down
	case "set":
		return c.args["probes"] == "" || b.obs.Policy.Probe != "none"
	}
	return true
}

var peoplesEvents = map[string]EventKind{"pause": EventPause, "resume": EventResume, "restart": EventRestart, "reset": EventReset}

// do lets it happen.
func (w *world) do(c command) error {
	b := c.box
	recalls := c.args["recall"] != "no"
	switch c.name {
	case "options":
		w.setOptions(c)
	case "target", "set":
		for k, v := range c.args {
			if err := set(b, k, v); err != nil {
				return fmt.Errorf("%q: %s: %w", c.line, k, err)
			}
		}
		w.account.changed(b)
	case "start":
		w.account.started(b)
		b.begin(w)
		w.look(b)
	case "bounce":
		b.stop(w, 0)
		run := b.obs.Instance
		w.later(10*time.Millisecond, func() {
			if !w.down && run.Same(b.obs.Instance) && b.obs.Status == StatusExited {
				w.account.started(b)
				b.begin(w)
				w.look(b)
			}
		})
	case "look":
		w.look(b)
	case "tick":
		w.step(b, Event{Kind: EventTick})
	case "stop":
		b.stop(w, c.duration("takes"))
	case "signal":
		b.signal(w)
	case "exit":
		b.exit(w, c.number("code"), c.args["oom"] == "true")
	case "storm":
		w.storm(c)
	case "unhealthy", "healthy":
		b.obs.Health, b.obs.CheckFailed = Health(c.name), c.name == "unhealthy"
		w.look(b)
	case "doubtful":
		b.obs.CheckFailed = true // Docker tells nobody
	case "freeze":
		b.obs.Status = StatusPaused
		w.look(b)
	case "unfreeze":
		b.obs.Status = StatusRunning
		b.check(w)
		w.look(b)
	case "remove":
		b.remove(w)
	case "recreate":
		w.recreate(c)
	case "pause", "resume", "restart", "reset":
		w.step(b, Event{Kind: peoplesEvents[c.name], Duration: c.duration("for")})
	case "lose":
		b.lost = true
	case "resync":
		w.resync(recalls)
	case "crash-watchdog":
		w.kill()
		w.begin(true)
	case "kill-watchdog":
		w.kill()
	case "start-watchdog":
		w.begin(recalls)
	case "doom":
		w.doom = c.args["when"]
	case "engine-lost":
		w.engineLost(20 * time.Second)
	case "engine-down":
		w.engineDown(c.args["shutdown"] == "true")
	case "engine-up":
		w.engineUp()
	case "calm":
		w.calm()
	default:
		return fmt.Errorf("%q: unknown command", c.line)
	}
	return nil
}

func (w *world) setOptions(c command) {
	if n := c.number("concurrent"); n > 0 {
		w.opts.MaxConcurrent = n
	}
	if n := c.number("hold"); n > 0 {
		w.opts.HoldTargets = n
	}
	if n := c.number("jitter"); n > 0 {
		w.opts.Jitter = func(d time.Duration) time.Duration { return d * time.Duration(n) / 100 }
	}
	w.core = New(w.opts)
}

func (w *world) storm(c command) {
	gap := time.Duration(0)
	for _, b := range w.boxes {
		if !b.running() {
			continue
		}
		run := b.obs.Instance
		w.later(gap, func() {
			if b.running() && run.Same(b.obs.Instance) && !w.down && w.now.After(run.StartedAt) && !b.acc.calm {
				b.exit(w, c.number("code"), false)
			}
		})
		gap += c.duration("gap")
	}
}

func (w *world) recreate(c command) {
	b := c.box
	b.remove(w)
	w.later(c.duration("takes"), func() {
		if !b.gone || w.down {
			return
		}
		if h, ok := c.args["hash"]; ok {
			b.obs.ConfigHash = h
		}
		w.account.started(b)
		b.begin(w)
		w.look(b)
	})
}
