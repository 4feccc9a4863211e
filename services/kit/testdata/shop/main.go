// Command shop is a backend that can be watched.
package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/upkeephq/upkeep/services/kit/health"
	"github.com/upkeephq/upkeep/services/kit/httpmetrics"
	"github.com/upkeephq/upkeep/services/kit/logging"
	"github.com/upkeephq/upkeep/services/kit/serve"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "shop:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	logs, err := logging.New(logging.Config{Service: "shop", JSON: true, Dir: os.Getenv("LOG_DIR")})
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(append(logs.Collectors(), collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))...)
	requests := httpmetrics.New(registry, httpmetrics.WithAccessLog(logs.Access))

	checker := health.New(health.Options{Service: "shop"})
	err = checker.Add(health.Check{Name: "database", Run: health.TCP("db:5432"), Soft: true})
	if err != nil {
		return err
	}
	go checker.Run(ctx)

	router := mux.NewRouter()
	router.HandleFunc("/orders/{id}", order) // your routes
	health.NewPages(checker, health.PageOptions{}).Mount(func(path string, page http.Handler) { router.Handle(path, page) })
	router.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true}))

	listener, err := serve.Listen(":" + os.Getenv("PORT"))
	if err != nil {
		return err
	}
	logs.Logger.Info("listening on " + listener.Addr().String())
	return serve.Run(ctx, serve.Options{
		Listeners:   []net.Listener{listener},
		Handler:     requests.Wrap(router),
		BeforeDrain: checker.Drain, // /health/ready turns 503, then requests in flight finish
		DrainDelay:  time.Second,
		Teardown:    []serve.Step{{Name: "logs", Func: func(context.Context) error { return logs.Close() }}},
	})
}

func order(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "order %s, request %s\n", mux.Vars(r)["id"], httpmetrics.RequestID(r.Context()))
}
