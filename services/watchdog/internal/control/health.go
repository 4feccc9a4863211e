package control

import (
	"net/http"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
)

// The words for how the watchdog itself is.
const (
	healthy   = "healthy"
	degraded  = "degraded"
	unhealthy = "unhealthy"
)

// check is one aspect of the watchdog's own health.
type check struct {
	Status string `json:"status"`
	Reason string `json:"reason,omitempty"`
	Detail string `json:"detail,omitempty"`
}

type healthBody struct {
	Status  string `json:"status"`
	Live    *bool  `json:"live,omitempty"`
	Ready   *bool  `json:"ready,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Detail  string `json:"detail,omitempty"`
	Version string `json:"version,omitempty"`
}

// loop judges the heartbeat.
func (s *site) loop() check {
	age := s.Now().Sub(s.Heartbeat())
	if age > s.StaleAfter {
		return check{unhealthy, "heartbeat_stale", "the loop has not gone round for " + age.Truncate(time.Second).String()}
	}
	return check{Status: healthy}
}

// docker judges the connection to the engine. Losing it does not make the watchdog ill: restarting it would not help.
func (s *site) docker(st journal.Status) check {
	switch {
	case s.Processes:
	case !s.Synced() && st.Docker.Error != "":
		return check{degraded, "docker_unreachable", journal.Mask(st.Docker.Error)}
	case !s.Synced():
		return check{degraded, "starting", "the containers have not been listed yet"}
	case !st.Docker.Connected:
		return check{degraded, "docker_lost", journal.Mask(st.Docker.Error)}
	}
	return check{Status: healthy}
}

// worst returns the check that decides.
func worst(checks ...check) check {
	for _, want := range []string{unhealthy, degraded} {
		for _, c := range checks {
			if c.Status == want {
				return c
			}
		}
	}
	return check{Status: healthy}
}

func codeOf(status string) int {
	if status == unhealthy {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

func (s *site) health(w http.ResponseWriter, r *http.Request) {
	c := worst(s.loop(), s.docker(s.Status()))
	writeJSON(w, r, codeOf(c.Status), healthBody{Status: c.Status, Reason: c.Reason, Detail: c.Detail, Version: s.Version})
}

func (s *site) live(w http.ResponseWriter, r *http.Request) {
	c := s.loop()
	live := c.Status == healthy
	writeJSON(w, r, codeOf(c.Status), healthBody{Status: c.Status, Live: &live, Reason: c.Reason, Detail: c.Detail})
}

func (s *site) ready(w http.ResponseWriter, r *http.Request) {
	c := worst(s.loop(), s.docker(s.Status()))
	ready := c.Status != unhealthy && s.Synced()
	if !ready {
		c.Status = unhealthy
	}
	writeJSON(w, r, codeOf(c.Status), healthBody{Status: c.Status, Ready: &ready, Reason: c.Reason, Detail: c.Detail})
}

func (s *site) detailed(w http.ResponseWriter, r *http.Request) {
	st := s.Status()
	checks := map[string]check{"loop": s.loop()}
	if !s.Processes {
		checks["docker"] = s.docker(st)
	}
	c := worst(s.loop(), s.docker(st))
	states := map[string]int{}
	for _, t := range st.Targets {
		states[string(t.State)]++
	}
	body := map[string]any{
		"status": c.Status, "version": s.Version, "started_at": st.StartedAt.UTC(), "heartbeat_at": s.Heartbeat().UTC(),
		"uptime_seconds": s.Now().Sub(st.StartedAt).Truncate(time.Millisecond).Seconds(),
		"checks":         checks, "targets": states,
	}
	if !s.Processes {
		body["docker"] = map[string]string{"api_version": st.Docker.APIVersion, "server_version": st.Docker.ServerVersion}
	}
	writeJSON(w, r, codeOf(c.Status), body)
}
