package main

import (
	"errors"
	"math"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/upkeephq/upkeep/services/api/internal/settings"
	"github.com/upkeephq/upkeep/services/kit/health"
	"github.com/upkeephq/upkeep/services/kit/hostinfo"
	"github.com/upkeephq/upkeep/services/kit/httpmetrics"
)

// Limits that nobody has a reason to set: a service of this size that reaches
// them leaks.
const (
	manyGoroutines = 10_000
	longPause      = time.Second // a container that has used up its quota pauses for a tenth of it
)

// standardChecks watch the process and what it runs on. They change the status
// of the service; only the pulse has a say on a restart, and none keeps traffic
// away, since another place to send it to is the exception on one machine.
func standardChecks(c settings.Settings, host *hostinfo.Sampler, requests *httpmetrics.Metrics, beat *health.Heartbeat) []health.Check {
	checks := []health.Check{
		{Name: "pulse", Groups: health.Liveness, Run: beat.Check},
		{Name: "cpu", Kind: "system", Run: health.Threshold("ratio", c.CPU(), hostFigure(host, func(s *hostinfo.Snapshot) hostinfo.Ratio {
			return s.CPU.Utilization
		}))},
		{Name: "memory", Kind: "system", Run: health.Threshold("ratio", c.Memory(), hostFigure(host, func(s *hostinfo.Snapshot) hostinfo.Ratio {
			return s.Memory.Utilization
		}))},
		{Name: "error_rate", Run: health.Threshold("ratio", c.ErrorRate(), errorRate(requests))},
		{Name: "goroutines", Soft: true, Run: health.Goroutines(health.Limits{Degraded: manyGoroutines})},
		{Name: "gc_pause", Soft: true, Run: health.GCPause(health.Limits{Degraded: longPause.Seconds()})},
	}
	for _, path := range c.DiskPaths {
		checks = append(checks, health.Check{Name: diskCheckName(path), Kind: "system", Run: health.Disk(path, c.Disk())})
	}
	for i := range checks {
		checks[i].Interval = c.HealthCheckInterval.Std()
		if checks[i].Groups == 0 {
			checks[i].Groups = health.StatusOnly
		}
	}
	// A busy second is none of anybody's business; half a minute is.
	for i := range checks {
		if checks[i].Name == "cpu" {
			checks[i].Failures = 3
		}
	}
	return checks
}

// hostFigure reads one figure of the latest sample.
func hostFigure(host *hostinfo.Sampler, pick func(*hostinfo.Snapshot) hostinfo.Ratio) func() (float64, error) {
	return func() (float64, error) {
		if host.Stale() {
			return 0, errors.New("the figures of the host are old: reading them hangs")
		}
		return float64(pick(host.Latest())), nil
	}
}

// fewRequests is below what a rate can be taken of: one error of two requests
// is no emergency.
const fewRequests = 20

// errorRate looks at five minutes, and at the latest one as well, so that an
// outage that is over does not stand in the status for five minutes more.
func errorRate(requests *httpmetrics.Metrics) func() (float64, error) {
	return func() (float64, error) {
		stats := requests.Stats()
		if stats.Last5m.Requests < fewRequests {
			return 0, nil
		}
		return min(stats.Last1m.ErrorRate, stats.Last5m.ErrorRate), nil
	}
}

// diskCheckName makes "disk" of "/" and "disk-var-lib" of "/var/lib".
func diskCheckName(path string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '.', r == '_':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		}
		return '-'
	}, strings.TrimRight(path, "/"))
	name = "disk" + name
	return name[:min(len(name), 64)]
}

// detailedSections are what /health/detailed shows beside the checks.
func detailedSections(host *hostinfo.Sampler, requests *httpmetrics.Metrics) []health.Section {
	return []health.Section{
		{Name: "system", Value: func() any { return host.Latest() }},
		{Name: "requests", Value: func() any { return requests.Stats() }},
	}
}

// metricsSections are what /health/metrics shows.
func metricsSections(host *hostinfo.Sampler, requests *httpmetrics.Metrics) []health.Section {
	return append(detailedSections(host, requests), health.Section{Name: "runtime", Value: func() any { return runtimeFigures() }})
}

// figures of the Go runtime.
type figures struct {
	Goroutines  int     `json:"goroutines"`
	GOMAXPROCS  int     `json:"gomaxprocs"`
	MemoryLimit *int64  `json:"memory_limit_bytes"`
	HeapBytes   uint64  `json:"heap_bytes"`
	SystemBytes uint64  `json:"system_bytes"`
	GCCycles    uint32  `json:"gc_cycles_total"`
	GCPause     float64 `json:"gc_pause_seconds_total"`
}

func runtimeFigures() figures {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	f := figures{
		Goroutines: runtime.NumGoroutine(), GOMAXPROCS: runtime.GOMAXPROCS(0), HeapBytes: m.HeapAlloc,
		SystemBytes: m.Sys, GCCycles: m.NumGC, GCPause: time.Duration(m.PauseTotalNs).Seconds(),
	}
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		f.MemoryLimit = &limit
	}
	return f
}
