package logging_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/upkeephq/upkeep/services/kit/logging"
)

// bomb panics when somebody wants to know what it is.
type bomb struct{}

func (bomb) MarshalJSON() ([]byte, error) { panic("boom") }

func TestAValueThatPanicsCostsItsFieldsOnly(t *testing.T) {
	out := new(buffer)
	logs := open(t, logging.Config{JSON: true, Stdout: out})
	logs.Logger.Info("look", zap.Reflect("at", bomb{}))
	logs.Logger.Info("next")
	closed(t, logs)
	if got := out.String(); !strings.Contains(got, `"msg":"look","fields_lost":"boom"`) || !strings.Contains(got, "next") {
		t.Errorf("got:\n%s", got)
	}
}

// valve is a standard output that blocks while it is shut.
type valve struct {
	open chan struct{}
	buffer
}

func (v *valve) Write(p []byte) (int, error) {
	<-v.open
	return v.buffer.Write(p)
}

func TestABlockedStandardOutput(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := &valve{open: make(chan struct{})}
		dir := t.TempDir()
		logs := open(t, logging.Config{JSON: true, Dir: dir, Stdout: pipe, QueueBytes: 10_000})
		start := time.Now()
		for i := range 1000 {
			logs.Logger.Info("line", zap.Int("i", i))
			if i%50 == 0 {
				synctest.Wait() // the files keep up
			}
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("the service waited for %v", took)
		}
		close(pipe.open)
		synctest.Wait()
		logs.Logger.Info("flows again")
		closed(t, logs)
		if got := strings.Count(read(t, filepath.Join(dir, logging.BackendFile)), "\n"); got != 1001 {
			t.Errorf("backend.log has %d lines, want all 1001", got)
		}
		got := pipe.String()
		if !strings.Contains(got, `"msg":"log lines were lost before this one","lost":`) || !strings.HasSuffix(got, `"msg":"flows again"}`+"\n") {
			t.Errorf("standard output ends in %s", got[max(0, len(got)-300):])
		}
	})
}

func TestCloseGivesUpOnAWriterThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pipe := &valve{open: make(chan struct{})}
		logs := open(t, logging.Config{Stdout: pipe, FlushTimeout: 3 * time.Second})
		logs.Logger.Info("stuck")
		start := time.Now()
		err := logs.Close()
		if err == nil || err.Error() != "log stdout: its writer did not finish within 3s" || time.Since(start) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		close(pipe.open)
	})
}

func TestRotationByAge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		logs := open(t, logging.Config{Dir: dir, FlushTimeout: 30 * time.Second,
			Rotation: logging.Rotation{Every: 24 * time.Hour, MaxAgeDays: 3, MaxBackups: 100, Uncompressed: true}})
		for day := range 10 {
			logs.Logger.Info(fmt.Sprint("day ", day))
			if err := logs.Logger.Sync(); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			time.Sleep(24*time.Hour + time.Minute) // of the bubble
		}
		closed(t, logs)
		backups, err := filepath.Glob(filepath.Join(dir, "backend-*-time.log"))
		if err != nil || len(backups) < 2 || len(backups) > 4 {
			t.Errorf("%d backups are kept (%v), want those of the last three days: %v", len(backups), err, backups)
		}
		if got := read(t, filepath.Join(dir, logging.BackendFile)); strings.Count(got, "\n") != 1 || !strings.Contains(got, "day 9") {
			t.Errorf("backend.log:\n%s", got)
		}
	})
}

func TestALogFileInTheWayIsLostAndCounted(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, logging.BackendFile), 0o750); err != nil {
		t.Fatal(err)
	}
	out := new(buffer)
	logs := open(t, logging.Config{Dir: dir, Stdout: out})
	logs.Logger.Info("seen")
	closed(t, logs)
	if !strings.Contains(out.String(), "seen") {
		t.Errorf("standard output: %q", out)
	}
}

func BenchmarkLine(b *testing.B) {
	for _, format := range []string{"json", "console"} {
		b.Run(format, func(b *testing.B) {
			logs, err := logging.New(logging.Config{JSON: format == "json", Stdout: io.Discard})
			if err != nil {
				b.Fatal(err)
			}
			defer logs.Close()
			path := bytes.Repeat([]byte("a"), 20)
			b.ReportAllocs()
			for b.Loop() {
				logs.Logger.Info("request", zap.String("method", "GET"), zap.String("route", "/users/{id}"), zap.ByteString("path", path),
					zap.Int("status", 200), zap.Int64("bytes", 20), zap.Float64("duration_ms", 0.12), zap.String("request_id", "NZLTRE3IRDVCZQV4VOZPGRZQXX"))
			}
		})
	}
}
