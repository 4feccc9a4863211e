package hostinfo

import (
	"context"
	"io/fs"
	"os"
	"sync/atomic"
	"time"
)

// DefaultInterval is the pause between two samples.
const DefaultInterval = 5 * time.Second

// Options of a Sampler. The zero value is useful.
type Options struct {
	// Interval between two samples, DefaultInterval when zero.
	Interval time.Duration
	// Mountpoints whose fill is watched: "/" when none. In a container that is
	// the disk on which the engine keeps its containers.
	Mountpoints []string
	// Root is the file system from which control groups are read,
	// os.DirFS("/") when nil.
	Root fs.FS
}

// Sampler looks at the machine in the background.
type Sampler struct {
	interval    time.Duration
	mountpoints []string
	root        fs.FS
	source      source
	groups      groups
	limits      Limits
	found       error // why the control groups could not be read
	before      reading
	latest      atomic.Pointer[Snapshot]
}

// New makes a Sampler and takes the first sample, so that there is always one
// to show. Utilization of CPUs is known from the second sample on.
func New(options Options) *Sampler { return newSampler(options, gopsutil{}) }

func newSampler(options Options, from source) *Sampler {
	s := &Sampler{
		interval: options.Interval, mountpoints: options.Mountpoints, root: options.Root, source: from,
	}
	if s.interval <= 0 {
		s.interval = DefaultInterval
	}
	if len(s.mountpoints) == 0 {
		s.mountpoints = []string{"/"}
	}
	if s.root == nil {
		s.root = os.DirFS("/")
	}
	if s.groups, s.found = findGroups(s.root); s.found == nil {
		s.limits, s.found = s.groups.limits(s.root)
	}
	s.sample(context.Background())
	return s
}

// Limits are what this process may use.
func (s *Sampler) Limits() Limits { return s.limits }

// Latest is the latest snapshot. It is never nil, and must not be changed.
func (s *Sampler) Latest() *Snapshot { return s.latest.Load() }

// Stale tells whether sampling has stopped getting anywhere, as it does when
// a file system hangs.
func (s *Sampler) Stale() bool { return time.Since(s.Latest().At) > 3*s.interval+time.Second }

// Run samples until the context ends, and returns nil then. The second sample
// comes after a second at most.
func (s *Sampler) Run(ctx context.Context) error {
	timer := time.NewTimer(min(s.interval, time.Second))
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		s.sample(ctx)
		timer.Reset(s.interval)
	}
}
