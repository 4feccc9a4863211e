package heal

import "testing"

func recreate(t *testing.T) {}
func scale(t *testing.T) {}
func dependents(t *testing.T) {}
func sharedNetwork(t *testing.T) {}
func correlated(t *testing.T) {}
func exhausted(t *testing.T) {}
func switchFrom(s string) func(*testing.T) { return func(t *testing.T) {} }
func guardRestarted(t *testing.T) {}
func engineRestarted(t *testing.T) {}
func watchdogKilled(t *testing.T) {}
func dryRun(t *testing.T) {}
func commands(t *testing.T) {}
