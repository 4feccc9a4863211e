package docker

import (
	"context"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/moby/moby/client"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

const (
	evidenceTimeout   = 5 * time.Second
	recentUsage       = 15 * time.Second // figures so new are good enough: a look at them may take a second
	healthOutputLimit = 1 << 10          // bytes kept of one output of a health check
	logLines          = 100              // lines kept of a log
	logMargin         = 4                // times as many are read, as some may be younger than wanted
	logLineLimit      = 2 << 10          // bytes kept of one line
	logReadLimit      = 8 << 20          // bytes read of a log
)

// Evidence gathers what is left of a container's run. What came after until is left out, in a log as well as of a run that
// began after it; zero means now. It takes at most a few seconds, whatever the engine does.
func (d *Driver) Evidence(ctx context.Context, containerID string, until time.Time) observe.Evidence {
	ev := observe.Evidence{ContainerID: containerID}
	cli, err := d.client()
	if err != nil {
		ev.Errors = []string{err.Error()}
		return ev
	}
	ctx, cancel := context.WithTimeout(ctx, evidenceTimeout)
	defer cancel()
	failed := func(what string, err error) { ev.Errors = append(ev.Errors, what+": "+err.Error()) }
	l, err := inspect(ctx, cli, containerID)
	if err != nil {
		failed("state", err)
		return ev
	}
	ev.ContainerID = l.id
	again := !until.IsZero() && l.startedAt.After(until) // another run has begun
	if !again {
		ev.ExitCode, ev.OOMKilled, ev.Error = l.exitCode, l.oomKilled, l.err
		ev.StartedAt, ev.FinishedAt, ev.Health = l.startedAt, l.finishedAt, l.healthLog
	}

	var wg sync.WaitGroup
	var logErr, statsErr error
	wg.Go(func() { ev.Logs, logErr = logs(ctx, cli, l, until) })
	recent, ok := d.samples.latest(l.id)
	ok = ok && recent.usage.At.After(l.startedAt) && time.Since(recent.usage.At) < recentUsage
	if l.status == supervise.StatusRunning && !again && !ok {
		wg.Go(func() { _, statsErr = d.measure(ctx, cli, l.id) })
	}
	wg.Wait()
	if logErr != nil {
		failed("logs", logErr)
	}
	if statsErr != nil {
		failed("usage", statsErr)
	}
	if s, ok := d.samples.latest(l.id); ok && (again && s.usage.At.Before(until) || !again && s.usage.At.After(l.startedAt)) {
		s.usage.LimitBytes = l.memoryLimit
		ev.Usage = &s.usage
	}
	return ev
}

// logs reads the last lines of a container.
func logs(ctx context.Context, cli *client.Client, l look, until time.Time) ([]observe.LogLine, error) {
	opts := client.ContainerLogsOptions{
		ShowStdout: true, ShowStderr: true, Timestamps: true, Tail: strconv.Itoa(logLines * logMargin),
	}
	if !until.IsZero() {
		opts.Until = engineTime(until)
	}
	body, err := cli.ContainerLogs(ctx, l.id, opts)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	lines, err := readLog(io.LimitReader(body, logReadLimit), l.tty)
	if !until.IsZero() {
		lines = slices.DeleteFunc(lines, func(line observe.LogLine) bool { return line.At.After(until) })
	}
	if ctx.Err() != nil && len(lines) > 0 {
		err = nil // what came in time is better than nothing
	}
	return lastLines(lines, logLines), err
}
