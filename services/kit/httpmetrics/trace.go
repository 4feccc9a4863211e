package httpmetrics

import "errors"

// Trace is a W3C trace context: what a traceparent header says.
type Trace struct {
	TraceID string // 32 lower-case hexadecimal digits
	SpanID  string // 16, the caller's span
	Sampled bool
}

// Valid reports whether there is a trace at all.
func (t Trace) Valid() bool { return t.TraceID != "" }

// String is the header value for a further call, "" when there is no trace.
func (t Trace) String() string {
	if !t.Valid() {
		return ""
	}
	flags := "00"
	if t.Sampled {
		flags = "01"
	}
	return "00-" + t.TraceID + "-" + t.SpanID + "-" + flags
}

var errTraceParent = errors.New("traceparent: want 00-<32 hex digits>-<16 hex digits>-<2 hex digits>, in lower case and not all zero")

// ParseTraceParent reads a traceparent header. As the standard asks, later versions may be longer than
// version 00, and version ff is refused.
func ParseTraceParent(s string) (Trace, error) {
	const size = 55
	if len(s) < size || s[2] != '-' || s[35] != '-' || s[52] != '-' {
		return Trace{}, errTraceParent
	}
	version, trace, span, flags := s[:2], s[3:35], s[36:52], s[53:size]
	if !hexDigits(version) || !hexDigits(trace) || !hexDigits(span) || !hexDigits(flags) || version == "ff" {
		return Trace{}, errTraceParent
	}
	if len(s) > size && (version == "00" || s[size] != '-') {
		return Trace{}, errTraceParent
	}
	if zeros(trace) || zeros(span) {
		return Trace{}, errTraceParent
	}
	last := flags[1]
	if last >= 'a' {
		last -= 'a' - 10
	}
	return Trace{TraceID: trace, SpanID: span, Sampled: last&1 == 1}, nil
}

func hexDigits(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

func zeros(s string) bool {
	for i := range len(s) {
		if s[i] != '0' {
			return false
		}
	}
	return true
}
