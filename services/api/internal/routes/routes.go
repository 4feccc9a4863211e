// Package routes is the place for the service's own routes. What is here is a
// greeting; put your own beside it or instead of it.
package routes

import (
	"encoding/json"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/upkeephq/upkeep/services/kit/health"
)

// Register adds the routes to the router. Request metrics, the access log,
// request ids and JSON errors for unknown paths are there already.
func Register(r *mux.Router) {
	r.HandleFunc("/", index).Methods(http.MethodGet, http.MethodHead)
	r.HandleFunc("/api/hello/{name}", hello).Methods(http.MethodGet, http.MethodHead)
}

// Checks are the dependencies of the routes, such as
//
//	health.Check{Name: "database", Run: health.Ping(db)}
func Checks() []health.Check { return nil }

func index(w http.ResponseWriter, _ *http.Request) {
	reply(w, map[string]string{"message": "Hello from Upkeep", "health": "/health", "metrics": "/metrics"})
}

func hello(w http.ResponseWriter, r *http.Request) {
	reply(w, map[string]string{"message": "Hello, " + mux.Vars(r)["name"]})
}

func reply(w http.ResponseWriter, body any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(body) // the client may be gone, which is its own affair
}
