package hostinfo

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// Limits are what the control groups of this process allow, and what they use.
// Zero means no limit.
type Limits struct {
	// Version of the control groups: 1, 2, or 0 when there are none.
	Version int
	// CPUs is the quota in processors, such as 0.5.
	CPUs float64
	// MemoryBytes is the limit beyond which the kernel kills.
	MemoryBytes uint64
}

// Usage is what a control group has used.
type Usage struct {
	// CPUSeconds since the group was made.
	CPUSeconds float64
	// MemoryBytes is the working set: all memory but the file pages that
	// nobody has touched of late. It is what the limit is about.
	MemoryBytes uint64
}

// noLimit is from where version 1 means "no limit" by a number of bytes.
const noLimit = 1 << 60

// ReadLimits reads the limits of this process from a file system rooted at
// "/", normally os.DirFS("/"). Limits of outer groups count as well: the
// tightest one wins. No control groups at all is no error.
func ReadLimits(root fs.FS) (Limits, error) {
	groups, err := findGroups(root)
	if err != nil {
		return Limits{}, err
	}
	return groups.limits(root)
}

// groups are the places of the control groups of this process, innermost
// first; the last one is the mount point.
type groups struct {
	version              int
	cpu, cpuacct, memory []string
}

// findGroups finds the directories by /proc/self/cgroup and mountinfo.
func findGroups(root fs.FS) (groups, error) {
	own, err := readFile(root, "/proc/self/cgroup")
	if errors.Is(err, fs.ErrNotExist) {
		return groups{}, nil
	}
	if err != nil {
		return groups{}, fmt.Errorf("read control groups: %w", err)
	}
	mountinfo, err := readFile(root, "/proc/self/mountinfo")
	if err != nil {
		return groups{}, fmt.Errorf("read control groups: %w", err)
	}
	paths, mounts := parseOwnGroups(own), parseMounts(mountinfo)

	dirs := func(controller string) []string {
		place, mounted := mounts[controller]
		own, member := paths[controller]
		if !mounted || !member {
			return nil
		}
		return place.chain(own)
	}
	// Machines in transition mount both; the controllers are on one side only.
	if memory := dirs("memory"); memory != nil {
		return groups{version: 1, cpu: dirs("cpu"), cpuacct: dirs("cpuacct"), memory: memory}, nil
	}
	if unified := dirs(""); unified != nil {
		return groups{version: 2, cpu: unified, cpuacct: unified, memory: unified}, nil
	}
	return groups{}, nil
}

// limits takes the tightest limit on the way from the innermost group out.
// A file that is not there means that its controller is off.
func (g groups) limits(root fs.FS) (Limits, error) {
	limits := Limits{Version: g.version}
	var faults []error
	note := func(err error) bool {
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			faults = append(faults, err)
		}
		return err == nil
	}
	for _, dir := range g.cpu {
		if cpus, err := g.quota(root, dir); note(err) && cpus > 0 && (limits.CPUs == 0 || cpus < limits.CPUs) {
			limits.CPUs = cpus
		}
	}
	name := "memory.max"
	if g.version == 1 {
		name = "memory.limit_in_bytes"
	}
	for _, dir := range g.memory {
		bytes, err := readParsed(root, path.Join(dir, name), parseBytes)
		if note(err) && bytes > 0 && bytes < noLimit && (limits.MemoryBytes == 0 || bytes < limits.MemoryBytes) {
			limits.MemoryBytes = bytes
		}
	}
	return limits, errors.Join(faults...)
}

func (g groups) quota(root fs.FS, dir string) (float64, error) {
	if g.version == 2 {
		return readParsed(root, path.Join(dir, "cpu.max"), parseCPUMax)
	}
	quota, err := readParsed(root, path.Join(dir, "cpu.cfs_quota_us"), parseInt)
	if err != nil || quota <= 0 {
		return 0, err
	}
	period, err := readParsed(root, path.Join(dir, "cpu.cfs_period_us"), parseInt)
	if err != nil || period <= 0 {
		return 0, err
	}
	return float64(quota) / float64(period), nil
}

// usage reads what the innermost groups have used.
func (g groups) usage(root fs.FS) (Usage, error) {
	var (
		used Usage
		errs []error
	)
	if len(g.cpuacct) > 0 {
		var err error
		if g.version == 2 {
			var stat map[string]uint64
			stat, err = readParsed(root, path.Join(g.cpuacct[0], "cpu.stat"), parseStat)
			used.CPUSeconds = float64(stat["usage_usec"]) / 1e6
		} else {
			var nanoseconds uint64
			nanoseconds, err = readParsed(root, path.Join(g.cpuacct[0], "cpuacct.usage"), parseBytes)
			used.CPUSeconds = float64(nanoseconds) / 1e9
		}
		errs = append(errs, err)
	}
	if len(g.memory) > 0 {
		total, inactive := "memory.current", "inactive_file"
		if g.version == 1 {
			total, inactive = "memory.usage_in_bytes", "total_inactive_file"
		}
		all, err := readParsed(root, path.Join(g.memory[0], total), parseBytes)
		errs = append(errs, err)
		stat, err := readParsed(root, path.Join(g.memory[0], "memory.stat"), parseStat)
		errs = append(errs, err)
		used.MemoryBytes = all - min(all, stat[inactive])
	}
	return used, errors.Join(errs...)
}

// readFile reads an absolute path from a file system rooted at "/".
func readFile(root fs.FS, name string) (string, error) {
	data, err := fs.ReadFile(root, strings.TrimPrefix(path.Clean(name), "/"))
	return string(data), err
}

func readParsed[T any](root fs.FS, name string, parse func(string) (T, error)) (T, error) {
	text, err := readFile(root, name)
	if err != nil {
		var zero T
		return zero, err
	}
	value, err := parse(text)
	if err != nil {
		return value, fmt.Errorf("%s: %w", name, err)
	}
	return value, nil
}
