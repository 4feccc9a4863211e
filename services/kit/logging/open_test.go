package logging_test

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/upkeephq/upkeep/services/kit/logging"
)

// buffer is a standard output to look at.
type buffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

// fixed is a clock for lines that can be compared.
type fixed struct{}

func (fixed) Now() time.Time                         { return time.Date(2026, 11, 23, 3, 14, 15, 926e6, time.UTC) }
func (fixed) NewTicker(d time.Duration) *time.Ticker { return time.NewTicker(d) }

func open(t *testing.T, c logging.Config) *logging.Logs {
	t.Helper()
	if c.Stdout == nil {
		c.Stdout = io.Discard
	}
	logs, err := logging.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = logs.Close() })
	logs.Logger = logs.Logger.WithOptions(zap.WithClock(fixed{}))
	logs.Access = logs.Access.WithOptions(zap.WithClock(fixed{}))
	return logs
}

func closed(t *testing.T, logs *logging.Logs) {
	t.Helper()
	if err := logs.Close(); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if want := read(t, path); got != want {
		t.Errorf("%s differs; run with -update if that is meant\n--- got\n%s--- want\n%s", path, got, want)
	}
}
