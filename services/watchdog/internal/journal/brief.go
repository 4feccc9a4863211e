package journal

import (
	"cmp"
	"encoding/json"
	"strings"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

const (
	briefFor      = time.Hour // after its end an incident is no news any more
	maxBriefRunes = 200
	maxBriefBytes = 480 // Prometheus refuses a scrape with a longer value of a label, by the limit that its configuration sets
)

// Brief is what a notification says of an incident.
type Brief struct {
	ID        string
	Cause     supervise.Reason
	StartedAt time.Time
	ClosedAt  time.Time // zero while it is open
	ExitCode  *int      // nil where no process ended
	LastLog   string    // one line, without secrets and control characters, at most 200 runes and 480 bytes
}

func (in Incident) brief() Brief {
	return Brief{
		ID: in.ID, Cause: in.Cause, StartedAt: in.StartedAt, ClosedAt: in.ClosedAt, ExitCode: in.ExitCode, LastLog: lastWords(in.LogTail),
	}
}

// Brief returns a target's latest incident, if it is open or ended less than an hour ago.
func (r *Recorder) Brief(target string) (b Brief, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, ok = r.briefs[target]
	if ok && !b.ClosedAt.IsZero() && r.j.opts.Clock.Now().Sub(b.ClosedAt) >= briefFor {
		delete(r.briefs, target)
		return Brief{}, false
	}
	return b, ok
}

// remember keeps what a notification says of the incident, unless the target has had a later one.
func (r *Recorder) remember(in Incident) {
	if in.ID == r.latest[in.Target] {
		r.briefs[in.Target] = in.brief()
	}
}

// recall remembers an incident of before the watchdog was started, if it may still be news. One that cannot be read is none.
func (r *Recorder) recall(s Summary) {
	if s.ID != r.latest[s.Target] || r.j.opts.Clock.Now().Sub(s.StartedAt.Add(duration(s.DowntimeSeconds))) >= briefFor {
		return
	}
	if in, err := r.j.Incident(s.ID); err == nil {
		r.remember(in)
	}
}

// lastWords returns the last line of a log that is not blank, as one line of a message.
func lastWords(tail []string) string {
	for i := len(tail) - 1; i >= 0; i-- {
		line := strings.Join(strings.Fields(kept(message(withoutTime(tail[i])), maxLine)), " ")
		if line == "" {
			continue
		}
		if runes := []rune(line); len(runes) > maxBriefRunes {
			line = string(runes[:maxBriefRunes-1]) + "…"
		}
		return clip(line, maxBriefBytes)
	}
	return ""
}

// message is what a structured line says: its message and error, by the names that the common loggers use. Any other line
// says what it is.
func message(line string) string {
	var l struct {
		Msg, Message, Error, Err string
	}
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &l) != nil {
		return line
	}
	said, fault := cmp.Or(l.Msg, l.Message), cmp.Or(l.Error, l.Err)
	switch {
	case said == "" && fault == "":
		return line
	case said == "" || fault == "":
		return said + fault
	}
	return said + ": " + fault
}

// withoutTime drops the engine's time from the beginning of a line: a message has its own.
func withoutTime(line string) string {
	first, rest, _ := strings.Cut(line, " ")
	if _, err := time.Parse(time.RFC3339, first); err == nil {
		return rest
	}
	return line
}
