package logging

import (
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap/zapcore"
)

// metrics count lines as they are logged and lines that were lost.
type metrics struct {
	lines   *prometheus.CounterVec
	dropped *prometheus.CounterVec
	byLevel [4]prometheus.Counter // from DEBUG to ERROR
}

func newMetrics() *metrics {
	m := &metrics{
		lines: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "log_lines_total", Help: "Log lines by level.",
		}, []string{"level"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "log_lines_dropped_total", Help: "Log lines lost because the writer failed or could not keep up.",
		}, []string{"log"}),
	}
	for _, level := range []zapcore.Level{zapcore.DebugLevel, zapcore.InfoLevel, zapcore.WarnLevel, zapcore.ErrorLevel} {
		m.byLevel[level-zapcore.DebugLevel] = m.lines.WithLabelValues(level.String())
	}
	return m
}

// count adds a line. Levels above ERROR count as errors, those below DEBUG as DEBUG.
func (m *metrics) count(level zapcore.Level) {
	level = max(zapcore.DebugLevel, min(level, zapcore.ErrorLevel))
	m.byLevel[level-zapcore.DebugLevel].Inc()
}
