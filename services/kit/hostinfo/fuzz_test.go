package hostinfo

import (
	"math"
	"path"
	"strings"
	"testing"
	"testing/fstest"
)

// FuzzCgroupFiles puts anything into the files of a control group: there is an
// answer that makes sense, or an error, and never a panic.
func FuzzCgroupFiles(f *testing.F) {
	f.Add("50000 100000\n", "134217728\n", "inactive_file 30000000\n", "usage_usec 7500000\n")
	f.Add("max 100000", "max", "", "")
	f.Add("max", "0", "inactive_file 18446744073709551615", "usage_usec -1")
	f.Add("1 0", "18446744073709551616", "inactive_file\nx y z\n", "\x00")
	f.Fuzz(func(t *testing.T, cpuMax, memory, memoryStat, cpuStat string) {
		root := fstest.MapFS{
			"proc/self/cgroup":             {Data: []byte("0::/\n")},
			"proc/self/mountinfo":          {Data: []byte("30 1 0:27 / /sys/fs/cgroup ro - cgroup2 cgroup rw\n")},
			"sys/fs/cgroup/cpu.max":        {Data: []byte(cpuMax)},
			"sys/fs/cgroup/memory.max":     {Data: []byte(memory)},
			"sys/fs/cgroup/memory.current": {Data: []byte(memory)},
			"sys/fs/cgroup/memory.stat":    {Data: []byte(memoryStat)},
			"sys/fs/cgroup/cpu.stat":       {Data: []byte(cpuStat)},
		}
		limits, _ := ReadLimits(root)
		if limits.CPUs < 0 || math.IsNaN(limits.CPUs) || math.IsInf(limits.CPUs, 0) || limits.MemoryBytes >= noLimit {
			t.Errorf("limits %+v make no sense", limits)
		}
		groups, err := findGroups(root)
		if err != nil {
			t.Fatal(err)
		}
		all, _ := parseBytes(memory)
		if usage, _ := groups.usage(root); usage.MemoryBytes > all || usage.CPUSeconds < 0 {
			t.Errorf("usage %+v of %q makes no sense", usage, memory)
		}
	})
}

// FuzzProcFiles: whatever /proc says, the places of control groups are clean
// paths below the mount points.
func FuzzProcFiles(f *testing.F) {
	f.Add("0::/shop.slice/api.service\n", "30 23 0:27 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw\n")
	f.Add("8:memory:/docker/x\n", "52 49 0:32 /docker/x /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory\n")
	f.Add("0::/../../x\n", `30 23 0:27 / /a\040b rw - cgroup2 cgroup2 rw`)
	f.Add(":::", " - ")
	f.Fuzz(func(t *testing.T, cgroup, mountinfo string) {
		paths, mounts := parseOwnGroups(cgroup), parseMounts(mountinfo)
		for controller, own := range paths {
			m, found := mounts[controller]
			if !found {
				continue
			}
			chain := m.chain(own)
			if last := chain[len(chain)-1]; last != m.point {
				t.Errorf("the chain %q does not end at %q", chain, m.point)
			}
			for _, dir := range chain {
				if dir != path.Clean(dir) || !strings.HasPrefix(dir, strings.TrimSuffix(m.point, "/")) {
					t.Errorf("%q is not below %q", dir, m.point)
				}
			}
		}
	})
}
