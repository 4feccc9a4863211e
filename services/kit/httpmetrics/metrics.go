package httpmetrics

import (
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// Unmatched is the route label of requests that no route takes.
const Unmatched = "unmatched"

// Metrics measures requests. Make one by New; it serves any number of routers.
type Metrics struct {
	options
	vecs    vecs
	running atomic.Int64
	routes  atomic.Pointer[map[string]*routeSeries]
	mu      sync.Mutex // guards changes of routes
	none    *routeSeries
	window  window
}

type options struct {
	now         func() time.Duration
	access      accessLog
	buckets     []float64
	sizeBuckets []float64
}

// Option changes how New measures.
type Option func(*options)

// WithClock replaces the clock.
func WithClock(now func() time.Time) Option {
	start := now()
	return func(o *options) { o.now = func() time.Duration { return now().Sub(start) } }
}

// WithAccessLog writes one line a request to l; see AccessLog.
func WithAccessLog(l *zap.Logger) Option { return func(o *options) { o.access.log = l } }

// WithTrustedProxies says whose X-Forwarded-For the access log may believe; see ClientIP.
func WithTrustedProxies(proxies ...netip.Prefix) Option {
	return func(o *options) { o.access.trusted = proxies }
}

// WithBuckets replaces the classic buckets of the latency histogram, in seconds.
func WithBuckets(seconds ...float64) Option { return func(o *options) { o.buckets = seconds } }

// New registers the request metrics with reg. It panics when they are registered
// already, as prometheus.MustRegister does.
func New(reg prometheus.Registerer, opts ...Option) *Metrics {
	start := time.Now()
	m := &Metrics{options: options{
		now:         func() time.Duration { return time.Since(start) },
		buckets:     []float64{.005, .01, .025, .05, .1, .25, .3, .5, 1, 2.5, 5, 10},
		sizeBuckets: prometheus.ExponentialBuckets(256, 8, 7),
	}}
	for _, opt := range opts {
		opt(&m.options)
	}
	m.vecs = newVecs(m.options)
	inFlight := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "http_requests_in_flight", Help: "Requests being served now.",
	}, func() float64 { return float64(m.running.Load()) })
	reg.MustRegister(inFlight, m.vecs.total, m.vecs.seconds, m.vecs.bytes)
	m.routes.Store(&map[string]*routeSeries{})
	m.none = &routeSeries{vecs: &m.vecs, route: Unmatched}
	for _, code := range []int{http.StatusNotFound, http.StatusMethodNotAllowed} {
		m.none.child(methodOther, code) // zero from the start, so that rates see the first one
	}
	return m
}

// Wrap measures a router as a whole, with the requests that no route takes. It also gives
// each request an id, and writes the access log if there is one (WithAccessLog).
func (m *Metrics) Wrap(router *mux.Router) http.Handler {
	router.Use(m.Label)
	handler := m.measure(router, func(r *http.Request) string { return matchedRoute(router, r) })
	return WithRequestID(handler)
}

// Label is a mux middleware that tells the metrics which route was taken. Wrap installs it last, and
// looks the route up again when another middleware answered before; using Label first, by hand, spares
// that and makes the route of their 404s and 405s exact.
func (m *Metrics) Label(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rec := recorderOf(w); rec != nil && rec.route == "" {
			rec.route = templateOf(mux.CurrentRoute(r))
		}
		next.ServeHTTP(w, r)
	})
}

// Handler measures one handler under a fixed route name, where there is no router.
func (m *Metrics) Handler(route string, next http.Handler) http.Handler {
	return m.measure(next, func(*http.Request) string { return route })
}

// measure is the hot path. fallback names the route when Label did not.
func (m *Metrics) measure(next http.Handler, fallback func(*http.Request) string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec, wrapped, owned := acquire(w)
		m.running.Add(1)
		start := m.now()
		returned := false
		defer func() {
			m.running.Add(-1)
			if !returned {
				rec.fell = true
				if v := recover(); v != nil {
					rec.panicked = v != http.ErrAbortHandler
					defer panic(v)
				}
			}
			m.record(rec, r, start, fallback)
			if owned {
				rec.release()
			}
		}()
		next.ServeHTTP(wrapped, r)
		returned = true
	})
}

// record counts one finished request.
func (m *Metrics) record(rec *recorder, r *http.Request, start time.Duration, fallback func(*http.Request) string) {
	now := m.now()
	took := now - start
	code := rec.status()
	if rec.route == "" && code != http.StatusNotFound && code != http.StatusMethodNotAllowed {
		rec.route = fallback(r)
	}
	series, method := m.none, methodOther
	if rec.route != "" && rec.route != Unmatched {
		series, method = m.route(rec.route), methodIndex(r.Method)
	}
	series.child(method, code).observe(now, took, rec, r)
	m.window.add(now, code, isProbe(r.URL.Path))
	if m.access.log != nil {
		m.access.write(rec, r, code, took)
	}
}

// route returns the series of a route template, which are made once.
func (m *Metrics) route(template string) *routeSeries {
	if s := (*m.routes.Load())[template]; s != nil {
		return s
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old := *m.routes.Load()
	if s := old[template]; s != nil {
		return s
	}
	next := make(map[string]*routeSeries, len(old)+1)
	for k, v := range old {
		next[k] = v
	}
	s := &routeSeries{vecs: &m.vecs, route: template}
	next[template] = s
	m.routes.Store(&next)
	return s
}
