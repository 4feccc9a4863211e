package journal

import "time"

// Clock tells the time in the three ways that make an age trustworthy after a restart of the watchdog. Within one boot
// of the host the time since boot decides, since nobody can set it; across boots only the wall clock is left.
type Clock struct {
	Now    func() time.Time     // wall clock, with a monotonic reading where there is one
	Uptime func() time.Duration // since the host booted, sleep included
	BootID string               // identifies the boot; empty when unknown, then Uptime is not used
}

// stamp is a moment in terms that outlive the process.
type stamp struct {
	Wall   time.Time `json:"saved_at"`
	BootID string    `json:"boot_id,omitempty"`
	Uptime float64   `json:"uptime_seconds"`
}

func (c Clock) stamp() stamp {
	return stamp{Wall: c.Now().UTC().Round(0), BootID: c.BootID, Uptime: seconds(c.Uptime())}
}

// longest bounds every age that is read from a file; nothing here looks back further.
const longest = 10 * 365 * 24 * time.Hour

// since returns how long ago a stamp was made. It is never negative, so that a clock that was set back makes restarts
// look recent and never frees budget early.
func (c Clock) since(s stamp) time.Duration {
	if s.BootID != "" && s.BootID == c.BootID {
		return min(max(c.Uptime()-duration(s.Uptime), 0), longest)
	}
	age := c.Now().Round(0).Sub(s.Wall)
	if s.BootID != "" && c.BootID != "" {
		age = max(age, c.Uptime()) // it was made before this boot
	}
	return min(max(age, 0), longest)
}

// seconds is a duration as files carry it: cut, not rounded, to the microsecond.
func seconds(d time.Duration) float64 {
	return float64(d.Truncate(time.Microsecond)) / float64(time.Second)
}

// duration is the reverse of seconds, for numbers of any size.
func duration(s float64) time.Duration {
	if s != s { // not a number
		return 0
	}
	s = min(max(s, -longest.Seconds()), longest.Seconds())
	return time.Duration(s * float64(time.Second)).Round(time.Microsecond)
}
