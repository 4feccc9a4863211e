package docker

import (
	"net/netip"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// Notice is something that the driver noticed: an event for the core, or a change of the connection.
type Notice struct {
	Event      supervise.Event // Kind EventNone when this is about the connection
	Info       *Info           // comes with an EventSeen
	Connection *Connection
}

// Connection says how the driver stands with the engine. It is told at every change.
type Connection struct {
	Connected     bool
	APIVersion    string // the negotiated one
	ServerVersion string
	Error         string // why it is not connected
}

// Info is what is known of the container behind a target, beside its Observation. It is not changed once handed out.
type Info struct {
	Target      string // PROJECT-SERVICE-NUMBER for Compose, else the name
	ContainerID string
	Name        string
	Image       string
	Project     string       // of Compose
	Service     string       // of Compose
	Addresses   []netip.Addr // where the watchdog reaches it, best first; empty while it does not run
	StartedAt   time.Time
	MemoryLimit uint64 // bytes, 0 = none
}
