package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
)

// sample is one set of figures of a container.
type sample struct {
	usage                         observe.Usage
	received, sent, read, written uint64
	periods, throttled            uint64 // of the CPU quota; 0 of 0 without one
}

// samples keeps the latest sample of each container, so that an incident knows the figures from before the end.
type samples struct {
	mu   sync.Mutex
	last map[string]sample // by container ID
}

// measure asks the engine for the figures of a container, once, and keeps them.
func (d *Driver) measure(ctx context.Context, cli *client.Client, id string) (sample, error) {
	res, err := cli.ContainerStats(ctx, id, client.ContainerStatsOptions{})
	if err != nil {
		return sample{}, err
	}
	defer res.Body.Close()
	var stats container.StatsResponse
	if err := json.NewDecoder(res.Body).Decode(&stats); err != nil {
		return sample{}, fmt.Errorf("read the stats: %w", err)
	}
	s := digest(stats)
	d.samples.keep(id, &s)
	return s, nil
}

// keep stores a sample and works out the use of the processors since the one before.
func (k *samples) keep(id string, s *sample) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.last == nil {
		k.last = map[string]sample{}
	}
	if old, ok := k.last[id]; ok {
		took, used := s.usage.At.Sub(old.usage.At).Seconds(), s.usage.CPUSeconds-old.usage.CPUSeconds
		if took > 0 && used >= 0 {
			s.usage.CPURatio = used / took
		}
	}
	k.last[id] = *s
}

// latest returns the last sample of a container.
func (k *samples) latest(id string) (sample, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, ok := k.last[id]
	return s, ok
}

// retain forgets all containers but these.
func (k *samples) retain(list []figures) {
	keep := make(map[string]bool, len(list))
	for _, f := range list {
		keep[f.info.ContainerID] = true
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	maps.DeleteFunc(k.last, func(id string, _ sample) bool { return !keep[id] })
}

// digest takes what is needed from the engine's answer.
func digest(st container.StatsResponse) sample {
	s := sample{usage: observe.Usage{
		At:          st.Read,
		CPUSeconds:  float64(st.CPUStats.CPUUsage.TotalUsage) / 1e9,
		MemoryBytes: workingSet(st.MemoryStats),
		Processes:   st.PidsStats.Current,
	}}
	s.periods, s.throttled = st.CPUStats.ThrottlingData.Periods, st.CPUStats.ThrottlingData.ThrottledPeriods
	if s.usage.At.Year() <= 1 {
		s.usage.At = time.Now()
	}
	for _, n := range st.Networks {
		s.received += n.RxBytes
		s.sent += n.TxBytes
	}
	for _, b := range st.BlkioStats.IoServiceBytesRecursive {
		switch strings.ToLower(b.Op) {
		case "read":
			s.read += b.Value
		case "write":
			s.written += b.Value
		}
	}
	return s
}

// workingSet is the memory that cannot be taken back at once: what is used, less the file pages that lie idle. That is what
// cAdvisor and docker stats show. Control groups of version 1 count the whole tree under a name of its own.
func workingSet(m container.MemoryStats) uint64 {
	idle, ok := m.Stats["total_inactive_file"]
	if !ok {
		idle = m.Stats["inactive_file"]
	}
	if idle > m.Usage {
		return 0
	}
	return m.Usage - idle
}
