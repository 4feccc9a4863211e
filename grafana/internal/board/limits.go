package board

// The constants of the alert rules that panels draw. Change one here and in prometheus/rules together: a test compares them.
const (
	// MaxFailedShare is the share of failed requests from which HighErrorRate fires.
	MaxFailedShare = 0.05
	// MinFailed is how many requests must have failed for HighErrorRate to fire at all.
	MinFailed = 5
	// MaxLatency is from how many seconds for the slowest 5% of the requests HighLatency fires.
	MaxLatency = 1
	// MinRequests is how many requests HighLatency wants to have seen.
	MinRequests = 20
	// MaxOpenFiles is the share of its file descriptors that a service may have open; FileDescriptorsRunningOut.
	MaxOpenFiles = 0.8
	// MaxHeartbeatAge is from how many seconds without a turn of its loop the watchdog counts as stuck.
	MaxHeartbeatAge = 120
	// MaxFailedProbes is the share of failed probes from which TargetUnhealthy fires.
	MaxFailedProbes = 0.2
	// MaxContainerMemory is the share of its memory limit that a container may use; ContainerMemoryNearLimit.
	MaxContainerMemory = 0.9
	// MaxHostMemory is the share of the host's memory that may be used; HostMemoryHigh.
	MaxHostMemory = 0.9
	// MaxHostCPU is the share of the host's processor time that may be used; HostCpuSaturated.
	MaxHostCPU = 0.95
	// MaxCPUSteal is the share of its processor time that the host may lose to other virtual machines; HostCpuStolen.
	MaxCPUSteal = 0.1
	// MaxLoadPerCore is how many processes may run or wait for each processor; HostLoadHigh.
	MaxLoadPerCore = 2
	// MaxInodes is the share of a disk's inodes that may be used; HostInodesRunningOut.
	MaxInodes = 0.9
	// MaxThrottled is the share of its CPU periods in which a container may have to wait; ContainerCpuThrottled.
	MaxThrottled = 0.5
	// FillingDisk is the share of a disk from which HostDiskFillingUp looks at its growth.
	FillingDisk = 0.8
	// FullDisk is the share of a disk from which HostDiskAlmostFull fires.
	FullDisk = 0.95
)

// A burn is a pair of windows of the burn rate alerts: they fire when the error budget burns faster than the factor in both.
type burn struct {
	long, short string
	factor      float64
	severity    string
}

var burns = []burn{
	{"1h", "5m", 14.4, "critical"},
	{"6h", "30m", 6, "critical"},
	{"1d", "2h", 3, "warning"},
	{"3d", "6h", 1, "warning"},
}

// InnerRoutes matches the routes that say nothing about the backend's work; error figures leave them out.
const InnerRoutes = "/health.*|/metrics|unmatched"

// A state is one value of a state set, with the number and the colour that a timeline shows it by.
type state struct {
	name, text, color string
}

// targetStates are the values of watchdog_target_state{state}. A number is an index here plus 1: append only.
var targetStates = []state{
	{"starting", "starting", skyBlue},
	{"up", "up", green},
	{"suspect", "suspect", yellow},
	{"down", "down", red},
	{"restarting", "restarting", orange},
	{"exhausted", "budget spent", darkRed},
	{"paused", "paused", purple},
	{"stopped", "stopped by a person", blue},
	{"held", "held", orange},
	{"gone", "gone", grey},
	{"misconfigured", "misconfigured", yellow},
	{"needs_recreate", "needs recreate", darkRed},
}

// healthStates are the values of health_check_status{status}.
var healthStates = []state{
	{"healthy", "healthy", green},
	{"degraded", "degraded", orange},
	{"unhealthy", "unhealthy", red},
	{"unknown", "not yet known", grey},
}
