package httpmetrics_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/upkeephq/upkeep/services/kit/httpmetrics"
)

// logger writes lines without a time into a buffer.
func logger(level zapcore.Level) (*zap.Logger, *bytes.Buffer) {
	var out bytes.Buffer
	enc := zapcore.NewJSONEncoder(zapcore.EncoderConfig{LevelKey: "level", EncodeLevel: zapcore.LowercaseLevelEncoder, MessageKey: "msg"})
	return zap.New(zapcore.NewCore(enc, zapcore.AddSync(&out), level)), &out
}

func traffic(h http.Handler) {
	for _, c := range []struct{ method, url string }{
		{"GET", "/users/7?token=secret"}, {"HEAD", "/users/7"}, {"POST", "/orders"}, {"GET", "/nowhere"}, {"GET", "/panic"}, {"GET", "/abort"},
		{"GET", "/health/ready"}, {"BREW" + strings.Repeat("!", 40), "/" + strings.Repeat("ä", 600)},
	} {
		r := httptest.NewRequest(http.MethodGet, c.url, nil)
		r.Method = c.method
		r.RemoteAddr = "10.0.0.1:5555"
		r.Header.Set("X-Request-Id", "id-1")
		r.Header.Set("Traceparent", parent)
		r.Header.Set("X-Forwarded-For", "192.0.2.7")
		func() {
			defer func() { _ = recover() }()
			h.ServeHTTP(httptest.NewRecorder(), r)
		}()
	}
}

func TestAccessLog(t *testing.T) {
	c := newClock()
	log, out := logger(zapcore.DebugLevel)
	m := httpmetrics.New(prometheus.NewRegistry(), httpmetrics.WithClock(c.Now), httpmetrics.WithAccessLog(log),
		httpmetrics.WithTrustedProxies(netip.MustParsePrefix("10.0.0.0/8")))
	traffic(m.Wrap(shop(c)))
	golden(t, "access.log", out.String())
}

// The middleware alone, around or inside the metrics, writes the same lines but for the duration.
func TestAccessLogAlone(t *testing.T) {
	c := newClock()
	log, out := logger(zapcore.InfoLevel)
	around := httpmetrics.New(prometheus.NewRegistry()).Wrap(shop(c))
	traffic(httpmetrics.WithRequestID(httpmetrics.AccessLog(log)(around)))
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(lines) != 8 || !strings.Contains(lines[0], `"route":"/users/{id}"`) || !strings.Contains(lines[0], `"client_ip":"10.0.0.1"`) ||
		!strings.Contains(lines[4], `"status":500`) || !strings.Contains(lines[4], `"panicked":true`) {
		t.Errorf("got:\n%s", out)
	}
}

func TestQuietProbes(t *testing.T) {
	log, out := logger(zapcore.InfoLevel)
	h := httpmetrics.AccessLog(log)(http.HandlerFunc(answer))
	for _, path := range []string{"/health", "/health/live", "/metrics", "/healthy"} {
		ask(h, http.MethodGet, path)
	}
	if got := out.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, `"path":"/healthy"`) {
		t.Errorf("want one line, for /healthy, got:\n%s", got)
	}
}

func TestAccessLogMeasuresTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, out := logger(zapcore.InfoLevel)
		ask(httpmetrics.AccessLog(log)(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(1500 * time.Microsecond) })), http.MethodGet, "/")
		if got := out.String(); !strings.Contains(got, `"duration_ms":1.5,`) {
			t.Errorf("got %s", got)
		}
	})
}
