package control

import (
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// Metrics is what the watchdog counts. Its methods may be called from several goroutines.
type Metrics struct {
	mu      sync.Mutex
	targets map[string]*standing
	now     func() time.Time

	up, state            *prometheus.GaugeVec
	remaining, limit     *prometheus.GaugeVec
	restarts, probes     *prometheus.CounterVec
	failures             *prometheus.CounterVec
	probeTook, recovery  *prometheus.HistogramVec
	downtime             *prometheus.Desc
	events               *prometheus.CounterVec
	connected, heartbeat prometheus.Gauge
}

// standing is what downtime is computed from.
type standing struct {
	state supervise.State
	down  time.Duration // of the outages that are over
	since time.Time     // when the running outage was noticed, zero when there is none
	shown time.Duration // the most that was ever exposed: a counter never goes back
}

var results = []string{"success", "failure"}

// NewMetrics makes the metrics and registers them; now is usually time.Now.
func NewMetrics(reg prometheus.Registerer, version, revision string, now func() time.Time) *Metrics {
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets ...float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: name, Help: help, Buckets: buckets,
			NativeHistogramBucketFactor: 1.1, NativeHistogramMaxBucketNumber: 100, NativeHistogramMinResetDuration: time.Hour,
		}, []string{"target"})
	}
	m := &Metrics{
		targets:   map[string]*standing{},
		now:       now,
		up:        gauge("watchdog_target_up", "Whether the target is well: 1, or 0.", "target"),
		state:     gauge("watchdog_target_state", "The state of the target: 1 for the one it is in, 0 for the others.", "target", "state"),
		remaining: gauge("watchdog_restart_budget_remaining", "Restarts that the target's budget still allows in its window.", "target"),
		limit:     gauge("watchdog_restart_budget_limit", "Restarts that the target's budget allows in its window.", "target"),
		restarts:  counter("watchdog_restarts_total", "Restarts of the target by the watchdog, by reason.", "target", "reason"),
		failures:  counter("watchdog_restart_failures_total", "Restarts of the target that the engine refused or did not finish.", "target"),
		probes:    counter("watchdog_probes_total", "Probes of the target, by result.", "target", "result"),
		probeTook: histogram("watchdog_probe_duration_seconds", "How long probes of the target took.",
			.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30),
		recovery: histogram("watchdog_recovery_duration_seconds", "How long outages of the target lasted until it was well again.",
			.1, .25, .5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600),
		downtime: prometheus.NewDesc("watchdog_downtime_seconds_total", "How long the target was down, the running outage included.",
			[]string{"target"}, nil),
		events:    counter("watchdog_events_total", "Lines written to watchdog.log, by type.", "type"),
		connected: prometheus.NewGauge(prometheus.GaugeOpts{Name: "watchdog_docker_connected", Help: "Whether the watchdog reaches the engine: 1, or 0."}),
		heartbeat: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "watchdog_loop_heartbeat_timestamp_seconds", Help: "When the watchdog's loop last went round, in Unix time.",
		}),
	}
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "build_info", Help: "What is running; always 1.",
		ConstLabels: prometheus.Labels{"service": "watchdog", "version": version, "revision": revision, "goversion": runtime.Version()},
	})
	build.Set(1)
	for _, t := range journal.Types {
		m.events.WithLabelValues(string(t))
	}
	reg.MustRegister(m.up, m.state, m.remaining, m.limit, m.restarts, m.failures, m.probes, m.probeTook, m.recovery,
		m.events, m.connected, m.heartbeat, build, downtime{m})
	return m
}

// WithoutDocker drops what makes no sense where there is no engine.
func (m *Metrics) WithoutDocker(reg prometheus.Registerer) { reg.Unregister(m.connected) }

// Add makes all series of a target, counters at zero, so that their first increase is seen. Apply does it too.
func (m *Metrics) Add(target string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(target)
}

func (m *Metrics) add(target string) *standing {
	if s := m.targets[target]; s != nil {
		return s
	}
	s := &standing{}
	m.targets[target] = s
	m.up.WithLabelValues(target)
	for _, st := range supervise.States {
		m.state.WithLabelValues(target, string(st))
	}
	for _, r := range supervise.RestartReasons {
		m.restarts.WithLabelValues(target, string(r))
	}
	for _, r := range results {
		m.probes.WithLabelValues(target, r)
	}
	m.failures.WithLabelValues(target)
	m.remaining.WithLabelValues(target)
	m.limit.WithLabelValues(target)
	m.probeTook.WithLabelValues(target)
	m.recovery.WithLabelValues(target)
	return s
}

// Apply takes a change that the core reported. A target that is gone loses its series.
func (m *Metrics) Apply(target string, ch supervise.Change) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if ch.To == supervise.StateGone {
		m.forget(target)
		return
	}
	s := m.add(target)
	if ch.To != s.state {
		if s.state != "" {
			m.state.WithLabelValues(target, string(s.state)).Set(0)
		}
		m.state.WithLabelValues(target, string(ch.To)).Set(1)
		s.state = ch.To
	}
	m.up.WithLabelValues(target).Set(boolean(ch.To == supervise.StateUp || ch.To == supervise.StateSuspect && ch.Cause == ""))
	if ch.To == supervise.StateUp && ch.DownFor > 0 {
		m.recovery.WithLabelValues(target).Observe(ch.DownFor.Seconds())
	}
	s.apply(ch)
}

// apply keeps count of the time that the target is down.
func (s *standing) apply(ch supervise.Change) {
	running := ch.Cause != "" && ch.To != supervise.StateUp || ch.To == supervise.StateNeedsRecreate
	switch {
	case running && s.since.IsZero():
		s.since = ch.At
	case !running && !s.since.IsZero():
		s.down += max(ch.At.Sub(s.since), ch.DownFor, 0)
		s.since = time.Time{}
	case ch.DownFor > 0:
		s.down += ch.DownFor // an outage whose beginning was not reported
	}
}

// Forget deletes all series of a target.
func (m *Metrics) Forget(target string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(target)
}

func (m *Metrics) forget(target string) {
	delete(m.targets, target)
	of := prometheus.Labels{"target": target}
	for _, v := range []interface {
		DeletePartialMatch(prometheus.Labels) int
	}{m.up, m.state, m.remaining, m.limit, m.restarts, m.failures, m.probes, m.probeTook, m.recovery} {
		v.DeletePartialMatch(of)
	}
}

// Restarted counts a restart that was sent to the engine.
func (m *Metrics) Restarted(target string, reason supervise.Reason) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(target)
	m.restarts.WithLabelValues(target, string(reason)).Inc()
}

// RestartFailed counts a restart that the engine refused or did not finish. A late one of a forgotten target is dropped.
func (m *Metrics) RestartFailed(target string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.targets[target] != nil {
		m.failures.WithLabelValues(target).Inc()
	}
}

// Probe counts a probe. A late one of a forgotten target is dropped.
func (m *Metrics) Probe(target string, took time.Duration, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.targets[target] == nil {
		return
	}
	result := results[0]
	if !ok {
		result = results[1]
	}
	m.probes.WithLabelValues(target, result).Inc()
	m.probeTook.WithLabelValues(target).Observe(took.Seconds())
}

// Budget sets how many restarts a target has left, and how many it has in all.
func (m *Metrics) Budget(target string, remaining, limit int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.targets[target] != nil {
		m.remaining.WithLabelValues(target).Set(float64(remaining))
		m.limit.WithLabelValues(target).Set(float64(limit))
	}
}

// Event counts a line of watchdog.log.
func (m *Metrics) Event(t journal.Type) { m.events.WithLabelValues(string(t)).Inc() }

// Docker sets whether the engine is reached.
func (m *Metrics) Docker(connected bool) { m.connected.Set(boolean(connected)) }

// Heartbeat sets when the loop last went round.
func (m *Metrics) Heartbeat(t time.Time) { m.heartbeat.Set(float64(t.UnixMilli()) / 1000) }

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
