package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

const statusName = "watchdog_status.json"

// Status is everything that the watchdog knows right now: the content of watchdog_status.json and of GET /status.
type Status struct {
	Version     string    `json:"version"`
	Mode        Mode      `json:"mode,omitempty"`
	StartedAt   time.Time `json:"started_at"`
	UpdatedAt   time.Time `json:"updated_at"`
	HeartbeatAt time.Time `json:"heartbeat_at"`
	Docker      Docker    `json:"docker"`
	Targets     []Target  `json:"targets"`
}

// Mode says what the targets are.
type Mode string

// The modes of a watchdog.
const (
	ModeContainers Mode = "containers"
	ModeProcesses  Mode = "processes"
)

// Docker is how the watchdog and the engine get on.
type Docker struct {
	Connected     bool   `json:"connected"`
	APIVersion    string `json:"api_version"`
	ServerVersion string `json:"server_version"`
	Error         string `json:"error"`
}

// Target is the state of one target.
type Target struct {
	Target              string           `json:"target"`
	ContainerID         string           `json:"container_id"`
	Image               string           `json:"image"`
	State               supervise.State  `json:"state"`
	Reason              supervise.Reason `json:"reason"`
	Detail              string           `json:"detail"`
	Since               time.Time        `json:"since,omitzero"`
	Health              supervise.Health `json:"health"`
	Restarts            Restarts         `json:"restarts"`
	ConsecutiveFailures int              `json:"consecutive_failures"`
	LastProbe           *Probe           `json:"last_probe,omitempty"`
	LastIncident        string           `json:"last_incident"`
	UptimeSeconds       float64          `json:"uptime_seconds"` // of this run
	UptimeRatio24h      float64          `json:"uptime_ratio_24h"`
	UptimeRatio7d       float64          `json:"uptime_ratio_7d"`
}

// Restarts is what was spent of a target's budget.
type Restarts struct {
	Total         int       `json:"total"` // since the watchdog started
	InWindow      int       `json:"in_window"`
	Max           int       `json:"max"`
	WindowSeconds float64   `json:"window_seconds"`
	Remaining     int       `json:"remaining"`
	NextAt        time.Time `json:"next_at,omitzero"`
}

// Probe is the result of the latest probe of a target.
type Probe struct {
	OK              bool      `json:"ok"`
	At              time.Time `json:"at"`
	DurationSeconds float64   `json:"duration_seconds"`
	Error           string    `json:"error"`
}

// Encode is the status as JSON for people and programs: targets by name, times in UTC, secrets masked.
func (s Status) Encode() ([]byte, error) {
	s.StartedAt, s.UpdatedAt, s.HeartbeatAt = utc(s.StartedAt), utc(s.UpdatedAt), utc(s.HeartbeatAt)
	s.Docker.Error = clean(s.Docker.Error)
	targets := make([]Target, len(s.Targets)) // never null
	copy(targets, s.Targets)
	slices.SortFunc(targets, func(a, b Target) int { return strings.Compare(a.Target, b.Target) })
	for i := range targets {
		t := &targets[i]
		t.Since, t.Restarts.NextAt, t.Detail = utc(t.Since), utc(t.Restarts.NextAt), clean(t.Detail)
		if t.LastProbe != nil {
			p := *t.LastProbe
			p.At, p.Error = utc(p.At), clean(p.Error)
			t.LastProbe = &p
		}
	}
	s.Targets = targets
	data, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the status: %w", err)
	}
	return append(data, '\n'), nil
}

// WriteStatus replaces watchdog_status.json. A reader sees the old one or the new one, never a part. It syncs the file,
// so a loop should not call it more often than people look.
func (j *Journal) WriteStatus(s Status) error {
	data, err := s.Encode()
	if err == nil {
		err = writeWhole(j.dir.path(statusName), data)
	}
	return named("write "+statusName, err)
}

// Status reads watchdog_status.json.
func (d Dir) Status() (Status, error) {
	var s Status
	data, err := os.ReadFile(d.path(statusName))
	if errors.Is(err, fs.ErrNotExist) {
		return s, fmt.Errorf("no status in %s: has the watchdog run with this LOG_DIR? %w", string(d), err)
	}
	if err != nil {
		return s, fmt.Errorf("read the status: %w", err)
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("read %s: %w", statusName, err)
	}
	return s, nil
}

func utc(t time.Time) time.Time { return t.UTC().Round(0) }
