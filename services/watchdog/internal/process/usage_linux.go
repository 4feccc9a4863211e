package process

import (
	"bytes"
	"os"
	"strconv"
)

// MeasuresMemory tells whether the memory of workers can be limited here.
const MeasuresMemory = true

const ticksPerSecond = 100 // USER_HZ, which the kernel has kept at 100 on all platforms that Go knows

// processGroups adds up what the processes of each process group use, by its ID.
func processGroups() (map[int]group, error) {
	proc, err := os.Open("/proc")
	if err != nil {
		return nil, err
	}
	defer proc.Close()
	names, err := proc.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	groups, page := map[int]group{}, uint64(os.Getpagesize())
	for _, name := range names {
		if name[0] < '0' || name[0] > '9' {
			continue
		}
		stat, err := os.ReadFile("/proc/" + name + "/stat")
		if err != nil {
			continue // it has ended
		}
		id, ticks, pages, ok := parseStat(stat)
		if !ok {
			continue
		}
		g := groups[id]
		g.cpuSeconds += float64(ticks) / ticksPerSecond
		g.memoryBytes += pages * page
		g.processes++
		groups[id] = g
	}
	return groups, nil
}

// parseStat reads the process group, the processor time in ticks, that of children that have ended included, and the
// resident pages from /proc/PID/stat. The second
// field is the program's name in brackets, which may hold anything.
func parseStat(stat []byte) (pgrp int, ticks, pages uint64, ok bool) {
	end := bytes.LastIndexByte(stat, ')')
	if end < 0 {
		return 0, 0, 0, false
	}
	fields := bytes.Fields(stat[end+1:]) // the first one here is the third of the file
	if len(fields) < 22 {
		return 0, 0, 0, false
	}
	number := func(field int) uint64 {
		n, err := strconv.ParseUint(string(fields[field-3]), 10, 63)
		ok = ok && err == nil
		return n
	}
	ok = true
	return int(number(5)), number(14) + number(15) + number(16) + number(17), number(24), ok
}
