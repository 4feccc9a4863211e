package process

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// oomCounter is the file in which the kernel counts the processes of our control group that it has killed for want of
// memory. The workers are in the same group, so that a rise when one ends by SIGKILL says why.
type oomCounter struct{ path string }

func newOOMCounter() oomCounter {
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return oomCounter{}
	}
	for _, path := range oomFiles("/sys/fs/cgroup", string(own)) {
		if (oomCounter{path}).kills() >= 0 {
			return oomCounter{path}
		}
	}
	return oomCounter{}
}

// oomFiles lists where the counter may be, by the content of /proc/self/cgroup, whose lines are NUMBER:CONTROLLERS:PATH. In a
// container our group is the root of what is mounted, whatever its path outside.
func oomFiles(root, own string) (paths []string) {
	for line := range strings.Lines(own) {
		fields := strings.SplitN(strings.TrimSpace(line), ":", 3)
		switch {
		case len(fields) < 3:
		case fields[0] == "0" && fields[1] == "": // version 2
			paths = append(paths, filepath.Join(root, fields[2], "memory.events"), filepath.Join(root, "memory.events"))
		case strings.Contains(","+fields[1]+",", ",memory,"):
			paths = append(paths, filepath.Join(root, "memory", fields[2], "memory.oom_control"), filepath.Join(root, "memory", "memory.oom_control"))
		}
	}
	return paths
}

// kills returns the count, or -1 when it is not known.
func (o oomCounter) kills() int {
	if o.path == "" {
		return -1
	}
	text, err := os.ReadFile(o.path)
	if err != nil {
		return -1
	}
	return parseOOMKills(text)
}

// parseOOMKills finds the line "oom_kill N".
func parseOOMKills(text []byte) int {
	for line := range bytes.Lines(text) {
		if name, value, ok := bytes.Cut(bytes.TrimSpace(line), []byte(" ")); ok && string(name) == "oom_kill" {
			if n, err := strconv.Atoi(string(value)); err == nil && n >= 0 {
				return n
			}
		}
	}
	return -1
}
