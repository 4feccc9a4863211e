package health

import "time"

// Report is everything that is known at one moment. It is made from results
// that lie ready; making one calls nothing.
type Report struct {
	Status  Status
	Live    bool
	Ready   bool
	Started bool
	// Reason says why the service is not ready.
	Reason Reason
	At     time.Time
	Checks []CheckReport // in the order in which they were added
}

// Reason is why a service is not ready or not alive.
type Reason string

// The reasons.
const (
	NoReason    Reason = ""
	Starting    Reason = "starting"
	Draining    Reason = "draining"
	CheckFailed Reason = "check_failed"
)

// CheckReport is what is known about one check.
type CheckReport struct {
	Name        string
	Kind        string
	Groups      Group
	Critical    bool
	Status      Status
	Since       time.Time // of Status
	CheckedAt   time.Time // zero before the first run
	Latency     time.Duration
	Stale       bool
	Err         error // of the latest run
	LastErr     error // of the latest run that failed
	LastErrAt   time.Time
	Failures    int // in a row
	Observation *Observation
}

// Report tells everything that is known now.
func (c *Checker) Report() Report {
	now := time.Now()
	report := Report{At: now, Status: c.status(now), Checks: make([]CheckReport, 0, len(c.workers()))}
	report.Live, _ = c.Live()
	report.Ready, report.Reason = c.Ready()
	report.Started = c.Started()
	for _, w := range c.workers() {
		report.Checks = append(report.Checks, w.report(now))
	}
	return report
}

func (w *worker) report(now time.Time) CheckReport {
	s := w.state.Load()
	status, stale := w.effective(s, now)
	return CheckReport{
		Name: w.check.Name, Kind: w.check.Kind, Groups: w.check.Groups, Critical: !w.check.Soft,
		Status: status, Since: s.since, CheckedAt: s.at, Latency: s.duration, Stale: stale,
		Err: s.err, LastErr: s.lastErr, LastErrAt: s.lastErrAt, Failures: s.failures, Observation: s.observation,
	}
}

// Status is the status of the whole service now.
func (c *Checker) Status() Status { return c.status(time.Now()) }

func (c *Checker) status(now time.Time) Status {
	worst := Healthy
	if c.draining.Load() || !c.running.Load() {
		worst = Degraded
	}
	for _, w := range c.workers() {
		status, _ := w.effective(w.state.Load(), now)
		worst = max(worst, status.counts(w.check.Soft))
	}
	return worst
}

// Live tells whether the process can make progress. Only failed critical
// checks of the group Liveness say no.
func (c *Checker) Live() (bool, Reason) {
	if c.failed(Liveness) {
		return false, CheckFailed
	}
	return true, NoReason
}

// Started tells whether every check of the group Startup has succeeded once.
func (c *Checker) Started() bool {
	if !c.running.Load() {
		return false
	}
	for _, w := range c.workers() {
		if w.check.Groups&Startup != 0 && !w.check.Soft && !w.state.Load().passed {
			return false
		}
	}
	return true
}

// Ready tells whether traffic may come: the service has started, is not about
// to stop, and every critical check has come to a verdict that is not
// unhealthy.
func (c *Checker) Ready() (bool, Reason) {
	if c.draining.Load() {
		return false, Draining
	}
	if c.failed(Readiness | Liveness | Startup) {
		return false, CheckFailed
	}
	if !c.Started() {
		return false, Starting
	}
	for _, w := range c.workers() {
		if w.check.Groups != StatusOnly && !w.check.Soft && w.state.Load().status == Unknown {
			return false, Starting
		}
	}
	return true, NoReason
}

func (c *Checker) failed(groups Group) bool {
	for _, w := range c.workers() {
		if w.check.Groups&groups != 0 && !w.check.Soft && w.state.Load().status == Unhealthy {
			return true
		}
	}
	return false
}
