package hostinfo

import (
	"math"
	"strconv"
	"time"
)

// Scope says whose limit a figure is measured against.
type Scope string

// The scopes.
const (
	ScopeHost      Scope = "host"
	ScopeContainer Scope = "container"
)

// Ratio is a share between 0 and 1, or NaN while it is not known. JSON shows
// four digits, and null for what is not known.
type Ratio float64

// Known tells whether there is a figure.
func (r Ratio) Known() bool { return !math.IsNaN(float64(r)) && !math.IsInf(float64(r), 0) }

// MarshalJSON writes the figure or null.
func (r Ratio) MarshalJSON() ([]byte, error) {
	if !r.Known() {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, math.Round(float64(r)*1e4)/1e4, 'f', -1, 64), nil
}

// unknown is the Ratio without a figure.
func unknown() Ratio { return Ratio(math.NaN()) }

func share(part, whole float64) Ratio {
	if whole <= 0 {
		return unknown()
	}
	return Ratio(part / whole)
}

// Snapshot is one look at everything. It never changes once published.
type Snapshot struct {
	At time.Time `json:"sampled_at"`
	// Scope is ScopeContainer when any limit of a container applies.
	Scope Scope `json:"scope"`
	// CPU and Memory are what this process may use: of the container where it
	// has a limit, else of the host.
	CPU    CPU    `json:"cpu"`
	Memory Memory `json:"memory"`
	// Network is that of the container, when there is one.
	Network         Network         `json:"network"`
	FileDescriptors FileDescriptors `json:"file_descriptors"`
	Host            Host            `json:"host"`
	// Faults are the parts that could not be read, with the reasons.
	Faults map[string]string `json:"faults,omitempty"`
}

// CPU is the use of processors.
type CPU struct {
	Scope Scope `json:"scope"`
	// Utilization of Cores, since the sample before.
	Utilization Ratio   `json:"utilization_ratio"`
	Cores       float64 `json:"cores"`
}

// Memory in use, without what the kernel would give back at once.
type Memory struct {
	Scope       Scope  `json:"scope"`
	Usage       uint64 `json:"usage_bytes"`
	Limit       uint64 `json:"limit_bytes"`
	Utilization Ratio  `json:"utilization_ratio"`
}

// Host is what the whole machine does.
type Host struct {
	CPU CPU `json:"cpu"`
	// CPUSteal is the share of the processors that other virtual machines on
	// the same hardware had while this one wanted them.
	CPUSteal    Ratio        `json:"cpu_steal_ratio"`
	Memory      Memory       `json:"memory"`
	Swap        Swap         `json:"swap"`
	Load        Load         `json:"load"`
	Filesystems []Filesystem `json:"filesystems"`
}

// Swap is the memory that was moved to disk, and what was moved there and
// back since the host booted.
type Swap struct {
	Usage uint64 `json:"usage_bytes"`
	Limit uint64 `json:"limit_bytes"`
	In    uint64 `json:"in_bytes_total"`
	Out   uint64 `json:"out_bytes_total"`
}

// Load is the number of processes that run or want to, averaged over 1, 5 and
// 15 minutes.
type Load struct {
	Load1  float64 `json:"load1"`
	Load5  float64 `json:"load5"`
	Load15 float64 `json:"load15"`
}

// Filesystem is the fill of one mounted file system. Usage and Size leave out
// what is reserved for root, as df does. Inodes are 0 on a file system that
// makes them as it needs them.
type Filesystem struct {
	Mountpoint  string `json:"mountpoint"`
	Usage       uint64 `json:"usage_bytes"`
	Size        uint64 `json:"size_bytes"`
	Utilization Ratio  `json:"utilization_ratio"`
	UsageInodes uint64 `json:"usage_inodes"`
	SizeInodes  uint64 `json:"size_inodes"`
}

// Network sums all interfaces but the loopback ones.
type Network struct {
	Receive  uint64 `json:"receive_bytes_total"`
	Transmit uint64 `json:"transmit_bytes_total"`
}

// FileDescriptors are those of this process.
type FileDescriptors struct {
	Open        uint64 `json:"open"`
	Limit       uint64 `json:"limit"`
	Utilization Ratio  `json:"utilization_ratio"`
}
