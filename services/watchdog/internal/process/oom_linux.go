package process

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// oomCounter is the file in which the kernel counts the processes of our control group that it has killed for want of
// memory. The workers are in the same group, so that a rise when one ends by SIGKILL says why. It is kept open, since it is
// read between the end of a worker and the start of the next, and opening takes ten times as long as reading.
type oomCounter struct{ file *os.File }

func newOOMCounter() oomCounter {
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return oomCounter{}
	}
	for _, path := range oomFiles("/sys/fs/cgroup", string(own)) {
		c := openOOMCounter(path)
		if c.kills() >= 0 {
			return c
		}
		c.close()
	}
	return oomCounter{}
}

func openOOMCounter(path string) oomCounter {
	file, err := os.Open(path)
	if err != nil {
		return oomCounter{}
	}
	return oomCounter{file}
}

func (o oomCounter) close() { _ = o.file.Close() } // of nil it is an error, too

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
	var text [4 << 10]byte // the kernel writes a few hundred
	n, err := o.file.ReadAt(text[:], 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return -1
	}
	return parseOOMKills(text[:n])
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
