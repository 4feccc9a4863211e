// Package docker drives targets that are containers: it watches them through the Docker Engine API, tells what it sees as
// events of package supervise, and restarts, probes and examines them on request. It decides nothing.
//
// What it tells is level-triggered. Every event of the engine leads to a full look at the container, every lost stream and
// every Resync to a look at all of them, so that an event that was lost does no harm. The one edge that no later look
// reveals, a signal that somebody sent, is told at once and always before the look that finds the container exited; after a
// gap it is replayed from the engine's own short memory.
//
// Values of environment variables are never read: the guard in front of the engine blanks them.
package docker
