// Package hostinfo knows what the machine and the container are doing: CPU,
// load, memory, swap, disks, network and file descriptors.
//
// A Sampler reads them in the background, by gopsutil, and keeps the latest
// Snapshot. Reading a snapshot costs a pointer, so requests and scrapes never
// wait for a slow disk or a mount that hangs.
//
// A container sees its host's memory and CPU. What a process in it may use is
// what its control group says, and running out of that is what kills it. So a
// snapshot names the Scope of each figure: the memory of a container with a
// limit is measured against that limit, anything else against the host.
// Versions 1 and 2 of control groups are understood.
//
//	sampler := hostinfo.New(hostinfo.Options{})
//	go sampler.Run(ctx)
//	registry.MustRegister(hostinfo.NewCollector(sampler))
package hostinfo
