package main

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
)

// fileEvery is how often the status file is written when nothing changes, so that its age shows that the watchdog lives.
const fileEvery = 10 * time.Second

// board holds the latest status for everybody who asks, and writes it to its file on a goroutine of its own: a slow disk
// must not hold up the loop.
type board struct {
	latest atomic.Pointer[journal.Status]
	write  func(journal.Status) error
	failed func(error)
	wake   chan struct{}
	done   sync.WaitGroup
	filed  time.Time
}

func newBoard(write func(journal.Status) error, failed func(error)) *board {
	b := &board{write: write, failed: failed, wake: make(chan struct{}, 1)}
	b.latest.Store(&journal.Status{})
	b.done.Go(func() {
		for range b.wake {
			b.file()
		}
	})
	return b
}

func (b *board) file() {
	if err := b.write(*b.latest.Load()); err != nil {
		b.failed(err)
	}
}

// put shows a status, and files it if it is news.
func (b *board) put(s journal.Status, news bool) {
	b.latest.Store(&s)
	if !news && s.HeartbeatAt.Sub(b.filed) < fileEvery {
		return
	}
	b.filed = s.HeartbeatAt
	select {
	case b.wake <- struct{}{}:
	default: // the writer will find the newest anyway
	}
}

// close files the last status. Nothing may be put after it.
func (b *board) close() {
	close(b.wake)
	b.done.Wait()
	b.file()
}

// get returns the latest status.
func (b *board) get() journal.Status { return *b.latest.Load() }

// publish shows where everything stands, with a heartbeat that proves that the loop goes round.
func (l *loop) publish() {
	now := l.now()
	l.metrics.Heartbeat(now)
	if !l.tidyAt.IsZero() && now.After(l.tidyAt) {
		l.tidyAt = time.Time{}
		l.fail("end the incidents of targets that are gone", l.recorder.Settle(func(target string) bool { return l.targets[target] != nil }, now))
	}
	s := journal.Status{UpdatedAt: now, HeartbeatAt: now, Docker: l.docker}
	for _, v := range l.core.Views(now) {
		s.Targets = append(s.Targets, l.show(v.Target, now))
	}
	first := l.status.get()
	s.Version, s.Mode, s.StartedAt = first.Version, first.Mode, first.StartedAt
	l.status.put(s, l.dirty)
	l.dirty = false
}

func (l *loop) show(target string, now time.Time) journal.Target {
	v := l.view(target)
	o := v.Observation
	t := journal.Target{
		Target: target, ContainerID: o.Instance.ID, State: v.State, Reason: v.Reason, Detail: v.Detail, Since: v.Since, Health: o.Health,
		ConsecutiveFailures: v.Failures,
		Restarts: journal.Restarts{
			InWindow: v.Restarts, Max: o.Policy.MaxRestarts, WindowSeconds: o.Policy.RestartWindow.Seconds(), Remaining: v.Remaining, NextAt: v.NextAt,
		},
	}
	if s := l.targets[target]; s != nil {
		t.Image, t.Restarts.Total, t.LastProbe, t.LastIncident = s.info.Image, s.restarts, s.probe, s.incident
	}
	if o.Status == "running" {
		t.UptimeSeconds = max(now.Sub(o.Instance.StartedAt).Seconds(), 0)
	}
	t.UptimeRatio24h, t.UptimeRatio7d = l.recorder.Uptime(target, now)
	return t
}
