package main

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gorilla/mux"
	"go.uber.org/zap"

	"github.com/upkeephq/upkeep/services/kit/httpmetrics"
)

// problem is the body of every error.
type problem struct {
	Error     string `json:"error"`
	Message   string `json:"message"`
	RequestID string `json:"request_id,omitempty"`
}

func writeProblem(w http.ResponseWriter, r *http.Request, code int, word, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(problem{word, message, httpmetrics.RequestID(r.Context())})
}

func notFound(w http.ResponseWriter, r *http.Request) {
	writeProblem(w, r, http.StatusNotFound, "not_found", "there is nothing here")
}

// methodNotAllowed tells which methods a path has by asking the router.
func methodNotAllowed(router *mux.Router) http.Handler {
	all := []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut,
		http.MethodPatch, http.MethodDelete, http.MethodOptions,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var allowed []string
		for _, method := range all {
			question := *r
			question.Method = method
			var match mux.RouteMatch
			if router.Match(&question, &match) && match.MatchErr == nil {
				allowed = append(allowed, method)
			}
		}
		list := strings.Join(allowed, ", ")
		w.Header().Set("Allow", list)
		writeProblem(w, r, http.StatusMethodNotAllowed, "method_not_allowed", "use "+list)
	})
}

// contain turns a panic of a handler into a 500 and a line in the log. A panic
// after the answer has begun can only cut it short, as net/http does.
func contain(log *zap.Logger) mux.MiddlewareFunc {
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer func() {
				p := recover()
				if p == nil {
					return
				}
				if p == http.ErrAbortHandler {
					panic(p)
				}
				log.Error("a handler panicked", zap.Any("panic", p), zap.Stack("stack"),
					zap.String("request_id", httpmetrics.RequestID(r.Context())))
				if httpmetrics.Begun(w) {
					panic(http.ErrAbortHandler)
				}
				writeProblem(w, r, http.StatusInternalServerError, "internal", "this went wrong; the request id leads to it in the log")
			}()
			next.ServeHTTP(w, r)
		})
	}
}
