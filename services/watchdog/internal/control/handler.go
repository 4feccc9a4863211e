package control

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
)

// Options is what New shows. All functions must be safe to call from several goroutines.
type Options struct {
	Gatherer   prometheus.Gatherer
	Status     func() journal.Status
	Incidents  func() []journal.Summary                   // newest first
	Incident   func(ref string) (journal.Incident, error) // by id or its beginning
	Heartbeat  func() time.Time                           // when the loop last went round
	StaleAfter time.Duration                              // a heartbeat older than this means that the loop hangs (30 s)
	Synced     func() bool                                // the engine has been listed once, so that the targets are known
	Processes  bool                                       // the targets are processes: there is no engine
	Version    string
	Now        func() time.Time // time.Now
}

// New serves what is to be seen, and nothing that changes anything.
func New(o Options) http.Handler {
	if o.StaleAfter <= 0 {
		o.StaleAfter = 30 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &site{o}
	r := mux.NewRouter().SkipClean(true).UseEncodedPath() // no redirects: a path is right or it is not
	get := func(path string, h http.Handler) { r.Handle(path, h).Methods(http.MethodGet, http.MethodHead) }
	get("/", http.HandlerFunc(s.home))
	get("/metrics", noStore(promhttp.HandlerFor(o.Gatherer, promhttp.HandlerOpts{EnableOpenMetrics: true, ErrorHandling: promhttp.ContinueOnError})))
	get("/status", http.HandlerFunc(s.status))
	get("/incidents", http.HandlerFunc(s.incidents))
	get("/incidents/{id}", http.HandlerFunc(s.incident))
	get("/health", http.HandlerFunc(s.health))
	get("/health/live", http.HandlerFunc(s.live))
	get("/health/ready", http.HandlerFunc(s.ready))
	get("/health/detailed", http.HandlerFunc(s.detailed))
	refuse(r)
	return r
}

type site struct{ Options }

func noStore(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

func (s *site) status(w http.ResponseWriter, r *http.Request) {
	data, err := s.Status().Encode()
	if err != nil {
		writeError(w, r, http.StatusInternalServerError, err.Error())
		return
	}
	write(w, r, http.StatusOK, "application/json", data)
}

func (s *site) incidents(w http.ResponseWriter, r *http.Request) {
	all := s.Incidents()
	if target := r.URL.Query().Get("target"); target != "" {
		of := []journal.Summary{}
		for _, in := range all {
			if in.Target == target {
				of = append(of, in)
			}
		}
		all = of
	}
	if wantsHTML(r) {
		s.render(w, r, http.StatusOK, "incidents", s.listPage(all))
		return
	}
	writeJSON(w, r, http.StatusOK, map[string]any{"incidents": append([]journal.Summary{}, all...)})
}

func (s *site) incident(w http.ResponseWriter, r *http.Request) {
	in, err := s.Incident(mux.Vars(r)["id"])
	if err != nil {
		code := http.StatusInternalServerError
		switch {
		case errors.Is(err, journal.ErrNoIncident):
			code = http.StatusNotFound
		case errors.Is(err, journal.ErrBadIncidentRef), errors.Is(err, journal.ErrManyIncidents):
			code = http.StatusBadRequest
		}
		writeError(w, r, code, err.Error())
		return
	}
	w.Header().Set("Vary", "Accept")
	if wantsHTML(r) {
		s.render(w, r, http.StatusOK, "incident", s.incidentPage(in))
		return
	}
	writeJSON(w, r, http.StatusOK, in)
}

// wantsHTML reports whether a browser asks: it names text/html, what programs do not.
func wantsHTML(r *http.Request) bool {
	return strings.Contains(strings.Join(r.Header.Values("Accept"), ","), "text/html")
}
