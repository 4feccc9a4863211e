package httpmetrics

import (
	"net/http"
	"net/netip"
	"strings"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Clients choose paths and methods: longer ones are cut in the log.
const (
	maxPath   = 512
	maxMethod = 32
)

// accessLog writes the lines.
type accessLog struct {
	log     *zap.Logger
	trusted []netip.Prefix
}

// AccessLog writes one line a request: at ERROR for 500 and more, at DEBUG for probes and
// scrapes (paths below /health, and /metrics) that went well, else at INFO. Queries are left out,
// since they carry secrets. Metrics made WithAccessLog do the same in one pass. Proxies in trusted
// are believed about the client's address; see ClientIP.
func AccessLog(l *zap.Logger, trusted ...netip.Prefix) func(http.Handler) http.Handler {
	a := accessLog{l, trusted}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec, wrapped, owned := acquire(w)
			start, returned := time.Now(), false
			defer func() {
				if !returned {
					rec.fell = true
					if v := recover(); v != nil {
						rec.panicked = v != http.ErrAbortHandler
						defer panic(v)
					}
				}
				a.write(rec, r, rec.status(), time.Since(start))
				if owned {
					rec.release()
				}
			}()
			next.ServeHTTP(wrapped, r)
			returned = true
		})
	}
}

func (a accessLog) write(rec *recorder, r *http.Request, code int, took time.Duration) {
	level := zapcore.InfoLevel
	switch {
	case code >= 500:
		level = zapcore.ErrorLevel
	case code < 400 && isProbe(r.URL.Path):
		level = zapcore.DebugLevel
	}
	entry := a.log.Check(level, "request")
	if entry == nil {
		return
	}
	route := rec.route
	if route == "" {
		route = Unmatched
	}
	fields := make([]zap.Field, 0, 10)
	fields = append(fields,
		zap.String("method", cut(r.Method, maxMethod)),
		zap.String("route", route),
		zap.String("path", cut(r.URL.Path, maxPath)),
		zap.Int("status", code),
		zap.Int64("bytes", rec.size(r)),
		zap.Float64("duration_ms", float64(took.Microseconds())/1000),
		zap.String("client_ip", ClientIP(r, a.trusted...)),
		zap.String("request_id", RequestID(r.Context())),
	)
	if trace := TraceParent(r.Context()); trace.Valid() {
		fields = append(fields, zap.String("trace_id", trace.TraceID))
	}
	if rec.panicked {
		fields = append(fields, zap.Bool("panicked", true))
	}
	entry.Write(fields...)
}

func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	return strings.ToValidUTF8(s[:limit], "") + "…"
}

func isProbe(path string) bool {
	return path == "/metrics" || path == "/health" || strings.HasPrefix(path, "/health/")
}
