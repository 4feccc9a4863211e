package httpmetrics

import (
	"context"
	"crypto/rand"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
)

// RequestIDHeader carries the id of a request both ways.
const RequestIDHeader = "X-Request-Id"

// maxRequestID bounds ids that clients bring.
const maxRequestID = 64

// identity is what a request carries in its context.
type identity struct {
	context.Context
	id     string
	trace  Trace
	header [1]string // the returned header, without an allocation of its own
}

type identityKey struct{}

// Value implements context.Context.
func (i *identity) Value(key any) any {
	if key == (identityKey{}) {
		return i
	}
	return i.Context.Value(key)
}

// WithRequestID gives each request an id and its trace, for RequestID and TraceParent, and
// returns the id in X-Request-Id.
func WithRequestID(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i := &identity{Context: r.Context()}
		if given := r.Header[RequestIDHeader]; len(given) == 1 && ValidRequestID(given[0]) {
			i.id = given[0]
		} else {
			i.id = rand.Text()
		}
		if parent := r.Header["Traceparent"]; len(parent) == 1 {
			i.trace, _ = ParseTraceParent(parent[0])
		}
		i.header[0] = i.id
		w.Header()[RequestIDHeader] = i.header[:1:1]
		next.ServeHTTP(w, r.WithContext(i))
	})
}

func identityOf(ctx context.Context) *identity {
	i, _ := ctx.Value(identityKey{}).(*identity)
	return i
}

// RequestID returns the id of the request that ctx belongs to, or "".
func RequestID(ctx context.Context) string {
	if i := identityOf(ctx); i != nil {
		return i.id
	}
	return ""
}

// TraceParent returns the trace that the request belongs to; its zero value means none.
func TraceParent(ctx context.Context) Trace {
	if i := identityOf(ctx); i != nil {
		return i.trace
	}
	return Trace{}
}

// ValidRequestID reports whether an id that a client brings may be used: 1 to 64 letters,
// digits, and . _ - : only, so that it is safe in logs, headers and exemplars.
func ValidRequestID(id string) bool {
	if id == "" || len(id) > maxRequestID {
		return false
	}
	for i := range len(id) {
		c := id[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '.', c == '_', c == '-', c == ':':
		default:
			return false
		}
	}
	return true
}

// exemplar labels a request, or is nil when it has no id.
func exemplar(ctx context.Context) prometheus.Labels {
	i := identityOf(ctx)
	if i == nil {
		return nil
	}
	if i.trace.Valid() {
		return prometheus.Labels{"request_id": i.id, "trace_id": i.trace.TraceID}
	}
	return prometheus.Labels{"request_id": i.id}
}
