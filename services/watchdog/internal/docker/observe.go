package docker

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// look is what one inspect told, without what nobody asks for.
type look struct {
	id, name, image string
	status          supervise.Status
	health          supervise.Health
	checkFailed     bool
	healthLog       []observe.HealthOutput
	exitCode        int
	oomKilled       bool
	err             string
	startedAt       time.Time
	finishedAt      time.Time
	policy          supervise.RestartPolicy
	restarts        int
	configHash      string
	labels          map[string]string
	memoryLimit     uint64
	tty             bool
	stopSignal      string
	stopTimeout     time.Duration // negative: not set, so the engine's
	hostNetwork     bool
	donor           string // ID or name of the container whose network it shares
	networks        []endpoint
}

// endpoint is an address on a network.
type endpoint struct {
	network string
	address netip.Addr
}

// examine reads the engine's answer.
func examine(r container.InspectResponse) look {
	l := look{
		id: r.ID, name: strings.TrimPrefix(r.Name, "/"), restarts: r.RestartCount,
		health: supervise.HealthNone, policy: supervise.RestartNo, stopTimeout: -1,
	}
	if s := r.State; s != nil {
		l.status = supervise.Status(s.Status)
		l.exitCode, l.oomKilled, l.err = s.ExitCode, s.OOMKilled, s.Error
		l.startedAt, l.finishedAt = parseTime(s.StartedAt), parseTime(s.FinishedAt)
		if h := s.Health; h != nil && h.Status != "" {
			l.health, l.checkFailed = supervise.Health(h.Status), h.FailingStreak > 0
			for _, result := range h.Log {
				if result != nil {
					l.healthLog = append(l.healthLog, observe.HealthOutput{At: result.End, ExitCode: result.ExitCode, Output: shorten(strings.TrimSpace(result.Output), healthOutputLimit)})
				}
			}
		}
	}
	if c := r.Config; c != nil {
		l.image, l.labels, l.tty, l.stopSignal = c.Image, c.Labels, c.Tty, c.StopSignal
		if c.StopTimeout != nil {
			l.stopTimeout = time.Duration(*c.StopTimeout) * time.Second
		}
	}
	if h := r.HostConfig; h != nil {
		l.memoryLimit = uint64(max(h.Memory, 0))
		if name := h.RestartPolicy.Name; name != "" {
			l.policy = supervise.RestartPolicy(name)
		}
		l.hostNetwork = h.NetworkMode.IsHost()
		if h.NetworkMode.IsContainer() {
			l.donor = h.NetworkMode.ConnectedContainer()
		}
	}
	if n := r.NetworkSettings; n != nil {
		for _, name := range slices.Sorted(maps.Keys(n.Networks)) {
			if e := n.Networks[name]; e != nil {
				for _, a := range []netip.Addr{e.IPAddress, e.GlobalIPv6Address} {
					if a.IsValid() && !a.IsUnspecified() {
						l.networks = append(l.networks, endpoint{e.NetworkID, a})
					}
				}
			}
		}
	}
	l.configHash = configHash(r)
	return l
}

// parseTime reads the engine's times, of which year 1 means never.
func parseTime(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.Year() <= 1 {
		return time.Time{}
	}
	return t
}

// configHash changes when the container is made from another configuration or image. The environment takes no part:
// the guard blanks its values.
func configHash(r container.InspectResponse) string {
	parts := []any{r.Image}
	if r.Config != nil {
		parts = append(parts, r.Config.Labels[composeConfigHash])
		if r.Config.Labels[composeConfigHash] == "" {
			parts = append(parts, r.Config.Image, r.Path, r.Args, r.Config.User, r.Config.Labels)
			if h := r.HostConfig; h != nil {
				parts = append(parts, h.Binds, h.Mounts, h.NetworkMode, h.Memory, h.NanoCPUs, h.RestartPolicy, h.PortBindings)
			}
		}
	}
	text, err := json.Marshal(parts)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:8])
}

// checked is when the latest health check ended.
func (l look) checked() (at time.Time) {
	if n := len(l.healthLog); n > 0 {
		at = l.healthLog[n-1].At
	}
	return at
}

// thaw notes which health checks were made while the container was paused: the engine fails them all, and keeps its
// verdict until the next one after docker unpause.
func (e *entry) thaw(l look) {
	if e.look != nil && e.look.status == supervise.StatusPaused && l.status == supervise.StatusRunning {
		e.thawed = l.checked()
	}
}

// healthOf is what the engine's verdict says of the container as it is now.
func (e *entry) healthOf(l look) supervise.Health {
	if l.health == supervise.HealthUnhealthy && !e.thawed.IsZero() && !l.checked().After(e.thawed) {
		return supervise.HealthStarting
	}
	return l.health
}

// observation puts a look into the core's words.
func (e *entry) observation(l look, donorMissing bool) *supervise.Observation {
	return &supervise.Observation{
		Instance:      supervise.Instance{ID: l.id, StartedAt: l.startedAt},
		Status:        l.status,
		Health:        e.healthOf(l),
		CheckFailed:   l.checkFailed,
		ExitCode:      l.exitCode,
		OOMKilled:     l.oomKilled,
		Error:         l.err,
		FinishedAt:    l.finishedAt,
		RestartPolicy: l.policy,
		RestartCount:  l.restarts,
		ConfigHash:    l.configHash,
		Fault:         e.fault,
		DonorMissing:  donorMissing,
		DependsOn:     e.depends,
		Policy:        e.policy,
	}
}
