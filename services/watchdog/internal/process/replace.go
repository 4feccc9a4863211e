package process

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

const (
	readyAgain = 100 * time.Millisecond // between questions whether a new process is ready, where the last was answered
	readyAlive = time.Second            // without a probe, a process that has lived so long is ready
)

// Restart carries out an ActionRestart and returns how it ended. What has ended is started. What answers is replaced where
// both can run beside each other: the new process first, the old one ends when that is ready. What hangs is ended first.
func (d *Driver) Restart(ctx context.Context, target string, run supervise.Instance, r supervise.Restart) supervise.Outcome {
	out := supervise.Outcome{Attempt: r.Attempt, StartedAt: time.Now()}
	if err := d.restart(ctx, target, run, r); err != nil {
		out.Err = err.Error()
	}
	out.EndedAt = time.Now()
	return out
}

func (d *Driver) restart(ctx context.Context, target string, run supervise.Instance, r supervise.Restart) error {
	w := d.worker(target)
	if w == nil {
		return fmt.Errorf("there is no worker %s", target)
	}
	w.acting.Lock()
	defer w.acting.Unlock()
	old := w.now()
	_, _, over := old.over()
	same := old.instance().Same(run)
	grace := r.StopTimeout
	if grace < 0 {
		grace = d.policy.StopTimeout
	}
	switch {
	case !same && !over:
		return nil // a reload has replaced it in the meantime, and told so
	case !over && d.sockets() && !r.Hung && r.Reason != supervise.ReasonProbe:
		if err := w.replace(ctx, old); err != nil {
			return err
		}
		go old.stop(grace) // the target is well, while the old process finishes what it has begun
		return nil
	case !over:
		old.stop(grace)
	}
	next, err := w.start()
	if err != nil {
		return err
	}
	w.adopt(next)
	return nil
}

// Reload replaces one worker after the other: the new process is started, the old one ends when that is ready, and what had
// ended is started. A worker whose new process does not get ready keeps the old one, and the others after it are left
// alone, too: their new ones would fare no better. It returns the names of the workers that were replaced.
func (d *Driver) Reload(ctx context.Context) (replaced []string, err error) {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	for _, w := range d.workers {
		if err := w.reload(ctx); err != nil {
			return replaced, fmt.Errorf("%s: %w", w.name, err)
		}
		replaced = append(replaced, w.name)
	}
	return replaced, nil
}

func (w *worker) reload(ctx context.Context) error {
	w.acting.Lock()
	defer w.acting.Unlock()
	old := w.now()
	if old == nil {
		return errors.New("it has not been started yet")
	}
	_, _, over := old.over()
	if !over && w.d.sockets() {
		if err := w.replace(ctx, old); err != nil {
			return err
		}
		old.stop(w.d.policy.StopTimeout)
		return nil
	}
	if !over {
		old.expected.Store(true)
		old.stop(w.d.policy.StopTimeout)
	}
	next, err := w.start()
	if err != nil {
		old.expected.Store(false)
		w.ended(old)
		return err
	}
	w.adopt(next)
	return nil
}

// replace starts a new process and, when it is ready, has it stand for the target in the place of the old one, which is then to
// be stopped. When the new one does not get ready the old one stays.
func (w *worker) replace(ctx context.Context, old *run) error {
	next, err := w.start()
	if err != nil {
		return err
	}
	if err := next.ready(ctx, old.done); err != nil {
		next.stop(w.d.policy.StopTimeoutHung)
		return fmt.Errorf("the new process did not get ready, so the old one stays: %w", err)
	}
	w.adopt(next)
	return nil
}

// ready waits until the process is ready, for as long as it may take to start. When what it replaces has ended, there is
// nothing to wait for.
func (r *run) ready(ctx context.Context, replaced <-chan struct{}) error {
	limit := max(r.w.d.policy.StartPeriod, readyAlive)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	last := errors.New("it has not answered")
	asked := make(chan error, 1)
	ask := func() { asked <- r.asked(ctx) }
	go ask()
	for {
		select {
		case err := <-asked:
			if err == nil {
				return nil
			}
			if ctx.Err() == nil {
				last = err
			}
			time.AfterFunc(readyAgain, ask)
		case <-replaced:
			return nil
		case <-r.done:
			return fmt.Errorf("it ended with exit code %d", r.code)
		case <-ctx.Done():
			if context.Cause(ctx) != context.DeadlineExceeded { //nolint:errorlint // compared as it was set
				return errStopping
			}
			return fmt.Errorf("%w, for %s", last, limit)
		}
	}
}

// asked asks the process once whether it is ready.
func (r *run) asked(ctx context.Context) error {
	if r.w.d.opts.Probe == "" {
		select {
		case <-time.After(readyAlive):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if answer := r.spec().Run(ctx, r.w.d.policy.ProbeTimeout); !answer.OK {
		return errors.New(answer.Error)
	}
	return nil
}
