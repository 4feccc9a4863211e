package journal

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestMain lets the test binary play the watchdog that is killed; see TestKilled.
func TestMain(m *testing.M) {
	if role := os.Getenv("JOURNAL_TEST_ROLE"); role != "" {
		os.Exit(roles[role](os.Getenv("JOURNAL_TEST_DIR")))
	}
	goleak.VerifyTestMain(m)
}

// t0 is when tests happen.
var t0 = time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC)

// host is a made-up machine whose clocks the tests turn.
type host struct {
	wall   time.Time
	uptime time.Duration
	boot   string
}

func newHost() *host { return &host{wall: t0, uptime: 100 * time.Hour, boot: "boot-1"} }

func (h *host) clock() Clock {
	return Clock{Now: func() time.Time { return h.wall }, Uptime: func() time.Duration { return h.uptime }, BootID: h.boot}
}

// pass lets true time go by.
func (h *host) pass(d time.Duration) { h.wall, h.uptime = h.wall.Add(d), h.uptime+d }

// reboot is a host that comes back after d, its uptime as short as the boot takes.
func (h *host) reboot(d time.Duration) {
	h.wall, h.uptime, h.boot = h.wall.Add(d), min(d, 20*time.Second), h.boot+"'"
}

func openOn(t testing.TB, dir string, c Clock) *Journal {
	t.Helper()
	j, err := OpenWith(dir, Options{Clock: c})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { j.Close() })
	return j
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// golden compares with a file under testdata, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	must(t, err)
	if string(got) != string(want) {
		t.Errorf("%s differs (go test -update rewrites it); got:\n%s", path, got)
	}
}
