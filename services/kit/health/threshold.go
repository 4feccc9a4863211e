package health

import (
	"context"
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"
)

// Limits are the values from which a figure is too high. Zero means no limit.
type Limits struct {
	Degraded  float64
	Unhealthy float64
}

// judge compares a figure with its limits.
func (l Limits) judge(value float64, unit string) error {
	show := func(v float64) string {
		if unit == "ratio" {
			return strconv.FormatFloat(math.Round(v*1000)/10, 'f', -1, 64) + "%"
		}
		text := strconv.FormatFloat(v, 'f', -1, 64)
		if unit != "" {
			text += " " + unit
		}
		return text
	}
	switch {
	case l.Unhealthy > 0 && value >= l.Unhealthy:
		return fmt.Errorf("%s, unhealthy from %s", show(value), show(l.Unhealthy))
	case l.Degraded > 0 && value >= l.Degraded:
		return Warn(fmt.Errorf("%s, degraded from %s", show(value), show(l.Degraded)))
	}
	return nil
}

// Threshold makes a check of a figure that read returns. An error of read
// degrades: nobody knows. NaN is a figure that is not there yet, and nothing to
// worry about. The unit "ratio" is shown in percent.
func Threshold(unit string, limits Limits, read func() (float64, error)) Func {
	return func(ctx context.Context) error {
		value, err := read()
		if err != nil {
			return Warn(err)
		}
		if math.IsNaN(value) {
			return nil
		}
		Observe(ctx, value, unit)
		return limits.judge(value, unit)
	}
}

// Goroutines makes a check of how many there are: a leak shows here first.
func Goroutines(limits Limits) Func {
	return Threshold("goroutines", limits, func() (float64, error) {
		return float64(runtime.NumGoroutine()), nil
	})
}

// GCPause makes a check of the longest pause of the garbage collector since
// the run before, in seconds.
func GCPause(limits Limits) Func {
	var stats debug.GCStats
	debug.ReadGCStats(&stats)
	seen := stats.NumGC
	return Threshold("seconds", limits, func() (float64, error) {
		debug.ReadGCStats(&stats)
		fresh := min(stats.NumGC-seen, int64(len(stats.Pause)))
		seen = stats.NumGC
		var longest time.Duration
		for _, pause := range stats.Pause[:fresh] { // the latest come first
			longest = max(longest, pause)
		}
		return longest.Seconds(), nil
	})
}

// Disk makes a check of how full a file system is, as a ratio of what an
// ordinary user may use.
func Disk(path string, limits Limits) Func {
	return Threshold("ratio", limits, func() (float64, error) { return diskUse(path) })
}
