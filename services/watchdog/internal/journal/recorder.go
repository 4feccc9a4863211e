package journal

import (
	"cmp"
	"errors"
	"sync"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// Recorder turns the changes that the core reports into incidents, and keeps count of the time that targets were down.
// Its methods may be called from several goroutines.
type Recorder struct {
	mu      sync.Mutex
	j       *Journal
	version string
	open    map[string]*Incident
	latest  map[string]string // id of each target's latest incident
	briefs  map[string]Brief  // of those, what is still news
	outages *outages
	writer
}

// NewRecorder makes a recorder that goes on with the incidents that were open when the watchdog last ended; version is the
// watchdog's own.
func NewRecorder(j *Journal, version string) (*Recorder, error) {
	r := &Recorder{j: j, version: version, open: map[string]*Incident{}, latest: map[string]string{}, briefs: map[string]Brief{}}
	r.prepare()
	for _, s := range j.Incidents() { // newest first
		if _, known := r.latest[s.Target]; !known {
			r.latest[s.Target] = s.ID
		}
		if s.Outcome != OutcomeOpen {
			r.recall(s)
			continue
		}
		in, err := j.Incident(s.ID)
		if err != nil {
			return nil, err
		}
		r.remember(in)
		if r.open[s.Target] == nil && r.latest[s.Target] == s.ID {
			r.open[s.Target] = &in
			continue
		}
		in.Outcome, in.ClosedAt = OutcomeRemoved, in.DetectedAt // a later outage of this target is on record: this one ended unseen
		if err := j.SaveIncident(in); err != nil {
			return nil, err
		}
	}
	var err error
	r.outages, err = openOutages(j.dir.path(outagesName), j.opts.Clock.Now())
	return r, err
}

// Observe takes one change of a target, in the order in which the core reports them. It returns the id of the incident
// that the change belongs to, empty when there is none. The incident is written behind the caller's back, so that no
// disk delays a restart; an error is of an earlier write, and what could not be written is tried again.
func (r *Recorder) Observe(target string, ch supervise.Change) (id string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outages.watch(target, ch.At)
	in := r.open[target]
	if in == nil {
		if !opens(ch) {
			return "", nil
		}
		in = r.begin(target, ch)
	}
	in.Timeline = append(in.Timeline, Moment{At: ch.At, From: ch.From, To: ch.To, Reason: ch.Reason, Detail: ch.Detail})
	if len(in.Timeline) > 2*maxMoments {
		*in = in.tidy()
	}
	r.attempt(in, ch)
	if outcome := ends(ch.To); outcome != "" {
		err = r.end(in, ch, outcome)
	}
	r.put(*in)
	return in.ID, errors.Join(err, r.trouble())
}

// opens reports whether a change begins an incident where none is open.
func opens(ch supervise.Change) bool {
	switch ch.To {
	case supervise.StateDown, supervise.StateExhausted, supervise.StateHeld, supervise.StateNeedsRecreate:
		return true
	case supervise.StateRestarting:
		return ch.Cause != "" // else a person asked, or a dependency was restarted: no outage by itself
	}
	return false
}

// ends returns how an incident is over when its target comes into a state, empty when it is not.
func ends(to supervise.State) Outcome {
	switch to {
	case supervise.StateUp:
		return OutcomeRecovered
	case supervise.StateStopped:
		return OutcomeStopped
	case supervise.StatePaused:
		return OutcomePaused
	case supervise.StateGone, supervise.StateMisconfigured:
		return OutcomeRemoved
	}
	return ""
}

func (r *Recorder) begin(target string, ch supervise.Change) *Incident {
	in := &Incident{
		ID: NewIncidentID(target, ch.At), Target: target, Cause: cmp.Or(ch.Cause, ch.Reason), Outcome: OutcomeOpen,
		StartedAt: ch.At, DetectedAt: ch.At, Version: r.version,
	}
	r.open[target], r.latest[target] = in, in.ID
	return in
}

// attempt notes a restart, or that the latest one did not happen.
func (r *Recorder) attempt(in *Incident, ch supervise.Change) {
	switch {
	case ch.To == supervise.StateRestarting && ch.From != ch.To:
		in.Restarts = append(in.Restarts, Attempt{At: ch.At, Reason: ch.Reason, Detail: ch.Detail})
		if in.RestartedAt.IsZero() {
			in.RestartedAt = ch.At
		}
	case len(in.Restarts) > 0 && (ch.Reason == supervise.ReasonActionFailed || ch.Reason == supervise.ReasonActionTimeout):
		in.Restarts[len(in.Restarts)-1].Error = ch.Detail
	}
}

func (r *Recorder) end(in *Incident, ch supervise.Change, outcome Outcome) error {
	in.Outcome, in.ClosedAt = outcome, ch.At
	down := max(ch.At.Sub(in.StartedAt), 0)
	if outcome == OutcomeRecovered {
		in.RecoveredAt = ch.At
		down = max(down, ch.DownFor)
		in.StartedAt = ch.At.Add(-down) // by the core's clock, so that the figures agree
	}
	in.DowntimeSeconds = seconds(down)
	delete(r.open, in.Target)
	return r.outages.add(in.Target, in.StartedAt, ch.At)
}

// Settle ends the incidents of targets that no longer exist, which matters after the first look at all targets.
func (r *Recorder) Settle(exists func(target string) bool, at time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for target, in := range r.open {
		if exists(target) {
			continue
		}
		ch := supervise.Change{To: supervise.StateGone, Reason: supervise.ReasonRemoved, At: at, Detail: "it was gone when the watchdog came back"}
		in.Timeline = append(in.Timeline, Moment{At: at, To: ch.To, Reason: ch.Reason, Detail: ch.Detail})
		errs = append(errs, r.end(in, ch, OutcomeRemoved))
		r.put(*in)
	}
	return errors.Join(append(errs, r.trouble())...)
}

// Latest returns the id of a target's latest incident, empty when there is none.
func (r *Recorder) Latest(target string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.latest[target]
}

// Uptime returns which part of the last 24 hours and of the last 7 days a target was not down, as far as it was watched.
func (r *Recorder) Uptime(target string, now time.Time) (day, week float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var since time.Time
	if in := r.open[target]; in != nil {
		since = in.StartedAt
	}
	return r.outages.ratio(target, now, 24*time.Hour, since), r.outages.ratio(target, now, 7*24*time.Hour, since)
}
