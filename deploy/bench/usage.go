package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// usage is what the kernel says of a process: memory in bytes, and the processor time of all its threads since its start.
type usage struct {
	resident, peak int64
	cpu            time.Duration
}

// tick is the unit of time in /proc/PID/stat, the same on every architecture that Go runs on.
const tick = 10 * time.Millisecond

// usageOf looks at a running process. It needs Linux.
func usageOf(pid int) (usage, error) {
	dir := "/proc/" + strconv.Itoa(pid)
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		return usage{}, err
	}
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return usage{}, err
	}
	u, err := parseUsage(status, stat)
	if err != nil {
		err = fmt.Errorf("read %s: %w", dir, err)
	}
	return u, err
}

func parseUsage(status, stat []byte) (u usage, err error) {
	found := 0
	for line := range strings.Lines(string(status)) {
		name, value, _ := strings.Cut(line, ":")
		into := map[string]*int64{"VmRSS": &u.resident, "VmHWM": &u.peak}[name]
		if into == nil {
			continue
		}
		kB, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return u, fmt.Errorf("status: %w", err)
		}
		*into, found = kB<<10, found+1
	}
	if found != 2 {
		return u, errors.New("status: no memory: the process has ended")
	}
	// user and system time are the 12th and 13th
	fields := afterName(stat)
	if len(fields) < 13 {
		return u, fmt.Errorf("stat: %q is too short", stat)
	}
	for _, field := range fields[11:13] {
		ticks, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return u, fmt.Errorf("stat: %w", err)
		}
		u.cpu += time.Duration(ticks) * tick
	}
	return u, nil
}

// afterName are the fields of a stat file after the name, which comes second, in brackets, and may hold anything.
func afterName(stat []byte) []string {
	return strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
}

// frozen is an error as long as a thread of the process is not stopped.
func frozen(pid int) error {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err == nil && threads == nil {
		err = os.ErrNotExist
	}
	for _, thread := range threads {
		stat, err := os.ReadFile(thread)
		if err != nil {
			return err
		}
		if fields := afterName(stat); len(fields) == 0 || fields[0] != "T" {
			return fmt.Errorf("process %d is not stopped: %s", pid, stat)
		}
	}
	return err
}
