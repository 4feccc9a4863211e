package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// meter is what a round is measured with.
type meter struct {
	round
	tap             *tap
	guard, watchdog int // process IDs
	url             string
}

// settle waits until all targets are well. It asks rarely: answering costs what is to be measured.
func (m meter) settle(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Minute)
	defer cancel()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		_, err := m.restarts(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-tick.C:
		}
	}
}

// restarts counts the restarts of all targets since the watchdog started. It is an error when not all of them are well.
func (m meter) restarts(ctx context.Context) (int, error) {
	body, err := m.get(ctx, "/status")
	if err != nil {
		return 0, err
	}
	var st struct {
		Targets []struct {
			stack.TargetStatus
			Health string `json:"health"`
		} `json:"targets"`
	}
	if err := json.Unmarshal(body, &st); err != nil {
		return 0, fmt.Errorf("read the watchdog's status: %w", err)
	}
	well, restarts := 0, 0
	for _, t := range st.Targets {
		if strings.HasPrefix(t.Target, fleetName) && t.State == "up" && (m.check == 0 || t.Health == "healthy") {
			well, restarts = well+1, restarts+t.Restarts.Total
		}
	}
	if well != m.targets {
		return restarts, fmt.Errorf("%d of %d targets are well: the watchdog calls them up, Docker healthy", well, m.targets)
	}
	return restarts, nil
}

func (m meter) get(ctx context.Context, path string) ([]byte, error) {
	code, body, err := stack.Do(ctx, http.MethodGet, m.url+path)
	if err == nil && code != http.StatusOK {
		err = fmt.Errorf("GET %s: %d %.300s", path, code, body)
	}
	return body, err
}

// measure looks at both processes before and after the period. During it the watchdog is scraped as Prometheus does.
func (m meter) measure(ctx context.Context, period time.Duration) (c cost, err error) {
	if _, err := m.get(ctx, "/metrics"); err != nil { // the first scrape of a watchdog's life waits for the figures of all containers
		return c, err
	}
	before, err := m.look()
	if err != nil {
		return c, err
	}
	began := time.Now()
	tick := time.NewTicker(scrapeEvery)
	defer tick.Stop()
	for range period / scrapeEvery {
		select {
		case <-ctx.Done():
			return c, context.Cause(ctx)
		case <-tick.C:
		}
		at := time.Now()
		if c.page, err = m.get(ctx, "/metrics"); err != nil {
			return c, err
		}
		c.scrapes = append(c.scrapes, time.Since(at))
	}
	select {
	case <-ctx.Done():
		return c, context.Cause(ctx)
	case <-time.After(period - time.Since(began)):
	}
	c.period = time.Since(began)
	after, err := m.look()
	if err != nil {
		return c, err
	}
	c.watchdog, c.guard, c.counts = after.watchdog, after.guard, after.counts
	c.watchdog.cpu -= before.watchdog.cpu
	c.guard.cpu -= before.guard.cpu
	c.calls -= before.calls
	c.received -= before.received
	c.emitted -= before.emitted
	return c, nil
}

// look tells how both processes stand now.
func (m meter) look() (c cost, err error) {
	var faults [3]error
	if c.watchdog, faults[0] = usageOf(m.watchdog); faults[0] != nil {
		faults[0] = fmt.Errorf("watchdog: %w", faults[0])
	}
	if c.guard, faults[1] = usageOf(m.guard); faults[1] != nil {
		faults[1] = fmt.Errorf("guard: %w", faults[1])
	}
	c.counts, faults[2] = m.tap.read()
	return c, errors.Join(faults[:]...)
}
