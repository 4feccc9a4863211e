package health

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Func looks at one thing. A nil error is healthy, an error made by Warn is
// degraded, any other error unhealthy. It should respect the context; when it
// does not, it is left behind at the timeout and not called again before it
// has returned.
type Func func(ctx context.Context) error

// Group says which questions a check helps to answer. Groups add up:
// Startup|Readiness.
type Group uint8

// The groups. A check without a group belongs to Readiness.
const (
	Readiness Group = 1 << iota
	Liveness
	Startup
	// StatusOnly is for figures that people should see in the status, but that
	// neither keep traffic away nor ask for a restart: a busy processor, a disk
	// that fills.
	StatusOnly
)

// Names lists the groups in words.
func (g Group) Names() []string {
	var names []string
	for _, one := range []struct {
		group Group
		name  string
	}{{Readiness, "readiness"}, {Liveness, "liveness"}, {Startup, "startup"}, {StatusOnly, "status"}} {
		if g&one.group != 0 {
			names = append(names, one.name)
		}
	}
	return names
}

// What a check gets when it does not say.
const (
	DefaultInterval = 15 * time.Second
	DefaultTimeout  = 5 * time.Second
	DefaultJitter   = 0.1
)

// Check describes one background check.
type Check struct {
	// Name identifies the check in JSON, in ?check= and as a metric label:
	// small letters, digits, "_", "-" and ".".
	Name string
	// Run does the check.
	Run Func
	// Interval is the pause between two runs, DefaultInterval when zero.
	Interval time.Duration
	// Timeout bounds one run: DefaultTimeout when zero, and never more than
	// the interval.
	Timeout time.Duration
	// Jitter spreads the interval by this share in both directions, so that
	// many checks do not march in step. DefaultJitter when zero, none when
	// negative.
	Jitter float64
	// Grace is how long after the start a failure is forgiven, as long as the
	// check has never succeeded.
	Grace time.Duration
	// Failures in a row before the status gets worse, and Successes in a row
	// before it gets better. One when zero.
	Failures, Successes int
	// Soft marks a check that the service can live without: its failure makes
	// the service degraded, never unhealthy or not ready.
	Soft bool
	// Groups the check belongs to, Readiness when zero. A check of Startup
	// alone stops running once it has succeeded.
	Groups Group
	// Kind is the component type of draft-inadarei-api-health-check:
	// "component", "datastore", "system" or a word of one's own.
	Kind string
}

const maxName = 64

// validName allows what is safe as a label, in a query and in a JSON key.
func validName(name string) bool {
	if name == "" || len(name) > maxName {
		return false
	}
	for i, c := range []byte(name) {
		letter := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		if !letter && (i == 0 || c != '_' && c != '-' && c != '.') {
			return false
		}
	}
	return true
}

// complete checks what was asked for and fills in the rest.
func (c Check) complete() (Check, error) {
	var faults []error
	if !validName(c.Name) {
		faults = append(faults, errors.New("name: want small letters and digits, then _ - . as well, at most 64 in all"))
	}
	if c.Run == nil {
		faults = append(faults, errors.New("run: want a function"))
	}
	if c.Interval < 0 || c.Timeout < 0 || c.Grace < 0 {
		faults = append(faults, errors.New("interval, timeout, grace: want no negative duration"))
	}
	if c.Jitter >= 1 {
		faults = append(faults, fmt.Errorf("jitter %v: want a share below 1", c.Jitter))
	}
	if c.Failures < 0 || c.Successes < 0 {
		faults = append(faults, errors.New("failures, successes: want 1 or more"))
	}
	if len(faults) > 0 {
		return c, fmt.Errorf("health check %q: %w", c.Name, errors.Join(faults...))
	}
	if c.Interval == 0 {
		c.Interval = DefaultInterval
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	c.Timeout = min(c.Timeout, c.Interval)
	if c.Jitter == 0 {
		c.Jitter = DefaultJitter
	}
	c.Jitter = max(c.Jitter, 0)
	c.Failures = max(c.Failures, 1)
	c.Successes = max(c.Successes, 1)
	if c.Groups == 0 {
		c.Groups = Readiness
	}
	if c.Kind == "" {
		c.Kind = "component"
	}
	return c, nil
}

// staleAfter is the age from which a result says nothing any more: three
// rounds, each with its timeout and its jitter.
func (c Check) staleAfter() time.Duration {
	round := time.Duration(float64(c.Interval)*(1+c.Jitter)) + c.Timeout
	return 3 * round
}

// Warn marks an error as a warning: the check is degraded, not unhealthy.
func Warn(err error) error {
	if err == nil {
		return nil
	}
	return warning{err}
}

type warning struct{ error }

func (w warning) Unwrap() error { return w.error }

// verdict translates what a Func returned.
func verdict(err error) Status {
	var w warning
	switch {
	case err == nil:
		return Healthy
	case errors.As(err, &w):
		return Degraded
	}
	return Unhealthy
}

// Observation is a figure that a check measured on its way.
type Observation struct {
	Value float64
	Unit  string
}

type observationKey struct{}

// Observe reports a figure from within a Func, such as the share of a disk
// that is in use. The last call of a run wins. Outside of a check it does
// nothing.
func Observe(ctx context.Context, value float64, unit string) {
	if slot, ok := ctx.Value(observationKey{}).(*observationSlot); ok {
		slot.store(Observation{Value: value, Unit: unit})
	}
}
