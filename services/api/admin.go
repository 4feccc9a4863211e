package main

import (
	"context"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/upkeephq/upkeep/services/api/internal/settings"
	"github.com/upkeephq/upkeep/services/kit/serve"
)

// adminKey marks requests that came by the admin socket.
type adminKey struct{}

// admin serves what the public address serves, to the watchdog that runs this process as one of several workers: over a
// socket that only it can reach, so that no token is asked for, and with this worker's own metrics.
func (a *app) admin(config settings.Settings) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(context.WithValue(r.Context(), adminKey{}, true))
		if token := config.HealthToken.Reveal(); token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		a.handler.ServeHTTP(w, r)
	})
}

// serveAdmin returns the loop that serves the admin socket. It goes on while requests finish elsewhere.
func serveAdmin(admin net.Listener, handler http.Handler, log *zap.Logger) func(context.Context) error {
	return func(ctx context.Context) error {
		err := serve.Run(ctx, serve.Options{
			Listeners: []net.Listener{admin}, Handler: handler, ErrorLog: zap.NewStdLog(log), ShutdownTimeout: time.Second,
		})
		if err != nil {
			log.Error("the admin socket is not served any more", zap.Error(err))
		}
		return nil
	}
}

// metrics chooses what /metrics shows: this process alone on its admin socket; else, where it is one of several workers,
// the page on which the watchdog has merged the metrics of all, since the next scrape may meet another worker.
func metrics(own, public http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Value(adminKey{}) != nil {
			own.ServeHTTP(w, r)
			return
		}
		public.ServeHTTP(w, r)
	})
}

// upstreamMetrics asks the watchdog, at unix:/PATH.
func upstreamMetrics(upstream string, log *zap.Logger) http.Handler {
	path := strings.TrimPrefix(upstream, "unix:")
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "watchdog"})
	proxy.Transport = &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "unix", path)
		},
		ResponseHeaderTimeout: 9 * time.Second, MaxIdleConns: 2, IdleConnTimeout: time.Minute, DisableCompression: true,
	}
	proxy.ErrorHandler = func(w http.ResponseWriter, r *http.Request, err error) {
		log.Error("the merged metrics cannot be had from the watchdog", zap.String("upstream", upstream), zap.Error(err))
		writeProblem(w, r, http.StatusBadGateway, "bad_gateway", "the watchdog does not answer")
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r = r.Clone(r.Context())
		r.Header.Del("Authorization") // the token is ours
		proxy.ServeHTTP(w, r)
	})
}
