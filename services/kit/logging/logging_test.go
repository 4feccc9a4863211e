package logging_test

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/upkeephq/upkeep/services/kit/logging"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(m)
}

func say(logs *logging.Logs) {
	log := logs.Logger
	log.Debug("not seen")
	log.Info("listening", zap.String("address", ":8000"), zap.Duration("took", 1500*time.Millisecond))
	log.Warn("the database is slow", zap.String("url", "postgres://shop:hunter2@db:5432/shop"), zap.Int("attempt", 2))
	log.Error("the payment failed", zap.Error(errors.New("POST /pay: Authorization: Bearer eyJhbGciOi.J9x: refused")),
		zap.Any("request", map[string]any{"api_key": "k-1", "amount": 3}))
	logs.Access.Info("request", zap.String("method", "GET"), zap.String("route", "/"), zap.Int("status", 200))
}

func TestLinesAndWhereTheyGo(t *testing.T) {
	for _, format := range []string{"json", "console"} {
		dir, out := t.TempDir(), new(buffer)
		logs := open(t, logging.Config{Service: "api", Version: "1.2.3", JSON: format == "json", Dir: dir, Stdout: out})
		say(logs)
		closed(t, logs)
		backend := read(t, filepath.Join(dir, logging.BackendFile))
		golden(t, format+".log", backend)
		if out.String() != backend {
			t.Errorf("%s: standard output and backend.log differ:\n%s", format, out)
		}
		wantErrors := strings.SplitAfterN(backend, "\n", 2)[1]
		if got := read(t, filepath.Join(dir, logging.ErrorsFile)); got != wantErrors {
			t.Errorf("%s: errors.log is\n%s", format, got)
		}
		golden(t, format+"-access.log", read(t, filepath.Join(dir, logging.AccessFile)))
		if info, err := os.Stat(filepath.Join(dir, logging.BackendFile)); err != nil || info.Mode().Perm() != 0o640 {
			t.Errorf("backend.log: %v, %v; want mode 0640", info.Mode(), err)
		}
	}
}

func TestWithoutADirectory(t *testing.T) {
	out := new(buffer)
	logs := open(t, logging.Config{JSON: true, Stdout: out})
	logs.Logger.Info("one")
	logs.Access.Info("two")
	closed(t, logs)
	if got := strings.Count(out.String(), "\n"); got != 2 {
		t.Errorf("standard output has %d lines, want both:\n%s", got, out)
	}
}

func TestADirectoryThatCannotBeWrittenIsAWarning(t *testing.T) {
	notADir := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(notADir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	out := new(buffer)
	logs := open(t, logging.Config{JSON: true, Dir: filepath.Join(notADir, "logs"), Stdout: out})
	logs.Logger.Info("still here")
	logs.Access.Info("this too")
	closed(t, logs)
	got := out.String()
	if !strings.Contains(got, "log files are off") || !strings.Contains(got, "still here") || !strings.Contains(got, "this too") {
		t.Errorf("want a warning and all lines on standard output, got:\n%s", got)
	}
}

func TestSettingsThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		config logging.Config
		want   string
	}{
		{logging.Config{Level: "loud"}, `log level "loud": want DEBUG, INFO, WARN or ERROR`},
		{logging.Config{Rotation: logging.Rotation{MaxSize: -1}}, "rotation: MaxSize is -1: want a positive number, or 0 for the default"},
		{logging.Config{Rotation: logging.Rotation{MaxAgeDays: -2, Every: time.Second}},
			"rotation: MaxAgeDays is -2: want a positive number, or 0 for the default\nrotation: Every is 1s: want a minute or more, or 0 for never"},
	} {
		if _, err := logging.New(c.config); err == nil || err.Error() != c.want {
			t.Errorf("got %v\nwant %s", err, c.want)
		}
	}
}

func TestLevelAtRunTime(t *testing.T) {
	out := new(buffer)
	logs := open(t, logging.Config{Level: "warning", Stdout: out})
	logs.Logger.Info("hidden")
	if err := logs.SetLevel("debug"); err != nil {
		t.Fatal(err)
	}
	logs.Logger.With(zap.Int("a", 1)).Debug("shown")
	if err := logs.SetLevel("all"); err == nil || logs.Level() != "debug" {
		t.Errorf("SetLevel(all): %v, level %s; want a refusal and debug", err, logs.Level())
	}
	closed(t, logs)
	if got := out.String(); strings.Contains(got, "hidden") || !strings.Contains(got, "shown") {
		t.Errorf("got:\n%s", got)
	}
}

func TestReopenAfterLogrotate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, logging.BackendFile)
	logs := open(t, logging.Config{JSON: true, Dir: dir})
	logs.Logger.Info("before")
	if err := logs.Logger.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".moved"); err != nil {
		t.Fatal(err)
	}
	if err := logs.Reopen(); err != nil {
		t.Fatal(err)
	}
	logs.Logger.Info("after")
	closed(t, logs)
	if old, now := read(t, path+".moved"), read(t, path); !strings.Contains(old, "before") || strings.Contains(old, "after") || !strings.Contains(now, "after") {
		t.Errorf("moved file:\n%snew file:\n%s", old, now)
	}
}

func TestRotationKeepsACountAndCompresses(t *testing.T) {
	dir := t.TempDir()
	logs := open(t, logging.Config{JSON: true, Dir: dir, FlushTimeout: 30 * time.Second,
		Rotation: logging.Rotation{MaxSize: 1 << 20, MaxBackups: 2}})
	filler := strings.Repeat("x", 1000)
	const lines = 5000 // about 5 MiB
	for i := range lines {
		logs.Logger.Info(filler, zap.Int("i", i))
		if i%500 == 0 {
			if err := logs.Logger.Sync(); err != nil {
				t.Fatal(err)
			}
		}
	}
	closed(t, logs)
	backups, err := filepath.Glob(filepath.Join(dir, "backend-*.log.gz"))
	if err != nil || len(backups) != 2 {
		t.Fatalf("compressed backups: %v, %v; want 2", backups, err)
	}
	f, err := os.Open(backups[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	gz, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dec := json.NewDecoder(gz)
	n := 0
	for dec.More() {
		var line map[string]any
		if err := dec.Decode(&line); err != nil {
			t.Fatalf("a rotated file holds a broken line: %v", err)
		}
		n++
	}
	if n < 900 {
		t.Errorf("a full file held %d lines, want about 1000", n)
	}
	if info, err := os.Stat(filepath.Join(dir, logging.BackendFile)); err != nil || info.Size() > 1<<20 {
		t.Errorf("backend.log: %v, %v; want at most 1 MiB", info.Size(), err)
	}
}

func TestMetrics(t *testing.T) {
	logs := open(t, logging.Config{Dir: t.TempDir()})
	reg := prometheus.NewRegistry()
	reg.MustRegister(logs.Collectors()...)
	say(logs)
	closed(t, logs)
	logs.Logger.Info("too late")
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
	want, err := os.Open("testdata/metrics.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer want.Close()
	if err := testutil.GatherAndCompare(reg, want); err != nil {
		t.Error(err)
	}
}

func TestCloseTwice(t *testing.T) {
	logs := open(t, logging.Config{Dir: t.TempDir()})
	closed(t, logs)
	closed(t, logs)
}

func TestConcurrentUse(t *testing.T) {
	dir := t.TempDir()
	logs := open(t, logging.Config{JSON: true, Dir: dir, QueueBytes: 16 << 20})
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 200 {
				logs.Logger.Info("line", zap.Int("worker", w), zap.Int("i", i), zap.String("db_password", "x"))
				if i%50 == 0 {
					_ = logs.Reopen()
					_ = logs.SetLevel("info")
					_ = logs.Logger.Sync()
				}
			}
		})
	}
	wg.Wait()
	closed(t, logs)
	if got := strings.Count(read(t, filepath.Join(dir, logging.BackendFile)), `"db_password":"[redacted]"`); got != 1600 {
		t.Errorf("backend.log has %d whole lines, want 1600", got)
	}
}

func Example() {
	logs, err := logging.New(logging.Config{Service: "shop", Level: "INFO", JSON: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer logs.Close()
	log := logs.Logger.WithOptions(zap.WithClock(fixed{})) // a real service leaves the clock alone
	log.Info("connected", zap.String("dsn", "shop:hunter2@tcp(db:3306)/shop"))
	// Output:
	// {"level":"info","ts":"2026-11-23T03:14:15.926Z","msg":"connected","service":"shop","dsn":"shop:[redacted]@tcp(db:3306)/shop"}
}
