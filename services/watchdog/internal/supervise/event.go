package supervise

import "time"

// Event is something that the core is told. Exactly the fields that its Kind names are read.
type Event struct {
	Kind   EventKind
	At     time.Time // when it is told; never goes back
	Target string

	Seen     *Observation  // EventSeen
	Signal   Signal        // EventSignal
	Probe    ProbeResult   // EventProbe
	Outcome  Outcome       // EventOutcome
	Duration time.Duration // EventPause: how long, 0 = until resumed; EventEngineLost: how far back stops are doubted
}

// EventKind tells events apart.
type EventKind uint8

// The kinds of events.
const (
	EventNone       EventKind = iota
	EventTick                 // a wake-up that the core asked for is due
	EventSeen                 // a full look at the target
	EventGone                 // the target no longer exists
	EventSignal               // somebody sent the container's process a signal
	EventProbe                // a probe that the core asked for has ended
	EventOutcome              // a restart that the core asked for has ended
	EventPause                // a person wants it left alone
	EventResume               // a person wants it looked after again
	EventRestart              // a person wants it restarted now
	EventReset                // a person clears its history and budget
	EventEngineLost           // nothing can be seen or done until the next look; stops within Duration before were the engine's own shutdown
)

// Signal is a terminating signal that the engine delivered to a container on somebody's request.
type Signal struct {
	InstanceID string    // container ID
	SentAt     time.Time // by the engine's clock
}

// ProbeResult is the end of one probe.
type ProbeResult struct {
	Instance Instance // the run that was probed; a result for another run is dropped
	OK       bool
	Answered bool // something answered, if only with a bad status: the process is not frozen
	Unsure   bool // the probe could not be made (e.g. no address yet): neither success nor failure
	Took     time.Duration
	Error    string
}

// Outcome is the end of one restart.
type Outcome struct {
	Attempt            uint64    // from the action
	Err                string    // empty: the engine did it
	TimedOut           bool      // nobody knows yet: the next EventSeen will tell
	StartedAt, EndedAt time.Time // when the call was sent and when it ended, by the wall clock, to recognise its own signals
}

// Action is something that the caller shall do.
type Action struct {
	Kind   ActionKind
	Target string

	Instance Instance      // ActionProbe, ActionRestart: the run meant
	After    time.Duration // ActionWake: when to send EventTick, replacing the target's earlier wake-up
	Restart  Restart       // ActionRestart
	Change   Change        // ActionReport
}

// ActionKind tells actions apart.
type ActionKind uint8

// The kinds of actions. The caller carries out the actions of one Step in their order.
const (
	ActionNone    ActionKind = iota
	ActionProbe              // probe the target, answer with EventProbe
	ActionRestart            // write the ledger, then restart or start the target, answer with EventOutcome
	ActionWake               // send EventTick for the target after After
	ActionReport             // a change that log, metrics and journal shall know
)

// Restart is what an ActionRestart asks for.
type Restart struct {
	Attempt     uint64 // increases with every restart of the core; comes back in Outcome
	Reason      Reason
	StartOnly   bool          // it does not run: start it, rather than stop and start
	StopTimeout time.Duration // negative = the container's own
	Hung        bool          // the process answers nothing, so StopTimeout is the short one
	Counted     bool          // spends budget: the ledger must hold it before the call
	Detail      string        // a sentence for people
}

// Change is a change of a target's state, or something that happened to it within a state.
type Change struct {
	From, To State
	Reason   Reason
	Detail   string // a sentence for people
	At       time.Time
	Cause    Reason        // of the outage that this change belongs to, empty outside one
	DownFor  time.Duration // To == StateUp after an outage: how long it lasted
	NextAt   time.Time     // To == StateDown or StateExhausted: when the next try is due, zero when unknown
}
