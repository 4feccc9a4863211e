package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// outcomes answers one ping after the other, and the last one for ever.
func outcomes(errs ...error) func(context.Context) error {
	return func(context.Context) error {
		err := errs[0]
		if len(errs) > 1 {
			errs = errs[1:]
		}
		return err
	}
}

func TestMonitorEndsWhenTheSocketStaysDead(t *testing.T) {
	refused := fmt.Errorf("dial: %w", syscall.ECONNREFUSED)
	slow := context.DeadlineExceeded
	for name, c := range map[string]struct {
		ping func(context.Context) error
		want time.Duration // when Run ends by itself; 0: never
	}{
		"answers":                 {outcomes(nil), 0},
		"refuses":                 {outcomes(refused), 2 * time.Second},
		"is missing":              {outcomes(fmt.Errorf("dial: %w", fs.ErrNotExist)), 2 * time.Second},
		"a success in between":    {outcomes(refused, refused, nil, refused), 5 * time.Second},
		"is slow, not dead":       {outcomes(slow), 0},
		"slow in between":         {outcomes(refused, refused, slow, refused), 5 * time.Second},
		"may not be opened":       {outcomes(fs.ErrPermission), 0},
		"answers a bad status":    {outcomes(errors.New("500")), 0},
		"refuses after a while":   {outcomes(nil, nil, refused), 4 * time.Second},
		"mounted file, no engine": {outcomes(fmt.Errorf("dial: %w", syscall.ENOTSOCK)), 2 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				m := &Monitor{Ping: c.ping, Interval: time.Second, Limit: 3, Log: slog.New(slog.DiscardHandler)}
				begin := time.Now()
				err := m.Run(ctx)
				if took := time.Since(begin); c.want != 0 && (!errors.Is(err, ErrStale) || took != c.want) {
					t.Errorf("ended after %v with %v, want %v and ErrStale", took, err, c.want)
				}
				if c.want == 0 && err != nil {
					t.Errorf("ended with %v", err)
				}
			})
		})
	}
}

func TestMonitorTellsChangesOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		bad := errors.New("ill")
		m := &Monitor{Ping: outcomes(nil, nil, bad, bad, bad, nil), Interval: time.Second, Limit: 3,
			Log: slog.New(slog.NewTextHandler(&log, nil))}
		if m.Err() == nil {
			t.Error("healthy before the first ping")
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := m.Run(ctx); err != nil {
			t.Error(err)
		}
		if m.Err() != nil {
			t.Error(m.Err())
		}
		if n := strings.Count(log.String(), "\n"); n != 3 || !strings.Contains(log.String(), "after_seconds=3") {
			t.Errorf("%d lines, want 3:\n%s", n, log.String())
		}
	})
}

func TestPingOfADeadSocket(t *testing.T) {
	dir := t.TempDir()
	if err := New(filepath.Join(dir, "missing")).Ping(t.Context()); !leadsNowhere(err) {
		t.Errorf("missing: %v", err)
	}
	// what a mounted socket looks like after its engine has gone: the file is there, nobody listens
	stale := filepath.Join(dir, "stale")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: stale, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	if err := New(stale).Ping(t.Context()); !leadsNowhere(err) {
		t.Errorf("stale: %v", err)
	}
	plain := filepath.Join(dir, "file")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := New(plain).Ping(t.Context()); !leadsNowhere(err) {
		t.Errorf("no socket at all: %v", err)
	}
	for _, err := range []error{fs.ErrPermission, fs.ErrNotExist, syscall.ECONNREFUSED, errors.New("x")} {
		if hint(err) == "" {
			t.Errorf("no hint for %v", err)
		}
	}
}
