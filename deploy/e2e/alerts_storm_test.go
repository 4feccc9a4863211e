package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/inbox"
	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

const (
	outages  = 20
	mostTold = 3 // that it was restarted, that it is restarted again and again, that this is over
)

// storm is a container that fails again and again, and is healed each time.
type storm struct {
	target string
	began  time.Time
}

// rage lets it fail, as soon as it is up again.
func (s *storm) rage(t *testing.T, a *alerting) {
	ctx := t.Context()
	s.target, s.began = a.Project+"-shop", time.Now()
	remove := func() { _, _ = stack.Docker(context.Background(), "rm", "-f", s.target) }
	remove() // what a killed run left
	_, err := stack.Docker(ctx, "run", "-d", "--name", s.target, "--network", a.Network("default"), "--label", "watchdog.enable=true",
		"--label", "watchdog.probe=tcp://:8080", "--label", fmt.Sprintf("watchdog.restart.max=%d", outages+5), stack.Busybox, "busybox", "httpd", "-f", "-p", "8080")
	must(t, err)
	a.atEnd = append(a.atEnd, remove)
	for n := range outages + 1 {
		a.eventually(t, 2*time.Minute, func() error {
			st, err := a.TargetStatus(ctx, s.target)
			if err == nil && (st.State != "up" || st.Restarts.Total != n) {
				err = fmt.Errorf("after %d outages of %s: state %s (%s) after %d restarts", n, s.target, st.State, st.Detail, st.Restarts.Total)
			}
			return err
		})
		if n < outages {
			_, err := stack.Crash(ctx, s.target)
			must(t, err)
		}
	}
	t.Logf("%d outages, all healed, in %.0f s", outages, time.Since(s.began).Seconds())
}

func (s *storm) about(alert inbox.Alert) bool { return alert.Labels["target"] == s.target }

// isCalm: the failures follow each other so soon that their alerts do not end in between, and an alert that fires is told once.
func (s *storm) isCalm(t *testing.T, a *alerting) {
	a.notified(t, 3*time.Minute, s.began, "", false, s.about)
	a.barrier(t)
	told, all := a.told(s.began, s.about), 0
	for _, messages := range told {
		all += len(messages)
	}
	t.Logf("%d outages are told by %s", outages, told)
	if all > mostTold || told.count("critical") > 0 {
		t.Errorf("%d outages that were healed are told by more than %d messages, or by a critical one:\n%s", outages, mostTold, told)
	}
}
