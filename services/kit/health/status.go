package health

import "fmt"

// Status is the verdict on a check or on the whole service. The zero value is
// Unknown: nothing has been found out yet.
type Status uint8

// The statuses, from no verdict to the worst one.
const (
	Unknown Status = iota
	Healthy
	Degraded
	Unhealthy
)

// Statuses lists every status that a check can have, for metrics and tables.
var Statuses = [...]Status{Unknown, Healthy, Degraded, Unhealthy}

var statusNames = [...]string{"unknown", "healthy", "degraded", "unhealthy"}

// draftNames are the words of draft-inadarei-api-health-check-06.
var draftNames = [...]string{"warn", "pass", "warn", "fail"}

// String is the word used in JSON, metrics and logs.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return fmt.Sprintf("status(%d)", uint8(s))
}

// MarshalText makes a Status its word in JSON.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word back.
func (s *Status) UnmarshalText(text []byte) error {
	for i, name := range statusNames {
		if name == string(text) {
			*s = Status(i)
			return nil
		}
	}
	return fmt.Errorf("unknown health status %q: want one of %v", text, statusNames)
}

// counts is what a check's status adds to the status of the service.
func (s Status) counts(soft bool) Status {
	switch {
	case s == Unknown:
		return Degraded
	case s == Unhealthy && soft:
		return Degraded
	}
	return s
}

func (s Status) draft() string {
	if int(s) < len(draftNames) {
		return draftNames[s]
	}
	return "fail"
}
