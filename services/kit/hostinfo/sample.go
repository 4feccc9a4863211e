package hostinfo

import (
	"context"
	"time"
)

// source is where the figures of the machine come from.
type source interface {
	cpuSeconds(context.Context) (processors, error)
	cores(context.Context) (int, error)
	memory(context.Context) (usage, limit uint64, err error)
	swap(context.Context) (Swap, error)
	load(context.Context) (Load, error)
	filesystem(ctx context.Context, mountpoint string) (Filesystem, error)
	network(context.Context) (Network, error)
	fileDescriptors(context.Context) (FileDescriptors, error)
}

// processors are the CPU seconds of the host since it booted.
type processors struct {
	busy, stolen, total float64 // what another virtual machine had counts as stolen and as busy
}

// reading is what the next sample needs of this one.
type reading struct {
	at            time.Time
	processors    processors
	containerBusy float64 // CPU seconds of the container
	host, limited bool    // whether each was read
}

// sample takes one look and publishes it. A part that cannot be read is named
// in Faults; the other parts are none the worse.
func (s *Sampler) sample(ctx context.Context) {
	now := time.Now().UTC()
	snapshot := &Snapshot{At: now, Scope: ScopeHost, Host: Host{Filesystems: []Filesystem{}}}
	fault := func(part string, err error) bool {
		if err == nil {
			return false
		}
		if snapshot.Faults == nil {
			snapshot.Faults = map[string]string{}
		}
		snapshot.Faults[part] = err.Error()
		return true
	}
	var err error
	reading := reading{at: now}

	cpu := CPU{Scope: ScopeHost, Utilization: unknown()}
	snapshot.Host.CPUSteal = unknown()
	reading.processors, err = s.source.cpuSeconds(ctx)
	if reading.host = !fault("cpu", err); reading.host && s.before.host {
		now, before := reading.processors, s.before.processors
		cpu.Utilization = utilization(now.busy-before.busy, now.total-before.total)
		snapshot.Host.CPUSteal = utilization(now.stolen-before.stolen, now.total-before.total)
	}
	if cores, err := s.source.cores(ctx); !fault("cores", err) {
		cpu.Cores = float64(cores)
	}
	snapshot.Host.CPU, snapshot.CPU = cpu, cpu

	memory := Memory{Scope: ScopeHost}
	memory.Usage, memory.Limit, err = s.source.memory(ctx)
	fault("memory", err)
	memory.Utilization = share(float64(memory.Usage), float64(memory.Limit))
	snapshot.Host.Memory, snapshot.Memory = memory, memory

	s.container(snapshot, &reading, fault)

	snapshot.Host.Swap, err = s.source.swap(ctx)
	fault("swap", err)
	snapshot.Host.Load, err = s.source.load(ctx)
	fault("load", err)
	for _, mountpoint := range s.mountpoints {
		if filesystem, err := s.source.filesystem(ctx, mountpoint); !fault("filesystem "+mountpoint, err) {
			snapshot.Host.Filesystems = append(snapshot.Host.Filesystems, filesystem)
		}
	}
	snapshot.Network, err = s.source.network(ctx)
	fault("network", err)
	snapshot.FileDescriptors, err = s.source.fileDescriptors(ctx)
	fault("file_descriptors", err)

	s.before = reading
	s.latest.Store(snapshot)
}

// container replaces the figures that a limit of a container is about. A limit
// above what the host has is none.
func (s *Sampler) container(snapshot *Snapshot, reading *reading, fault func(string, error) bool) {
	if fault("control_groups", s.found) || s.limits.Version == 0 {
		return
	}
	cpuLimited := s.limits.CPUs > 0 && s.limits.CPUs < snapshot.Host.CPU.Cores
	memoryLimited := s.limits.MemoryBytes > 0 && s.limits.MemoryBytes < snapshot.Host.Memory.Limit
	if !cpuLimited && !memoryLimited {
		return
	}
	snapshot.Scope = ScopeContainer
	used, err := s.groups.usage(s.root)
	if fault("control_groups", err) {
		return
	}
	if cpuLimited {
		cpu := CPU{Scope: ScopeContainer, Cores: s.limits.CPUs, Utilization: unknown()}
		reading.containerBusy, reading.limited = used.CPUSeconds, len(s.groups.cpuacct) > 0
		if reading.limited && s.before.limited {
			available := reading.at.Sub(s.before.at).Seconds() * s.limits.CPUs
			cpu.Utilization = utilization(used.CPUSeconds-s.before.containerBusy, available)
		}
		snapshot.CPU = cpu
	}
	if memoryLimited {
		snapshot.Memory = Memory{
			Scope: ScopeContainer, Usage: used.MemoryBytes, Limit: s.limits.MemoryBytes,
			Utilization: share(float64(used.MemoryBytes), float64(s.limits.MemoryBytes)),
		}
	}
}
