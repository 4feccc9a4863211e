package heal

import "testing"

// TestHeal runs every scenario after the other: they share one engine, whose targets all of the watchdogs see.
func TestHeal(t *testing.T) {
	if testing.Short() {
		t.Skip("heals containers on a Docker engine, which -short leaves out")
	}
	open(t)
	for _, s := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"crash", crash},
		{"out of memory", outOfMemory},
		{"docker kill is left alone", killedByPerson},
		{"docker stop is left alone", stoppedByPerson},
		{"docker pause is left alone", pausedByPerson},
		{"hang seen by Docker's health check", hangUnhealthy},
		{"hang seen by the watchdog's probe", hangProbe},
		{"unhealthy", unhealthy},
		{"start error is repaired", startError},
		{"compose up recreates", recreate},
		{"scale to three", scale},
		{"dependents follow", dependents},
		{"shared network follows its owner", sharedNetwork},
		{"five fail at once", correlated},
		{"spent budget heals as the window slides", exhausted},
		{"a Compose project written for autoheal", switchFrom("autoheal")},
		{"a Compose project written for deunhealth", switchFrom("deunhealth")},
		{"the guard is killed and comes back", guardRestarted},
		{"the engine is restarted", engineRestarted},
		{"the watchdog is killed at random moments", watchdogKilled},
		{"a dry run touches nothing", dryRun},
		{"pause, resume, restart and reset by a person", commands},
	} {
		t.Run(s.name, s.run)
	}
}
