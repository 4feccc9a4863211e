// Package supervise decides what happens to the targets of the watchdog. It is pure: observations and a clock go in,
// actions come out. Nothing in it blocks, logs, reads a clock, starts a goroutine or talks to Docker, so that every rule
// can be tested with made-up histories.
//
// A caller runs one loop:
//
//	for ev := range events {
//		for _, act := range core.Step(ev) {
//			carryOut(act) // its outcome comes back as another event
//		}
//	}
//
// Events are level-triggered wherever that is possible: Seen carries all that is known of a target, so that an event that
// was lost does no harm. The one edge that no later look can reveal, a signal that somebody sent, has an event of its own.
//
// A Core is not safe for concurrent use; it belongs to the loop.
package supervise
