package docker

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/moby/moby/client"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

const (
	engineStop = 10 * time.Second // the engine's own grace between SIGTERM and SIGKILL
	slack      = 30 * time.Second // see Driver.slack
)

// Restart carries out an ActionRestart and returns how it ended. It sends one call: an engine that does not answer in time
// may still finish, so the container is looked at instead. A call that hangs holds up no other target.
func (d *Driver) Restart(ctx context.Context, target string, run supervise.Instance, r supervise.Restart) supervise.Outcome {
	out := supervise.Outcome{Attempt: r.Attempt, StartedAt: time.Now()}
	err := d.restart(ctx, target, run, r, &out)
	out.EndedAt = time.Now()
	if err != nil && !out.TimedOut {
		out.Err = err.Error()
	}
	return out
}

func (d *Driver) restart(ctx context.Context, target string, run supervise.Instance, r supervise.Restart, out *supervise.Outcome) error {
	cli, err := d.client()
	if err != nil {
		return err
	}
	if !d.begin(run.ID) {
		return errors.New("an earlier call for this container has not ended yet")
	}
	defer d.end(run.ID)
	grace := r.StopTimeout
	if grace < 0 {
		grace = engineStop
		if e, ok := d.reg.latest(target); ok && e.look.stopTimeout >= 0 {
			grace = e.look.stopTimeout
		}
	}
	if !r.StartOnly {
		if err := sameRun(ctx, cli, run); err != nil {
			return err
		}
	}
	limited, cancel := context.WithTimeout(ctx, grace+d.slack)
	defer cancel()
	out.StartedAt = time.Now()
	if r.StartOnly {
		_, err = cli.ContainerStart(limited, run.ID, client.ContainerStartOptions{})
	} else {
		opts := client.ContainerRestartOptions{}
		if r.StopTimeout >= 0 {
			seconds := int(math.Ceil(r.StopTimeout.Seconds()))
			opts.Timeout = &seconds
		}
		_, err = cli.ContainerRestart(limited, run.ID, opts)
	}
	if err == nil || limited.Err() == nil && !client.IsErrConnectionFailed(err) {
		return err
	}
	return d.lookedUp(ctx, cli, run, out, err)
}

// sameRun makes sure that what is about to be restarted is what was judged, and that it can come back: restarting a
// container whose network's owner is gone would stop it and fail to start it.
func sameRun(ctx context.Context, cli *client.Client, run supervise.Instance) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	l, err := inspect(ctx, cli, run.ID)
	if err != nil {
		if ctx.Err() != nil {
			return nil // an engine that cannot say how it is may still be able to restart it
		}
		return err
	}
	switch {
	case !l.startedAt.Equal(run.StartedAt):
		return errors.New("somebody else has restarted it in the meantime")
	case l.status == supervise.StatusPaused:
		return errors.New("it has been paused in the meantime")
	case l.donor == "":
		return nil
	}
	if _, err := inspect(ctx, cli, l.donor); err != nil && ctx.Err() == nil {
		return fmt.Errorf("the container whose network it shares: %w", err)
	}
	return nil
}

// lookedUp finds out what became of a call that did not end properly. It takes a context of its own time, as the
// watchdog may be about to end while the engine finishes.
func (d *Driver) lookedUp(ctx context.Context, cli *client.Client, run supervise.Instance, out *supervise.Outcome, cause error) error {
	out.TimedOut = true
	if ctx.Err() != nil {
		return cause // the watchdog ends; the engine goes on
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	l, err := inspect(ctx, cli, run.ID)
	if err == nil && l.status == supervise.StatusRunning && !l.startedAt.Equal(run.StartedAt) {
		out.TimedOut = false
		return nil
	}
	return cause
}

func (d *Driver) begin(id string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.calls[id] {
		return false
	}
	d.calls[id] = true
	return true
}

func (d *Driver) end(id string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.calls, id)
}
