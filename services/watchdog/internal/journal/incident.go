package journal

import (
	"fmt"
	"hash/fnv"
	"regexp"
	"strings"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// Outcome says how an outage ended.
type Outcome string

// The outcomes of incidents.
const (
	OutcomeOpen      Outcome = "open"      // not over
	OutcomeRecovered Outcome = "recovered" // it is well again
	OutcomeStopped   Outcome = "stopped"   // somebody stopped it, or it finished
	OutcomePaused    Outcome = "paused"    // somebody asked to leave it alone
	OutcomeRemoved   Outcome = "removed"   // the target no longer exists, or can no longer be watched
)

// Incident is the record of one outage of one target.
type Incident struct {
	ID              string           `json:"id"`
	Target          string           `json:"target"`
	Cause           supervise.Reason `json:"cause"`
	Outcome         Outcome          `json:"outcome"`
	StartedAt       time.Time        `json:"started_at"`             // when it went wrong, as far as that is known
	DetectedAt      time.Time        `json:"detected_at"`            // when the watchdog took it for down
	RestartedAt     time.Time        `json:"restarted_at,omitzero"`  // when it was first restarted
	RecoveredAt     time.Time        `json:"recovered_at,omitzero"`  // when it was well again
	ClosedAt        time.Time        `json:"closed_at,omitzero"`     // when it was over, whatever the outcome
	DowntimeSeconds float64          `json:"downtime_seconds"`       // zero while it is open
	Image           string           `json:"image,omitempty"`        //
	ContainerID     string           `json:"container_id,omitempty"` // of a process: its number
	ExitCode        *int             `json:"exit_code,omitempty"`    //
	OOMKilled       bool             `json:"oom_killed,omitempty"`   //
	Error           string           `json:"error,omitempty"`        // what the engine said
	Probe           *ProbeEvidence   `json:"probe,omitempty"`        // the last failed probe
	HealthLog       []HealthResult   `json:"health_log,omitempty"`   // docker's own checks, oldest first
	MemoryBytes     int64            `json:"memory_bytes,omitempty"` // shortly before the end
	MemoryLimit     int64            `json:"memory_limit_bytes,omitempty"`
	CPURatio        float64          `json:"cpu_ratio,omitempty"` // 1 = one whole core
	Timeline        []Moment         `json:"timeline"`
	Restarts        []Attempt        `json:"restarts"`
	LogTail         []string         `json:"log_tail,omitempty"`
	Version         string           `json:"version,omitempty"` // of the watchdog
}

// ProbeEvidence is what a failed probe got.
type ProbeEvidence struct {
	Error string `json:"error"`
	Body  string `json:"body,omitempty"`
}

// HealthResult is one run of a container's own health check.
type HealthResult struct {
	At       time.Time `json:"at,omitzero"`
	ExitCode int       `json:"exit_code"`
	Output   string    `json:"output"`
}

// Moment is one step of an incident.
type Moment struct {
	At     time.Time        `json:"at"`
	From   supervise.State  `json:"from,omitempty"`
	To     supervise.State  `json:"to"`
	Reason supervise.Reason `json:"reason"`
	Detail string           `json:"detail,omitempty"`
}

// Attempt is one restart within an incident.
type Attempt struct {
	At     time.Time        `json:"at"`
	Reason supervise.Reason `json:"reason"`
	Detail string           `json:"detail,omitempty"`
	Error  string           `json:"error,omitempty"` // why it did not happen
}

// Summary is an incident without its evidence, for lists.
type Summary struct {
	ID              string           `json:"id"`
	Target          string           `json:"target"`
	Cause           supervise.Reason `json:"cause"`
	Outcome         Outcome          `json:"outcome"`
	StartedAt       time.Time        `json:"started_at"`
	RecoveredAt     time.Time        `json:"recovered_at,omitzero"`
	DowntimeSeconds float64          `json:"downtime_seconds"`
	Restarts        int              `json:"restarts"`
	ExitCode        *int             `json:"exit_code,omitempty"`
}

// Summary is the incident's line in a list.
func (in Incident) Summary() Summary {
	return Summary{
		ID: in.ID, Target: in.Target, Cause: in.Cause, Outcome: in.Outcome, StartedAt: in.StartedAt, RecoveredAt: in.RecoveredAt,
		DowntimeSeconds: in.DowntimeSeconds, Restarts: len(in.Restarts), ExitCode: in.ExitCode,
	}
}

// Instance names the run that went wrong: a container by the beginning of its ID, a process by its number.
func (in Incident) Instance() (what, id string) {
	const shown = 12
	if id := in.ContainerID; len(id) >= shown {
		return "container", id[:shown]
	}
	return "process", in.ContainerID
}

var (
	incidentID   = regexp.MustCompile(`^\d{8}T\d{6}Z-[A-Za-z0-9_.-]{1,80}-[0-9a-f]{4}$`)
	incidentPart = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,128}$`)
	unfitForID   = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)
)

// NewIncidentID names an incident so that names sort by time. The same target and moment give the same name.
func NewIncidentID(target string, at time.Time) string {
	h := fnv.New32a()
	fmt.Fprintf(h, "%s %d", target, at.UnixNano())
	name := unfitForID.ReplaceAllString(target, "-")
	if name == "" {
		name = "target"
	}
	name = name[:min(len(name), 80)]
	sum := h.Sum32()
	return fmt.Sprintf("%s-%s-%04x", at.UTC().Format("20060102T150405Z"), name, uint16(sum^sum>>16))
}

// The bounds of one incident's evidence.
const (
	maxLogLines  = 100
	maxLine      = 2 << 10
	maxDetail    = 500
	maxBody      = 4 << 10
	maxHealth    = 10
	maxMoments   = 200
	maxAttempts  = 200
	keptAtStart  = 50 // of the timeline, when its middle is dropped
	omissionMark = " […]"
)

// tidy masks secrets, bounds what could grow without end and puts times into UTC. It works on copies of what is shared.
func (in Incident) tidy() Incident {
	for _, t := range []*time.Time{&in.StartedAt, &in.DetectedAt, &in.RestartedAt, &in.RecoveredAt, &in.ClosedAt} {
		*t = utc(*t)
	}
	in.Error = kept(in.Error, maxBody)
	if in.Probe != nil {
		in.Probe = &ProbeEvidence{Error: kept(in.Probe.Error, maxBody), Body: kept(in.Probe.Body, maxBody)}
	}
	in.HealthLog = each(last(in.HealthLog, maxHealth), func(h HealthResult) HealthResult {
		return HealthResult{At: utc(h.At), ExitCode: h.ExitCode, Output: kept(h.Output, maxBody)}
	})
	in.LogTail = each(last(in.LogTail, maxLogLines), func(s string) string { return kept(s, maxLine) })
	timeline := in.Timeline
	if cut := len(timeline) - maxMoments; cut > 0 {
		timeline = append(append([]Moment(nil), timeline[:keptAtStart]...), timeline[keptAtStart+cut:]...)
	}
	in.Timeline = each(timeline, func(m Moment) Moment { m.At, m.Detail = utc(m.At), kept(m.Detail, maxDetail); return m })
	in.Restarts = each(last(in.Restarts, maxAttempts), func(a Attempt) Attempt {
		a.At, a.Detail, a.Error = utc(a.At), kept(a.Detail, maxDetail), kept(a.Error, maxDetail)
		return a
	})
	return in
}

func each[T any](in []T, f func(T) T) []T {
	out := make([]T, len(in))
	for i, v := range in {
		out[i] = f(v)
	}
	return out
}

func last[T any](s []T, n int) []T { return s[max(len(s)-n, 0):] }

// kept is a foreign text as it is kept. Much too long texts are cut first, so that cleaning them costs little.
func kept(s string, n int) string {
	if len(s) > 2*n {
		s = s[:2*n]
	}
	return clip(clean(s), n)
}

// clip shortens a text and keeps it valid UTF-8.
func clip(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n-len(omissionMark)], "") + omissionMark
}
