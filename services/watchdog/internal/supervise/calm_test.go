package supervise

import "time"

// calm mends everything that is broken and lets time pass: what shall run must be up in the end, and stay so.
func (w *world) calm() {
	w.doom = ""
	longest := time.Duration(0)
	for _, b := range w.boxes {
		b.mend()
		longest = max(longest, b.obs.Policy.RestartWindow)
	}
	if w.down {
		w.engineUp()
	}
	if w.core == nil {
		w.begin(true)
	}
	w.resync(true)
	deadline := w.now.Add(longest + time.Duration(len(w.boxes)+1)*(longestDelay+w.opts.TurnFor+w.opts.AwaitFor))
	for pass := 31 * time.Second; w.ill() != nil && w.now.Before(deadline) && w.account.fault == ""; {
		w.advance(w.now.Add(pass))
		w.resync(true)
		for _, b := range w.boxes {
			if b.acc.paused && b.acc.known {
				w.step(b, Event{Kind: EventResume})
			}
		}
		pass = min(pass*5/4, 10*time.Minute)
	}
	a := w.account
	if b := w.ill(); b != nil && a.fault == "" {
		v, _ := w.core.View(b.key, w.now)
		rule := 7
		if a.only == 1 || a.only == 3 || a.only == 6 {
			rule = a.only // the window slides; a process that died by itself is healed; all that were held are healed in the end
		}
		a.breaks(rule, "%s was not brought back: it is %s (%s) %s", b.key, v.State, v.Reason, v.Detail)
	}
	for _, b := range w.boxes {
		b.acc.calm = b.acc.will == run
	}
	w.advance(w.now.Add(15 * time.Minute))
	for _, b := range w.boxes {
		b.acc.calm = false
	}
}

func (b *box) mend() {
	b.probes, b.engine, b.takes, b.lag, b.slow = "ok", "ok", 500*time.Millisecond, 0, 0
	b.obs.DonorMissing, b.obs.Fault = false, ""
	b.obs.Policy.ProbeInterval = max(b.obs.Policy.ProbeInterval, 5*time.Minute) // days may have to pass
	if b.obs.Status == StatusPaused {
		b.obs.Status = StatusRunning
	}
	if b.running() && b.checks {
		b.obs.Health, b.obs.CheckFailed = HealthHealthy, false
	}
}

// ill returns a container that shall run and is not up.
func (w *world) ill() *box {
	for _, b := range w.boxes {
		if b.acc.will != run || b.gone || b.obs.Policy.MaxRestarts == 0 {
			continue
		}
		if v, ok := w.core.View(b.key, w.now); !ok || v.State != StateUp || !b.running() {
			return b
		}
	}
	return nil
}
