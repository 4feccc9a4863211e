package main

import (
	"io/fs"
	"net"
	"net/netip"
	"os"

	"github.com/upkeephq/upkeep/services/api/internal/settings"
)

// machine is what matters of the place for who can reach it.
type machine struct {
	container bool // an engine's network stands between us and the world
	platform  bool // a platform routes the world to our port
}

// theMachine looks for the marks of container engines and of platforms.
func theMachine() machine {
	return machineOf(os.DirFS("/"), os.Getenv)
}

func machineOf(root fs.FS, getenv func(string) string) machine {
	var m machine
	for _, mark := range []string{".dockerenv", "run/.containerenv"} {
		if _, err := fs.Stat(root, mark); err == nil {
			m.container = true
		}
	}
	m.container = m.container || getenv("KUBERNETES_SERVICE_HOST") != ""
	for _, name := range []string{"DYNO", "RAILWAY_ENVIRONMENT_NAME", "RAILWAY_ENVIRONMENT", "FLY_APP_NAME", "RENDER"} {
		m.platform = m.platform || getenv(name) != ""
	}
	return m
}

// warnings are what an operator should hear at the start.
func warnings(c settings.Settings, address net.Addr, m machine) []string {
	var all []string
	if c.Production() && reachable(address, m) {
		if c.HealthToken == "" {
			all = append(all, "/health/detailed and /health/metrics are open to everyone who can reach this port: set HEALTH_TOKEN")
		}
		if c.MetricsToken == "" {
			all = append(all, "/metrics is open to everyone who can reach this port: set METRICS_TOKEN")
		}
	}
	if c.FaultInjection {
		all = append(all, "FAULT_INJECTION=true: everyone who can reach this port can break this service")
	}
	return all
}

// reachable tells whether strangers may reach an address: not when it is
// loopback, a Unix socket, or inside a container's own network.
func reachable(address net.Addr, m machine) bool {
	at, err := netip.ParseAddrPort(address.String())
	if err != nil || at.Addr().Unmap().IsLoopback() {
		return false
	}
	return m.platform || !m.container
}
