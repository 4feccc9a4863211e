package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"

	"github.com/upkeephq/upkeep/services/api/internal/fault"
	"github.com/upkeephq/upkeep/services/api/internal/routes"
	"github.com/upkeephq/upkeep/services/api/internal/settings"
	"github.com/upkeephq/upkeep/services/kit/build"
	"github.com/upkeephq/upkeep/services/kit/health"
	"github.com/upkeephq/upkeep/services/kit/health/healthmetrics"
	"github.com/upkeephq/upkeep/services/kit/hostinfo"
	"github.com/upkeephq/upkeep/services/kit/httpmetrics"
	"github.com/upkeephq/upkeep/services/kit/logging"
)

// app is the service without its listener.
type app struct {
	checker *health.Checker
	beat    *health.Heartbeat
	handler http.Handler
}

// newApp puts the parts together.
func newApp(config settings.Settings, program build.Info, logs *logging.Logs, host *hostinfo.Sampler) (*app, error) {
	a := &app{
		beat: health.NewHeartbeat(pulseLimit),
		checker: health.New(health.Options{
			Service: service, Version: program.Version, Revision: program.Revision, OnChange: logChange(logs.Logger),
		}),
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(program.Collector(), hostinfo.NewCollector(host),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	registry.MustRegister(logs.Collectors()...)
	requests := httpmetrics.New(registry, httpmetrics.WithAccessLog(logs.Access))

	checks := append(standardChecks(config, host, requests, a.beat), routes.Checks()...)
	if err := a.checker.Add(checks...); err != nil {
		return nil, err
	}
	if err := healthmetrics.Register(registry, a.checker); err != nil {
		return nil, fmt.Errorf("health metrics: %w", err)
	}

	router := mux.NewRouter()
	router.NotFoundHandler = http.HandlerFunc(notFound)
	router.MethodNotAllowedHandler = methodNotAllowed(router)
	router.Use(requests.Label, contain(logs.Logger))
	pages := health.NewPages(a.checker, health.PageOptions{
		Token: config.HealthToken.Reveal(), Sections: detailedSections(host, requests), Metrics: metricsSections(host, requests),
	})
	pages.Mount(func(path string, page http.Handler) { router.Handle(path, page) })
	exposition := promhttp.HandlerFor(registry, promhttp.HandlerOpts{
		EnableOpenMetrics: true, Registry: registry, ErrorHandling: promhttp.ContinueOnError,
		ErrorLog: zap.NewStdLog(logs.Logger), MaxRequestsInFlight: 4, Timeout: 9 * time.Second,
	})
	shown := exposition
	if config.MetricsUpstream != "" {
		shown = upstreamMetrics(config.MetricsUpstream, logs.Logger)
	}
	router.Handle("/metrics", metrics(exposition, health.RequireToken(config.MetricsToken.Reveal(), shown))).
		Methods(http.MethodGet, http.MethodHead)

	own := router.NewRoute().Subrouter()
	if !config.FaultInjection {
		routes.Register(own)
		a.handler = requests.Wrap(router)
		return a, nil
	}
	faults := fault.New(os.Exit, rand.Float64)
	router.HandleFunc("/debug/fault/{name}", func(w http.ResponseWriter, r *http.Request) {
		faults.ServeHTTP(w, r, mux.Vars(r)["name"])
	})
	own.Use(faults.Middleware)
	routes.Register(own)
	a.handler = faults.Gate(requests.Wrap(router))
	return a, nil
}

// pulseEvery and pulseLimit: the process beats every second, and one that has
// not for a minute gets nothing done any more.
const (
	pulseEvery = time.Second
	pulseLimit = time.Minute
)

// pulse is the canary of liveness: a loop as any worker of the service has one.
func (a *app) pulse(ctx context.Context) error {
	ticker := time.NewTicker(pulseEvery)
	defer ticker.Stop()
	for {
		a.beat.Beat()
		select {
		case <-ctx.Done():
			a.beat.Stop()
			return nil
		case <-ticker.C:
		}
	}
}
