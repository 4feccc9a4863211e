package process

import (
	"context"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/load"
)

const (
	rate      = 200 // requests per second
	killEvery = 2 * time.Second
	workers   = 4
)

// killing loads url while the processes that workers lists are killed one by one. taken bounds what the killed ones had
// in flight: what all had.
func killing(t *testing.T, url string, workers func() []int) (c load.Count, killed, taken int) {
	t.Helper()
	var l load.Load
	ctx, stop := context.WithTimeout(t.Context(), time.Duration(*seconds)*time.Second)
	defer stop()
	ended := make(chan struct{})
	go func() { l.Run(ctx, rate, url); close(ended) }()
	ticker := time.NewTicker(killEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			<-ended
			return l.Count(), killed, taken
		case <-ticker.C:
		}
		all := workers()
		if len(all) == 0 {
			continue
		}
		taken += l.Count().InFlight
		if syscall.Kill(all[killed%len(all)], syscall.SIGKILL) == nil {
			killed++
		}
	}
}

// reloading loads url during a reload: from before it is asked for until done says that it is over.
func reloading(t *testing.T, url string, reload func(), done func() bool) load.Count {
	t.Helper()
	var l load.Load
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { l.Run(ctx, rate, url); close(ended) }()
	reload()
	eventually(t, "all workers are new and the old ones gone", done)
	stop()
	<-ended
	return l.Count()
}

// Workers are killed one by one under load, then all are replaced: no connection is refused, and no request fails but those
// that a killed worker had taken.
func TestProcessZeroDowntime(t *testing.T) {
	// A worker that dies again and again waits, by default, before it is started; here it is killed on purpose.
	w := run(t, []string{"WORKERS=4", "WATCHDOG_RESTART_DELAY=0", "WATCHDOG_MAX_RESTARTS=1000"}, api())
	w.up(workers)
	l, killed, taken := killing(t, w.url("/api/hello/x"), w.pids)
	t.Logf("%d workers killed in %d s, at most %d requests in flight then: %v", killed, *seconds, taken, l)
	if killed == 0 || l.Answered == 0 {
		t.Fatal("nothing was tested")
	}
	if l.Refused > 0 || l.Failed > taken {
		t.Errorf("want 0 refused and at most %d failed; the errors: %v", taken, l.Errors)
	}

	w.up(workers)
	old := w.pids()
	r := reloading(t, w.url("/api/hello/x"), func() { _ = w.cmd.Process.Signal(syscall.SIGHUP) }, func() bool {
		for _, x := range w.targets() {
			if slices.Contains(old, pid(t, x)) || x.State != "up" {
				return false
			}
		}
		return !slices.ContainsFunc(old, alive)
	})
	t.Logf("reload: %v", r)
	if r.Failed > 0 || r.Answered == 0 {
		t.Errorf("want none failed; the errors: %v", r.Errors)
	}
}

// pids are the processes of all workers.
func (w *watchdog) pids() (all []int) {
	for _, x := range w.targets() {
		all = append(all, pid(w.t, x))
	}
	return all
}
