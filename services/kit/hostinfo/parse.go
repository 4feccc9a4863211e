package hostinfo

import (
	"fmt"
	"math"
	"path"
	"strconv"
	"strings"
)

// parseBytes reads a number of bytes or nanoseconds; "max" is no limit and 0.
func parseBytes(text string) (uint64, error) {
	text = strings.TrimSpace(text)
	if text == "max" {
		return 0, nil
	}
	value, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no number", clip(text))
	}
	return value, nil
}

// parseInt reads a number that may be negative, such as a quota of -1.
func parseInt(text string) (int64, error) {
	value, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%q is no number", clip(text))
	}
	return value, nil
}

// parseCPUMax reads cpu.max, "QUOTA PERIOD" in microseconds, as processors;
// "max" is no limit and 0.
func parseCPUMax(text string) (float64, error) {
	fields := strings.Fields(text)
	if len(fields) == 0 || len(fields) > 2 {
		return 0, fmt.Errorf("%q is no quota", clip(text))
	}
	period := int64(100_000)
	if len(fields) == 2 {
		var err error
		if period, err = parseInt(fields[1]); err != nil || period <= 0 {
			return 0, fmt.Errorf("%q is no quota", clip(text))
		}
	}
	if fields[0] == "max" {
		return 0, nil
	}
	quota, err := parseInt(fields[0])
	if err != nil || quota <= 0 {
		return 0, fmt.Errorf("%q is no quota", clip(text))
	}
	return float64(quota) / float64(period), nil
}

// parseStat reads lines of a name and a number. Lines of another shape, which
// later kernels may bring, are passed over.
func parseStat(text string) (map[string]uint64, error) {
	stat := map[string]uint64{}
	for line := range strings.Lines(text) {
		name, value, found := strings.Cut(strings.TrimSpace(line), " ")
		if !found || name == "" {
			continue
		}
		if number, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64); err == nil {
			stat[name] = number
		}
	}
	return stat, nil
}

// parseOwnGroups reads /proc/self/cgroup: the path for each controller, the
// unified hierarchy under "".
func parseOwnGroups(text string) map[string]string {
	paths := map[string]string{}
	for line := range strings.Lines(text) {
		parts := strings.SplitN(strings.TrimRight(line, "\n"), ":", 3)
		if len(parts) != 3 || !strings.HasPrefix(parts[2], "/") {
			continue
		}
		for controller := range strings.SplitSeq(parts[1], ",") {
			paths[controller] = path.Clean(parts[2])
		}
	}
	return paths
}

// mount is where a hierarchy of control groups is mounted, and which part.
type mount struct {
	root  string // of the hierarchy, as mounted
	point string // in the file system
}

// chain lists the directories from that of a group up to the mount point. A
// group that the mount does not show, as when a container mounts its own part
// and still reads the host's paths, is stood for by the mount point.
func (m mount) chain(group string) []string {
	inside, found := strings.CutPrefix(group, strings.TrimSuffix(m.root, "/"))
	if !found || (inside != "" && inside[0] != '/') {
		inside = ""
	}
	var dirs []string
	for dir := path.Clean("/" + inside); dir != "/"; dir = path.Dir(dir) {
		dirs = append(dirs, path.Join(m.point, dir))
	}
	return append(dirs, m.point)
}

// parseMounts reads /proc/self/mountinfo: the mount for each controller, the
// unified hierarchy under "". The first mount of each wins.
func parseMounts(text string) map[string]mount {
	mounts := map[string]mount{}
	for line := range strings.Lines(text) {
		before, after, found := strings.Cut(strings.TrimSpace(line), " - ")
		left, right := strings.Fields(before), strings.Fields(after)
		if !found || len(left) < 6 || len(right) < 3 {
			continue
		}
		m := mount{root: path.Clean("/" + unescape(left[3])), point: path.Clean("/" + unescape(left[4]))}
		var controllers []string
		switch right[0] {
		case "cgroup2":
			controllers = []string{""}
		case "cgroup":
			controllers = strings.Split(right[2], ",")
		}
		for _, controller := range controllers {
			if _, taken := mounts[controller]; !taken {
				mounts[controller] = m
			}
		}
	}
	return mounts
}

// unescape undoes the octal escapes of mountinfo, such as \040 for a space.
func unescape(text string) string {
	if !strings.Contains(text, `\`) {
		return text
	}
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+3 < len(text) {
			if code, err := strconv.ParseUint(text[i+1:i+4], 8, 8); err == nil {
				out.WriteByte(byte(code))
				i += 3
				continue
			}
		}
		out.WriteByte(text[i])
	}
	return out.String()
}

func clip(text string) string {
	text = strings.TrimSpace(text)
	return text[:min(len(text), 40)]
}

// utilization is the share of the processors that was busy between two
// readings: busy seconds over the seconds that there were.
func utilization(busy, available float64) Ratio {
	if !(available > 0) || math.IsInf(available, 0) || math.IsNaN(busy) {
		return unknown()
	}
	return Ratio(min(max(busy/available, 0), 1))
}
