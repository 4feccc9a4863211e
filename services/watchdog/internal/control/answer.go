package control

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/gorilla/mux"
)

// errorBody is what every failed request gets.
type errorBody struct {
	Error   string `json:"error"`
	Message string `json:"message"`
}

func writeError(w http.ResponseWriter, r *http.Request, code int, message string) {
	word := strings.ReplaceAll(strings.ToLower(http.StatusText(code)), " ", "_")
	writeJSON(w, r, code, errorBody{Error: word, Message: message})
}

func writeJSON(w http.ResponseWriter, r *http.Request, code int, body any) {
	data, err := json.MarshalIndent(body, "", "  ")
	if err != nil {
		code, data = http.StatusInternalServerError, []byte(`{"error":"internal_server_error","message":"the answer cannot be shown as JSON"}`)
	}
	write(w, r, code, "application/json", append(data, '\n'))
}

func write(w http.ResponseWriter, r *http.Request, code int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // the client is gone: nobody to tell
	}
}

// refuse answers what no route takes: 404, or 405 with the methods that are allowed, as JSON.
func refuse(routes *mux.Router) {
	routes.NotFoundHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		writeError(w, r, http.StatusNotFound, "there is nothing at this path")
	})
	routes.MethodNotAllowedHandler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		allowed := allowedMethods(routes, r)
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		writeError(w, r, http.StatusMethodNotAllowed, "this path takes "+strings.Join(allowed, ", "))
	})
}

// allowedMethods are those with which the path of a request would be taken.
func allowedMethods(routes *mux.Router, r *http.Request) []string {
	var allowed []string
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		try := *r
		try.Method = method
		var match mux.RouteMatch
		if routes.Match(&try, &match) && match.MatchErr == nil {
			allowed = append(allowed, method)
		}
	}
	return slices.Compact(allowed)
}
