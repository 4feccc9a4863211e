package health

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// state is what is known about a check. It never changes once published.
type state struct {
	status      Status
	since       time.Time // of status
	at          time.Time // end of the latest run
	duration    time.Duration
	err         error // of the latest run
	lastErr     error // of the latest run that failed
	lastErrAt   time.Time
	worse       int // runs in a row that were worse than status
	better      int // runs in a row that were better
	failures    int // runs in a row that were not healthy
	observation *Observation
	passed      bool // healthy at least once
	finished    bool // will not run again
}

// worker runs one check.
type worker struct {
	checker  *Checker
	check    Check
	state    atomic.Pointer[state]
	reported Status // guarded by Checker.changes
}

func newWorker(c *Checker, check Check) *worker {
	w := &worker{checker: c, check: check}
	w.state.Store(&state{since: c.began})
	return w
}

// run is one call of the check's function.
type run struct {
	began time.Time
	slot  observationSlot
	err   error         // once done
	done  chan struct{} // closed when the function has come back
}

// loop runs the check at its pace until the context ends.
func (w *worker) loop(ctx context.Context) {
	began := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	var hanging *run
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		// A run that did not come back keeps the check from being called again,
		// and every round that passes meanwhile is a failure. When it does come
		// back, what it says is old: ask again.
		if hanging != nil && w.wait(ctx, hanging) == nil {
			hanging = nil
		}
		current := hanging
		var err error
		if current == nil {
			current = w.begin(ctx)
			err = w.wait(ctx, current)
		}
		switch {
		case ctx.Err() != nil:
			return
		case hanging != nil || errors.Is(err, errNoAnswer):
			hanging = current
			err = fmt.Errorf("no answer within %v", time.Since(current.began).Round(time.Millisecond))
		default:
			err = current.err
		}
		w.take(current, err, began)
		if w.state.Load().finished {
			return
		}
		timer.Reset(w.pause())
	}
}

var errNoAnswer = errors.New("no answer")

// wait gives a run the check's timeout to come back.
func (w *worker) wait(ctx context.Context, r *run) error {
	patience := time.NewTimer(w.check.Timeout)
	defer patience.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-r.done:
		return nil
	case <-patience.C:
		return errNoAnswer
	}
}

// pause is the interval with its jitter.
func (w *worker) pause() time.Duration {
	spread := 1 + w.check.Jitter*(2*w.checker.options.Rand()-1)
	return time.Duration(float64(w.check.Interval) * spread)
}

// begin calls the check in a goroutine of its own, which contains panics.
func (w *worker) begin(ctx context.Context) *run {
	r := &run{began: time.Now(), done: make(chan struct{})}
	ctx, cancel := context.WithTimeout(context.WithValue(ctx, observationKey{}, &r.slot), w.check.Timeout)
	go func() {
		defer cancel()
		defer close(r.done)
		defer func() {
			if p := recover(); p != nil {
				r.err = fmt.Errorf("the check panicked: %v at %s", p, firstFrame(debug.Stack()))
			}
		}()
		r.err = w.check.Run(ctx)
	}()
	return r
}

// take records the outcome of a run and tells who wants to know.
func (w *worker) take(r *run, err error, began time.Time) {
	now := time.Now()
	result := Result{Check: w.check.Name, Status: verdict(err), Err: err, At: now, Duration: now.Sub(r.began)}
	forgiven := result.Status != Healthy && now.Sub(began) < w.check.Grace
	next := w.state.Load().step(result, w.check, forgiven)
	next.observation = r.slot.load()
	w.state.Store(next)
	for _, listen := range w.checker.listeners {
		listen(result)
	}
	w.checker.review()
}

// step is the state after one more result.
func (s *state) step(result Result, check Check, forgiven bool) *state {
	next := *s
	next.at, next.duration, next.err = result.At, result.Duration, result.Err
	if result.Status == Healthy {
		next.failures = 0
		next.passed = true
	} else {
		next.failures++
		next.lastErr, next.lastErrAt = result.Err, result.At
	}
	if s.status == Unknown && forgiven {
		return &next
	}

	switch {
	case result.Status > s.status:
		next.worse, next.better = s.worse+1, 0
	case result.Status < s.status:
		next.worse, next.better = 0, s.better+1
	default:
		next.worse, next.better = 0, 0
	}
	first := s.status == Unknown && result.Status == Healthy
	if first || next.worse >= check.Failures || next.better >= check.Successes {
		next.status, next.since = result.Status, result.At
		next.worse, next.better = 0, 0
	}
	next.finished = next.passed && check.Groups == Startup
	return &next
}

// effective is the status now, given that results grow old.
func (w *worker) effective(s *state, now time.Time) (status Status, stale bool) {
	stale = !s.finished && s.status != Unknown && now.Sub(s.at) > w.check.staleAfter()
	if stale && s.status == Healthy {
		return Degraded, true
	}
	return s.status, stale
}

// observationSlot carries a figure out of a run that may still be running.
type observationSlot struct {
	mu    sync.Mutex
	value *Observation
}

func (o *observationSlot) store(value Observation) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.value = &value
}

func (o *observationSlot) load() *Observation {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.value
}
