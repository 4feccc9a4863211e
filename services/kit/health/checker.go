package health

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Options describe the service and who wants to hear about changes.
type Options struct {
	// Service, Version and Revision are shown on every page that shows more
	// than a status.
	Service, Version, Revision string
	// OnChange is called once for every change of a status, of a check or of
	// the whole service. Calls come one at a time; it should return soon, and
	// must not call Drain.
	OnChange func(Change)
	// Rand gives numbers in [0,1) for the jitter; math/rand/v2 when nil.
	Rand func() float64
}

// Change is a status that has become another one.
type Change struct {
	Check  string // empty for the service as a whole
	From   Status
	To     Status
	Err    error  // why a check is not healthy, where it said
	Reason Reason // why the service is not ready, when it is not
	At     time.Time
}

// Result is the outcome of one run of a check.
type Result struct {
	Check    string
	Status   Status // of this run alone, before the thresholds
	Err      error
	At       time.Time
	Duration time.Duration
}

// Checker runs checks and keeps their latest results. Its methods may be
// called from any goroutine.
type Checker struct {
	options Options
	began   time.Time

	mu        sync.Mutex // one Add, OnResult or start of Run at a time
	running   atomic.Bool
	checks    atomic.Pointer[[]*worker]
	listeners []func(Result)

	draining atomic.Bool

	changes sync.Mutex // one change at a time
	overall Status
}

// New makes a Checker without checks.
func New(options Options) *Checker {
	if options.Rand == nil {
		options.Rand = rand.Float64
	}
	// A service that is starting is degraded: the first change told is the one
	// that ends the start.
	c := &Checker{options: options, began: time.Now(), overall: Degraded}
	c.checks.Store(&[]*worker{})
	return c
}

// workers are the checks in the order in which they were added. Readers and
// Add may meet, since a service may listen before it knows all its checks.
func (c *Checker) workers() []*worker { return *c.checks.Load() }

func (c *Checker) find(name string) *worker {
	for _, w := range c.workers() {
		if w.check.Name == name {
			return w
		}
	}
	return nil
}

var errRunning = errors.New("the checker is running already: add before Run")

// Add takes checks on, before Run. It refuses the faulty ones, all at once.
func (c *Checker) Add(checks ...Check) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running.Load() {
		return errRunning
	}
	var faults []error
	for _, check := range checks {
		check, err := check.complete()
		if err != nil {
			faults = append(faults, err)
			continue
		}
		if c.find(check.Name) != nil {
			faults = append(faults, fmt.Errorf("health check %q: there is one of that name already", check.Name))
			continue
		}
		all := append(slices.Clone(c.workers()), newWorker(c, check))
		c.checks.Store(&all)
	}
	return errors.Join(faults...)
}

// OnResult has f called after every run of every check, before Run. Calls may
// come at the same time from several checks.
func (c *Checker) OnResult(f func(Result)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running.Load() {
		return errRunning
	}
	c.listeners = append(c.listeners, f)
	return nil
}

// watchEvery is how often the checker looks for results that have grown old.
const watchEvery = 5 * time.Second

// Run runs the checks until the context ends, and returns nil then. Before
// Run, the service counts as starting.
func (c *Checker) Run(ctx context.Context) error {
	c.mu.Lock()
	if c.running.Swap(true) {
		c.mu.Unlock()
		return errRunning
	}
	c.mu.Unlock()

	var group sync.WaitGroup
	for _, w := range c.workers() {
		group.Go(func() { w.loop(ctx) })
	}
	group.Go(func() {
		ticker := time.NewTicker(watchEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				c.review()
			}
		}
	})
	group.Wait()
	return nil
}

// Drain makes the service not ready, for good: it is about to stop. Requests
// that come nevertheless are still welcome.
func (c *Checker) Drain() {
	c.draining.Store(true)
	c.review()
}

// Draining tells whether Drain was called.
func (c *Checker) Draining() bool { return c.draining.Load() }

// Uptime is the time since New.
func (c *Checker) Uptime() time.Duration { return time.Since(c.began) }

// review reports what has changed since the last review.
func (c *Checker) review() {
	if c.options.OnChange == nil {
		return
	}
	c.changes.Lock()
	defer c.changes.Unlock()
	now := time.Now()
	for _, w := range c.workers() {
		state := w.state.Load()
		status, _ := w.effective(state, now)
		if status != w.reported {
			change := Change{Check: w.check.Name, From: w.reported, To: status, At: now}
			if status != Healthy {
				change.Err = state.err
			}
			w.reported = status
			c.options.OnChange(change)
		}
	}
	if status := c.status(now); status != c.overall {
		change := Change{From: c.overall, To: status, At: now}
		_, change.Reason = c.Ready()
		c.overall = status
		c.options.OnChange(change)
	}
}
