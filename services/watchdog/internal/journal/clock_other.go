//go:build !linux

package journal

import "time"

// SystemClock is the clock of this machine; now is usually time.Now. Without a boot id, ages go by the wall clock.
func SystemClock(now func() time.Time) Clock {
	return Clock{Now: now, Uptime: func() time.Duration { return 0 }}
}
