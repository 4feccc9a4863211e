package supervise

import "time"

// State is where a target stands.
type State string

// The states of a target.
const (
	StateStarting      State = "starting"       // runs, has not yet been seen well
	StateUp            State = "up"             // runs and is well
	StateSuspect       State = "suspect"        // something failed, too little to act on
	StateDown          State = "down"           // not well; a restart is due or waits for its delay
	StateRestarting    State = "restarting"     // a restart has been sent to the engine
	StateExhausted     State = "exhausted"      // the restart budget is spent; one try when the oldest restart leaves the window
	StatePaused        State = "paused"         // left alone on request, or frozen by docker pause
	StateStopped       State = "stopped"        // somebody stopped it, or it finished its work
	StateHeld          State = "held"           // many targets failed at once; waits its turn
	StateGone          State = "gone"           // no longer exists
	StateMisconfigured State = "misconfigured"  // its labels are faulty; left alone
	StateNeedsRecreate State = "needs_recreate" // a restart cannot help, e.g. its network's owner was recreated
)

// States lists every State, in the order in which metrics and pages show them.
var States = []State{
	StateStarting, StateUp, StateSuspect, StateDown, StateRestarting, StateExhausted,
	StatePaused, StateStopped, StateHeld, StateGone, StateMisconfigured, StateNeedsRecreate,
}

// Reason says why a decision was taken. The same word stands in log, metric, status, incident and notification.
// The zero value means that nothing was decided.
type Reason string

// The reasons of restarts; see RestartReasons.
const (
	ReasonExited     Reason = "exited"      // the process ended by itself
	ReasonOOM        Reason = "oom"         // the kernel ended it for want of memory
	ReasonUnhealthy  Reason = "unhealthy"   // Docker's own health check failed
	ReasonProbe      Reason = "probe"       // the watchdog's probe failed
	ReasonStartError Reason = "start_error" // the engine could not start it and gave up
	ReasonDependency Reason = "dependency"  // a target that it depends on was restarted
	ReasonRequested  Reason = "requested"   // a person asked for it
)

// The reasons of all other decisions.
const (
	ReasonStopped       Reason = "stopped"        // somebody stopped or killed it on purpose
	ReasonCreated       Reason = "created"        // it was made, and nobody has started it yet
	ReasonFinished      Reason = "finished"       // it ended with exit code 0 before anybody watched
	ReasonPaused        Reason = "paused"         // a person asked, or docker pause
	ReasonHealthy       Reason = "healthy"        // it is well
	ReasonBudget        Reason = "budget"         // the restart budget is spent
	ReasonCorrelated    Reason = "correlated"     // many targets failed at once
	ReasonMisconfigured Reason = "misconfigured"  // a label is faulty
	ReasonNoDonor       Reason = "no_donor"       // the container whose network it shares is gone
	ReasonRemoved       Reason = "removed"        // the container is gone
	ReasonStarted       Reason = "started"        // a new run was seen that was not ours
	ReasonActionFailed  Reason = "action_failed"  // the restart was refused by the engine
	ReasonActionTimeout Reason = "action_timeout" // the restart did not finish in time
	ReasonDaemon        Reason = "daemon"         // Docker's restart policy takes care of it
)

// RestartReasons lists the reasons that a Restart action can carry, so that counters can start at zero.
var RestartReasons = []Reason{
	ReasonExited, ReasonOOM, ReasonUnhealthy, ReasonProbe, ReasonStartError, ReasonDependency, ReasonRequested,
}

// Instance identifies one run of a target: a container with the time of its last start, or a process with its own.
// A restart makes a new instance even where the ID stays.
type Instance struct {
	ID        string
	StartedAt time.Time
}

// Same reports whether two instances are the same run.
func (i Instance) Same(o Instance) bool { return i.ID == o.ID && i.StartedAt.Equal(o.StartedAt) }

// Status is what the engine says of a container, in the words of Docker's State.Status.
type Status string

// The statuses of a container.
const (
	StatusCreated    Status = "created"
	StatusRunning    Status = "running"
	StatusPaused     Status = "paused"
	StatusRestarting Status = "restarting"
	StatusRemoving   Status = "removing"
	StatusExited     Status = "exited"
	StatusDead       Status = "dead"
)

// Health is the result of Docker's own health check.
type Health string

// The values of Health; HealthNone stands for a container without a health check.
const (
	HealthNone      Health = "none"
	HealthStarting  Health = "starting"
	HealthHealthy   Health = "healthy"
	HealthUnhealthy Health = "unhealthy"
)

// RestartPolicy is what Docker itself does when the container exits.
type RestartPolicy string

// Docker's restart policies.
const (
	RestartNo            RestartPolicy = "no"
	RestartAlways        RestartPolicy = "always"
	RestartUnlessStopped RestartPolicy = "unless-stopped"
	RestartOnFailure     RestartPolicy = "on-failure"
)

// Observation is all that one look at a target told.
type Observation struct {
	Instance      Instance
	Status        Status
	Health        Health
	CheckFailed   bool // the latest of Docker's own health checks failed, though it may not yet say unhealthy
	ExitCode      int
	OOMKilled     bool
	OverMemory    bool   // it runs and uses more memory than it may, where nobody else enforces that
	Error         string // what the engine said when it could not start the container
	FinishedAt    time.Time
	RestartPolicy RestartPolicy
	RestartCount  int      // how often the engine restarted it by its own policy
	ConfigHash    string   // changes when the configuration does; a new one clears the history
	Fault         string   // what is wrong with the labels; non-empty makes the target misconfigured
	DonorMissing  bool     // shares the network of a container that no longer exists
	DependsOn     []string // targets after whose restart this one is restarted too
	Policy        Policy
}

// Policy is how one target is treated. Durations of zero mean what the field says; see DefaultPolicy.
type Policy struct {
	Probe            string        // "" or "none": no probe; else a URL for the prober
	ProbeInterval    time.Duration // between probes of a target that is well
	ProbeTimeout     time.Duration
	FailureThreshold int // failures in a row that make a target bad
	SuccessThreshold int // successes in a row that make it well again
	FlapFailures     int // failures among the last FlapWindow probes that make it bad; 0 = off
	FlapWindow       int
	StartPeriod      time.Duration // after a start, failures do not count before this is over or a probe succeeded
	RestartDelay     time.Duration // before a repeated restart, doubling up to MaxRestartDelay; the first is immediate
	MaxRestarts      int           // per RestartWindow
	RestartWindow    time.Duration
	StopTimeout      time.Duration // grace between SIGTERM and SIGKILL; negative = the container's own
	StopTimeoutHung  time.Duration // the same for a target that answers nothing
}

// MaxRestartDelay bounds the growing delay between restarts of one target.
const MaxRestartDelay = 300 * time.Second

// StableRun is how long a run must last for the restart after it to be immediate again, as the kubelet does it.
const StableRun = 10 * time.Minute

// DefaultPolicy holds the defaults that the environment and labels override.
func DefaultPolicy() Policy {
	return Policy{
		Probe: "none", ProbeInterval: 30 * time.Second, ProbeTimeout: 5 * time.Second,
		FailureThreshold: 3, SuccessThreshold: 1, FlapFailures: 6, FlapWindow: 10,
		StartPeriod: 60 * time.Second, RestartDelay: 5 * time.Second,
		MaxRestarts: 10, RestartWindow: time.Hour,
		StopTimeout: -1, StopTimeoutHung: 2 * time.Second,
	}
}
