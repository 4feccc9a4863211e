package httpmetrics

import "net/http"

// Begun reports whether the answer that goes through w has begun, as far as the
// metrics around it know: a middleware that contains panics asks, since a 500 can
// only be sent before.
func Begun(w http.ResponseWriter) bool {
	rec := recorderOf(w)
	return rec != nil && (rec.code != 0 || rec.hijacked)
}
