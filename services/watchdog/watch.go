package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
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
	"github.com/upkeephq/upkeep/services/watchdog/internal/systemd"
)

// kind is what sets the two kinds of targets apart.
type kind struct {
	driver     driver
	local      bool // see loop
	collectors []prometheus.Collector
	gather     func(prometheus.Gatherer) prometheus.Gatherer // nil: only our own metrics are shown
	metrics    net.Listener                                  // where the workers find them, nil where nobody needs that
	reload     func(context.Context, *loop)                  // nil: SIGHUP only reopens the event log
	watching   zap.Field
	farewell   string
}

// watch is the watchdog itself: it wires the parts together and ends them in order.
func watch(ctx context.Context, s settings, info build.Info, stdout io.Writer, open func(*journal.Journal, *logging.Logs) (kind, error)) error {
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
	k, err := open(j, logs)
	if err != nil {
		return err
	}
	reg := prometheus.NewRegistry()
	l, err := assemble(k, s, info, j, reg, logs.Logger)
	if err != nil {
		return err
	}
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	reg.MustRegister(k.collectors...)
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

	l.write(journal.Entry{Type: journal.TypeStarting, Detail: info.String()})
	for _, w := range j.Warnings() {
		l.write(journal.Entry{Type: journal.TypeRepaired, Level: journal.LevelWarn, Detail: w})
	}
	logs.Logger.Info("watching", k.watching, zap.Stringer("address", public.Addr()), zap.String("log_dir", s.LogDir))

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	onHangup(ctx, func() {
		if err := j.Reopen(); err != nil {
			logs.Logger.Error("cannot reopen the event log", zap.Error(err))
		}
		if k.reload != nil {
			k.reload(ctx, l)
		}
	})
	options := control.Options{
		Gatherer: reg, Status: l.status.get, Incidents: j.Incidents, Incident: j.Incident, Processes: k.local,
		Heartbeat: func() time.Time { return l.status.get().HeartbeatAt }, StaleAfter: staleAfter, Synced: l.synced.Load, Version: info.Version,
	}
	if k.gather != nil {
		options.Gatherer = k.gather(reg)
	}
	errorLog := zap.NewStdLog(logs.Logger)
	pages := control.New(options)
	sides := []serve.Options{
		{Listeners: []net.Listener{public}, Handler: pages, ErrorLog: errorLog, ShutdownTimeout: 5 * time.Second},
		{Listeners: []net.Listener{private}, Handler: control.Commands(l.do), ErrorLog: errorLog, ShutdownTimeout: 5 * time.Second},
	}
	if k.metrics != nil {
		sides = append(sides, serve.Options{Listeners: []net.Listener{k.metrics}, Handler: pages, ErrorLog: errorLog, ShutdownTimeout: 5 * time.Second})
	}
	ended := make(chan error, len(sides)+1)
	go func() { defer stop(); ended <- l.run(ctx) }()
	for _, side := range sides {
		go func() { defer stop(); ended <- serve.Run(ctx, side) }()
	}
	if !k.local {
		l.systemd.Ready() // of processes, the loop tells when they are
	}
	context.AfterFunc(ctx, l.systemd.Stopping)
	for range len(sides) + 1 {
		err = errors.Join(err, <-ended)
	}
	l.status.close()
	l.write(journal.Entry{Type: journal.TypeStopping, Detail: k.farewell})
	logs.Logger.Info("stopped")
	return errors.Join(err, l.recorder.Close())
}

// containers is the kind of targets that Docker runs.
func containers(s settings) func(*journal.Journal, *logging.Logs) (kind, error) {
	return func(j *journal.Journal, logs *logging.Logs) (kind, error) {
		var since time.Time // when the watchdog last lived: stops since then are asked for
		if last, err := j.Dir().Status(); err == nil {
			since = last.HeartbeatAt
		}
		drv, err := docker.New(docker.Options{
			Host: s.DockerHost, Defaults: s.policy(), Self: docker.Self(), Resync: min(s.Interval.Std(), 30*time.Second), Since: since,
			Log: slog.New(zapslog.NewHandler(logs.Logger.Core())),
		})
		if err != nil {
			return kind{}, fmt.Errorf("DOCKER_HOST=%s: %w", s.DockerHost, err)
		}
		return kind{
			driver: drv, collectors: []prometheus.Collector{docker.NewCollector(drv)},
			watching: zap.String("docker", s.DockerHost), farewell: "no container is stopped",
		}, nil
	}
}

// assemble makes the loop with everything that it needs, and tells the core what the ledger knows.
func assemble(k kind, s settings, info build.Info, j *journal.Journal, reg *prometheus.Registry, log *zap.Logger) (*loop, error) {
	recorder, err := journal.NewRecorder(j, info.Version)
	if err != nil {
		return nil, err
	}
	opts := supervise.DefaultOptions()
	opts.Jitter = func(d time.Duration) time.Duration { return rand.N(d/5 + 1) } //nolint:gosec // jitter is no secret
	l := &loop{
		driver: k.driver, local: k.local, journal: j, recorder: recorder, log: log, now: time.Now,
		metrics: control.NewMetrics(reg, info.Version, info.Revision, time.Now),
		words:   make(chan word, 64), notices: make(chan observe.Notice, 64),
		timers: map[string]*time.Timer{}, targets: map[string]*shown{},
	}
	if k.local {
		opts.HoldTargets = math.MaxInt // one program is down, not many: no reason to wait, and delay and budget bound it
		l.metrics.WithoutDocker(reg)
	}
	l.core = supervise.New(opts)
	reg.MustRegister(l.metrics.Incidents(recorder.Brief))
	l.dryRun, l.pinger = s.DryRun, newPinger(s.PingURL, s.Interval.Std(), log)
	l.systemd, err = systemd.New(s.NotifySocket, time.Duration(s.WatchdogUsec)*time.Microsecond, s.WatchdogPID)
	if err != nil {
		log.Warn("systemd is not told how the watchdog is", zap.Error(err))
	}
	l.status = newBoard(j.WriteStatus, func(err error) { l.fail("write the status file", err) })
	l.status.latest.Store(&journal.Status{Version: info.Version, Mode: k.mode(), StartedAt: time.Now(), HeartbeatAt: time.Now()})
	for target, h := range j.Histories() {
		l.core.Restore(target, h)
	}
	return l, nil
}

func (k kind) mode() journal.Mode {
	if k.local {
		return journal.ModeProcesses
	}
	return journal.ModeContainers
}

// onHangup has something done at each SIGHUP.
func onHangup(ctx context.Context, do func()) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	go func() {
		defer signal.Stop(hangup)
		for {
			select {
			case <-ctx.Done():
				return
			case <-hangup:
				do()
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
	fmt.Fprintln(w, "\nWITH watchdog run\t\t")
	for _, v := range config.Variables[runSettings]() {
		fmt.Fprintf(w, "%s\t%s\t%s\n", v.Name, v.Default, v.Allowed)
	}
	return w.Flush()
}
