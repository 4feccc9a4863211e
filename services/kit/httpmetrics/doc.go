// Package httpmetrics measures the requests of a gorilla/mux router, cheaply and
// without a label that a client could fill with nonsense.
//
// New registers the metrics, Wrap puts them around a router:
//
//	http_requests_total{method,route,code}
//	http_request_duration_seconds{method,route,code}  classic and native histogram
//	http_response_size_bytes{method,route,code}
//	http_requests_in_flight
//
// route is the template of the route ("/users/{id}"), never the path. Requests that no route
// takes (404, 405, redirects of unclean paths) count as route "unmatched", method "OTHER", so that
// a scanner adds no series. Methods outside RFC 9110 and PATCH count as "OTHER" too. A handler that panics
// counts as 500.
//
// Each request has an id (X-Request-Id, accepted if well-formed, else made, and returned)
// and carries its W3C traceparent; see RequestID and TraceParent. The latency histogram has the id
// as exemplar. Stats gives totals and error rates over 1, 5 and 15 minutes.
//
// Response writers are pooled: as net/http demands, a handler must not use its
// ResponseWriter after it returned.
package httpmetrics
