package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// Not all of them well, or restarted: either is no calm fleet, and must be seen.
func TestRestarts(t *testing.T) {
	const target = `{"target":"upkeep-bench-fleet-%d","state":%q,"health":%q,"restarts":{"total":%d}}`
	well := fmt.Sprintf(target, 1, "up", "healthy", 0)
	for name, c := range map[string]struct {
		round
		second   string
		restarts int
		fault    string
	}{
		"well":         {round{targets: 2}, fmt.Sprintf(target, 2, "up", "none", 0), 0, ""},
		"restarted":    {round{targets: 2}, fmt.Sprintf(target, 2, "up", "none", 3), 3, ""},
		"starting":     {round{targets: 2}, fmt.Sprintf(target, 2, "starting", "none", 0), 0, "1 of 2 targets are well"},
		"unknown yet":  {round{targets: 3}, fmt.Sprintf(target, 2, "up", "none", 0), 0, "2 of 3 targets are well"},
		"not checked":  {round{2, time.Second}, fmt.Sprintf(target, 2, "up", "starting", 0), 0, "1 of 2 targets are well"},
		"checked":      {round{2, time.Second}, fmt.Sprintf(target, 2, "up", "healthy", 0), 0, ""},
		"somebody's":   {round{targets: 1}, `{"target":"api","state":"up"}`, 0, ""},
		"no JSON":      {round{targets: 2}, `{`, 0, "read the watchdog's status"},
		"another fate": {round{targets: 2}, fmt.Sprintf(target, 2, "held", "none", 0), 0, "1 of 2 targets are well"},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, `{"targets":[%s,%s]}`, well, c.second)
			}))
			defer server.Close()
			got, err := meter{round: c.round, url: server.URL}.restarts(t.Context())
			if c.fault == "" && (err != nil || got != c.restarts) {
				t.Errorf("restarts answers %d, %v; want %d", got, err, c.restarts)
			}
			if c.fault != "" && (err == nil || !strings.Contains(err.Error(), c.fault)) {
				t.Errorf("restarts answers %v, want %s", err, c.fault)
			}
		})
	}
}
