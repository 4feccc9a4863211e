// Package observe holds the words in which a driver tells the loop what it sees of its targets, whether they are containers
// or processes.
package observe

import (
	"net/netip"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// Notice is something that a driver noticed: an event for the core, or a change of its connection.
type Notice struct {
	Event      supervise.Event // Kind EventNone when this is about the connection
	Info       *Info           // comes with an EventSeen
	Connection *Connection
}

// Connection says how a driver stands with the engine. It is told at every change.
type Connection struct {
	Connected     bool
	APIVersion    string // the negotiated one
	ServerVersion string
	Error         string // why it is not connected
}

// Info is what is known of the container or process behind a target, beside its Observation. It is not changed once
// handed out.
type Info struct {
	Target      string // PROJECT-SERVICE-NUMBER for Compose, else the name; PROGRAM-NUMBER for a process
	ContainerID string // of a process: its pid
	Name        string
	Image       string       // of a process: its program
	Project     string       // of Compose
	Service     string       // of Compose
	Addresses   []netip.Addr // where the watchdog reaches it, best first; empty while it does not run
	StartedAt   time.Time
	MemoryLimit uint64 // bytes, 0 = none
}

// Evidence is what an incident report wants to know of a target before a restart destroys it. Every part is
// best-effort; Errors says what could not be had.
type Evidence struct {
	ContainerID string         `json:"container_id"`
	ExitCode    int            `json:"exit_code"`
	OOMKilled   bool           `json:"oom_killed"`
	Error       string         `json:"error,omitempty"` // of the engine, when it could not start the container
	StartedAt   time.Time      `json:"started_at,omitzero"`
	FinishedAt  time.Time      `json:"finished_at,omitzero"`
	Health      []HealthOutput `json:"health,omitempty"`
	Logs        []LogLine      `json:"logs,omitempty"`
	Usage       *Usage         `json:"usage,omitempty"` // the latest there is, at most 15 s old while it runs
	Errors      []string       `json:"errors,omitempty"`
}

// HealthOutput is one result of Docker's own health check.
type HealthOutput struct {
	At       time.Time `json:"at"`
	ExitCode int       `json:"exit_code"`
	Output   string    `json:"output"`
}

// LogLine is one line that the target wrote.
type LogLine struct {
	At     time.Time `json:"at,omitzero"`
	Stream string    `json:"stream,omitempty"` // stdout or stderr; empty for a terminal, which mixes both
	Text   string    `json:"text"`
}

// Usage is what a target used at one moment.
type Usage struct {
	At          time.Time `json:"at"`
	CPUSeconds  float64   `json:"cpu_seconds"`         // since its start
	CPURatio    float64   `json:"cpu_ratio,omitempty"` // processors in use between the last two looks; 0 when unknown
	MemoryBytes uint64    `json:"memory_bytes"`        // the working set
	LimitBytes  uint64    `json:"limit_bytes,omitempty"`
	Processes   uint64    `json:"processes,omitempty"`
}
