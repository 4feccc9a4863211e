package hostinfo

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

var update = flag.Bool("update", false, "write the golden files anew")

// machine is a source whose figures the test sets.
type machine struct {
	processors
	err   error
	stuck chan struct{}
}

func (m *machine) cpuSeconds(context.Context) (processors, error) {
	if m.stuck != nil {
		<-m.stuck
	}
	return m.processors, m.err
}
func (m *machine) cores(context.Context) (int, error) { return 4, nil }
func (m *machine) memory(context.Context) (uint64, uint64, error) {
	return 2 << 30, 8 << 30, m.err
}
func (m *machine) swap(context.Context) (Swap, error) {
	return Swap{1 << 20, 1 << 30, 5000, 6000}, m.err
}
func (m *machine) load(context.Context) (Load, error) { return Load{0.5, 0.25, 0.125}, m.err }
func (m *machine) filesystem(_ context.Context, mountpoint string) (Filesystem, error) {
	f := Filesystem{mountpoint, 30 << 30, 120 << 30, 0.25, 1000, 4000}
	if mountpoint == "/data" { // makes inodes as it needs them
		f.UsageInodes, f.SizeInodes = 0, 0
	}
	return f, m.err
}
func (m *machine) network(context.Context) (Network, error) { return Network{1000, 2000}, m.err }
func (m *machine) fileDescriptors(context.Context) (FileDescriptors, error) {
	return FileDescriptors{10, 1000, 0.01}, m.err
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run the tests with -update", err)
	}
	if string(want) != string(got) {
		t.Errorf("%s differs; if that is meant, run the tests with -update. Got:\n%s", path, got)
	}
}

func TestSnapshots(t *testing.T) {
	for _, tree := range []string{"none", "v2-container", "v1-container", "v1-unlimited", "broken"} {
		t.Run(tree, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				source := &machine{processors: processors{busy: 100, stolen: 10, total: 1000}}
				s := newSampler(Options{Root: os.DirFS("testdata/" + tree), Mountpoints: []string{"/", "/data"}}, source)
				if s.Latest().CPU.Utilization.Known() {
					t.Error("the CPU utilization is known after one sample")
				}
				source.processors = processors{busy: 103, stolen: 11, total: 1004}
				ctx, cancel := context.WithCancel(t.Context())
				go s.Run(ctx)
				time.Sleep(time.Second)
				synctest.Wait()
				cancel()
				synctest.Wait()
				body, err := json.MarshalIndent(s.Latest(), "", "  ")
				if err != nil {
					t.Fatal(err)
				}
				golden(t, "testdata/"+tree+".json", append(body, '\n'))
			})
		})
	}
}

// The container's CPU use is measured against its quota.
func TestContainerCPU(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stat := &fstest.MapFile{Data: []byte("usage_usec 1000000\n")}
		root := fstest.MapFS{
			"proc/self/cgroup":             {Data: []byte("0::/\n")},
			"proc/self/mountinfo":          {Data: []byte("30 1 0:27 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n")},
			"sys/fs/cgroup/cpu.max":        {Data: []byte("50000 100000\n")},
			"sys/fs/cgroup/cpu.stat":       stat,
			"sys/fs/cgroup/memory.current": {Data: []byte("1000\n")},
			"sys/fs/cgroup/memory.stat":    {Data: []byte("inactive_file 1\n")},
		}
		s := newSampler(Options{Root: root}, &machine{})
		time.Sleep(10 * time.Second)
		stat.Data = []byte("usage_usec 3500000\n") // 2.5 s of the 5 s that half a processor has in 10 s
		s.sample(t.Context())
		got := s.Latest()
		if got.Scope != ScopeContainer || got.CPU.Scope != ScopeContainer || got.CPU.Utilization != 0.5 || got.CPU.Cores != 0.5 {
			t.Errorf("%v, %+v, want half of the container's half processor", got.Scope, got.CPU)
		}
		if got.Memory.Scope != ScopeHost {
			t.Errorf("memory %+v, want the host's, since the container has no limit of its own", got.Memory)
		}
	})
}

func TestFaultsAreNamedAndTheRestIsWell(t *testing.T) {
	source := &machine{err: errors.New("permission denied")}
	s := newSampler(Options{Root: fstest.MapFS{}}, source)
	got := s.Latest()
	for _, part := range []string{"cpu", "memory", "swap", "load", "network", "filesystem /", "file_descriptors"} {
		if got.Faults[part] != "permission denied" {
			t.Errorf("no fault for %s: %v", part, got.Faults)
		}
	}
	if got.CPU.Cores != 4 {
		t.Errorf("the cores, which could be read, are %v", got.CPU.Cores)
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(NewCollector(s))
	if n, err := testutil.GatherAndCount(registry); n != 1 || err != nil {
		t.Errorf("%d metrics, want that of the cores alone, %v", n, err)
	}
}

func TestStaleWhenReadingHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := &machine{}
		s := newSampler(Options{Root: fstest.MapFS{}, Interval: 10 * time.Second}, source)
		source.stuck = make(chan struct{})
		go s.Run(t.Context())
		time.Sleep(30 * time.Second)
		if s.Stale() {
			t.Error("stale after 30 s")
		}
		time.Sleep(2 * time.Second)
		if !s.Stale() {
			t.Error("not stale after 32 s without a sample")
		}
		close(source.stuck)
		synctest.Wait()
		if s.Stale() {
			t.Error("stale after a new sample")
		}
	})
}

func TestCollector(t *testing.T) {
	source := &machine{processors: processors{busy: 100, stolen: 10, total: 1000}}
	s := newSampler(Options{Root: os.DirFS("testdata/v2-container"), Mountpoints: []string{"/", "/data"}}, source)
	source.processors = processors{busy: 103, stolen: 11, total: 1004}
	s.sample(t.Context())
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(NewCollector(s))
	want, err := os.Open("testdata/metrics.golden")
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	if err := testutil.GatherAndCompare(registry, want); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(registry); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
}

func TestTheRealMachine(t *testing.T) {
	s := New(Options{Interval: 10 * time.Millisecond})
	s.sample(t.Context())
	got := s.Latest()
	if len(got.Faults) > 0 {
		t.Errorf("faults: %v", got.Faults)
	}
	if got.Host.Memory.Limit == 0 || got.Host.CPU.Cores == 0 || got.Host.Filesystems[0].Size == 0 || got.FileDescriptors.Open == 0 || got.FileDescriptors.Limit == 0 {
		t.Errorf("figures are missing: %+v", got)
	}
	if s.Limits() != s.limits {
		t.Error("Limits are not those that were read")
	}
}

func TestRatioJSON(t *testing.T) {
	for ratio, want := range map[Ratio]string{0: "0", 1: "1", 0.123456: "0.1235", Ratio(math.Inf(1)): "null", unknown(): "null"} {
		if got, _ := ratio.MarshalJSON(); string(got) != want {
			t.Errorf("%v: %s, want %s", float64(ratio), got, want)
		}
	}
	if got := share(1, 0); got.Known() {
		t.Errorf("a share of nothing is %v", got)
	}
	if got := utilization(5, 4); got != 1 {
		t.Errorf("more than all is %v, want 1", got)
	}
	if strings.Contains(clip(strings.Repeat("x", 99)), strings.Repeat("x", 41)) {
		t.Error("a long text was not clipped")
	}
}
