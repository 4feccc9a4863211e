package docker

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
)

func statsOf(t *testing.T, text string) container.StatsResponse {
	t.Helper()
	var s container.StatsResponse
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDigest reads figures as the engine gives them for control groups of both versions.
func TestDigest(t *testing.T) {
	for what, c := range map[string]struct {
		text string
		want sample
	}{
		"v1": {`{"read":"2026-11-01T10:00:00Z","pids_stats":{"current":3},"cpu_stats":{"cpu_usage":{"total_usage":1500000000}},
			"memory_stats":{"usage":1000,"stats":{"inactive_file":1,"total_inactive_file":400}},
			"networks":{"eth0":{"rx_bytes":1,"tx_bytes":2},"eth1":{"rx_bytes":10,"tx_bytes":20}},
			"blkio_stats":{"io_service_bytes_recursive":[{"op":"Read","value":5},{"op":"Write","value":7},{"op":"Sync","value":12},{"op":"Total","value":12},{"op":"Read","value":1}]}}`,
			sample{usage: observe.Usage{CPUSeconds: 1.5, MemoryBytes: 600, Processes: 3}, received: 11, sent: 22, read: 6, written: 7}},
		"v2": {`{"read":"2026-11-01T10:00:00Z","cpu_stats":{"cpu_usage":{"total_usage":1},"throttling_data":{"periods":9,"throttled_periods":4,"throttled_time":5}},
			"memory_stats":{"usage":1000,"stats":{"inactive_file":300,"anon":1}},
			"blkio_stats":{"io_service_bytes_recursive":[{"op":"read","value":5},{"op":"write","value":7}]}}`,
			sample{usage: observe.Usage{CPUSeconds: 1e-9, MemoryBytes: 700}, read: 5, written: 7, periods: 9, throttled: 4}},
		"more idle than used": {`{"read":"2026-11-01T10:00:00Z","memory_stats":{"usage":10,"stats":{"inactive_file":300}}}`, sample{}},
		"v2 without I/O":      {`{"read":"2026-11-01T10:00:00Z","blkio_stats":{"io_service_bytes_recursive":null}}`, sample{}},
	} {
		c.want.usage.At = time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)
		if got := digest(statsOf(t, c.text)); got != c.want {
			t.Errorf("%s: %+v, want %+v", what, got, c.want)
		}
	}
	if got := digest(statsOf(t, `{}`)); time.Since(got.usage.At) > time.Minute {
		t.Errorf("figures without a time are of %v, want now", got.usage.At)
	}
}

func TestSamplesRatio(t *testing.T) {
	var k samples
	at := time.Unix(1000, 0)
	ratio := func(after time.Duration, cpu float64) float64 {
		s := sample{usage: observe.Usage{At: at.Add(after), CPUSeconds: cpu}}
		k.keep("a", &s)
		return s.usage.CPURatio
	}
	for _, c := range []struct {
		after time.Duration
		cpu   float64
		want  float64
	}{
		{0, 5, 0},                   // nothing to compare with
		{10 * time.Second, 20, 1.5}, // 15 s of processor in 10 s
		{10 * time.Second, 21, 0},   // no time has passed
		{20 * time.Second, 1, 0},    // another run
		{30 * time.Second, 2, 0.1},
	} {
		if got := ratio(c.after, c.cpu); got != c.want {
			t.Errorf("after %v with %v s: %v, want %v", c.after, c.cpu, got, c.want)
		}
	}
	k.retain([]figures{{info: observe.Info{ContainerID: "b"}}})
	if _, ok := k.latest("a"); ok {
		t.Error("the sample of a container that is gone is kept")
	}
}
