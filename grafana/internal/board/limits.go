package board

// The constants of the alert rules that panels draw. Change one here and in prometheus/rules together: a test compares them.
const (
	// MaxFailedShare is the share of failed requests from which HighErrorRate fires.
	MaxFailedShare = 0.05
	// MinFailed is how many requests must have failed for HighErrorRate to fire at all.
	MinFailed = 5
	// MaxHeartbeatAge is from how many seconds without a turn of its loop the watchdog counts as stuck.
	MaxHeartbeatAge = 120
)

// InnerRoutes matches the routes that say nothing about the backend's work; error figures leave them out.
const InnerRoutes = "/health.*|/metrics|unmatched"

// A state is one value of a state set, with the number and the colour that a timeline shows it by.
type state struct {
	name, text, color string
}

// targetStates are the values of watchdog_target_state{state}. A number is an index here plus 1: append only.
var targetStates = []state{
	{"starting", "starting", "light-blue"},
	{"up", "up", "green"},
	{"suspect", "suspect", "yellow"},
	{"down", "down", "red"},
	{"restarting", "restarting", "orange"},
	{"exhausted", "budget spent", "dark-red"},
	{"paused", "paused", "purple"},
	{"stopped", "stopped by a person", "semi-dark-blue"},
	{"held", "held", "dark-orange"},
	{"gone", "gone", "text"},
	{"misconfigured", "misconfigured", "dark-yellow"},
	{"needs_recreate", "needs recreate", "dark-purple"},
}

// healthStates are the values of health_check_status{status}.
var healthStates = []state{
	{"healthy", "healthy", "green"},
	{"degraded", "degraded", "yellow"},
	{"unhealthy", "unhealthy", "red"},
	{"unknown", "not yet known", "text"},
}
