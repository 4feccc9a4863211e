package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"

	"go.uber.org/zap"

	"github.com/upkeephq/upkeep/services/api/internal/settings"
	"github.com/upkeephq/upkeep/services/kit/build"
	"github.com/upkeephq/upkeep/services/kit/hostinfo"
	"github.com/upkeephq/upkeep/services/kit/logging"
	"github.com/upkeephq/upkeep/services/kit/serve"
)

// serveAPI serves until the context ends, then stops in order: readiness falls,
// requests finish, checks stop, logs are written out.
func serveAPI(ctx context.Context, config settings.Settings, stdout io.Writer) error {
	program := build.Of(service, version, revision)
	logs, err := logging.New(logging.Config{
		Service: service, Version: program.Version, Level: config.LogLevel,
		JSON: config.JSONLogs, Dir: config.LogFolder(), Stdout: stdout,
		Rotation: logging.Rotation{
			MaxSize: config.LogMaxSize.Bytes(), MaxBackups: config.LogMaxBackups, MaxAgeDays: config.LogMaxAgeDays,
		},
	})
	if err != nil {
		return fmt.Errorf("open the logs: %w", err)
	}
	defer logs.Close()
	if config.Worker != "" { // all workers of a program share one standard output
		logs.Logger, logs.Access = logs.Logger.With(zap.String("worker", config.Worker)), logs.Access.With(zap.String("worker", config.Worker))
	}
	log := logs.Logger

	admin, err := serve.Inherited("admin") // first, so that the one that is left is the public one
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	listener, err := serve.Listen(config.Address())
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	defer listener.Close()
	host := hostinfo.New(hostinfo.Options{Mountpoints: config.DiskPaths})
	limits := host.Limits()
	share := uint64(1) // of the container's memory: its workers have it together
	if admin != nil {
		share = uint64(config.Workers)
	}
	applied := serve.ApplyLimits(serve.Limits{CPUs: limits.CPUs, MemoryBytes: limits.MemoryBytes / share})
	app, err := newApp(config, program, logs, host)
	if err != nil {
		return err
	}

	loops := []func(context.Context) error{app.checker.Run, host.Run, app.pulse, onSignals(logs, config.LogLevel)}
	if admin != nil {
		loops = append(loops, serveAdmin(admin, app.admin(config), log))
	}
	stopBackground := background(ctx, loops...)
	log.Info("listening", zap.Stringer("address", listener.Addr()), zap.String("revision", program.Revision),
		zap.String("environment", config.Environment), zap.String("limits", limitsText(limits, applied)))
	for _, warning := range warnings(config, listener.Addr(), theMachine()) {
		log.Warn(warning)
	}
	return serve.Run(ctx, serve.Options{
		Listeners: []net.Listener{listener}, Handler: app.handler, H2C: config.H2C,
		ErrorLog: zap.NewStdLog(log.WithOptions(zap.AddStacktrace(zap.FatalLevel))),
		BeforeDrain: func() {
			log.Info("stopping", zap.NamedError("reason", context.Cause(ctx)))
			app.checker.Drain()
		},
		DrainDelay:      config.DrainDelay.Std(),
		ShutdownTimeout: config.ShutdownTimeout.Std(),
		Teardown: []serve.Step{
			{Name: "stop the background", Func: func(context.Context) error { stopBackground(); return nil }},
			{Name: "write the logs", Func: func(context.Context) error { log.Info("stopped"); return logs.Close() }},
		},
	})
}

// background runs loops that outlive the context: while requests finish, health
// must still be known. The function that it returns stops them and waits.
func background(ctx context.Context, loops ...func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	for _, loop := range loops {
		running.Go(func() { _ = loop(ctx) }) // they end with the context, and never with an error
	}
	return func() { cancel(); running.Wait() }
}

// limitsText says what was found about the container and done about it.
func limitsText(found hostinfo.Limits, applied serve.Applied) string {
	if found.CPUs == 0 && found.MemoryBytes == 0 {
		return "none"
	}
	text := fmt.Sprintf("cpus %g, memory %d bytes", found.CPUs, found.MemoryBytes)
	if applied.GOMAXPROCS > 0 {
		text += fmt.Sprintf(", GOMAXPROCS %d", applied.GOMAXPROCS)
	}
	if applied.GOMEMLIMIT > 0 {
		text += fmt.Sprintf(", GOMEMLIMIT %d", applied.GOMEMLIMIT)
	}
	return text
}
