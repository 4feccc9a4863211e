package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	rate      = 200 // requests per second
	killEvery = 2 * time.Second
	workers   = 4
)

// load is what became of the requests.
type load struct {
	sent, answered, refused, failed, inFlight atomic.Int64

	mu      sync.Mutex
	slowest time.Duration
	errs    []error
}

func (l *load) request(client *http.Client, url string) {
	l.sent.Add(1)
	l.inFlight.Add(1)
	defer l.inFlight.Add(-1)
	began := time.Now()
	resp, err := client.Get(url)
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err == nil && resp.StatusCode != http.StatusOK {
			err = errors.New(resp.Status)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.slowest = max(l.slowest, time.Since(began))
	switch {
	case err == nil:
		l.answered.Add(1)
		return
	case errors.Is(err, syscall.ECONNREFUSED):
		l.refused.Add(1)
	}
	l.failed.Add(1)
	l.errs = append(l.errs, err)
}

// run sends requests at the rate, whether or not the earlier ones have been answered: half over new connections, half over
// kept ones, as clients and proxies do.
func (l *load) run(ctx context.Context, url string) {
	fresh := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	kept := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer kept.CloseIdleConnections()
	var wg sync.WaitGroup
	defer wg.Wait()
	began := time.Now()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(began.Add(time.Duration(i) * time.Second / rate))): // a late one is made up for
		}
		client := fresh
		if i%2 == 1 {
			client = kept
		}
		wg.Go(func() { l.request(client, url) })
	}
}

func (l *load) String() string {
	return fmt.Sprintf("%d requests: %d refused, %d failed, slowest answer %v", l.sent.Load(), l.refused.Load(), l.failed.Load(), l.slowest.Round(time.Millisecond))
}

// killing loads url while the processes that workers lists are killed one by one. taken bounds what the killed ones had
// in flight: what all had.
func killing(t *testing.T, url string, workers func() []int) (l *load, killed int, taken int64) {
	t.Helper()
	l = &load{}
	ctx, stop := context.WithTimeout(t.Context(), time.Duration(*seconds)*time.Second)
	defer stop()
	ended := make(chan struct{})
	go func() { l.run(ctx, url); close(ended) }()
	ticker := time.NewTicker(killEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			<-ended
			return l, killed, taken
		case <-ticker.C:
		}
		all := workers()
		if len(all) == 0 {
			continue
		}
		taken += l.inFlight.Load()
		if syscall.Kill(all[killed%len(all)], syscall.SIGKILL) == nil {
			killed++
		}
	}
}

// reloading loads url during a reload: from before it is asked for until done says that it is over.
func reloading(t *testing.T, url string, reload func(), done func() bool) *load {
	t.Helper()
	l := &load{}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { l.run(ctx, url); close(ended) }()
	reload()
	eventually(t, "all workers are new and the old ones gone", done)
	stop()
	<-ended
	return l
}

// Workers are killed one by one under load, then all are replaced: no connection is refused, and no request fails but those
// that a killed worker had taken.
func TestProcessZeroDowntime(t *testing.T) {
	// A worker that dies again and again waits, by default, before it is started; here it is killed on purpose.
	w := run(t, []string{"WORKERS=4", "WATCHDOG_RESTART_DELAY=0", "WATCHDOG_MAX_RESTARTS=1000"}, api())
	w.up(workers)
	l, killed, taken := killing(t, w.url("/api/hello/x"), w.pids)
	t.Logf("%d workers killed in %d s, at most %d requests in flight then: %v", killed, *seconds, taken, l)
	if killed == 0 || l.answered.Load() == 0 {
		t.Fatal("nothing was tested")
	}
	if l.refused.Load() > 0 || l.failed.Load() > taken {
		t.Errorf("want 0 refused and at most %d failed; the errors: %v", taken, l.errs)
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
	if r.failed.Load() > 0 || r.answered.Load() == 0 {
		t.Errorf("want none failed; the errors: %v", r.errs)
	}
}

// pids are the processes of all workers.
func (w *watchdog) pids() (all []int) {
	for _, x := range w.targets() {
		all = append(all, pid(w.t, x))
	}
	return all
}
