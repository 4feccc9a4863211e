package health_test

import "runtime/debug"

// debugGC sets the pace of the collector and returns how to set it back.
func debugGC(percent int) func() {
	before := debug.SetGCPercent(percent)
	return func() { debug.SetGCPercent(before) }
}
