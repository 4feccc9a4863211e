package process

import (
	"context"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
)

// How often the figures of all workers are taken: quickly where a limit depends on it. A look costs about 50 microseconds for
// each process of the machine.
const (
	measureEvery = 5 * time.Second
	limitEvery   = time.Second
)

// group is what all processes of one process group use.
type group struct {
	cpuSeconds  float64
	memoryBytes uint64
	processes   uint64
}

// measure takes the figures of the workers until ctx ends, and tells when one uses more memory than it may.
func (d *Driver) measure(ctx context.Context) {
	every := measureEvery
	if d.opts.MaxMemory > 0 {
		every = limitEvery
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			d.measureOnce()
		}
	}
}

func (d *Driver) measureOnce() {
	var running []*run
	for _, w := range d.workers {
		if r := w.now(); r != nil {
			if _, _, over := r.over(); !over {
				running = append(running, r)
			}
		}
	}
	groups, err := processGroups()
	if err != nil || len(running) == 0 {
		return // the next look may work
	}
	now := time.Now()
	for _, r := range running {
		g, ok := groups[r.pid]
		if !ok {
			continue
		}
		u := &observe.Usage{At: now, CPUSeconds: g.cpuSeconds, MemoryBytes: g.memoryBytes, Processes: g.processes}
		if old := r.usage.Load(); old != nil && now.After(old.At) {
			u.CPURatio = max(u.CPUSeconds-old.CPUSeconds, 0) / now.Sub(old.At).Seconds()
		}
		r.usage.Store(u)
		if limit := d.opts.MaxMemory; limit > 0 && u.MemoryBytes > uint64(limit) && !r.overMemory.Swap(true) {
			r.w.ended(r)
		}
	}
}
