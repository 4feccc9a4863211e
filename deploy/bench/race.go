package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

const (
	rivalName = "upkeep-bench-always"
	// Docker forgets its growing delay after a run of 10 s: with less between two crashes it would be measured at its worst.
	calm = 12 * time.Second
)

// contender is a container that somebody restarts, and where to ask whether it is ready.
type contender struct{ name, ready string }

// series are the measured times of both sides.
type series struct{ upkeep, docker []time.Duration }

// startRival starts the same image, with the limits of the Compose file, under Docker's `restart: always`.
func startRival(ctx context.Context) (contender, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return contender{}, err
	}
	address := l.Addr().String()
	l.Close()
	if _, err := stack.Docker(ctx, "run", "-d", "--name", rivalName, "--restart", "always", "-p", address+":8000",
		"--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges:true", "--cpus", "1", "--memory", "256m", "--pids-limit", "256",
		"-e", "ENVIRONMENT=production", "-e", "PORT=8000", "-e", "LOG_DIR=/logs", "-v", "/logs", "-e", "GOMEMLIMIT=230MiB",
		stack.Image("api")); err != nil {
		return contender{}, err
	}
	c := contender{rivalName, "http://" + address + "/health/ready"}
	return c, c.wait(ctx, time.Minute)
}

// race crashes both in turn and measures each time until it is ready again.
func race(ctx context.Context, runs int, pause time.Duration, upkeep, docker contender) (series, error) {
	var s series
	for range runs {
		for _, side := range []struct {
			contender
			times *[]time.Duration
		}{{upkeep, &s.upkeep}, {docker, &s.docker}} {
			if err := side.settled(ctx, pause); err != nil {
				return s, err
			}
			took, err := side.crash(ctx)
			if err != nil {
				return s, err
			}
			*side.times = append(*side.times, took)
		}
	}
	return s, nil
}

// settled waits until the container has run for a while. It looks rarely: looking costs time on the machine that is measured.
func (c contender) settled(ctx context.Context, while time.Duration) error {
	for {
		state, err := stack.Inspect(ctx, c.name)
		if err != nil {
			return err
		}
		left := while - time.Since(state.State.StartedAt)
		if state.State.Status == "running" && left <= 0 {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(max(left, 20*time.Millisecond)):
		}
	}
}

// crash kills the main process and returns how long it took to the first answer 200 of the next one.
func (c contender) crash(ctx context.Context) (time.Duration, error) {
	return c.recovers(ctx, 3*time.Minute, func() (time.Time, error) { return stack.Crash(ctx, c.name) })
}

// recovers makes the container ill, and returns how long it took from then until a new run of it answered 200.
//
// Nobody asks before the engine says that the new run has begun: a question while there is none makes the kernel look for the
// address of a network card that is gone, and it looks again only a second later. Whoever recovers in less would be measured
// at that second.
func (c contender) recovers(ctx context.Context, within time.Duration, fault func() (time.Time, error)) (time.Duration, error) {
	engine, err := stack.Follow(ctx, c.name)
	if err != nil {
		return 0, err
	}
	defer engine.Stop()
	at, err := fault()
	if err != nil {
		return 0, err
	}
	limited, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("%w: %s was not started again within %v", errNotHealed, c.name, within))
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !slices.ContainsFunc(engine.Times("start"), at.Before) {
		select {
		case <-limited.Done():
			return 0, context.Cause(limited)
		case <-tick.C:
		}
	}
	err = c.wait(ctx, within)
	return time.Since(at), err
}

// Docker's proxy accepts connections to a published port before the program listens, and may leave them hanging. So each
// question is given little time, and the next one does not wait for it: what counts is the first answer that anyone gets.
const (
	askEvery   = 10 * time.Millisecond
	askTimeout = 300 * time.Millisecond
)

var client = &http.Client{Timeout: askTimeout, Transport: &http.Transport{DisableKeepAlives: true}}

// wait asks again and again until the first answer 200.
func (c contender) wait(ctx context.Context, within time.Duration) error {
	ctx, cancel := context.WithTimeoutCause(ctx, within, fmt.Errorf("%s was not ready within %v", c.name, within))
	defer cancel()
	ready := make(chan struct{}, 1)
	tick := time.NewTicker(askEvery)
	defer tick.Stop()
	for {
		go func() {
			if c.isReady(ctx) {
				select {
				case ready <- struct{}{}:
				default:
				}
			}
		}()
		select {
		case <-ready:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

func (c contender) isReady(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.ready, nil)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

func report(w io.Writer, spaced, repeated series) {
	fmt.Fprintf(w, "\nFrom kill -9 of the main process to the first 200 of /health/ready, seconds\n\n")
	fmt.Fprintf(w, "| | median | worst | each |\n|---|---|---|---|\n")
	for _, row := range []struct {
		name  string
		times []time.Duration
	}{
		{"Upkeep, after a calm run", spaced.upkeep}, {"restart: always, after a calm run", spaced.docker},
		{"Upkeep, back to back", repeated.upkeep}, {"restart: always, back to back", repeated.docker},
	} {
		fmt.Fprintf(w, "| %s | %.2f | %.2f | %s |\n", row.name, median(row.times).Seconds(), slices.Max(row.times).Seconds(), list(row.times))
	}
	fmt.Fprintf(w, "\nUpkeep takes %.2f times as long as restart: always after a calm run, %.2f times back to back.\n",
		median(spaced.upkeep).Seconds()/median(spaced.docker).Seconds(), median(repeated.upkeep).Seconds()/median(repeated.docker).Seconds())
}

func median(times []time.Duration) time.Duration {
	s := slices.Sorted(slices.Values(times))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

func list(times []time.Duration) string {
	var each []string
	for _, d := range times {
		each = append(each, fmt.Sprintf("%.2f", d.Seconds()))
	}
	return strings.Join(each, " ")
}
