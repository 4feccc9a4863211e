package main

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

const (
	someStatus = "Name:\twatch) dog\nVmPeak:\t 1266208 kB\nVmHWM:\t   30000 kB\nVmRSS:\t   20000 kB\nThreads:\t9\n"
	someStat   = "42 (watch) dog) S 1 42 42 0 -1 4194560 1 2 3 4 150 75 0 0 20 0 9 0 1000 1 2 3\n"
)

func TestParseUsage(t *testing.T) {
	got, err := parseUsage([]byte(someStatus), []byte(someStat))
	if want := (usage{20000 << 10, 30000 << 10, 2250 * time.Millisecond}); err != nil || got != want {
		t.Errorf("parseUsage gives %+v, %v; want %+v", got, err, want)
	}
	for name, c := range map[string]struct{ status, stat, want string }{
		"zombie":     {"Name:\tx\nState:\tZ (zombie)\n", someStat, "the process has ended"},
		"odd memory": {strings.Replace(someStatus, "30000", "many", 1), someStat, "status:"},
		"short":      {someStatus, "42 (x) S 1\n", "too short"},
		"odd time":   {someStatus, strings.Replace(someStat, "150", "x", 1), "stat:"},
		"empty":      {"", "", "status:"},
	} {
		if _, err := parseUsage([]byte(c.status), []byte(c.stat)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
}

// The kernel's own files have the form that is expected, and what a process does is seen in them.
func TestUsageOf(t *testing.T) {
	before, err := usageOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	ballast := make([]byte, 64<<20)
	after := before
	for n := 0; after.cpu <= before.cpu; n++ { // until the clock of the kernel has moved on
		for i := range ballast {
			ballast[i] = byte(i + n)
		}
		if after, err = usageOf(os.Getpid()); err != nil {
			t.Fatal(err)
		}
	}
	if after.resident < int64(len(ballast)) || after.peak < after.resident || ballast[1] == 0 {
		t.Errorf("with %d bytes in use: %+v", len(ballast), after)
	}
	ended := exec.Command("true")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	if u, err := usageOf(ended.Process.Pid); err == nil {
		t.Errorf("a process that has ended: %+v", u)
	}
}

func TestFrozen(t *testing.T) {
	process := exec.Command("sleep", "1000")
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	defer process.Wait()
	defer process.Process.Kill()
	pid := process.Process.Pid
	if err := frozen(pid); err == nil {
		t.Error("a process that sleeps is not frozen")
	}
	if err := process.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := stack.Poll(t.Context(), time.Minute, func() error { return frozen(pid) }); err != nil {
		t.Error(err)
	}
	if err := process.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := stack.Poll(t.Context(), time.Minute, func() error {
		if frozen(pid) == nil {
			return errors.New("still frozen")
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if err := frozen(1 << 30); err == nil {
		t.Error("a process that there is none of is not frozen")
	}
}
