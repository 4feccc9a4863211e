package httpmetrics

import (
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Stats are request figures for people and health checks. An error is a status of 500 or more, but not
// the 503 of a health page: that page has done its work, and an error rate that counted it would keep
// the page at 503.
type Stats struct {
	// Total and Errors count since the start.
	Total  uint64 `json:"total"`
	Errors uint64 `json:"errors"`
	// InFlight is how many are being served now.
	InFlight int64 `json:"in_flight"`
	// Last1m, Last5m and Last15m are the figures of the past minutes, without probes and scrapes (paths
	// below /health, and /metrics), which would hide the errors of a quiet service.
	Last1m  Window `json:"last_1m"`
	Last5m  Window `json:"last_5m"`
	Last15m Window `json:"last_15m"`
}

// Window are the figures of a span of time up to now.
type Window struct {
	Requests  uint64  `json:"requests"`
	Errors    uint64  `json:"errors"`
	ErrorRate float64 `json:"error_rate"` // 0 to 1; 0 without requests
	PerSecond float64 `json:"requests_per_second"`
}

const (
	slotLength = 5 * time.Second
	slots      = int64(15*time.Minute/slotLength) + 1
)

// window is a ring of slots: requests are counted, never kept.
type window struct {
	total, errors atomic.Uint64
	mu            sync.Mutex // guards the turning of a slot
	ring          [slots]slot
}

type slot struct {
	era           atomic.Int64 // which slot since the start this is, plus one
	total, errors atomic.Uint64
}

func (w *window) add(now time.Duration, code int, probe bool) {
	failed := code >= 500 && (!probe || code != http.StatusServiceUnavailable)
	w.total.Add(1)
	if failed {
		w.errors.Add(1)
	}
	if probe {
		return
	}
	era := int64(now/slotLength) + 1
	s := &w.ring[era%slots]
	if s.era.Load() != era {
		w.turn(s, era)
	}
	s.total.Add(1)
	if failed {
		s.errors.Add(1)
	}
}

// turn makes a slot that has gone out of sight the current one. A request that is counted in this
// very moment may be lost to the windows, never to the totals.
func (w *window) turn(s *slot, era int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s.era.Load() < era {
		s.total.Store(0)
		s.errors.Store(0)
		s.era.Store(era)
	}
}

// last sums the slots that cover span up to now.
func (w *window) last(now, span time.Duration) Window {
	newest := int64(now/slotLength) + 1
	oldest := newest - int64(span/slotLength)
	var out Window
	for i := range w.ring {
		s := &w.ring[i]
		if era := s.era.Load(); era > oldest && era <= newest {
			errors := s.errors.Load() // first, so that it never exceeds the total
			out.Requests += s.total.Load()
			out.Errors += errors
		}
	}
	if out.Requests > 0 {
		out.ErrorRate = min(1, float64(out.Errors)/float64(out.Requests))
	}
	covered := min(span-slotLength, now-now%slotLength) + now%slotLength // the newest slot is not over yet
	if covered >= time.Second {
		out.PerSecond = float64(out.Requests) / covered.Seconds()
	}
	return out
}

// Stats returns the figures of now.
func (m *Metrics) Stats() Stats {
	now := m.now()
	return Stats{
		Total:    m.window.total.Load(),
		Errors:   m.window.errors.Load(),
		InFlight: m.running.Load(),
		Last1m:   m.window.last(now, time.Minute),
		Last5m:   m.window.last(now, 5*time.Minute),
		Last15m:  m.window.last(now, 15*time.Minute),
	}
}
