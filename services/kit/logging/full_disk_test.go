//go:build linux

package logging_test

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/upkeephq/upkeep/services/kit/logging"
)

var burst = flag.Int("burst", 20_000, "lines that the full disk test logs; 1000000 is the acceptance run")

// A service on a full disk answers throughout and knows what it lost:
//
//	go test ./logging -run FullDisk -v -burst 1000000
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("NOT TESTED: a real full disk needs the right to mount a tmpfs, and this process has not: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	logs := open(t, logging.Config{JSON: true, Dir: dir, FlushTimeout: 10 * time.Second})
	reg := prometheus.NewRegistry()
	reg.MustRegister(logs.Collectors()...)

	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		logs.Logger.Info("asked", zap.String("path", r.URL.Path))
	}))
	defer service.Close()
	stop, answers, slowest := make(chan struct{}), 0, time.Duration(0)
	var probe sync.WaitGroup
	probe.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			start := time.Now()
			res, err := service.Client().Get(service.URL + "/health")
			if err != nil || res.StatusCode != http.StatusOK {
				t.Errorf("the service did not answer: %v", err)
				return
			}
			res.Body.Close()
			answers, slowest = answers+1, max(slowest, time.Since(start))
		}
	})

	filler := strings.Repeat("x", 200)
	start := time.Now()
	for i := range *burst {
		logs.Logger.Info(filler, zap.Int("i", i))
	}
	took := time.Since(start)
	close(stop)
	probe.Wait()
	if err := logs.Logger.Sync(); err != nil {
		t.Error(err)
	}

	kept := strings.Count(read(t, filepath.Join(dir, logging.BackendFile)), "\n")
	lost := int(value(t, reg, "backend"))
	if logged := *burst + answers; kept+lost != logged || lost == 0 {
		t.Errorf("%d lines logged, %d in the file, %d counted as lost: want them to add up, and some lost", logged, kept, lost)
	}
	if slowest > 5*time.Second {
		t.Errorf("the slowest answer took %v", slowest)
	}
	t.Logf("%d lines in %v beside %d answers (slowest %v): %d kept, %d lost and counted", *burst, took, answers, slowest, kept, lost)

	// Room again: the log goes on.
	if err := os.Truncate(filepath.Join(dir, logging.BackendFile), 0); err != nil {
		t.Fatal(err)
	}
	logs.Logger.Info("room again")
	closed(t, logs)
	if got := read(t, filepath.Join(dir, logging.BackendFile)); !strings.Contains(got, "room again") {
		t.Errorf("after the disk had room, backend.log is %q", got)
	}
}

// value reads log_lines_dropped_total of one log.
func value(t *testing.T, reg *prometheus.Registry, log string) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "log_lines_dropped_total" && m.GetLabel()[0].GetValue() == log {
				return m.GetCounter().GetValue()
			}
		}
	}
	t.Fatalf("no log_lines_dropped_total{log=%q}", log)
	return 0
}
