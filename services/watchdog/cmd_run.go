package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"

	"github.com/upkeephq/upkeep/services/kit/build"
	"github.com/upkeephq/upkeep/services/kit/logging"
	"github.com/upkeephq/upkeep/services/kit/serve"
	"github.com/upkeephq/upkeep/services/watchdog/internal/control"
	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
	"github.com/upkeephq/upkeep/services/watchdog/internal/process"
)

// runProcesses is watchdog run: the targets are child processes.
func runProcesses(ctx context.Context, s settings, r runSettings, environ []string, info build.Info, stdout, stderr io.Writer) error {
	return watch(ctx, s, info, stdout, func(j *journal.Journal, logs *logging.Logs) (kind, error) {
		return processes(ctx, s, r, environ, j, logs, stdout, stderr)
	})
}

// processes is the kind of targets that are our own child processes. The public socket is bound before anything starts.
func processes(ctx context.Context, s settings, r runSettings, environ []string, j *journal.Journal, logs *logging.Logs, stdout, stderr io.Writer) (kind, error) {
	opts := process.Options{
		Name: r.Name, Workers: r.Workers, Command: r.command, Environ: environ, PortEnv: r.PortEnv, Port: int(r.Port),
		Probe: r.probe(), Policy: r.policy(s.policy()), MaxMemory: r.MaxMemory.Bytes(),
		Stdout: stdout, Stderr: stderr, Log: slog.New(zapslog.NewHandler(logs.Logger.Core())),
	}
	address := fmt.Sprintf("bound by the program, port %d", r.Port)
	if r.PortEnv == "" {
		public, err := serve.Listen(r.address())
		if err != nil {
			return kind{}, fmt.Errorf("PORT=%d: %w", r.Port, err)
		}
		address, opts.Listener = public.Addr().String(), public
		if tcp, ok := public.Addr().(*net.TCPAddr); ok {
			opts.Port = tcp.Port
		}
		if opts.RunDir, err = filepath.Abs(j.Dir().Run()); err != nil {
			return kind{}, err
		}
	}
	var upstream string
	if opts.RunDir != "" && r.Metrics != "none" {
		upstream = filepath.Join(opts.RunDir, "metrics.sock")
		opts.Upstream = "unix:" + upstream
	}
	drv, err := process.New(opts)
	if err != nil {
		return kind{}, err
	}
	k := kind{
		driver: drv, local: true, collectors: []prometheus.Collector{process.NewCollector(drv)},
		watching: zap.String("command", strings.Join(r.command, " ")), farewell: "the workers have been stopped",
		reload: func(ctx context.Context, l *loop) { l.calls.Go(func() { l.reload(ctx, drv) }) }, // its end is waited for before the journal is closed
	}
	if r.Metrics != "none" {
		k.gather = func(own prometheus.Gatherer) prometheus.Gatherer { return drv.Merge(own, r.Metrics) }
	}
	if upstream != "" {
		if k.metrics, err = control.Listen(upstream); err != nil {
			return kind{}, err
		}
	}
	forwardSignals(ctx, drv)
	logs.Logger.Info("workers", zap.Int("workers", r.Workers), zap.String("name", r.Name), zap.String("address", address))
	return k, nil
}

// reload replaces the workers one by one, and tells how that went.
func (l *loop) reload(ctx context.Context, drv *process.Driver) {
	l.write(journal.Entry{Type: journal.TypeCommand, Detail: "reload"})
	replaced, err := drv.Reload(ctx)
	if err != nil {
		l.write(journal.Entry{Type: journal.TypeRestartFailed, Level: journal.LevelError, Detail: "reload: " + err.Error()})
		l.log.Error("the reload has ended early", zap.Strings("replaced", replaced), zap.Error(err))
		return
	}
	l.log.Info("reloaded", zap.Strings("replaced", replaced))
}

// forwardSignals hands the signals that only a program knows the meaning of to the workers.
func forwardSignals(ctx context.Context, drv *process.Driver) {
	if len(process.Forwarded) == 0 {
		return
	}
	received := make(chan os.Signal, 4)
	signal.Notify(received, process.Forwarded...)
	go func() {
		defer signal.Stop(received)
		for {
			select {
			case <-ctx.Done():
				return
			case sig := <-received:
				drv.Signal(sig)
			}
		}
	}()
}
