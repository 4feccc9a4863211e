package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"os/signal"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"

	"github.com/upkeephq/upkeep/services/kit/build"
	"github.com/upkeephq/upkeep/services/kit/config"
	"github.com/upkeephq/upkeep/services/kit/logging"
	"github.com/upkeephq/upkeep/services/kit/serve"
	"github.com/upkeephq/upkeep/services/watchdog/internal/control"
	"github.com/upkeephq/upkeep/services/watchdog/internal/docker"
	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// watch is the watchdog itself: it wires the parts together and ends them in order.
func watch(ctx context.Context, s settings, info build.Info, stdout io.Writer) error {
	logs, err := logging.New(logging.Config{Service: "watchdog", Version: info.Version, Level: s.LogLevel, JSON: s.JSONLogs, Stdout: stdout})
	if err != nil {
		return fmt.Errorf("open the logs: %w", err)
	}
	defer logs.Close()
	j, err := journal.Open(s.LogDir, time.Now)
	if err != nil {
		return fmt.Errorf("open the journal: %w", err)
	}
	defer j.Close()
	reg := prometheus.NewRegistry()
	l, drv, err := assemble(s, info, j, reg, logs.Logger)
	if err != nil {
		return err
	}
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		docker.NewCollector(drv))
	reg.MustRegister(logs.Collectors()...)
	if s.ReceiversFile != "" {
		reg.MustRegister(control.Receivers(s.ReceiversFile))
	}

	public, err := serve.Listen(s.Listen)
	if err != nil {
		return fmt.Errorf("listen on WATCHDOG_LISTEN=%s: %w", s.Listen, err)
	}
	defer public.Close()
	private, err := control.Listen(j.Dir().Socket())
	if err != nil {
		return err
	}
	defer private.Close()
	reopenOnHangup(ctx, j, logs)

	l.write(journal.Entry{Type: journal.TypeStarting, Detail: info.String()})
	for _, w := range j.Warnings() {
		l.write(journal.Entry{Type: journal.TypeRepaired, Level: journal.LevelWarn, Detail: w})
	}
	logs.Logger.Info("watching", zap.String("docker", s.DockerHost), zap.Stringer("address", public.Addr()), zap.String("log_dir", s.LogDir))

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 3)
	go func() { defer stop(); ended <- l.run(ctx) }()
	pages := control.New(control.Options{
		Gatherer: reg, Status: l.status.get, Incidents: j.Incidents, Incident: j.Incident,
		Heartbeat: func() time.Time { return l.status.get().HeartbeatAt }, StaleAfter: staleAfter, Synced: l.synced.Load, Version: info.Version,
	})
	errorLog := zap.NewStdLog(logs.Logger)
	for _, side := range []serve.Options{
		{Listeners: []net.Listener{public}, Handler: pages, ErrorLog: errorLog, ShutdownTimeout: 5 * time.Second},
		{Listeners: []net.Listener{private}, Handler: control.Commands(l.do), ErrorLog: errorLog, ShutdownTimeout: 5 * time.Second},
	} {
		go func() { defer stop(); ended <- serve.Run(ctx, side) }()
	}
	err = errors.Join(<-ended, <-ended, <-ended)
	l.status.close()
	l.write(journal.Entry{Type: journal.TypeStopping, Detail: "no container is stopped"})
	logs.Logger.Info("stopped")
	return errors.Join(err, l.recorder.Close())
}

// assemble makes the loop with everything that it needs, and tells the core what the ledger knows.
func assemble(s settings, info build.Info, j *journal.Journal, reg prometheus.Registerer, log *zap.Logger) (*loop, *docker.Driver, error) {
	recorder, err := journal.NewRecorder(j, info.Version)
	if err != nil {
		return nil, nil, err
	}
	var since time.Time // when the watchdog last lived: stops since then are asked for
	if last, err := j.Dir().Status(); err == nil {
		since = last.HeartbeatAt
	}
	drv, err := docker.New(docker.Options{
		Host: s.DockerHost, Defaults: s.policy(), Self: docker.Self(), Resync: min(s.Interval.Std(), 30*time.Second), Since: since,
		Log: slog.New(zapslog.NewHandler(log.Core())),
	})
	if err != nil {
		return nil, nil, fmt.Errorf("DOCKER_HOST=%s: %w", s.DockerHost, err)
	}
	opts := supervise.DefaultOptions()
	opts.Jitter = func(d time.Duration) time.Duration { return rand.N(d/5 + 1) } //nolint:gosec // jitter is no secret
	l := &loop{
		core: supervise.New(opts), driver: drv, journal: j, recorder: recorder, log: log, now: time.Now,
		metrics: control.NewMetrics(reg, info.Version, info.Revision, time.Now),
		words:   make(chan word, 64), notices: make(chan observe.Notice, 64),
		timers: map[string]*time.Timer{}, targets: map[string]*shown{},
	}
	reg.MustRegister(l.metrics.Incidents(recorder.Brief))
	l.dryRun, l.pinger = s.DryRun, newPinger(s.PingURL, s.Interval.Std(), log)
	l.status = newBoard(j.WriteStatus, func(err error) { l.fail("write the status file", err) })
	l.status.latest.Store(&journal.Status{Version: info.Version, StartedAt: time.Now(), HeartbeatAt: time.Now()})
	for target, h := range j.Histories() {
		l.core.Restore(target, h)
	}
	return l, drv, nil
}

// reopenOnHangup opens the event log anew on SIGHUP, after logrotate.
func reopenOnHangup(ctx context.Context, j *journal.Journal, logs *logging.Logs) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	go func() {
		defer signal.Stop(hangup)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangup:
				if err := j.Reopen(); err != nil {
					logs.Logger.Error("cannot reopen the event log", zap.Error(err))
				}
			}
		}
	}()
}

// listVariables prints every variable of the environment, its default and what is allowed.
func listVariables(stdout io.Writer) error {
	w := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "VARIABLE\tDEFAULT\tALLOWED")
	for _, v := range config.Variables[settings]() {
		fmt.Fprintf(w, "%s\t%s\t%s\n", v.Name, v.Default, v.Allowed)
	}
	return w.Flush()
}
