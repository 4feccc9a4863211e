package journal

import (
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// SystemClock is the clock of this machine; now is usually time.Now.
func SystemClock(now func() time.Time) Clock {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	var ts unix.Timespec
	if err != nil || unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) != nil {
		return Clock{Now: now, Uptime: func() time.Duration { return 0 }}
	}
	return Clock{Now: now, BootID: strings.TrimSpace(string(id)), Uptime: func() time.Duration {
		var ts unix.Timespec
		_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) // it worked above
		return time.Duration(ts.Nano())
	}}
}
