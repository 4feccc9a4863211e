package httpmetrics

import (
	"net/http"

	"github.com/gorilla/mux"
)

// templateOf names a route: by its path template, else by its name.
func templateOf(route *mux.Route) string {
	if route == nil {
		return ""
	}
	if template, err := route.GetPathTemplate(); err == nil && template != "" {
		return template
	}
	if name := route.GetName(); name != "" {
		return name
	}
	return "unnamed"
}

// matchedRoute asks the router again, for requests that a middleware answered before
// Label ran. It is off the hot path.
func matchedRoute(router *mux.Router, r *http.Request) string {
	var match mux.RouteMatch
	if !router.Match(r, &match) || match.MatchErr != nil {
		return Unmatched
	}
	if name := templateOf(match.Route); name != "" {
		return name
	}
	return Unmatched
}

// methodOther is the index of every method that is not in methods.
const methodOther = 9

var methods = [...]string{"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "OTHER"}

// methodIndex folds a method into the fixed set. Methods are case-sensitive.
func methodIndex(method string) int {
	switch method {
	case "GET", "":
		return 0
	case "HEAD":
		return 1
	case "POST":
		return 2
	case "PUT":
		return 3
	case "DELETE":
		return 4
	case "CONNECT":
		return 5
	case "OPTIONS":
		return 6
	case "TRACE":
		return 7
	case "PATCH":
		return 8
	}
	return methodOther
}
