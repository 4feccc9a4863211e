package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/DeRuina/timberjack"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

const logName = "watchdog.log"

// Type says what an Entry tells of.
type Type string

// The types of entries.
const (
	TypeStarting        Type = "starting"
	TypeStopping        Type = "stopping"
	TypeDockerConnected Type = "docker_connected"
	TypeDockerLost      Type = "docker_lost"
	TypeState           Type = "state"
	TypeRestart         Type = "restart"
	TypeRestartDone     Type = "restart_done"
	TypeRestartFailed   Type = "restart_failed"
	TypeRecovered       Type = "recovered"
	TypeCommand         Type = "command"
	TypeMisconfigured   Type = "misconfigured"
	TypeHold            Type = "hold"
	TypeRepaired        Type = "repaired" // a damaged file was set aside
)

// Types lists every Type, so that counters can start at zero.
var Types = []Type{
	TypeStarting, TypeStopping, TypeDockerConnected, TypeDockerLost, TypeState, TypeRestart, TypeRestartDone,
	TypeRestartFailed, TypeRecovered, TypeCommand, TypeMisconfigured, TypeHold, TypeRepaired,
}

// Level says how much an Entry matters.
type Level string

// The levels of entries.
const (
	LevelInfo  Level = "info"
	LevelWarn  Level = "warn"
	LevelError Level = "error"
)

// Entry is one line of watchdog.log. Zero fields are left out.
type Entry struct {
	At       time.Time        `json:"ts"` // set by Log when zero
	Level    Level            `json:"level"`
	Type     Type             `json:"type"`
	Target   string           `json:"target,omitempty"`
	From     supervise.State  `json:"from,omitempty"`
	To       supervise.State  `json:"state,omitempty"`
	Reason   supervise.Reason `json:"reason,omitempty"`
	Detail   string           `json:"detail,omitempty"`
	Incident string           `json:"incident,omitempty"`
	ExitCode *int             `json:"exit_code,omitempty"`
	Seconds  float64          `json:"duration_seconds,omitempty"`
}

// Log appends a line to watchdog.log. Detail comes without secrets and control characters.
func (j *Journal) Log(e Entry) error {
	if e.At.IsZero() {
		e.At = j.opts.Clock.Now()
	}
	if e.Level == "" {
		e.Level = LevelInfo
	}
	e.At, e.Detail = e.At.UTC().Round(0), clean(e.Detail)
	line, err := marshalLine(e)
	if err != nil {
		return fmt.Errorf("write %s: %w", logName, err)
	}
	return named("write "+logName, j.log.write(line))
}

// Reopen lets go of watchdog.log, so that the next line goes to a new file when somebody moved it away.
func (j *Journal) Reopen() error { return named("reopen "+logName, j.log.reopen()) }

// marshalLine is v as one line of JSON, without the escapes that only HTML needs.
func marshalLine(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// eventLog is a rotating file of lines. A line that was written in part, as on a full disk, is ended before the next.
type eventLog struct {
	mu   sync.Mutex
	path string
	opts Options
	out  *timberjack.Logger
	torn bool
}

func openEventLog(path string, opts Options) *eventLog {
	l := &eventLog{path: path, opts: opts, torn: endsTorn(path)}
	l.out = l.logger()
	return l
}

func (l *eventLog) logger() *timberjack.Logger {
	return &timberjack.Logger{
		Filename: l.path, MaxSize: l.opts.LogMaxSize, MaxBackups: l.opts.LogMaxBackups, MaxAge: l.opts.LogMaxAge,
		Compression: "gzip", FileMode: 0o640,
	}
}

func (l *eventLog) write(line []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.torn {
		line = append([]byte{'\n'}, line...)
	}
	n, err := l.out.Write(line)
	if n > 0 {
		l.torn = n < len(line)
	}
	return err
}

func (l *eventLog) reopen() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.out.Close()
	l.out, l.torn = l.logger(), endsTorn(l.path)
	return err
}

func (l *eventLog) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Close()
}

// endsTorn reports whether a file ends within a line.
func endsTorn(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	var last [1]byte
	if _, err := f.Seek(-1, io.SeekEnd); err != nil {
		return false // empty
	}
	if _, err := io.ReadFull(f, last[:]); err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	return last[0] != '\n'
}
