package httpmetrics_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/upkeephq/upkeep/services/kit/httpmetrics"
)

// These benchmarks stand side by side in one run:
//
//	go test -run '^$' -bench . -benchmem ./httpmetrics
//
// bare is the handler alone, kit our middleware around it, promhttp the chain of client_golang with the
// same families, labels and histograms.

// nullWriter costs nothing and has the optional interfaces of net/http's own.
type nullWriter struct{ header http.Header }

func (w *nullWriter) Header() http.Header         { return w.header }
func (w *nullWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w *nullWriter) WriteHeader(int)             {}
func (w *nullWriter) Flush()                      {}

func (w *nullWriter) ReadFrom(r io.Reader) (int64, error) { return io.Copy(io.Discard, r) }

var body = []byte(`{"status":"healthy"}`)

func answer(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }

const route = "/users/{id}"

// chain is promhttp's equivalent of Metrics.Handler.
func chain(reg prometheus.Registerer, next http.Handler) http.Handler {
	labels := []string{"method", "route", "code"}
	curry := prometheus.Labels{"route": route}
	total := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "requests_total", Help: "h"}, labels)
	seconds := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "seconds", Help: "h",
		Buckets: prometheus.DefBuckets, NativeHistogramBucketFactor: 1.1}, labels)
	bytes := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "bytes", Help: "h",
		Buckets: prometheus.ExponentialBuckets(256, 8, 7)}, labels)
	inFlight := prometheus.NewGauge(prometheus.GaugeOpts{Name: "in_flight", Help: "h"})
	reg.MustRegister(total, seconds, bytes, inFlight)
	return promhttp.InstrumentHandlerInFlight(inFlight,
		promhttp.InstrumentHandlerDuration(seconds.MustCurryWith(curry),
			promhttp.InstrumentHandlerCounter(total.MustCurryWith(curry),
				promhttp.InstrumentHandlerResponseSize(bytes.MustCurryWith(curry), next))))
}

func run(b *testing.B, h http.Handler) {
	r, err := http.NewRequest(http.MethodGet, "/users/7", nil)
	if err != nil {
		b.Fatal(err)
	}
	w := &nullWriter{header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		h.ServeHTTP(w, r)
	}
}

func runParallel(b *testing.B, h http.Handler) {
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		r, _ := http.NewRequest(http.MethodGet, "/users/7", nil)
		w := &nullWriter{header: http.Header{}}
		for pb.Next() {
			h.ServeHTTP(w, r)
		}
	})
}

func BenchmarkMetricsPath(b *testing.B) {
	next := http.HandlerFunc(answer)
	b.Run("bare", func(b *testing.B) { run(b, next) })
	b.Run("kit", func(b *testing.B) { run(b, httpmetrics.New(prometheus.NewRegistry()).Handler(route, next)) })
	b.Run("promhttp", func(b *testing.B) { run(b, chain(prometheus.NewRegistry(), next)) })
}

func BenchmarkMetricsPathParallel(b *testing.B) {
	next := http.HandlerFunc(answer)
	b.Run("kit", func(b *testing.B) { runParallel(b, httpmetrics.New(prometheus.NewRegistry()).Handler(route, next)) })
	b.Run("promhttp", func(b *testing.B) { runParallel(b, chain(prometheus.NewRegistry(), next)) })
}

// BenchmarkRouter adds gorilla/mux itself and, for kit, the request id and the route label that
// promhttp's chain does not have.
func BenchmarkRouter(b *testing.B) {
	router := func() *mux.Router {
		r := mux.NewRouter()
		r.HandleFunc(route, answer).Methods(http.MethodGet)
		return r
	}
	b.Run("bare", func(b *testing.B) { run(b, router()) })
	b.Run("kit", func(b *testing.B) { run(b, httpmetrics.New(prometheus.NewRegistry()).Wrap(router())) })
	b.Run("promhttp", func(b *testing.B) { run(b, chain(prometheus.NewRegistry(), router())) })
}
