package httpmetrics

import (
	"net"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// AccessLog writes one line a request: at ERROR for 500 and more, at DEBUG for probes and
// scrapes (paths below /health, and /metrics) that went well, else at INFO. Queries are left out,
// since they carry secrets. Metrics made WithAccessLog do the same in one pass.
func AccessLog(l *zap.Logger) func(http.Handler) http.Handler {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec, wrapped, owned := acquire(w)
			start, returned := time.Now(), false
			defer func() {
				if !returned {
					v := recover()
					rec.panicked = v != nil && v != http.ErrAbortHandler
					if v != nil {
						defer panic(v)
					}
				}
				logAccess(l, rec, r, rec.status(), time.Since(start))
				if owned && returned {
					rec.release()
				}
			}()
			next.ServeHTTP(wrapped, r)
			returned = true
		})
	}
}

func logAccess(l *zap.Logger, rec *recorder, r *http.Request, code int, took time.Duration) {
	level := zapcore.InfoLevel
	switch {
	case code >= 500:
		level = zapcore.ErrorLevel
	case code < 400 && isProbe(r.URL.Path):
		level = zapcore.DebugLevel
	}
	entry := l.Check(level, "request")
	if entry == nil {
		return
	}
	route := rec.route
	if route == "" {
		route = Unmatched
	}
	fields := make([]zap.Field, 0, 10)
	fields = append(fields,
		zap.String("method", r.Method),
		zap.String("route", route),
		zap.String("path", r.URL.Path),
		zap.Int("status", code),
		zap.Int64("bytes", rec.bytes),
		zap.Float64("duration_ms", float64(took.Microseconds())/1000),
		zap.String("client_ip", clientIP(r.RemoteAddr)),
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

func isProbe(path string) bool {
	return path == "/metrics" || path == "/health" || strings.HasPrefix(path, "/health/")
}

func clientIP(remote string) string {
	if host, _, err := net.SplitHostPort(remote); err == nil {
		return host
	}
	return remote
}
