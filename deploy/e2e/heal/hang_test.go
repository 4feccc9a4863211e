package heal

import (
	"syscall"
	"testing"
	"time"
)

// hangUnhealthy: the process is frozen and Docker's own health check tells. It will not obey SIGTERM either, so that it is
// given two seconds, not Docker's ten.
func hangUnhealthy(t *testing.T) {
	p := newLab(t).run("hang")
	hang(t, p, "unhealthy", "hang, SIGSTOP, Docker's health check")
}

// hangProbe: the same, and the watchdog's own probe tells.
func hangProbe(t *testing.T) {
	port := freePort()
	p := newLab(t).run("hang-probe", append(plain, "--network", "host", "-e", "PORT="+port, "--label", "watchdog.probe=http://:"+port+"/health")...)
	hang(t, p, "probe", "hang, SIGSTOP, the watchdog's probe")
}

func hang(t *testing.T, p *patient, reason, row string) {
	at := p.signal(syscall.SIGSTOP)
	after := p.healed(at)
	line := p.once(at, reason)
	if took := after.State.StartedAt.Sub(line.Time); took > 9*time.Second {
		t.Errorf("the restart of a frozen process took %v: it was given Docker's own 10 s to obey SIGTERM", took)
	}
	p.tabulate(row, at, after)
}

// unhealthy: the process answers, but its health check fails.
func unhealthy(t *testing.T) {
	p := newLab(t).run("unhealthy")
	at := p.order("bad")
	p.logged(at, "that it is restarted", restartOf(p.target))
	p.revoke("bad")
	p.healed(at)
	p.once(at, "unhealthy")
}
