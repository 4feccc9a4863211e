package process

import (
	"context"
	"errors"
	"io"
	"net/http"
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

// Workers are killed one by one under load, then all are replaced: no connection is refused, and no request fails but those
// that a killed worker had taken.
func TestProcessZeroDowntime(t *testing.T) {
	// A worker that dies again and again waits, by default, before it is started; here it is killed on purpose.
	w := run(t, []string{"WORKERS=4", "WATCHDOG_RESTART_DELAY=0", "WATCHDOG_MAX_RESTARTS=1000"}, api())
	w.up(workers)
	var l load
	ctx, stop := context.WithTimeout(t.Context(), time.Duration(*seconds)*time.Second)
	defer stop()
	ended := make(chan struct{})
	go func() { l.run(ctx, w.url("/api/hello/x")); close(ended) }()

	killed, taken := 0, int64(0) // taken bounds what the killed workers had in flight: what all had
	ticker := time.NewTicker(killEvery)
	defer ticker.Stop()
	for under := true; under; {
		select {
		case <-ended:
			under = false
		case <-ticker.C:
			all := w.targets()
			if len(all) != workers {
				continue
			}
			victim := all[killed%workers]
			taken += l.inFlight.Load()
			if err := syscall.Kill(pid(t, victim), syscall.SIGKILL); err == nil {
				killed++
			}
		}
	}
	t.Logf("killing: %d requests in %d s, %d workers killed: %d refused, %d failed, at most %d in flight at the kills; slowest answer %v",
		l.sent.Load(), *seconds, killed, l.refused.Load(), l.failed.Load(), taken, l.slowest.Round(time.Millisecond))
	if killed == 0 || l.answered.Load() == 0 {
		t.Fatal("nothing was tested")
	}
	if l.refused.Load() > 0 || l.failed.Load() > taken {
		t.Errorf("want 0 refused and at most %d failed; the errors: %v", taken, l.errs)
	}

	before := w.up(workers)
	var r load
	ctx, stop = context.WithCancel(t.Context())
	ended = make(chan struct{})
	go func() { r.run(ctx, w.url("/api/hello/x")); close(ended) }()
	if err := w.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	w.eventually("all workers are new and the old ones gone", func() bool {
		all := w.targets()
		for i, x := range all {
			if x.Pid == before[i].Pid || x.State != "up" || alive(pid(t, before[i])) {
				return false
			}
		}
		return len(all) == workers
	})
	stop()
	<-ended
	t.Logf("reload: %d requests: %d refused, %d failed; slowest answer %v", r.sent.Load(), r.refused.Load(), r.failed.Load(), r.slowest.Round(time.Millisecond))
	if r.failed.Load() > 0 || r.answered.Load() == 0 {
		t.Errorf("want none failed; the errors: %v", r.errs)
	}
}
