package control_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/upkeephq/upkeep/services/watchdog/internal/control"
	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
)

// The read-only side needs functions that say how things stand, and nothing else of the watchdog.
func Example() {
	reg := prometheus.NewRegistry()
	metrics := control.NewMetrics(reg, "1.0.0", "abc", time.Now)
	metrics.Add("shop-api-1")

	site := control.New(control.Options{
		Gatherer:  reg,
		Status:    func() journal.Status { return journal.Status{Docker: journal.Docker{Connected: true}} },
		Incidents: func() []journal.Summary { return nil },
		Incident:  func(string) (journal.Incident, error) { return journal.Incident{}, journal.ErrNoIncident },
		Heartbeat: time.Now,
		Synced:    func() bool { return true },
	})
	for _, path := range []string{"/health/live", "/incidents/20261123", "/nowhere"} {
		w := httptest.NewRecorder()
		site.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		fmt.Println(path, w.Code)
	}
	// Output:
	// /health/live 200
	// /incidents/20261123 404
	// /nowhere 404
}
