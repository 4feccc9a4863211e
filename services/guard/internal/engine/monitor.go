package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"syscall"
	"time"
)

// ErrStale is what Monitor.Run returns when the socket has refused too often: the socket file that was mounted into this
// container no longer leads to an engine, and only a restart of the container mounts the new one.
var ErrStale = errors.New("the Docker socket leads nowhere")

// Monitor pings the engine at an interval and remembers the outcome.
type Monitor struct {
	Ping     func(context.Context) error
	Interval time.Duration
	Limit    int // that many refusals in a row end Run with ErrStale
	Log      *slog.Logger

	mu     sync.Mutex
	err    error
	known  bool
	failed time.Time
}

// Err is the outcome of the latest ping: nil when the engine answered.
func (m *Monitor) Err() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.known {
		return errors.New("the engine has not been asked yet")
	}
	return m.err
}

// Run pings until ctx ends, which gives nil, or until the socket is found stale.
func (m *Monitor) Run(ctx context.Context) error {
	ticker := time.NewTicker(m.Interval)
	defer ticker.Stop()
	refused := 0
	for {
		err := m.Ping(ctx)
		if ctx.Err() != nil {
			return nil
		}
		m.note(err)
		if !leadsNowhere(err) {
			refused = 0
		} else if refused++; refused >= m.Limit {
			return fmt.Errorf("%w, %d times in a row, the last time: %w", ErrStale, refused, err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// note keeps the outcome and logs it where it changed.
func (m *Monitor) note(err error) {
	m.mu.Lock()
	changed := !m.known || (m.err == nil) != (err == nil)
	since := m.failed
	if err != nil && changed {
		m.failed = time.Now()
	}
	m.err, m.known = err, true
	m.mu.Unlock()
	switch {
	case changed && err != nil:
		m.Log.Error("the engine does not answer", "error", err.Error(), "hint", hint(err))
	case changed && since.IsZero():
		m.Log.Info("the engine answers")
	case changed:
		m.Log.Info("the engine answers again", "after_seconds", time.Since(since).Seconds())
	}
}

// leadsNowhere tells a socket without an engine behind it from an engine that is slow or ill.
func leadsNowhere(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTSOCK)
}

func hint(err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return "run the guard as the owner of the socket (uid 0), or in its group"
	case errors.Is(err, fs.ErrNotExist):
		return "mount the engine's socket into the container, or set DOCKER_SOCKET"
	case leadsNowhere(err):
		return "start the Docker engine; the guard ends by itself when the socket stays dead, so that it is mounted anew"
	}
	return "look at the engine's own log"
}
