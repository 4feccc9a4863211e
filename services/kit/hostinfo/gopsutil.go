package hostinfo

import (
	"context"
	"errors"
	"net"
	"os"

	"github.com/shirou/gopsutil/v3/cpu"
	"github.com/shirou/gopsutil/v3/disk"
	"github.com/shirou/gopsutil/v3/load"
	"github.com/shirou/gopsutil/v3/mem"
	psnet "github.com/shirou/gopsutil/v3/net"
	"github.com/shirou/gopsutil/v3/process"
)

// gopsutil is the source of a real machine.
type gopsutil struct{}

func (gopsutil) cpuSeconds(ctx context.Context) (processors, error) {
	all, err := cpu.TimesWithContext(ctx, false)
	if err != nil {
		return processors{}, err
	}
	if len(all) == 0 {
		return processors{}, errors.New("the system names no processor")
	}
	t := all[0]
	// Guest time is part of user time already; waiting for a disk is idling.
	busy := t.User + t.Nice + t.System + t.Irq + t.Softirq + t.Steal
	return processors{busy: busy, stolen: t.Steal, total: busy + t.Idle + t.Iowait}, nil
}

func (gopsutil) cores(ctx context.Context) (int, error) { return cpu.CountsWithContext(ctx, true) }

func (gopsutil) memory(ctx context.Context) (usage, limit uint64, err error) {
	m, err := mem.VirtualMemoryWithContext(ctx)
	if err != nil {
		return 0, 0, err
	}
	return m.Total - min(m.Total, m.Available), m.Total, nil
}

func (gopsutil) swap(ctx context.Context) (Swap, error) {
	m, err := mem.SwapMemoryWithContext(ctx)
	if err != nil {
		return Swap{}, err
	}
	return Swap{Usage: m.Used, Limit: m.Total, In: m.Sin, Out: m.Sout}, nil
}

func (gopsutil) load(ctx context.Context) (Load, error) {
	l, err := load.AvgWithContext(ctx)
	if err != nil {
		return Load{}, err
	}
	return Load{Load1: l.Load1, Load5: l.Load5, Load15: l.Load15}, nil
}

func (gopsutil) filesystem(ctx context.Context, mountpoint string) (Filesystem, error) {
	u, err := disk.UsageWithContext(ctx, mountpoint)
	if err != nil {
		return Filesystem{}, err
	}
	size := u.Used + u.Free // Free is what an ordinary user may still fill
	return Filesystem{
		Mountpoint: mountpoint, Usage: u.Used, Size: size,
		Utilization: share(float64(u.Used), float64(size)), UsageInodes: u.InodesUsed, SizeInodes: u.InodesTotal,
	}, nil
}

func (gopsutil) network(ctx context.Context) (Network, error) {
	counters, err := psnet.IOCountersWithContext(ctx, true)
	if err != nil {
		return Network{}, err
	}
	loopback := map[string]bool{"lo": true}
	if interfaces, err := net.Interfaces(); err == nil {
		for _, i := range interfaces {
			if i.Flags&net.FlagLoopback != 0 {
				loopback[i.Name] = true
			}
		}
	}
	var sum Network
	for _, c := range counters {
		if !loopback[c.Name] {
			sum.Receive += c.BytesRecv
			sum.Transmit += c.BytesSent
		}
	}
	return sum, nil
}

func (gopsutil) fileDescriptors(ctx context.Context) (FileDescriptors, error) {
	self := process.Process{Pid: int32(os.Getpid())}
	open, err := self.NumFDsWithContext(ctx)
	if err != nil {
		return FileDescriptors{}, err
	}
	out := FileDescriptors{Open: uint64(max(open, 0)), Utilization: unknown()}
	limits, err := self.RlimitWithContext(ctx)
	if err != nil {
		return out, err
	}
	for _, limit := range limits {
		if limit.Resource == process.RLIMIT_NOFILE {
			out.Limit = limit.Soft
			out.Utilization = share(float64(out.Open), float64(limit.Soft))
		}
	}
	return out, nil
}
