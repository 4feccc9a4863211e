package logging

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// The names of the log files.
const (
	BackendFile = "backend.log"
	ErrorsFile  = "errors.log"
	AccessFile  = "access.log"
)

// Config says where logs go. The zero value logs JSON-less lines from INFO to
// standard output.
type Config struct {
	// Service and Version stand in every line, when set.
	Service, Version string
	// Level is DEBUG, INFO, WARN or ERROR, in any case (INFO).
	Level string
	// JSON writes one JSON object a line; else lines for people.
	JSON bool
	// Dir holds the log files; "" means standard output only.
	Dir string
	// Rotation says when files are rotated and for how long they are kept.
	Rotation Rotation
	// Stdout replaces os.Stdout.
	Stdout io.Writer
	// QueueBytes bounds what may wait for each writer (4 MiB).
	QueueBytes int
	// FlushTimeout bounds Close and Sync (2 s).
	FlushTimeout time.Duration
}

// Logs are the logs of a service.
type Logs struct {
	// Logger writes to standard output, backend.log and errors.log.
	Logger *zap.Logger
	// Access is for one line a request: to access.log, or to standard output when
	// there is no directory.
	Access *zap.Logger

	level   zap.AtomicLevel
	metrics *metrics
	sinks   []*sink
	files   []*file
	closed  sync.Once
	closing error

	patience time.Duration
}

// New opens the logs. It fails on settings that cannot be meant, not on a directory that
// cannot be written: that is a warning in the log.
func New(c Config) (*Logs, error) {
	level, err := ParseLevel(c.Level)
	if err != nil {
		return nil, err
	}
	if err := c.Rotation.validate(); err != nil {
		return nil, err
	}
	if c.Stdout == nil {
		c.Stdout = os.Stdout
	}
	if c.QueueBytes == 0 {
		c.QueueBytes = 4 << 20
	}
	if c.FlushTimeout == 0 {
		c.FlushTimeout = 2 * time.Second
	}

	l := &Logs{level: zap.NewAtomicLevelAt(level), metrics: newMetrics(), patience: c.FlushTimeout}
	dirErr := ensureDir(c.Dir)
	stdout := l.sink("stdout", c.Stdout, c)
	app := &core{LevelEnabler: l.level, enc: newEncoder(c.JSON), redact: redactor{json: c.JSON}, metrics: l.metrics, all: []*sink{stdout}}
	access := app
	if c.Dir != "" && dirErr == nil {
		app.all = append(app.all, l.file(BackendFile, c))
		app.worse = l.file(ErrorsFile, c)
		requests := *app
		requests.all, requests.worse = []*sink{l.file(AccessFile, c)}, nil
		access = &requests
	}
	l.Logger = l.logger(app, c)
	l.Access = l.logger(access, c)
	if dirErr != nil {
		l.Logger.Warn("log files are off, logging to standard output only: make the directory writable for this user",
			zap.String("dir", c.Dir), zap.Error(dirErr))
	}
	return l, nil
}

func (l *Logs) logger(core zapcore.Core, c Config) *zap.Logger {
	var fields []zap.Field
	if c.Service != "" {
		fields = append(fields, zap.String("service", c.Service))
	}
	if c.Version != "" {
		fields = append(fields, zap.String("version", c.Version))
	}
	return zap.New(core, zap.ErrorOutput(zapcore.AddSync(io.Discard))).With(fields...)
}

func (l *Logs) sink(name string, w io.Writer, c Config) *sink {
	s := newSink(name, w, c.QueueBytes, c.FlushTimeout, l.metrics.dropped.WithLabelValues(name), gapLine(c.JSON))
	l.sinks = append(l.sinks, s)
	return s
}

func (l *Logs) file(name string, c Config) *sink {
	f := openFile(filepath.Join(c.Dir, name), c.Rotation)
	l.files = append(l.files, f)
	return l.sink(name[:len(name)-len(filepath.Ext(name))], f, c)
}

// ParseLevel reads a level: DEBUG, INFO, WARN (or WARNING), ERROR, in any case; "" is INFO.
func ParseLevel(s string) (zapcore.Level, error) {
	switch upper(s) {
	case "DEBUG":
		return zapcore.DebugLevel, nil
	case "", "INFO":
		return zapcore.InfoLevel, nil
	case "WARN", "WARNING":
		return zapcore.WarnLevel, nil
	case "ERROR":
		return zapcore.ErrorLevel, nil
	}
	return 0, fmt.Errorf("log level %q: want DEBUG, INFO, WARN or ERROR", s)
}

// SetLevel changes the level of all logs at run time.
func (l *Logs) SetLevel(s string) error {
	level, err := ParseLevel(s)
	if err == nil {
		l.level.SetLevel(level)
	}
	return err
}

// Level returns the level in force: debug, info, warn or error.
func (l *Logs) Level() string { return l.level.String() }

// Reopen closes the files and opens them again by name, for tools that move them away
// and send SIGHUP.
func (l *Logs) Reopen() error {
	var errs []error
	for _, f := range l.files {
		errs = append(errs, f.reopen())
	}
	return errors.Join(errs...)
}

// Collectors are the metrics of the logs: log_lines_total{level} and
// log_lines_dropped_total{log}.
func (l *Logs) Collectors() []prometheus.Collector {
	return []prometheus.Collector{l.metrics.lines, l.metrics.dropped}
}

// Close writes what is queued and closes the files, within Config.FlushTimeout for each of both. Lines
// logged later are counted as dropped. Closing twice is harmless.
func (l *Logs) Close() error {
	l.closed.Do(func() {
		errs := make([]error, len(l.sinks)+len(l.files))
		var wg sync.WaitGroup
		for i, s := range l.sinks {
			wg.Go(func() { errs[i] = s.close() })
		}
		wg.Wait()
		for i, f := range l.files {
			wg.Go(func() { errs[len(l.sinks)+i] = f.close(l.patience) })
		}
		wg.Wait()
		l.closing = errors.Join(errs...)
	})
	return l.closing
}
