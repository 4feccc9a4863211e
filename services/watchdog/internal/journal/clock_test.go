package journal

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// A change of the wall clock, either way, neither makes a restart look older than it is nor keeps it in the window for ever.
func TestLedgerAndClocks(t *testing.T) {
	for _, c := range []struct {
		name string
		turn func(*host)
		want time.Duration // age of a restart that was a minute old when it was saved
	}{
		{"ten minutes later", func(h *host) { h.pass(10 * time.Minute) }, 11 * time.Minute},
		{"wall clock set forward a year", func(h *host) { h.pass(10 * time.Minute); h.wall = h.wall.AddDate(1, 0, 0) }, 11 * time.Minute},
		{"wall clock set back a year", func(h *host) { h.pass(10 * time.Minute); h.wall = h.wall.AddDate(-1, 0, 0) }, 11 * time.Minute},
		{"uptime lies", func(h *host) { h.uptime = 0 }, time.Minute},
		{"reboot", func(h *host) { h.reboot(5 * time.Minute) }, 6 * time.Minute},
		{"reboot, wall clock behind", func(h *host) { h.reboot(5 * time.Minute); h.wall = t0.AddDate(-30, 0, 0) }, time.Minute + 20*time.Second},
		{"reboot, then a long time, wall clock behind", func(h *host) {
			h.reboot(5 * time.Minute)
			h.pass(2 * time.Hour)
			h.wall = t0.AddDate(-30, 0, 0)
		}, time.Minute + 2*time.Hour + 20*time.Second},
		{"boot unknown", func(h *host) { h.pass(10 * time.Minute); h.boot = "" }, 11 * time.Minute},
		{"boot unknown, wall clock behind", func(h *host) { h.wall = t0.Add(-time.Hour); h.boot = "" }, time.Minute},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHost()
			j := openOn(t, t.TempDir(), h.clock())
			must(t, j.Save("api", supervise.History{
				Restarts: []time.Time{h.wall.Add(-time.Minute)}, Paused: true, PausedUntil: h.wall.Add(time.Hour),
			}, true))
			c.turn(h)
			j = reopen(t, j, h.clock())
			got := j.Histories()["api"]
			if age := h.wall.Sub(got.Restarts[0]); age != c.want {
				t.Errorf("the restart is %s old, want %s", age, c.want)
			}
			if left := got.PausedUntil.Sub(h.wall); left != time.Hour-(c.want-time.Minute) {
				t.Errorf("the pause lasts %s more, want %s", left, time.Hour-(c.want-time.Minute))
			}
		})
	}
}

// However often the watchdog ends and the clock is set: within one boot a restart is exactly as old as it is; over boots it
// is never younger than it was before, and never in the future.
func TestLedgerAgesProperty(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(t *rapid.T) {
		n++
		h := newHost()
		path := filepath.Join(dir, fmt.Sprint(n))
		var lived time.Duration // true age of the restart, while it can be known
		restart := h.wall
		known := true
		for range rapid.IntRange(1, 6).Draw(t, "lives") {
			j, err := OpenWith(path, Options{Clock: h.clock()})
			if err != nil {
				t.Fatal(err)
			}
			before := time.Duration(0)
			if old, ok := j.Histories()["api"]; ok {
				restart = old.Restarts[0]
				before = h.wall.Sub(restart)
			}
			if before < 0 {
				t.Fatalf("a restart in the future: %s", before)
			}
			if off := before - lived; known && (off > 10*time.Microsecond || off < -10*time.Microsecond) {
				t.Fatalf("the restart counts as %s old, it is %s old", before, lived)
			}
			if err := j.Save("api", supervise.History{Restarts: []time.Time{restart}}, false); err != nil {
				t.Fatal(err)
			}
			if err := j.Close(); err != nil {
				t.Fatal(err)
			}
			d := time.Duration(rapid.Int64Range(0, int64(3*time.Hour)).Draw(t, "passes"))
			switch rapid.SampledFrom([]string{"nothing", "set", "reboot", "reboot and set"}).Draw(t, "then") {
			case "nothing":
				h.pass(d)
			case "set":
				h.pass(d)
				h.wall = h.wall.Add(time.Duration(rapid.Int64Range(int64(-9000*time.Hour), int64(9000*time.Hour)).Draw(t, "by")))
			case "reboot":
				h.reboot(d)
			case "reboot and set":
				h.reboot(d)
				h.wall = h.wall.Add(-time.Duration(rapid.Int64Range(0, int64(9000*time.Hour)).Draw(t, "back")))
				known = false
			}
			lived += d
		}
	})
}
