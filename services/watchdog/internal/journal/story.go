package journal

import (
	"fmt"
	"strings"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// Headline says what happened, in one sentence without a full stop.
func (in Incident) Headline() string {
	down := HumanDuration(duration(in.DowntimeSeconds))
	switch in.Outcome {
	case OutcomeOpen:
		return in.Target + " is down"
	case OutcomeStopped:
		return fmt.Sprintf("%s was down for %s until somebody stopped it", in.Target, down)
	case OutcomePaused:
		return fmt.Sprintf("%s was down for %s when somebody asked to leave it alone", in.Target, down)
	case OutcomeRemoved:
		return fmt.Sprintf("%s was down for %s and is no longer watched", in.Target, down)
	}
	return fmt.Sprintf("%s was down for %s", in.Target, down)
}

// Why says what caused the outage, as far as the evidence tells.
func (in Incident) Why() string {
	switch in.Cause {
	case supervise.ReasonExited:
		if in.ExitCode == nil {
			return "the process ended by itself"
		}
		return fmt.Sprintf("the process ended by itself with exit code %d%s", *in.ExitCode, bySignal(*in.ExitCode))
	case supervise.ReasonOOM:
		if in.MemoryLimit > 0 && in.MemoryBytes > in.MemoryLimit && !in.OOMKilled {
			return fmt.Sprintf("it used %s of memory, more than its limit of %s", HumanBytes(in.MemoryBytes), HumanBytes(in.MemoryLimit))
		}
		if in.MemoryLimit > 0 {
			return "the kernel killed it because its memory limit of " + HumanBytes(in.MemoryLimit) + " was reached"
		}
		return "the kernel killed it because its memory limit was reached"
	case supervise.ReasonUnhealthy:
		return "Docker's health check failed" + detail(in.lastHealth())
	case supervise.ReasonProbe:
		if in.Probe == nil {
			return "the watchdog's probe failed"
		}
		return "the watchdog's probe failed" + detail(in.Probe.Error)
	case supervise.ReasonStartError:
		return "the engine could not start it" + detail(in.Error)
	case supervise.ReasonNoDonor:
		return "the container whose network it shares was removed"
	case supervise.ReasonCorrelated:
		return "many targets failed at once"
	case supervise.ReasonDependency:
		return "a target that it depends on was restarted"
	case supervise.ReasonDaemon:
		return "it ended, and Docker's restart policy brings it back"
	}
	return string(in.Cause)
}

// Done says what the watchdog did about it.
func (in Incident) Done() string {
	failed := 0
	for _, a := range in.Restarts {
		if a.Error != "" {
			failed++
		}
	}
	switch n := len(in.Restarts); {
	case n == 0:
		return "it was not restarted"
	case n == 1 && failed == 1:
		return "it was restarted once, which failed"
	case n == 1 && in.RestartedAt.Sub(in.DetectedAt) < 10*time.Millisecond:
		return "it was restarted at once"
	case n == 1:
		return fmt.Sprintf("it was restarted %s after the outage was noticed", HumanDuration(in.RestartedAt.Sub(in.DetectedAt)))
	case failed > 0:
		return fmt.Sprintf("it was restarted %d times, %d of which failed", n, failed)
	default:
		return fmt.Sprintf("it was restarted %d times", n)
	}
}

func (in Incident) lastHealth() string {
	if len(in.HealthLog) == 0 {
		return ""
	}
	first, _, _ := strings.Cut(strings.TrimSpace(in.HealthLog[len(in.HealthLog)-1].Output), "\n")
	return first
}

func detail(s string) string {
	if s == "" {
		return ""
	}
	return ": " + s
}

var signals = map[int]string{1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL", 11: "SIGSEGV", 13: "SIGPIPE", 15: "SIGTERM"}

// bySignal reads an exit code as shells write it.
func bySignal(code int) string {
	if name := signals[code-128]; name != "" {
		return " (" + name + ")"
	}
	return ""
}

// HumanDuration writes a duration with the precision that people care about: 340 ms, 4.2 s, 3 min 5 s, 2 h 10 min, 3 d 4 h.
func HumanDuration(d time.Duration) string {
	two := func(big, small time.Duration, b, s string) string {
		if rest := d % big / small; rest > 0 {
			return fmt.Sprintf("%d %s %d %s", d/big, b, rest, s)
		}
		return fmt.Sprintf("%d %s", d/big, b)
	}
	const day = 24 * time.Hour
	switch {
	case d < 0:
		return "0 s"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Truncate(100*time.Millisecond).Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", d/time.Second)
	case d < time.Hour:
		return two(time.Minute, time.Second, "min", "s")
	case d < day:
		return two(time.Hour, time.Minute, "h", "min")
	default:
		return two(day, time.Hour, "d", "h")
	}
}

// HumanBytes writes a size: 512 B, 3.4 MiB.
func HumanBytes(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, u := float64(n)/1024, 0
	for v >= 1024 && u < len(units)-1 {
		v, u = v/1024, u+1
	}
	return strings.Replace(fmt.Sprintf("%.1f %ciB", v, units[u]), ".0 ", " ", 1)
}
