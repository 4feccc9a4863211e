package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/upkeephq/upkeep/services/guard/internal/engine"
	"github.com/upkeephq/upkeep/services/guard/internal/proxy"
)

const (
	pingInterval = 3 * time.Second
	maxRefusals  = 10 // half a minute without an engine behind the socket, then the guard ends to be mounted anew
	drainTime    = 1500 * time.Millisecond
)

// serve runs the guard until ctx ends or the socket turns out to be dead.
func serve(ctx context.Context, conf config, stdout io.Writer) error {
	log := newLogger(stdout, conf.level)
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", conf.address)
	if err != nil {
		return fmt.Errorf("listen on GUARD_ADDRESS=%s: %w", conf.address, err)
	}
	log.Info("guarding", "socket", conf.socket, "address", listener.Addr().String(), "version", buildVersion())
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)

	docker := engine.New(conf.socket)
	defer docker.Close()
	monitor := &engine.Monitor{Ping: docker.Ping, Interval: pingInterval, Limit: maxRefusals, Log: log}
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		if err := monitor.Run(ctx); err != nil {
			cancel(err)
		}
	}()
	server := proxy.New(proxy.Options{Engine: docker, Healthy: monitor.Err, Closing: ctx, Log: log}).Server()
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	select {
	case err := <-served:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	err = stop(server)
	<-watched
	log.Info("ended")
	if cause := context.Cause(ctx); errors.Is(cause, engine.ErrStale) {
		return errors.Join(cause, err)
	}
	return err
}

// stop lets short requests finish; the streams have been closed by the end of the context already.
func stop(server *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return server.Close() // a restart that is under way goes on in the engine
	}
	return err
}

// healthcheck asks the guard that runs in this container.
func healthcheck(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+"/health/ready", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if resp.StatusCode != http.StatusOK {
		return errors.Join(fmt.Errorf("not ready: %s: %s", resp.Status, strings.TrimSpace(string(body))), err)
	}
	return err
}

// newLogger writes one JSON object a line.
func newLogger(w io.Writer, level slog.Level) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		switch a.Key {
		case slog.TimeKey:
			a.Key = "ts"
		case slog.LevelKey:
			a.Value = slog.StringValue(strings.ToLower(a.Value.String()))
		}
		return a
	}})).With("service", "guard")
}
