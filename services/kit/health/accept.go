package health

import (
	"strconv"
	"strings"
)

// wantsDraft tells whether the Accept headers of a request prefer
// application/health+json: it must be named, and liked no less than
// application/json. A wildcard gets plain JSON.
func wantsDraft(accept []string) bool {
	var draft, plain float64
	for _, line := range accept {
		for line != "" {
			var item string
			item, line, _ = strings.Cut(line, ",")
			name, parameters, _ := strings.Cut(item, ";")
			switch name = strings.TrimSpace(name); {
			case strings.EqualFold(name, "application/health+json"):
				draft = max(draft, quality(parameters))
			case strings.EqualFold(name, "application/json"):
				plain = max(plain, quality(parameters))
			}
		}
	}
	return draft > 0 && draft >= plain
}

// quality reads q of a media range: 1 when absent, 0 when it makes no sense.
func quality(parameters string) float64 {
	for parameters != "" {
		var parameter string
		parameter, parameters, _ = strings.Cut(parameters, ";")
		name, value, found := strings.Cut(strings.TrimSpace(parameter), "=")
		if !found || !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) {
			return 0
		}
		return q
	}
	return 1
}
