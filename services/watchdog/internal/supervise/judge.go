package supervise

import (
	"fmt"
	"time"
)

// signalFor is how long a terminating signal from somebody explains a death. It outlives docker stop's grace, which is 10 s
// unless asked otherwise and ends with a second signal.
const signalFor = 2 * time.Minute

// verdict is what the evidence about a target says, before any rule on when to act.
type verdict uint8

const (
	leave    verdict = iota // not ours to heal: judgement.state says why
	starting                // too early to tell
	suspect                 // something failed, too little to act on
	well
	bad
)

type judgement struct {
	verdict verdict
	state   State // of leave
	reason  Reason
}

// judge weighs the evidence. It changes nothing, so the same facts always give the same judgement.
func (t *target) judge(now time.Time) judgement {
	switch {
	case t.obs.Fault != "":
		return judgement{leave, StateMisconfigured, ReasonMisconfigured}
	case t.paused, t.obs.Status == StatusPaused:
		return judgement{leave, StatePaused, ReasonPaused}
	}
	switch t.obs.Status {
	case StatusRunning:
		return t.judgeRunning(now)
	case StatusCreated:
		if t.obs.Error != "" {
			return t.badUnlessDonor(ReasonStartError)
		}
		return judgement{leave, StateStopped, ReasonCreated}
	case StatusRestarting:
		return judgement{leave, StateDown, ReasonDaemon}
	case StatusRemoving:
		return judgement{leave, StateStopped, ReasonRemoved}
	default:
		return t.judgeExited(now)
	}
}

// judgeExited tells a death from a stop on purpose. The order matters: a terminating signal explains any exit code.
func (t *target) judgeExited(now time.Time) judgement {
	switch {
	case t.stopped, t.signalExplains(now):
		return judgement{leave, StateStopped, ReasonStopped}
	case t.obs.Error != "":
		return t.badUnlessDonor(ReasonStartError) // the engine gives up at the first start error, whatever its policy
	case t.obs.RestartPolicy == RestartAlways, t.obs.RestartPolicy == RestartUnlessStopped:
		return judgement{leave, StateStopped, ReasonStopped} // the engine would have restarted a death
	case t.obs.RestartPolicy == RestartOnFailure && t.obs.ExitCode == 0:
		return judgement{leave, StateStopped, ReasonFinished}
	case t.obs.OOMKilled:
		return t.badUnlessDonor(ReasonOOM)
	case t.meant:
		return t.badUnlessDonor(ReasonExited)
	case t.obs.ExitCode == 0:
		return judgement{leave, StateStopped, ReasonFinished}
	case t.obs.ExitCode == 128+9, t.obs.ExitCode == 128+15:
		return judgement{leave, StateStopped, ReasonStopped} // unseen, but nothing else ends like this
	default:
		return t.badUnlessDonor(ReasonExited)
	}
}

// signalExplains reports whether somebody's signal explains that the run ended, or is about to.
func (t *target) signalExplains(now time.Time) bool {
	if t.signalled.IsZero() {
		return false
	}
	end := now
	if !t.running() && !t.obs.FinishedAt.Before(t.signalled) {
		end = t.obs.FinishedAt
	}
	return end.Sub(t.signalled) < signalFor
}

func (t *target) badUnlessDonor(r Reason) judgement {
	if t.obs.DonorMissing {
		return judgement{leave, StateNeedsRecreate, ReasonNoDonor}
	}
	return judgement{verdict: bad, reason: r}
}

func (t *target) judgeRunning(now time.Time) judgement {
	if t.signalExplains(now) {
		return judgement{verdict: suspect, reason: ReasonStopped} // a slow docker stop looks unhealthy for a while
	}
	if t.obs.DonorMissing {
		return judgement{leave, StateNeedsRecreate, ReasonNoDonor} // runs, cut off from every network
	}
	if t.obs.OverMemory {
		return judgement{verdict: bad, reason: ReasonOOM}
	}
	if t.obs.Health == HealthUnhealthy {
		return t.badUnlessDonor(ReasonUnhealthy)
	}
	if t.probed() && t.fails > 0 {
		if t.fails >= t.need() || t.flapping() {
			return t.badUnlessDonor(ReasonProbe)
		}
		return judgement{verdict: suspect, reason: ReasonProbe}
	}
	enough := t.passes >= t.pol.SuccessThreshold
	switch {
	case t.probed() && !enough && t.wasWell:
		return judgement{verdict: suspect, reason: ReasonProbe} // well before, not yet well again
	case t.probed() && !enough:
		return judgement{verdict: starting, reason: ReasonStarted}
	case !t.probed() && t.obs.Health == HealthStarting:
		return judgement{verdict: starting, reason: ReasonStarted}
	}
	return judgement{verdict: well, reason: ReasonHealthy}
}

// need is how many failed probes make the target bad.
func (t *target) need() int {
	if t.obs.Health == HealthHealthy && !t.obs.CheckFailed {
		return 2 * t.pol.FailureThreshold // the container's own check disagrees: the fault may be on the way
	}
	return t.pol.FailureThreshold
}

// flapping reports whether enough of the last probes failed, though not in a row. That never takes fewer failures than
// failures in a row would.
func (t *target) flapping() bool {
	return t.pol.FlapFailures > 0 && t.flaps() >= max(t.pol.FlapFailures, t.need())
}

// explain puts a bad judgement into a sentence for people.
func (t *target) explain(r Reason) string {
	switch r {
	case ReasonExited:
		if n := t.obs.ExitCode - 128; n > 0 && n < 65 {
			return fmt.Sprintf("the process was ended by signal %d (exit code %d)", n, t.obs.ExitCode)
		}
		return fmt.Sprintf("the process ended by itself with exit code %d", t.obs.ExitCode)
	case ReasonOOM:
		if t.running() {
			return "it uses more memory than it may"
		}
		return "the kernel killed it because its memory limit was reached"
	case ReasonUnhealthy:
		return "docker's health check reports unhealthy"
	case ReasonStartError:
		return "the engine could not start it: " + t.obs.Error
	case ReasonProbe:
		if t.fails < t.need() && t.flapping() {
			return fmt.Sprintf("%d of the last %d probes failed, the latest: %s", t.flaps(), t.pol.FlapWindow, t.lastError)
		}
		return fmt.Sprintf("%d probes failed in a row: %s", t.fails, t.lastError)
	case ReasonDependency:
		return "a target that it depends on was restarted"
	case ReasonRequested:
		return "somebody asked for a restart"
	}
	return ""
}
