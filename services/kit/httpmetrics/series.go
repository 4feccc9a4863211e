package httpmetrics

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// exemplarEvery is how often a series takes a new exemplar: they cost an allocation, and
// nobody looks at more.
const exemplarEvery = time.Second

// vecs are the labelled families.
type vecs struct {
	total   *prometheus.CounterVec
	seconds *prometheus.HistogramVec
	bytes   *prometheus.HistogramVec
}

func newVecs(o options) vecs {
	labels := []string{"method", "route", "code"}
	return vecs{
		total: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "http_requests_total", Help: "Requests by method, route template and status code.",
		}, labels),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_request_duration_seconds", Help: "Time that requests took, by method, route template and status code.",
			Buckets:                         o.buckets,
			NativeHistogramBucketFactor:     1.1,
			NativeHistogramMaxBucketNumber:  160,
			NativeHistogramMinResetDuration: time.Hour,
		}, labels),
		bytes: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "http_response_size_bytes", Help: "Size of response bodies, by method, route template and status code.",
			Buckets: o.sizeBuckets,
		}, labels),
	}
}

// codes is one more than the highest status code with a series of its own.
const codes = 600

// routeSeries are the series of one route, by method and code, made when first needed.
type routeSeries struct {
	vecs    *vecs
	route   string
	methods [len(methods)]atomic.Pointer[[codes]atomic.Pointer[series]]
}

// child returns the series of a method and code. Codes outside 100 to 599 fold into "other".
func (rs *routeSeries) child(method, code int) *series {
	if code < 100 || code >= codes {
		code = 0
	}
	byCode := rs.methods[method].Load()
	if byCode == nil {
		rs.methods[method].CompareAndSwap(nil, new([codes]atomic.Pointer[series]))
		byCode = rs.methods[method].Load()
	}
	if s := byCode[code].Load(); s != nil {
		return s
	}
	name := "other"
	if code != 0 {
		name = strconv.Itoa(code)
	}
	values := []string{methods[method], rs.route, name}
	fresh := &series{
		total:   rs.vecs.total.WithLabelValues(values...),
		seconds: rs.vecs.seconds.WithLabelValues(values...).(histogram),
		bytes:   rs.vecs.bytes.WithLabelValues(values...),
	}
	byCode[code].CompareAndSwap(nil, fresh)
	return byCode[code].Load()
}

type histogram interface {
	prometheus.Observer
	prometheus.ExemplarObserver
}

// series are the metrics of one method, route and code.
type series struct {
	total        prometheus.Counter
	seconds      histogram
	bytes        prometheus.Observer
	nextExemplar atomic.Int64
}

// observe counts a request that ended now. A hijacked connection has no latency or size worth a
// bucket: it lives as long as its client likes.
func (s *series) observe(now, took time.Duration, rec *recorder, r *http.Request) {
	s.total.Inc()
	if rec.hijacked {
		return
	}
	s.bytes.Observe(float64(rec.size(r)))
	due := s.nextExemplar.Load()
	if int64(now) >= due && s.nextExemplar.CompareAndSwap(due, int64(now+exemplarEvery)) {
		if labels := exemplar(r.Context()); labels != nil {
			s.seconds.ObserveWithExemplar(took.Seconds(), labels)
			return
		}
	}
	s.seconds.Observe(took.Seconds())
}
