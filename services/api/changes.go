package main

import (
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/upkeephq/upkeep/services/kit/health"
)

// logChange writes one line for each change of health.
func logChange(log *zap.Logger) func(health.Change) {
	return func(c health.Change) {
		fields := []zap.Field{zap.Stringer("from", c.From), zap.Stringer("to", c.To)}
		if c.Check != "" {
			fields = append(fields, zap.String("check", c.Check))
		}
		if c.Reason != health.NoReason {
			fields = append(fields, zap.String("reason", string(c.Reason)))
		}
		if c.Err != nil {
			fields = append(fields, zap.Error(c.Err))
		}
		log.Log(levelOf(c), "health changed", fields...)
	}
}

// levelOf keeps what is as it should be out of the log of warnings.
func levelOf(c health.Change) zapcore.Level {
	switch {
	case c.From == health.Unknown && c.To == health.Healthy:
		return zap.DebugLevel
	case c.To == health.Healthy || c.Reason == health.Draining:
		return zap.InfoLevel
	}
	return zap.WarnLevel
}
