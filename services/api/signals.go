package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"go.uber.org/zap"

	"github.com/upkeephq/upkeep/services/kit/logging"
)

// onSignals takes two signals from here on, and returns the loop that acts on
// them: SIGHUP opens the log files anew, after logrotate; SIGUSR1 switches
// between DEBUG and the configured level.
func onSignals(logs *logging.Logs, level string) func(context.Context) error {
	received := make(chan os.Signal, 1)
	signal.Notify(received, watched...)
	return func(ctx context.Context) error {
		defer signal.Stop(received)
		debug := false
		for {
			select {
			case <-ctx.Done():
				return nil
			case sig := <-received:
				if sig == syscall.SIGHUP {
					reopen(logs)
					continue
				}
				debug = !debug
				next := level
				if debug {
					next = "DEBUG"
				}
				setLevel(logs, next)
			}
		}
	}
}

func reopen(logs *logging.Logs) {
	if err := logs.Reopen(); err != nil {
		logs.Logger.Error("log files not reopened", zap.Error(err))
		return
	}
	logs.Logger.Info("log files reopened")
}

func setLevel(logs *logging.Logs, level string) {
	if err := logs.SetLevel(level); err != nil {
		logs.Logger.Error("log level not changed", zap.Error(err))
		return
	}
	logs.Logger.Warn("log level changed", zap.String("to", level))
}
