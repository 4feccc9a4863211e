package logging

import (
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap/zapcore"
)

// metrics count lines as they are logged and lines that were lost.
type metrics struct {
	lines   *prometheus.CounterVec
	dropped *prometheus.CounterVec
	byLevel map[zapcore.Level]prometheus.Counter
}

func newMetrics() *metrics {
	m := &metrics{
		lines: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "log_lines_total", Help: "Log lines by level.",
		}, []string{"level"}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "log_lines_dropped_total", Help: "Log lines lost because the writer failed or could not keep up.",
		}, []string{"log"}),
		byLevel: map[zapcore.Level]prometheus.Counter{},
	}
	for _, level := range []zapcore.Level{zapcore.DebugLevel, zapcore.InfoLevel, zapcore.WarnLevel, zapcore.ErrorLevel} {
		m.byLevel[level] = m.lines.WithLabelValues(level.String())
	}
	return m
}

// count is a zap hook. Levels above ERROR count as errors.
func (m *metrics) count(e zapcore.Entry) error {
	m.byLevel[min(e.Level, zapcore.ErrorLevel)].Inc()
	return nil
}
