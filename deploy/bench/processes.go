package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/load"
	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

const (
	requestRate = 200 // per second
	killEvery   = 2 * time.Second
	workerCount = 4
)

// supervisor runs four workers of a program behind one port. A peer is a command that understands the words start (in the
// background, on 127.0.0.1:$PORT), pids (prints those of the workers), reload and stop.
type supervisor struct {
	name                string
	start, reload, stop func(context.Context) error
	pids                func(context.Context) ([]int, error)
}

// processes kills workers under load, then reloads all of them under load, under one supervisor after the other.
func processes(ctx context.Context, period time.Duration, others peers, stdout io.Writer, say func(string, ...any)) error {
	dir, err := os.MkdirTemp("", "upkeep-bench-processes")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := build(ctx, dir, "watchdog", "api"); err != nil {
		return err
	}
	address, err := freeAddress()
	if err != nil {
		return err
	}
	status, err := freeAddress()
	if err != nil {
		return err
	}
	all := []supervisor{upkeepRun(dir, address, status)}
	for _, h := range others {
		all = append(all, h.supervisor(address))
	}
	fmt.Fprintf(stdout, "\n%d requests a second; a worker of %d killed every %v for %v; then a reload of all\n\n", requestRate, workerCount, killEvery, period)
	fmt.Fprintf(stdout, "| supervisor | requests | killed | refused | failed | slowest | reload: requests | refused | failed | slowest | took |\n|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, s := range all {
		say("%s", s.name)
		row, err := s.measure(ctx, period, "http://"+address+"/api/hello/x")
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		fmt.Fprintln(stdout, row)
	}
	return nil
}

// upkeepRun is watchdog run with the API. Workers that are killed on purpose have neither delay nor budget, as with the others.
func upkeepRun(dir, address, status string) supervisor {
	host, port, _ := strings.Cut(address, ":")
	cmd := exec.Command(filepath.Join(dir, "watchdog"), "run", "--", filepath.Join(dir, "api"))
	cmd.Env = append(os.Environ(), "LISTEN_HOST="+host, "PORT="+port, "WORKERS="+strconv.Itoa(workerCount), "WATCHDOG_LISTEN="+status,
		"LOG_DIR="+filepath.Join(dir, "logs"), "LOG_LEVEL=ERROR", "WATCHDOG_RESTART_DELAY=0", "WATCHDOG_MAX_RESTARTS=1000")
	return supervisor{
		name: "Upkeep", start: func(context.Context) error { return cmd.Start() },
		reload: func(context.Context) error { return cmd.Process.Signal(syscall.SIGHUP) },
		stop: func(context.Context) error {
			return errors.Join(cmd.Process.Signal(syscall.SIGTERM), cmd.Wait())
		},
		pids: func(ctx context.Context) ([]int, error) {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+status+"/status", nil)
			if err != nil {
				return nil, err
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				return nil, err
			}
			defer resp.Body.Close()
			var status struct {
				Targets []struct {
					Pid int `json:"container_id,string"`
				}
			}
			if err := json.NewDecoder(resp.Body).Decode(&status); err != nil {
				return nil, fmt.Errorf("read /status: %w", err)
			}
			var pids []int
			for _, t := range status.Targets {
				pids = append(pids, t.Pid)
			}
			return pids, nil
		},
	}
}

// supervisor is a peer of the command line.
func (h healer) supervisor(address string) supervisor {
	call := func(ctx context.Context, word string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, h.command[0], append(slices.Clone(h.command[1:]), word)...)
		_, port, _ := strings.Cut(address, ":")
		cmd.Env, cmd.Stderr = append(os.Environ(), "PORT="+port), os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", strings.Join(h.command, " "), word, err)
		}
		return out, nil
	}
	do := func(word string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := call(ctx, word)
			return err
		}
	}
	return supervisor{name: h.name, start: do("start"), reload: do("reload"), stop: do("stop"), pids: func(ctx context.Context) ([]int, error) {
		out, err := call(ctx, "pids")
		var pids []int
		for field := range strings.FieldsSeq(string(out)) {
			pid, bad := strconv.Atoi(field)
			pids, err = append(pids, pid), errors.Join(err, bad)
		}
		return pids, err
	}}
}

// measure returns a row of the table.
func (s supervisor) measure(ctx context.Context, period time.Duration, url string) (row string, err error) {
	if err := s.start(ctx); err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, s.stop(context.WithoutCancel(ctx))) }()
	if err := (contender{s.name, url}).wait(ctx, time.Minute); err != nil {
		return "", err
	}
	if err := s.complete(ctx, nil); err != nil {
		return "", err
	}
	killed, under, err := s.kill(ctx, period, url)
	if err != nil {
		return "", err
	}
	if err := s.complete(ctx, nil); err != nil {
		return "", err
	}
	took, reload, err := s.reloaded(ctx, url)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("| %s | %d | %d | %d | %d | %s | %d | %d | %d | %s | %s |", s.name, under.Sent, killed, under.Refused, under.Failed,
		under.Slowest.Round(time.Millisecond), reload.Sent, reload.Refused, reload.Failed, reload.Slowest.Round(time.Millisecond), took.Round(10*time.Millisecond)), nil
}

// kill sends load for a while, and kills one worker after the other meanwhile.
func (s supervisor) kill(ctx context.Context, period time.Duration, url string) (killed int, c load.Count, err error) {
	limited, cancel := context.WithTimeout(ctx, period)
	defer cancel()
	var l load.Load
	ended := make(chan struct{})
	go func() { l.Run(limited, requestRate, url); close(ended) }()
	ticker := time.NewTicker(killEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ended:
			return killed, l.Count(), context.Cause(ctx)
		case <-ticker.C:
		}
		pids, err := s.pids(limited)
		if limited.Err() != nil {
			continue
		}
		if err != nil {
			return killed, l.Count(), err
		}
		slices.Sort(pids)
		if len(pids) > 0 && syscall.Kill(pids[0], syscall.SIGKILL) == nil {
			killed++
		}
	}
}

// reloaded has all workers replaced under load.
func (s supervisor) reloaded(ctx context.Context, url string) (took time.Duration, c load.Count, err error) {
	before, err := s.pids(ctx)
	if err != nil {
		return 0, c, err
	}
	loading, cancel := context.WithCancel(ctx)
	defer cancel()
	var l load.Load
	ended := make(chan struct{})
	go func() { l.Run(loading, requestRate, url); close(ended) }()
	began := time.Now()
	if err = s.reload(ctx); err == nil {
		err = s.complete(ctx, before)
	}
	took = time.Since(began)
	cancel()
	<-ended
	return took, l.Count(), err
}

// complete waits until there are all workers, and none of the old ones.
func (s supervisor) complete(ctx context.Context, old []int) error {
	return stack.Poll(ctx, time.Minute, func() error {
		pids, err := s.pids(ctx)
		if err != nil {
			return err
		}
		if len(pids) != workerCount || slices.ContainsFunc(old, func(pid int) bool { return syscall.Kill(pid, 0) == nil }) {
			return fmt.Errorf("workers %v, old ones %v", pids, old)
		}
		return nil
	})
}
