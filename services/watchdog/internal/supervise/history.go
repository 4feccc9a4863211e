package supervise

import "time"

// History is what the core must know of a target after a crash of the watchdog. The caller stores the latest one of every
// target and hands it back through Core.Restore before the first event.
type History struct {
	Restarts    []time.Time // counted restarts that are still in the window, oldest first
	Attempts    int         // restarts in a row without a stable run between them
	Sent        time.Time   // when the restart under way was sent; zero when none is
	Instance    Instance    // the run that was last seen
	Running     bool        // it ran when it was last seen, or was meant to: found exited, it is started
	Stopped     bool        // somebody had stopped it: found exited, it stays so
	Signalled   time.Time   // somebody's terminating signal, by the engine's clock; it may have gone to a run that was not seen
	Paused      bool
	PausedUntil time.Time // zero: until resumed
	ConfigHash  string
}
