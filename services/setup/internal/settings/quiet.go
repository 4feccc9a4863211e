package settings

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Hours is a part of the day, from one time to another. It goes past midnight when To is not after From.
type Hours struct{ From, To string } // "22:00", "07:00"; To may be "24:00"

var hours = regexp.MustCompile(`^((?:[01][0-9]|2[0-3]):[0-5][0-9])-((?:[01][0-9]|2[0-3]):[0-5][0-9]|24:00)$`)

// ParseHours reads "22:00-07:00".
func ParseHours(s string) (Hours, error) {
	m := hours.FindStringSubmatch(s)
	if m == nil || m[1] == m[2] {
		return Hours{}, fmt.Errorf("%q is no part of the day", s)
	}
	return Hours{m[1], m[2]}, nil
}

// Ranges are the hours as pieces that do not go past midnight, which is how Alertmanager wants them.
func (h Hours) Ranges() []Hours {
	switch {
	case h.From < h.To:
		return []Hours{h}
	case h.To == "00:00":
		return []Hours{{h.From, "24:00"}}
	}
	return []Hours{{h.From, "24:00"}, {"00:00", h.To}}
}

// ParseDays reads "saturday,sunday".
func ParseDays(s string) ([]string, error) {
	days := strings.Split(strings.ToLower(strings.ReplaceAll(s, " ", "")), ",")
	for i, day := range days {
		known := false
		for d := time.Sunday; d <= time.Saturday; d++ {
			known = known || day == strings.ToLower(d.String())
		}
		if !known || slices.Contains(days[:i], day) {
			return nil, fmt.Errorf("%q is no list of days", s)
		}
	}
	return days, nil
}
